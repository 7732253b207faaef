// Inspect's logs as JSON (`--log-format json`, or `inspect log dump`), version 2. Shape: written by inspect_ai 0.3.285.
#include "harness/base/text.h"
#include "results/import/import_parts.h"

namespace assay::results {

namespace {

/// Long texts are stored once and named where they stand.
std::string resolved(std::string text, const Json* attachments) {
  constexpr std::string_view kScheme = "attachment://";
  if (attachments == nullptr || !attachments->is_object() || !text.starts_with(kScheme)) return text;
  const auto at = attachments->find(text.substr(kScheme.size()));
  return at != attachments->end() && at->is_string() ? at->get<std::string>() : text;
}

/// The first message of the user, as the solver put it; else the sample's input.
Result<std::optional<std::string>> prompt_of_sample(const JsonObject& sample) {
  const Json* attachments = sample.find("attachments");
  for (const char* list : {"messages", "input"}) {
    const Json* messages = sample.find(list);
    if (messages == nullptr) continue;
    if (messages->is_string()) return std::optional(resolved(messages->get<std::string>(), attachments));
    if (!messages->is_array()) return sample.field_error(list, "must be a text or a list of messages");
    for (const Json& message : *messages) {
      if (!message.is_object() || message.value("role", Json()) != "user" || !message.contains("content")) continue;
      ASSAY_ASSIGN(std::string text, message_text(message["content"], sample.where() + ": " + list));
      return std::optional(resolved(std::move(text), attachments));
    }
  }
  return std::optional<std::string>{};
}

std::string to_finish_reason(const std::string& stop_reason) {
  if (stop_reason == "max_tokens") return "length";
  if (stop_reason == "model_length") return "context";
  return "eos";
}

Result<> read_output(const JsonObject& sample, SampleFacts& facts) {
  if (sample.has("error")) {
    ASSAY_ASSIGN(const JsonObject error, sample.object("error"));
    ASSAY_ASSIGN(const std::string message, error.string_or("message", ""));
    facts.failure = message.empty() ? "failed" : message;
    return {};
  }
  facts.finish_reason = "eos";
  ASSAY_ASSIGN(const JsonObject output, sample.object("output"));
  if (output.has("usage")) {
    ASSAY_ASSIGN(const JsonObject usage, output.object("usage"));
    for (const auto& [key, target] :
         {std::pair("input_tokens", &facts.n_prompt_tokens), std::pair("output_tokens", &facts.n_output_tokens)}) {
      if (!usage.has(key)) continue;
      ASSAY_ASSIGN(const std::int64_t n, usage.integer(key));
      if (n < 0) return usage.field_error(key, "must not be negative");
      *target = n;
    }
  }
  if (output.has("time")) {
    ASSAY_ASSIGN(const double time_s, output.number("time"));
    if (time_s < 0) return output.field_error("time", "must not be negative");
    constexpr double kMsPerSecond = 1000;
    facts.e2e_ms = time_s * kMsPerSecond;
  }
  const Json* choices = output.find("choices");
  if (choices == nullptr || !choices->is_array()) return output.field_error("choices", "must be a list");
  if (choices->empty()) return {};
  ASSAY_ASSIGN(const JsonObject choice, JsonObject::of((*choices)[0], output.where() + ": \"choices\""));
  ASSAY_ASSIGN(const std::string stop_reason, choice.string_or("stop_reason", "stop"));
  facts.finish_reason = to_finish_reason(stop_reason);
  ASSAY_ASSIGN(const JsonObject message, choice.object("message"));
  const Json* content = message.find("content");
  if (content == nullptr) return message.field_error("content", "is missing");
  ASSAY_ASSIGN(std::string text, message_text(*content, message.where()));
  facts.text = resolved(std::move(text), sample.find("attachments"));
  return {};
}

/// The first scorer's word: C, I, P(artial), N(o answer), a number or a truth value.
Result<VerdictFacts> read_score(const JsonObject& sample) {
  const Json* scores = sample.find("scores");
  if (scores == nullptr || !scores->is_object() || scores->empty()) return ungraded("the log has no score");
  const std::string scorer = scores->begin().key();
  const std::string where = sample.where() + ": score " + quoted_excerpt(scorer);
  ASSAY_ASSIGN(const JsonObject score, JsonObject::of(scores->begin().value(), where));
  const Json* value = score.find("value");
  if (value == nullptr || value->is_structured()) return ungraded("the log's score is no single value");
  double number = 0;
  bool is_no_answer = false;
  if (value->is_string()) {
    const std::string word = value->get<std::string>();
    is_no_answer = word == "N";
    const std::map<std::string, double> words = {{"C", 1}, {"I", 0}, {"P", 0.5}, {"N", 0}};
    if (!words.contains(word)) return score.field_error("value", "must be C, I, P, N, a number or true or false");
    number = words.at(word);
  } else {
    number = value->is_boolean() ? (value->get<bool>() ? 1 : 0) : value->get<double>();
  }
  ASSAY_ASSIGN(VerdictFacts verdict, scored(number, scorer, where));
  if (is_no_answer) verdict.verdict = Verdict::no_answer;
  if (const Json* answer = score.find("answer"); answer != nullptr && answer->is_string()) {
    verdict.answer = answer->get<std::string>();
  }
  return verdict;
}

std::optional<std::string> target_of(const Json* target) {
  if (target == nullptr) return {};
  if (target->is_array())
    return target->empty() || !(*target)[0].is_string() ? std::nullopt : std::optional((*target)[0].get<std::string>());
  return target->is_string() ? target->get<std::string>() : to_json_text(*target);
}

Result<> add_inspect_sample(const JsonObject& sample, ImportedSuite& suite) {
  const Json* id = sample.find("id");
  if (id == nullptr || !(id->is_string() || id->is_number_integer())) {
    return sample.field_error("id", "must be a text or an integer");
  }
  ItemFacts item;
  item.item = ItemId(id->is_string() ? id->get<std::string>() : to_json_text(*id));
  item.expected = target_of(sample.find("target"));
  ASSAY_ASSIGN(item.prompt, prompt_of_sample(sample));
  GradedSample graded;
  ASSAY_ASSIGN(const std::int64_t epoch, sample.integer_or("epoch", 1));
  if (epoch < 1) return sample.field_error("epoch", "must be at least 1");
  graded.sample.key.sample = epoch - 1;
  ASSAY_TRY(read_output(sample, graded.sample));
  if (graded.sample.failure) {
    graded.verdict.rule = "failed";
    graded.verdict.detail = {{"message", *graded.sample.failure}};
  } else {
    ASSAY_ASSIGN(graded.verdict, read_score(sample));
  }
  graded.verdict.expected = item.expected;
  return suite.add(std::move(item), std::move(graded), sample.where());
}

}  // namespace

Result<std::vector<ImportedRun>> import_inspect(const ImportSource& source) {
  if (source.text.starts_with("PK")) {
    return bad_input(source.where(), ": is an archive (.eval); \"inspect log dump FILE\" writes the log as JSON");
  }
  constexpr int kDeepest = 256;  // events nest
  ASSAY_ASSIGN(const Json document, parse_json(source.text, source.where(), kDeepest));
  ASSAY_ASSIGN(const JsonObject log, JsonObject::of(document, source.where()));
  ASSAY_ASSIGN(const JsonObject eval, log.object("eval"));
  ASSAY_ASSIGN(std::string task, eval.string("task"));
  ASSAY_ASSIGN(std::string model, eval.string("model"));
  ImportedSuite suite(source, task.substr(task.rfind('/') + 1), std::move(model));
  ASSAY_ASSIGN(const std::string created, eval.string_or("created", ""));
  set_time(suite.run(), parse_iso_time(created).value_or(source.now_ms));
  const Json* samples = log.find("samples");
  if (samples == nullptr || !samples->is_array()) {
    return log.field_error("samples", "must be a list: a log without samples has no transcripts to import");
  }
  for (std::size_t i = 0; i < samples->size(); ++i) {
    const std::string where = source.where() + ": samples[" + std::to_string(i) + "]";
    ASSAY_ASSIGN(const JsonObject sample, JsonObject::of((*samples)[i], where));
    ASSAY_TRY(add_inspect_sample(sample, suite));
  }
  ASSAY_ASSIGN(ImportedRun run, suite.finish());
  return std::vector<ImportedRun>{std::move(run)};
}

}  // namespace assay::results
