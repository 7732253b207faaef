#include "harness/bench/judgement.h"

#include <algorithm>
#include <cmath>

#include "harness/bench/steady.h"
#include "results/analysis/moments.h"
#include "results/gpu_activity.h"

namespace assay::bench {

namespace {

constexpr std::size_t kStretches = 40;         // to look for drifts in
constexpr std::size_t kWarmUpStretches = 200;  // and for the end of the warm-up, which may be short

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

std::optional<double> quantile_of(const std::vector<double>& values, double p) {
  const auto value = results::quantile(values, p);
  return value ? std::optional(*value) : std::nullopt;
}

/// A request's time an output token; of one without output, its whole time.
double latency_of(const RequestRecord& record) {
  return record.e2e_ms() / static_cast<double>(std::max<std::int64_t>(1, record.n_output_tokens));
}

/// Latencies of requests in the order in which they were to be sent, averaged over at most `n_most` equal groups.
struct LatencySeries {
  std::vector<double> latency_ms, begin_ms;
};
LatencySeries latency_series(std::span<const RequestRecord> records, std::size_t n_most) {
  LatencySeries series;
  const std::size_t n_groups = std::min(records.size(), n_most);
  for (std::size_t group = 0; group < n_groups; ++group) {
    const std::size_t from = group * records.size() / n_groups, to = (group + 1) * records.size() / n_groups;
    std::vector<double> values;
    for (std::size_t i = from; i < to; ++i) values.push_back(latency_of(records[i]));
    series.latency_ms.push_back(mean_of(values));
    series.begin_ms.push_back(records[from].intended_ms);
  }
  return series;
}

std::vector<RequestRecord> within(std::span<const RequestRecord> records, double begin_ms, double end_ms) {
  std::vector<RequestRecord> chosen;
  for (const RequestRecord& record : records) {
    if (record.intended_ms >= begin_ms && record.intended_ms < end_ms) chosen.push_back(record);
  }
  return chosen;
}

Json trend_json(const std::optional<Trend>& trend) {
  if (!trend) return nullptr;
  return {{"p_value", trend->p_value}, {"change_ratio", trend->change_ratio}};
}

/// Faults of a GPU, not the limits that it was set or keeps by design.
bool is_fault(const std::string& throttle_reason) {
  return throttle_reason == "hw_slowdown" || throttle_reason == "sw_thermal_slowdown" ||
         throttle_reason == "hw_thermal_slowdown" || throttle_reason == "hw_power_brake_slowdown";
}

class Judge {
 public:
  Judge(const LoadResult& load, const Arrivals& arrivals, const Demands& demands)
      : load_(load), arrivals_(arrivals), demands_(demands) {}

  Judgement run(const std::optional<SelfTest>& client, std::span<const results::GpuSample> gpu) {
    find_window();
    ask_length();
    ask_drift();
    ask_littles_law();
    ask_client(client);
    ask_gpu(gpu);
    ask_errors();
    return std::move(judgement_);
  }

 private:
  void say(const char* code) {
    auto& codes = judgement_.reason_codes;
    if (std::find(codes.begin(), codes.end(), code) == codes.end()) codes.emplace_back(code);
  }

  /// Warm-up ends where both the rate of tokens and the latency have reached their level.
  void find_window() {
    const double end_ms = load_.duration_ms;
    const auto rate = tokens_per_s_over(load_.records, 0, end_ms, kWarmUpStretches);
    const LatencySeries latency = latency_series(load_.records, kWarmUpStretches);
    const double by_rate_ms =
        static_cast<double>(warm_up_length(rate)) * end_ms / static_cast<double>(kWarmUpStretches);
    const std::size_t n_slow = warm_up_length(latency.latency_ms);
    const double by_latency_ms = n_slow == 0 ? 0 : latency.begin_ms[n_slow];
    judgement_.window_begin_ms = std::max(by_rate_ms, by_latency_ms);
    judgement_.window_end_ms = end_ms;
    chosen_ = within(load_.records, judgement_.window_begin_ms, end_ms);
    judgement_.details["warm_up"] = {{"ms", judgement_.window_begin_ms},
                                     {"by_throughput_ms", by_rate_ms},
                                     {"by_latency_ms", by_latency_ms},
                                     {"test", "Pettitt 1979, p < 0.01"}};
  }

