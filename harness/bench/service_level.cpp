#include "harness/bench/service_level.h"

#include <algorithm>
#include <array>

#include "harness/base/text.h"

namespace assay::bench {

namespace {

constexpr const char* kMlperf = "MLPerf Inference, latency limits of its server and interactive scenarios";

std::string preset_names() {
  std::vector<std::string> names;
  for (const ServiceLevel& level : service_level_presets()) names.push_back(level.name);
  return join(names, ", ");
}

}  // namespace

std::span<const ServiceLevel> service_level_presets() {
  static const std::array<ServiceLevel, 6> presets = {{
      {"mlperf-deepseek-r1-server", 2000, 80, {}, kMlperf},
      {"mlperf-deepseek-r1-interactive", 1500, 15, {}, kMlperf},
      {"mlperf-gpt-oss-120b-server", 3000, 80, {}, kMlperf},
      {"mlperf-gpt-oss-120b-interactive", 2000, 20, {}, kMlperf},
      {"mlperf-llama2-70b-conversational", 2000, 200, {}, kMlperf},
      {"mlperf-llama2-70b-interactive", 450, 40, {}, kMlperf},
  }};
  return presets;
}

Result<ServiceLevel> parse_service_level(std::string_view words) {
  for (const ServiceLevel& preset : service_level_presets()) {
    if (preset.name == words) return preset;
  }
  const Error wrong =
      bad_input("--slo: must be limits in milliseconds (such as ttft=2000,tpot=80; also e2e) or one of ",
                preset_names(), "; is ", quoted_excerpt(words));
  ServiceLevel level;
  level.name = std::string(words);
  level.source = "stated";
  for (const std::string& part : split(words, ',')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) return wrong;
    const std::string key = part.substr(0, equals);
    const auto limit = parse_number(std::string_view(part).substr(equals + 1));
    std::optional<double>* target = key == "ttft"   ? &level.ttft_ms
                                    : key == "tpot" ? &level.tpot_ms
                                    : key == "e2e"  ? &level.e2e_ms
                                                    : nullptr;
    if (target == nullptr || *target || !limit || !(*limit > 0)) return wrong;
    *target = limit;
  }
  return level;
}

bool meets(const RequestRecord& record, const ServiceLevel& level) {
  if (record.failed()) return false;
  const auto within = [](const std::optional<double>& value, const std::optional<double>& limit) {
    return !limit || (value && *value <= *limit);
  };
  // A reply of a single event has no time between tokens: nothing was late in it.
  const bool tpot_is_met = !record.tpot_ms() || within(record.tpot_ms(), level.tpot_ms);
  return within(record.ttft_ms(), level.ttft_ms) && tpot_is_met && within(record.e2e_ms(), level.e2e_ms);
}

Result<Goodput> goodput(std::span<const RequestRecord> records, const ServiceLevel& level, double window_s) {
  if (records.empty() || !(window_s > 0)) return bad_input("goodput needs requests and time");
  Goodput result;
  result.n = static_cast<std::int64_t>(records.size());
  result.n_met = std::count_if(records.begin(), records.end(), [&](const RequestRecord& r) { return meets(r, level); });
  result.met_ratio = static_cast<double>(result.n_met) / static_cast<double>(result.n);
  result.requests_per_s = static_cast<double>(result.n_met) / window_s;
  ASSAY_ASSIGN(result.met_ci99, results::clopper_pearson(result.n_met, result.n, 0.99));
  constexpr double kShare = 0.99;
  result.p99 = result.met_ci99[0] >= kShare ? "met" : result.met_ci99[1] < kShare ? "not_met" : "undecided";
  return result;
}

}  // namespace assay::bench
