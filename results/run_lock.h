#pragma once
// Who writes a run: a lock that the system takes back when its process ends, however it ends.

#include <cstdint>
#include <filesystem>
#include <optional>

#include "harness/base/result.h"

namespace assay::results {

/// Holds one run of a database for writing: an open-file-description lock on byte `run_key` of a file beside the
/// database
/// ("assay.db-lock"; gone when nobody holds a run). A row with an expiry date instead would keep a killed run from
/// being resumed until it expires. Works between processes of one host, and where the file system carries POSIX locks.
class RunLock {
 public:
  /// The lock, or nothing if somebody (this process included) holds it. Error{environment} if the file can't be made.
  static Result<std::optional<RunLock>> try_acquire(const std::filesystem::path& database, std::int64_t run_key);
  /// True if somebody holds the run now. Makes no file.
  static bool is_held(const std::filesystem::path& database, std::int64_t run_key);

  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&& other) noexcept;
  ~RunLock();

 private:
  RunLock(std::filesystem::path file, int descriptor) : file_(std::move(file)), descriptor_(descriptor) {}
  std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace assay::results
