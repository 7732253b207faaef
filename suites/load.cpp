#include "suites/load.h"

#include <unordered_map>

#include "harness/base/archive.h"
#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "suites/code/public_formats.h"
#include "suites/prompts.h"
#include "suites/records.h"

namespace assay::suites {

namespace {

// Far above what real suites need (LiveCodeBench's tests are the largest), low enough to fit into memory.
constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kMaxItemsBytes = std::uint64_t{2} << 30;
constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxItems = 1'000'000;
constexpr std::size_t kMaxNameBytes = 64;

Result<> check_name(const JsonObject& header, const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  bool good = !name.empty() && name.size() <= kMaxNameBytes && name[0] != '.' && name[0] != '-';
  for (const char c : name) good = good && allowed(c);
  if (good) return {};
  return header.field_error("name",
                            "must have 1 to 64 letters, digits, \"-\", \"_\" or \".\", is " + quoted_excerpt(name));
}

Result<std::string> filled(const JsonObject& header, std::string_view key) {
  ASSAY_ASSIGN(std::string text, header.string(key));
  if (trim(text).empty()) return header.field_error(key, "is empty");
  return text;
}

Result<PromptOptions> read_prompt_options(const JsonObject& header, ItemKind kind) {
  PromptOptions options;
  if (!header.has("prompt")) return options;
  ASSAY_ASSIGN(const JsonObject prompt, header.object("prompt"));
  ASSAY_TRY(prompt.refuse_unknown({"text", "answer_form"}));
  if (prompt.has("text")) {
    ASSAY_ASSIGN(options.text, prompt.string("text"));
    ASSAY_TRY(check_prompt_text(kind, options.text, prompt.where()));
  }
  if (!prompt.has("answer_form")) return options;
  ASSAY_ASSIGN(const std::string form, prompt.string("answer_form"));
  if (kind != ItemKind::grid) return prompt.field_error("answer_form", "is for suites of kind grid");
  if (form != "solution" && form != "bare") {
    return prompt.field_error("answer_form", "must be \"solution\" or \"bare\", is " + quoted_excerpt(form));
  }
  options.answer_form = form == "bare" ? AnswerForm::bare : AnswerForm::solution;
  return options;
}

Result<SamplingDefaults> read_sampling(const JsonObject& header) {
  SamplingDefaults sampling;
  if (!header.has("sampling")) return sampling;
  ASSAY_ASSIGN(const JsonObject object, header.object("sampling"));
  ASSAY_TRY(object.refuse_unknown({"temperature", "top_p", "max_output_tokens", "samples"}));
  ASSAY_ASSIGN(sampling.temperature, object.number_or("temperature", sampling.temperature));
  ASSAY_ASSIGN(sampling.top_p, object.number_or("top_p", sampling.top_p));
  ASSAY_ASSIGN(sampling.max_output_tokens, object.integer_or("max_output_tokens", sampling.max_output_tokens));
  ASSAY_ASSIGN(sampling.samples, object.integer_or("samples", sampling.samples));
  if (!(sampling.temperature >= 0 && sampling.temperature <= 100)) {
    return object.field_error("temperature", "must be between 0 and 100");
  }
  if (!(sampling.top_p > 0 && sampling.top_p <= 1)) return object.field_error("top_p", "must be above 0 and at most 1");
  if (sampling.max_output_tokens < 0) return object.field_error("max_output_tokens", "must not be negative");
  if (sampling.samples < 1 || sampling.samples > 100'000)
    return object.field_error("samples", "must be between 1 and 100000");
  return sampling;
}

/// Reads one line. A field that is null counts as absent and is dropped.
Result<Item> read_item(std::string_view line, const std::string& where, ItemKind kind, const PromptOptions& options) {
  if (line.size() > kMaxRecordBytes) return bad_input(where, ": record has more than ", kMaxRecordBytes, " bytes");
  ASSAY_ASSIGN(const Json record, kind == ItemKind::code ? read_code_record(line, where) : parse_json(line, where));
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(record, where));
  ASSAY_TRY(check_record(kind, fields));
  Item item;
  for (const auto& [key, value] : record.items()) {
    if (!value.is_null()) item.record[key] = value;
  }
  item.id = ItemId(item.record.at("id").get<std::string>());
  item.tag = item.record.contains("tag") ? item.record.at("tag").get<std::string>() : "";
  item.prompt = render_prompt(kind, options, item.record);
  return item;
}

/// A file that is one JSON array, as some public data sets are, a record a line.
Result<std::string> lines_of_array(std::string_view text, const std::string& where) {
  ASSAY_ASSIGN(const Json array, parse_json(text, where));
  std::string lines;
  for (const Json& record : array) lines += to_json_text(record) + "\n";
  return lines;
}

}  // namespace

Result<Suite> load_suite_header(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "suite.json";
  ASSAY_ASSIGN(const std::string text, read_file(path, kMaxHeaderBytes));
  ASSAY_ASSIGN(const Json document, parse_json(text, path.string()));
  ASSAY_ASSIGN(const JsonObject header, JsonObject::of(document, path.string()));
  ASSAY_TRY(header.refuse_unknown({"name", "version", "kind", "title", "licence", "source", "prompt", "sampling"}));
  Suite suite;
  ASSAY_ASSIGN(suite.name, header.string("name"));
  ASSAY_TRY(check_name(header, suite.name));
  ASSAY_ASSIGN(suite.version, filled(header, "version"));
  ASSAY_ASSIGN(const std::string kind, header.string("kind"));
  const auto parsed = parse_item_kind(kind);
  if (!parsed) return header.field_error("kind", "is an " + parsed.error().message);
  suite.kind = *parsed;
  ASSAY_TRY(check_kind_is_supported(suite.kind, path.string()));
  ASSAY_ASSIGN(suite.title, filled(header, "title"));
  ASSAY_ASSIGN(suite.licence, filled(header, "licence"));
  ASSAY_ASSIGN(suite.source, filled(header, "source"));
  ASSAY_ASSIGN(suite.prompt, read_prompt_options(header, suite.kind));
  ASSAY_ASSIGN(suite.sampling, read_sampling(header));
  return suite;
}

Result<Suite> load_suite_folder(const std::filesystem::path& folder) {
  ASSAY_ASSIGN(Suite suite, load_suite_header(folder));
  return with_items(std::move(suite), folder / "items.jsonl");
}

Result<std::vector<Item>> load_items(const std::filesystem::path& jsonl, ItemKind kind, const PromptOptions& options) {
  ASSAY_TRY(check_kind_is_supported(kind, jsonl.string()));
  const bool is_packed = jsonl.extension() == ".gz" || jsonl.extension() == ".xz";
  ASSAY_ASSIGN(std::string text,
               is_packed ? read_packed_file(jsonl, kMaxItemsBytes) : read_file(jsonl, kMaxItemsBytes));
  if (text.starts_with('[')) {
    ASSAY_ASSIGN(text, lines_of_array(text, jsonl.string()));
  }
  std::vector<Item> items;
  std::unordered_map<ItemId, int> line_of_id;
  ASSAY_TRY(for_each_line(text, [&](std::string_view line, int number) -> Result<> {
    const std::string where = jsonl.string() + ":" + std::to_string(number);
    ASSAY_ASSIGN(Item item, read_item(line, where, kind, options));
    const auto [first, is_new] = line_of_id.emplace(item.id, number);
    if (!is_new) {
      return bad_input(where, ": field \"id\" repeats ", quoted_excerpt(item.id.value), " of line ", first->second,
                       "; ids must differ");
    }
    if (items.size() == kMaxItems) return bad_input(where, ": more than ", kMaxItems, " records; split the suite");
    items.push_back(std::move(item));
    return {};
  }));
  if (items.empty()) return bad_input(jsonl.string(), ": holds no records; it must hold one a line");
  return items;
}

Result<Suite> with_items(Suite suite, const std::filesystem::path& jsonl) {
  ASSAY_ASSIGN(suite.items, load_items(jsonl, suite.kind, suite.prompt));
  suite.sha256 = hash_suite(suite);
  return suite;
}

std::string hash_suite(const Suite& suite) {
  Sha256 hash;
  const auto add = [&](const Json& part) { hash.update(nlohmann::json(part).dump() + "\n"); };  // sorts the keys
  add({{"name", suite.name},
       {"version", suite.version},
       {"kind", to_string(suite.kind)},
       {"answer_form", suite.prompt.answer_form == AnswerForm::bare ? "bare" : "solution"}});
  for (const Item& item : suite.items) add({{"prompt", item.prompt}, {"record", item.record}});
  return to_hex(hash.finish());
}

}  // namespace assay::suites
