#pragma once
// Loading suites: a folder with suite.json and items.jsonl, checked whole before anything runs.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "suites/suite.h"

namespace assay::suites {

/// What suite.json says; a Suite without items and hash.
/// Error{bad_input} names file and field for anything missing, of a wrong type or unknown.
Result<Suite> load_suite_header(const std::filesystem::path& folder);

/// Where a user keeps the files of suites whose items are not shipped, each called as its suite (aime2024.jsonl):
/// $ASSAY_ITEMS, else $XDG_DATA_HOME/assay/items, else ~/.local/share/assay/items; empty if no variable is set.
std::filesystem::path items_folder();

/// The file that holds the items of the suite in `folder`: the archive that its suite.json names, else items.jsonl,
/// also compressed (.gz, .xz); where that is not there, NAME.jsonl or the archive in items_folder(). None if there is
/// neither.
std::optional<std::filesystem::path> find_items(const std::filesystem::path& folder, const Suite& header);

/// A suite from its folder: suite.json, and its items, a record a line or in an archive.
/// Error{bad_input}: "…/items.jsonl:LINE: field \"…\" …" for the first broken record or repeated id, or the limit that
/// a file exceeds.
Result<Suite> load_suite_folder(const std::filesystem::path& folder);

/// The items of a file of records, a record a line or all in one JSON array, compressed if its name ends with ".gz" or
/// ".xz"; prompts are rendered as `options` says. For kind `grid`, records of ZebraLogic's own forms are read too
/// (suites/zebra/zebralogic.h). Errors as load_suite_folder.
Result<std::vector<Item>> load_items(const std::filesystem::path& jsonl, ItemKind kind,
                                     const PromptOptions& options = {});

/// `suite` with the items of `file` in place of its own, and the hash that goes with them. For a suite with an archive
/// `file` may be such an archive (".zip"), else it holds records. Errors as load_items and read_gpqa.
Result<Suite> with_items(Suite suite, const std::filesystem::path& file);

/// `suite` with items made of `records`, which were not read from a file; `source` names them in errors.
Result<Suite> with_records(Suite suite, const std::vector<Json>& records, const std::string& source);

/// 64 hexadecimal digits over name, version, kind, answer form, and each item's prompt and record (keys sorted).
std::string hash_suite(const Suite& suite);

}  // namespace assay::suites
