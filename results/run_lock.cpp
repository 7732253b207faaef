#include "results/run_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace assay::results {

namespace {

/// Beside the database itself, so that who comes through a symbolic link meets the same lock.
std::filesystem::path lock_file(const std::filesystem::path& database) {
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::canonical(database, failed);
  return (failed ? database : real).string() + "-lock";
}

struct flock byte_range(std::int64_t start, std::int64_t length) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = start;
  range.l_len = length;
  return range;
}

/// False if the file at `path` is no longer the one behind `descriptor`: its last holder removed it in between.
bool is_still_at(const std::filesystem::path& path, int descriptor) {
  struct stat at_path {};
  struct stat opened {};
  return ::stat(path.c_str(), &at_path) == 0 && ::fstat(descriptor, &opened) == 0 && at_path.st_ino == opened.st_ino &&
         at_path.st_dev == opened.st_dev;
}

/// Whether a writer holds the run's byte. Who holds all of them is only about to remove the file.
bool is_byte_held(int descriptor, std::int64_t run_key) {
  struct flock range = byte_range(run_key, 1);
  return ::fcntl(descriptor, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK && range.l_len == 1;
}

}  // namespace

Result<std::optional<RunLock>> RunLock::try_acquire(const std::filesystem::path& database, std::int64_t run_key) {
  const std::filesystem::path file = lock_file(database);
  while (true) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor < 0) return environment_error(file.string(), ": can't be opened: ", std::strerror(errno));
    RunLock lock(file, descriptor);
    struct flock range = byte_range(run_key, 1);
    if (::fcntl(descriptor, F_OFD_SETLK, &range) != 0) {
      const int code = errno;
      if (code != EAGAIN && code != EACCES) {
        return environment_error(file.string(), ": can't be locked: ", std::strerror(code));
      }
      if (is_byte_held(descriptor, run_key)) return std::optional<RunLock>();
      continue;
    }
    if (is_still_at(file, descriptor)) return std::optional(std::move(lock));
  }
}

bool RunLock::is_held(const std::filesystem::path& database, std::int64_t run_key) {
  const int descriptor = ::open(lock_file(database).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return false;
  const bool held = is_byte_held(descriptor, run_key);
  ::close(descriptor);
  return held;
}

RunLock::RunLock(RunLock&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

RunLock& RunLock::operator=(RunLock&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

RunLock::~RunLock() {
  if (descriptor_ < 0) return;
  // Only who holds every byte may remove the file; who opened it before that sees so in try_acquire.
  struct flock all = byte_range(0, 0);
  if (::fcntl(descriptor_, F_OFD_SETLK, &all) == 0 && is_still_at(file_, descriptor_)) ::unlink(file_.c_str());
  ::close(descriptor_);
}

}  // namespace assay::results
