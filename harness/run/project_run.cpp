#include "harness/run/project_run.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "harness/run/environment.h"
#include "harness/run/forecast.h"
#include "harness/run/measured_pass.h"
#include "results/analysis/cost.h"
#include "results/ceilings.h"
#include "results/summary.h"

namespace assay::run {

namespace {

using results::BenchPoint;
using results::PointSummary;

/// Everything that the points of one run are projected with.
struct Projector {
  runners::PassWork work;
  RunDevice device;
  ProjectedMachine from, to;
  bool is_other_card = false;
  double chunk_tokens = 4096;
  std::map<std::string, std::vector<HeldOutPass>> held_out;  ///< by kind of point
};

Result<results::LinkFit> fit_of(const results::MachineCeilings& machine, const char* operation, int n_ranks) {
  std::vector<results::TimedMessage> messages;
  for (const results::CollectiveCurve& curve : machine.collectives) {
    if (curve.operation != operation || curve.by != "own" || curve.n_ranks != n_ranks || curve.link_gb_per_s) continue;
    for (const results::CollectiveSize& size : curve.sizes) {
      messages.push_back({size.bus_gb_per_s.median * size.time_us.median * 1e3, size.time_us.median});
    }
  }
  return results::fit_link(messages);
}

Result<LinkFits> fit_links(const results::Store& store, const RunDevice& device) {
  ASSAY_ASSIGN(const auto machine, results::newest_ceilings(store, device.gpu_name));
  LinkFits fits;
  const auto all_reduce =
      machine ? fit_of(*machine, "all_reduce", device.n_ranks) : Result<results::LinkFit>(bad_input("none"));
  const auto all_gather =
      machine ? fit_of(*machine, "all_gather", device.n_ranks) : Result<results::LinkFit>(bad_input("none"));
  if (!all_reduce || !all_gather) {
    return bad_input("no evidence: the database has no collectives over ", device.n_ranks, " x ",
                     shown(device.gpu_name), "; measure them there with \"assay bench collective\"");
  }
  fits.all_reduce = *all_reduce;
  fits.all_gather = *all_gather;
  return fits;
}

/// Passes of the same model, spread in the same way over the same GPUs with their links held back, each projected from
/// the run's own.
Result<> find_held_out(const results::Store& store, const results::RunRecord& run,
                       const std::vector<std::pair<std::string, MeasuredPass>>& passes, Projector& projector) {
  ASSAY_ASSIGN(const std::vector<results::RunRecord> runs, store.list_runs());
  for (const results::RunRecord& other : runs) {
    if (other.facts.provenance != "emulated" || other.facts.model.reference != run.facts.model.reference ||
        other.facts.model.weights_sha256 != run.facts.model.weights_sha256) {
      continue;
    }
    const Result<RunDevice> device = read_run_device(other);
    if (!device || device->gpu_name != projector.device.gpu_name || device->n_ranks != projector.device.n_ranks ||
        device->splits_heads != projector.device.splits_heads || !device->link_gb_per_s) {
      continue;
    }
    ASSAY_ASSIGN(const auto points, store.read_points(other.run_id));
    for (const PointSummary& summary : results::summarise_points(points)) {
      const std::optional<MeasuredPass> held = measured_pass(summary, *device);
      const auto same = std::find_if(passes.begin(), passes.end(), [&](const auto& pass) {
        return pass.first == summary.kind && pass.second.name == summary.name;
      });
      if (!held || same == passes.end()) continue;
      const ProjectedMachine held_back{projector.from.rates, projector.from.link->at_rate(*device->link_gb_per_s)};
      ASSAY_ASSIGN(const double ms, project_pass_ms(same->second, projector.work, projector.from, held_back));
      projector.held_out[summary.kind].push_back({summary.name, *device->link_gb_per_s, ms, held->ms});
    }
  }
  return {};
}

constexpr const char* kCardError =
    "10 % for another card: fitted on an H100 alone, the model of a pass was within that on an H200";

/// What another card adds to the error. Error{bad_input} where the model's passes are too small to say.
Result<> add_card_error(const Projector& projector, ProjectionError& error) {
  if (!projector.is_other_card) return {};
  if (projector.work.weight_bytes / projector.device.n_ranks < runners::kLeastFittedBytes) {
    return bad_input("no evidence: a pass of this model reads ",
                     to_fixed(projector.work.weight_bytes / projector.device.n_ranks / 1e9, 2),
                     " GB on a GPU, and the model of a pass was checked on another card for at least ",
                     to_fixed(runners::kLeastFittedBytes / 1e9, 0), " GB");
  }
  error.ratio += runners::kStepErrorRatio;
  error.from += (error.from.empty() ? "" : ", and ") + std::string(kCardError);
  return {};
}

Json projection_json(const ProjectedRun& run, const ProjectionError& error) {
  return {{"from_run", run.from.run_id.value},
          {"hardware", run.to.name},
          {"link_gb_per_s", run.link_gb_per_s ? Json(*run.link_gb_per_s) : Json()},
          {"error_ratio", error.ratio},
          {"error_from", error.from},
          {"n_held_out", error.n_held_out},
          {"coverage", error.coverage > 0 ? Json(error.coverage) : Json()}};
}

BenchPoint stored_point(const ProjectedRun& run, const std::string& kind, const std::string& name, Json settings,
                        const ProjectionError& error) {
  BenchPoint point;
  point.kind = kind;
  point.key.name = name;
  point.provenance = "projected";
  point.settings = std::move(settings);
  point.settings["usd_per_gpu_hour"] = run.price ? Json(run.price->usd) : Json();
  point.settings.erase("seed");
  point.details = {{"projection", projection_json(run, error)}};
  return point;
}

Result<ProjectedPoint> project_point(const ProjectedRun& run, const Projector& projector, const PointSummary& summary,
                                     const MeasuredPass& pass) {
  ProjectedPoint projected;
  projected.measured_ms = pass.ms;
  ASSAY_ASSIGN(projected.projected_ms, project_pass_ms(pass, projector.work, projector.from, projector.to));
  if (projector.to.link) {
    projected.link_share = link_ms(pass, projector.work, *projector.to.link) / projected.projected_ms;
  }
  constexpr double kAboutRatio = 0.01;
  // Another card with such links as they were measured on needs no word on other links.
  const bool has_same_links =
      projector.to.link && std::abs(*run.link_gb_per_s / projector.from.link->all_reduce.gb_per_s - 1) <= kAboutRatio;
  if (projector.to.link && !(projector.is_other_card && has_same_links)) {
    const auto held_out = projector.held_out.find(summary.kind);
    const std::vector<HeldOutPass> none;
    const auto& passes = held_out == projector.held_out.end() ? none : held_out->second;
    Result<ProjectionError> error = held_out_error(passes, *run.link_gb_per_s, pass.name);
    if (!error) {
      return Error{error.error().kind, summary.kind + " " + pass.name + ": " + error.error().message +
                                           "; measure the same settings with --link-gb-s " +
                                           to_fixed(*run.link_gb_per_s, 0)};
    }
    projected.error = *error;
    for (const HeldOutPass& one : passes) {
      if (one.name == pass.name && std::abs(one.link_gb_per_s / *run.link_gb_per_s - 1) <= kAboutRatio &&
          !projector.is_other_card) {
        projected.emulated_ms = one.measured_ms;
      }
    }
  }
  ASSAY_TRY(add_card_error(projector, projected.error));
  BenchPoint& point = projected.point =
      stored_point(run, summary.kind, summary.name, summary.settings, projected.error);
  const double n_tokens = pass.batch * (pass.is_decode ? 1 : pass.tokens);
  const double rate = 1000 * n_tokens / projected.projected_ms;
  point.figures[pass.is_decode ? "pass_ms" : "prefill_ms"] = {projected.projected_ms, {}, {}};
  point.figures[pass.is_decode ? "output_tokens_per_s" : "prompt_tokens_per_s"] = {rate, {}, {}};
  if (pass.is_decode) {
    point.figures[results::kTokensPerGpu] = {rate / pass.n_ranks, {}, {}};
    point.figures[results::kTokensPerUser] = {rate / pass.batch, {}, {}};
  }
  if (run.price) {
    const double usd = results::usd_for_time(run.price->usd, pass.n_ranks, projected.projected_ms / 1000);
    point.figures[pass.is_decode ? "usd_per_mtok_output" : "usd_per_mtok_input"] = {1e6 * usd / n_tokens, {}, {}};
  }
  return projected;
}

// ---- a run of suites, on one GPU

/// Its items with the lengths that their samples had. Error{bad_input} if some are not known.
Result<std::vector<ForecastItem>> items_of(const results::Store& store, const RunId& run) {
  std::map<std::pair<std::string, std::string>, ForecastItem> items;
  bool all_known = true;
  ASSAY_TRY(store.for_each_sample(run, "", results::SampleParts::facts, [&](const results::SampleRecord& record) {
    const results::SampleFacts& sample = record.sample;
    if (!sample.n_prompt_tokens || !sample.n_output_tokens) all_known = false;
    ForecastItem& item = items[{sample.key.suite, sample.key.item.value}];
    item.n_prompt_tokens = sample.n_prompt_tokens.value_or(0);
    item.n_output_tokens.push_back(sample.n_output_tokens.value_or(0));
    item.max_output_tokens = std::max(item.max_output_tokens, item.n_output_tokens.back());
    return Result<>();
  }));
  if (!all_known) return bad_input("run ", run, ": the tokens of some samples are not known");
  std::vector<ForecastItem> list;
  for (auto& [key, item] : items) list.push_back(std::move(item));
  return {std::move(list)};
}

Result<ProjectedPoint> project_suites(const results::Store& store, const ProjectedRun& run,
                                      const Projector& projector) {
  ASSAY_ASSIGN(const results::RunSummary summary, results::summarise(store, run.from.run_id));
  if (projector.device.n_ranks > 1) {
    return bad_input("run ", run.from.run_id, " asked suites of ", projector.device.n_ranks,
                     " GPUs; over several, passes alone can be projected: \"assay bench decode\" and \"prefill\"");
  }
  if (!summary.device_time || !(summary.wall_s > 0) || !summary.n_output_tokens) {
    return bad_input("run ", run.from.run_id, ": its device times or tokens are not known, so it can't be projected");
  }
  ASSAY_ASSIGN(const std::vector<ForecastItem> items, items_of(store, run.from.run_id));
  ForecastLimits limits;
  limits.work = projector.work;
  limits.max_batch = projector.device.max_batch;
  constexpr std::int64_t kPlenty = std::int64_t{1} << 50;
  limits.kv_memory_bytes = kPlenty;  // the run's own batches are what both sides had room for
  ASSAY_ASSIGN(const Forecast before, forecast_run(items, limits, projector.from.rates));
  ASSAY_ASSIGN(const Forecast after, forecast_run(items, limits, projector.to.rates));
  ProjectedPoint projected;
  ASSAY_TRY(add_card_error(projector, projected.error));
  const double decode = after.decode_s / before.decode_s, prefill = after.prefill_s / before.prefill_s;
  const results::DeviceTime& time = *summary.device_time;
  const double grown_ms = time.decode_ms * (decode - 1) + time.prefill_ms * (prefill - 1);
  projected.measured_ms = 1000 * summary.wall_s;
  projected.projected_ms = projected.measured_ms + grown_ms;
  BenchPoint& point = projected.point = stored_point(run, "run", "whole run", Json::object(), projected.error);
  const double seconds = projected.projected_ms / 1000, n_tokens = static_cast<double>(*summary.n_output_tokens);
  point.figures["wall_s"] = {seconds, {}, {}};
  point.figures["output_tokens_per_s"] = {n_tokens / seconds, {}, {}};
  if (summary.itl_ms.p50) point.figures["p50_itl_ms"] = {*summary.itl_ms.p50 * decode, {}, {}};
  if (summary.ttft_ms.p50) point.figures["p50_ttft_ms"] = {*summary.ttft_ms.p50 * prefill, {}, {}};
  if (run.price) {
    const double usd = results::usd_for_time(run.price->usd, 1, seconds);
    point.figures["usd_total"] = {usd, {}, {}};
    point.figures["usd_per_mtok_output"] = {1e6 * usd / n_tokens, {}, {}};
  }
  return projected;
}

// ---- what both stand on

/// Measured where both cards have been, else both published: a ratio of one of each would be none.
Result<> set_rates(const results::Store& store, const results::HardwareProfile& from_profile, ProjectedRun& run,
                   Projector& projector) {
  ASSAY_ASSIGN(const ForecastDevice from, forecast_device(from_profile));
  ASSAY_ASSIGN(const ForecastDevice to, forecast_device(run.to));
  projector.from.rates = from.rates;
  projector.to.rates = to.rates;
  run.rates_from = "published";
  ASSAY_ASSIGN(const auto machines, results::newest_ceilings(store));
  const results::MachineCeilings* measured[2] = {nullptr, nullptr};
  for (const results::MachineCeilings& machine : machines) {
    if (!machine.best("read") || !machine.best("bf16")) continue;
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& match = (i == 0 ? from_profile : run.to).match;
      if (std::find(match.begin(), match.end(), machine.device) != match.end()) measured[i] = &machine;
    }
  }
  if (measured[0] == nullptr || measured[1] == nullptr) return {};
  const auto rates = [](const results::MachineCeilings& machine, const runners::DeviceRates& published) {
    return runners::DeviceRates{1e9 * *machine.best("read"), published.bf16_flop_per_s, published.fp8_flop_per_s};
  };
  // The model's shares of arithmetic are of the peak rate, so that stays the published one.
  projector.from.rates = rates(*measured[0], from.rates);
  projector.to.rates = rates(*measured[1], to.rates);
  run.rates_from = "measured";
  return {};
}

Result<> set_links(const results::Store& store, const ProjectRequest& request,
                   const results::HardwareProfile& from_profile, ProjectedRun& run, Projector& projector) {
  if (projector.device.n_ranks == 1) {
    if (!request.link_gb_per_s) return {};
    return bad_input("--link-gb-s: run ", run.from.run_id, " used one GPU, and no link");
  }
  ASSAY_ASSIGN(run.from_link, fit_links(store, projector.device));
  const double reached = run.from_link->all_reduce.gb_per_s;
  if (request.link_gb_per_s) {
    run.link_gb_per_s = request.link_gb_per_s;
  } else {
    const auto from = from_profile.value("link_gb_per_s"), to = run.to.value("link_gb_per_s");
    if (!from || !to) {
      return bad_input("hardware ", from ? run.to.name : from_profile.name,
                       ": has no link_gb_per_s; give --link-gb-s with what a GPU's links carry one way");
    }
    run.link_gb_per_s = reached * *to / *from;
  }
  run.to_link = *run.link_gb_per_s == reached ? *run.from_link : run.from_link->at_rate(*run.link_gb_per_s);
  projector.from.link = run.from_link;
  projector.to.link = run.to_link;
  return {};
}

/// What DeepSeek's programs were published to reach on H800s (hardware profiles and DeepEP's documentation).
std::vector<Anchor> anchors_of(const ProjectedRun& run, const Projector& projector) {
  std::vector<Anchor> anchors;
  if (run.to.name != "h800-sxm5") return anchors;
  if (run.link_gb_per_s) {
    for (const auto& [what, gb_per_s] : {std::pair("a GPU's links one way, DeepEP dispatch over 8", 153.0),
                                         std::pair("a GPU's links one way, DeepEP combine over 8", 158.0)}) {
      anchors.push_back({what, *run.link_gb_per_s, gb_per_s, "GB/s", "deepseek-ai/DeepEP docs/legacy.md"});
    }
  }
  constexpr double kFlashMla = 3000;
  anchors.push_back({"memory read, FlashMLA decode", 1e-9 * projector.to.rates.read_bytes_per_s, kFlashMla, "GB/s",
                     "deepseek-ai/FlashMLA docs/20250422-new-kernel-deep-dive.md"});
  return anchors;
}

}  // namespace

