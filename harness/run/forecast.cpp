#include "harness/run/forecast.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/base/assert.h"
#include "runners/engine/admission.h"
#include "runners/engine/executor.h"

namespace assay::run {

namespace {

constexpr double kSustainedShare = 0.92;  // of the peak bandwidth
// Contexts grow while a batch decodes; between two ends of samples time is the mean over stretches of at most so many
// steps.
constexpr std::int64_t kStretchSteps = 512;

// Copying pages to or from the host's memory, bytes a second, waits for passes included, as measured on an H100 whose
// host has 16 processors.
constexpr double kHostCopyBytesPerS = 9.9e9;

/// A sample in flight.
struct Running {
  std::size_t item = 0;
  std::int64_t order = 0;  // in which they were begun
  std::int64_t n_known = 0, n_output = 0;
  std::int64_t n_left() const { return n_output - n_known; }
};

/// An item whose samples wait, or run.
struct ItemState {
  std::size_t n_begun = 0;
  std::int64_t n_alive = 0;  // begun and not ended
};

class Simulation {
 public:
  Simulation(const std::vector<ForecastItem>& items, const ForecastLimits& limits, const runners::DeviceRates& rates)
      : items_(items),
        limits_(limits),
        rates_(rates),
        page_bytes_(limits.work.kv_bytes_per_token * runners::kPageTokens),
        n_pages_(static_cast<std::int64_t>(static_cast<double>(limits.kv_memory_bytes) / page_bytes_)),
        states_(items.size()) {}

  Result<Forecast> run() {
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (!items_[i].n_output_tokens.empty()) queue_.push_back(i);
      ASSAY_TRY(check(items_[i]));
    }
    std::stable_sort(queue_.begin(), queue_.end(), [&](std::size_t a, std::size_t b) {
      return items_[a].n_prompt_tokens > items_[b].n_prompt_tokens;
    });
    while (next_ < queue_.size() || !running_.empty() || !away_.empty()) {
      bring_back();
      if (away_.empty()) begin_samples();
      decode_a_while();
    }
    if (forecast_.decode_s > 0) forecast_.mean_sequences = sequence_seconds_ / forecast_.decode_s;
    return forecast_;
  }

 private:
  Result<> check(const ForecastItem& item) const {
    const std::int64_t n_needed = runners::pages_for(item.n_prompt_tokens + item.max_output_tokens) + 1;
    if (n_needed <= n_pages_) return {};
    return environment_error("a sample of up to ", item.n_prompt_tokens + item.max_output_tokens, " tokens needs ",
                             n_needed, " pages of KV cache, and there is memory for ", n_pages_,
                             "; a smaller --max-output-tokens, or a device with more memory");
  }

  /// Pages of a sample with so many output tokens, beside those that it shares with its prompt.
  static std::int64_t own_pages(const ForecastItem& item, std::int64_t n_output) {
    const std::int64_t n_shared = std::max<std::int64_t>(item.n_prompt_tokens - 1, 0) / runners::kPageTokens;
    return runners::pages_for(item.n_prompt_tokens + n_output) - n_shared;
  }
  std::int64_t own_pages(const Running& r) const { return own_pages(items_[r.item], r.n_known); }
  /// Of a sample, begun or not, until it has what it is taken to have in the end.
  runners::PageNeed need(std::size_t item, std::int64_t n_known, std::int64_t n_owned) const {
    const std::int64_t n_expected = lengths_.expected(n_known, items_[item].max_output_tokens);
    const std::int64_t n_to_come = std::max<std::int64_t>(own_pages(items_[item], n_expected) - n_owned, 0);
    return {static_cast<int>(n_owned), static_cast<int>(n_to_come)};
  }
  /// Whether there is room for another that needs this, and so much at once, beside all that run; alone, each has.
  bool has_room(runners::PageNeed another, std::int64_t n_at_once) const {
    if (running_.empty()) return true;
    if (n_at_once > n_pages_ - n_used_pages_) return false;
    std::vector<runners::PageNeed> needs{another};
    std::int64_t n_owned = 0;
    for (const Running& r : running_) {
      needs.push_back(need(r.item, r.n_known, own_pages(r)));
      n_owned += needs.back().n_owned;
    }
    return runners::pages_at_fullest(std::move(needs)) <= n_pages_ - n_used_pages_ + n_owned;
  }

