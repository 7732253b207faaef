#pragma once
// Calls the built program, and makes the suites and recordings that its tests use.

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/json.h"
#include "tests/support/temporary_folder.h"

namespace assay::program_test {

using test_support::TemporaryFolder;

/// A TCP port of this machine that nobody has at this moment; the system deals them out, so that tests side by side get
/// different ones.
int free_port();

void write_text(const std::string& path, const std::string& text);
std::string read_text(const std::string& path);

/// How a call ended.
struct Ended {
  int exit_code = -1;  ///< -1 if a signal ended it
  int signal = 0;
  std::string out;
  std::string err;
};

/// A call under way. Its output goes to files, so that it never waits for a reader.
class Call {
 public:
  /// `environment` is set on top of this process's own; an empty value unsets the variable. `wrapper` is a program that
  /// starts what follows it ("bwrap --dev-bind / / …").
  Call(const std::vector<std::string>& words, const std::map<std::string, std::string>& environment = {},
       const std::string& standard_input = "", const std::vector<std::string>& wrapper = {});
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void send(int signal_number) const;
  /// SIGSTOP, and waits until no thread of it runs any more.
  void stop() const;
  bool has_ended();
  std::string out_so_far() const { return read_text(folder_ / "out"); }
  Ended wait();

 private:
  TemporaryFolder folder_;
  pid_t process_ = -1;
  bool reaped_ = false;
  int status_ = 0;
};

/// Runs the program to its end.
Ended call(const std::vector<std::string>& words, const std::map<std::string, std::string>& environment = {},
           const std::string& standard_input = "");

/// The same through another program.
Ended call_under(const std::vector<std::string>& wrapper, const std::vector<std::string>& words);

/// The output as JSON; fails the test if it is not exactly one document.
Json json_of(const std::string& text);
/// One document a line.
std::vector<Json> json_lines_of(const std::string& text);

/// A suite of kind `text` in `folder`/NAME: item "qN" wants the word "aN".
std::string write_suite(const TemporaryFolder& folder, const std::string& name, int n_items);

/// A recording in `folder`/`name` for that suite: every fifth item answers wrongly, all others rightly. REF "replay:…".
std::string write_recording(const TemporaryFolder& folder, const std::string& name, int n_items, int n_samples = 1);

/// All stored samples of the newest run: "suite/item:sample" to everything of it that is no time.
std::map<std::string, std::string> stored_content(const std::string& db);
/// How many samples the newest run has; 0 as long as there is no run.
std::int64_t n_stored(const std::string& db);
/// "finished", "interrupted", …; empty as long as there is no run.
std::string state_of_newest_run(const std::string& db);

/// Waits until the newest run holds `n` samples or the call has ended.
void wait_for_samples(Call& running, const std::string& db, std::int64_t n);

/// The words behind "resume with: assay " in a message; they hold no quoted word here.
std::vector<std::string> resume_words(const std::string& message);

}  // namespace assay::program_test
