#include "suites/registry.h"

#include <algorithm>
#include <set>

#include "harness/base/archive.h"
#include "harness/base/data_path.h"
#include "harness/base/file.h"
#include "harness/base/text.h"
#include "suites/code/code_window.h"
#include "suites/load.h"
#include "suites/records.h"
#include "suites/zebra/zebra_spec.h"

namespace assay::suites {

namespace fs = std::filesystem;

namespace {

/// Where a shipped suite lies. Its name is its folder's.
struct Place {
  std::string name;
  std::string group;
  fs::path folder;
};

bool holds_suite(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "suite.json", ignored);
}

/// How many items a suite has: records are counted, not read.
Result<std::size_t> count_items(const fs::path& file, const Suite& header) {
  if (header.archive) {
    ASSAY_ASSIGN(const Suite suite, with_items(header, file));
    return suite.items.size();
  }
  ASSAY_ASSIGN(const std::string records, read_packed_file(file));
  std::size_t n_items = 0;
  ASSAY_TRY(for_each_line(records, [&](std::string_view, int) -> Result<> {
    ++n_items;
    return {};
  }));
  return n_items;
}

std::vector<fs::path> sorted_subfolders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) found.push_back(entry->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<std::vector<Place>> shipped_places() {
  ASSAY_ASSIGN(const fs::path root, shipped_path("suites"));
  std::vector<Place> places;
  for (const fs::path& outer : sorted_subfolders(root)) {
    if (holds_suite(outer)) {
      places.push_back({outer.filename().string(), "", outer});
      continue;
    }
    for (const fs::path& inner : sorted_subfolders(outer)) {
      if (holds_suite(inner)) places.push_back({inner.filename().string(), outer.filename().string(), inner});
    }
  }
  return places;
}

/// Names that stand for other names and groups: the folders that hold group.json.
Result<std::vector<SuiteGroup>> shipped_groups() {
  ASSAY_ASSIGN(const fs::path root, shipped_path("suites"));
  std::vector<SuiteGroup> groups;
  for (const fs::path& folder : sorted_subfolders(root)) {
    const fs::path path = folder / "group.json";
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) continue;
    ASSAY_ASSIGN(const std::string text, read_file(path));
    ASSAY_ASSIGN(const Json document, parse_json(text, path.string()));
    ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, path.string()));
    ASSAY_TRY(fields.refuse_unknown({"name", "title", "members"}));
    SuiteGroup group;
    ASSAY_ASSIGN(group.name, fields.string("name"));
    ASSAY_ASSIGN(group.title, fields.string("title"));
    ASSAY_ASSIGN(group.members, fields.strings("members"));
    groups.push_back(std::move(group));
  }
  return groups;
}

/// Number of single-character insertions, deletions and replacements that turn `a` into `b` (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

Error unknown_suite(std::string_view name, const std::vector<Place>& places) {
  static constexpr std::size_t kMaxCompared = 100;  // a longer word is no misspelt name
  std::set<std::string> known;
  if (const auto groups = shipped_groups()) {
    for (const SuiteGroup& group : *groups) known.insert(group.name);
  }
  for (const Place& place : places) {
    known.insert(place.name);
    if (!place.group.empty()) known.insert(place.group);
  }
  std::string list, nearest;
  std::size_t least = name.size() <= kMaxCompared ? std::max<std::size_t>(3, name.size() / 2) : 0;
  for (const std::string& candidate : known) {
    list += (list.empty() ? "" : ", ") + candidate;
    if (least == 0) continue;
    if (const std::size_t distance = edit_distance(name.substr(0, kMaxCompared), candidate); distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  const std::string hint = nearest.empty() ? "." : "; did you mean " + nearest + "?";
  return bad_input("unknown suite ", quoted_excerpt(name), hint, " Known are: ", list,
                   ", and folders that hold suite.json and items.jsonl");
}

/// The folders that one word of a list stands for.
Result<std::vector<fs::path>> folders_of(std::string_view word, const std::vector<Place>& places) {
  std::vector<fs::path> folders;
  for (const Place& place : places) {
    if (place.name == word) return std::vector<fs::path>{place.folder};
    if (place.group == word) folders.push_back(place.folder);
  }
  if (!folders.empty()) return folders;
  const bool is_path = word.find('/') != std::string_view::npos || word == "." || word == "..";
  if (is_path || holds_suite(fs::path(word))) return std::vector<fs::path>{fs::path(word)};
  return unknown_suite(word, places);
}

/// The header of the group's first suite under the group's name, if all its suites are of one kind.
Result<std::optional<Suite>> group_of_one_kind(std::string_view name, const std::vector<fs::path>& folders) {
  std::optional<Suite> group;
  for (const fs::path& folder : folders) {
    ASSAY_ASSIGN(Suite suite, load_suite_header(folder));
    if (group && group->kind != suite.kind) return std::optional<Suite>();
    if (!group) group = std::move(suite);
  }
  if (group) group->name = name;
  return group;
}

/// The card of suites/zebra under the name of a specification.
Result<Suite> zebra_header(const ZebraSpec& spec) {
  ASSAY_ASSIGN(const fs::path folder, shipped_path("suites/zebra"));
  ASSAY_ASSIGN(Suite suite, load_suite_header(folder));
  suite.name = spec.name;
  return suite;
}

Result<Suite> generate_zebra_suite(std::string_view word) {
  ASSAY_ASSIGN(const ZebraSpec spec, parse_zebra_spec(word));
  ASSAY_ASSIGN(Suite suite, zebra_header(spec));
  return with_records(std::move(suite), generate_zebra_records(spec), spec.name);
}

/// The words of a list, each group of groups replaced by its members.
Result<std::vector<std::string>> words_of(std::string_view list) {
  ASSAY_ASSIGN(const std::vector<SuiteGroup> groups, shipped_groups());
  std::vector<std::string> words;
  for (const std::string& part : split(list, ',')) {
    const std::string word(trim(part));
    if (word.empty()) return bad_input("suite list ", quoted_excerpt(list), " holds an empty name");
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.name == word; });
    if (group == groups.end()) {
      words.push_back(word);
    } else {
      words.insert(words.end(), group->members.begin(), group->members.end());
    }
  }
  return words;
}

