#include "harness/run/run_facts.h"

#include "harness/base/sha256.h"
#include "harness/run/build_facts.h"

namespace assay::run {

namespace {

/// Sampling and prompting, spelled as the options; what does not apply is null.
Json sampling_json(const runners::SamplingParams& params, const RunSettings& settings) {
  Json json;
  json["temperature"] = params.temperature;
  json["top_p"] = params.top_p;
  json["top_k"] = params.top_k;
  json["min_p"] = params.min_p;
  json["max_output_tokens"] = params.max_output_tokens > 0 ? Json(params.max_output_tokens) : Json();
  json["protocol"] = settings.plan.protocol ? Json(settings.plan.protocol->name) : Json();
  json["chat_template"] = settings.chat_template.empty() ? Json() : Json(settings.chat_template);
  return json;
}

results::ItemFacts item_facts(const suites::Item& item, bool is_confidential) {
  results::ItemFacts facts;
  facts.item = item.id;
  facts.tag = item.tag;
  facts.prompt_sha256 = sha256_hex(item.prompt);
  if (!is_confidential) facts.prompt = item.prompt;
  if (const auto answer = item.record.find("answer"); answer != item.record.end() && answer->is_string()) {
    facts.expected = answer->get<std::string>();
  }
  return facts;
}

results::RunSuiteFacts suite_facts(const PlannedSuite& planned, const RunSettings& settings) {
  results::RunSuiteFacts facts;
  facts.suite = planned.suite.name;
  facts.version = planned.suite.version;
  facts.kind = suites::to_string(planned.suite.kind);
  facts.sha256 = planned.suite.sha256;
  facts.samples = planned.samples;
  facts.sampling = sampling_json(planned.sampling, settings);
  facts.grader_version = std::to_string(suites::grader_version(planned.suite.kind));
  facts.is_protected = planned.suite.archive.has_value();
  for (const suites::Item& item : planned.suite.items) facts.items.push_back(item_facts(item, facts.is_protected));
  return facts;
}

}  // namespace

results::RunFacts run_facts(const Plan& plan, const RunSettings& settings, const runners::ModelFacts& model) {
  results::RunFacts facts;
  facts.name = settings.name;
  facts.model = {model.name, model.reference, model.weights_sha256, model.tokenizer_sha256, model.details};
  for (const PlannedSuite& planned : plan.suites) facts.suites.push_back(suite_facts(planned, settings));
  facts.seed = static_cast<std::int64_t>(settings.plan.seed);
  facts.command_line = settings.command_line;
  facts.tags = settings.tags;
  facts.hardware_profile = settings.hardware_profile;
  facts.price_usd_per_gpu_hour = settings.price_usd_per_gpu_hour;
  return facts;
}

}  // namespace assay::run
