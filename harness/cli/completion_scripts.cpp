#include "harness/cli/completion_scripts.h"

#include <algorithm>
#include <set>

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

std::vector<std::string> option_names(const CommandEntry& command) {
  std::vector<std::string> names;
  for (const OptionEntry& option : command.options) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

/// Text within single quotes of a shell; zsh and fish additionally see no bracket or colon that they would read.
std::string single_quoted(std::string text) { return "'" + replace_all(std::move(text), "'", "'\\''") + "'"; }

std::string zsh_text(std::string text) {
  for (const char* special : {"\\", "[", "]", ":"}) text = replace_all(text, special, std::string("\\") + special);
  return replace_all(text, "'", "'\\''");
}

}  // namespace

std::string bash_completion(const std::vector<CommandEntry>& commands) {
  std::string text =
      "# bash completion for assay; made by \"assay completion bash\".\n"
      "_assay() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
      "  if (( COMP_CWORD == 1 )); then\n"
      "    COMPREPLY=($(compgen -W '" +
      join(first_words(commands), " ") +
      " --help --version' -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case \"$command $before\" in\n";
  for (const CommandEntry& command : commands) {
    if (command.words.size() > 1) continue;
    for (const OptionEntry& option : command.options) {
      if (option.names.empty() || option.value.empty()) continue;
      std::vector<std::string> patterns;
      for (const std::string& name : option.names) patterns.push_back("'" + command.words[0] + " " + name + "'");
      const std::string reply = !option.choices.empty()
                                    ? "COMPREPLY=($(compgen -W '" + join(option.choices, " ") + "' -- \"$word\"))"
                                : option.takes_file ? "COMPREPLY=($(compgen -f -- \"$word\"))"
                                                    : "COMPREPLY=()";
      text += "    " + join(patterns, "|") + ") " + reply + "; return ;;\n";
    }
  }
  text += "  esac\n  case \"$command\" in\n";
  for (const CommandEntry& command : commands) {
    if (command.words.size() > 1) continue;
    std::vector<std::string> words = second_words(commands, command.words[0]);
    for (const OptionEntry& option : command.options) {
      if (option.names.empty()) words.insert(words.end(), option.choices.begin(), option.choices.end());
    }
    for (const std::string& name : option_names(command)) words.push_back(name);
    text += "    " + command.words[0] + ") COMPREPLY=($(compgen -W '" + join(words, " ") + "' -- \"$word\")) ;;\n";
  }
  return text +
         "  esac\n"
         "}\n"
         "complete -o filenames -F _assay assay\n";
}

std::string zsh_completion(const std::vector<CommandEntry>& commands) {
  std::string text =
      "#compdef assay\n"
      "# zsh completion for assay; made by \"assay completion zsh\".\n"
      "_assay() {\n"
      "  local line state\n"
      "  _arguments -C '1:command:->command' '*::argument:->argument'\n"
      "  case $state in\n"
      "  command)\n"
      "    local -a commands=(\n";
  for (const CommandEntry& command : commands) {
    if (command.words.size() == 1) text += "      '" + command.words[0] + ":" + zsh_text(command.summary) + "'\n";
  }
  text += "    )\n    _describe command commands ;;\n  argument)\n    case $line[1] in\n";
  for (const CommandEntry& command : commands) {
    if (command.words.size() > 1) continue;
    text += "    " + command.words[0] + ") _arguments";
    for (const OptionEntry& option : command.options) {
      std::string action;
      if (!option.choices.empty()) action = "(" + join(option.choices, " ") + ")";
      if (option.choices.empty() && option.takes_file) action = "_files";
      for (const std::string& name : option.names) {
        const std::string value = option.value.empty() ? "" : ":" + zsh_text(option.value) + ":" + action;
        text += " \\\n      '" + std::string(option.repeats ? "*" : "") + name + "[" + zsh_text(option.help) + "]" +
                value + "'";
      }
    }
    if (const auto words = second_words(commands, command.words[0]); !words.empty()) {
      text += " \\\n      '1:action:(" + join(words, " ") + ")' '*:file:_files'";
    }
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
      "complete -c assay -f\n";
  for (const CommandEntry& command : commands) {
    const std::string& first = command.words[0];
    if (command.words.size() == 1) {
      text += "complete -c assay -n __fish_use_subcommand -a " + first + " -d " + single_quoted(command.summary) + "\n";
      for (const OptionEntry& option : command.options) {
        if (option.names.empty()) continue;
        text += "complete -c assay -n '__fish_seen_subcommand_from " + first + "'";
        for (const std::string& name : option.names) {
          text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
        }
        if (!option.value.empty()) text += option.takes_file ? " -r -F" : " -x";
        if (!option.choices.empty()) text += " -a " + single_quoted(join(option.choices, " "));
        text += " -d " + single_quoted(option.help) + "\n";
      }
    } else {
      text += "complete -c assay -n '__fish_seen_subcommand_from " + first + "' -a " + command.words[1] + " -d " +
              single_quoted(command.summary) + "\n";
    }
  }
  return text;
}

}  // namespace assay::cli
