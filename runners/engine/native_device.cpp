#include "runners/engine/native_device.h"

#include <sched.h>

#include <algorithm>
#include <thread>

#include "harness/base/text.h"

namespace assay::runners {

Result<> check_native_device(const std::string& device) {
  if (device == "auto" || device == "cpu") return {};
  if (device.starts_with("cuda")) {
    return environment_error("--device ", device,
                             ": this build runs models on the CPU only; give --device cpu or auto");
  }
  return bad_input("--device must be auto, cpu or cuda[:i], is ", quoted_excerpt(device));
}

int available_processors() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace assay::runners
