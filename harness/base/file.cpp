#include "harness/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "harness/base/text.h"

namespace assay {

namespace {

/// A POSIX descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string system_reason(int code) { return std::strerror(code); }

Result<std::uint64_t> regular_file_size(const Descriptor& file, const std::filesystem::path& path) {
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return bad_input(path.string(), ": ", system_reason(errno));
  if (!S_ISREG(facts.st_mode)) return bad_input(path.string(), ": is no regular file");
  return static_cast<std::uint64_t>(facts.st_size);
}

/// Does not wait for somebody to write where the path is a pipe, which is then refused.
int open_for_reading(const std::filesystem::path& path) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const Descriptor file(open_for_reading(path));
  if (file.get() < 0) return bad_input(path.string(), ": ", system_reason(errno));
  ASSAY_ASSIGN(const std::uint64_t size, regular_file_size(file, path));
  if (size > max_bytes) return bad_input(path.string(), ": has ", size, " bytes, at most ", max_bytes, " are read");
  std::string text(size, '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::read(file.get(), text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return environment_error(path.string(), ": ", system_reason(errno));
    if (n == 0) break;  // truncated meanwhile
    done += static_cast<std::size_t>(n);
  }
  text.resize(done);
  return text;
}

Result<> write_file(const std::filesystem::path& path, std::string_view text) {
  return write_file(path, std::span(&text, 1));
}

Result<> write_file(const std::filesystem::path& path, std::span<const std::string_view> parts) {
  ASSAY_ASSIGN(auto file, FileReplacement::create(path));
  for (const std::string_view part : parts) ASSAY_TRY(file.write(part));
  return file.commit();
}

Result<FileReplacement> FileReplacement::create(const std::filesystem::path& path) {
  // A device or a pipe is written to, never replaced: root would lose /dev/null to a file of that name.
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  const bool is_special = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
                          !std::filesystem::is_directory(status);
  std::string temporary = is_special ? path.string() : path.string() + ".tmp-" + std::to_string(::getpid());
  const int create = is_special ? 0 : O_CREAT | O_TRUNC;
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CLOEXEC | create, 0644);
  if (descriptor < 0) return environment_error(path.string(), ": ", system_reason(errno));
  return FileReplacement(path, std::move(temporary), is_special, descriptor);
}

FileReplacement::FileReplacement(FileReplacement&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      is_special_(other.is_special_),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

FileReplacement::~FileReplacement() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (!is_special_) ::unlink(temporary_.c_str());
}

Error FileReplacement::failed(int code) const { return environment_error(path_.string(), ": ", system_reason(code)); }

Result<> FileReplacement::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(descriptor_, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(errno);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<> FileReplacement::commit() {
  if (!is_special_ && ::fsync(descriptor_) != 0) return failed(errno);
  if (!is_special_ && ::rename(temporary_.c_str(), path_.c_str()) != 0) return failed(errno);
  ::close(std::exchange(descriptor_, -1));
  return {};
}

Result<> for_each_line(std::string_view text, const std::function<Result<>(std::string_view, int)>& use) {
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!trim(line).empty()) ASSAY_TRY(use(line, number));
  }
  return {};
}

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor file(open_for_reading(path));
  if (file.get() < 0) return bad_input(path.string(), ": ", system_reason(errno));
  ASSAY_ASSIGN(const std::uint64_t size, regular_file_size(file, path));
  if (size == 0) return MappedFile(nullptr, 0);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) return environment_error(path.string(), ": can't be mapped: ", system_reason(errno));
  return MappedFile(static_cast<const std::byte*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void read_ahead(std::span<const std::byte> mapped) {
  static const auto page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(mapped.data());
  const std::uintptr_t begin = first / page_bytes * page_bytes;
  ::madvise(reinterpret_cast<void*>(begin), first + mapped.size() - begin, MADV_WILLNEED);
}

}  // namespace assay
