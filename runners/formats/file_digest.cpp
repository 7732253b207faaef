#include "runners/formats/file_digest.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "harness/base/file.h"
#include "harness/base/log.h"
#include "harness/base/sha256.h"

namespace assay::runners {

namespace {

constexpr std::size_t kDigestDigits = 64;
constexpr std::size_t kHashedAtATime = 64 << 20;
constexpr std::size_t kHashingThreads = 8;

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

/// The identities as text: what a cached digest is found by and compared with.
std::string cache_key(std::span<const FileIdentity> files) {
  // The first words tell it from keys of digests that were taken otherwise.
  std::string key = "sha256sum\n";
  for (const FileIdentity& file : files) {
    for (const std::string& part :
         {std::to_string(file.size_bytes), std::to_string(file.modified_ns), std::to_string(file.changed_ns),
          std::to_string(file.device), std::to_string(file.inode)}) {
      key += part + " ";
    }
    key += file.path + "\n";
  }
  return key;
}

bool is_digest(std::string_view text) {
  return text.size() == kDigestDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// The digest in a cache file, which is "DIGEST\nKEY"; empty if there is none for this key.
std::string remembered(const std::filesystem::path& path, std::string_view key) {
  const auto text = read_file(path, kDigestDigits + 1 + key.size());
  if (!text || text->size() != kDigestDigits + 1 + key.size() || !text->ends_with(key)) return "";
  const std::string digest = text->substr(0, kDigestDigits);
  return is_digest(digest) ? digest : "";
}

void remember(const std::filesystem::path& path, const std::string& digest, const std::string& key) {
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  if (const auto written = write_file(path, digest + "\n" + key); !written) {
    log_detail("the weights' hash is not remembered: ", written.error().message);
  }
}

Result<> check_unchanged(std::span<const FileIdentity> files) {
  for (const FileIdentity& file : files) {
    const auto now = identify_file(file.path);
    if (!now || *now != file) {
      return environment_error(file.path, ": was changed or replaced while it was in use; start again");
    }
  }
  return {};
}

/// A digest for each of `contents`, several at a time: one thread hashes more slowly than a disk reads. Cut short by
/// `stop`.
std::vector<std::string> hash_each(std::span<const std::span<const std::byte>> contents,
                                   const BytesProgress& on_progress, const std::stop_token& stop) {
  std::vector<std::string> digests(contents.size());
  std::atomic<std::size_t> next = 0;
  std::mutex progress;
  std::uint64_t done_bytes = 0;
  const auto hash_some = [&] {
    for (std::size_t i = next++; i < contents.size(); i = next++) {
      Sha256 hash;
      for (std::span<const std::byte> rest = contents[i]; !rest.empty() && !stop.stop_requested();) {
        const auto part = rest.first(std::min(kHashedAtATime, rest.size()));
        rest = rest.subspan(part.size());
        read_ahead(rest.first(std::min(kHashedAtATime, rest.size())));
        hash.update(part);
        const std::lock_guard lock(progress);
        done_bytes += part.size();
        if (on_progress) on_progress(done_bytes);
      }
      digests[i] = to_hex(hash.finish());
    }
  };
  std::vector<std::jthread> helpers;
  for (std::size_t n = 1; n < std::min(kHashingThreads, contents.size()); ++n) helpers.emplace_back(hash_some);
  hash_some();
  helpers.clear();  // joins
  return digests;
}

/// What sha256sum prints of the files.
std::string checksum_lines(std::span<const FileIdentity> files, std::span<const std::string> digests) {
  std::string lines;
  for (std::size_t i = 0; i < files.size(); ++i) {
    lines += digests[i] + "  " + std::filesystem::path(files[i].path).filename().string() + "\n";
  }
  return lines;
}

}  // namespace

Result<FileIdentity> identify_file(const std::filesystem::path& path) {
  // The path stays as it is named (a link is not resolved), so that a link that is turned to another file is noticed.
  std::error_code failure;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failure);
  struct stat facts {};
  if (failure || ::stat(absolute.c_str(), &facts) != 0) {
    return bad_input(path.string(), ": ", failure ? failure.message() : std::strerror(errno));
  }
  return FileIdentity{
      .path = absolute.string(),
      .size_bytes = static_cast<std::uint64_t>(facts.st_size),
      .modified_ns = nanoseconds(facts.st_mtim),
      .changed_ns = nanoseconds(facts.st_ctim),
      .device = facts.st_dev,
      .inode = facts.st_ino,
  };
}

std::filesystem::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') {
    return std::filesystem::path(cache) / "assay";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::filesystem::path(home) / ".cache" / "assay";
  }
  return {};
}

Result<std::string> cached_sha256(std::span<const FileIdentity> files,
                                  std::span<const std::span<const std::byte>> contents,
                                  const std::filesystem::path& cache, const BytesProgress& on_progress,
                                  std::stop_token stop) {
  const std::string key = cache_key(files);
  const std::filesystem::path path = cache.empty() ? cache : cache / "weights-sha256" / sha256_hex(key);
  ASSAY_TRY(check_unchanged(files));
  if (!path.empty()) {
    if (std::string digest = remembered(path, key); !digest.empty()) return digest;
  }
  const std::vector<std::string> digests = hash_each(contents, on_progress, stop);
  if (stop.stop_requested()) return environment_error("the weights' hash was not finished");
  ASSAY_TRY(check_unchanged(files));
  const std::string digest = digests.size() == 1 ? digests.front() : sha256_hex(checksum_lines(files, digests));
  if (!path.empty()) remember(path, digest, key);
  return digest;
}

}  // namespace assay::runners
