#include "suites/sandbox/sandbox.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "suites/sandbox/host_files.h"
#include "suites/sandbox/launch.h"
#include "suites/sandbox/python_runtime.h"
#include "suites/sandbox/running_program.h"
#include "suites/sandbox/system_calls.h"
#include "suites/sandbox/warm_cell.h"

namespace assay::suites {
namespace {

constexpr const char* kOrNone = ", or choose --sandbox none, which runs model-written code unprotected";
constexpr const char* kHowToEnable =
    "; user namespaces must be allowed (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, "
    "kernel.apparmor_restrict_unprivileged_userns=0; in a container: --security-opt seccomp=unconfined)";

Result<Pipe> open_channel() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return environment_error("sandbox: socketpair: ", std::strerror(errno));
  }
  Pipe channel{UniqueFd(ends[0]), UniqueFd(ends[1])};
  ASSAY_ASSIGN(channel.read, move_up(std::move(channel.read)));
  ASSAY_ASSIGN(channel.write, move_up(std::move(channel.write)));
  return channel;
}

}  // namespace

struct Sandbox::Places {
  std::vector<ScratchFolder> folders;
  std::vector<std::pair<const char*, std::unique_ptr<WarmCell>>> cells;  ///< by library
};

std::string to_string(SandboxMode mode) { return mode == SandboxMode::bwrap ? "bwrap" : "none"; }

Result<SandboxMode> parse_sandbox_mode(std::string_view text) {
  if (text == "bwrap") return SandboxMode::bwrap;
  if (text == "none") return SandboxMode::none;
  return bad_input("sandbox ", quoted_excerpt(text), " is unknown: bwrap or none");
}

Result<Sandbox> Sandbox::open(const SandboxOptions& options) {
  // Bubblewrap leaves the first process of its namespace behind; waiting for it here tells what the program used.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return environment_error("sandbox: PR_SET_CHILD_SUBREAPER: ", std::strerror(errno));
  }
  Sandbox sandbox;
  sandbox.mode_ = options.mode;
  ASSAY_ASSIGN(const PythonRuntime python, find_python(options.python_path));
  sandbox.python_path_ = python.path;
  sandbox.python_prefix_ = python.prefix;
  sandbox.python_version_ = python.version;
  if (options.mode == SandboxMode::none) {
    sandbox.why_cold_ = "only bubblewrap keeps programs apart";
    ASSAY_TRY(sandbox.probe());
    return sandbox;
  }
  sandbox.bwrap_path_ = options.bwrap_path.empty() ? find_in_path("bwrap") : options.bwrap_path;
  ASSAY_TRY(sandbox.open_bwrap());
  sandbox.warm_ = std::make_shared<WarmPool>();
  const auto cell = WarmCell::start(sandbox.host(), sandbox.python_path_, "");
  if (!cell) sandbox.why_cold_ = cell.error().message;
  return sandbox;
}

Result<> Sandbox::open_bwrap() {
  if (bwrap_path_.empty()) {
    return environment_error("sandbox: bubblewrap was not found: install it (Debian: apt install bubblewrap)", kOrNone);
  }
  prlimit_path_ = find_in_path("prlimit");
  if (prlimit_path_.empty()) return environment_error("sandbox: prlimit was not found: install util-linux");
  ASSAY_ASSIGN(system_call_filter_, build_system_call_filter(false));
  ASSAY_ASSIGN(forking_filter_, build_system_call_filter(true));
  if (geteuid() == 0) {
    // Root starts the sandbox as nobody, so that nothing inside owns root's files and the kernel counts its threads.
    // Where nobody may not (its interpreter is in root's home, or only root may make namespaces), root starts it.
    as_nobody_ = true;
    if (probe()) return {};
    as_nobody_ = false;
  }
  return probe();
}

BwrapHost Sandbox::host(const SandboxLimits& limits) const {
  const std::string& filter = limits.may_fork ? forking_filter_ : system_call_filter_;
  return {bwrap_path_, prlimit_path_, python_prefix_, filter, as_nobody_};
}

