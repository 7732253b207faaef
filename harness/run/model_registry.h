#pragma once
// Names for models: the shipped "reference", and those that `assay models add NAME PATH` wrote to a small JSON file.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace assay::run {

/// The name of the model that ships with Assay.
inline constexpr std::string_view kShippedModel = "reference";

struct RegisteredModel {
  std::string name;
  std::filesystem::path path;  ///< a folder with config.json, or a GGUF file
};

/// The user's registry: $XDG_CONFIG_HOME/assay/models.json, else ~/.config/assay/models.json.
/// Error{environment} if neither variable is set.
Result<std::filesystem::path> model_registry_file();

/// The user's models, by name; none if `file` is missing. Error{bad_input} for a file that is not
/// {"models":{"NAME":"PATH",…}}.
Result<std::vector<RegisteredModel>> read_model_registry(const std::filesystem::path& file);

/// Adds or replaces a model. The name is letters, digits, ".", "-" and "_", and not the shipped one; the path is a
/// folder with config.json or a GGUF file and is stored absolute. Error{bad_input} otherwise, Error{environment} if the
/// file can't be written.
Result<> add_model(const std::filesystem::path& file, const std::string& name, const std::filesystem::path& path);

/// The folder or GGUF file that a REF means: a registered name, else a path. Error{bad_input} lists the known names.
Result<std::filesystem::path> resolve_model(const std::string& reference);

}  // namespace assay::run
