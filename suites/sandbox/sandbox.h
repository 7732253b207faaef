#pragma once
// The sandbox: runs Python programs that a model wrote, with limits that hold against programs that try to break them.
// README.md in this folder has the threat model.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace assay::suites {

class RunningProgram;
class WarmPool;
struct BwrapHost;

/// `bwrap`: namespaces, read-only root, system-call filter and resource limits, through bubblewrap.
/// `none`: the same resource limits and nothing else; the program can read and change what its user can.
enum class SandboxMode { bwrap, none };
std::string to_string(SandboxMode mode);
/// Error{bad_input} for anything but "bwrap" and "none".
Result<SandboxMode> parse_sandbox_mode(std::string_view text);

struct SandboxOptions {
  SandboxMode mode = SandboxMode::bwrap;
  std::string bwrap_path = {};   ///< empty: "bwrap" is looked up in $PATH
  std::string python_path = {};  ///< empty: /usr/bin/python3, else "python3" in $PATH
};

/// What one program may use. Reaching a limit ends the program or fails its call; it never harms the host.
struct SandboxLimits {
  /// Then everything it started is killed. Time in which a busy machine let it wait for a processor does not count, so
  /// that a verdict does not depend on what else runs; at most ten times as long.
  double wall_s = 6;
  std::int64_t cpu_s = 7;                             ///< processor time of all threads together
  std::int64_t memory_bytes = std::int64_t{2} << 30;  ///< address space
  std::int64_t stack_bytes = std::int64_t{64} << 20;  ///< main thread's stack, and what a new thread reserves
  /// The files that a program is given always fit.
  std::int64_t file_bytes = std::int64_t{16} << 20;    ///< length of any one file
  std::int64_t folder_bytes = std::int64_t{64} << 20;  ///< all files together (bwrap only)
  std::int64_t output_bytes = std::int64_t{8} << 20;   ///< of standard output and of standard error, each
  std::int64_t n_open_files = 64;
  std::int64_t n_threads = 64;  ///< bwrap only; of all its processes together
  bool may_fork = false;        ///< bwrap only; new processes, for compilers; they end with the program
  /// Memory that it may write to; 0: as memory_bytes. For programs that reserve much more than they use.
  std::int64_t data_bytes = 0;
};

struct ProgramFile {
  std::string name;  ///< a plain file name
  std::string text;  ///< the program may execute it
};

/// A program in an empty folder that holds `files` and is thrown away afterwards: `python3 ARGUMENTS`, `command`, or
/// the function `entry` of a library of trusted Python, which is loaded once for many programs (warm_cell.h).
struct Program {
  std::vector<std::string> arguments = {};  ///< usually the name of one of `files`
  std::vector<ProgramFile> files = {};
  std::string stdin_text = {};            ///< a pipe that ends after it
  std::vector<std::string> command = {};  ///< not empty: in place of python3 and `arguments`
  const char* library = nullptr;          ///< Python source that only defines; a static text, compared by its address
  std::string entry = {};                 ///< called without arguments
};

/// How a program ended and what it cost.
struct SandboxResult {
  std::string stdout_text;         ///< at most limits.output_bytes, any bytes
  std::string stderr_text;         ///< likewise
  std::optional<int> exit_status;  ///< none if a signal ended it
  std::optional<int> signal;       ///< none if it ended by itself
  bool timed_out = false;          ///< reached wall_s or cpu_s
  bool out_of_memory = false;      ///< Python's MemoryError ended it, or the kernel killed it for memory
  bool output_limit = false;       ///< reached output_bytes
  bool is_protected = false;       ///< false for every result of mode `none`
  double wall_ms = 0;
  double cpu_ms = 0;  ///< user and system, interpreter start included
  std::int64_t max_rss_bytes = 0;
};

struct PairResult {
  SandboxResult driver;
  SandboxResult subject;
};

/// A checked way to run programs. Several threads may call run() and run_pair() of one object at the same time.
/// Opening one makes this process the reaper of orphaned grandchildren (PR_SET_CHILD_SUBREAPER), for exact resource
/// usage.
class Sandbox {
 public:
  /// Finds bubblewrap and Python (3.8 or later) and runs a first program. Error{environment} if that fails: it says
  /// what to install or to enable.
  static Result<Sandbox> open(const SandboxOptions& options = {});

  /// Runs one program to its end. Error{environment} if the sandbox itself fails; whatever the program does is a
  /// result.
  Result<SandboxResult> run(const Program& program, const SandboxLimits& limits) const;

  /// Runs two programs, each in a sandbox of its own, whose descriptor 3 is one end of a socket pair between them.
  /// Soon after `driver` has ended, `subject` is killed. `limits` hold for each.
  Result<PairResult> run_pair(const Program& driver, const Program& subject, const SandboxLimits& limits) const;

  SandboxMode mode() const { return mode_; }
  const std::string& python_version() const { return python_version_; }  ///< "3.11.2"
  /// Empty if library programs start warm, else why each of them starts an interpreter of its own.
  const std::string& why_cold() const { return why_cold_; }

 private:
  struct Places;  // what running programs live in
  Sandbox() = default;
  Result<> probe() const;
  Result<> open_bwrap();
  Result<std::vector<SandboxResult>> run_all(const std::vector<const Program*>& programs,
                                             const SandboxLimits& limits) const;
  Result<RunningProgram> start(const Program& program, int channel_fd, const SandboxLimits& limits,
                               Places& places) const;
  Result<RunningProgram> start_warm(const Program& program, int channel_fd, const SandboxLimits& limits,
                                    Places& places) const;
  BwrapHost host(const SandboxLimits& limits = {}) const;

  SandboxMode mode_ = SandboxMode::bwrap;
  std::string bwrap_path_;
  std::string prlimit_path_;
  std::string python_path_;
  std::string python_prefix_;
  std::string python_version_;
  std::string system_call_filter_;  ///< BPF instructions
  std::string forking_filter_;      ///< the same, with new processes
  bool as_nobody_ = false;          ///< give up root before bubblewrap starts
  std::string why_cold_;
  std::shared_ptr<WarmPool> warm_;  ///< shared, since copies of a sandbox are the same sandbox
};

}  // namespace assay::suites
