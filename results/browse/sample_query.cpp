// Samples sorted and filtered: what they are ordered by comes from the index as far as it goes, then from the database.
#include <algorithm>
#include <limits>

#include "harness/base/text.h"
#include "results/browse/figure_statements.h"
#include "results/browse/sample_index.h"

namespace assay::results {

namespace {

constexpr std::string_view kRow =
    "SELECT r.run_id, rs.suite, i.item, s.sample, v.verdict, v.answer, v.expected, v.rule, s.n_output_tokens, "
    "s.finish_reason, s.ttft_ms, s.itl_ms_mean, s.e2e_ms FROM samples s JOIN items i ON i.item_key = s.item_key "
    "JOIN run_suites rs ON rs.run_suite_id = i.run_suite_id JOIN runs r ON r.run_key = rs.run_key "
    "JOIN current_gradings c ON c.run_suite_id = i.run_suite_id "
    "JOIN verdicts v ON v.sample_key = s.sample_key AND v.grading_id = c.grading_id WHERE s.sample_key = ?1";
constexpr std::string_view kLastSample = "SELECT coalesce(max(sample_key), 0) FROM samples";
constexpr std::string_view kSuitesOf =
    "SELECT rs.run_suite_id, c.grading_id FROM run_suites rs JOIN runs r ON r.run_key = rs.run_key "
    "JOIN current_gradings c ON c.run_suite_id = rs.run_suite_id "
    "WHERE (?1 = '' OR r.run_id = ?1) AND (?2 = '' OR rs.suite = ?2)";
constexpr std::string_view kKeysOfSuite =
    "SELECT s.sample_key FROM items i JOIN samples s ON s.item_key = i.item_key WHERE i.run_suite_id = ?1";
constexpr std::string_view kOutcomesOfGrading =
    "SELECT v.sample_key, v.answer, v.rule FROM verdicts v WHERE v.grading_id = ?1";
constexpr std::string_view kItemsOfSuite =
    "SELECT s.sample_key, i.item FROM items i JOIN samples s ON s.item_key = i.item_key WHERE i.run_suite_id = ?1";
// Whole items in order, their samples in turn: the sorter sees items alone, not samples.
constexpr std::string_view kKeysByItem =
    "SELECT s.sample_key, i.item FROM items i CROSS JOIN samples s ON s.item_key = i.item_key ORDER BY i.item, "
    "i.item_key, "
    "s.sample";

/// A suite of a run with the grading that counts.
struct SuiteRow {
  std::int64_t run_suite_id;
  std::int64_t grading_id;
};

Result<std::vector<SuiteRow>> suites_of(const Database& database, const SampleQuery& query) {
  std::vector<SuiteRow> suites;
  ASSAY_ASSIGN(auto row, database.prepare(kSuitesOf));
  const std::vector<RunId> everything = {RunId("")};
  for (const RunId& run : query.runs.empty() ? everything : query.runs) {
    row.reset();
    row.bind(1, run.value).bind(2, query.suite);
    ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
      suites.push_back({row.integer(0), row.integer(1)});
      return {};
    }));
  }
  return suites;
}

// Samples are numbered one after the other; a set of their keys takes a bit for each number.
constexpr std::int64_t kLargestKey = 1'000'000'000;

/// Samples by their key, none above `largest`.
class KeySet {
 public:
  explicit KeySet(std::int64_t largest) : largest_(largest) {}
  std::int64_t end() const { return static_cast<std::int64_t>(has_.size()); }  // behind the largest key
  void add(std::int64_t key) {
    if (key < 0 || key > largest_) return;
    const auto at = static_cast<std::size_t>(key);
    if (at >= has_.size()) has_.resize(std::max(at + 1, has_.size() * 2));
    has_[at] = true;
  }
  bool has(std::int64_t key) const {
    return key >= 0 && static_cast<std::size_t>(key) < has_.size() && has_[static_cast<std::size_t>(key)];
  }

 private:
  std::int64_t largest_;
  std::vector<bool> has_;
};

/// Whether every filter has the key.
bool passes(const std::vector<KeySet>& filters, std::int64_t key) {
  return std::all_of(filters.begin(), filters.end(), [&](const KeySet& keys) { return keys.has(key); });
}

