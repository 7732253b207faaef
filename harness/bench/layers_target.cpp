#include "harness/bench/layers_target.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/bench/pass_target.h"
#include "harness/bench/steady.h"
#include "harness/run/environment.h"
#include "harness/run/gpu_sampler.h"
#include "results/analysis/moments.h"
#include "results/ceilings.h"
#include "results/hardware/hardware.h"

namespace assay::bench {

namespace {

using results::LayerOperation;
using results::LimitRates;
using runners::LayerTimes;
using runners::PassTimes;

constexpr std::chrono::milliseconds kGpuSamplePeriod(100);
constexpr std::int64_t kMostWatchedPasses = 64;  // of prompts: each has a timeline of its own

/// A setting's passes with nothing watched, by the host's clock and the device's.
struct Unwatched {
  std::vector<double> wall_ms;  // by step, or by run over the prompts
  std::vector<double> device_ms;
};

class LayersTarget final : public Target {
 public:
  LayersTarget(std::unique_ptr<runners::PassEngine> engine, std::filesystem::path db)
      : engine_(std::move(engine)), db_(std::move(db)) {}
  runners::ModelFacts model_facts() const override { return engine_->model_facts(); }
  runners::DeviceFacts device_facts() const override { return engine_->device_facts(); }
  Result<Measured> measure(const Setting& setting, std::uint64_t seed, std::stop_token stop) override;

 private:
  Result<> check_size(const Setting& setting) const;
  Result<Unwatched> run_unwatched(const PassSetting& passes, const runners::PassEngine::Pages& pages);
  std::vector<LayerOperation> timeline(const LayerTimes& times, const std::optional<LimitRates>& rates) const;

