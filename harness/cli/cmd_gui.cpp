// assay gui: opens the dashboard.

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "harness/cli/command.h"

namespace assay::cli {

namespace {

namespace fs = std::filesystem;

struct GuiArgs {
  std::vector<std::string> databases;
};

/// The dashboard beside this program, else whichever the search path holds.
std::string dashboard_program() {
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  const fs::path beside = self.parent_path() / "assay-gui";
  return !failed && fs::exists(beside, failed) ? beside.string() : "assay-gui";
}

/// Gives its place to the dashboard; returns only if that fails.
Result<int> gui_command(const GuiArgs& args, const CommonOptions& common) {
  std::vector<std::string> words = {dashboard_program()};
  // Without a word on databases the window opens empty, and says how to fill it.
  if (fs::exists(common.db) || common.db != kUsualDatabase || !args.databases.empty()) {
    words.insert(words.end(), {"--db", common.db});
  }
  words.insert(words.end(), args.databases.begin(), args.databases.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execvp(pointers.front(), pointers.data());
  if (errno == ENOENT) {
    return environment_error(
        "the dashboard assay-gui is neither beside this program nor on PATH; scripts/dashboard builds it");
  }
  return environment_error("can't start ", words.front(), ": ", std::strerror(errno));
}

}  // namespace

Action declare_gui(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<GuiArgs>();  // shared by the option table, which writes it, and the action
  add_texts(app, "FILE", args->databases, "", "Further results databases, beside that of --db");
  app.footer("Example: assay gui --db h100.db h800.db");
  return [args, &common] { return gui_command(*args, common); };
}

}  // namespace assay::cli
