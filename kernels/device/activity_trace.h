#pragma once
// What a GPU did and when, kernel by kernel and copy by copy, by its own clock: activity records of CUDA's profiling
// library (CUPTI), which is looked for at run time. Kernels of graphs are recorded one by one, too, and go on
// overlapping.

#include <memory>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace assay::kernels {

struct DeviceActivity {
  std::string name;  ///< a kernel's function without namespace and arguments; "copy_to_device", "copy_to_host",
                     ///< "copy_on_device", "fill"
  double start_us = 0, end_us = 0;  ///< of a clock that all activities of a trace share
};

/// Recording costs some time on the device while it is on, and none when it is off. One at a time in a process, and no
/// other profiler beside it: the library's state is the process's. For one thread.
class ActivityTrace {
 public:
  /// Loads the library; nothing is recorded yet. Error{environment} if it isn't there, or if this build has no CUDA.
  static Result<std::unique_ptr<ActivityTrace>> open();
  ~ActivityTrace();  // stops
  ActivityTrace(const ActivityTrace&) = delete;
  ActivityTrace& operator=(const ActivityTrace&) = delete;

  /// Error{environment} where the driver does not allow it, or another profiler is there.
  Result<> start();
  Result<> stop();
  /// Waits for the current device, and takes what has been recorded since the last call, in order of starts.
  /// Error{environment} if records were lost.
  Result<std::vector<DeviceActivity>> take();

 private:
  struct Library;
  explicit ActivityTrace(std::unique_ptr<Library> library);
  std::unique_ptr<Library> library_;
  bool is_on_ = false;
};

/// "merge_kernel" of "void assay::kernels::(anonymous namespace)::merge_kernel<128, 4>(MergeArgs)". Pure.
std::string short_kernel_name(const std::string& demangled);

}  // namespace assay::kernels
