#include "harness/run/forecast.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <queue>

#include "harness/base/assert.h"
#include "runners/engine/executor.h"

namespace assay::run {

namespace {

constexpr double kSustainedShare = 0.92;  // of the peak bandwidth
// Contexts grow while a batch decodes; between two ends of samples time is the mean over stretches of at most so many
// steps.
constexpr std::int64_t kStretchSteps = 512;

/// A sample in flight.
struct Running {
  std::int64_t ends_at_step = 0;
  std::int64_t n_tokens_at_start = 0;  // cached when it began
  std::int64_t begun_at_step = 0;
  std::int64_t n_pages = 0;
  std::size_t item = 0;
  bool operator>(const Running& other) const { return ends_at_step > other.ends_at_step; }
};

/// An item whose samples wait, or run.
struct Waiting {
  std::size_t item = 0;
  std::size_t n_begun = 0;
  bool is_prefilled = false;
};

class Simulation {
 public:
  Simulation(const std::vector<ForecastItem>& items, const ForecastLimits& limits, const runners::DeviceRates& rates)
      : items_(items), limits_(limits), rates_(rates) {
    const double page_bytes = limits.work.kv_bytes_per_token * runners::kPageTokens;
    n_free_pages_ = static_cast<std::int64_t>(static_cast<double>(limits.kv_memory_bytes) / page_bytes);
    n_pages_ = n_free_pages_;
  }

  Result<Forecast> run() {
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (!items_[i].n_output_tokens.empty()) queue_.push_back({i, 0, false});
      ASSAY_TRY(check(items_[i]));
    }
    std::stable_sort(queue_.begin(), queue_.end(), [&](const Waiting& a, const Waiting& b) {
      return items_[a.item].n_prompt_tokens > items_[b.item].n_prompt_tokens;
    });
    while (next_ < queue_.size() || !running_.empty()) {
      begin_samples();
      decode_until_one_ends();
    }
    if (forecast_.decode_s > 0) forecast_.mean_sequences = sequence_seconds_ / forecast_.decode_s;
    return forecast_;
  }

 private:
  std::int64_t pages_of(const ForecastItem& item) const {
    return runners::pages_for(item.n_prompt_tokens + item.max_output_tokens);
  }

  Result<> check(const ForecastItem& item) const {
    const std::int64_t n_needed = runners::pages_for(item.n_prompt_tokens) + pages_of(item);
    if (n_needed <= n_pages_) return {};
    return environment_error("a sample of up to ", item.n_prompt_tokens + item.max_output_tokens, " tokens needs ",
                             n_needed, " pages of KV cache, and there is memory for ", n_pages_,
                             "; a smaller --max-output-tokens, or a device with more memory");
  }

  /// Begins what fits, in order: no later item takes an earlier one's place.
  void begin_samples() {
    double n_new_tokens = 0;
    while (next_ < queue_.size() && n_running() < limits_.max_batch) {
      Waiting& waiting = queue_[next_];
      const ForecastItem& item = items_[waiting.item];
      const std::int64_t n_prompt_pages = waiting.is_prefilled ? 0 : runners::pages_for(item.n_prompt_tokens);
      if (n_prompt_pages + pages_of(item) > n_free_pages_) break;
      n_free_pages_ -= n_prompt_pages + pages_of(item);
      if (!waiting.is_prefilled) n_new_tokens += static_cast<double>(item.n_prompt_tokens);
      waiting.is_prefilled = true;
      const std::int64_t n_output = std::min(item.n_output_tokens[waiting.n_begun], item.max_output_tokens);
      forecast_.n_output_tokens += n_output;
      // The first token comes with the prompt; each of the others takes a step.
      running_.push(
          {step_ + std::max<std::int64_t>(n_output - 1, 0), item.n_prompt_tokens, step_, pages_of(item), waiting.item});
      n_cached_ += item.n_prompt_tokens;
      if (++waiting.n_begun == item.n_output_tokens.size()) {
        n_free_pages_ += runners::pages_for(item.n_prompt_tokens);
        ++next_;
      }
    }
    forecast_.peak_sequences = std::max<std::int64_t>(forecast_.peak_sequences, n_running());
    if (n_new_tokens == 0) return;
    const double mean_prompt_tokens = static_cast<double>(n_cached_) / static_cast<double>(running_.size());
    forecast_.n_prompt_tokens += static_cast<std::int64_t>(n_new_tokens);
    forecast_.prefill_s += runners::prefill_s(limits_.work, rates_, n_new_tokens, mean_prompt_tokens,
                                              static_cast<double>(limits_.prefill_chunk_tokens));
  }

