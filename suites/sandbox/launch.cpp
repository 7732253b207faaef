#include "suites/sandbox/launch.h"

#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <utility>

#include "harness/base/text.h"
#include "suites/sandbox/host_files.h"

namespace assay::suites {
namespace {

// The program's ends close when `pipes` goes out of scope, so that its end is seen.
Result<RunningProgram> start(SpawnRequest& request, StandardPipes pipes, ProgramPipes own, std::string stdin_text,
                             int channel_fd, const SandboxLimits& limits) {
  request.stdin_fd = pipes.in.read.get();
  request.stdout_fd = pipes.out.write.get();
  request.stderr_fd = pipes.err.write.get();
  request.channel_fd = channel_fd;
  request.rlimits = resource_limits(limits);
  ASSAY_ASSIGN(const pid_t process, spawn(request));
  own.stdin_write = std::move(pipes.in.write);
  own.stdout_read = std::move(pipes.out.read);
  own.stderr_read = std::move(pipes.err.read);
  return RunningProgram::adopt(process, std::move(own), std::move(stdin_text), limits);
}

}  // namespace

// Since Linux 5.14 processes are counted per user namespace; before, a limit would count all that the user runs.
bool counts_processes_per_namespace() {
  utsname system{};
  if (uname(&system) != 0) return false;
  const std::vector<std::string> parts = split(system.release, '.');
  if (parts.size() < 2) return false;
  const std::string_view minor_text = std::string_view(parts[1]).substr(0, parts[1].find_first_not_of("0123456789"));
  const auto major_number = parse_integer(parts[0]);
  const auto minor_number = parse_integer(minor_text);
  return major_number && minor_number &&
         std::pair(*major_number, *minor_number) >= std::pair<std::int64_t, std::int64_t>(5, 14);
}

Result<StandardPipes> open_standard_pipes() {
  StandardPipes pipes;
  ASSAY_ASSIGN(pipes.in, open_pipe());
  ASSAY_ASSIGN(pipes.out, open_pipe());
  ASSAY_ASSIGN(pipes.err, open_pipe());
  return pipes;
}

SandboxLimits with_room_for(const std::vector<ProgramFile>& files, SandboxLimits limits) {
  for (const ProgramFile& file : files) {
    const auto size = static_cast<std::int64_t>(file.text.size());
    limits.file_bytes = std::max(limits.file_bytes, size);
    limits.folder_bytes += size;
  }
  return limits;
}

/// Pending signals and timers, which live in the kernel's memory and count against the user.
constexpr std::uint64_t kMaxPendingSignals = 64;

std::vector<std::pair<int, std::uint64_t>> resource_limits(const SandboxLimits& limits) {
  const auto value = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
  const std::int64_t data_bytes = limits.data_bytes > 0 ? limits.data_bytes : limits.memory_bytes;
  return {{RLIMIT_AS, value(limits.memory_bytes)},     {RLIMIT_DATA, value(data_bytes)},
          {RLIMIT_CPU, value(limits.cpu_s)},           {RLIMIT_FSIZE, value(limits.file_bytes)},
          {RLIMIT_NOFILE, value(limits.n_open_files)}, {RLIMIT_STACK, value(limits.stack_bytes)},
          {RLIMIT_SIGPENDING, kMaxPendingSignals},     {RLIMIT_CORE, 0}};
}

Result<RunningProgram> launch_unprotected(const std::vector<std::string>& command, const std::string& folder,
                                          std::string stdin_text, int channel_fd, const SandboxLimits& limits) {
  ASSAY_ASSIGN(StandardPipes pipes, open_standard_pipes());
  SpawnRequest request;
  request.command = command;
  request.folder = folder;
  request.environment = program_environment(folder.empty() ? "/" : folder);
  return start(request, std::move(pipes), {}, std::move(stdin_text), channel_fd, limits);
}

Result<RunningProgram> launch_in_bwrap(const BwrapHost& host, const std::vector<std::string>& command,
                                       const std::vector<ProgramFile>& files, std::string stdin_text, int channel_fd,
                                       const SandboxLimits& given_limits) {
  const SandboxLimits limits = with_room_for(files, given_limits);
  ASSAY_ASSIGN(StandardPipes pipes, open_standard_pipes());
  ASSAY_ASSIGN(Pipe status, open_pipe());
  ASSAY_ASSIGN(const UniqueFd filter, memory_file(host.system_call_filter));

  BwrapSetup setup;
  setup.bwrap_path = host.bwrap_path;
  setup.python_prefix = host.python_prefix;
  setup.filter_fd = filter.get();
  setup.status_fd = status.write.get();
  if (counts_processes_per_namespace()) {
    // Inside, not with the other limits: here it would count all that the user runs, bubblewrap included.
    const std::string limit = "--nproc=" + to_text(limits.n_threads);
    setup.command = {host.prlimit_path, limit, "--"};
  }
  setup.command.insert(setup.command.end(), command.begin(), command.end());
  std::vector<UniqueFd> texts;
  for (const ProgramFile& file : files) {
    ASSAY_ASSIGN(UniqueFd text, memory_file(file.text));
    setup.files.emplace_back(file.name, text.get());
    texts.push_back(std::move(text));
  }

  SpawnRequest request;
  request.command = bwrap_command(setup, limits);
  request.environment = {};  // bubblewrap sets the program's
  request.kept_fds = {setup.filter_fd, setup.status_fd};
  for (const auto& [name, fd] : setup.files) request.kept_fds.push_back(fd);
  request.as_nobody = host.as_nobody;
  ProgramPipes own;
  own.status_read = std::move(status.read);
  return start(request, std::move(pipes), std::move(own), std::move(stdin_text), channel_fd, limits);
}

}  // namespace assay::suites