Result<ProjectedRun> project_run(const results::Store& store, const ProjectRequest& request) {
  ProjectedRun run;
  ASSAY_ASSIGN(run.from, store.read_run(request.from));
  ASSAY_ASSIGN(run.to, results::find_hardware(request.profiles, request.to));
  if (run.from.facts.provenance != "measured") {
    return bad_input("run ", run.from.run_id, " is ", run.from.facts.provenance,
                     "; projections start from what was measured");
  }
  Projector projector;
  ASSAY_ASSIGN(projector.device, read_run_device(run.from));
  ASSAY_ASSIGN(projector.work, read_run_work(run.from));
  run.n_ranks = projector.device.n_ranks;
  const results::HardwareProfile* from_profile =
      results::match_hardware(request.profiles, "gpu", projector.device.gpu_name, projector.device.memory_bytes);
  if (from_profile == nullptr) {
    return bad_input("no hardware profile is that of ", shown(projector.device.gpu_name), ", on which run ",
                     run.from.run_id, " ran; add one (results/hardware/README.md)");
  }
  run.from_profile = from_profile->name;
  projector.is_other_card = from_profile->name != run.to.name;
  if (!projector.is_other_card && !request.link_gb_per_s) {
    return bad_input("run ", run.from.run_id, " ran on ", run.to.name,
                     " itself; give --link-gb-s for the same card with other links");
  }
  ASSAY_TRY(set_rates(store, *from_profile, run, projector));
  ASSAY_TRY(set_links(store, request, *from_profile, run, projector));
  run.price = request.price;
  if (!run.price) {
    auto price = results::rental_price(run.to);
    if (price) {
      run.price = *price;
    } else {
      run.price_reason = price.error().message;
    }
  }
  ASSAY_ASSIGN(const std::vector<BenchPoint> points, store.read_points(run.from.run_id));
  const std::vector<PointSummary> summaries = results::summarise_points(points);
  std::vector<std::pair<std::string, MeasuredPass>> passes;  // by kind
  for (const PointSummary& summary : summaries) {
    if (const auto pass = measured_pass(summary, projector.device)) passes.emplace_back(summary.kind, *pass);
  }
  if (passes.empty() && run.from.suites.empty()) {
    return bad_input("run ", run.from.run_id,
                     " has no valid points of decode or prefill, and asked no suite: nothing "
                     "of it can be projected");
  }
  if (projector.from.link) ASSAY_TRY(find_held_out(store, run.from, passes, projector));
  for (const PointSummary& summary : summaries) {
    const auto pass = measured_pass(summary, projector.device);
    if (!pass) continue;
    ASSAY_ASSIGN(ProjectedPoint projected, project_point(run, projector, summary, *pass));
    run.points.push_back(std::move(projected));
  }
  if (passes.empty()) {
    ASSAY_ASSIGN(ProjectedPoint whole, project_suites(store, run, projector));
    run.points.push_back(std::move(whole));
  }
  run.anchors = anchors_of(run, projector);
  return {std::move(run)};
}

