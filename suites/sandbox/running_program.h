#pragma once
// One program while it runs: its pipes, its limits, and how it ended. Used by one thread.

#include <poll.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "suites/sandbox/sandbox.h"
#include "suites/sandbox/spawn.h"
#include "suites/sandbox/unique_fd.h"

namespace assay::suites {

/// This side's ends of a program's pipes; the other ends belong to the program.
struct ProgramPipes {
  UniqueFd stdin_write;
  UniqueFd stdout_read;
  UniqueFd stderr_read;
  UniqueFd status_read;  ///< bubblewrap's or a warm sandbox's; none in mode `none`
};

/// A program from its start to its end. Call poll_entries(), poll(2) on them, then handle(), until finished(); then
/// take_result().
class RunningProgram {
 public:
  /// `process` is bubblewrap, or the program itself in mode `none`.
  static Result<RunningProgram> adopt(pid_t process, ProgramPipes pipes, std::string stdin_text, SandboxLimits limits);

  /// `keeper` is the first process of a program's namespace in a warm sandbox (warm_cell.h), a child of another's;
  /// `keeper_id` its number here, 0 if it has ended already.
  static RunningProgram adopt_warm(UniqueFd keeper, pid_t keeper_id, ProgramPipes pipes, std::string stdin_text,
                                   SandboxLimits limits);

  void poll_entries(std::vector<pollfd>& entries) const;
  /// Moves what can be moved without waiting, and kills the program where it reached a limit.
  void handle();
  bool finished() const { return finished_; }
  void kill();
  /// Until wall_s and what was excused; not above 0: excuse() must decide.
  double remaining_ms() const;
  /// Time in which a busy machine let the program (and its partner) wait does not count. Kills it if it is out of time.
  void excuse(double queued_ms);
  ResourceUse use_now() const;

  /// Error{environment} if the sandbox itself failed.
  Result<SandboxResult> take_result();

 private:
  using Clock = std::chrono::steady_clock;
  RunningProgram() = default;
  void take_pipes(ProgramPipes pipes, std::string stdin_text);
  void write_stdin();
  void read_output(UniqueFd& pipe, std::string& text);
  void read_status();
  void note_inside(pid_t inside);
  void kill_now_or_soon();
  void finish();
  void judge_limits();

  SandboxLimits limits_;
  ProgramPipes pipes_;
  std::string stdin_text_;
  std::size_t stdin_at_ = 0;
  pid_t process_id_ = 0;
  UniqueFd process_;
  UniqueFd inside_;  ///< the first process of the sandbox's namespace
  pid_t inside_id_ = 0;
  ResourceUse use_before_kill_;  ///< of what dies with a namespace: nobody waits for it, so nobody is told afterwards
  ResourceUse use_reported_;     ///< by a warm sandbox, at the end
  std::string status_text_;
  std::size_t status_at_ = 0;
  bool in_bwrap_ = false;
  bool kill_wanted_ = false;
  bool killed_ = false;
  Clock::time_point kill_wanted_at_;
  double excused_ms_ = 0;
  bool finished_ = false;
  std::optional<int> bwrap_exit_code_;  ///< of the program, as bubblewrap reports it
  std::string failure_;
  Clock::time_point started_;
  SandboxResult result_;
};

/// Runs all to their end. Soon after the first has finished, the others are killed. Kills each that reaches its wall_s.
void supervise(std::vector<RunningProgram>& programs);

}  // namespace assay::suites
