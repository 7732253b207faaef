// The index's file: made, checked, added to. Its queries are in sample_query.cpp and transcript_search.cpp.
#include "results/browse/sample_index.h"

#include <system_error>

#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "results/browse/figure_statements.h"
#include "results/schema.h"

namespace assay::results {

namespace {

constexpr std::int64_t kIndexVersion = 2;
// So many samples a transaction; of texts so many bytes: often enough to lose little, rarely enough not to wait for the
// disk.
constexpr std::int64_t kBatchFigures = 50'000;
constexpr std::int64_t kBatchSamples = 20'000;
constexpr std::int64_t kBatchBytes = 8 << 20;
// Of a reply of more characters than this the rest is not searched.
constexpr std::string_view kTextsAfter =
    "SELECT sample_key, substr(text, 1, 4000000) FROM samples WHERE sample_key > ?1 AND sample_key <= ?2 "
    "ORDER BY sample_key LIMIT ?3";
constexpr std::string_view kProof =
    "SELECT r.run_id, rs.suite, i.item, s.sample, s.stored_at_ms FROM samples s JOIN items i ON i.item_key = "
    "s.item_key "
    "JOIN run_suites rs ON rs.run_suite_id = i.run_suite_id JOIN runs r ON r.run_key = rs.run_key "
    "WHERE s.sample_key = ?1";

// synchronous = OFF: a power loss may break the file, which is then made anew.
constexpr std::string_view kIndexSettings =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -32000;";
// Figures go before texts: they are all in after seconds, and what is sorted needs no texts.
constexpr std::string_view kIndexSchema =
    "CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), first_key INTEGER NOT NULL, "
    "first_proof TEXT NOT NULL, last_key INTEGER NOT NULL, last_proof TEXT NOT NULL, "
    "last_text_key INTEGER NOT NULL) STRICT;"
    "INSERT INTO progress VALUES (1, 0, '', 0, '', 0);"
    "CREATE TABLE figures (sample_key INTEGER PRIMARY KEY, n_output_tokens INTEGER, ttft_ms REAL, itl_ms_mean REAL, "
    "e2e_ms REAL) STRICT;"
    "CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize='unicode61 remove_diacritics 2');"
    "INSERT INTO words(words, rank) VALUES ('hashsize', 16777216);";
constexpr std::string_view kAddFigures = "INSERT INTO figures VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr std::string_view kAddWords = "INSERT INTO words(rowid, text) VALUES (?1, ?2)";
constexpr std::string_view kReadProgress = "SELECT first_key, first_proof, last_key, last_proof FROM progress";
constexpr std::string_view kWriteProgress =
    "UPDATE progress SET first_key = ?1, first_proof = ?2, last_key = ?3, last_proof = ?4";
constexpr std::string_view kReadTextProgress = "SELECT last_key, last_text_key FROM progress";
constexpr std::string_view kWriteTextProgress = "UPDATE progress SET last_text_key = ?1";

void remove_file(const std::filesystem::path& file) {
  std::error_code ignored;  // what can't be removed can't be opened either, which is said then
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(file.string() + suffix, ignored);
}

Result<std::unique_ptr<Database>> open_file(const std::filesystem::path& file) {
  ASSAY_ASSIGN(auto index, Database::open(file, Database::Mode::create));
  // It holds the words of replies, so it is nobody else's to read.
  std::error_code failed;
  std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, failed);
  if (failed) return environment_error(file.string(), ": ", failed.message());
  ASSAY_TRY(index->execute(kIndexSettings));
  // Who finds it made waits for nobody: while it is filled, others read what is there.
  ASSAY_ASSIGN(const std::int64_t found, index->query_integer("PRAGMA user_version"));
  if (found == kIndexVersion) return index;
  ASSAY_ASSIGN(auto making, Transaction::begin(*index, Transaction::Kind::write));
  ASSAY_ASSIGN(const std::int64_t version, index->query_integer("PRAGMA user_version"));
  if (version == 0) {
    ASSAY_TRY(index->execute(kIndexSchema));
    ASSAY_TRY(index->execute("PRAGMA user_version = " + std::to_string(kIndexVersion)));
  } else if (version != kIndexVersion) {
    return bad_input(file.string(), ": has version ", version);
  }
  ASSAY_TRY(making.commit());
  return index;
}

}  // namespace

Result<SampleIndex> SampleIndex::open(const std::filesystem::path& database, const std::filesystem::path& file) {
  SampleIndex opened;
  ASSAY_ASSIGN(opened.database_, open_for_reading(database));
  if (const auto done = opened.open_index(file); !done) {
    opened.index_.reset();
    opened.index_error_ = done.error().message;
  }
  return opened;
}

Result<> SampleIndex::open_index(const std::filesystem::path& file) {
  std::error_code failed;
  std::filesystem::create_directories(file.parent_path(), failed);
  if (failed) return environment_error(file.parent_path().string(), ": ", failed.message());
  for (const bool is_last_try : {false, true}) {
    auto index = open_file(file);
    if (index) {
      index_ = std::move(*index);
      const auto is_ours = is_index_of_this_database();
      if (is_ours && *is_ours) return {};
      if (is_last_try)
        return is_ours ? environment_error(file.string(), ": changes while it is read") : is_ours.error();
      index_.reset();
    } else if (is_last_try || index.error().kind == ErrorKind::environment) {
      return index.error();
    }
    remove_file(file);
  }
  return {};
}

