#pragma once
// What a run of the sandbox keeps on the host: texts in memory, or a folder for mode `none`.

#include <filesystem>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "suites/sandbox/sandbox.h"
#include "suites/sandbox/unique_fd.h"

namespace assay::suites {

/// A file without a name that holds `text`, read from its start. Error{environment}.
Result<UniqueFd> memory_file(std::string_view text);

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};
/// Error{environment}.
Result<Pipe> open_pipe();

/// A new folder for one program, removed with all that is in it. Moves, never copies.
class ScratchFolder {
 public:
  /// Holds `files`. Error{environment}.
  static Result<ScratchFolder> create(const std::vector<ProgramFile>& files);
  ScratchFolder(ScratchFolder&& other) noexcept;
  ScratchFolder& operator=(ScratchFolder&& other) noexcept;
  ~ScratchFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace assay::suites
