// Timelines of passes as tables and in words.
#include "gui/models/pass_timeline.h"
#include "gui/models/plain_text.h"

namespace assay::gui {

namespace {

constexpr double kUsPerMs = 1000;

std::optional<results::Interval> range_of(const results::RepeatedFigure& figure) {
  return figure.n > 1 ? std::optional(results::Interval{figure.min, figure.max}) : std::nullopt;
}

QString repeats_text(const results::RepeatedFigure& figure, const QString& unit) {
  return "median of " + counted(figure.n, "repeat") +
         (figure.n > 1 ? ", " + number_text(figure.min) + " to " + number_text(figure.max) + " " + unit : QString());
}

TableCell pass_cell(const PassTimeline& timeline, const std::string& metric, const QString& reason) {
  const auto at = timeline.point.figures.find(metric);
  if (at == timeline.point.figures.end()) return figure_cell(std::nullopt, number_text, {}, reason);
  return figure_cell(at->second.median, number_text,
                     repeats_text(at->second, "ms") + "\n" + timeline_provenance(timeline));
}

std::optional<double> over(const std::optional<double>& value, double by) {
  return value ? std::optional(*value / by) : std::nullopt;
}

std::optional<double> ratio_of(double time, const std::optional<double>& limit) {
  return limit && *limit > 0 ? std::optional(time / *limit) : std::nullopt;
}

std::vector<TableCell> operation_cells(const PassTimeline& timeline, const OperationSum& sum, double all_us) {
  const QString proof = repeats_text(sum.time_us, "µs") + "\n" + timeline_provenance(timeline);
  const QString limits = limit_lines(timeline, sum.time_us.median, sum.limit_us, sum.bytes, sum.flop);
  const std::optional<double> n_kernels =
      sum.n_kernels ? std::optional(static_cast<double>(*sum.n_kernels)) : std::nullopt;
  return {text_cell(visible_text(sum.operation, 60), {}, CellTone::strong),
          text_cell(pass_part_text(part_of(sum.operation))),
          text_cell(timeline.title, timeline.hardware),
          figure_cell(sum.time_us.median, number_text, proof),
          interval_cell(range_of(sum.time_us), number_text, proof, "measured once"),
          figure_cell(ratio_of(sum.time_us.median, all_us), share_text, proof),
          figure_cell(sum.limit_us, number_text, limits, limits),
          figure_cell(ratio_of(sum.time_us.median, sum.limit_us), ratio_text, limits, limits),
          figure_cell(static_cast<double>(sum.n_layers), number_text),
          figure_cell(n_kernels, number_text, "over all layers", "a CPU starts none"),
          figure_cell(over(sum.bytes, 1e6), number_text, {}, "not counted"),
          figure_cell(over(sum.flop, 1e9), number_text, {}, "not counted"),
          text_cell(visible_text(timeline.provenance))};
}

}  // namespace

QString microseconds_text(double us) {
  if (us >= 1e6) return number_text(us / 1e6) + " s";
  return us >= kUsPerMs ? number_text(us / kUsPerMs) + " ms" : number_text(us) + " µs";
}

QString timeline_provenance(const PassTimeline& timeline) {
  QString text = "provenance: " + visible_text(timeline.provenance);
  if (!timeline.hardware.isEmpty()) text += " on " + timeline.hardware;
  if (timeline.n_passes)
    text += "\n" + number_text(static_cast<double>(*timeline.n_passes)) +
            (*timeline.n_passes == 1 ? " pass watched" : " passes watched");
  if (!timeline.clock.isEmpty()) text += "\nclock: " + timeline.clock;
  return text;
}

QString limit_lines(const PassTimeline& timeline, double time_us, const std::optional<double>& limit_us,
                    const std::optional<double>& bytes, const std::optional<double>& flop) {
  QStringList needs;
  if (bytes) needs << number_text(*bytes / 1e6) + " MB";
  if (flop) needs << number_text(*flop / 1e9) + " GFLOP";
  const QString least = needs.isEmpty() ? QString() : "\nat the least " + needs.join(" and ");
  if (!limit_us) {
    return (timeline.ceilings.isEmpty() ? "limit not known: nothing is known of the device"
                                        : "no limit: nothing is counted for it") +
           least;
  }
  QString text = "limit: " + microseconds_text(*limit_us);
  if (const auto ratio = ratio_of(time_us, limit_us)) text += ", taken " + ratio_text(*ratio);
  return text + least + "\nlimits from " + timeline.ceilings;
}

Table passes_table(const std::vector<const PassTimeline*>& timelines) {
  Table table;
  table.name = "Passes";
  table.columns = {
      {"run", "", false},
      {"pass ms", "with nothing watched, by the host's clock", true},
      {"device ms", "the same passes by the device's clock", true},
      {"watched ms", "passes of the timeline, from the first operation's start to the last one's end", true},
      {"operations ms", "sum of all operations' times", true},
      {"with a limit ms", "operations whose least bytes and arithmetic are known", true},
      {"limits ms", "what these would take at the ceilings of the device", true},
      {"taken", "times over limits", true},
      {"repeats", "that are believed", true},
      {"provenance", "", false}};
  for (const PassTimeline* timeline : timelines) {
    const auto limited = limited_time(*timeline);
    const QString from = "of the repeat in the middle\nlimits from " + timeline->ceilings;
    const auto limit = [&](const std::optional<double>& value, FigureText text) {
      return figure_cell(value, text, from, "nothing is known of the device");
    };
    table.rows.push_back({text_cell(timeline->title, timeline->hardware, CellTone::strong),
                          pass_cell(*timeline, "pass_ms", "not measured"),
                          pass_cell(*timeline, "device_ms", "a CPU has no device beside it"),
                          pass_cell(*timeline, "traced_ms", "not measured"),
                          pass_cell(*timeline, "sum_ms", "not measured"),
                          limit(limited ? std::optional(limited->time_us / kUsPerMs) : std::nullopt, number_text),
                          limit(limited ? std::optional(limited->limit_us / kUsPerMs) : std::nullopt, number_text),
                          limit(limited ? ratio_of(limited->time_us, limited->limit_us) : std::nullopt, ratio_text),
                          figure_cell(static_cast<double>(timeline->point.n_valid), number_text),
                          text_cell(visible_text(timeline->provenance))});
  }
  return table;
}

Table operations_table(const std::vector<const PassTimeline*>& timelines) {
  Table table;
  table.name = "Operations of a pass";
  table.columns = {{"operation", "", false},
                   {"part", "", false},
                   {"run", "", false},
                   {"time µs", "over all layers; median over the repeats", true},
                   {"least to most µs", "over the repeats", true},
                   {"share", "of all operations", true},
                   {"limit µs", "what it would take at the ceilings of the device", true},
                   {"taken", "time over limit", true},
                   {"layers", "that have it", true},
                   {"kernels", "kernels and copies", true},
                   {"MB", "to be moved at the least", true},
                   {"GFLOP", "to be computed at the least", true},
                   {"provenance", "", false}};
  std::vector<std::vector<OperationSum>> sums;
  std::vector<double> all_us;
  for (const PassTimeline* timeline : timelines) {
    sums.push_back(operation_sums(*timeline));
    double& all = all_us.emplace_back(0);
    for (const OperationSum& sum : sums.back()) all += sum.time_us.median;
  }
  // What is compared stands one below the other.
  for (const std::string& operation : operations_of(timelines)) {
    for (std::size_t t = 0; t < timelines.size(); ++t) {
      for (const OperationSum& sum : sums[t]) {
        if (sum.operation == operation) table.rows.push_back(operation_cells(*timelines[t], sum, all_us[t]));
      }
    }
  }
  return table;
}

}  // namespace assay::gui
