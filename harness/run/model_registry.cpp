#include "harness/run/model_registry.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <system_error>

#include "harness/base/data_path.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "runners/formats/gguf/gguf_files.h"

namespace assay::run {

namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kMaxRegistryBytes = 1 << 20;

bool is_model_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  });
}

bool is_model(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(runners::is_gguf_path(path) ? path : path / "config.json", ignored);
}

/// What keeps a path from being kept as JSON and found again from any folder; nullptr if nothing does.
const char* path_fault(const std::string& path) {
  if (!path.starts_with('/')) return "is no absolute path";
  if (!is_valid_utf8(path)) return "is no UTF-8";
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  return std::any_of(path.begin(), path.end(), is_control) ? "has control characters" : nullptr;
}

}  // namespace

Result<fs::path> model_registry_file() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config != nullptr && *config == '/') {
    return fs::path(config) / "assay" / "models.json";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return fs::path(home) / ".config" / "assay" / "models.json";
  }
  return environment_error("no place for registered models: set XDG_CONFIG_HOME or HOME to an absolute path");
}

Result<std::vector<RegisteredModel>> read_model_registry(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return std::vector<RegisteredModel>{};
  ASSAY_ASSIGN(const std::string text, read_file(file, kMaxRegistryBytes));
  ASSAY_ASSIGN(const Json document, parse_json(text, file.string()));
  ASSAY_ASSIGN(const JsonObject root, JsonObject::of(document, file.string()));
  ASSAY_TRY(root.refuse_unknown({"models"}));
  ASSAY_TRY(root.object("models"));
  std::map<std::string, fs::path> by_name;
  for (const auto& [name, path] : root.find("models")->items()) {
    const std::string where = "models: " + quoted_excerpt(name);
    if (!is_model_name(name)) return bad_input(file.string(), ": ", where, " is no model name");
    if (!path.is_string()) return bad_input(file.string(), ": ", where, " must be a path, is ", path.type_name());
    by_name[name] = path.get<std::string>();
    if (const char* fault = path_fault(by_name[name].string())) {
      return bad_input(file.string(), ": ", where, ": the path ", quoted_excerpt(by_name[name].string(), 200), " ",
                       fault);
    }
  }
  std::vector<RegisteredModel> models;
  for (const auto& [name, path] : by_name) models.push_back({name, path});
  return models;
}

Result<> add_model(const fs::path& file, const std::string& name, const fs::path& path) {
  if (!is_model_name(name)) {
    return bad_input("model name ", quoted_excerpt(name), ": must be letters, digits, \".\", \"-\" and \"_\" only");
  }
  if (name == kShippedModel) return bad_input("model name \"", name, "\" is the shipped model's; choose another");
  std::error_code failed;
  const fs::path absolute = fs::weakly_canonical(path, failed);
  if (failed || path.empty() || !is_model(absolute)) {
    return bad_input(quoted_excerpt(path.string(), 200), ": must be a folder that holds config.json, or a GGUF file");
  }
  if (const char* fault = path_fault(absolute.string())) {
    return bad_input(quoted_excerpt(absolute.string(), 200), ": ", fault, ", so it can't be registered");
  }

  ASSAY_ASSIGN(const std::vector<RegisteredModel> known, read_model_registry(file));
  std::map<std::string, fs::path> by_name;
  for (const RegisteredModel& model : known) by_name[model.name] = model.path;
  by_name[name] = absolute;
  Json models = Json::object();
  for (const auto& [known_name, known_path] : by_name) models[known_name] = known_path.string();

  fs::create_directories(file.parent_path(), failed);
  if (failed) return environment_error(file.parent_path().string(), ": ", failed.message());
  return write_file(file, to_json_text({{"models", models}}, 2) + "\n");
}

Result<fs::path> resolve_model(const std::string& reference) {
  if (reference == kShippedModel) return shipped_path("models/reference");
  std::vector<std::string> names{std::string(kShippedModel)};
  if (const auto file = model_registry_file()) {
    ASSAY_ASSIGN(const std::vector<RegisteredModel> models, read_model_registry(*file));
    for (const RegisteredModel& model : models) {
      if (model.name == reference) return model.path;
      names.push_back(model.name);
    }
  }
  if (is_model(reference)) return fs::path(reference);
  return bad_input("model ", quoted_excerpt(reference, 200),
                   ": is no folder with config.json, no GGUF file and no registered name (", join(names, ", "), ")");
}

}  // namespace assay::run
