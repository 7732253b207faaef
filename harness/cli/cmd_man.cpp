// assay man: the manual page, from the option tables.

#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/option_table.h"
#include "harness/cli/output.h"
#include "harness/run/build_facts.h"

namespace assay::cli {

namespace {

/// Text for roff: backslashes and hyphens escaped, and no line that begins with a control character.
std::string roff(std::string text) {
  text = replace_all(std::move(text), "\\", "\\e");
  text = replace_all(std::move(text), "-", "\\-");
  text = replace_all(std::move(text), "\n.", "\n\\&.");
  text = replace_all(std::move(text), "\n'", "\n\\&'");
  if (text.starts_with(".") || text.starts_with("'")) text.insert(0, "\\&");
  return text;
}

std::string option_paragraph(const OptionEntry& option) {
  std::string text = ".TP\n";
  if (option.names.empty()) {
    text += "\\fI" + roff(option.positional) + "\\fR" + (option.repeats ? "…" : "") + "\n";
  } else {
    text += "\\fB" + roff(join(option.names, ", ")) + "\\fR";
    if (!option.value.empty()) text += " \\fI" + roff(option.value) + "\\fR";
    text += "\n";
  }
  return text + roff(option.help) + "\n";
}

std::string command_section(const CommandEntry& command) {
  std::string text = ".SS assay " + roff(join(command.words, " ")) + "\n" + roff(command.summary) + ".\n";
  for (const OptionEntry& option : command.options) {
    if (option.group != "Common options" && option.names != std::vector<std::string>{"-h", "--help"}) {
      text += option_paragraph(option);
    }
  }
  if (!command.footer.empty()) text += ".PP\n.nf\n" + roff(command.footer) + "\n.fi\n";
  return text;
}

std::string manual_page(const std::vector<CommandEntry>& commands, const std::string& description) {
  std::string text = ".TH ASSAY 1 \"\" \"assay " + run::build_facts().version + "\" \"User Commands\"\n";
  text += ".SH NAME\nassay \\- measures reasoning models\n";
  text += ".SH SYNOPSIS\n\\fBassay\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n";
  text += ".SH DESCRIPTION\n" + roff(description) + "\n";
  text += ".SH COMMON OPTIONS\n";
  for (const OptionEntry& option : commands.front().options) {
    if (option.group == "Common options") text += option_paragraph(option);
  }
  text += ".SH COMMANDS\n";
  for (const CommandEntry& command : commands) text += command_section(command);
  text += ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : std::initializer_list<std::pair<const char*, const char*>>{
           {"0", "done"},
           {"2", "the call's words or the input data are wrong; one line on standard error says what and where"},
           {"3", "the environment fails: no device, out of memory, no sandbox, a database that can't be written"},
           {"4",
            "interrupted after saving everything that had finished; the message gives the command that resumes"}}) {
    text += std::string(".TP\n") + code + "\n" + roff(meaning) + "\n";
  }
  text += ".SH ENVIRONMENT\n";
  for (const auto& [name, meaning] : std::initializer_list<std::pair<const char*, const char*>>{
           {"ASSAY_DB", "the results database, where \\-\\-db is not given"},
           {"ASSAY_DATA", "the folder that holds the shipped models and suites"},
           {"XDG_CONFIG_HOME", "where registered models are kept (assay/models.json)"}}) {
    text += std::string(".TP\n.B ") + name + "\n" + meaning + "\n";
  }
  return text;
}

}  // namespace

Action declare_man(CLI::App& app, const CommonOptions& common) {
  app.footer("Example: assay man | man -l -");
  return [&app, &common] {
    const CLI::App& root = *app.get_parent();
    const std::string page = manual_page(command_entries(root), root.get_description());
    return common.json ? print_json({{"man", page}}) : print(page);
  };
}

}  // namespace assay::cli
