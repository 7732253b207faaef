#pragma once
// What a server has done, as OpenMetrics text.
// Source: OpenMetrics 1.0, prometheus.io/docs/specs/om/open_metrics_spec.

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "runners/link_report.h"

namespace assay::serve {

/// Counts of times, in seconds, up to fixed bounds.
class Histogram {
 public:
  void add(double seconds);
  /// Its lines, under a metric's name.
  std::string text(const std::string& name) const;

 private:
  static constexpr std::array<double, 12> kBounds = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600};
  std::array<std::int64_t, 12> n_ = {};
  std::int64_t n_all_ = 0;
  double sum_ = 0;
};

/// All functions may be called by any thread.
class Metrics {
 public:
  void add_answer(int status);
  void add_sample_started();
  void add_first_token(double ttft_s);
  void add_sample_finished(std::int64_t n_prompt, std::int64_t n_cached, std::int64_t n_output, bool cancelled,
                           double e2e_s);
  /// With what links that are held back carried, if there are such.
  std::string text(const std::optional<runners::LinkReport>& links) const;

 private:
  mutable std::mutex mutex_;
  std::map<int, std::int64_t> answers_;  // by status
  std::int64_t n_unfinished_ = 0, n_finished_ = 0, n_cancelled_ = 0;
  std::int64_t n_prompt_ = 0, n_cached_ = 0, n_output_ = 0;
  Histogram ttft_, e2e_;
};

}  // namespace assay::serve
