#include "runners/engine/layer_timing.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

namespace assay::runners {

namespace {

using kernels::ActivityTrace;
using kernels::DeviceActivity;
using Clock = std::chrono::steady_clock;

/// Something that one operation did within a pass.
struct Piece {
  OperationPlace place;
  std::string kernel;  // empty: the whole of it, on a CPU
  double time_us = 0;
};

/// Listens as long as it lives.
class Listening {
 public:
  Listening(OperationMarks& marks, OperationMarks::Listener listener) : marks_(marks) {
    marks_.listen(std::move(listener));
  }
  ~Listening() { marks_.listen({}); }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

 private:
  OperationMarks& marks_;
};

/// Puts runs together that consist of the same pieces.
class RunCollector {
 public:
  explicit RunCollector(const WatchPlan& plan) : plan_(plan) {}

  Result<> add_pass(std::vector<Piece> pieces, double pass_us, const PassShape& shape) {
    passes_.push_back(std::move(pieces));
    shapes_.push_back(shape);
    run_us_ += pass_us;
    if (static_cast<int>(passes_.size()) == plan_.passes_per_run) return end_run();
    return {};
  }
  Result<> end_run();
  LayerTimes take();

 private:
  Result<> add_times();

  const WatchPlan& plan_;
  std::vector<std::vector<Piece>> passes_;
  std::vector<PassShape> shapes_;
  double run_us_ = 0;
  int n_seen_ = 0;
  LayerTimes times_;
};

Result<> RunCollector::end_run() {
  if (n_seen_++ >= plan_.n_first) {
    ASSAY_TRY(add_times());
    times_.run_us.push_back(run_us_);
    if (static_cast<int>(times_.run_us.size()) == (plan_.n_runs + 1) / 2) times_.shapes = shapes_;
  }
  passes_.clear();
  shapes_.clear();
  run_us_ = 0;
  return {};
}

Result<> RunCollector::add_times() {
  const bool is_first = times_.run_us.empty();
  const auto differs = [] { return environment_error("the passes that were watched differ in their operations"); };
  std::size_t at = 0;
  for (std::size_t pass = 0; pass < passes_.size(); ++pass) {
    const std::vector<Piece>& pieces = passes_[pass];
    for (std::size_t i = 0; i < pieces.size(); ++at) {
      TimedOperation operation{static_cast<int>(pass), pieces[i].place, {}, 0};
      double time_us = 0;
      for (const OperationPlace place = pieces[i].place; i < pieces.size() && pieces[i].place == place; ++i) {
        time_us += pieces[i].time_us;
        if (pieces[i].kernel.empty()) {
          ++i;  // a CPU's pieces are whole, and the next one of its kind is another
          break;
        }
        ++operation.n_kernels;
        auto kernel = std::find_if(times_.kernels.begin(), times_.kernels.end(), [&](const TimedKernel& known) {
          return known.operation == place.operation && known.kernel == pieces[i].kernel;
        });
        if (kernel == times_.kernels.end()) {
          kernel = times_.kernels.insert(kernel, {place.operation, pieces[i].kernel, 0, 0});
        }
        if (is_first) ++kernel->n;
        kernel->time_us += pieces[i].time_us;
      }
      if (is_first) times_.operations.push_back(operation);
      if (at >= times_.operations.size()) return differs();
      TimedOperation& known = times_.operations[at];
      if (known.pass != operation.pass || !(known.place == operation.place) || known.n_kernels != operation.n_kernels) {
        return differs();
      }
      known.time_us.push_back(time_us);
    }
  }
  return at == times_.operations.size() ? Result<>{} : differs();
}

LayerTimes RunCollector::take() {
  for (TimedKernel& kernel : times_.kernels) kernel.time_us /= static_cast<double>(times_.run_us.size());
  return std::move(times_);
}

/// Calls the plan's passes as often as its runs need.
Result<> run_plan(const WatchPlan& plan, RunCollector& collector, const AfterPass& after_pass) {
  if (plan.passes_per_run > 0) return plan.passes(after_pass);
  for (int run = 0; run < plan.n_first + plan.n_runs; ++run) {
    ASSAY_TRY(plan.passes(after_pass));
    ASSAY_TRY(collector.end_run());
  }
  return {};
}

/// The kernels of each pass in the order in which they are launched, with what they belong to.
using Labels = std::vector<std::vector<Piece>>;

Result<Labels> label_kernels(OperationMarks& marks, ActivityTrace& trace, const WatchedPasses& passes) {
  Labels labels(1);
  OperationPlace current;
  Result<> outcome;
  const auto take = [&] {
    if (!outcome) return;
    const auto activities = trace.take();
    if (!activities) {
      outcome = activities.error();
      return;
    }
    for (const DeviceActivity& one : *activities) {
      OperationPlace place = current;
      const bool merges = place.operation == Operation::attention && one.name.find("merge") != std::string::npos;
      if (merges) place.operation = Operation::merge;
      labels.back().push_back({place, one.name, 0});
    }
  };
  const Listening listening(marks, [&](OperationPlace place) {
    take();
    current = place;
  });
  ASSAY_TRY(passes([&](const Pass&) -> Result<> {
    take();
    labels.emplace_back();
    return outcome;
  }));
  labels.pop_back();
  return labels;
}

Result<> add_recorded_pass(const std::vector<Piece>& labels, std::span<const DeviceActivity> activities,
                           const PassShape& shape, double& end_us, RunCollector& collector) {
  const bool same_names = std::equal(labels.begin(), labels.end(), activities.begin(), activities.end(),
                                     [](const Piece& a, const DeviceActivity& b) { return a.kernel == b.name; });
  if (!same_names || activities.empty()) {
    return environment_error("a watched pass has other kernels (", activities.size(),
                             ") than the same one launched kernel by kernel (", labels.size(), ")");
  }
  std::vector<Piece> pieces = labels;
  const std::vector<double> times_us = added_us(activities, end_us);
  for (std::size_t i = 0; i < pieces.size(); ++i) pieces[i].time_us = times_us[i];
  return collector.add_pass(std::move(pieces), std::accumulate(times_us.begin(), times_us.end(), 0.0), shape);
}

/// Passes of the same kernels, one behind the other.
Result<> add_recorded_steps(const std::vector<Piece>& labels, std::span<const DeviceActivity> activities,
                            const WatchPlan& plan, RunCollector& collector) {
  const auto n_steps = static_cast<std::size_t>(plan.n_first + plan.n_runs);
  if (activities.size() != n_steps * labels.size() || activities.empty()) {
    return environment_error("the watched passes have ", activities.size(), " kernels and copies, not ", n_steps,
                             " times the ", labels.size(), " of one that is launched kernel by kernel");
  }
  double end_us = activities.front().start_us;
  for (std::size_t step = 0; step < n_steps; ++step) {
    ASSAY_TRY(add_recorded_pass(labels, activities.subspan(step * labels.size(), labels.size()), plan.step_shape,
                                end_us, collector));
  }
  return {};
}

}  // namespace

std::vector<double> added_us(std::span<const DeviceActivity> activities, double& end_us) {
  std::vector<double> times_us;
  for (const DeviceActivity& one : activities) {
    times_us.push_back(std::max(0.0, one.end_us - end_us));
    end_us = std::max(end_us, one.end_us);
  }
  return times_us;
}

Result<LayerTimes> watch_on_host(OperationMarks& marks, const WatchPlan& plan) {
  RunCollector collector(plan);
  std::vector<std::pair<OperationPlace, Clock::time_point>> begun;
  const Listening listening(marks, [&](OperationPlace place) { begun.emplace_back(place, Clock::now()); });
  ASSAY_TRY(run_plan(plan, collector, [&](const Pass& pass) -> Result<> {
    const Clock::time_point end = Clock::now();
    std::vector<Piece> pieces;
    const auto between_us = [](Clock::time_point from, Clock::time_point to) {
      return std::chrono::duration<double, std::micro>(to - from).count();
    };
    for (std::size_t i = 0; i < begun.size(); ++i) {
      pieces.push_back(
          {begun[i].first, {}, between_us(begun[i].second, i + 1 < begun.size() ? begun[i + 1].second : end)});
    }
    const double pass_us = begun.empty() ? 0 : between_us(begun.front().second, end);
    begun.clear();
    return collector.add_pass(std::move(pieces), pass_us, shape_of(pass));
  }));
  return collector.take();
}

Result<LayerTimes> watch_on_device(OperationMarks& marks, ActivityTrace& trace, const WatchedPasses& labelled,
                                   const WatchPlan& plan) {
  ASSAY_TRY(trace.start());
  ASSAY_ASSIGN(const Labels labels, label_kernels(marks, trace, labelled));
  RunCollector collector(plan);
  if (plan.passes_per_run == 1) {
    ASSAY_TRY(plan.passes({}));
    ASSAY_ASSIGN(const std::vector<DeviceActivity> activities, trace.take());
    ASSAY_TRY(add_recorded_steps(labels.front(), activities, plan, collector));
  } else {
    std::size_t n_passes = 0;
    ASSAY_TRY(run_plan(plan, collector, [&](const Pass& pass) -> Result<> {
      ASSAY_ASSIGN(const std::vector<DeviceActivity> activities, trace.take());
      double end_us = activities.empty() ? 0 : activities.front().start_us;
      return add_recorded_pass(labels[n_passes++ % labels.size()], activities, shape_of(pass), end_us, collector);
    }));
  }
  ASSAY_TRY(trace.stop());
  return collector.take();
}

}  // namespace assay::runners
