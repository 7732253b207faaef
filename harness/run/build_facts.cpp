#include "harness/run/build_facts.h"

#include "git_commit.h"  // written by write_git_commit.cmake at build time

namespace assay::run {

const BuildFacts& build_facts() {
  static const BuildFacts facts{
      .version = ASSAY_VERSION,
      .git_commit = ASSAY_GIT_COMMIT,
      .compiler = ASSAY_COMPILER,
      .compiler_flags = ASSAY_COMPILER_FLAGS,
      .build_type = ASSAY_BUILD_TYPE,
  };
  return facts;
}

}  // namespace assay::run
