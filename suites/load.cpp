#include "suites/load.h"

#include <cstdlib>
#include <unordered_map>

#include "harness/base/archive.h"
#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "suites/code/public_formats.h"
#include "suites/gpqa/gpqa_items.h"
#include "suites/prompts.h"
#include "suites/records.h"
#include "suites/zebra/zebralogic.h"

namespace assay::suites {

namespace {

// Far above what real suites need (LiveCodeBench's tests are the largest), low enough to fit into memory.
constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kMaxItemsBytes = std::uint64_t{2} << 30;
constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxArrayBytes = std::size_t{64} << 20;  // read as one document
constexpr std::size_t kMaxItems = 1'000'000;
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::int64_t kMaxSamples = 100'000;

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
  if (sampling.samples < 1 || sampling.samples > kMaxSamples)
    return object.field_error("samples", "must be between 1 and " + std::to_string(kMaxSamples));
  return sampling;
}

Result<std::optional<ItemArchive>> read_item_archive(const JsonObject& header, ItemKind kind) {
  if (!header.has("archive")) return std::optional<ItemArchive>();
  ASSAY_ASSIGN(const JsonObject object, header.object("archive"));
  ASSAY_TRY(object.refuse_unknown({"file", "member", "option_order"}));
  if (kind != ItemKind::choice) return header.field_error("archive", "is for suites of kind choice");
  ItemArchive archive;
  ASSAY_ASSIGN(archive.file, filled(object, "file"));
  ASSAY_ASSIGN(archive.member, filled(object, "member"));
  ASSAY_ASSIGN(archive.option_order, object.string_or("option_order", archive.option_order));
  if (archive.option_order != "assay" && archive.option_order != "simple-evals") {
    return object.field_error("option_order",
                              "must be \"assay\" or \"simple-evals\", is " + quoted_excerpt(archive.option_order));
  }
  return std::optional<ItemArchive>(std::move(archive));
}

/// The item of a checked record. A field that is null counts as absent and is dropped.
Item make_item(const Json& record, ItemKind kind, const PromptOptions& options) {
  Item item;
  for (const auto& [key, value] : record.items()) {
    if (!value.is_null()) item.record[key] = value;
  }
  item.id = ItemId(item.record.at("id").get<std::string>());
  item.tag = item.record.contains("tag") ? item.record.at("tag").get<std::string>() : "";
  item.prompt = render_prompt(kind, options, item.record);
  return item;
}

/// The same, checked; `where` names the record in errors.
Result<Item> checked_item(const Json& record, const std::string& where, ItemKind kind, const PromptOptions& options) {
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(record, where));
  ASSAY_TRY(check_record(kind, fields));
  Item item = make_item(record, kind, options);
  item.place = where;
  return item;
}

/// An item of a record as data sets give it: with field names of their own, or in ZebraLogic's form.
Result<Item> read_item(Json record, const std::string& where, ItemKind kind, const PromptOptions& options) {
  use_own_field_names(kind, record);
  if (kind != ItemKind::grid || !is_zebralogic_record(record)) return checked_item(record, where, kind, options);
  ASSAY_ASSIGN(const Json grid_record, from_zebralogic(record, where));
  return checked_item(grid_record, where, kind, options);
}

/// Calls `use(record, number)` for each record of a file: one a line, or the elements of one JSON array. Records of
/// code suites may be in the form in which these are published.
Result<> for_each_record(std::string_view text, const std::string& path, ItemKind kind,
                         const std::function<Result<>(const Json&, int)>& use) {
  const auto parse = [&](std::string_view line, const std::string& where) {
    return kind == ItemKind::code ? read_code_record(line, where) : parse_json(line, where);
  };
  if (!trim(text).starts_with('[')) {
    return for_each_line(text, [&](std::string_view line, int number) -> Result<> {
      const std::string where = path + ":" + std::to_string(number);
      if (line.size() > kMaxRecordBytes) return bad_input(where, ": record has more than ", kMaxRecordBytes, " bytes");
      ASSAY_ASSIGN(const Json record, parse(line, where));
      return use(record, number);
    });
  }
  if (text.size() > kMaxArrayBytes) {
    return bad_input(path, ": an array of records may have ", kMaxArrayBytes,
                     " bytes at most; write one record a line");
  }
  ASSAY_ASSIGN(const Json records, parse_json(text, path));
  int number = 0;
  for (const Json& element : records) {
    ++number;
    ASSAY_ASSIGN(const Json record, parse(to_json_text(element), path + ": record " + std::to_string(number)));
    ASSAY_TRY(use(record, number));
  }
  return {};
}

