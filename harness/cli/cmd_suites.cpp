// assay suites: what can be measured, and each suite's card.

#include <algorithm>
#include <memory>

#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/run/sampling.h"
#include "suites/code/code_window.h"
#include "suites/prompts.h"
#include "suites/published.h"
#include "suites/registry.h"
#include "suites/zebra/zebra_spec.h"

namespace assay::cli {

namespace {

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }
Json count_or_null(std::int64_t count) { return count > 0 ? Json(count) : Json(); }

/// What suite.json says of the data: in the list and on the card.
Json notes_json(const suites::Suite& suite) {
  const suites::SuiteNotes& notes = suite.notes;
  return {{"title", suite.title},
          {"licence", suite.licence},
          {"source", suite.source},
          {"language", text_or_null(notes.language)},
          {"canary", text_or_null(notes.canary)},
          {"contamination", text_or_null(notes.contamination)},
          {"items_from", text_or_null(notes.items_from)},
          {"errata", notes.errata}};
}

Json list_json(const suites::SuiteCard& card) {
  Json json = {{"suite", card.suite.name},
               {"group", text_or_null(card.group)},
               {"version", card.suite.version},
               {"kind", suites::to_string(card.suite.kind)},
               {"items", count_or_null(static_cast<std::int64_t>(card.n_items))}};
  json.update(notes_json(card.suite));
  return json;
}

Result<> list_suites_command(const CommonOptions& common) {
  ASSAY_ASSIGN(const std::vector<suites::SuiteCard> cards, suites::list_suites());
  ASSAY_ASSIGN(const std::vector<suites::SuiteGroup> groups, suites::list_groups());
  if (common.json) {
    Json records = Json::array(), group_records = Json::array();
    for (const suites::SuiteCard& card : cards) records.push_back(list_json(card));
    for (const suites::SuiteGroup& group : groups) {
      group_records.push_back({{"group", group.name}, {"title", group.title}, {"members", group.members}});
    }
    return print_json({{"suites", records}, {"groups", group_records}});
  }
  std::vector<std::vector<std::string>> rows = {{"suite", "group", "kind", "items", "title"}};
  for (const suites::SuiteCard& card : cards) {
    rows.push_back({card.suite.name, card.group.empty() ? "-" : card.group, suites::to_string(card.suite.kind),
                    card.n_items > 0 ? std::to_string(card.n_items) : "not shipped", card.suite.title});
  }
  std::string text = text_table(rows);
  for (const suites::SuiteGroup& group : groups) {
    text += "\n" + group.name + ": " + join(group.members, ", ") + ". " + group.title + ".\n";
  }
  return print(text);
}

/// The sampling that each known protocol prescribes for this suite.
Result<Json> protocols_json(const suites::Suite& suite) {
  Json json = Json::object();
  for (const std::string& name : run::protocol_names()) {
    ASSAY_ASSIGN(const run::Protocol protocol, run::find_protocol(name));
    const runners::SamplingParams sampling = run::resolve_sampling(suite.sampling, protocol.sampling, {});
    json[name] = {{"temperature", sampling.temperature},
                  {"top_p", sampling.top_p},
                  {"max_output_tokens", count_or_null(sampling.max_output_tokens)},
                  {"samples", run::protocol_samples(protocol, suite)},
                  {"reply_opening", text_or_null(protocol.reply_opening)}};
  }
  return json;
}

/// Null where each record has its own prompt.
Json prompt_json(const suites::Suite& suite) {
  const Json record = suite.items.empty() ? Json::object() : suite.items.front().record;
  if (!suite.items.empty() && suites::has_own_prompt(suite.kind, record)) return Json();
  return Json(suites::prompt_text(suite.kind, suite.prompt, record));
}

/// Null also where the authors ask that no item appear in plain text.
Json example_prompt(const suites::Suite& suite) {
  return suite.items.empty() || suite.archive ? Json() : Json(suite.items.front().prompt);
}

Result<Json> card_json(const suites::Suite& suite) {
  std::vector<std::string> tags;
  for (const suites::Item& item : suite.items) {
    if (!item.tag.empty() && std::find(tags.begin(), tags.end(), item.tag) == tags.end()) tags.push_back(item.tag);
  }
  ASSAY_ASSIGN(const suites::CodeWindow window, suites::parse_code_window(suite.name));
  ASSAY_ASSIGN(const std::vector<suites::PublishedScore> scores, suites::published_scores(window.suite));
  Json published = Json::array();
  for (const suites::PublishedScore& score : scores) {
    published.push_back({{"model", score.model},
                         {"metric", score.metric},
                         {"value_pct", score.value_pct},
                         {"provenance", "published"},
                         {"source", score.source},
                         {"note", text_or_null(score.note)}});
  }
  ASSAY_ASSIGN(const Json protocols, protocols_json(suite));
  Json json = {{"suite", suite.name}, {"version", suite.version}, {"kind", suites::to_string(suite.kind)}};
  if (!window.options.empty()) {
    json["window"] = {{"from", text_or_null(window.from)},
                      {"to", text_or_null(window.to)},
                      {"without_errata", window.without_errata}};
  }
  json.update(notes_json(suite));
  json.update(
      {{"items", count_or_null(static_cast<std::int64_t>(suite.items.size()))},
       {"tags", tags},
       {"sha256", text_or_null(suite.sha256)},
       {"grader", {{"version", suites::grader_version(suite.kind)}, {"profiles", suites::grader_profiles(suite.kind)}}},
       {"sampling",
        {{"temperature", suite.sampling.temperature},
         {"top_p", suite.sampling.top_p},
         {"max_output_tokens", count_or_null(suite.sampling.max_output_tokens)},
         {"samples", suite.sampling.samples}}},
       {"protocols", protocols},
       {"prompt", prompt_json(suite)},
       {"example_prompt", example_prompt(suite)},
       {"published", published}});
  return json;
}

std::string value_text(const Json& value) {
  if (value.is_null()) return "-";
  return value.is_string() ? value.get<std::string>() : to_json_text(value);
}

/// A table of published scores, and their sources below it by number.
std::string published_text(const Json& scores) {
  if (scores.empty()) return "";
  std::vector<std::string> sources;
  std::vector<std::vector<std::string>> rows = {{"model", "metric", "published", "source", "note"}};
  for (const Json& score : scores) {
    const std::string source = value_text(score.at("source"));
    auto place = std::find(sources.begin(), sources.end(), source);
    if (place == sources.end()) place = sources.insert(sources.end(), source);
    rows.push_back({value_text(score.at("model")), value_text(score.at("metric")),
                    to_fixed(score.at("value_pct").get<double>(), 1) + " %",
                    "[" + std::to_string(place - sources.begin() + 1) + "]", value_text(score.at("note"))});
  }
  std::string text = "\nPublished scores (not measured here):\n" + text_table(rows);
  for (std::size_t i = 0; i < sources.size(); ++i) text += "[" + std::to_string(i + 1) + "] " + sources[i] + "\n";
  return text;
}

std::string card_text(const Json& card) {
  std::string text;
  for (const auto& [key, value] : card.items()) {
    if (key == "prompt" || key == "example_prompt" || key == "published" || key == "errata") continue;
    text += key + ": " + (key == "items" && value.is_null() ? "not shipped" : value_text(value)) + "\n";
  }
  for (const Json& erratum : card.at("errata")) text += "erratum: " + value_text(erratum) + "\n";
  const Json& example = card.at("example_prompt");
  if (!card.at("prompt").is_null()) text += "\nPrompt:\n" + value_text(card.at("prompt")) + "\n";
  if (!example.is_null()) text += "\nThe first item's prompt:\n" + value_text(example) + "\n";
  return text + published_text(card.at("published"));
}

/// The records of generated suites, a line of JSON each. Others' records are in their own files, and some of these must
/// not be spread in plain text.
Result<> print_items(const std::vector<suites::Suite>& suites) {
  for (const suites::Suite& suite : suites) {
    if (!suites::is_zebra_spec(suite.name)) {
      return bad_input("--items: is for generated suites, such as zebra:3x4:seed=7:n=200; the items of ", suite.name,
                       " are where its source says");
    }
    for (const suites::Item& item : suite.items) ASSAY_TRY(print_json_line(item.record));
  }
  return {};
}

Result<> show_suite_command(const std::string& words, bool items, const CommonOptions& common) {
  ASSAY_ASSIGN(const std::vector<suites::Suite> suites, suites::resolve_suites_to_show(words));
  if (items) return print_items(suites);
  Json cards = Json::array();
  for (const suites::Suite& suite : suites) {
    ASSAY_ASSIGN(Json card, card_json(suite));
    cards.push_back(std::move(card));
  }
  if (common.json) return print_json(cards.size() == 1 ? cards.front() : Json{{"suites", cards}});
  std::string text;
  for (const Json& card : cards) text += (text.empty() ? "" : "\n\n") + card_text(card);
  return print(text);
}

}  // namespace

Action declare_suites(CLI::App& app, const CommonOptions& common) {
  const auto name = std::make_shared<std::string>();  // shared by the option table, which writes it, and the action
  const auto items = std::make_shared<bool>(false);
  CLI::App* show = app.add_subcommand(
      "show",
      "Show one suite's card: items, licence, source, contamination, prompt, sampling, grader, published scores");
  show->add_option("NAME", *name,
                   "A suite's or group's name, the folder of your own, or puzzles to make (zebra:3x4:seed=7:n=200)")
      ->required();
  show->add_flag("--items", *items, "Print a generated suite's records instead, a line of JSON each");
  show->footer(
      "--json prints the card, or {\"suites\":[…]} where NAME is a group.\nExample: assay suites show zebra-smoke");
  app.footer(
      "Without a further word: all suites that ship, and the groups of groups. --json prints {\"suites\":[…],"
      "\"groups\":[…]}.\n"
      "Example: assay suites");
  return [name, items, show, &common] {
    return show->parsed() ? show_suite_command(*name, *items, common) : list_suites_command(common);
  };
}

}  // namespace assay::cli
