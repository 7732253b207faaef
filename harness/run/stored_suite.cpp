#include "harness/run/stored_suite.h"

#include "harness/base/text.h"
#include "suites/load.h"

namespace assay::run {

namespace {

/// "(C)" and "C" are letters, "2" is a place.
Json choice_answer(std::string_view text) {
  text = trim(text);
  if (text.size() == 3 && text.front() == '(' && text.back() == ')') text = text.substr(1, 1);
  if (const auto place = parse_integer(text)) return *place;
  return std::string(text);
}

Result<Json> record_of(const results::ItemFacts& item, suites::ItemKind kind, const std::string& where) {
  if (!item.expected) return bad_input(where, ": item ", quoted_excerpt(item.item.value), " has no expected answer");
  Json record = {{"id", item.item.value}, {"prompt", item.prompt.value_or("(not stored)")}, {"tag", item.tag}};
  switch (kind) {
    case suites::ItemKind::integer:
    case suites::ItemKind::math:
      record["answer"] = *item.expected;
      return record;
    case suites::ItemKind::choice:
      record["answer"] = choice_answer(*item.expected);
      return record;
    case suites::ItemKind::text:
      record["answer"] = Json::array({*item.expected});
      return record;
    case suites::ItemKind::grid: {
      ASSAY_ASSIGN(record["solution"], parse_json(*item.expected, where + ": item " + quoted_excerpt(item.item.value)));
      return record;
    }
    default:
      return bad_input(where, ": outputs of kind ", suites::to_string(kind),
                       " that were imported can't be graded without their items; name their suite in --suite");
  }
}

}  // namespace

bool is_imported(const results::RunSuiteRecord& suite) { return suite.facts.sha256.empty(); }

Result<suites::Suite> stored_suite(const results::Store& store, const RunId& run,
                                   const results::RunSuiteRecord& stored) {
  const std::string where = "run " + run.value + ": suite " + quoted_excerpt(stored.facts.suite);
  suites::Suite suite;
  suite.name = stored.facts.suite;
  suite.version = stored.facts.version;
  ASSAY_ASSIGN(suite.kind, suites::parse_item_kind(stored.facts.kind));
  ASSAY_ASSIGN(const auto items, store.read_items(run, stored.facts.suite));
  std::vector<Json> records;
  for (const results::ItemFacts& item : items) {
    ASSAY_ASSIGN(Json record, record_of(item, suite.kind, where));
    records.push_back(std::move(record));
  }
  return suites::with_records(std::move(suite), records, where);
}

}  // namespace assay::run
