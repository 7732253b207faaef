#include "harness/run/execute.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <utility>

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/run/deal.h"
#include "harness/run/environment.h"
#include "harness/run/gpu_sampler.h"
#include "harness/run/grading_pipeline.h"
#include "harness/run/plan.h"
#include "results/summary.h"

namespace assay::run {

namespace {

/// Whose kernels a GPU ran, "hopper" or "portable", how a model was spread over several, and to what their links were
/// held back; empty where no GPU did. Runs of earlier versions had Hopper's.
std::string cuda_path_of(const results::EnvironmentFacts& environment) {
  if (environment.device_kind != "cuda") return {};
  const auto device = environment.details.find("device");
  if (device == environment.details.end() || !device->is_object()) return "hopper";
  const auto named = device->find("cuda_path");
  std::string path = named != device->end() && named->is_string() ? named->get<std::string>() : "hopper";
  for (const auto& [key, option] :
       {std::pair("tensor_parallel", " --tensor-parallel "), std::pair("expert_parallel", " --expert-parallel ")}) {
    const auto n = device->find(key);
    if (n != device->end() && n->is_number_integer() && *n > 1) path += option + n->dump();
  }
  if (const auto link = device->find("link_gb_per_s"); link != device->end()) path += " --link-gb-s " + link->dump();
  return path;
}

/// Their last bits or their times differ, so a run stays with the kernels that it began with.
bool has_other_kernels(const results::RunRecord& run, const results::EnvironmentFacts& environment) {
  const std::string now = cuda_path_of(environment);
  return std::any_of(run.segments.begin(), run.segments.end(), [&](const results::SegmentRecord& segment) {
    const std::string then = cuda_path_of(segment.environment);
    return !now.empty() && !then.empty() && now != then;
  });
}

/// The run to go on with: the one asked for, or the newest unfinished one of this identity, or none.
Result<std::optional<RunId>> run_to_resume(const results::Store& store, const RunSettings& settings,
                                           const results::RunFacts& facts,
                                           const results::EnvironmentFacts& environment) {
  const std::string identity = results::run_identity(facts);
  if (!settings.resume) {
    ASSAY_ASSIGN(std::optional<RunId> found, store.find_resumable(identity));
    if (!found) return found;
    ASSAY_ASSIGN(const results::RunRecord run, store.read_run(*found));
    if (!has_other_kernels(run, environment)) return found;
    log_note("run ", *found,
             " is unfinished, but was begun with other GPU kernels or links (--cuda-path, --tensor-parallel, "
             "--expert-parallel, --link-gb-s); a new run starts");
    return std::optional<RunId>{};
  }
  ASSAY_ASSIGN(const RunId run_id, store.find_run(*settings.resume));
  ASSAY_ASSIGN(const results::RunRecord run, store.read_run(run_id));
  if (run.identity_sha256 != identity) {
    return bad_input("--resume ", *settings.resume, ": run ", run_id,
                     " has another model, suite, sampling, seed or name; give these as they were, or --resume alone");
  }
  if (run.state == results::RunState::finished) {
    return bad_input("--resume ", *settings.resume, ": run ", run_id,
                     " is finished; without --resume a new run starts");
  }
  if (has_other_kernels(run, environment)) {
    return bad_input("--resume ", *settings.resume, ": run ", run_id, " was begun with other GPU kernels than ",
                     cuda_path_of(environment),
                     "; give its --cuda-path, --tensor-parallel, --expert-parallel and --link-gb-s");
  }
  return std::optional(run_id);
}

/// Locks the run to go on with, before its stored samples are read, so that no other process adds to them. None if a
/// new run is to begin.
Result<std::optional<results::RunWriter>> lock_resumed_run(results::Store& store, const RunSettings& settings,
                                                           const results::RunFacts& facts,
                                                           const results::EnvironmentFacts& environment,
                                                           std::int64_t now_ms) {
  ASSAY_ASSIGN(const std::optional<RunId> run_id, run_to_resume(store, settings, facts, environment));
  if (!run_id) return std::optional<results::RunWriter>{};
  Result<results::RunWriter> writer = store.resume_run(*run_id, environment, now_ms);
  if (writer) return std::optional(std::move(*writer));
  // Another process may have finished it since it was found; a finished run starts anew.
  ASSAY_ASSIGN(const results::RunRecord run, store.read_run(*run_id));
  if (!settings.resume && run.state == results::RunState::finished) return std::optional<results::RunWriter>{};
  return writer.error();
}

/// For each of plan.samples, whether this process is to ask it.
std::vector<bool> own_share(const Plan& plan, const RanksFolder* ranks) {
  std::vector<bool> is_own(plan.samples.size(), true);
  if (ranks == nullptr) return is_own;
  const std::vector<int> rank_of = deal_samples(plan, ranks->world().ranks);
  for (std::size_t i = 0; i < is_own.size(); ++i) is_own[i] = rank_of[i] == ranks->world().rank;
  return is_own;
}

/// What a rank computes with, for the others to compare: bits differ between processors, GPUs and kernels of GPUs.
std::string kernels_of(const results::EnvironmentFacts& environment) {
  const std::string path = cuda_path_of(environment);
  return environment.device_kind + (path.empty() ? "" : " " + path);
}

/// The hash of the logits that the engine gave for its test tokens; null where nothing was computed here.
Json canary_hash(const results::EnvironmentFacts& environment) {
  const Json canary = results::canary_of(environment);
  if (!canary.is_object()) return nullptr;
  const auto hash = canary.find("logits_sha256");
  return hash == canary.end() ? Json() : *hash;
}

/// The requests whose samples are not stored yet, in plan order.
Result<std::vector<runners::Request>> open_requests(const Plan& plan, const std::vector<bool>& is_own,
                                                    const results::Store& store,
                                                    const std::optional<results::RunWriter>& resumed) {
  std::set<results::SampleKey> stored;
  if (resumed) {
    ASSAY_ASSIGN(const std::vector<results::SampleKey> keys, store.stored_samples(resumed->run_id()));
    stored.insert(keys.begin(), keys.end());
  }
  std::vector<runners::Request> requests;
  for (std::size_t i = 0; i < plan.samples.size(); ++i) {
    if (!is_own[i]) continue;
    const PlannedSample& planned = plan.samples[i];
    const suites::Suite& suite = plan.suites[planned.suite_index].suite;
    if (stored.contains({suite.name, suite.items[planned.item_index].id, planned.sample})) continue;
    requests.push_back(planned.request);
  }
  return requests;
}

bool has_code_suite(const Plan& plan) {
  return std::any_of(plan.suites.begin(), plan.suites.end(),
                     [](const PlannedSuite& planned) { return planned.suite.kind == suites::ItemKind::code; });
}

/// What links that are held back carried, as a point of the run: results/README.md, kind "link". `segment` counts the
/// processes that worked on the run.
Result<> store_link_report(const runners::Runner& runner, results::RunWriter& writer, std::int64_t segment,
                           std::int64_t now_ms, double wall_ms) {
  ASSAY_ASSIGN(const std::optional<runners::LinkReport> report, runner.link_report());
  if (!report) return {};
  results::BenchPoint point;
  point.key = {"link held to " + to_text(report->link_gb_per_s) + " GB/s", "", segment};
  point.kind = "link";
  point.started_at_ms = now_ms;
  point.provenance = "emulated";
  point.settings = {{"link_gb_per_s", report->link_gb_per_s}};
  double time_ms = 0;
  for (const runners::LinkSize& size : report->sizes) time_ms += 1e-3 * size.time_us;
  point.figures["time_ms"] = {time_ms, {}, {}};
  if (const auto reached = report->reached_gb_per_s()) point.figures["link_gb_per_s"] = {*reached, {}, {}};
  point.details = runners::to_json(*report);
  return writer.add_point(point, wall_ms);
}

/// Storing comes first: when it fails, the runner only passes its error on.
Error why_incomplete(const Result<>& asked, const Result<>& stored) {
  if (!stored) return stored.error();
  if (!asked) return asked.error();
  return environment_error("the runner ended without answering every request");
}

}  // namespace

Result<RunOutcome> execute(const RunSettings& settings, std::vector<suites::Suite> suites, const RunParts& parts,
                           std::stop_token stop) {
  const auto& [runner, store, grading, progress, clock, nvml_library, powercap, idle_powers, ranks] = parts;

  // Plan.
  ASSAY_ASSIGN(const Plan plan, make_plan(std::move(suites), settings.plan));
  const std::vector<bool> is_own = own_share(plan, ranks);
  const auto n_in_plan = static_cast<std::int64_t>(plan.samples.size());
  const std::int64_t n_planned = std::count(is_own.begin(), is_own.end(), true);
  results::RunFacts facts = run_facts(plan, settings, runner.model_facts());
  facts.provenance = provenance_on(runner.device_facts());

  // Resume.
  results::EnvironmentFacts environment = read_environment(runner.device_facts());
  environment.details["idle_power"] = results::to_json(idle_power_of_device(idle_powers, runner.device_facts()));
  if (ranks != nullptr) {
    environment.details["rank"] = {{"rank", ranks->world().rank}, {"ranks", ranks->world().ranks}};
    ASSAY_TRY(ranks->agree(facts, kernels_of(environment), canary_hash(environment)));
  }
  ASSAY_ASSIGN(std::optional<results::RunWriter> writer,
               lock_resumed_run(store, settings, facts, environment, clock.unix_ms()));
  const bool is_resumed = writer.has_value();
  std::int64_t n_segments_before = 0;
  if (is_resumed) {
    ASSAY_ASSIGN(const results::RunRecord record, store.read_run(writer->run_id()));
    n_segments_before = static_cast<std::int64_t>(record.segments.size()) - 1;  // this process's is there already
  }
  ASSAY_ASSIGN(const std::vector<runners::Request> requests, open_requests(plan, is_own, store, writer));
  ASSAY_TRY(runner.check(requests));
  if (!is_resumed) {
    ASSAY_ASSIGN(writer, store.begin_run(facts, environment, clock.unix_ms(),
                                         ranks != nullptr ? std::optional(ranks->origin()) : std::nullopt));
  }
  std::optional<GpuReader> gpu_reader = GpuReader::open(pci_bus_ids(runner.device_facts()), nvml_library);
  const double started_ms = clock.monotonic_ms();
  const auto wall_ms = [&] { return clock.monotonic_ms() - started_ms; };
  std::atomic<std::int64_t> n_stored = n_planned - static_cast<std::int64_t>(requests.size());
  if (is_resumed) log_note("run ", writer->run_id(), ": going on behind ", n_stored, " of ", n_planned, " samples");
  if (ranks != nullptr) ASSAY_TRY(ranks->begin(n_planned, n_stored));
  progress.start(n_in_plan, n_stored + (ranks != nullptr ? ranks->n_done_by_others() : 0));

  // Watch the GPU, or the processors' energy.
  const bool on_processors = environment.device_kind == "cpu";
  std::optional<CpuEnergyReader> cpu_reader;
  if (!is_on_several_hosts(runner.device_facts())) cpu_reader = CpuEnergyReader::open(powercap);
  GpuSampler gpu =
      on_processors ? GpuSampler(std::move(cpu_reader), wall_ms) : GpuSampler(std::move(gpu_reader), wall_ms);

  // Ask; grade and store what is answered, while the runner goes on.
  GradingPipeline pipeline(
      plan, grading, grading_threads(has_code_suite(plan)),
      [&](std::span<const results::GradedSample> graded) -> Result<> {
        ASSAY_TRY(writer->add_gpu_samples(gpu.take()));
        // In one transaction. If that fails, one by one: those before the one at fault are stored.
        const bool together = writer->add_samples(graded, clock.unix_ms(), wall_ms()).has_value();
        for (const results::GradedSample& one : graded) {
          if (!together) ASSAY_TRY(writer->add_sample(one.sample, one.verdict, clock.unix_ms(), wall_ms()));
          ++n_stored;
          if (ranks != nullptr) ranks->set_done(n_stored);
          progress.set_done(n_stored + (ranks != nullptr ? ranks->n_done_by_others() : 0));
        }
        return {};
      },
      clock.unix_ms);
  results::DeviceTime device_time;
  const Result<> asked = runner.run(
      requests, [&](runners::Completion completion) { return pipeline.submit(std::move(completion)); },
      [&](const runners::Progress& state) {
        progress.set_output_tokens(state.n_output_tokens);
        device_time = {state.prefill_device_ms, state.decode_device_ms, state.device_idle_ms};
      },
      stop);
  Result<> stored = pipeline.finish();
  gpu.stop();
  if (stored) stored = writer->add_gpu_samples(gpu.take());
  if (stored) stored = store_link_report(runner, *writer, n_segments_before, clock.unix_ms(), wall_ms());

  // End. A stop that came behind the last sample stops nothing.
  RunOutcome outcome{.run_id = writer->run_id(), .n_planned = n_planned, .n_stored = n_stored, .stopped_by = {}};
  const bool complete = n_stored == n_planned;
  if (!complete) outcome.stopped_by = why_incomplete(asked, stored);
  const bool has_device = environment.device_kind == "cuda";
  const Result<> ended =
      writer->finish(n_stored == n_in_plan ? results::RunState::finished : results::RunState::interrupted,
                     clock.unix_ms(), wall_ms(), has_device ? std::optional(device_time) : std::nullopt);
  if (!ended && !outcome.stopped_by) outcome.stopped_by = ended.error();
  if (ranks != nullptr) ASSAY_TRY(ranks->end(outcome.stopped_by));
  return outcome;
}

}  // namespace assay::run
