#include "harness/run/build_facts.h"

namespace assay::run {

const char* built_git_commit();  // written by write_git_commit.cmake at every build

const BuildFacts& build_facts() {
  static const BuildFacts facts{
      .version = ASSAY_VERSION,
      .git_commit = built_git_commit(),
      .compiler = ASSAY_COMPILER,
      .compiler_flags = ASSAY_COMPILER_FLAGS,
      .build_type = ASSAY_BUILD_TYPE,
  };
  return facts;
}

}  // namespace assay::run
