#pragma once
// A run as comparisons and gates need it: every sample's outcome, length and times, without any text. It comes from a
// database (read_comparable_run) or from a baseline file (results/baseline_file.h), and nothing tells the two apart.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "results/store.h"

namespace assay::results {

struct ComparableSample {
  Verdict verdict = Verdict::error;
  std::optional<std::int64_t> answer;  ///< equal answers of an item have equal numbers; none if nothing was extracted
  std::optional<std::int64_t> n_output_tokens;
  std::optional<double> ttft_ms, itl_ms, e2e_ms;
};

/// An item with at least one sample.
struct ComparableItem {
  std::string item;
  std::string tag;
  std::string content_sha256;  ///< of its prompt and expected answer: items are paired by it
  std::vector<ComparableSample> samples;
};

struct ComparableSuite {
  std::string suite;
  std::string version;
  std::string sha256;
  std::string grader_profile, grader_version;  ///< of the grading that counts now
  Json sampling = Json::object();
  std::int64_t n_items = 0;           ///< planned
  std::int64_t samples = 1;           ///< planned, an item
  std::vector<ComparableItem> items;  ///< those that have samples, in plan order
};

struct ComparableRun {
  std::string run_id;
  std::string name;  ///< may be empty
  std::string state;
  std::string provenance;
  std::string model;
  std::string weights_sha256;  ///< empty where it can't be known
  std::int64_t seed = 0;
  std::int64_t started_at_ms = 0;
  std::map<std::string, std::string> tags;
  /// What speed depends on, an object per machine and build that worked on the run; equal ones once. See
  /// environment_of.
  std::vector<Json> environments;
  Json method_versions = Json::object();
  std::vector<ComparableSuite> suites;
  std::optional<double> wall_s;               ///< none for recordings, as all figures of time below
  std::optional<double> output_tokens_per_s;  ///< none for recordings and where a token count is unknown
  std::optional<double> usd_total;            ///< none without a price
  std::string usd_by;                         ///< what it was counted by, in words; empty without one
  std::string sent;                           ///< what left the machine for an endpoint (sent_text); empty: nothing
  std::optional<double> joules_total;
  /// Output tokens a second in equal parts of the run's time, to tell how much the rate varies; empty where times are
  /// unknown or more than one process worked on the run.
  std::vector<double> output_tokens_per_s_parts;
};

/// "latest-name (0123456789ab)": what messages call a run.
std::string title_of(const ComparableRun& run);

/// Samples stored, and planned, over all suites.
std::int64_t n_samples_stored(const ComparableRun& run);
std::int64_t n_samples_planned(const ComparableRun& run);

/// The facts of a machine, its device and its build that speed or the last bits of a result may depend on.
Json environment_of(const EnvironmentFacts& facts);

/// Reads a run in one pass over its samples, of one moment of the database.
Result<ComparableRun> read_comparable_run(const Store& store, const RunId& run);

}  // namespace assay::results
