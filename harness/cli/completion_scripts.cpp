#include "harness/cli/completion_scripts.h"

#include <algorithm>

#include "harness/base/text.h"

namespace assay::cli {

namespace {

std::vector<std::string> first_words(const std::vector<CommandEntry>& commands) {
  std::vector<std::string> words;
  for (const CommandEntry& command : commands) {
    if (command.words.size() == 1) words.push_back(command.words[0]);
  }
  return words;
}

std::vector<std::string> second_words(const std::vector<CommandEntry>& commands, const std::string& first) {
  std::vector<std::string> words;
  for (const CommandEntry& command : commands) {
    if (command.words.size() == 2 && command.words[0] == first) words.push_back(command.words[1]);
  }
  return words;
}

/// What the command takes: its own options, and behind an inner command those of the outer one, too.
std::vector<OptionEntry> options_of(const std::vector<CommandEntry>& commands, const CommandEntry& command) {
  std::vector<OptionEntry> options = command.options;
  for (const CommandEntry& outer : commands) {
    if (command.words.size() == 1 || outer.words != std::vector<std::string>{command.words[0]}) continue;
    for (const OptionEntry& option : outer.options) {
      const bool is_own = std::any_of(command.options.begin(), command.options.end(),
                                      [&](const OptionEntry& own) { return own.names == option.names; });
      if (!is_own) options.push_back(option);
    }
  }
  return options;
}

/// "'bench serve'|'models add'": inner commands as a pattern of case.
std::string inner_command_pattern(const std::vector<CommandEntry>& commands) {
  std::vector<std::string> patterns;
  for (const CommandEntry& command : commands) {
    if (command.words.size() > 1) patterns.push_back("'" + join(command.words, " ") + "'");
  }
  return join(patterns, "|");
}

/// Text within single quotes of a shell; zsh and fish additionally see no bracket or colon that they would read.
std::string single_quoted(std::string text) { return "'" + replace_all(std::move(text), "'", "'\\''") + "'"; }

std::string zsh_text(std::string text) {
  for (const char* special : {"\\", "[", "]", ":"}) text = replace_all(text, special, std::string("\\") + special);
  return replace_all(text, "'", "'\\''");
}

/// The lines of bash that complete the values of the command's options.
std::string bash_values(const std::string& words, const std::vector<OptionEntry>& options) {
  std::string text;
  for (const OptionEntry& option : options) {
    if (option.names.empty() || option.value.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : option.names) patterns.push_back("'" + words + " " + name + "'");
    const std::string reply = !option.choices.empty()
                                  ? "COMPREPLY=($(compgen -W '" + join(option.choices, " ") + "' -- \"$word\"))"
                              : option.takes_file ? "COMPREPLY=($(compgen -f -- \"$word\"))"
                                                  : "COMPREPLY=()";
    text += "    " + join(patterns, "|") + ") " + reply + "; return ;;\n";
  }
  return text;
}

/// The line of bash that completes the command's words: inner commands, options, and files where it takes them.
std::string bash_words(const std::string& words, std::vector<std::string> known,
                       const std::vector<OptionEntry>& options) {
  bool takes_files = false;
  for (const OptionEntry& option : options) {
    const std::vector<std::string>& more = option.names.empty() ? option.choices : option.names;
    known.insert(known.end(), more.begin(), more.end());
    takes_files = takes_files || (option.names.empty() && option.takes_file);
  }
  return "    '" + words + "') COMPREPLY=($(compgen " + (takes_files ? "-f " : "") + "-W '" + join(known, " ") +
         "' -- \"$word\")) ;;\n";
}

/// An option, or a positional word, as an argument of zsh's _arguments; several where it has several names.
std::string zsh_arguments(const OptionEntry& option) {
  std::string action;
  if (!option.choices.empty()) action = "(" + join(option.choices, " ") + ")";
  if (option.choices.empty() && option.takes_file) action = "_files";
  if (option.names.empty()) return action.empty() ? "" : " \\\n      '*:" + option.positional + ":" + action + "'";
  std::string text;
  for (const std::string& name : option.names) {
    const std::string value = option.value.empty() ? "" : ":" + zsh_text(option.value) + ":" + action;
    text += " \\\n      '" + std::string(option.repeats ? "*" : "") + name + "[" + zsh_text(option.help) + "]" + value +
            "'";
  }
  return text;
}

/// An option, or a positional word, as a command of fish; empty for words that can't be known.
std::string fish_option(const std::string& words, const OptionEntry& option) {
  if (option.names.empty() && option.choices.empty() && !option.takes_file) return "";
  std::string text = "complete -c assay -n '__assay_begins " + words + "'";
  for (const std::string& name : option.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (option.names.empty() && option.takes_file) text += " -F";
  if (!option.value.empty()) text += option.takes_file ? " -r -F" : " -x";
  if (!option.choices.empty()) text += " -a " + single_quoted(join(option.choices, " "));
  return text + " -d " + single_quoted(option.help) + "\n";
}

}  // namespace

std::string bash_completion(const std::vector<CommandEntry>& commands) {
  std::string values, words;
  for (const CommandEntry& command : commands) {
    const std::string name = join(command.words, " ");
    const std::vector<OptionEntry> options = options_of(commands, command);
    const bool is_outer = command.words.size() == 1;
    values += bash_values(name, options);
    words += bash_words(name, is_outer ? second_words(commands, name) : std::vector<std::string>(), options);
  }
  return "# bash completion for assay; made by \"assay completion bash\".\n"
         "_assay() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
         "  if (( COMP_CWORD == 1 )); then\n"
         "    COMPREPLY=($(compgen -W '" +
         join(first_words(commands), " ") +
         " --help --version' -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  if (( COMP_CWORD > 2 )); then\n"
         "    case \"$command ${COMP_WORDS[2]}\" in\n"
         "    " +
         inner_command_pattern(commands) +
         ") command+=\" ${COMP_WORDS[2]}\" ;;\n"
         "    esac\n"
         "  fi\n"
         "  case \"$command $before\" in\n" +
         values + "  esac\n  case \"$command\" in\n" + words +
         "  esac\n"
         "}\n"
         "complete -o filenames -F _assay assay\n";
}

std::string zsh_completion(const std::vector<CommandEntry>& commands) {
  std::string text =
      "#compdef assay\n"
      "# zsh completion for assay; made by \"assay completion zsh\".\n"
      "_assay() {\n"
      "  local line state command\n"
      "  _arguments -C '1:command:->command' '*::argument:->argument'\n"
      "  case $state in\n"
      "  command)\n"
      "    local -a commands=(\n";
  for (const CommandEntry& command : commands) {
    if (command.words.size() == 1) text += "      '" + command.words[0] + ":" + zsh_text(command.summary) + "'\n";
  }
  text +=
      "    )\n    _describe command commands ;;\n  argument)\n"
      "    command=$line[1]\n"
      "    case \"$command $words[2]\" in\n"
      "    " +
      inner_command_pattern(commands) +
      ")\n"
      "      if (( CURRENT > 2 )); then command+=\" $words[2]\"; shift words; (( CURRENT-- )); fi ;;\n"
      "    esac\n"
      "    case $command in\n";
  for (const CommandEntry& command : commands) {
    text += "    '" + join(command.words, " ") + "') _arguments";
    for (const OptionEntry& option : options_of(commands, command)) text += zsh_arguments(option);
    const bool is_outer = command.words.size() == 1;
    const auto words = is_outer ? second_words(commands, command.words[0]) : std::vector<std::string>();
    if (!words.empty()) text += " \\\n      '1:action:(" + join(words, " ") + ")'";
    text += " ;;\n";
  }
  return text +
         "    esac ;;\n"
         "  esac\n"
         "}\n"
         "_assay \"$@\"\n";
}

std::string fish_completion(const std::vector<CommandEntry>& commands) {
  std::string text =
      "# fish completion for assay; made by \"assay completion fish\".\n"
      "function __assay_begins\n"
      "  set -l words (commandline -opc)\n"
      "  set -e words[1]\n"
      "  string match -q -- \"$argv *\" \"$words \"\n"
      "end\n"
      "function __assay_is\n"
      "  set -l words (commandline -opc)\n"
      "  set -e words[1]\n"
      "  test \"$words\" = \"$argv\"\n"
      "end\n"
      "complete -c assay -f\n";
  for (const CommandEntry& command : commands) {
    const std::string outer = command.words.size() == 1 ? "" : " " + command.words[0];
    text += "complete -c assay -n '__assay_is" + outer + "' -a " + command.words.back() + " -d " +
            single_quoted(command.summary) + "\n";
    for (const OptionEntry& option : command.options) text += fish_option(join(command.words, " "), option);
  }
  return text;
}

}  // namespace assay::cli
