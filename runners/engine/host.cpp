#include "runners/engine/host.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string_view>
#include <thread>

#include "harness/base/text.h"

namespace assay::runners {

namespace {

/// The text behind `key` in a file of "key : value" lines such as /proc/meminfo; nothing if it is not there.
std::optional<std::string> proc_field(const char* path, std::string_view key) {
  // These files say that they have no bytes, so they can't be read as regular files of a known size.
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return std::nullopt;
  std::optional<std::string> found;
  char line[4096];
  while (!found && std::fgets(line, sizeof line, file) != nullptr) {
    const std::string_view text(line);
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos && trim(text.substr(0, colon)) == key) found = trim(text.substr(colon + 1));
  }
  std::fclose(file);
  return found;
}

/// A number of kibibytes in /proc/meminfo ("MemTotal: 16316412 kB").
std::optional<std::int64_t> meminfo_bytes(std::string_view key) {
  const auto field = proc_field("/proc/meminfo", key);
  if (!field) return std::nullopt;
  const auto kibibytes = parse_integer(field->substr(0, field->find(' ')));
  return kibibytes ? std::optional(*kibibytes * 1024) : std::nullopt;
}

}  // namespace

int available_processors() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

std::string processor_name() { return proc_field("/proc/cpuinfo", "model name").value_or("unknown processor"); }

std::int64_t memory_bytes() {
  return meminfo_bytes("MemTotal").value_or(std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE));
}

std::int64_t available_memory_bytes() {
  return meminfo_bytes("MemAvailable").value_or(std::int64_t{::sysconf(_SC_AVPHYS_PAGES)} * ::sysconf(_SC_PAGESIZE));
}

}  // namespace assay::runners
