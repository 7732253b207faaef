// assay serve where the build found no HTTP library: says so.

#include "harness/cli/command.h"

namespace assay::cli {

Action declare_serve(CLI::App& app, const CommonOptions&) {
  app.allow_extras();
  return []() -> Result<> {
    return environment_error(
        "this build has no HTTP server; install cpp-httplib (Debian: libcpp-httplib-dev) and build again");
  };
}

}  // namespace assay::cli
