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

/// The suite's records, compressed or not; empty if they are not shipped.
fs::path items_file(const fs::path& folder) {
  for (const char* name : {"items.jsonl", "items.jsonl.gz", "items.jsonl.xz"}) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / name, ignored)) return folder / name;
  }
  return {};
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
  const std::string hint = nearest.empty() ? "" : "; did you mean " + nearest + "?";
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

}  // namespace

Result<std::vector<SuiteCard>> list_suites() {
  ASSAY_ASSIGN(const std::vector<Place> places, shipped_places());
  std::vector<SuiteCard> cards;
  for (const Place& place : places) {
    ASSAY_ASSIGN(const Suite suite, load_suite_header(place.folder));
    SuiteCard card{suite.name, to_string(suite.kind), suite.title, 0, suite.licence, suite.source, place.group};
    if (const fs::path file = items_file(place.folder); !file.empty()) {
      ASSAY_ASSIGN(const std::string items, read_packed_file(file));
      ASSAY_TRY(for_each_line(items, [&](std::string_view, int) -> Result<> {
        ++card.n_items;
        return {};
      }));
    }
    cards.push_back(std::move(card));
  }
  return cards;
}

Result<std::vector<Suite>> resolve_suites(std::string_view list) {
  ASSAY_ASSIGN(const std::vector<Place> places, shipped_places());
  std::vector<Suite> suites;
  std::set<fs::path> taken;
  for (const std::string& part : split(list, ',')) {
    const std::string_view word = trim(part);
    if (word.empty()) return bad_input("suite list ", quoted_excerpt(list), " holds an empty name");
    ASSAY_ASSIGN(const CodeWindow window, parse_code_window(word));
    ASSAY_ASSIGN(const std::vector<fs::path> folders, folders_of(window.suite, places));
    for (const fs::path& folder : folders) {
      std::error_code ignored;
      if (!taken.insert(fs::weakly_canonical(folder, ignored)).second) continue;
      ASSAY_ASSIGN(Suite suite, load_suite_header(folder));
      const fs::path file = items_file(folder);
      if (file.empty()) {
        return bad_input("suite ", suite.name, ": ", (folder / "items.jsonl").string(),
                         " is not there; it must hold the suite's records, one a line");
      }
      ASSAY_ASSIGN(suite, with_items(std::move(suite), file));
      ASSAY_ASSIGN(suite, within_window(std::move(suite), window));
      const auto same_name = [&](const Suite& other) { return other.name == suite.name; };
      if (std::any_of(suites.begin(), suites.end(), same_name)) {
        return bad_input(folder.string(), ": another suite in this list is called ", suite.name,
                         " as well; rename one");
      }
      suites.push_back(std::move(suite));
    }
  }
  return suites;
}

Result<Suite> resolve_suite_for_items(std::string_view name, const fs::path& items_jsonl) {
  ASSAY_ASSIGN(const std::vector<Place> places, shipped_places());
  ASSAY_ASSIGN(const CodeWindow window, parse_code_window(name));
  const auto folders = folders_of(window.suite, places);
  if (folders && folders->size() == 1) {
    ASSAY_ASSIGN(Suite suite, load_suite_header(folders->front()));
    ASSAY_ASSIGN(suite, with_items(std::move(suite), items_jsonl));
    return within_window(std::move(suite), window);
  }
  const auto kind = parse_item_kind(name);  // "code" is both a group and a kind: items make it the kind
  if (folders && !kind) return bad_input("suite ", quoted_excerpt(name), " is a group; --items goes with one suite");
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
