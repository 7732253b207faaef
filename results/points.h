#pragma once
// Points of benchmarks: a setting, measured once, with what was measured and whether it may be believed.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "results/facts.h"

namespace assay::results {

class Database;
class Statement;

/// A figure of a point. Its metric's name ends in its unit: "p50_ttft_ms".
struct PointFigure {
  double value = 0;
  std::optional<double> stddev;   ///< over what the value was taken from
  std::optional<std::int64_t> n;  ///< requests, tokens, passes that it was taken from
};

/// Names a point within its run.
struct PointKey {
  std::string name;         ///< the setting in words: "serve concurrency=8"
  std::string arm;          ///< of a comparison: "a" or "b"; else empty
  std::int64_t repeat = 0;  ///< counts from 0
  auto operator<=>(const PointKey&) const = default;
};

struct BenchPoint {
  PointKey key;
  std::string kind;  ///< "serve", "decode", "prefill", "layers", "machine", "collective", "link"
  std::int64_t started_at_ms = 0;
  double wall_ms = 0;
  std::string provenance = "measured";
  std::vector<std::string> reason_codes;  ///< why it must not be believed: "too_short", …; empty: it is valid
  Json settings = Json::object();
  std::map<std::string, PointFigure> figures;
  Json method_versions = Json::object();  ///< {"ttft_ms": 1, …} of what was measured
  Json details = Json::object();          ///< warm-up, steadiness, the client's own overhead, …
  std::size_t segment = 0;                ///< whose machine it is: an index into RunRecord::segments; set when read

  bool is_valid() const { return reason_codes.empty(); }
};

/// What the repeats of a setting say together.
struct RepeatedFigure {
  double median = 0, min = 0, max = 0;
  std::optional<double> stddev;  ///< over the repeats; none of a single one
  std::int64_t n = 0;            ///< valid repeats that have the metric
};
/// Of at least one value, all finite.
RepeatedFigure repeated_figure(const std::vector<double>& values);
struct PointSummary {
  std::string name, arm, kind;
  Json settings = Json::object();
  std::int64_t n_points = 0, n_valid = 0;
  std::map<std::string, RepeatedFigure> figures;  ///< of valid points alone; empty if there is none
  std::map<std::string, std::int64_t> n_invalid;  ///< by reason code
  /// The metric's median; none where no valid point has it.
  std::optional<double> median(const std::string& metric) const;
};
/// One for each setting and arm, in the order in which they first appear. Pure.
std::vector<PointSummary> summarise_points(std::span<const BenchPoint> points);

/// The medians as figures without samples, for tables and charts of such; settings without a valid point give none.
std::vector<Measurement> point_measurements(std::span<const BenchPoint> points);

/// Settings whose figures no other of the same arm beats: tokens a second for a user against tokens a second of a GPU.
/// Indices into `summaries`; settings that lack one of both are left out.
std::vector<std::size_t> pareto_settings(std::span<const PointSummary> summaries);
inline constexpr const char* kTokensPerUser = "output_tokens_per_s_per_user";
inline constexpr const char* kTokensPerGpu = "output_tokens_per_s_per_gpu";

Json to_json(const BenchPoint& point);
Json to_json(const PointSummary& summary);
Json to_json(const RepeatedFigure& figure);
/// The record that to_json() writes. Error{bad_input} names the field.
Result<BenchPoint> read_point(const JsonObject& fields);
/// A row a setting for people: medians over the repeats, "*" where no other setting is better in both rates, and which
/// points are not believed.
std::string points_text(std::span<const BenchPoint> points);

/// What tells machines and builds apart, hashed: device, processor, system, driver, clocks' limits, build and flags.
/// Points of different fingerprints are not comparable as if one thing alone had changed.
std::string environment_fingerprint(const EnvironmentFacts& environment);

// Rows. The caller holds the transaction or the snapshot.

Result<> insert_point(const Database& database, std::int64_t run_key, std::int64_t segment_id, const BenchPoint& point);
Result<std::vector<BenchPoint>> read_point_rows(const Database& database, std::int64_t run_key,
                                                const std::string& where);

}  // namespace assay::results