  void ask_length() {
    const double window_ms = judgement_.window_end_ms - judgement_.window_begin_ms;
    const auto n = static_cast<std::int64_t>(chosen_.size());
    judgement_.details["window"] = {{"ms", window_ms}, {"n_requests", n}};
    if (window_ms < demands_.least_window_ms || n < demands_.least_requests) say(reason::too_short);
  }

  void ask_drift() {
    const double begin_ms = judgement_.window_begin_ms, end_ms = judgement_.window_end_ms;
    const auto rate = find_trend(tokens_per_s_over(load_.records, begin_ms, end_ms, kStretches));
    const auto latency = find_trend(latency_series(chosen_, kStretches).latency_ms);
    const auto queue_series = in_flight_over(load_.records, begin_ms, end_ms, kStretches);
    const auto queue = find_trend(queue_series);
    judgement_.details["drift"] = {{"output_tokens_per_s", trend_json(rate)},
                                   {"latency_ms_per_token", trend_json(latency)},
                                   {"in_flight", trend_json(queue)},
                                   {"test", "Mann-Kendall, corrected by Hamed and Rao 1998; Sen's slope"}};
    const double growth = queue ? queue->change_ratio * *quantile_of(queue_series, 0.5) : 0;
    constexpr double kLeastGrowth = 2;  // requests
    if (arrivals_.is_open() && drifts(queue, 0.5) && growth > kLeastGrowth) say(reason::queue_growing);
    if (drifts(rate, demands_.most_drift_ratio) || drifts(latency, demands_.most_drift_ratio)) say(reason::not_steady);
  }

  /// In a steady system the mean number in it is the rate of arrivals times the mean time that each stays.
  /// Source: Little 1961, Operations Research 9:383-387.
  void ask_littles_law() {
    if (chosen_.empty() || !(judgement_.window_s() > 0)) return;
    const double window_ms = judgement_.window_end_ms - judgement_.window_begin_ms;
    const double in_flight =
        mean_of(in_flight_over(load_.records, judgement_.window_begin_ms, judgement_.window_end_ms, 1));
    double stay_ms = 0;
    for (const RequestRecord& record : chosen_) stay_ms += record.e2e_ms() / static_cast<double>(chosen_.size());
    const double expected = static_cast<double>(chosen_.size()) / window_ms * stay_ms;
    const double difference = std::abs(in_flight - expected) / std::max(in_flight, expected);
    const double allowed = demands_.most_littles_ratio + stay_ms / window_ms;
    judgement_.details["littles_law"] = {{"in_flight_mean", in_flight},
                                         {"rate_times_latency", expected},
                                         {"difference_ratio", difference},
                                         {"allowed_ratio", allowed}};
    if (difference > allowed) say(reason::littles_law);
  }

  void ask_client(const std::optional<SelfTest>& client) {
    std::vector<double> lateness_ms, ttft_ms;
    for (const RequestRecord& record : chosen_) {
      lateness_ms.push_back(record.lateness_ms());
      if (const auto ttft = record.ttft_ms()) ttft_ms.push_back(*ttft);
    }
    const auto lateness = quantile_of(lateness_ms, 0.5), late = quantile_of(lateness_ms, 0.99);
    const auto ttft = quantile_of(ttft_ms, 0.5), slow = quantile_of(ttft_ms, 0.99);
    const double rate_per_s =
        judgement_.window_s() > 0 ? static_cast<double>(chosen_.size()) / judgement_.window_s() : 0;
    Json json = {{"lateness_p50_ms", lateness ? Json(*lateness) : Json()},
                 {"lateness_p99_ms", late ? Json(*late) : Json()},
                 {"self_test", client ? to_json(*client) : Json()}};
    constexpr double kAlwaysAllowedMs = 1;
    const auto is_late = [&](const std::optional<double>& own, const std::optional<double>& whole, double share) {
      return own && *own > std::max(kAlwaysAllowedMs, share * whole.value_or(0));
    };
    constexpr double kMostOfTail = 0.25;
    if (is_late(lateness, ttft, demands_.most_lateness_ratio) || is_late(late, slow, kMostOfTail)) {
      say(reason::client_bound);
    }
    if (client && rate_per_s > demands_.most_client_share * client->requests_per_s) say(reason::client_bound);
    judgement_.details["client"] = std::move(json);
  }

