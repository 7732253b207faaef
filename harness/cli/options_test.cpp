#include "harness/cli/options.h"

#include "harness/cli/option_table.h"
#include "harness/cli/program.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::cli;
using Catch::Matchers::Contains;

namespace {

std::string refusal(const std::vector<std::string>& words) {
  Program program;
  const auto parsed = parse_words(program.app, words);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().kind == ErrorKind::bad_input);
  CHECK(parsed.error().message.find('\n') == std::string::npos);
  return parsed.error().message;
}

}  // namespace

TEST_CASE("nearest_word: one slip is found, other words are not", "[cli]") {
  const std::vector<std::string> known = {"run", "report", "grade", "regrade", "--max-output-tokens"};
  CHECK(nearest_word("rnu", known) == "run");
  CHECK(nearest_word("reprt", known) == "report");
  CHECK(nearest_word("graed", known) == "grade");
  CHECK(nearest_word("--max-output-token", known) == "--max-output-tokens");
  CHECK(nearest_word("xyzzy", known).empty());
  CHECK(nearest_word("", known).empty());
}

TEST_CASE("parse_words: unknown words are refused with the nearest", "[cli]") {
  CHECK_THAT(refusal({"rnu"}), Contains("\"rnu\"") && Contains("run"));
  CHECK_THAT(refusal({"run", "--sede", "1"}), Contains("\"--sede\"") && Contains("--seed"));
  CHECK_THAT(refusal({"run", "--sede=1"}), Contains("\"--sede\"") && Contains("--seed"));
  CHECK_THAT(refusal({"zzzzzz"}), Contains("known: run, plan, project, report"));
  CHECK_THAT(refusal({"models", "ad"}), Contains("add"));
}

TEST_CASE("parse_words: values are checked with the option's name", "[cli]") {
  CHECK_THAT(refusal({"run", "--seed", "-1"}), Contains("--seed") && Contains("from 0"));
  CHECK_THAT(refusal({"run", "--seed", "0x10"}), Contains("--seed"));
  CHECK_THAT(refusal({"run", "--samples", "0"}), Contains("--samples"));
  CHECK_THAT(refusal({"run", "--samples", "1.5"}), Contains("--samples"));
  CHECK_THAT(refusal({"run", "--temperature", "nan"}), Contains("--temperature"));
  CHECK_THAT(refusal({"run", "--top-p", "0"}), Contains("--top-p"));
  CHECK_THAT(refusal({"run", "--min-p", "1"}), Contains("--min-p"));
  CHECK_THAT(refusal({"run", "--device", "gpu"}), Contains("--device"));
  CHECK_THAT(refusal({"run", "--device", "cuda:"}), Contains("--device"));
  CHECK_THAT(refusal({"run", "--tensor-parallel", "9"}), Contains("--tensor-parallel"));
  CHECK_THAT(refusal({"run", "--expert-parallel", "0"}), Contains("--expert-parallel"));
  CHECK_THAT(refusal({"run", "--link-gb-s", "0"}), Contains("--link-gb-s") && Contains("above 0"));
  CHECK_THAT(refusal({"run", "--cuda-path", "ampere"}), Contains("--cuda-path") && Contains("portable"));
  CHECK_THAT(refusal({"run", "--sandbox", "maybe"}), Contains("--sandbox") && Contains("bwrap"));
  CHECK_THAT(refusal({"run", "--protocol", "own"}), Contains("deepseek-r1"));
  CHECK_THAT(refusal({"run", "--seed"}), Contains("--seed"));
  CHECK_THAT(refusal({"run", "--seed", "1", "--seed", "2"}), Contains("--seed"));
  CHECK_THAT(refusal({"run", "--quiet", "--verbose"}), Contains("--quiet"));
}

TEST_CASE("option table: every command has a summary, an example and help for every option", "[cli]") {
  Program program;
  const std::vector<CommandEntry> commands = command_entries(program.app);
  CHECK(commands.size() >= all_commands().size());
  for (const CommandEntry& command : commands) {
    INFO(command.words.back());
    CHECK_FALSE(command.summary.empty());
    CHECK_THAT(command.footer, Contains("Example: ") && Contains("assay " + command.words.front()));
    for (const OptionEntry& option : command.options) {
      INFO(option.positional << (option.names.empty() ? "" : option.names.back()));
      CHECK_FALSE(option.help.empty());
    }
    if (command.words.size() > 1) continue;
    for (const char* name : {"--db", "--json", "--quiet", "--verbose", "--help"}) {
      const auto has = [&](const OptionEntry& o) {
        return std::find(o.names.begin(), o.names.end(), name) != o.names.end();
      };
      CHECK(std::any_of(command.options.begin(), command.options.end(), has));
    }
  }
}

TEST_CASE("every example in --help parses", "[cli]") {
  Program table;
  for (const CommandEntry& command : command_entries(table.app)) {
    INFO(command.footer);
    std::string example = command.footer.substr(command.footer.find("Example: ") + 9);
    const auto from = example.find("assay ");
    REQUIRE(from != std::string::npos);
    example = example.substr(from + 6);
    example = example.substr(0, example.find_first_of("|>"));
    std::vector<std::string> words;
    bool quoted = false;
    std::string word;
    for (const char c : example) {
      if (c == '\'') quoted = !quoted;
      if (c == ' ' && !quoted) {
        if (!word.empty()) words.push_back(word);
        word.clear();
      } else if (c != '\'') {
        word += c;
      }
    }
    if (!word.empty()) words.push_back(word);
    Program program;
    const auto parsed = parse_words(program.app, words);
    if (!parsed) FAIL(parsed.error().message);
  }
}
