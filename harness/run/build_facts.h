#pragma once
// What this program was built from and with. Stored with every run.

#include <string>

namespace assay::run {

struct BuildFacts {
  std::string version;  ///< "0.1.0"
  std::string
      git_commit;  ///< 40 hexadecimal digits, "-dirty" behind them if files had been changed; empty outside a clone
  std::string compiler;  ///< "GNU 12.2.0"
  std::string compiler_flags;
  std::string build_type;  ///< "Release"
};

const BuildFacts& build_facts();

}  // namespace assay::run
