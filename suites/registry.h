#pragma once
// The suites that ship, by name. A suite is added by adding its folder below suites/: nothing here lists them.
//   suites/NAME/suite.json         a suite
//   suites/GROUP/NAME/suite.json   a suite that `GROUP` stands for, together with its neighbours
//   suites/NAME/group.json         a name that stands for several suites and groups: {"name","title","members":[…]}
// "zebra" and "zebra:SIZE…" are generated (suites/zebra/zebra_spec.h).
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
  Suite suite;              ///< what suite.json says; items and hash are left out
  std::size_t n_items = 0;  ///< 0: its items are not shipped
  std::string group;        ///< empty: none
};

/// A name that stands for several suites or groups of them: "strawberry".
struct SuiteGroup {
  std::string name;
  std::string title;
  std::vector<std::string> members;
};

/// All shipped suites, by group and name. Error{environment} if the shipped folder is missing, Error{bad_input} if one
/// of its files is broken.
Result<std::vector<SuiteCard>> list_suites();

/// All groups that a group.json names. Errors as list_suites().
Result<std::vector<SuiteGroup>> list_groups();

/// The suites of a list, as resolve_suites() finds them; one whose items are not shipped comes without items and hash.
Result<std::vector<Suite>> resolve_suites_to_show(std::string_view list);

/// The suites of a comma-separated list of names, groups, folders and puzzles to generate
/// ("zebra-smoke,smoke,./mine,zebra:3x4:seed=7"), each once, in order.
/// A folder is written with a "/" or is one that holds suite.json and has no shipped suite's name.
/// Error{bad_input} for an unknown name, with the nearest and all known ones.
Result<std::vector<Suite>> resolve_suites(std::string_view list);

/// One suite with the records of `items_jsonl` as its items. `name` is a shipped suite, a group of suites of one kind
/// ("aime"), a folder, or a kind such as "integer"; its own items need not be there.
Result<Suite> resolve_suite_for_items(std::string_view name, const std::filesystem::path& items_jsonl);

}  // namespace assay::suites
