// A header is read once in a file, and the source beside it includes it first: so whatever compiles that source alone
// shows that the header needs nothing before it (see this folder's CMakeLists.txt).

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "harness/base/text.h"
#include "tests/house/source_files.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::house_test;

namespace {

/// What the first #include of a source names, with its quotes or brackets; empty if it has none.
std::string_view first_include(std::string_view text) {
  constexpr std::string_view kInclude = "#include ";
  const std::size_t begin = text.starts_with(kInclude) ? 0 : text.find("\n#include ");
  if (begin == std::string_view::npos) return {};
  std::string_view line = text.substr(begin);
  if (line.starts_with('\n')) line.remove_prefix(1);
  return trim(line.substr(kInclude.size(), line.find('\n') - kInclude.size()));
}

std::string header_of(const std::string& source) {
  return std::filesystem::path(source).replace_extension(".h").generic_string();
}

/// What is wrong with a file, if it breaks one of the two rules. `headers` are all there are.
std::optional<std::string> fault(const std::string& path, std::string_view text, const std::set<std::string>& headers) {
  if (path.ends_with(".h") || path.ends_with(".cuh")) {
    if (!text.starts_with("#pragma once\n")) return "does not begin with #pragma once";
  } else if (path.ends_with(".cpp") && headers.contains(header_of(path))) {
    if (first_include(text) != '"' + header_of(path) + '"') return "does not include its own header first";
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("own header: what breaks the rules is found", "[house]") {
  const std::set<std::string> headers = {"results/store.h"};
  CHECK(fault("results/store.h", "// Runs.\n#pragma once\n", headers));
  CHECK_FALSE(fault("results/store.h", "#pragma once\n// Runs.\n", headers));
  CHECK(fault("results/store.cpp", "#include <vector>\n#include \"results/store.h\"\n", headers));
  CHECK(fault("results/store.cpp", "// Runs.\n\n#include \"results/schema.h\"\n", headers));
  CHECK(fault("results/store.cpp", "", headers));
  CHECK_FALSE(fault("results/store.cpp", "#include \"results/store.h\"\n", headers));
  CHECK_FALSE(fault("results/store.cpp", "// Runs.\n\n#include \"results/store.h\"\n\n#include <map>\n", headers));
  CHECK_FALSE(fault("results/store_test.cpp", "#include <vector>\n", headers));
}

TEST_CASE("own header: the whole tree keeps to the rules", "[house]") {
  std::set<std::string> headers;
  for_each_source_file([&](const std::string& path, const std::string&) {
    if (path.ends_with(".h")) headers.insert(path);
  });
  CHECK(headers.size() > 20);
  for_each_source_file([&](const std::string& path, const std::string& text) {
    if (const auto reason = fault(path, text, headers)) FAIL_CHECK(path << " " << *reason);
  });
}
