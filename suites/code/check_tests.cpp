#include "suites/code/check_tests.h"

#include <string>
#include <vector>

#include "harness/base/text.h"
#include "suites/code/code_task.h"
#include "suites/code/judge_parts.h"
#include "suites/code/program.h"

namespace assay::suites {
namespace {

/// Python that stands in a field of a record.
struct OwnSource {
  const Item* item;
  std::string field;
  std::string text;
};

std::string place_of(const Item& item) { return item.place.empty() ? "item " + item.id.value : item.place; }

Result<> add_sources(const Item& item, std::vector<OwnSource>& sources) {
  ASSAY_ASSIGN(const JsonObject record, JsonObject::of(item.record, place_of(item)));
  ASSAY_ASSIGN(const CodeTask task, read_code_task(record));
  if (task.language != CodeLanguage::python) return {};
  if (task.kind == CodeTests::check && task.test.find("check") == std::string::npos) {
    return bad_input(place_of(item), ": field \"test\" does not define check(candidate)");
  }
  if (!task.test.empty()) sources.push_back({&item, "test", task.test});
  for (const std::string& line : task.asserts) sources.push_back({&item, "tests", line});
  if (!task.setup.empty()) sources.push_back({&item, "setup", task.setup});
  if (!task.reference.empty()) sources.push_back({&item, "canonical_solution", task.reference});
  return {};
}

/// Compiles as many sources as one program's files and time allow.
Result<> check_batch(const std::vector<OwnSource>& batch, const Sandbox& sandbox) {
  std::vector<std::string> texts;
  for (const OwnSource& source : batch) texts.push_back(source.text);
  SandboxLimits limits;
  limits.wall_s = kAllTestsS;
  limits.cpu_s = static_cast<std::int64_t>(kAllTestsS);
  ASSAY_ASSIGN(const SandboxResult result, sandbox.run(compile_program(texts), limits));
  const auto report = parse_json(trim(result.stdout_text), "the compiler's report");
  const bool is_report = report && report->is_object() && report->contains("broken") && report->contains("message");
  if (!is_report) {
    return environment_error("python3 could not compile the items' tests: ",
                             limit_rule(result).empty() ? last_line(result.stderr_text) : limit_rule(result));
  }
  const Json& broken = report->at("broken");
  if (broken.is_null()) return {};
  const OwnSource& source = batch.at(broken.get<std::size_t>());
  return bad_input(place_of(*source.item), ": field \"", source.field, "\" is no Python ", sandbox.python_version(),
                   ": ", report->at("message").get<std::string>());
}

}  // namespace

Result<> check_code_tests(const Suite& suite, const Sandbox& sandbox) {
  static constexpr std::size_t kBatchBytes = std::size_t{8} << 20;
  if (suite.kind != ItemKind::code) return {};
  std::vector<OwnSource> batch;
  std::size_t n_bytes = 0;
  for (const Item& item : suite.items) {
    const std::size_t first = batch.size();
    ASSAY_TRY(add_sources(item, batch));
    for (std::size_t i = first; i < batch.size(); ++i) n_bytes += batch[i].text.size();
    if (n_bytes < kBatchBytes) continue;
    ASSAY_TRY(check_batch(batch, sandbox));
    batch.clear();
    n_bytes = 0;
  }
  return batch.empty() ? Result<>() : check_batch(batch, sandbox);
}

}  // namespace assay::suites
