#pragma once
// All samples of a database, sorted, filtered and searched in well under a second, however long their texts are.
//
// Beside the database, in the user's cache folder, grows a narrow copy of what samples are sorted by and a full-text
// index of what was answered. Stored samples never change, so the index is only ever added to, and goes on where it
// stopped. It is derived: one that is missing, broken or another database's is made anew, and without a writable cache
// folder everything but search still works, more slowly.
//
// Threads: as sqlite.h, one at a time; interrupt() from any.

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "results/facts.h"
#include "results/sqlite.h"

namespace assay::results {

/// What samples are ordered by. `stored` is the order in which they came; unknown figures come last either way.
enum class SampleOrder { stored, item, verdict, n_output_tokens, ttft_ms, itl_ms_mean, e2e_ms };

struct SampleQuery {
  std::vector<RunId> runs = {};        ///< empty: all
  std::string suite = {};              ///< empty: all
  std::vector<Verdict> verdicts = {};  ///< empty: all; in the current grading
  std::string words = {};  ///< that stand in the item's id, the answer or the rule, each of them; ASCII case ignored
  SampleOrder order = SampleOrder::stored;
  bool descending = false;
  /// Of samples whose figures the index doesn't have yet at most so many are ordered by a figure: the database answers
  /// slowly. What is left out is counted.
  std::int64_t most_unindexed = std::numeric_limits<std::int64_t>::max();
};

/// A sample without its text.
struct SampleRow {
  std::int64_t sample_key = 0;  ///< its row in the database
  RunId run;
  SampleKey key;
  Verdict verdict = Verdict::error;
  std::optional<std::string> answer, expected;
  std::string rule;
  std::optional<std::int64_t> n_output_tokens;
  std::optional<std::string> finish_reason;
  std::optional<double> ttft_ms, itl_ms_mean, e2e_ms;
};

/// The samples that a query lets through, in its order.
struct SampleOrdering {
  std::vector<std::int64_t> keys;
  std::vector<double> values;      ///< what each is ordered by, NaN where unknown; none in the order `stored`
  std::vector<std::string> items;  ///< in the order `item`: sorted names, which `values` are indices of
  std::int64_t n_left_out = 0;     ///< see most_unindexed
};

/// A sample of one of several databases.
struct SampleRef {
  std::uint64_t file : 16;  ///< index of the database among those that were asked
  std::uint64_t key : 48;   ///< its row in there
  bool operator==(const SampleRef&) const = default;
};
/// The samples of several databases in one order: that of the query that each was asked. Equal ones stand in the order
/// of the files, and so do all where samples have the order in which they were stored. Pure.
std::vector<SampleRef> merge_orderings(const std::vector<SampleOrdering>& files, bool descending);

struct IndexProgress {
  std::int64_t n_indexed = 0;  ///< with their texts
  std::int64_t n_stored = 0;
};

/// What a search found: samples, the one stored last first.
struct TranscriptMatches {
  std::vector<std::int64_t> sample_keys;
  bool has_more = false;  ///< more match than were asked for
};

/// A match, with the words around it.
struct TranscriptHit {
  RunId run;
  SampleKey key;
  std::string excerpt;
};

/// The query of the full-text index for what a user typed: all of the words must occur, "words in quotes" in this
/// order, and word* is the beginning of a word (of at least two letters). Nothing else has a meaning, so no text is an
/// error. Empty where nothing can be looked for.
std::string match_expression(std::string_view words);

/// Some 160 bytes of `text` around the first of `words` in it (ASCII case ignored), else its beginning; on one line.
std::string excerpt_around(std::string_view text, std::string_view words);

class SampleIndex {
 public:
  /// Opens a results database for reading, and its index `file` for reading and writing. Errors as
  /// Store::open_read_only; a failing index is no error, see index_error().
  static Result<SampleIndex> open(const std::filesystem::path& database, const std::filesystem::path& file);

  /// Why there is no index; empty where there is one.
  const std::string& index_error() const { return index_error_; }
  /// Adds the next samples, first the figures of all, then some megabytes of text at a time, durably; fewer when it is
  /// asked to stop. False when all are in, or without an index. After interrupt() met it the index is only good for
  /// being closed.
  Result<bool> add_next(std::stop_token stop = {});
  Result<IndexProgress> progress() const;

  Result<SampleOrdering> order_samples(const SampleQuery& query) const;
  /// Rows of these samples, in the order of `keys`. Error{bad_input} for a key that isn't stored.
  Result<std::vector<SampleRow>> rows(std::span<const std::int64_t> keys) const;

  /// At most `most` samples whose reply has the words, of the given runs (empty: all), among those that are indexed.
  Result<TranscriptMatches> search(std::string_view words, std::span<const RunId> runs, std::size_t most) const;
  Result<std::vector<TranscriptHit>> hits(std::span<const std::int64_t> keys, std::string_view words) const;

  void interrupt() const;

 private:
  SampleIndex() = default;
  Result<> open_index(const std::filesystem::path& file);
  Result<bool> is_index_of_this_database() const;
  /// Names the sample of this key by what can't change; empty if there is none.
  Result<std::string> proof_of(std::int64_t sample_key) const;
  /// The last sample whose figures are in the index.
  Result<std::int64_t> last_indexed() const;
  /// The next batch of each, within a transaction. True if figures came; if texts are left.
  Result<bool> add_figures();
  Result<bool> add_texts(const std::stop_token& stop);

  std::unique_ptr<Database> database_;
  std::unique_ptr<Database> index_;  ///< none if it can't be had
  std::string index_error_;
};

}  // namespace assay::results