Result<SuiteNotes> read_notes(const JsonObject& header) {
  SuiteNotes notes;
  ASSAY_ASSIGN(notes.language, header.string_or("language", ""));
  ASSAY_ASSIGN(notes.canary, header.string_or("canary", ""));
  ASSAY_ASSIGN(notes.contamination, header.string_or("contamination", ""));
  ASSAY_ASSIGN(notes.items_from, header.string_or("items_from", ""));
  if (header.has("errata")) {
    ASSAY_ASSIGN(notes.errata, header.strings("errata"));
  }
  return notes;
}

/// {"deepseek-r1": {"samples": 64}}: what a protocol's own rule for the number of samples does not give.
Result<std::map<std::string, std::int64_t>> read_protocols(const JsonObject& header) {
  std::map<std::string, std::int64_t> samples;
  if (!header.has("protocols")) return samples;
  ASSAY_ASSIGN(const JsonObject protocols, header.object("protocols"));
  ASSAY_TRY(protocols.refuse_unknown({"deepseek-r1"}));
  for (const auto& [name, unused] : header.find("protocols")->items()) {
    ASSAY_ASSIGN(const JsonObject protocol, protocols.object(name));
    ASSAY_TRY(protocol.refuse_unknown({"samples"}));
    ASSAY_ASSIGN(samples[name], protocol.integer("samples"));
    if (samples[name] < 1 || samples[name] > kMaxSamples)
      return protocol.field_error("samples", "must be between 1 and " + std::to_string(kMaxSamples));
  }
  return samples;
}

Result<std::vector<Item>> load_archive_items(const std::filesystem::path& file, const Suite& suite) {
  const ItemArchive& archive = *suite.archive;
  const GpqaOrder order = archive.option_order == "assay" ? GpqaOrder::assay : GpqaOrder::simple_evals;
  ASSAY_ASSIGN(const std::vector<Json> records, read_gpqa(file, archive.member, order));
  std::vector<Item> items;
  for (const Json& record : records) items.push_back(make_item(record, suite.kind, suite.prompt));
  return items;
}

}  // namespace

Result<Suite> load_suite_header(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "suite.json";
  ASSAY_ASSIGN(const std::string text, read_file(path, kMaxHeaderBytes));
  ASSAY_ASSIGN(const Json document, parse_json(text, path.string()));
  ASSAY_ASSIGN(const JsonObject header, JsonObject::of(document, path.string()));
  ASSAY_TRY(
      header.refuse_unknown({"name", "version", "kind", "title", "licence", "source", "prompt", "sampling", "language",
                             "canary", "contamination", "items_from", "errata", "protocols", "archive"}));
  Suite suite;
  ASSAY_ASSIGN(suite.name, header.string("name"));
  ASSAY_TRY(check_name(header, suite.name));
  ASSAY_ASSIGN(suite.version, filled(header, "version"));
  ASSAY_ASSIGN(const std::string kind, header.string("kind"));
  const auto parsed = parse_item_kind(kind);
  if (!parsed) return header.field_error("kind", "is an " + parsed.error().message);
  suite.kind = *parsed;
  ASSAY_ASSIGN(suite.title, filled(header, "title"));
  ASSAY_ASSIGN(suite.licence, filled(header, "licence"));
  ASSAY_ASSIGN(suite.source, filled(header, "source"));
  ASSAY_ASSIGN(suite.prompt, read_prompt_options(header, suite.kind));
  ASSAY_ASSIGN(suite.sampling, read_sampling(header));
  ASSAY_ASSIGN(suite.notes, read_notes(header));
  ASSAY_ASSIGN(suite.protocol_samples, read_protocols(header));
  ASSAY_ASSIGN(suite.archive, read_item_archive(header, suite.kind));
  return suite;
}

std::filesystem::path items_folder() {
  const auto absolute = [](const char* variable) -> std::filesystem::path {
    const char* value = std::getenv(variable);
    return value != nullptr && *value == '/' ? value : "";
  };
  if (const char* chosen = std::getenv("ASSAY_ITEMS"); chosen != nullptr && *chosen != '\0') return chosen;
  if (const auto data = absolute("XDG_DATA_HOME"); !data.empty()) return data / "assay/items";
  if (const auto home = absolute("HOME"); !home.empty()) return home / ".local/share/assay/items";
  return {};
}

