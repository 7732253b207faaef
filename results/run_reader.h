#pragma once
// Reads runs from their rows: statements are prepared once, however many runs are listed.

#include <filesystem>

#include "results/sqlite.h"
#include "results/store.h"

namespace assay::results {

class RunReader {
 public:
  static Result<RunReader> open(const Database& database);
  /// The run without its items and samples. Error{bad_input} if there is none. The caller holds a snapshot.
  Result<RunRecord> read(const RunId& run);

 private:
  RunReader(std::filesystem::path path, Statement run, Statement tags, Statement segments, Statement suites)
      : path_(std::move(path)),
        run_(std::move(run)),
        tags_(std::move(tags)),
        segments_(std::move(segments)),
        suites_(std::move(suites)) {}
  std::filesystem::path path_;
  Statement run_, tags_, segments_, suites_;
};

}  // namespace assay::results