enum class MissingItems { refuse, leave_empty };

Result<std::vector<Suite>> load_list(std::string_view list, MissingItems missing) {
  ASSAY_ASSIGN(const std::vector<Place> places, shipped_places());
  ASSAY_ASSIGN(const std::vector<std::string> words, words_of(list));
  std::vector<Suite> suites;
  const auto is_taken = [&](const std::string& name) {
    return std::any_of(suites.begin(), suites.end(), [&](const Suite& suite) { return suite.name == name; });
  };
  std::set<std::pair<fs::path, std::string>> taken;  // with the window
  std::vector<std::string> without_items;
  for (const std::string& word : words) {
    if (is_zebra_spec(word)) {
      ASSAY_ASSIGN(Suite suite, generate_zebra_suite(word));
      if (!is_taken(suite.name)) suites.push_back(std::move(suite));
      continue;
    }
    ASSAY_ASSIGN(const CodeWindow window, parse_code_window(word));
    ASSAY_ASSIGN(const std::vector<fs::path> folders, folders_of(window.suite, places));
    for (const fs::path& folder : folders) {
      std::error_code ignored;
      if (!taken.emplace(fs::weakly_canonical(folder, ignored), window.options).second) continue;
      ASSAY_ASSIGN(Suite suite, load_suite_header(folder));
      if (find_items(folder, suite)) {
        ASSAY_ASSIGN(suite, load_suite_folder(folder));
        ASSAY_ASSIGN(suite, within_window(std::move(suite), window));
      } else if (missing == MissingItems::refuse) {
        const auto loaded = load_suite_folder(folder);
        if (!loaded) without_items.push_back(loaded.error().message);
      } else {
        suite.name += window.options;
      }
      if (is_taken(suite.name)) {
        return bad_input(folder.string(), ": another suite in this list is called ", suite.name,
                         " as well; rename one");
      }
      suites.push_back(std::move(suite));
    }
  }
  if (!without_items.empty()) return bad_input(join(without_items, "; "));
  return suites;
}

}  // namespace

Result<std::vector<SuiteCard>> list_suites() {
  ASSAY_ASSIGN(const std::vector<Place> places, shipped_places());
  std::vector<SuiteCard> cards;
  for (const Place& place : places) {
    ASSAY_ASSIGN(Suite suite, load_suite_header(place.folder));
    std::size_t n_items = 0;
    if (is_zebra_spec(place.name)) {
      ASSAY_ASSIGN(const ZebraSpec spec, parse_zebra_spec(place.name));
      n_items = spec.sizes.size() * spec.n_per_size;
    } else if (const auto file = find_items(place.folder, suite)) {
      ASSAY_ASSIGN(n_items, count_items(*file, suite));
    }
    cards.push_back({std::move(suite), n_items, place.group});
  }
  return cards;
}

Result<std::vector<SuiteGroup>> list_groups() { return shipped_groups(); }

Result<std::vector<Suite>> resolve_suites_to_show(std::string_view list) {
  return load_list(list, MissingItems::leave_empty);
}

Result<std::vector<Suite>> resolve_suites(std::string_view list) { return load_list(list, MissingItems::refuse); }

Result<Suite> resolve_suite_for_items(std::string_view name, const fs::path& items_jsonl) {
  ASSAY_ASSIGN(const std::vector<Place> places, shipped_places());
  if (is_zebra_spec(name)) {
    ASSAY_ASSIGN(const ZebraSpec spec, parse_zebra_spec(name));
    ASSAY_ASSIGN(Suite suite, zebra_header(spec));
    return with_items(std::move(suite), items_jsonl);
  }
  ASSAY_ASSIGN(const CodeWindow window, parse_code_window(name));
  const auto folders = folders_of(window.suite, places);
  if (folders && folders->size() == 1) {
    ASSAY_ASSIGN(Suite suite, load_suite_header(folders->front()));
    ASSAY_ASSIGN(suite, with_items(std::move(suite), items_jsonl));
    return within_window(std::move(suite), window);
  }
  const auto kind = parse_item_kind(name);  // a group may be called as its kind
  if (folders && !kind) {
    ASSAY_ASSIGN(std::optional<Suite> group, group_of_one_kind(name, *folders));
    if (group) return with_items(std::move(*group), items_jsonl);
    return bad_input("suite ", quoted_excerpt(name), " is a group of several kinds; --items goes with one suite");
  }
  if (!kind) return folders.error();
  Suite suite;
  suite.name = name;
  suite.version = "1";
  suite.kind = *kind;
  suite.title = "Items of kind " + to_string(*kind);
  suite.licence = suite.source = "as the items' own";
  return with_items(std::move(suite), items_jsonl);
}

}  // namespace assay::suites
