// assay project: what a stored run would have been on other hardware. Everything it says is a projection, with an error
// that comes from measurements which took no part in it.

#include <filesystem>
#include <memory>

#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/cli/run_words.h"
#include "harness/cli/shell_words.h"
#include "harness/run/clock.h"
#include "harness/run/project_run.h"

namespace assay::cli {

namespace {

struct ProjectArgs {
  std::string from, to, name;
  std::optional<double> link_gb_s, price_usd_per_gpu_hour;
};

std::string given_words(const ProjectArgs& args) {
  std::vector<std::string> words = {"project", "--from", args.from, "--to", args.to};
  if (args.link_gb_s) words.insert(words.end(), {"--link-gb-s", to_text(*args.link_gb_s)});
  if (args.price_usd_per_gpu_hour) {
    words.insert(words.end(), {"--price-usd-per-gpu-hour", to_text(*args.price_usd_per_gpu_hour)});
  }
  if (!args.name.empty()) words.insert(words.end(), {"--name", args.name});
  return shell_text(words);
}

Json fit_json(const std::optional<results::LinkFit>& fit) {
  if (!fit) return {};
  return {{"alpha_us", fit->alpha_us},
          {"gb_per_s", fit->gb_per_s},
          {"n", fit->n},
          {"worst_residual_ratio", fit->worst_residual_ratio}};
}

Json projected_json(const run::ProjectedRun& run, const RunId& stored) {
  Json points = Json::array(), anchors = Json::array();
  for (const run::ProjectedPoint& one : run.points) {
    Json json = results::to_json(one.point);
    json["measured_ms"] = one.measured_ms;
    json["projected_ms"] = one.projected_ms;
    json["link_share_ratio"] = one.link_share;
    json["error_ratio"] = one.error.ratio;
    json["emulated_ms"] = one.emulated_ms ? Json(*one.emulated_ms) : Json();
    json["emulated_is_within"] = one.emulated_ms ? Json(one.emulated_is_within()) : Json();
    points.push_back(std::move(json));
  }
  for (const run::Anchor& anchor : run.anchors) {
    anchors.push_back({{"what", anchor.what},
                       {"projected", anchor.projected},
                       {"published", anchor.published},
                       {"unit", anchor.unit},
                       {"difference_ratio", anchor.difference_ratio()},
                       {"source", anchor.source}});
  }
  const auto fit = [](const std::optional<run::LinkFits>& fits, results::LinkFit run::LinkFits::*which) {
    return fits ? fit_json((*fits).*which) : Json();
  };
  return {{"run_id", stored.value},
          {"provenance", "projected"},
          {"from", {{"run_id", run.from.run_id.value}, {"hardware", run.from_profile}}},
          {"to", run.to.name},
          {"gpus", run.n_ranks},
          {"rates_from", run.rates_from},
          {"link",
           {{"link_gb_per_s", run.link_gb_per_s ? Json(*run.link_gb_per_s) : Json()},
            {"all_reduce", fit(run.from_link, &run::LinkFits::all_reduce)},
            {"all_gather", fit(run.from_link, &run::LinkFits::all_gather)}}},
          {"points", std::move(points)},
          {"price", run.price ? Json{{"usd_per_gpu_hour", run.price->usd},
                                     {"source", run.price->source},
                                     {"provenance", run.price->provenance}}
                              : Json{{"reason", run.price_reason}}},
          {"anchors", std::move(anchors)}};
}

std::string ms_cell(double ms) { return to_fixed(ms, ms < 10 ? 3 : ms < 1000 ? 1 : 0); }

std::string figure_cell(const results::BenchPoint& point, std::initializer_list<const char*> metrics, int digits) {
  for (const char* const metric : metrics) {
    if (const auto at = point.figures.find(metric); at != point.figures.end())
      return to_fixed(at->second.value, digits);
  }
  return "-";
}

std::string projected_text(const run::ProjectedRun& run, const RunId& stored) {
  std::string text = "Projection " + shown(stored.value) + "  " + shown(run.from.facts.model.name) + ", " +
                     to_text(std::int64_t{run.n_ranks}) + " x " + run.from_profile + " to " + run.to.name +
                     "  (projected)\n\n";
  std::vector<std::vector<std::string>> rows = {{"", "setting", "measured ms", "projected ms", "± error", "tokens/s",
                                                 "ITL ms", "$/Mtok", "on links", "held back ms", "within"}};
  for (const run::ProjectedPoint& one : run.points) {
    const auto& p = one.point;
    rows.push_back({shown(p.kind), shown(p.key.name), ms_cell(one.measured_ms), ms_cell(one.projected_ms),
                    to_fixed(100 * one.error.ratio, 1) + " %",
                    figure_cell(p, {"output_tokens_per_s", "prompt_tokens_per_s"}, 1),
                    p.kind == "decode" ? ms_cell(one.projected_ms) : figure_cell(p, {"p50_itl_ms"}, 3),
                    figure_cell(p, {"usd_per_mtok_output", "usd_per_mtok_input"}, 4),
                    to_fixed(100 * one.link_share, 1) + " %", one.emulated_ms ? ms_cell(*one.emulated_ms) : "-",
                    one.emulated_ms ? (one.emulated_is_within() ? "yes" : "NO") : "-"});
  }
  text += text_table(rows);
  text += "\nerror   of each time, to either side: " + run.points.front().error.from;
  if (const double coverage = run.points.front().error.coverage; coverage > 0) {
    text += ",\n        which covers about " + to_fixed(100 * coverage, 0) + " % of passes like them";
  }
  text +=
      ".\n        \"held back\" is the same setting measured with links at that rate; it took no part in its own "
      "projection.\n";
  if (run.from_link) {
    const results::LinkFit& fit = run.from_link->all_reduce;
    text += "link    a sum over GPUs takes " + to_fixed(fit.alpha_us, 2) + " us and its bytes at " +
            to_fixed(fit.gb_per_s, 0) + " GB/s, fitted to " + to_text(fit.n) + " sizes; projected to " +
            to_fixed(*run.link_gb_per_s, 0) + " GB/s one way\n";
  }
  text += "rates   of memory and arithmetic: " + run.rates_from + " on both cards\n";
  text += run.price
              ? "price   $" + to_fixed(run.price->usd, 2) + " a GPU-hour (" + shown(run.price->source, 200) + ")\n"
              : "price   none: " + shown(run.price_reason, 200) + "\n";
  if (run.anchors.empty()) return text;
  std::vector<std::vector<std::string>> anchors = {
      {"published on it", "projected", "published", "", "difference", "source"}};
  for (const run::Anchor& anchor : run.anchors) {
    anchors.push_back({anchor.what, to_fixed(anchor.projected, 0), to_fixed(anchor.published, 0), anchor.unit,
                       to_fixed(100 * anchor.difference_ratio(), 1) + " %", anchor.source});
  }
  return text + "\n" + text_table(anchors);
}

/// The run that is projected.
Result<RunId> find_source(const results::Store& store, const std::string& from, const std::string& db) {
  Result<RunId> run = store.find_run(from);
  std::error_code ignored;
  if (run || !std::filesystem::is_regular_file(from, ignored)) return run;
  return bad_input("--from ", from,
                   ": is a file; it takes a run of --db. A projection stands on more than one run: put ",
                   "all that the other machine measured into the database first, by \"assay merge --into ", db,
                   "\", or \"assay import --format assay\" for exported JSON");
}

Result<> project_command(const ProjectArgs& args, const CommonOptions& common) {
  if (args.from.empty()) return bad_input("--from is missing; it takes a run of the database");
  if (args.to.empty()) return bad_input("--to is missing; it takes a hardware profile (\"assay hardware\" lists them)");
  ASSAY_ASSIGN(results::Store store, results::Store::open_or_create(common.db));
  run::ProjectRequest request;
  ASSAY_ASSIGN(request.from, find_source(store, args.from, common.db));
  ASSAY_ASSIGN(request.profiles, results::load_hardware(results::user_hardware_folder()));
  request.to = args.to;
  request.link_gb_per_s = args.link_gb_s;
  if (args.price_usd_per_gpu_hour) {
    request.price = results::HourlyPrice{*args.price_usd_per_gpu_hour, {}, "--price-usd-per-gpu-hour", "stated"};
  }
  ASSAY_ASSIGN(const run::ProjectedRun projected, run::project_run(store, request));
  ASSAY_ASSIGN(const RunId stored, run::store_projected_run(store, projected, args.name, given_words(args),
                                                            run::machine_clock().unix_ms()));
  return common.json ? print_json(projected_json(projected, stored)) : print(projected_text(projected, stored));
}

}  // namespace

Action declare_project(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<ProjectArgs>();  // shared by the option table, which writes it, and the action
  add_text(app, "--from", args->from, "RUN",
           "A measured run on GPUs: points of \"assay bench decode\" or \"prefill\", or suites on one GPU");
  add_text(app, "--to", args->to, "HARDWARE", "The card that it is projected to (\"assay hardware\" lists them)");
  add_number(app, "--link-gb-s", args->link_gb_s, {0, 10'000, true, false, "GB/s one way, above 0 and at most 10000"},
             "What a GPU's links carry there one way (default: what this run's machine reached, times the ratio of the "
             "published rates)");
  add_number(app, "--price-usd-per-gpu-hour", args->price_usd_per_gpu_hour,
             {.least = 0, .most = 1e6, .text = "dollars from 0 to 1000000"},
             "Price of a GPU in US dollars an hour (default: the profile's usual price)");
  add_name_option(app, args->name);
  app.footer(
      "Over several GPUs the database must also hold collectives (\"assay bench collective\") and the same passes\n"
      "under --link-gb-s at about the projected rate: what they took is held against the projection: its error.\n"
      "What another machine measured comes in by \"assay merge\", or as exported JSON by \"assay import\".\n"
      "Example: assay project --from latest --to h800-sxm5");
  return [args, &common] { return project_command(*args, common); };
}

}  // namespace assay::cli
