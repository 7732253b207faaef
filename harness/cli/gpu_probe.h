#pragma once
// What NVIDIA's management library says of this machine, without linking it.

#include <cstdint>
#include <string>
#include <vector>

namespace assay::cli {

struct GpuEntry {
  std::string name;
  std::uint64_t memory_bytes = 0;
};

struct GpuProbe {
  std::string driver;  ///< "580.65.06"; empty if there is no driver
  std::vector<GpuEntry> gpus;
  std::string reason;  ///< why there is no driver or no list; empty if all was read
};

/// Loads libnvidia-ml.so.1 if it is there and asks it.
GpuProbe probe_gpus();

}  // namespace assay::cli