/// Adds the first column of `sql`, once for each suite's parameters.
template <class Bind>
Result<> add_keys(const Database& database, std::string_view sql, const std::vector<SuiteRow>& suites, Bind bind,
                  KeySet& keys) {
  ASSAY_ASSIGN(auto row, database.prepare(sql));
  for (const SuiteRow& suite : suites) {
    row.reset();
    bind(row, suite);
    ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
      keys.add(row.integer(0));
      return {};
    }));
  }
  return {};
}

bool has_all(const std::string& text, const std::vector<std::string>& words) {
  return std::all_of(words.begin(), words.end(),
                     [&](const std::string& word) { return text.find(word) != std::string::npos; });
}

/// Samples with every word in item, answer and rule together.
Result<KeySet> keys_with_words(const Database& database, const std::vector<SuiteRow>& suites, std::string_view typed,
                               std::int64_t largest) {
  std::vector<std::string> words;
  for (const std::string& word : split(to_lower_ascii(typed), ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  KeySet keys(largest);
  ASSAY_ASSIGN(auto item, database.prepare(kItemsOfSuite));
  ASSAY_ASSIGN(auto outcome, database.prepare(kOutcomesOfGrading));
  for (const SuiteRow& suite : suites) {
    std::vector<std::pair<std::int64_t, std::string>> texts;
    item.reset();
    item.bind(1, suite.run_suite_id);
    ASSAY_TRY(for_each_row(item, [&]() -> Result<> {
      texts.emplace_back(item.integer(0), to_lower_ascii(item.text(1)));
      return {};
    }));
    std::sort(texts.begin(), texts.end());
    outcome.reset();
    outcome.bind(1, suite.grading_id);
    ASSAY_TRY(for_each_row(outcome, [&]() -> Result<> {
      const std::int64_t key = outcome.integer(0);
      const auto at = std::lower_bound(texts.begin(), texts.end(), std::pair(key, std::string()));
      const std::string name = at != texts.end() && at->first == key ? at->second : std::string();
      const std::string all = name + '\n' + to_lower_ascii(outcome.text(1)) + '\n' + to_lower_ascii(outcome.text(2));
      if (has_all(all, words)) keys.add(key);
      return {};
    }));
  }
  return keys;
}

std::string_view column_of(SampleOrder order) {
  switch (order) {
    case SampleOrder::n_output_tokens:
      return "n_output_tokens";
    case SampleOrder::ttft_ms:
      return "ttft_ms";
    case SampleOrder::itl_ms_mean:
      return "itl_ms_mean";
    case SampleOrder::e2e_ms:
      return "e2e_ms";
    case SampleOrder::stored:
    case SampleOrder::item:
    case SampleOrder::verdict:
      break;
  }
  return "0";
}

/// A sample and the number that it is sorted by.
struct SortedKey {
  double value;
  std::int64_t key;
};

Result<> add_values(Statement& row, std::vector<SortedKey>& keys) {
  return for_each_row(row, [&]() -> Result<> {
    keys.push_back({row.is_null(1) ? std::numeric_limits<double>::quiet_NaN() : row.real(1), row.integer(0)});
    return {};
  });
}

/// Adds samples from the database: those behind `last` that all filters let through, at most `most`. How many are left.
Result<std::int64_t> add_unindexed(const Database& database, const std::string& columns, std::int64_t last,
                                   const std::vector<KeySet>& filters, std::int64_t most,
                                   std::vector<SortedKey>& keys) {
  if (filters.empty()) {
    ASSAY_ASSIGN(auto row,
                 database.prepare(columns + " FROM samples WHERE sample_key > ?1 ORDER BY sample_key LIMIT ?2"));
    const std::size_t n_before = keys.size();
    ASSAY_TRY(add_values(row.bind(1, last).bind(2, most), keys));
    if (keys.size() > n_before) last = keys.back().key;
    ASSAY_ASSIGN(const std::int64_t end, database.query_integer(kLastSample));
    return std::max<std::int64_t>(0, end - last);
  }
  // Those that are let through are looked up, so that a small run is never lost among what is left.
  ASSAY_ASSIGN(auto row, database.prepare(columns + " FROM samples WHERE sample_key = ?1"));
  std::int64_t n_left = 0;
  for (std::int64_t key = last + 1; key < filters.front().end(); ++key) {
    if (!passes(filters, key)) continue;
    if (most-- <= 0) {
      ++n_left;
      continue;
    }
    row.reset();
    ASSAY_TRY(add_values(row.bind(1, key), keys));
  }
  return n_left;
}

Result<> add_verdicts(const Database& database, const std::vector<SuiteRow>& suites, std::vector<SortedKey>& keys) {
  ASSAY_ASSIGN(auto row, database.prepare(figures_sql::kOfVerdict));
  for (const SuiteRow& suite : suites) {
    for (int verdict = 0; verdict < 5; ++verdict) {
      row.reset();
      const std::string word = to_string(static_cast<Verdict>(verdict));
      row.bind(1, suite.grading_id).bind(2, word);
      ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
        keys.push_back({static_cast<double>(verdict), row.integer(0)});
        return {};
      }));
    }
  }
  return {};
}

