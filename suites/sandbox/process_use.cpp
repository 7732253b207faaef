#include "suites/sandbox/process_use.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace assay::suites {
namespace {

namespace fs = std::filesystem;

fs::path proc_folder(pid_t process) { return fs::path("/proc") / std::to_string(process); }

double read_cpu_ms(const fs::path& folder) {
  std::ifstream file(folder / "stat");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  // The command's name stands in parentheses and may hold any character; behind it come fields 3 and on. utime is field
  // 14, stime field 15.
  std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) * 1e3 / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::int64_t read_max_rss_bytes(const fs::path& folder) {
  std::ifstream file(folder / "status");
  for (std::string word; file >> word;) {
    std::int64_t kib = 0;
    if (word == "VmHWM:" && file >> kib) return kib * 1024;
  }
  return 0;
}

// schedstat: nanoseconds on a processor, nanoseconds in a queue for one, number of times.
double read_queued_ms(const fs::path& folder) {
  double longest_ns = 0;
  std::error_code ignored;
  for (fs::directory_iterator task(folder / "task", ignored), end; task != end; task.increment(ignored)) {
    std::ifstream file(task->path() / "schedstat");
    double ran_ns = 0;
    double queued_ns = 0;
    if (file >> ran_ns >> queued_ns) longest_ns = std::max(longest_ns, queued_ns);
  }
  return longest_ns / 1e6;
}

}  // namespace

ResourceUse use_of_process(pid_t process) {
  const fs::path folder = proc_folder(process);
  return {read_cpu_ms(folder), read_queued_ms(folder), read_max_rss_bytes(folder)};
}

std::vector<pid_t> children_of(pid_t process) {
  std::ifstream file(proc_folder(process) / "task" / std::to_string(process) / "children");
  return {std::istream_iterator<pid_t>(file), {}};
}

}  // namespace assay::suites
