#pragma once
// Where the time of a pass goes: points of the kind "layers" (results/README.md, "Points of layers") as timelines.

#include <optional>
#include <string>
#include <vector>

#include "gui/models/bench_sweeps.h"
#include "gui/models/table.h"

namespace assay::gui {

/// What an operation belongs to: what one colour and shape stands for.
enum class PassPart { products, attention, cache, feed_forward, experts, routing, norms, ends, other };
inline constexpr int kPassParts = static_cast<int>(PassPart::other) + 1;
/// "attention's products".
QString pass_part_text(PassPart part);
/// `other` for a word that isn't known here.
PassPart part_of(const std::string& operation);

/// An operation of one layer. It stands behind the one before, without a gap: waiting is part of it.
struct LayerOperation {
  int pass = 0;              ///< of prompts that are longer than a chunk: which of the engine's passes
  std::optional<int> layer;  ///< none before the first layer and behind the last one
  std::string operation;
  double start_us = 0, time_us = 0;
  std::optional<double> stddev_us;        ///< over the passes that were watched
  std::optional<double> limit_us;         ///< what it would take at the device's ceilings
  std::optional<double> bytes, flop;      ///< that it must move and compute at the least
  std::optional<std::int64_t> n_kernels;  ///< none on a CPU
};

/// A setting of a run: the repeat in the middle as a timeline, and the figures of all repeats that are believed.
struct PassTimeline {
  QString run_id, title;   ///< of the run; with the arm of a comparison
  QString hardware;        ///< what the device calls itself
  std::string provenance;  ///< of the times
  results::PointSummary point;
  std::vector<LayerOperation> operations;  ///< in order of time
  std::optional<std::int64_t> n_passes;    ///< that were watched in this repeat
  QString clock;                           ///< "cupti", "host"
  QString ceilings;                        ///< what the limits were taken from; empty: nothing is known of the device
  bool are_ceilings_measured = false;
};

struct PassTimelines {
  std::vector<PassTimeline> timelines;  ///< in the order of the runs
  QStringList not_shown;                ///< what can't be shown and why
};
/// Of all points of the kind "layers". Pure; what is stored in them is believed only as far as it makes sense.
PassTimelines pass_timelines(const std::vector<BenchedRun>& runs);

/// The settings ("decode batch=1 context=1024") in the order in which they first appear, and their timelines.
QStringList pass_names(const PassTimelines& timelines);
std::vector<const PassTimeline*> timelines_of(const PassTimelines& timelines, const QString& name);

/// An operation over all layers and passes.
struct OperationSum {
  std::string operation;
  results::RepeatedFigure time_us;        ///< over the repeats
  std::optional<double> limit_us;         ///< none where it is not known of each
  std::optional<double> bytes, flop;      ///< likewise
  std::optional<std::int64_t> n_kernels;  ///< likewise
  std::int64_t n_layers = 0;              ///< that have it
};
/// In the order of a pass; words that are not known here come last.
std::vector<OperationSum> operation_sums(const PassTimeline& timeline);
/// All operations of some timelines, in the order of a pass.
std::vector<std::string> operations_of(const std::vector<const PassTimeline*>& timelines);
/// What the operations whose limit is known take, and their limits: both sums, or none where none is known.
struct LimitedTime {
  double time_us = 0, limit_us = 0;
};
std::optional<LimitedTime> limited_time(const PassTimeline& timeline);

/// "1.53 ms", "12.3 µs".
QString microseconds_text(double us);
/// The lines of an operation's tooltip that don't depend on where it stands: limit, bytes, kernels, provenance.
QString limit_lines(const PassTimeline& timeline, double time_us, const std::optional<double>& limit_us,
                    const std::optional<double>& bytes, const std::optional<double>& flop);
QString timeline_provenance(const PassTimeline& timeline);

/// A row a run: the pass with nothing watched, watched, and at its limits. Milliseconds.
Table passes_table(const std::vector<const PassTimeline*>& timelines);
/// A row an operation and run. Microseconds.
Table operations_table(const std::vector<const PassTimeline*>& timelines);

}  // namespace assay::gui
