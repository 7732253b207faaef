#pragma once
// A warm sandbox: one bubblewrap around an interpreter that is ready to become a program (warm.py says how).

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "suites/sandbox/launch.h"
#include "suites/sandbox/unique_fd.h"

namespace assay::suites {

/// Runs one program at a time; each is a new process in namespaces of its own, and none sees another's files, memory
/// or processes. Used by one thread at a time. Ends with its object, or with this process.
class WarmCell {
 public:
  /// Starts `python` and executes `library` in it. Error{environment} with the reason if it does not come up.
  static Result<std::unique_ptr<WarmCell>> start(const BwrapHost& host, const std::string& python,
                                                 std::string_view library);
  ~WarmCell();
  WarmCell(const WarmCell&) = delete;
  WarmCell& operator=(const WarmCell&) = delete;

  /// Starts the library's function `entry` as a program. `channel_fd`: its descriptor 3; -1: none. Error{environment}:
  /// the cell is of no further use.
  Result<RunningProgram> launch(const std::string& entry, const std::vector<ProgramFile>& files, std::string stdin_text,
                                int channel_fd, const SandboxLimits& limits);

 private:
  WarmCell() = default;
  Result<UniqueFd> receive(bool with_descriptor);
  std::string last_words();

  UniqueFd control_;
  UniqueFd outer_;   ///< bubblewrap
  UniqueFd inside_;  ///< first process of its namespace
  UniqueFd stderr_;  ///< a file in memory
};

/// Idle cells of one sandbox, by what they were started with. Any thread may use it.
class WarmPool {
 public:
  /// An idle cell, or a new one. Error{environment} as WarmCell::start.
  Result<std::unique_ptr<WarmCell>> take(const BwrapHost& host, const std::string& python, const char* library);
  void put_back(const char* library, std::unique_ptr<WarmCell> cell);

 private:
  struct Idle {
    const char* library;
    std::unique_ptr<WarmCell> cell;
  };
  std::mutex mutex_;
  std::vector<Idle> idle_;
};

}  // namespace assay::suites
