// lm-evaluation-harness, `--log_samples`: samples_TASK_DATE.jsonl, a line a document and filter, in a folder called as
// the model. Shape: lm_eval/evaluator.py and loggers/evaluation_tracker.py of 0.4.13.
#include "harness/base/file.h"
#include "harness/base/text.h"
#include "results/import/import_parts.h"

namespace assay::results {

namespace {

constexpr std::string_view kPrefix = "samples_";

/// "samples_gsm8k_2026-11-22T10-00-00.123.jsonl" → "gsm8k".
std::string task_of(const std::filesystem::path& path) {
  std::string name = path.stem().string();
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  const std::size_t date = name.rfind("_20");
  if (date != std::string::npos && date > 0 && name.find('T', date) != std::string::npos) name.resize(date);
  return name.empty() ? "lm-eval" : name;
}

/// The figure that the line is judged by: the first that it lists itself, else one of the usual names.
Result<std::optional<std::pair<std::string, double>>> metric_of(const JsonObject& line) {
  std::vector<std::string> names = {"exact_match", "acc",       "math_verify",
                                    "pass@1",      "pass_at_1", "prompt_level_strict_acc"};
  if (line.has("metrics")) {
    ASSAY_ASSIGN(names, line.strings("metrics"));
  }
  for (const std::string& name : names) {
    const Json* value = line.find(name);
    if (value == nullptr) continue;
    if (value->is_boolean()) return std::optional(std::pair(name, value->get<bool>() ? 1.0 : 0.0));
    if (value->is_number()) return std::optional(std::pair(name, value->get<double>()));
  }
  return std::optional<std::pair<std::string, double>>{};
}

/// The first argument of the first request: the prompt. Newer versions write {"gen_args_0":{"arg_0":…}}, older ones
/// lists.
std::optional<std::string> prompt_of(const Json* arguments) {
  if (arguments == nullptr || arguments->empty() || !(arguments->is_object() || arguments->is_array())) return {};
  const Json& first = arguments->is_object() ? arguments->begin().value() : (*arguments)[0];
  if (first.empty() || !(first.is_object() || first.is_array())) return {};
  const Json& prompt = first.is_object() ? first.begin().value() : first[0];
  return prompt.is_string() ? std::optional(prompt.get<std::string>()) : std::nullopt;
}

/// The expected answer: GSM8K's solutions end with "#### 18".
std::optional<std::string> expected_of(const Json* target) {
  if (target == nullptr) return {};
  std::string text = target->is_string() ? target->get<std::string>() : to_json_text(*target);
  const std::size_t mark = text.rfind("####");
  if (mark != std::string::npos) text = replace_all(trim(std::string_view(text).substr(mark + 4)), ",", "");
  return text;
}

/// The outputs of the first request; empty for tasks that were scored by likelihood.
Result<std::vector<std::string>> outputs_of(const JsonObject& line) {
  const Json* responses = line.find("resps");
  if (responses == nullptr || !responses->is_array() || responses->empty()) {
    return line.field_error("resps", "must be a list of the replies to each request");
  }
  const Json& first = (*responses)[0];
  std::vector<std::string> outputs;
  if (first.is_string()) return std::vector<std::string>{first.get<std::string>()};
  if (!first.is_array()) return line.field_error("resps", "must hold a list of replies for each request");
  for (const Json& reply : first) {
    if (reply.is_string()) outputs.push_back(reply.get<std::string>());
  }
  return outputs;
}

std::optional<std::string> extracted_of(const Json* filtered) {
  if (filtered == nullptr || !filtered->is_array() || filtered->empty() || !(*filtered)[0].is_string()) return {};
  const std::string text = (*filtered)[0].get<std::string>();
  return text.empty() || text == "[invalid]" ? std::nullopt : std::optional(text);
}

Result<VerdictFacts> verdict_of(const JsonObject& line, std::size_t n_outputs, const std::string& filter) {
  if (n_outputs > 1) return ungraded("lm-eval judged the repeats of this item together");
  ASSAY_ASSIGN(const auto metric, metric_of(line));
  if (!metric) return ungraded("the line has no metric");
  ASSAY_ASSIGN(VerdictFacts verdict, scored(metric->second, filter + ":" + metric->first, line.where()));
  verdict.answer = extracted_of(line.find("filtered_resps"));
  if (n_outputs == 1 && !verdict.answer && verdict.score < 1) verdict.verdict = Verdict::no_answer;
  return verdict;
}

}  // namespace

Result<std::vector<ImportedRun>> import_lm_eval(const ImportSource& source) {
  if (source.path.filename().string().starts_with("results_") && source.path.extension() == ".json") {
    return bad_input(source.path.string(),
                     ": has lm-eval's figures without samples; give the samples_*.jsonl beside it (--log_samples)");
  }
  const std::filesystem::path folder = std::filesystem::absolute(source.path).parent_path();
  ImportedSuite suite(source, task_of(source.path), folder.filename().string());
  std::string first_filter;
  ASSAY_TRY(for_each_line(source.text, [&](std::string_view text, int number) -> Result<> {
    const std::string where = source.where(number);
    ASSAY_ASSIGN(const Json document, parse_json(text, where));
    ASSAY_ASSIGN(const JsonObject line, JsonObject::of(document, where));
    ASSAY_ASSIGN(const std::int64_t doc_id, line.integer("doc_id"));
    ASSAY_ASSIGN(const std::string filter, line.string_or("filter", "none"));
    if (first_filter.empty()) first_filter = filter;
    if (filter != first_filter) return {};  // the same replies, extracted in another way
    ItemFacts item;
    item.item = ItemId(to_text(doc_id));
    item.prompt = prompt_of(line.find("arguments"));
    item.expected = expected_of(line.find("target"));
    ASSAY_ASSIGN(const std::vector<std::string> outputs, outputs_of(line));
    ASSAY_ASSIGN(VerdictFacts verdict, verdict_of(line, outputs.size(), filter));
    verdict.expected = item.expected;
    for (std::size_t i = 0; i < std::max<std::size_t>(outputs.size(), 1); ++i) {
      GradedSample graded{.sample = {}, .verdict = verdict};
      graded.sample.key.sample = static_cast<std::int64_t>(i);
      if (i < outputs.size()) graded.sample.text = outputs[i];
      graded.sample.finish_reason = "eos";
      if (const auto added = suite.add(item, std::move(graded), where); !added) return added.error();
    }
    return {};
  }));
  suite.run().facts.suites[0].sampling = {{"filter", first_filter}};
  ASSAY_ASSIGN(ImportedRun run, suite.finish());
  return std::vector<ImportedRun>{std::move(run)};
}

}  // namespace assay::results
