#pragma once
// Test data whose large files are packed: NAME.xz is there as NAME.

#include <filesystem>

#include "harness/base/archive.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace assay::test_support {

/// A copy of a folder with its packed files unpacked, for as long as this lives.
class UnpackedFolder {
 public:
  explicit UnpackedFolder(const std::filesystem::path& packed) {
    for (const auto& entry : std::filesystem::directory_iterator(packed)) {
      const std::filesystem::path name = entry.path().filename();
      const auto content = read_packed_file(entry.path());
      if (!content) FAIL(content.error().message);
      folder_.write((name.extension() == ".xz" ? name.stem() : name).string(), *content);
    }
  }
  std::filesystem::path path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace assay::test_support