  void decode_until_one_ends() {
    ASSAY_ASSERT(!running_.empty(), "check() has found that each sample fits alone");
    const double n_sequences = static_cast<double>(running_.size());
    const std::int64_t last_step = running_.top().ends_at_step;
    while (step_ < last_step) {
      const std::int64_t n_steps = std::min(kStretchSteps, last_step - step_);
      const double n_context = static_cast<double>(n_cached_) + n_sequences * static_cast<double>(n_steps) / 2;
      const double seconds =
          static_cast<double>(n_steps) * runners::decode_pass_s(limits_.work, rates_, n_sequences, n_context);
      forecast_.decode_s += seconds;
      sequence_seconds_ += n_sequences * seconds;
      step_ += n_steps;
      n_cached_ += n_steps * n_running();
    }
    while (!running_.empty() && running_.top().ends_at_step <= step_) {
      const Running& ended = running_.top();
      n_free_pages_ += ended.n_pages;
      n_cached_ -= ended.n_tokens_at_start + step_ - ended.begun_at_step;
      running_.pop();
    }
  }

  std::int64_t n_running() const { return static_cast<std::int64_t>(running_.size()); }

  const std::vector<ForecastItem>& items_;
  const ForecastLimits& limits_;
  const runners::DeviceRates& rates_;
  std::vector<Waiting> queue_;
  std::size_t next_ = 0;
  std::priority_queue<Running, std::vector<Running>, std::greater<>> running_;
  std::int64_t step_ = 0;
  std::int64_t n_cached_ = 0;  // tokens of all running samples
  std::int64_t n_free_pages_ = 0, n_pages_ = 0;
  double sequence_seconds_ = 0;
  Forecast forecast_;
};

/// The share of a gamma distribution of shape 2 and scale 1 that is below x: 1 − (1 + x)·e^−x. Found by bisection.
double gamma2_quantile(double share) {
  double low = 0, high = 64;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (1 - (1 + middle) * std::exp(-middle) < share ? low : high) = middle;
  }
  return low;
}

}  // namespace

Result<ForecastDevice> forecast_device(const results::HardwareProfile& profile) {
  if (profile.kind != "gpu") {
    return bad_input("hardware ", profile.name, ": is no GPU; a plan's times are those of the engine on NVIDIA GPUs");
  }
  const auto needed = [&](const char* key) -> Result<double> {
    const std::optional<double> value = profile.value(key);
    if (!value) return bad_input("hardware ", profile.name, ": has no ", key, ", which a plan needs");
    return *value;
  };
  ForecastDevice device;
  device.profile = profile.name;
  ASSAY_ASSIGN(const double memory_gb, needed("memory_gb"));
  ASSAY_ASSIGN(const double peak_gb_per_s, needed("memory_bandwidth_gb_per_s"));
  ASSAY_ASSIGN(const double bf16_tflops, needed("bf16_tflops"));
  device.memory_bytes = static_cast<std::int64_t>(memory_gb * 1e9);
  device.rates.read_bytes_per_s =
      1e9 * profile.value("memory_bandwidth_sustained_gb_per_s").value_or(kSustainedShare * peak_gb_per_s);
  device.rates.bf16_flop_per_s = 1e12 * bf16_tflops;
  device.rates.fp8_flop_per_s = 1e12 * profile.value("fp8_tflops").value_or(0);
  device.power_watts = profile.value("power_watts");
  device.was_fitted = profile.name == "h100-sxm5" || profile.name == "h200-sxm";
  return device;
}

Result<Forecast> forecast_run(const std::vector<ForecastItem>& items, const ForecastLimits& limits,
                              const runners::DeviceRates& rates) {
  return Simulation(items, limits, rates).run();
}

std::vector<std::int64_t> spread_lengths(double mean, std::int64_t n, std::int64_t most) {
  std::vector<std::int64_t> lengths;
  // A stride that shares no divisor with n visits every quantile once, far ones after each other.
  std::int64_t stride = std::max<std::int64_t>(1, static_cast<std::int64_t>(0.618 * static_cast<double>(n)));
  while (std::gcd(stride, n) != 1) ++stride;
  for (std::int64_t i = 0; i < n; ++i) {
    const double share = (static_cast<double>(i * stride % n) + 0.5) / static_cast<double>(n);
    const double length = std::round(mean / 2 * gamma2_quantile(share));
    lengths.push_back(std::clamp<std::int64_t>(static_cast<std::int64_t>(length), 1, std::max<std::int64_t>(most, 1)));
  }
  return lengths;
}

}  // namespace assay::run