/// By value, unknown ones last, equal ones in the order in which they were stored.
void sort_keys(std::vector<SortedKey>& keys, bool descending) {
  const auto first_unknown =
      std::partition(keys.begin(), keys.end(), [](const SortedKey& key) { return key.value == key.value; });
  const auto by_key = [](const SortedKey& a, const SortedKey& b) { return a.key < b.key; };
  std::sort(keys.begin(), first_unknown, [&](const SortedKey& a, const SortedKey& b) {
    if (a.value != b.value) return descending ? a.value > b.value : a.value < b.value;
    return a.key < b.key;
  });
  std::sort(first_unknown, keys.end(), by_key);
}

/// For each file, the place of its item names among those of all files.
std::vector<std::vector<double>> places_of_items(const std::vector<SampleOrdering>& files) {
  std::vector<std::string> all;
  for (const SampleOrdering& file : files) all.insert(all.end(), file.items.begin(), file.items.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::vector<std::vector<double>> places;
  for (const SampleOrdering& file : files) {
    std::vector<double>& of_file = places.emplace_back();
    for (const std::string& item : file.items) {
      of_file.push_back(static_cast<double>(std::lower_bound(all.begin(), all.end(), item) - all.begin()));
    }
  }
  return places;
}

}  // namespace

std::vector<SampleRef> merge_orderings(const std::vector<SampleOrdering>& files, bool descending) {
  struct Placed {
    double value;
    SampleRef sample;
  };
  const std::vector<std::vector<double>> places = places_of_items(files);
  const auto comes_before = [descending](const Placed& a, const Placed& b) {
    const bool is_known = a.value == a.value;
    if (is_known != (b.value == b.value)) return is_known;
    return is_known && (descending ? a.value > b.value : a.value < b.value);
  };
  std::vector<Placed> placed;
  for (std::size_t file = 0; file < files.size(); ++file) {
    const auto n_before = static_cast<std::ptrdiff_t>(placed.size());
    for (std::size_t i = 0; i < files[file].keys.size(); ++i) {
      double value = files[file].values.empty() ? 0 : files[file].values[i];
      if (!places[file].empty()) value = places[file][static_cast<std::size_t>(value)];
      placed.push_back({value, {file, static_cast<std::uint64_t>(files[file].keys[i])}});
    }
    std::inplace_merge(placed.begin(), placed.begin() + n_before, placed.end(), comes_before);
  }
  std::vector<SampleRef> samples;
  samples.reserve(placed.size());
  for (const Placed& each : placed) samples.push_back(each.sample);
  return samples;
}

