#pragma once
// The suites that ship, by name. A suite is added by adding its folder below suites/: nothing here lists them.
//   suites/NAME/suite.json         a suite
//   suites/GROUP/NAME/suite.json   a suite that `GROUP` stands for, together with its neighbours
// A folder without items.jsonl is a family whose items are not shipped: outputs for it can be graded against a file of
// items.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "suites/suite.h"

namespace assay::suites {

/// What `assay suites` shows of a shipped suite.
struct SuiteCard {
  std::string name;
  std::string kind;
  std::string title;
  std::size_t n_items = 0;  ///< 0: its items are not shipped
  std::string licence;
  std::string source;
  std::string group;  ///< empty: none
};

/// All shipped suites, by group and name. Error{environment} if the shipped folder is missing, Error{bad_input} if one
/// of its files is broken.
Result<std::vector<SuiteCard>> list_suites();

/// The suites of a comma-separated list of names, groups and folders ("zebra-smoke,smoke,./mine"), each once, in order.
/// A folder is written with a "/" or is one that holds suite.json and has no shipped suite's name.
/// Error{bad_input} for an unknown name, with the nearest and all known ones.
Result<std::vector<Suite>> resolve_suites(std::string_view list);

/// One suite with the records of `items_jsonl` as its items. `name` is a shipped suite, a group of suites of one kind
/// ("aime"), a folder, or a kind such as "integer"; its own items need not be there.
Result<Suite> resolve_suite_for_items(std::string_view name, const std::filesystem::path& items_jsonl);

}  // namespace assay::suites
