// assay models: names for models, and what a model's files say.

#include <memory>

#include "harness/base/data_path.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/run/model_registry.h"
#include "runners/formats/chat/chat_template.h"
#include "runners/formats/checkpoint.h"
#include "runners/formats/model_config.h"
#include "runners/formats/tokenizer/tokenizer.h"

namespace assay::cli {

namespace {

namespace fs = std::filesystem;

struct ModelsArgs {
  std::string show_name;
  std::string add_name;
  std::string add_path;
};

Result<std::vector<run::RegisteredModel>> all_models() {
  std::vector<run::RegisteredModel> models;
  if (const auto shipped = shipped_path("models/reference"))
    models.push_back({std::string(run::kShippedModel), *shipped});
  ASSAY_ASSIGN(const fs::path file, run::model_registry_file());
  ASSAY_ASSIGN(const std::vector<run::RegisteredModel> registered, run::read_model_registry(file));
  models.insert(models.end(), registered.begin(), registered.end());
  return models;
}

Result<> list_command(const CommonOptions& common) {
  ASSAY_ASSIGN(const std::vector<run::RegisteredModel> models, all_models());
  if (common.json) {
    Json records = Json::array();
    for (const run::RegisteredModel& model : models) {
      records.push_back({{"name", model.name}, {"path", model.path.string()}});
    }
    return print_json({{"models", records}});
  }
  std::vector<std::vector<std::string>> rows = {{"name", "path"}};
  for (const run::RegisteredModel& model : models) rows.push_back({model.name, model.path.string()});
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
              {"files", files}};
}

/// 18561234 as "18.6 M".
std::string rounded_count(std::int64_t count) {
  if (count >= 1'000'000'000) return to_fixed(double(count) / 1e9, 1) + " B";
  if (count >= 1'000'000) return to_fixed(double(count) / 1e6, 1) + " M";
  return to_text(count);
}

Result<> print_model(const Json& model, const CommonOptions& common) {
  if (common.json) return print_json(model);
  const Json& parameters = model["parameters"];
  const Json& chat_template = model["chat_template"];
  std::vector<std::string> files;
  for (const Json& file : model["files"]) files.push_back(file.get<std::string>());
  return print(text_table({
      {"name", model["name"].get<std::string>()},
      {"path", model["path"].get<std::string>()},
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
      {"files", join(files, ", ")},
  }));
}

Result<> show_command(const std::string& name, const CommonOptions& common) {
  ASSAY_ASSIGN(const fs::path path, run::resolve_model(name));
  ASSAY_ASSIGN(const Json model, describe_model(name, path));
  return print_model(model, common);
}

Result<> add_command(const std::string& name, const std::string& path, const CommonOptions& common) {
  ASSAY_ASSIGN(const fs::path file, run::model_registry_file());
  ASSAY_TRY(run::add_model(file, name, path));
  ASSAY_ASSIGN(const fs::path stored, run::resolve_model(name));
  if (common.json) return print_json({{"name", name}, {"path", stored.string()}});
  return print(name + " is " + stored.string() + "\n");
}

}  // namespace

Action declare_models(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<ModelsArgs>();  // shared by the option table, which writes it, and the action
  CLI::App* show = app.add_subcommand("show", "Show a model: architecture, parameters, bytes, template, files");
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
    if (show->parsed()) return show_command(args->show_name, common);
    if (add->parsed()) return add_command(args->add_name, args->add_path, common);
    return list_command(common);
  };
}

}  // namespace assay::cli
