#include "suites/sandbox/host_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "suites/sandbox/spawn.h"

namespace assay::suites {

Result<UniqueFd> memory_file(std::string_view text) {
  UniqueFd file(memfd_create("assay", MFD_CLOEXEC));
  if (!file) return environment_error("sandbox: memfd_create: ", std::strerror(errno));
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = write(file.get(), text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return environment_error("sandbox: no memory for a program's file: ", std::strerror(errno));
    at += static_cast<std::size_t>(n);
  }
  lseek(file.get(), 0, SEEK_SET);
  return move_up(std::move(file));
}

Result<Pipe> open_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return environment_error("sandbox: pipe: ", std::strerror(errno));
  Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  ASSAY_ASSIGN(pipe.read, move_up(std::move(pipe.read)));
  ASSAY_ASSIGN(pipe.write, move_up(std::move(pipe.write)));
  return pipe;
}

Result<ScratchFolder> ScratchFolder::create(const std::vector<ProgramFile>& files) {
  std::error_code error;
  std::string name = (std::filesystem::temp_directory_path(error) / "assay-XXXXXX").string();
  if (error || mkdtemp(name.data()) == nullptr) {
    return environment_error("sandbox: no temporary folder: ", error ? error.message() : std::strerror(errno));
  }
  ScratchFolder folder{std::filesystem::path(name)};
  for (const ProgramFile& file : files) {
    std::ofstream out(folder.path() / file.name, std::ios::binary);
    if (!out.write(file.text.data(), static_cast<std::streamsize>(file.text.size())).flush()) {
      return environment_error("sandbox: cannot write ", (folder.path() / file.name).string());
    }
    std::filesystem::permissions(folder.path() / file.name, std::filesystem::perms::owner_all, error);
  }
  return folder;
}

ScratchFolder::ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}

ScratchFolder& ScratchFolder::operator=(ScratchFolder&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace assay::suites