  void ask_gpu(std::span<const results::GpuSample> gpu) {
    if (gpu.empty()) return;
    std::int64_t n = 0, n_faulty = 0;
    std::optional<double> least_mhz, most_mhz, first_c, last_c;
    for (const results::GpuSample& sample : gpu) {
      if (sample.at_ms < judgement_.window_begin_ms || sample.at_ms > judgement_.window_end_ms) continue;
      ++n;
      if (sample.sm_clock_mhz) {
        least_mhz = std::min(least_mhz.value_or(*sample.sm_clock_mhz), *sample.sm_clock_mhz);
        most_mhz = std::max(most_mhz.value_or(*sample.sm_clock_mhz), *sample.sm_clock_mhz);
      }
      if (sample.temperature_c) {
        if (!first_c) first_c = sample.temperature_c;
        last_c = sample.temperature_c;
      }
      if (has_faulty_clocks({&sample, 1})) ++n_faulty;
    }
    const auto known = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
    judgement_.details["gpu"] = {{"n_samples", n},
                                 {"n_throttled", n_faulty},
                                 {"sm_clock_min_mhz", known(least_mhz)},
                                 {"sm_clock_max_mhz", known(most_mhz)},
                                 {"temperature_first_c", known(first_c)},
                                 {"temperature_last_c", known(last_c)}};
    if (n_faulty > 0) say(reason::throttled);
  }

  void ask_errors() {
    std::int64_t n_errors = 0, n_cancelled = 0;
    std::string first;
    for (const RequestRecord& record : load_.records) {
      if (!record.failed()) continue;
      (record.failure == "cancelled" ? n_cancelled : n_errors) += 1;
      if (first.empty() && record.failure != "cancelled") first = record.failure;
    }
    judgement_.details["failures"] = {{"n_errors", n_errors}, {"n_cancelled", n_cancelled}, {"first", first}};
    if (n_errors > 0) say(reason::errors);
    if (n_cancelled > 0) say(reason::cancelled);
  }

  const LoadResult& load_;
  const Arrivals& arrivals_;
  const Demands& demands_;
  Judgement judgement_;
  std::vector<RequestRecord> chosen_;
};

}  // namespace

bool has_faulty_clocks(std::span<const results::GpuSample> gpu) {
  return std::any_of(gpu.begin(), gpu.end(), [](const results::GpuSample& sample) {
    const auto names = results::throttle_reason_names(sample.throttle_reasons.value_or(0));
    return std::any_of(names.begin(), names.end(), is_fault);
  });
}

std::vector<double> tokens_per_s_over(std::span<const RequestRecord> records, double begin_ms, double end_ms,
                                      std::size_t n) {
  std::vector<double> rates(n, 0);
  const double stretch_ms = (end_ms - begin_ms) / static_cast<double>(n);
  if (!(stretch_ms > 0)) return rates;
  for (const RequestRecord& record : records) {
    for (const OutputEvent& event : record.events) {
      const double at = std::floor((event.at_ms - begin_ms) / stretch_ms);
      if (at < 0 || at >= static_cast<double>(n)) continue;
      rates[static_cast<std::size_t>(at)] += event.n_tokens * 1000 / stretch_ms;
    }
  }
  return rates;
}

std::vector<double> in_flight_over(std::span<const RequestRecord> records, double begin_ms, double end_ms,
                                   std::size_t n) {
  std::vector<double> means(n, 0);
  const double stretch_ms = (end_ms - begin_ms) / static_cast<double>(n);
  if (!(stretch_ms > 0)) return means;
  for (const RequestRecord& record : records) {
    for (std::size_t i = 0; i < n; ++i) {
      const double from = begin_ms + static_cast<double>(i) * stretch_ms;
      const double overlap = std::min(record.finished_ms, from + stretch_ms) - std::max(record.intended_ms, from);
      if (overlap > 0) means[i] += overlap / stretch_ms;
    }
  }
  return means;
}

Judgement judge(const LoadResult& load, const Arrivals& arrivals, const Demands& demands,
                const std::optional<SelfTest>& client, std::span<const results::GpuSample> gpu) {
  return Judge(load, arrivals, demands).run(client, gpu);
}

}  // namespace assay::bench
