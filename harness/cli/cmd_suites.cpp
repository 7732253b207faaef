// assay suites: what can be measured.

#include <algorithm>
#include <memory>

#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "suites/registry.h"

namespace assay::cli {

namespace {

Json to_json(const suites::SuiteCard& card) {
  return {{"suite", card.name},   {"group", card.group.empty() ? Json() : Json(card.group)}, {"kind", card.kind},
          {"title", card.title},  {"items", card.n_items > 0 ? Json(card.n_items) : Json()}, {"licence", card.licence},
          {"source", card.source}};
}

Result<> print_cards(const std::vector<suites::SuiteCard>& cards, const CommonOptions& common) {
  if (common.json) {
    Json records = Json::array();
    for (const suites::SuiteCard& card : cards) records.push_back(to_json(card));
    return print_json({{"suites", records}});
  }
  std::vector<std::vector<std::string>> rows = {{"suite", "group", "kind", "items", "title"}};
  for (const suites::SuiteCard& card : cards) {
    rows.push_back({card.name, card.group.empty() ? "-" : card.group, card.kind,
                    card.n_items > 0 ? std::to_string(card.n_items) : "not shipped", card.title});
  }
  return print(text_table(rows));
}

/// False also where the authors ask that no item appear in plain text.
bool has_example(const suites::Suite& suite) { return !suite.items.empty() && !suite.archive; }

Json to_json(const suites::Suite& suite) {
  std::vector<std::string> tags;
  for (const suites::Item& item : suite.items) {
    if (!item.tag.empty() && std::find(tags.begin(), tags.end(), item.tag) == tags.end()) tags.push_back(item.tag);
  }
  const suites::SamplingDefaults& sampling = suite.sampling;
  return {{"suite", suite.name},
          {"version", suite.version},
          {"kind", suites::to_string(suite.kind)},
          {"title", suite.title},
          {"licence", suite.licence},
          {"source", suite.source},
          {"sha256", suite.sha256},
          {"items", suite.items.size()},
          {"tags", tags},
          {"sampling",
           {{"temperature", sampling.temperature},
            {"top_p", sampling.top_p},
            {"max_output_tokens", sampling.max_output_tokens > 0 ? Json(sampling.max_output_tokens) : Json()},
            {"samples", sampling.samples}}},
          {"example_prompt", has_example(suite) ? Json(suite.items.front().prompt) : Json()}};
}

Result<> print_suite(const suites::Suite& suite, const CommonOptions& common) {
  const Json record = to_json(suite);
  if (common.json) return print_json(record);
  std::string text;
  for (const auto& [key, value] : record.items()) {
    if (key == "example_prompt") continue;
    text += key + ": " + (value.is_string() ? value.get<std::string>() : to_json_text(value)) + "\n";
  }
  if (has_example(suite)) text += "\nThe first item's prompt:\n" + suite.items.front().prompt + "\n";
  return print(text);
}

Result<> show_command(const std::string& name, const CommonOptions& common) {
  ASSAY_ASSIGN(const std::vector<suites::Suite> suites, suites::resolve_suites(name));
  if (suites.size() != 1)
    return bad_input("suites show: ", quoted_excerpt(name), " is ", suites.size(), " suites; name one");
  return print_suite(suites.front(), common);
}

Result<> list_command(const CommonOptions& common) {
  ASSAY_ASSIGN(const std::vector<suites::SuiteCard> cards, suites::list_suites());
  return print_cards(cards, common);
}

}  // namespace

Action declare_suites(CLI::App& app, const CommonOptions& common) {
  const auto name = std::make_shared<std::string>();  // shared by the option table, which writes it, and the action
  CLI::App* show = app.add_subcommand("show", "Show one suite: its sampling, licence, source and first prompt");
  show->add_option("NAME", *name, "A suite's name, or the folder of your own")->required();
  show->footer("Example: assay suites show zebra-smoke");
  app.footer(
      "Without a further word: all suites that ship. --json prints {\"suites\":[…]}.\n"
      "Example: assay suites");
  return [name, show, &common] { return show->parsed() ? show_command(*name, common) : list_command(common); };
}

}  // namespace assay::cli