Result<std::string> SampleIndex::proof_of(std::int64_t sample_key) const {
  ASSAY_ASSIGN(auto row, database_->prepare(kProof));
  ASSAY_ASSIGN(const bool found, row.bind(1, sample_key).step());
  if (!found) return std::string();
  std::string facts;
  for (int column = 0; column < 5; ++column) facts += row.text(column) + '\n';
  return sha256_hex(facts);
}

Result<bool> SampleIndex::is_index_of_this_database() const {
  ASSAY_ASSIGN(auto row, index_->prepare(kReadProgress));
  ASSAY_ASSIGN(const bool found, row.step());
  if (!found) return false;
  if (row.integer(2) == 0) return true;  // nothing is indexed yet
  ASSAY_ASSIGN(const std::string first, proof_of(row.integer(0)));
  ASSAY_ASSIGN(const std::string last, proof_of(row.integer(2)));
  return first == row.text(1) && last == row.text(3);
}

Result<std::int64_t> SampleIndex::last_indexed() const {
  if (!index_) return 0;
  return index_->query_integer("SELECT last_key FROM progress");
}

Result<IndexProgress> SampleIndex::progress() const {
  // Samples are numbered without gaps: they are added one after the other and never removed.
  IndexProgress progress;
  ASSAY_ASSIGN(progress.n_stored, database_->query_integer("SELECT coalesce(max(sample_key), 0) FROM samples"));
  if (index_) {
    ASSAY_ASSIGN(progress.n_indexed, index_->query_integer("SELECT last_text_key FROM progress"));
  }
  return progress;
}

Result<bool> SampleIndex::add_next(std::stop_token stop) {
  if (!index_ || stop.stop_requested()) return false;
  // Two windows may fill one index: each batch goes on behind the last one, whoever wrote it.
  ASSAY_ASSIGN(auto adding, Transaction::begin(*index_, Transaction::Kind::write));
  ASSAY_ASSIGN(const bool has_figures, add_figures());
  bool has_texts = false;
  if (!has_figures) {
    ASSAY_ASSIGN(has_texts, add_texts(stop));
  }
  ASSAY_TRY(adding.commit());
  return has_figures || has_texts;
}

Result<bool> SampleIndex::add_figures() {
  ASSAY_ASSIGN(auto state, index_->prepare(kReadProgress));
  ASSAY_ASSIGN([[maybe_unused]] const bool found, state.step());
  std::int64_t first_key = state.integer(0);
  std::int64_t last_key = state.integer(2);
  state.reset();
  const std::int64_t began_behind = last_key;
  ASSAY_ASSIGN(auto sample, database_->prepare(figures_sql::kAfter));
  ASSAY_ASSIGN(auto figures, index_->prepare(kAddFigures));
  sample.bind(1, last_key).bind(2, kBatchFigures);
  ASSAY_TRY(for_each_row(sample, [&]() -> Result<> {
    last_key = sample.integer(0);
    if (first_key == 0) first_key = last_key;
    figures.bind(1, last_key).bind(2, sample.optional_integer(1)).bind(3, sample.optional_real(2));
    return figures.bind(4, sample.optional_real(3)).bind(5, sample.optional_real(4)).run();
  }));
  if (last_key == began_behind) return false;
  ASSAY_ASSIGN(const std::string first_proof, proof_of(first_key));
  ASSAY_ASSIGN(const std::string last_proof, proof_of(last_key));
  ASSAY_ASSIGN(auto progress, index_->prepare(kWriteProgress));
  ASSAY_TRY(progress.bind(1, first_key).bind(2, first_proof).bind(3, last_key).bind(4, last_proof).run());
  return true;
}

Result<bool> SampleIndex::add_texts(const std::stop_token& stop) {
  ASSAY_ASSIGN(auto state, index_->prepare(kReadTextProgress));
  ASSAY_ASSIGN([[maybe_unused]] const bool found, state.step());
  const std::int64_t end_key = state.integer(0);
  std::int64_t last_key = state.integer(1);
  state.reset();
  ASSAY_ASSIGN(auto sample, database_->prepare(kTextsAfter));
  ASSAY_ASSIGN(auto words, index_->prepare(kAddWords));
  sample.bind(1, last_key).bind(2, end_key).bind(3, kBatchSamples);
  std::int64_t n_bytes = 0;
  while (n_bytes < kBatchBytes && !stop.stop_requested()) {
    ASSAY_ASSIGN(const bool has_more, sample.step());
    if (!has_more) break;
    last_key = sample.integer(0);
    const std::string text = to_valid_utf8(sample.text(1));
    n_bytes += static_cast<std::int64_t>(text.size());
    ASSAY_TRY(words.bind(1, last_key).bind(2, text).run());
  }
  ASSAY_ASSIGN(auto progress, index_->prepare(kWriteTextProgress));
  ASSAY_TRY(progress.bind(1, last_key).run());
  return last_key < end_key;
}

void SampleIndex::interrupt() const {
  database_->interrupt();
  if (index_) index_->interrupt();
}

}  // namespace assay::results
