#include "harness/bench/serve_figures.h"

#include <algorithm>
#include <cmath>

#include "results/analysis/cost.h"
#include "results/analysis/moments.h"
#include "results/summary.h"

namespace assay::bench {

namespace {

using Figures = std::map<std::string, results::PointFigure>;

/// `name`: "ttft_ms".
Result<> add_distribution(Figures& figures, const std::string& name, const std::vector<double>& values) {
  if (values.empty()) return {};
  ASSAY_ASSIGN(const results::Percentiles known, results::percentiles(values));
  ASSAY_ASSIGN(const double mean, results::mean(values));
  std::optional<double> stddev;
  if (values.size() >= 2) {
    ASSAY_ASSIGN(const double variance, results::sample_variance(values));
    stddev = std::sqrt(variance);
  }
  figures["mean_" + name] = {mean, stddev, known.n};
  figures["max_" + name] = {*std::max_element(values.begin(), values.end()), {}, known.n};
  for (const auto& [prefix, value] :
       {std::pair("p50_", known.p50), std::pair("p90_", known.p90), std::pair("p99_", known.p99)}) {
    if (value) figures[prefix + name] = {*value, {}, known.n};
  }
  return {};
}

}  // namespace

const std::map<std::string, std::pair<int, std::string>>& serve_methods() {
  static const std::map<std::string, std::pair<int, std::string>> methods = {
      {"ttft_ms", {1, "from the moment a request was to be sent to its first event with output, as the client saw it"}},
      {"itl_ms",
       {1, "gaps between a request's events with output, those of all requests together; the first is not one"}},
      {"tpot_ms", {1, "of a request: time from its first event to its last / tokens behind the first event"}},
      {"e2e_ms", {1, "from the moment a request was to be sent to when its end was known"}},
      {"lateness_ms", {1, "from the moment a request was to be sent to when the client sent it"}},
      {"requests_per_s", {1, "requests to be sent in the window that did not fail / window"}},
      {"output_tokens_per_s", {1, "tokens of all events within the window / window"}},
      {"prompt_tokens_per_s", {1, "prompt tokens of requests to be sent in the window that did not fail / window"}},
      {"goodput_requests_per_s", {1, "requests to be sent in the window that met all limits / window"}},
      {"window", {1, "from the end of the warm-up (Pettitt) to the last moment at which requests were sent"}},
  };
  return methods;
}

Json serve_method_versions() {
  Json json = Json::object();
  for (const auto& [metric, method] : serve_methods()) json[metric] = method.first;
  return json;
}

Result<Figures> serve_figures(std::span<const RequestRecord> records, const Judgement& judgement,
                              const std::optional<ServiceLevel>& level, const Priced& priced) {
  Figures figures;
  std::vector<RequestRecord> chosen;
  std::vector<double> ttft_ms, itl_ms, tpot_ms, e2e_ms, lateness_ms, prompt_tokens, output_tokens;
  for (const RequestRecord& record : records) {
    if (record.intended_ms < judgement.window_begin_ms || record.intended_ms >= judgement.window_end_ms) continue;
    chosen.push_back(record);
    if (record.failed()) continue;
    if (const auto ttft = record.ttft_ms()) ttft_ms.push_back(*ttft);
    if (const auto tpot = record.tpot_ms()) tpot_ms.push_back(*tpot);
    const std::vector<double> gaps = record.itl_ms();
    itl_ms.insert(itl_ms.end(), gaps.begin(), gaps.end());
    e2e_ms.push_back(record.e2e_ms());
    lateness_ms.push_back(record.lateness_ms());
    prompt_tokens.push_back(static_cast<double>(record.n_prompt_tokens));
    output_tokens.push_back(static_cast<double>(record.n_output_tokens));
  }
  for (const auto& [name, values] :
       {std::pair("ttft_ms", &ttft_ms), std::pair("itl_ms", &itl_ms), std::pair("tpot_ms", &tpot_ms),
        std::pair("e2e_ms", &e2e_ms), std::pair("lateness_ms", &lateness_ms),
        std::pair("prompt_tokens", &prompt_tokens), std::pair("output_tokens", &output_tokens)}) {
    ASSAY_TRY(add_distribution(figures, name, *values));
  }
  const double window_s = judgement.window_s();
  if (!(window_s > 0) || e2e_ms.empty()) return figures;
  const auto n = static_cast<std::int64_t>(e2e_ms.size());
  const double begin_ms = judgement.window_begin_ms, end_ms = judgement.window_end_ms;
  const double rate = tokens_per_s_over(records, begin_ms, end_ms, 1)[0];
  double n_prompt = 0;
  for (const double tokens : prompt_tokens) n_prompt += tokens;
  figures["requests_per_s"] = {static_cast<double>(n) / window_s, {}, n};
  figures["output_tokens_per_s"] = {rate, {}, n};
  figures["prompt_tokens_per_s"] = {n_prompt / window_s, {}, n};
  figures["in_flight_requests"] = {in_flight_over(records, begin_ms, end_ms, 1)[0], {}, n};
  figures[results::kTokensPerGpu] = {rate / static_cast<double>(priced.n_devices), {}, n};
  if (const auto tpot = figures.find("p50_tpot_ms"); tpot != figures.end() && tpot->second.value > 0) {
    figures[results::kTokensPerUser] = {1000 / tpot->second.value, {}, n};
  }
  if (level && !chosen.empty()) {
    ASSAY_ASSIGN(const Goodput good, goodput(chosen, *level, window_s));
    figures["goodput_requests_per_s"] = {good.requests_per_s, {}, good.n};
    figures["goodput_met_ratio"] = {good.met_ratio, {}, good.n};
  }
  if (priced.usd_per_gpu_hour && rate > 0) {
    const double usd = results::usd_for_time(*priced.usd_per_gpu_hour, priced.n_devices, window_s);
    figures["usd_per_mtok_output"] = {usd / (rate * window_s) * 1e6, {}, n};
  }
  return figures;
}

}  // namespace assay::bench