Result<SampleOrdering> SampleIndex::order_samples(const SampleQuery& query) const {
  ASSAY_ASSIGN(auto snapshot, Transaction::begin(*database_, Transaction::Kind::read));
  ASSAY_ASSIGN(const std::vector<SuiteRow> suites, suites_of(*database_, query));
  ASSAY_ASSIGN(const std::int64_t largest, database_->query_integer(kLastSample));
  if (largest > kLargestKey) {
    return bad_input(database_->path().string(), ": samples are numbered up to ", largest,
                     ", not one after the other; the database was changed by another program");
  }
  std::vector<KeySet> filters;  // a sample must be in each
  if (!query.runs.empty() || !query.suite.empty()) {
    ASSAY_TRY(add_keys(
        *database_, kKeysOfSuite, suites, [](Statement& row, const SuiteRow& s) { row.bind(1, s.run_suite_id); },
        filters.emplace_back(largest)));
  }
  if (!query.verdicts.empty()) {
    KeySet& keys = filters.emplace_back(largest);
    for (const Verdict verdict : query.verdicts) {
      const std::string word = to_string(verdict);
      ASSAY_TRY(add_keys(
          *database_, figures_sql::kOfVerdict, suites,
          [&](Statement& row, const SuiteRow& s) { row.bind(1, s.grading_id).bind(2, word); }, keys));
    }
  }
  if (!trim(query.words).empty()) {
    ASSAY_ASSIGN(KeySet keys, keys_with_words(*database_, suites, query.words, largest));
    filters.push_back(std::move(keys));
  }

  SampleOrdering ordering;
  std::vector<SortedKey> sorted;
  if (query.order == SampleOrder::verdict) {
    ASSAY_TRY(add_verdicts(*database_, suites, sorted));
  } else if (query.order == SampleOrder::item) {
    ASSAY_ASSIGN(auto row, database_->prepare(kKeysByItem));
    ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
      std::string item = row.text(1);
      if (ordering.items.empty() || ordering.items.back() != item) ordering.items.push_back(std::move(item));
      sorted.push_back({static_cast<double>(ordering.items.size() - 1), row.integer(0)});
      return {};
    }));
  } else if (query.order == SampleOrder::stored) {
    ASSAY_ASSIGN(auto row, database_->prepare("SELECT sample_key FROM samples"));
    ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
      sorted.push_back({static_cast<double>(row.integer(0)), row.integer(0)});
      return {};
    }));
  } else {
    const std::string columns = "SELECT sample_key, " + std::string(column_of(query.order));
    std::int64_t last = 0;
    if (index_) {
      // As it is at one moment: it may be filled meanwhile.
      ASSAY_ASSIGN(auto moment, Transaction::begin(*index_, Transaction::Kind::read));
      ASSAY_ASSIGN(last, last_indexed());
      {
        ASSAY_ASSIGN(auto row, index_->prepare(columns + " FROM figures"));
        ASSAY_TRY(add_values(row, sorted));
      }
      ASSAY_TRY(moment.commit());
    }
    const std::int64_t most = index_ ? query.most_unindexed : std::numeric_limits<std::int64_t>::max();
    ASSAY_ASSIGN(ordering.n_left_out, add_unindexed(*database_, columns, last, filters, most, sorted));
  }
  std::erase_if(sorted, [&](const SortedKey& key) { return !passes(filters, key.key); });
  if (query.order != SampleOrder::item) {
    sort_keys(sorted, query.descending);
  } else if (query.descending) {  // items came sorted
    std::reverse(sorted.begin(), sorted.end());
  }
  ordering.keys.reserve(sorted.size());
  for (const SortedKey& key : sorted) ordering.keys.push_back(key.key);
  if (query.order != SampleOrder::stored) {
    ordering.values.reserve(sorted.size());
    for (const SortedKey& key : sorted) ordering.values.push_back(key.value);
  }
  ASSAY_TRY(snapshot.commit());
  return ordering;
}

Result<std::vector<SampleRow>> SampleIndex::rows(std::span<const std::int64_t> keys) const {
  std::vector<SampleRow> rows;
  ASSAY_ASSIGN(auto row, database_->prepare(kRow));
  for (const std::int64_t key : keys) {
    row.reset();
    ASSAY_ASSIGN(const bool found, row.bind(1, key).step());
    if (!found) return bad_input(database_->path().string(), ": there is no sample ", key);
    SampleRow& sample = rows.emplace_back();
    sample.sample_key = key;
    sample.run = RunId(row.text(0));
    sample.key = {row.text(1), ItemId(row.text(2)), row.integer(3)};
    ASSAY_ASSIGN(sample.verdict, parse_verdict(row.text(4)));
    sample.answer = row.optional_text(5);
    sample.expected = row.optional_text(6);
    sample.rule = row.text(7);
    sample.n_output_tokens = row.optional_integer(8);
    sample.finish_reason = row.optional_text(9);
    sample.ttft_ms = row.optional_real(10);
    sample.itl_ms_mean = row.optional_real(11);
    sample.e2e_ms = row.optional_real(12);
  }
  return rows;
}

}  // namespace assay::results