std::optional<std::filesystem::path> find_items(const std::filesystem::path& folder, const Suite& header) {
  const std::filesystem::path of_user = items_folder();
  std::vector<std::filesystem::path> places;
  const auto add = [&](const std::filesystem::path& shipped, const std::string& users) {
    places.push_back(shipped);
    if (!of_user.empty()) places.push_back(of_user / users);
  };
  if (header.archive) {
    add(folder / header.archive->file, header.archive->file);
  } else {
    for (const char* ending : {".jsonl", ".jsonl.gz", ".jsonl.xz"}) {
      add(folder / (std::string("items") + ending), header.name + ending);
    }
  }
  for (std::filesystem::path& place : places) {
    std::error_code ignored;  // what is no file is refused when it is read
    if (std::filesystem::exists(std::filesystem::symlink_status(place, ignored))) return std::move(place);
  }
  return std::nullopt;
}

namespace {

/// Says which file is wanted, where it can be had and where to put it.
Error missing_items(const std::filesystem::path& folder, const Suite& suite) {
  const std::string beside = (folder / (suite.archive ? suite.archive->file : "items.jsonl")).string();
  const std::filesystem::path of_user = items_folder();
  const std::string users =
      of_user.empty() ? "" : (of_user / (suite.archive ? suite.archive->file : suite.name + ".jsonl")).string();
  if (!suite.notes.items_from.empty()) {
    return bad_input("suite ", suite.name, " ships without its items: get ", suite.notes.items_from, " and put it at ",
                     users.empty() ? beside : users);
  }
  return bad_input("suite ", suite.name, ": ", beside, " is not there; it must hold the suite's ",
                   suite.archive ? "items, as its authors' encrypted archive" : "records, one a line",
                   users.empty() ? "" : "; your own copy may be " + users);
}

}  // namespace

Result<Suite> load_suite_folder(const std::filesystem::path& folder) {
  ASSAY_ASSIGN(Suite suite, load_suite_header(folder));
  const auto file = find_items(folder, suite);
  if (!file) return missing_items(folder, suite);
  return with_items(std::move(suite), *file);
}

Result<std::vector<Item>> load_items(const std::filesystem::path& jsonl, ItemKind kind, const PromptOptions& options) {
  const bool is_packed = jsonl.extension() == ".gz" || jsonl.extension() == ".xz";
  ASSAY_ASSIGN(const std::string text,
               is_packed ? read_packed_file(jsonl, kMaxItemsBytes) : read_file(jsonl, kMaxItemsBytes));
  std::vector<Item> items;
  std::unordered_map<ItemId, int> place_of_id;
  const bool is_array = trim(text).starts_with('[');
  ASSAY_TRY(for_each_record(text, jsonl.string(), kind, [&](const Json& record, int number) -> Result<> {
    const std::string where = jsonl.string() + (is_array ? ": record " : ":") + std::to_string(number);
    ASSAY_ASSIGN(Item item, read_item(record, where, kind, options));
    const auto [first, is_new] = place_of_id.emplace(item.id, number);
    if (!is_new) {
      return bad_input(where, ": field \"id\" repeats ", quoted_excerpt(item.id.value), " of ",
                       is_array ? "record " : "line ", first->second, "; ids must differ");
    }
    if (items.size() == kMaxItems) return bad_input(where, ": more than ", kMaxItems, " records; split the suite");
    items.push_back(std::move(item));
    return {};
  }));
  if (items.empty()) return bad_input(jsonl.string(), ": holds no records; it must hold one a line");
  return items;
}

Result<Suite> with_items(Suite suite, const std::filesystem::path& file) {
  if (suite.archive && to_lower_ascii(file.extension().string()) == ".zip") {
    ASSAY_ASSIGN(suite.items, load_archive_items(file, suite));
  } else {
    ASSAY_ASSIGN(suite.items, load_items(file, suite.kind, suite.prompt));
  }
  suite.sha256 = hash_suite(suite);
  return suite;
}

Result<Suite> with_records(Suite suite, const std::vector<Json>& records, const std::string& source) {
  suite.items.clear();
  for (const Json& record : records) {
    const std::string where = source + ": record " + std::to_string(suite.items.size() + 1);
    ASSAY_ASSIGN(Item item, checked_item(record, where, suite.kind, suite.prompt));
    suite.items.push_back(std::move(item));
  }
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
