#include "harness/run/environment.h"

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "harness/base/file.h"
#include "harness/base/text.h"
#include "harness/run/build_facts.h"
#include "harness/run/gpu_probe.h"
#include "results/method_versions.h"

namespace assay::run {

namespace {

/// The kernel's files have no size, so they are read to their end; empty if that fails.
std::string read_kernel_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The CPUs that this process may run on (cgroup sets and taskset limit them).
std::optional<std::int64_t> n_usable_cpus() {
  cpu_set_t usable;
  if (sched_getaffinity(0, sizeof usable, &usable) != 0) return {};
  return CPU_COUNT(&usable);
}

Json machine_details(const std::string& cpuinfo) {
  Json details = Json::object();
  details["build_type"] = build_facts().build_type;
  const auto add = [&](const char* key, std::string_view value) {
    if (!trim(value).empty()) details[key] = std::string(trim(value));
  };
  add("cpu_governor", read_kernel_file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
  add("cpu_flags", colon_field(cpuinfo, "flags"));
  if (const auto clock_mhz = parse_number(colon_field(cpuinfo, "cpu MHz"))) details["cpu_clock_mhz"] = *clock_mhz;
  const std::string max_clock_khz = read_kernel_file("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq");
  if (const auto khz = parse_integer(trim(max_clock_khz))) details["cpu_max_clock_mhz"] = double(*khz) / 1000;
  if (const auto n = n_usable_cpus()) details["n_usable_cpus"] = *n;
  return details;
}

/// "13.0" of 13000.
std::string cuda_version_text(std::int64_t version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// The GPUs that the runner uses.
void add_gpu(const runners::DeviceFacts& device, results::EnvironmentFacts& facts) {
  facts.gpu_name = device.name;
  const std::vector<std::string> ids = pci_bus_ids(device);
  const auto devices = device.details.find("devices");
  facts.n_gpus = devices == device.details.end() ? 1 : std::max<std::int64_t>(1, devices->size());
  facts.cuda_version = cuda_version_text(device.details.value("runtime_cuda_version", std::int64_t{0}));
  GpuState state;
  if (const auto reader = GpuReader::open(ids)) state = reader->read();
  if (!state.driver.empty()) facts.gpu_driver = state.driver;
  if (state.max_sm_clock_mhz) facts.gpu_clock_mhz = state.max_sm_clock_mhz;
  if (state.power_limit_watts) facts.gpu_power_limit_watts = state.power_limit_watts;
  Json& json = facts.details["gpu_state"] = Json::object();
  const auto add = [&](const char* key, const auto& value) {
    if (value) json[key] = *value;
  };
  add("sm_clock_mhz", state.sm_clock_mhz);
  add("memory_clock_mhz", state.memory_clock_mhz);
  add("power_watts", state.power_watts);
  add("temperature_c", state.temperature_c);
  add("throttle_reasons", state.throttle_reasons);
}

}  // namespace

std::string provenance_on(const runners::DeviceFacts& device) {
  return device.details.contains("link_gb_per_s") ? "emulated" : "measured";
}

bool is_on_several_hosts(const runners::DeviceFacts& device) {
  std::set<std::string> hosts;
  for (const char* key : {"devices", "parts"}) {
    const auto all = device.details.find(key);
    if (all == device.details.end()) continue;
    for (const Json& one : *all) hosts.insert(one.value("host", ""));
  }
  return hosts.size() > 1;
}

std::vector<std::string> pci_bus_ids(const runners::DeviceFacts& device) {
  std::vector<std::string> ids;
  if (is_on_several_hosts(device)) return ids;
  const auto add = [&](const Json& facts) {
    if (const auto id = facts.find("pci_bus_id"); id != facts.end() && id->is_string()) ids.push_back(*id);
  };
  const auto devices = device.details.find("devices");
  if (devices == device.details.end()) {
    add(device.details);
  } else {
    for (const Json& one : *devices) add(one);
  }
  return ids;
}

std::string colon_field(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == key) {
      return std::string(trim(line.substr(colon + 1)));
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return {};
}

std::optional<std::int64_t> kibibyte_field_bytes(std::string_view value) {
  if (!value.ends_with(" kB")) return {};
  const auto kibibytes = parse_integer(value.substr(0, value.size() - 3));
  if (!kibibytes || *kibibytes < 0 || *kibibytes > INT64_MAX / 1024) return {};
  return *kibibytes * 1024;
}

std::string os_pretty_name(std::string_view os_release) {
  for (const std::string& line : split(os_release, '\n')) {
    std::string_view value = line;
    if (!value.starts_with("PRETTY_NAME=")) continue;
    value.remove_prefix(12);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return std::string(value);
  }
  return {};
}

results::EnvironmentFacts read_environment(const runners::DeviceFacts& device) {
  results::EnvironmentFacts facts;
  facts.device_kind = device.kind;
  facts.device_name = device.name;

  char hostname[256] = {};
  if (::gethostname(hostname, sizeof hostname - 1) == 0) facts.hostname = hostname;
  const std::string cpuinfo = read_kernel_file("/proc/cpuinfo");
  facts.cpu_model = colon_field(cpuinfo, "model name");
  if (const long n = ::sysconf(_SC_NPROCESSORS_ONLN); n > 0) facts.n_cores = n;
  facts.memory_bytes = kibibyte_field_bytes(colon_field(read_kernel_file("/proc/meminfo"), "MemTotal"));
  facts.os = os_pretty_name(read_kernel_file("/etc/os-release"));
  utsname system{};
  if (::uname(&system) == 0) facts.kernel = std::string(system.sysname) + " " + system.release + " " + system.machine;

  const BuildFacts& build = build_facts();
  facts.build_version = build.version;
  facts.build_git_commit = build.git_commit;
  facts.compiler = build.compiler;
  facts.compiler_flags = build.compiler_flags;
  facts.details = machine_details(cpuinfo);
  facts.details["device"] = device.details;
  facts.details["method_versions"] = results::method_versions_json();
  if (device.kind == "cuda") add_gpu(device, facts);
  return facts;
}

}  // namespace assay::run
