#include "harness/bench/build_target.h"

#include <cstdlib>
#include <system_error>

#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "harness/base/subprocess.h"
#include "harness/base/text.h"
#include "harness/bench/pass_target.h"
#include "harness/bench/serve_figures.h"

namespace assay::bench {

namespace {

namespace fs = std::filesystem;

constexpr int kInvalidPoint = 3;  // exit code of a benchmark whose point must not be believed; it is told all the same

/// A place for the database of one call.
class CallFolder {
 public:
  CallFolder() {
    std::error_code ignored;
    path_ = (fs::temp_directory_path(ignored) / "assay-build-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~CallFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  CallFolder(const CallFolder&) = delete;
  CallFolder& operator=(const CallFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The last line that holds something: programs end with why they end.
std::string last_line_of(const std::string& text) {
  std::string last;
  for (const std::string& line : split(text, '\n')) {
    if (!trim(line).empty()) last = line;
  }
  return last;
}

class BuildTarget final : public Target {
 public:
  explicit BuildTarget(BuildWords words) : words_(std::move(words)) {}

  Result<> probe();
  runners::ModelFacts model_facts() const override { return model_; }
  runners::DeviceFacts device_facts() const override { return device_; }
  Result<Measured> measure(const Setting& setting, std::uint64_t seed, std::stop_token stop) override;

 private:
  /// The run that the program prints; null if a stop ended it.
  Result<Json> call(const std::vector<std::string>& options, std::stop_token stop) const;
  Result<results::BenchPoint> point_in(const Json& run) const;
  Result<> take_facts(const Json& run);
  Error unusable(const std::string& why) const { return bad_input(words_.program, ": can't be compared: ", why); }

  const BuildWords words_;
  runners::ModelFacts model_;
  runners::DeviceFacts device_;
};

Result<Json> BuildTarget::call(const std::vector<std::string>& options, std::stop_token stop) const {
  const CallFolder folder;
  if (folder.path().empty()) return environment_error("no temporary folder could be made; $TMPDIR names another place");
  std::vector<std::string> words = {words_.program, "bench", words_.kind};
  words.insert(words.end(), words_.model.begin(), words_.model.end());
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), {"--repeats", "1", "--json", "--quiet", "--db", folder.path() + "/runs.db"});
  ASSAY_ASSIGN(const ProcessOutput output, run_process(words, stop));
  if (stop.stop_requested()) return Json();
  const std::string why = shown(last_line_of(output.err), 300);
  if (output.signal != 0) {
    return environment_error(words_.program, ": was ended by signal ", output.signal, why.empty() ? "" : ": ", why);
  }
  if (output.exit_code == static_cast<int>(ErrorKind::bad_input)) return unusable(why);
  if (output.exit_code != 0 && output.exit_code != kInvalidPoint) {
    return environment_error(words_.program, ": ended with ", output.exit_code, why.empty() ? "" : ": ", why);
  }
  auto run = parse_json(output.out, words_.program);
  if (!run && output.exit_code == kInvalidPoint) return environment_error(words_.program, ": ", why);
  if (!run || !run->is_object()) return unusable("it printed no run as JSON, so it is no assay");
  return run;
}

Result<results::BenchPoint> BuildTarget::point_in(const Json& run) const {
  const auto points = run.find("points");
  if (points == run.end() || !points->is_array() || points->size() != 1) {
    return unusable("its JSON does not hold the one point that was asked for");
  }
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(points->front(), words_.program));
  const auto point = results::read_point(fields);
  if (!point) return unusable(point.error().message);
  const Json ours = words_.kind == "serve" ? serve_method_versions() : pass_method_versions();
  for (const auto& [metric, version] : point->method_versions.items()) {
    const auto at = ours.find(metric);
    if (at != ours.end() && *at != version) {
      return unusable("it measures " + shown(metric) + " by version " + version.dump() +
                      " of the method, this build by " + at->dump());
    }
  }
  return point;
}

Result<> BuildTarget::take_facts(const Json& run) {
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(run, words_.program));
  ASSAY_ASSIGN(const JsonObject model, fields.object("model"));
  ASSAY_ASSIGN(model_.name, model.string("name"));
  ASSAY_ASSIGN(model_.reference, model.string("reference"));
  ASSAY_ASSIGN(model_.weights_sha256, model.string_or("weights_sha256", ""));
  ASSAY_ASSIGN(model_.tokenizer_sha256, model.string_or("tokenizer_sha256", ""));
  if (const Json* details = model.find("details")) model_.details = *details;
  ASSAY_ASSIGN(const JsonObject hardware, fields.object("hardware"));
  ASSAY_ASSIGN(device_.kind, hardware.string("device_kind"));
  ASSAY_ASSIGN(device_.name, hardware.string("device_name"));
  return {};
}

Result<> BuildTarget::probe() {
  ASSAY_ASSIGN(const Json run, call(words_.probe, {}));
  ASSAY_TRY(point_in(run));
  const Result<> taken = take_facts(run);
  return taken ? taken : unusable(taken.error().message);
}

Result<Measured> BuildTarget::measure(const Setting& setting, std::uint64_t seed, std::stop_token stop) {
  std::vector<std::string> options = words_.setting(setting);
  constexpr std::uint64_t kMostSeed = std::uint64_t{1} << 62;  // what --seed takes
  options.insert(options.end(), {"--seed", std::to_string(seed % kMostSeed)});
  ASSAY_ASSIGN(const Json run, call(options, stop));
  Measured measured;
  measured.was_stopped = run.is_null();
  if (measured.was_stopped) return measured;
  ASSAY_ASSIGN(results::BenchPoint point, point_in(run));
  measured.figures = std::move(point.figures);
  measured.reason_codes = std::move(point.reason_codes);
  measured.method_versions = std::move(point.method_versions);
  measured.details = std::move(point.details);
  const auto hardware = run.find("hardware");
  if (hardware == run.end() || !hardware->is_object()) return unusable("its JSON does not say what it ran on");
  for (const char* key : {"build_version", "build_git_commit"}) {
    const auto at = hardware->find(key);
    measured.details["build"][key] = at == hardware->end() ? Json() : *at;
  }
  return measured;
}

}  // namespace

Result<std::unique_ptr<Target>> open_build_target(BuildWords words) {
  auto target = std::make_unique<BuildTarget>(std::move(words));
  ASSAY_TRY(target->probe());
  return std::unique_ptr<Target>(std::move(target));
}

Result<std::string> name_of_build(const fs::path& program) {
  ASSAY_ASSIGN(const std::string bytes, read_file(program, std::uint64_t{1} << 32));
  constexpr std::size_t kHashShown = 12;
  return program.string() + " (sha256 " + sha256_hex(bytes).substr(0, kHashShown) + ")";
}

}  // namespace assay::bench