  void begin_samples() {
    double n_new_tokens = 0;
    while (next_ < queue_.size() && n_running() < limits_.max_batch) {
      const std::size_t which = queue_[next_];
      const ForecastItem& item = items_[which];
      ItemState& state = states_[which];
      const int n_prompt_pages = state.n_begun == 0 ? runners::pages_for(item.n_prompt_tokens) : 0;
      runners::PageNeed wanted = need(which, 0, 0);
      wanted.n_to_come += n_prompt_pages;
      // Where one has no room, no later one takes its place.
      if (!has_room(wanted, n_prompt_pages + own_pages(item, 1))) break;
      if (state.n_begun == 0) n_new_tokens += static_cast<double>(item.n_prompt_tokens);
      // The first token comes with the prompt; each of the others takes a step.
      const std::int64_t n_output =
          std::clamp<std::int64_t>(item.n_output_tokens[state.n_begun], 1, item.max_output_tokens);
      forecast_.n_output_tokens += n_output;
      lengths_.add_tokens(1);
      running_.push_back({which, n_begun_++, 1, n_output});
      n_cached_ += item.n_prompt_tokens;
      n_used_pages_ += n_prompt_pages + own_pages(running_.back());
      ++state.n_alive;
      if (++state.n_begun == item.n_output_tokens.size()) ++next_;
    }
    forecast_.peak_sequences = std::max<std::int64_t>(forecast_.peak_sequences, n_running());
    if (n_new_tokens == 0) return;
    const double mean_prompt_tokens = static_cast<double>(n_cached_) / static_cast<double>(running_.size());
    forecast_.n_prompt_tokens += static_cast<std::int64_t>(n_new_tokens);
    forecast_.prefill_s += runners::prefill_s(limits_.work, rates_, n_new_tokens, mean_prompt_tokens,
                                              static_cast<double>(limits_.prefill_chunk_tokens));
  }

  /// Until a sample ends, contexts have grown noticeably, or the cache may be full.
  void decode_a_while() {
    ASSAY_ASSERT(!running_.empty(), "check() has found that each sample fits alone");
    std::int64_t n_steps = kStretchSteps;
    for (const Running& r : running_) n_steps = std::min(n_steps, r.n_left());
    const std::int64_t n_free = std::max<std::int64_t>(n_pages_ - n_used_pages_, 0);
    n_steps = std::min(n_steps, std::max<std::int64_t>(n_free * runners::kPageTokens / n_running(), 1));
    if (n_steps > 0) step(n_steps);
    std::erase_if(running_, [&](const Running& r) {
      if (r.n_left() > 0) return false;
      end(r);
      return true;
    });
    while (n_used_pages_ > n_pages_ && n_running() > 1) move_out();
  }

  void step(std::int64_t n_steps) {
    const double n_sequences = static_cast<double>(running_.size());
    const double n_context = static_cast<double>(n_cached_) + n_sequences * static_cast<double>(n_steps) / 2;
    const double seconds =
        static_cast<double>(n_steps) * runners::decode_pass_s(limits_.work, rates_, n_sequences, n_context);
    forecast_.decode_s += seconds;
    sequence_seconds_ += n_sequences * seconds;
    for (Running& r : running_) {
      n_used_pages_ -= own_pages(r);
      r.n_known += n_steps;
      n_used_pages_ += own_pages(r);
    }
    n_cached_ += n_steps * n_running();
    lengths_.add_tokens(n_steps * n_running());
  }

  void end(const Running& ended) {
    const ForecastItem& item = items_[ended.item];
    ItemState& state = states_[ended.item];
    leave(ended);
    lengths_.add_end();
    if (--state.n_alive == 0 && state.n_begun == item.n_output_tokens.size()) {
      n_used_pages_ -= runners::pages_for(item.n_prompt_tokens);
    }
  }
  void leave(const Running& r) {
    n_used_pages_ -= own_pages(r);
    n_cached_ -= items_[r.item].n_prompt_tokens + r.n_known - 1;
  }

  void move_out() {
    const Running youngest = running_.back();
    running_.pop_back();
    leave(youngest);
    away_.insert(away_.begin(), youngest);
    forecast_.decode_s += copy_s(youngest);
    ++forecast_.n_moved_out;
  }
  void bring_back() {
    while (!away_.empty() && n_running() < limits_.max_batch) {
      const Running& oldest = away_.front();
      const runners::PageNeed wanted = need(oldest.item, oldest.n_known, 0);
      const std::int64_t n_pages = own_pages(oldest);
      if (!has_room({0, std::max(wanted.n_to_come, static_cast<int>(n_pages))}, n_pages)) return;
      const auto place =
          std::find_if(running_.begin(), running_.end(), [&](const Running& r) { return r.order > oldest.order; });
      forecast_.decode_s += copy_s(oldest);
      n_used_pages_ += n_pages;
      n_cached_ += items_[oldest.item].n_prompt_tokens + oldest.n_known - 1;
      running_.insert(place, oldest);
      away_.erase(away_.begin());
    }
  }
  double copy_s(const Running& r) const {
    return static_cast<double>(runners::pages_for(items_[r.item].n_prompt_tokens + r.n_known)) * page_bytes_ /
           kHostCopyBytesPerS;
  }

  std::int64_t n_running() const { return static_cast<std::int64_t>(running_.size()); }

  const std::vector<ForecastItem>& items_;
  const ForecastLimits& limits_;
  const runners::DeviceRates& rates_;
  double page_bytes_;
  std::int64_t n_pages_;
  std::vector<ItemState> states_;
  std::vector<std::size_t> queue_;  // items, in order
  std::size_t next_ = 0;
  std::vector<Running> running_, away_;  // oldest first
  runners::LengthEstimate lengths_;
  std::int64_t n_begun_ = 0;
  std::int64_t n_cached_ = 0;      // tokens of all that run
  std::int64_t n_used_pages_ = 0;  // a prompt's own until its last sample has ended
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