Result<> Sandbox::probe() const {
  const Program program{{"probe.py"}, {{"probe.py", "import sys\nprint(sys.stdin.read() + 'works')\n"}}, "it "};
  const Result<SandboxResult> result = run(program, {});
  if (result && result->exit_status == 0 && trim(result->stdout_text) == "it works") return {};
  const std::string reason =
      result ? "sandbox: a first program did not run: " + quoted_excerpt(trim(result->stderr_text), 200)
             : result.error().message;
  if (mode_ == SandboxMode::none) return environment_error(reason);
  return environment_error(reason, kHowToEnable, kOrNone);
}

Result<SandboxResult> Sandbox::run(const Program& program, const SandboxLimits& limits) const {
  ASSAY_ASSIGN(std::vector<SandboxResult> results, run_all({&program}, limits));
  return std::move(results.front());
}

Result<PairResult> Sandbox::run_pair(const Program& driver, const Program& subject, const SandboxLimits& limits) const {
  ASSAY_ASSIGN(std::vector<SandboxResult> results, run_all({&driver, &subject}, limits));
  return PairResult{std::move(results[0]), std::move(results[1])};
}

Result<std::vector<SandboxResult>> Sandbox::run_all(const std::vector<const Program*>& programs,
                                                    const SandboxLimits& limits) const {
  Pipe channel;
  if (programs.size() == 2) {
    ASSAY_ASSIGN(channel, open_channel());
  }
  Places places;
  std::vector<RunningProgram> running;
  Result<> started;
  for (std::size_t i = 0; i < programs.size() && started; ++i) {
    const int channel_fd = i == 0 ? channel.read.get() : channel.write.get();
    Result<RunningProgram> program = start(*programs[i], channel_fd, limits, places);
    if (program) {
      running.push_back(std::move(*program));
    } else {
      started = program.error();
      for (RunningProgram& other : running) other.kill();
    }
  }
  channel = {};  // both ends belong to the programs now
  supervise(running);
  ASSAY_TRY(std::move(started));

  std::vector<SandboxResult> results;
  for (RunningProgram& program : running) {
    ASSAY_ASSIGN(SandboxResult result, program.take_result());
    results.push_back(std::move(result));
  }
  for (auto& [library, cell] : places.cells) warm_->put_back(library, std::move(cell));
  return results;
}

Result<RunningProgram> Sandbox::start(const Program& program, int channel_fd, const SandboxLimits& limits,
                                      Places& places) const {
  if (program.library != nullptr && why_cold_.empty()) return start_warm(program, channel_fd, limits, places);
  // -s -S -B: no packages of the host or the user, so that a verdict is the same on every machine; no cache files.
  std::vector<std::string> command = {python_path_, "-s", "-S", "-B"};
  command.insert(command.end(), program.arguments.begin(), program.arguments.end());
  std::vector<ProgramFile> files = program.files;
  if (program.library != nullptr) {
    command.emplace_back("library.py");
    files.push_back({"library.py", std::string(program.library) + "\n" + program.entry + "()\n"});
  }
  if (!program.command.empty()) command = program.command;
  if (mode_ == SandboxMode::bwrap) {
    return launch_in_bwrap(host(limits), command, files, program.stdin_text, channel_fd, limits);
  }
  ASSAY_ASSIGN(ScratchFolder folder, ScratchFolder::create(files));
  places.folders.push_back(std::move(folder));
  return launch_unprotected(command, places.folders.back().path().string(), program.stdin_text, channel_fd, limits);
}

Result<RunningProgram> Sandbox::start_warm(const Program& program, int channel_fd, const SandboxLimits& limits,
                                           Places& places) const {
  // An idle cell may have died since (the kernel out of memory); a fresh one decides.
  for (const bool is_last : {false, true}) {
    ASSAY_ASSIGN(std::unique_ptr<WarmCell> cell, warm_->take(host(), python_path_, program.library));
    auto running = cell->launch(program.entry, program.files, program.stdin_text, channel_fd, limits);
    if (!running && !is_last) continue;
    if (running) places.cells.emplace_back(program.library, std::move(cell));
    return running;
  }
  return environment_error("sandbox: no warm interpreter");
}

}  // namespace assay::suites