Result<RunId> store_projected_run(results::Store& store, const ProjectedRun& projected, const std::string& name,
                                  const std::string& command_line, std::int64_t now_ms) {
  results::RunFacts facts;
  facts.name = name;
  facts.model = projected.from.facts.model;
  facts.seed = projected.from.facts.seed;
  facts.command_line = command_line;
  facts.tags = {{"projected_from", projected.from.run_id.value}};
  facts.hardware_profile = projected.to.name;
  if (projected.price) facts.price_usd_per_gpu_hour = projected.price->usd;
  facts.n_priced_devices = projected.n_ranks;
  facts.provenance = "projected";
  // A projection is never gone on with.
  facts.plan_sha256 = sha256_hex(projected.from.run_id.value + projected.to.name + to_text(now_ms));
  // What would have worked on it; nothing of the machine that computes this.
  results::EnvironmentFacts environment = projected.from.segments.front().environment;
  environment.hostname.reset();
  environment.device_name = environment.gpu_name.emplace(projected.to.title);
  environment.gpu_clock_mhz = environment.gpu_power_limit_watts = {};
  environment.details = {{"projection", {{"from_run", projected.from.run_id.value}, {"hardware", projected.to.name}}}};
  ASSAY_ASSIGN(results::RunWriter writer, store.begin_run(facts, environment, now_ms));
  for (const ProjectedPoint& one : projected.points) {
    BenchPoint point = one.point;
    point.started_at_ms = now_ms;
    ASSAY_TRY(writer.add_point(point, 0));
  }
  ASSAY_TRY(writer.finish(results::RunState::finished, now_ms, 0));
  return writer.run_id();
}

}  // namespace assay::run
