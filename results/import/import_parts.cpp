#include "results/import/import_parts.h"

#include <algorithm>
#include <chrono>

#include "harness/base/sha256.h"
#include "harness/base/text.h"

namespace assay::results {

namespace {

constexpr std::size_t kRunIdDigits = 12;
constexpr std::int64_t kMostSamplesOfItem = 1'000'000;

/// The kind of the items of well-known tasks, by a word in their names; text for others.
std::string kind_of_task(std::string_view task) {
  static const std::vector<std::pair<std::string, std::string>> kinds = {
      {"gsm8k", "integer"}, {"aime", "integer"},  {"gpqa", "choice"}, {"mmlu", "choice"},
      {"arc", "choice"},    {"choice", "choice"}, {"zebra", "grid"},  {"humaneval", "code"},
      {"mbpp", "code"},     {"livecode", "code"}, {"math", "math"},   {"minerva", "math"}};
  const std::string name = to_lower_ascii(task);
  for (const auto& [word, kind] : kinds) {
    if (name.find(word) != std::string::npos) return kind;
  }
  return "text";
}

}  // namespace

ImportedRun empty_run(const ImportSource& source, const std::string& model) {
  ImportedRun run;
  const std::string sha256 = sha256_hex(source.text);
  run.run_id =
      RunId(sha256_hex(source.format + "\n" + source.options.suite + "\n" + source.options.model + "\n" + sha256)
                .substr(0, kRunIdDigits));
  run.facts.model.name = source.options.model.empty() ? model : source.options.model;
  run.facts.model.reference = "import:" + source.format + ":" + run.facts.model.name;
  run.facts.command_line = "assay import --format " + source.format;
  run.facts.tags = {{"source", source.format},
                    {"source_file", to_valid_utf8(source.path.filename().string())},
                    {"source_sha256", sha256}};
  run.segments.front().environment.device_kind = "imported";
  run.segments.front().environment.device_name = source.format;
  set_time(run, source.now_ms);
  return run;
}

void set_time(ImportedRun& run, std::int64_t at_ms) {
  run.segments.front().started_at_ms = at_ms;
  run.segments.front().ended_at_ms = at_ms;
  run.finished_at_ms = at_ms;
}

ImportedSuite::ImportedSuite(const ImportSource& source, std::string task, std::string model)
    : where_(source.where()), run_(empty_run(source, model)) {
  RunSuiteFacts suite;
  suite.suite = source.options.suite.empty() ? std::move(task) : source.options.suite;
  suite.kind = source.options.kind.empty() ? kind_of_task(suite.suite) : source.options.kind;
  suite.is_protected = to_lower_ascii(suite.suite).find("gpqa") != std::string::npos;
  suite.grader_profile = source.format;
  run_.facts.suites = {std::move(suite)};
}

Result<> ImportedSuite::add(ItemFacts item, GradedSample graded, const std::string& where) {
  RunSuiteFacts& suite = run_.facts.suites[0];
  if (item.item.value.empty()) return bad_input(where, ": an item's id must not be empty");
  if (graded.sample.key.sample >= kMostSamplesOfItem) {
    return bad_input(where, ": sample ", graded.sample.key.sample, " is beyond ", kMostSamplesOfItem);
  }
  const auto [place, is_new] = items_.emplace(item.item.value, suite.items.size());
  graded.sample.key = {suite.suite, item.item, graded.sample.key.sample};
  const auto [first, is_first] = seen_.emplace(std::pair(item.item.value, graded.sample.key.sample), where);
  if (!is_first) {
    return bad_input(where, ": sample ", graded.sample.key.sample, " of item ", quoted_excerpt(item.item.value),
                     " stands in ", first->second, " already");
  }
  if (is_new) {
    if (item.prompt) item.prompt_sha256 = sha256_hex(*item.prompt);
    if (suite.is_protected) item.prompt.reset();
    suite.items.push_back(std::move(item));
  } else if (suite.items[place->second].expected != item.expected) {
    return bad_input(where, ": item ", quoted_excerpt(item.item.value), " has another expected answer than before");
  }
  suite.samples = std::max(suite.samples, graded.sample.key.sample + 1);
  if (graded.verdict.rule == "ungraded") ++run_.n_ungraded;
  graded.verdict.graded_at_ms = run_.segments.front().started_at_ms;
  run_.samples.push_back(std::move(graded));
  return {};
}

Result<ImportedRun> ImportedSuite::finish() {
  if (run_.samples.empty()) return bad_input(where_, ": holds no sample");
  return std::move(run_);
}

Result<VerdictFacts> scored(double score, const std::string& rule, const std::string& where) {
  if (!(score >= 0 && score <= 1)) return bad_input(where, ": a score must be from 0 to 1, is ", to_text(score));
  VerdictFacts verdict;
  verdict.verdict = score == 1 ? Verdict::correct : Verdict::incorrect;
  verdict.score = score;
  verdict.rule = rule;
  return verdict;
}

VerdictFacts ungraded(const std::string& why) {
  VerdictFacts verdict;
  verdict.verdict = Verdict::error;
  verdict.rule = "ungraded";
  verdict.detail = {{"message", why + "; assay regrade grades it"}};
  return verdict;
}

Result<std::string> message_text(const Json& content, const std::string& where) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) return bad_input(where, ": \"content\" must be a text or a list of parts");
  std::string text;
  for (const Json& part : content) {
    ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(part, where + ": \"content\""));
    ASSAY_ASSIGN(const std::string type, fields.string_or("type", ""));
    if (type == "text") {
      ASSAY_ASSIGN(const std::string words, fields.string("text"));
      text += words;
    } else if (type == "reasoning") {
      ASSAY_ASSIGN(const std::string words, fields.string_or("reasoning", ""));
      text += "<think>" + words + "</think>\n";
    }
  }
  return text;
}

std::optional<std::int64_t> parse_iso_time(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (text.size() < kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool fits = kForm[i] == 'd' ? is_digit(text[i]) : text[i] == kForm[i] || (kForm[i] == 'T' && text[i] == ' ');
    if (!fits) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t n) { return *parse_integer(text.substr(at, n)); };
  using namespace std::chrono;
  const year_month_day date{year(static_cast<int>(number(0, 4))), month(static_cast<unsigned>(number(5, 2))),
                            day(static_cast<unsigned>(number(8, 2)))};
  if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60) return std::nullopt;
  std::int64_t seconds = sys_days(date).time_since_epoch().count() * std::int64_t{86'400} + number(11, 2) * 3600 +
                         number(14, 2) * 60 + number(17, 2);
  std::string_view zone = text.substr(kForm.size());
  if (!zone.empty() && zone[0] == '.') {
    zone.remove_prefix(1);
    while (!zone.empty() && is_digit(zone[0])) zone.remove_prefix(1);
  }
  constexpr std::int64_t kMsPerSecond = 1000;
  if (zone.empty() || zone == "Z") return seconds * kMsPerSecond;
  const bool is_offset = zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && is_digit(zone[1]) &&
                         is_digit(zone[2]) && zone[3] == ':' && is_digit(zone[4]) && is_digit(zone[5]);
  if (!is_offset) return std::nullopt;
  const std::int64_t offset_s = *parse_integer(zone.substr(1, 2)) * 3600 + *parse_integer(zone.substr(4, 2)) * 60;
  seconds += zone[0] == '+' ? -offset_s : offset_s;
  return seconds * kMsPerSecond;
}

}  // namespace assay::results
