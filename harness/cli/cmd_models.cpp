// assay models: names for models, and what a model's files say.

#include <memory>

#include "harness/base/data_path.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/run/model_registry.h"
#include "runners/engine/memory_fit.h"
#include "runners/formats/chat/chat_template.h"
#include "runners/formats/checkpoint.h"
#include "runners/formats/licence.h"
#include "runners/formats/model_config.h"
#include "runners/formats/tokenizer/tokenizer.h"

namespace assay::cli {

namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxPath = 4096;  // of a path in a table

struct ModelsArgs {
  std::string show_name;
  std::string add_name;
  std::string add_path;
};

Result<std::vector<run::RegisteredModel>> all_models() {
  std::vector<run::RegisteredModel> models;
  if (const auto shipped = shipped_path("models/reference"))
    models.push_back({std::string(run::kShippedModel), *shipped});
  const auto file = run::model_registry_file();
  if (!file) return models;  // no home, so nothing is registered
  ASSAY_ASSIGN(const std::vector<run::RegisteredModel> registered, run::read_model_registry(*file));
  models.insert(models.end(), registered.begin(), registered.end());
  return models;
}

Result<> list_models_command(const CommonOptions& common) {
  ASSAY_ASSIGN(const std::vector<run::RegisteredModel> models, all_models());
  if (common.json) {
    Json records = Json::array();
    for (const run::RegisteredModel& model : models) {
      records.push_back({{"name", model.name}, {"path", model.path.string()}});
    }
    return print_json({{"models", records}});
  }
  std::vector<std::vector<std::string>> rows = {{"name", "path"}};
  for (const run::RegisteredModel& model : models) rows.push_back({model.name, shown(model.path.string(), kMaxPath)});
  return print(text_table(rows));
}

/// The template that prompts are rendered by, or why there is none.
Json template_json(const fs::path& path) {
  const auto tokenizer = runners::Tokenizer::load_of_model(path);
  if (!tokenizer) return {{"name", Json()}, {"reason", tokenizer.error().message}};
  std::optional<std::string_view> own;
  if (tokenizer->chat_template()) own = *tokenizer->chat_template();
  const auto chosen = runners::choose_template(own, *tokenizer);
  if (!chosen) return {{"name", Json()}, {"reason", chosen.error().message}};
  return {{"name", chosen->name()}, {"sha256", chosen->template_sha256()}};
}

/// What fits on each device of this machine. Computed from the configuration, not tried.
Json devices_json(const runners::ModelConfig& config, const runners::Checkpoint& checkpoint) {
  Json devices = Json::array();
  for (const runners::DeviceMemory& device : runners::run_devices()) {
    const runners::MemoryFit fit = runners::memory_fit(device, config, checkpoint);
    devices.push_back({{"device", device.device},
                       {"name", device.name},
                       {"memory_bytes", device.memory_bytes},
                       {"available_bytes", device.available_bytes},
                       {"weight_bytes", fit.weight_bytes},
                       {"kv_bytes_per_token", fit.kv_bytes_per_token},
                       {"fits", fit.max_context_tokens > 0},
                       {"max_context_tokens", fit.max_context_tokens},
                       {"max_sequences", fit.max_sequences},
                       {"provenance", "projected"}});
  }
  return devices;
}

Json licence_json(const fs::path& path) {
  const auto licence = runners::stated_licence(path);
  if (!licence || !*licence) return Json();
  return {{"text", (*licence)->text}, {"source", (*licence)->source}};
}

/// Reads configuration, headers and tokenizer; no weight.
Result<Json> describe_model(const std::string& name, const fs::path& path) {
  ASSAY_ASSIGN(const runners::ModelConfig config, runners::read_model_config(path));
  ASSAY_ASSIGN(const runners::Checkpoint checkpoint, runners::Checkpoint::open(path));
  Json files = Json::array();
  for (const fs::path& file : checkpoint.files()) files.push_back(file.filename().string());
  return Json{{"name", name},
              {"path", path.string()},
              {"architecture", config.architecture},
              {"parameters",
               {{"total", runners::num_parameters(config)},
                {"active", runners::active_parameters(config)},
                {"mtp", runners::mtp_parameters(config)}}},
              {"weight_bytes", checkpoint.total_bytes()},
              {"kv_bytes_per_token", runners::kv_bytes_per_token(config)},
              {"max_position_embeddings", config.max_position_embeddings},
              {"vocab_size", config.vocab_size},
              {"chat_template", template_json(path)},
              {"licence", licence_json(path)},
              {"files", files},
              {"devices", devices_json(config, checkpoint)}};
}

/// 18561234 as "18.6 M".
std::string rounded_count(std::int64_t count) {
  if (count >= 1'000'000'000) return to_fixed(double(count) / 1e9, 1) + " B";
  if (count >= 1'000'000) return to_fixed(double(count) / 1e6, 1) + " M";
  return to_text(count);
}

std::string gigabytes(const Json& bytes) { return to_fixed(bytes.get<double>() / 1e9, 1) + " GB"; }

/// "63 sequences of 2048 tokens; 21.9 GB of 24.7 GB are available".
std::string fit_text(const Json& device, std::int64_t max_position_embeddings) {
  const std::string memory =
      "; " + gigabytes(device["available_bytes"]) + " of " + gigabytes(device["memory_bytes"]) + " are available";
  const auto n_tokens = device["max_context_tokens"].get<std::int64_t>();
  const auto n_sequences = device["max_sequences"].get<std::int64_t>();
  if (n_tokens == 0) return "does not fit: the weights take " + gigabytes(device["weight_bytes"]) + memory;
  if (n_sequences == 0) return "one sequence of up to " + to_text(n_tokens) + " tokens" + memory;
  return to_text(n_sequences) + (n_sequences == 1 ? " sequence of " : " sequences of ") +
         to_text(max_position_embeddings) + " tokens" + memory;
}

Result<> print_model(const Json& model, const CommonOptions& common) {
  if (common.json) return print_json(model);
  const Json& parameters = model["parameters"];
  const Json& chat_template = model["chat_template"];
  const Json& licence = model["licence"];
  std::vector<std::string> files;
  for (const Json& file : model["files"]) files.push_back(file.get<std::string>());
  std::vector<std::vector<std::string>> rows = {
      {"name", shown(model["name"].get<std::string>())},
      {"path", shown(model["path"].get<std::string>(), kMaxPath)},
      {"architecture", model["architecture"].get<std::string>()},
      {"parameters", rounded_count(parameters["total"].get<std::int64_t>()) + ", of which a token uses " +
                         rounded_count(parameters["active"].get<std::int64_t>()) + "; MTP module " +
                         rounded_count(parameters["mtp"].get<std::int64_t>())},
      {"weights", to_fixed(model["weight_bytes"].get<double>() / 1e6, 1) + " MB"},
      {"KV cache", to_text(model["kv_bytes_per_token"].get<std::int64_t>()) + " bytes per token (2 bytes a value)"},
      {"context", to_text(model["max_position_embeddings"].get<std::int64_t>()) + " tokens"},
      {"vocabulary", to_text(model["vocab_size"].get<std::int64_t>()) + " tokens"},
      {"chat template", chat_template["name"].is_string() ? chat_template["name"].get<std::string>()
                                                          : "none: " + chat_template["reason"].get<std::string>()},
      {"licence", licence.is_null()
                      ? "not stated"
                      : shown(licence["text"].get<std::string>()) + " (" + licence["source"].get<std::string>() + ")"},
      {"files", shown(join(files, ", "), kMaxPath)},
  };
  for (const Json& device : model["devices"]) {
    rows.push_back({"fits on " + device["device"].get<std::string>(),
                    fit_text(device, model["max_position_embeddings"].get<std::int64_t>())});
  }
  return print(text_table(rows));
}

Result<> show_model_command(const std::string& name, const CommonOptions& common) {
  ASSAY_ASSIGN(const fs::path path, run::resolve_model(name));
  ASSAY_ASSIGN(const Json model, describe_model(name, path));
  return print_model(model, common);
}

Result<> add_command(const std::string& name, const std::string& path, const CommonOptions& common) {
  ASSAY_ASSIGN(const fs::path file, run::model_registry_file());
  ASSAY_TRY(run::add_model(file, name, path));
  ASSAY_ASSIGN(const fs::path stored, run::resolve_model(name));
  if (common.json) return print_json({{"name", name}, {"path", stored.string()}});
  return print(name + " is " + shown(stored.string(), kMaxPath) + "\n");
}

}  // namespace

Action declare_models(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<ModelsArgs>();  // shared by the option table, which writes it, and the action
  CLI::App* show = app.add_subcommand(
      "show", "Show a model: architecture, parameters, bytes, template, licence, what fits on this machine");
  show->add_option("NAME", args->show_name, "A registered name, a model's folder, or a GGUF file")->required();
  show->footer("Example: assay models show reference");
  CLI::App* add = app.add_subcommand("add", "Register a model under a name");
  add->add_option("NAME", args->add_name, "Letters, digits, \".\", \"-\" and \"_\"")->required();
  add->add_option("PATH", args->add_path, "A folder with config.json and safetensors, or a GGUF file")->required();
  add->footer("Example: assay models add r1-distill ./DeepSeek-R1-Distill-Qwen-7B");
  app.footer(
      "Without a further word: all registered models. Names are kept in $XDG_CONFIG_HOME/assay/models.json.\n"
      "Example: assay models");
  return [args, show, add, &common]() -> Result<> {
    if (show->parsed()) return show_model_command(args->show_name, common);
    if (add->parsed()) return add_command(args->add_name, args->add_path, common);
    return list_models_command(common);
  };
}

}  // namespace assay::cli