  std::unique_ptr<runners::PassEngine> engine_;
  std::filesystem::path db_;
};

double total(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

double median_of_times(std::vector<double> values) { return *results::quantile(std::move(values), 0.5); }

std::optional<double> stddev_of_times(const std::vector<double>& values) {
  if (values.size() < 2) return {};
  return std::sqrt(*results::sample_variance(values));
}

results::PointFigure figure_of(const std::vector<double>& values) {
  return {median_of_times(values), stddev_of_times(values), static_cast<std::int64_t>(values.size())};
}

/// Prompts are as many passes as chunks hold them.
Result<> LayersTarget::check_size(const Setting& setting) const {
  const PassSetting& passes = setting.passes;
  const std::int64_t most = engine_->max_position_embeddings();
  const std::int64_t n_needed =
      passes.context + (passes.is_decode ? engine_->watched_steps(static_cast<int>(passes.n_steps)) : 0);
  if (most > 0 && n_needed > most) {
    return bad_input(setting.name(), ": needs ", n_needed, " positions, and the model has ", most);
  }
  const std::int64_t chunk = engine_->prefill_chunk_tokens();
  const std::int64_t n_passes = (passes.batch * passes.context + chunk - 1) / chunk;
  if (!passes.is_decode && n_passes > kMostWatchedPasses) {
    return bad_input(setting.name(), ": is ", n_passes, " passes of ", chunk, " tokens, at most ", kMostWatchedPasses,
                     " are watched; give fewer tokens or a larger --chunk");
  }
  return {};
}

Result<Unwatched> LayersTarget::run_unwatched(const PassSetting& passes, const runners::PassEngine::Pages& pages) {
  const auto batch = static_cast<int>(passes.batch), context = static_cast<int>(passes.context),
             n = static_cast<int>(passes.n_steps);
  constexpr int kWarmSteps = 4;
  ASSAY_TRY(engine_->prefill(batch, context, 0, pages));  // fills the caches, and loads the kernels
  Unwatched unwatched;
  if (!passes.is_decode) {
    for (int run = 0; run < n; ++run) {
      ASSAY_ASSIGN(const PassTimes times, engine_->prefill(batch, context, 1, pages));
      unwatched.wall_ms.push_back(total(times.wall_ms));
      unwatched.device_ms.push_back(times.device_ms);
    }
    return unwatched;
  }
  ASSAY_TRY(engine_->decode(batch, context, kWarmSteps, passes.temperature, pages));
  ASSAY_ASSIGN(const PassTimes times, engine_->decode(batch, context, n, passes.temperature, pages));
  const std::size_t cut = warm_up_length(times.wall_ms);
  unwatched.wall_ms.assign(times.wall_ms.begin() + static_cast<std::ptrdiff_t>(cut), times.wall_ms.end());
  unwatched.device_ms.push_back(times.device_ms / static_cast<double>(times.wall_ms.size()));
  return unwatched;
}

std::vector<LayerOperation> LayersTarget::timeline(const LayerTimes& times,
                                                   const std::optional<LimitRates>& rates) const {
  // Where an operation comes in several pieces, such as attention by blocks of heads, each has its share of the work.
  std::map<std::pair<int, std::pair<int, runners::Operation>>, double> n_pieces;
  const auto key = [](const runners::TimedOperation& one) {
    return std::pair(one.pass, std::pair(one.place.layer, one.place.operation));
  };
  for (const runners::TimedOperation& one : times.operations) ++n_pieces[key(one)];
  std::vector<LayerOperation> operations;
  double start_us = 0;
  for (const runners::TimedOperation& one : times.operations) {
    runners::OperationWork work = engine_->work_of(one.place, times.shapes[static_cast<std::size_t>(one.pass)]);
    work.bytes /= n_pieces[key(one)];
    work.flop /= n_pieces[key(one)];
    LayerOperation& operation = operations.emplace_back();
    operation.pass = one.pass;
    if (one.place.layer != runners::kOutsideLayers) operation.layer = one.place.layer;
    operation.operation = to_string(one.place.operation);
    operation.start_us = start_us;
    operation.time_us = median_of_times(one.time_us);
    operation.stddev_us = stddev_of_times(one.time_us);
    if (engine_->is_cuda()) operation.n_kernels = one.n_kernels;
    operation.bytes = work.bytes;
    operation.flop = work.flop;
    if (rates) operation.limit_us = limit_us(work, *rates, engine_->is_cuda());
    start_us += operation.time_us;
  }
  return operations;
}

Json kernels_json(const LayerTimes& times) {
  Json kernels = Json::array();
  for (const runners::TimedKernel& one : times.kernels) {
    kernels.push_back(
        {{"operation", to_string(one.operation)}, {"kernel", one.kernel}, {"n", one.n}, {"time_us", one.time_us}});
  }
  return kernels;
}

Result<Measured> LayersTarget::measure(const Setting& setting, std::uint64_t, std::stop_token stop) {
  const PassSetting& passes = setting.passes;
  ASSAY_TRY(check_size(setting));
  const auto batch = static_cast<int>(passes.batch), context = static_cast<int>(passes.context),
             n = static_cast<int>(passes.n_steps);
  const int n_behind = passes.is_decode ? engine_->watched_steps(n) : 0;
  ASSAY_ASSIGN(const auto pages, engine_->pages(batch, std::int64_t{context} + n_behind + 1));
  ASSAY_ASSIGN(const std::optional<LimitRates> rates, limit_rates(db_, device_facts()));
  if (stop.stop_requested()) return interrupted("stopped");

  const auto begin = std::chrono::steady_clock::now();
  run::GpuSampler gpu(
      run::GpuReader::open(run::pci_bus_ids(device_facts())),
      [&] { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count(); },
      kGpuSamplePeriod);
  ASSAY_ASSIGN(const Unwatched unwatched, run_unwatched(passes, pages));
  if (stop.stop_requested()) return interrupted("stopped");
  ASSAY_ASSIGN(const LayerTimes times, passes.is_decode
                                           ? engine_->watch_decode(batch, context, n, passes.temperature, pages)
                                           : engine_->watch_prefill(batch, context, n, pages));
  gpu.stop();

  Measured measured;
  measured.gpu_samples = gpu.take();
  measured.method_versions = layers_method_versions();
  if (has_faulty_clocks(measured.gpu_samples)) measured.reason_codes.emplace_back(reason::throttled);
  const std::vector<LayerOperation> operations = timeline(times, rates);
  auto& figures = measured.figures;
  figures["pass_ms"] = figure_of(unwatched.wall_ms);
  if (engine_->is_cuda()) figures["device_ms"] = figure_of(unwatched.device_ms);
  std::vector<double> run_ms = times.run_us;
  for (double& ms : run_ms) ms /= 1000;
  figures["traced_ms"] = figure_of(run_ms);
  double sum_us = 0;
  Json list = Json::array();
  for (const LayerOperation& operation : operations) {
    figures[operation.operation + "_us"].value += operation.time_us;
    sum_us += operation.time_us;
    list.push_back(to_json(operation));
  }
  figures["sum_ms"] = {sum_us / 1000, {}, {}};
  measured.details = {{"operations", std::move(list)},
                      {"limits", rates ? to_json(*rates) : Json()},
                      {"clock", engine_->is_cuda() ? "cupti" : "host"},
                      {"n_passes", times.run_us.size()}};
  if (engine_->is_cuda()) measured.details["kernels"] = kernels_json(times);
  return measured;
}

}  // namespace

Result<std::optional<LimitRates>> limit_rates(const std::filesystem::path& db, const runners::DeviceFacts& device) {
  std::error_code ignored;
  if (std::filesystem::exists(db, ignored)) {
    ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(db));
    ASSAY_ASSIGN(const auto machine, results::newest_ceilings(store, device.name));
    if (machine) {
      return std::optional(LimitRates{machine->best("read"), machine->best("bf16"), machine->best("fp8"),
                                      machine->best("fp32"), "measured", machine->run_id.value});
    }
  }
  ASSAY_ASSIGN(const auto profiles, results::load_hardware(results::user_hardware_folder()));
  const bool is_gpu = device.kind == "cuda";
  const auto memory = device.details.find("memory_bytes");
  const auto processor = device.details.find("processor");
  const results::HardwareProfile* profile = results::match_hardware(
      profiles, is_gpu ? "gpu" : "cpu",
      is_gpu || processor == device.details.end() ? device.name : processor->get<std::string>(),
      memory == device.details.end() ? std::nullopt : std::optional(memory->get<std::uint64_t>()));
  if (profile == nullptr) return std::optional<LimitRates>{};
  return std::optional(LimitRates{profile->value("memory_bandwidth_gb_per_s"), profile->value("bf16_tflops"),
                                  profile->value("fp8_tflops"), profile->value("fp32_tflops"), "published",
                                  profile->name});
}

std::optional<double> limit_us(const runners::OperationWork& work, const LimitRates& rates, bool is_gpu) {
  const std::optional<double>& tflops = !is_gpu       ? rates.fp32_tflops
                                        : work.is_fp8 ? rates.fp8_tflops
                                                      : rates.bf16_tflops;
  if (work.bytes <= 0 && work.flop <= 0) return {};
  if ((work.bytes > 0 && !rates.read_gb_per_s) || (work.flop > 0 && !tflops)) return {};
  const double move_us = work.bytes > 0 ? work.bytes / *rates.read_gb_per_s * 1e-3 : 0;
  const double compute_us = work.flop > 0 ? work.flop / *tflops * 1e-6 : 0;
  return std::max(move_us, compute_us);
}

const std::map<std::string, std::pair<int, std::string>>& layers_methods() {
  static const std::map<std::string, std::pair<int, std::string>> methods = {
      {"pass_ms", {1, "as of a decode or prefill point, nothing watched; of prompts all of their passes"}},
      {"device_ms", {1, "the same passes by the device's clock"}},
      {"traced_ms", {1, "the sum of what the operations of a watched pass add; the median of the passes"}},
      {"time_us",
       {1,
        "from the end of all operations that ended before to its own end, by the device's records of each kernel "
        "(CUPTI), or by the host's clock on a CPU; the median of the watched passes"}},
      {"bytes", {1, "weights, cached keys and values, rows in and out, each once; experts as rows hit them evenly"}}};
  return methods;
}

Json layers_method_versions() {
  Json json = Json::object();
  for (const auto& [metric, method] : layers_methods()) json[metric] = method.first;
  return json;
}

Result<std::unique_ptr<Target>> open_layers_target(const run::RunnerOptions& options, const runners::PassLimits& limits,
                                                   run::ProgressStyle progress, std::filesystem::path db) {
  ASSAY_ASSIGN(std::unique_ptr<runners::PassEngine> engine, open_pass_engine(options, limits, progress));
  return std::unique_ptr<Target>(std::make_unique<LayersTarget>(std::move(engine), std::move(db)));
}

}  // namespace assay::bench
