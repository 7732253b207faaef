#include "kernels/device/activity_trace.h"

namespace assay::kernels {

std::string short_kernel_name(const std::string& demangled) {
  constexpr std::string_view kAnonymous = "(anonymous namespace)::";
  std::string name = demangled;
  for (std::size_t at = name.find(kAnonymous); at != std::string::npos; at = name.find(kAnonymous)) {
    name.erase(at, kAnonymous.size());
  }
  name = name.substr(0, name.find_first_of("<("));
  const std::size_t before = name.find_last_of(": ");
  return before == std::string::npos ? name : name.substr(before + 1);
}

}  // namespace assay::kernels
