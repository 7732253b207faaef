#include "harness/run/measured_pass.h"

#include <algorithm>

#include "harness/base/text.h"

namespace assay::run {

namespace {

/// "--chunk 512" among the words that chose the model; the engine's own otherwise.
double chunk_of(const Json& settings) {
  const auto target = settings.find("target");
  constexpr double kUsual = 4096;
  if (target == settings.end() || !target->is_string()) return kUsual;
  const std::vector<std::string> words = split(target->get<std::string>(), ' ');
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--chunk") return parse_number(words[i + 1]).value_or(kUsual);
  }
  return kUsual;
}

}  // namespace

Result<RunDevice> read_run_device(const results::RunRecord& run) {
  const results::EnvironmentFacts& environment = run.segments.front().environment;
  const auto found = environment.details.find("device");
  if (environment.device_kind != "cuda" || !environment.gpu_name || found == environment.details.end()) {
    return bad_input("run ", run.run_id, " ran on ", shown(environment.device_name),
                     "; only what ran on a GPU can be projected");
  }
  const auto number = [&](const char* key) -> std::optional<double> {
    const auto at = found->find(key);
    return at != found->end() && at->is_number() ? std::optional(at->get<double>()) : std::nullopt;
  };
  RunDevice device;
  device.gpu_name = *environment.gpu_name;
  if (const auto bytes = number("memory_bytes")) device.memory_bytes = static_cast<std::uint64_t>(*bytes);
  const double tensor = number("tensor_parallel").value_or(1), expert = number("expert_parallel").value_or(1);
  device.n_ranks = static_cast<int>(std::max(tensor, expert));
  device.splits_heads = tensor > 1;
  device.max_batch = static_cast<int>(number("max_batch").value_or(device.max_batch));
  device.link_gb_per_s = number("link_gb_per_s");
  return device;
}

Result<runners::PassWork> read_run_work(const results::RunRecord& run) {
  const auto stored = run.facts.model.details.find("pass_work");
  if (stored == run.facts.model.details.end()) {
    return bad_input("run ", run.run_id,
                     " was stored without the work of its model's passes, by an earlier version; "
                     "measure it again");
  }
  const std::string where = "run " + run.run_id.value + ": pass_work";
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(*stored, where));
  return runners::read_pass_work(fields);
}

std::optional<MeasuredPass> measured_pass(const results::PointSummary& summary, const RunDevice& device) {
  const bool is_decode = summary.kind == "decode";
  const auto number = [&](const char* key) {
    const auto at = summary.settings.find(key);
    return at != summary.settings.end() && at->is_number() ? at->get<double>() : 0.0;
  };
  const auto rate = summary.median(is_decode ? "output_tokens_per_s" : "prompt_tokens_per_s");
  if ((!is_decode && summary.kind != "prefill") || !rate || !(*rate > 0) || !summary.arm.empty()) return {};
  MeasuredPass pass;
  pass.name = summary.name;
  pass.is_decode = is_decode;
  pass.batch = number("batch");
  pass.tokens = is_decode ? number("context") + number("n_steps") / 2 : number("prompt_tokens");
  pass.chunk_tokens = chunk_of(summary.settings);
  pass.n_ranks = device.n_ranks;
  pass.splits_heads = device.splits_heads;
  pass.ms = 1000 * pass.batch * (is_decode ? 1 : pass.tokens) / *rate;
  return pass.batch > 0 && pass.tokens > 0 ? std::optional(pass) : std::nullopt;
}

}  // namespace assay::run
