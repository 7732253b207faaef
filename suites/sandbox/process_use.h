#pragma once
// What a running process has used, from proc(5).

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace assay::suites {

struct ResourceUse {
  double cpu_ms = 0;  ///< user and system
  double queued_ms =
      0;  ///< time in which it could have run but no processor was free, of the thread that waited longest
  std::int64_t max_rss_bytes = 0;
};

/// Zeros where /proc does not tell, or the process is gone.
ResourceUse use_of_process(pid_t process);

/// The processes that `process` started and that still run.
std::vector<pid_t> children_of(pid_t process);

}  // namespace assay::suites
