#pragma once
// What a machine gives at most, measured: rates of memory and of arithmetic, and what starts and barriers cost. Needs
// no CUDA; a build without it has no GPUs.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "kernels/collective/collective.h"
#include "kernels/simd/cpu_ops.h"

namespace assay::kernels {

/// A ceiling, and what is to reach it.
struct CeilingMethod {
  std::string_view ceiling;          ///< "read", "bf16", "grid_barrier", …: the words of results/README.md
  std::string_view by;               ///< "own", "cuda", "cublas"
  std::string_view metric;           ///< "gb_per_s", "tflops", "time_us"
  std::int64_t n_bytes = 0;          ///< of the buffer, or copied; 0: doesn't apply
  std::int64_t m = 0, n = 0, k = 0;  ///< of a whole product y[m, n] = x[m, k] · w[n, k]ᵀ; 0: doesn't apply
};

struct CeilingReading {
  double value = 0;              ///< in the metric's unit
  std::optional<double> stddev;  ///< over the parts that were timed one by one
  std::int64_t n = 0;            ///< such parts
  double warm_s = 0, timed_s = 0;
};

/// A device with room for what is measured on it. One thread uses it.
class CeilingDevice {
 public:
  virtual ~CeilingDevice() = default;
  virtual std::string name() const = 0;  ///< as it calls itself
  virtual std::vector<CeilingMethod> methods() const = 0;
  /// What these methods leave out here, and why; empty if nothing.
  virtual std::vector<std::string> missing() const = 0;
  /// `method` is one of methods(). Takes from a tenth of a second to some seconds: matrix rates are taken when clocks
  /// have come down to what power allows.
  virtual Result<CeilingReading> measure(const CeilingMethod& method) = 0;
};

/// This machine's processors, with so many threads and the operations of a level.
std::unique_ptr<CeilingDevice> open_cpu_ceilings(const CpuOps& ops, int n_threads, std::string name);

/// GPUs that CUDA shows. Error{environment} says why there are none.
Result<int> count_gpus();
/// The calling thread's device is then this one. Error{environment} as open_device() says.
Result<std::unique_ptr<CeilingDevice>> open_gpu_ceilings(int ordinal);

/// The links between GPUs 0 … n_ranks - 1. One thread uses it.
class LinkCeilings {
 public:
  virtual ~LinkCeilings() = default;
  virtual std::string nccl_version() const = 0;  ///< empty where NCCL isn't
  virtual std::string nccl_reason() const = 0;   ///< why it isn't
  /// Microseconds of a call, by n_rounds rounds. `pace.bytes_per_s` holds ours back. n_bytes is at most kMostLinkBytes.
  virtual Result<std::vector<double>> times_us(CollectiveOperation operation, bool by_nccl, std::int64_t n_bytes,
                                               const LinkPace& pace, int n_rounds) = 0;
  /// A pace for this rate, tried on these links (collective_timer.h).
  virtual Result<LinkPace> pace_for(double bytes_per_s) = 0;
};
inline constexpr std::int64_t kMostLinkBytes = std::int64_t{1} << 28;
/// n_ranks is 2, 4 or 8. Error{environment} if they can't reach each other's memory.
Result<std::unique_ptr<LinkCeilings>> open_link_ceilings(int n_ranks);

}  // namespace assay::kernels
