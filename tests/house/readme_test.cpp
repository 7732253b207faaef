// Every command that README.md shows exists, with the options it is shown with.

#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "tests/support/catch.h"

using namespace assay;
namespace fs = std::filesystem;

namespace {

using Command = std::vector<std::string>;  // its words

// The commands in the fenced shell blocks of a Markdown text: one a line, a comment starts at " #".
std::vector<Command> commands_in(std::string_view markdown) {
  std::vector<Command> commands;
  bool in_shell = false;
  for (const std::string& line : split(markdown, '\n')) {
    if (line.starts_with("```")) {
      in_shell = !in_shell && trim(line) == "```sh";
      continue;
    }
    if (!in_shell) continue;
    Command command;
    for (const std::string& word : split(line, ' ')) {
      if (word.starts_with('#')) break;
      if (!word.empty()) command.push_back(word);
    }
    if (!command.empty()) commands.push_back(command);
  }
  return commands;
}

std::vector<Command> readme_commands() {
  const Result<std::string> text = read_file(fs::path(ASSAY_SOURCE_DIR) / "README.md");
  REQUIRE(text);
  return commands_in(*text);
}

std::set<std::string> workflow_presets() {
  const fs::path path = fs::path(ASSAY_SOURCE_DIR) / "CMakePresets.json";
  const Result<std::string> text = read_file(path);
  REQUIRE(text);
  const Result<Json> presets = parse_json(*text, "CMakePresets.json");
  REQUIRE(presets);
  std::set<std::string> names;
  for (const Json& preset : presets->at("workflowPresets")) names.insert(preset.at("name").get<std::string>());
  return names;
}

bool is_assay(const Command& command) { return fs::path(command[0]).filename() == "assay"; }

}  // namespace

TEST_CASE("readme: commands are read from shell blocks alone", "[house]") {
  const auto commands = commands_in("`a`\n```sh\nx --y 1  # why\n\n# z\n```\ntext\n```\noutput\n```\n```sh\nb\n```\n");
  CHECK(commands == std::vector<Command>{{"x", "--y", "1"}, {"b"}});
}

TEST_CASE("readme: scripts are there and executable, presets are workflows", "[house]") {
  const std::set<std::string> presets = workflow_presets();
  const std::vector<Command> commands = readme_commands();
  REQUIRE(commands.size() >= 2);
  for (const Command& command : commands) {
    CAPTURE(command);
    if (command[0].starts_with("scripts/") || command[0].starts_with(".ci/")) {
      const fs::path script = fs::path(ASSAY_SOURCE_DIR) / command[0];
      REQUIRE(fs::exists(script));
      CHECK((fs::status(script).permissions() & fs::perms::owner_exec) != fs::perms::none);
    } else if (command[0] == "cmake") {
      REQUIRE(command.size() == 4);
      CHECK(command[1] == "--workflow");
      CHECK(command[2] == "--preset");
      CHECK(presets.contains(command[3]));
    } else {
      CHECK(is_assay(command));
    }
  }
}

#ifdef ASSAY_PROGRAM
namespace {

// What `assay COMMAND --help` prints; fails the test if it fails.
std::string help_of(const std::string& command) {
  std::FILE* pipe = popen(("'" ASSAY_PROGRAM "' " + command + " --help 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  char part[4096];
  for (std::size_t n; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) text.append(part, n);
  const int status = pclose(pipe);
  CAPTURE(command, text);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  return text;
}

}  // namespace

TEST_CASE("readme: assay knows each command and option that is shown", "[house]") {
  for (const Command& command : readme_commands()) {
    if (!is_assay(command)) continue;
    REQUIRE(command.size() >= 2);
    std::string help = help_of(command[1]);
    const bool has_inner = help.find("\nSubcommands:") != std::string::npos;
    if (has_inner && command.size() > 2 && !command[2].starts_with('-')) help = help_of(command[1] + " " + command[2]);
    for (const std::string& word : command) {
      if (!word.starts_with("--")) continue;
      CAPTURE(command, word, help);
      CHECK(help.find(word) != std::string::npos);
    }
  }
}
#endif
