#include "harness/run/world_file.h"

#include <system_error>

#include "harness/base/file.h"
#include "harness/base/text.h"
#include "harness/run/world.h"

namespace assay::run {

namespace {

constexpr const char* kFormat = "assay ranks 1";
constexpr std::uint64_t kMaxFileBytes = 64 << 20;  // a job's terms are a few kilobytes, a model's details some hundred
constexpr std::size_t kHashShown = 12;

Json to_json(const std::map<std::string, std::string>& texts) {
  Json json = Json::object();
  for (const auto& [name, text] : texts) json[name] = text;
  return json;
}

Result<std::map<std::string, std::string>> parse_texts(const JsonObject& parent, std::string_view key) {
  std::map<std::string, std::string> texts;
  const Json* json = parent.find(key);
  if (json == nullptr || !json->is_object()) return parent.field_error(key, "must be an object of texts");
  for (const auto& [name, text] : json->items()) {
    if (!text.is_string()) return parent.field_error(key, "must be an object of texts");
    texts[name] = text.get<std::string>();
  }
  return texts;
}

std::string there_and_here(const std::string& what, const std::string* there, const std::string* here) {
  const auto is = [](const std::string* text) {
    return text == nullptr ? std::string("not given") : text->empty() ? std::string("given") : quoted_excerpt(*text);
  };
  return what + " is " + is(there) + " there, " + is(here) + " here";
}

std::string first_difference(const std::map<std::string, std::string>& there,
                             const std::map<std::string, std::string>& here, const std::string& prefix) {
  const auto text_of = [](const std::map<std::string, std::string>& texts, const std::string& name) {
    const auto at = texts.find(name);
    return at == texts.end() ? nullptr : &at->second;
  };
  std::map<std::string, std::string> names = there;
  names.insert(here.begin(), here.end());
  for (const auto& [name, ignored] : names) {
    const std::string* a = text_of(there, name);
    const std::string* b = text_of(here, name);
    if (a == nullptr || b == nullptr || *a != *b) return there_and_here(prefix + name, a, b);
  }
  return {};
}

Json to_json(const RankModel& model) {
  return {{"name", model.model.name},
          {"reference", model.model.reference},
          {"weights_sha256", model.model.weights_sha256},
          {"tokenizer_sha256", model.model.tokenizer_sha256},
          {"details", model.model.details},
          {"identity_sha256", model.identity_sha256},
          {"kernels", model.kernels},
          {"canary", model.canary}};
}

Result<RankModel> parse_model(const JsonObject& json) {
  RankModel model;
  ASSAY_ASSIGN(model.model.name, json.string("name"));
  ASSAY_ASSIGN(model.model.reference, json.string("reference"));
  ASSAY_ASSIGN(model.model.weights_sha256, json.string("weights_sha256"));
  ASSAY_ASSIGN(model.model.tokenizer_sha256, json.string("tokenizer_sha256"));
  ASSAY_ASSIGN(model.identity_sha256, json.string("identity_sha256"));
  ASSAY_ASSIGN(model.kernels, json.string("kernels"));
  if (const Json* details = json.find("details")) model.model.details = *details;
  if (const Json* canary = json.find("canary")) model.canary = *canary;
  return model;
}

}  // namespace

Json to_json(const RankTerms& terms) {
  return {{"options", to_json(terms.options)}, {"suites", to_json(terms.suites)}, {"command_line", terms.command_line}};
}

Result<RankTerms> parse_rank_terms(const Json& json, const std::string& where) {
  ASSAY_ASSIGN(const JsonObject object, JsonObject::of(json, where));
  RankTerms terms;
  ASSAY_ASSIGN(terms.options, parse_texts(object, "options"));
  ASSAY_ASSIGN(terms.suites, parse_texts(object, "suites"));
  ASSAY_ASSIGN(terms.command_line, object.string("command_line"));
  return terms;
}

std::string first_difference(const RankTerms& there, const RankTerms& here) {
  const std::string options = first_difference(there.options, here.options, "");
  return options.empty() ? first_difference(there.suites, here.suites, "the content of suite ") : options;
}

std::string first_difference(const RankModel& there, const RankModel& here) {
  const auto hash = [](const std::string& text) { return text.substr(0, kHashShown); };
  const auto canary = [](const Json& json) { return json.is_null() ? std::string("none") : to_json_text(json); };
  for (const auto& [what, a, b] :
       {std::tuple("the hash of the weights", hash(there.model.weights_sha256), hash(here.model.weights_sha256)),
        std::tuple("the hash of the tokenizer", hash(there.model.tokenizer_sha256), hash(here.model.tokenizer_sha256)),
        std::tuple("the device", there.kernels, here.kernels),
        std::tuple("the canary of the logits", canary(there.canary), canary(here.canary)),
        std::tuple("the hash of model, suites and sampling", hash(there.identity_sha256),
                   hash(here.identity_sha256))}) {
    if (a != b) return there_and_here(what, &a, &b);
  }
  return {};
}

Result<std::optional<WorldFile>> read_world_file(const std::filesystem::path& path) {
  std::error_code failed;
  if (!std::filesystem::exists(path, failed)) return std::optional<WorldFile>();
  ASSAY_ASSIGN(const std::string text, read_file(path, kMaxFileBytes));
  ASSAY_ASSIGN(const Json json, parse_json(text, path.string()));
  ASSAY_ASSIGN(const JsonObject object, JsonObject::of(json, path.string()));
  ASSAY_ASSIGN(const std::string format, object.string("format"));
  if (format != kFormat) return object.field_error("format", std::string("must be \"") + kFormat + "\"");
  WorldFile world;
  ASSAY_ASSIGN(const std::int64_t ranks, object.integer("ranks"));
  if (ranks < 1 || ranks > kMostRanks) return object.field_error("ranks", "must be 1 to " + to_text(kMostRanks));
  world.ranks = static_cast<int>(ranks);
  ASSAY_ASSIGN(world.origin.run_id.value, object.string("run_id"));
  if (world.origin.run_id.value.empty()) return object.field_error("run_id", "must not be empty");
  ASSAY_ASSIGN(world.origin.started_at_ms, object.integer("started_at_ms"));
  ASSAY_ASSIGN(world.is_merged, object.boolean("is_merged"));
  ASSAY_ASSIGN(const JsonObject terms, object.object("terms"));
  ASSAY_ASSIGN(world.terms, parse_rank_terms(*object.find("terms"), terms.where()));
  if (object.has("model")) {
    ASSAY_ASSIGN(const JsonObject model, object.object("model"));
    ASSAY_ASSIGN(world.model, parse_model(model));
  }
  return std::optional(std::move(world));
}

Result<> write_world_file(const std::filesystem::path& path, const WorldFile& world) {
  const Json json = {{"format", kFormat},
                     {"ranks", world.ranks},
                     {"run_id", world.origin.run_id.value},
                     {"started_at_ms", world.origin.started_at_ms},
                     {"is_merged", world.is_merged},
                     {"terms", to_json(world.terms)},
                     {"model", world.model ? to_json(*world.model) : Json()}};
  return write_file(path, to_json_text(json, 1) + "\n");
}

}  // namespace assay::run
