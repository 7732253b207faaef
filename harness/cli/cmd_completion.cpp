// assay completion: shells complete what the option tables say.

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/completion_scripts.h"
#include "harness/cli/output.h"

namespace assay::cli {

namespace {

Result<> completion_command(const std::string& shell, const CLI::App& root, const CommonOptions& common) {
  const std::vector<CommandEntry> commands = command_entries(root);
  const std::string script = shell == "bash"  ? bash_completion(commands)
                             : shell == "zsh" ? zsh_completion(commands)
                                              : fish_completion(commands);
  return common.json ? print_json({{"shell", shell}, {"script", script}}) : print(script);
}

}  // namespace

Action declare_completion(CLI::App& app, const CommonOptions& common) {
  const auto shell = std::make_shared<std::string>();  // shared by the option table, which writes it, and the action
  add_choice(app, "SHELL", *shell, {"bash", "zsh", "fish"}, "bash, zsh or fish")->required();
  app.footer("Example: assay completion bash > ~/.local/share/bash-completion/completions/assay");
  return [shell, &app, &common] { return completion_command(*shell, *app.get_parent(), common); };
}

}  // namespace assay::cli
