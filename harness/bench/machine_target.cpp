#include "harness/bench/machine_target.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "harness/base/text.h"
#include "harness/run/environment.h"
#include "harness/run/gpu_sampler.h"
#include "kernels/ceilings/ceilings.h"
#include "kernels/simd/simd_choice.h"
#include "results/analysis/moments.h"
#include "results/ceilings.h"
#include "runners/engine/native_device.h"

namespace assay::bench {

namespace {

using kernels::CeilingDevice;
using kernels::CeilingMethod;
using kernels::CollectiveOperation;

constexpr std::chrono::milliseconds kClockPeriod(50);
constexpr CollectiveOperation kOperations[] = {CollectiveOperation::peer_copy,      CollectiveOperation::peer_exchange,
                                               CollectiveOperation::all_reduce,     CollectiveOperation::all_gather,
                                               CollectiveOperation::reduce_scatter, CollectiveOperation::all_to_all};
constexpr std::int64_t kLeastBytes = 4096;
constexpr int kRoundsOfPoint = 5;

/// A device with what is measured on it.
struct Measurable {
  std::string label;       // "gpu 0", "cpu"
  std::string pci_bus_id;  // of a GPU
  std::unique_ptr<CeilingDevice> device;
  std::optional<run::GpuReader> reader;  // keeps the library open: others open it in no time then
};

class MachineTarget final : public Target {
 public:
  /// What can be measured; `target` is left empty.
  Result<OpenMachine> open(const MachineOptions& options);

  runners::ModelFacts model_facts() const override {
    return {"machine", results::kMachineReference, "", "", Json::object()};
  }
  runners::DeviceFacts device_facts() const override { return facts_; }
  Result<Measured> measure(const Setting& setting, std::uint64_t seed, std::stop_token stop) override;

 private:
  Result<> open_gpus(const MachineOptions& options, OpenMachine& machine);
  Result<> open_links(const MachineOptions& options, OpenMachine& machine);
  void add_settings(const Measurable& measurable, OpenMachine& machine) const;
  Result<Measured> measure_ceiling(const MachineSetting& setting);
  Result<Measured> measure_links(const MachineSetting& setting) const;
  Result<Measured> measure_operation(const MachineSetting& setting);

  runners::DeviceFacts facts_;
  std::vector<Measurable> devices_;
  std::unique_ptr<kernels::LinkCeilings> links_;
  std::map<double, kernels::LinkPace> paces_;  // by GB/s
};

std::string index_of(const std::string& label) { return label.substr(label.find(' ') + 1); }

Setting setting_of(const Measurable& measurable, const CeilingMethod& method) {
  Setting setting;
  setting.kind = results::kMachineKind;
  MachineSetting& machine = setting.machine;
  machine.device = measurable.label;
  machine.device_name = measurable.device->name();
  machine.what = method.ceiling;
  machine.by = method.by;
  machine.bytes = method.n_bytes;
  machine.m = method.m;
  machine.n = method.n;
  machine.k = method.k;
  return setting;
}

void MachineTarget::add_settings(const Measurable& measurable, OpenMachine& machine) const {
  for (const CeilingMethod& method : measurable.device->methods()) {
    machine.settings.push_back(setting_of(measurable, method));
  }
  for (const std::string& missing : measurable.device->missing()) {
    machine.missing.push_back(measurable.label + ": " + missing);
  }
  if (measurable.pci_bus_id.empty()) return;
  const auto links = measurable.reader ? measurable.reader->links() : std::nullopt;
  if (!links) {
    machine.missing.push_back(measurable.label + ": links, which " + run::kNvmlLibrary + " does not tell of");
    return;
  }
  machine.settings.push_back(setting_of(measurable, {"links", "nvml", "n_links"}));
}

Result<> MachineTarget::open_gpus(const MachineOptions& options, OpenMachine& machine) {
  const Result<int> n_gpus = kernels::count_gpus();
  if (!n_gpus || *n_gpus == 0) {
    const std::string reason = n_gpus ? "CUDA shows none" : n_gpus.error().message;
    if (options.need_gpus) return environment_error("no GPU: ", reason);
    machine.missing.push_back("GPUs: " + reason);
    return {};
  }
  Json devices = Json::array();
  for (int ordinal = 0; ordinal < *n_gpus; ++ordinal) {
    ASSAY_ASSIGN(const runners::CudaDevice gpu, runners::open_cuda_device(ordinal));
    devices.push_back({{"ordinal", ordinal}, {"name", gpu.name}, {"pci_bus_id", gpu.pci_bus_id}});
    if (ordinal == 0) {
      runners::NativeDevice first;
      first.cuda = gpu;
      facts_ = runners::device_facts_of(first, options.n_threads, kernels::best_simd_level(), 0);
    }
    if (!options.with_ceilings) continue;
    ASSAY_ASSIGN(auto device, kernels::open_gpu_ceilings(ordinal));
    devices_.push_back(
        {"gpu " + std::to_string(ordinal), gpu.pci_bus_id, std::move(device), run::GpuReader::open(gpu.pci_bus_id)});
    add_settings(devices_.back(), machine);
  }
  if (devices.size() > 1) facts_.details["devices"] = std::move(devices);
  return options.with_collectives ? open_links(options, machine) : Result<>();
}

Result<> MachineTarget::open_links(const MachineOptions& options, OpenMachine& machine) {
  ASSAY_ASSIGN(const int n_gpus, kernels::count_gpus());
  const int n_ranks = n_gpus >= 8 ? 8 : n_gpus >= 4 ? 4 : n_gpus;
  if (n_ranks < 2) {
    machine.missing.emplace_back("collectives: need two GPUs, here is one");
    return {};
  }
  ASSAY_ASSIGN(links_, kernels::open_link_ceilings(n_ranks));
  for (const double gb_per_s : options.link_gb_per_s) {
    ASSAY_ASSIGN(paces_[gb_per_s], links_->pace_for(1e9 * gb_per_s));
  }
  const bool has_nccl = !links_->nccl_version().empty();
  if (!has_nccl) machine.missing.push_back("NCCL beside our own collectives: " + links_->nccl_reason());
  const auto add = [&](CollectiveOperation operation, const char* by, std::optional<double> held_to) {
    const std::int64_t most =
        operation == CollectiveOperation::all_gather ? kernels::kMostLinkBytes / n_ranks : kernels::kMostLinkBytes;
    for (std::int64_t bytes = kLeastBytes; bytes <= most; bytes *= 4) {
      Setting setting;
      setting.kind = results::kCollectiveKind;
      setting.machine = {"gpus", facts_.name, std::string(to_string(operation)), by, bytes, 0, 0, 0, n_ranks, held_to};
      machine.settings.push_back(std::move(setting));
    }
  };
  for (const CollectiveOperation operation : kOperations) {
    add(operation, "own", {});
    const bool is_copy = operation == CollectiveOperation::peer_copy || operation == CollectiveOperation::peer_exchange;
    if (has_nccl && !is_copy) add(operation, "nccl", {});
    for (const double gb_per_s : options.link_gb_per_s) add(operation, "own", gb_per_s);
  }
  return {};
}

Result<OpenMachine> MachineTarget::open(const MachineOptions& options) {
  OpenMachine machine;
  if (options.with_cpu && options.with_ceilings) {
    ASSAY_ASSIGN(const kernels::SimdLevel level, kernels::chosen_simd_level());
    const runners::DeviceFacts facts = runners::device_facts_of({}, options.n_threads, level, 0);
    devices_.push_back(
        {"cpu", "", kernels::open_cpu_ceilings(kernels::cpu_ops(level), options.n_threads, facts.name), std::nullopt});
    add_settings(devices_.back(), machine);
    facts_ = facts;
  }
  if (options.with_gpus) ASSAY_TRY(open_gpus(options, machine));
  if (machine.settings.empty()) {
    std::string reasons;
    for (const std::string& reason : machine.missing) reasons += (reasons.empty() ? "" : "; ") + reason;
    return environment_error("nothing to measure: ", reasons);
  }
  return {std::move(machine)};
}

/// What the GPU was like while the timed part lasted, the last `timed_s` of the samples.
Json conditions_of(const std::vector<results::GpuSample>& samples, double timed_s) {
  if (samples.empty()) return Json::object();
  const double from_ms = samples.back().at_ms - 1000 * timed_s;
  std::vector<double> clocks, watts, degrees;
  std::int64_t reasons = 0;
  constexpr std::int64_t kIdle = 1;  // nvmlClocksThrottleReasonGpuIdle: what a sample before or after says
  for (const results::GpuSample& sample : samples) {
    if (sample.at_ms < from_ms) continue;
    if (sample.sm_clock_mhz) clocks.push_back(*sample.sm_clock_mhz);
    if (sample.power_watts) watts.push_back(*sample.power_watts);
    if (sample.temperature_c) degrees.push_back(*sample.temperature_c);
    reasons |= sample.throttle_reasons.value_or(0) & ~kIdle;
  }
  Json json = Json::object();
  const auto add = [&](const char* key, const std::vector<double>& values) {
    if (!values.empty()) json[key] = *results::quantile(values, 0.5);
  };
  add("sm_clock_mhz", clocks);
  add("power_watts", watts);
  add("temperature_c", degrees);
  if (!clocks.empty()) json["sm_clock_mhz_min"] = *std::min_element(clocks.begin(), clocks.end());
  json["throttle_reasons"] = reasons;
  return json;
}

Json machine_method_versions(const std::string& metric) { return {{metric, machine_methods().at(metric).first}}; }

Result<Measured> MachineTarget::measure_links(const MachineSetting& setting) const {
  const auto device = std::find_if(devices_.begin(), devices_.end(),
                                   [&](const Measurable& one) { return one.label == setting.device; });
  const auto links = device->reader->links();
  if (!links) return environment_error(setting.device, ": ", run::kNvmlLibrary, " no longer tells of its links");
  Measured measured;
  measured.provenance = "published";
  measured.figures["n_links"] = {static_cast<double>(links->n_links), {}, {}};
  if (links->link_gb_per_s) measured.figures["link_gb_per_s"] = {*links->link_gb_per_s, {}, {}};
  measured.method_versions = machine_method_versions("n_links");
  return measured;
}

Result<Measured> MachineTarget::measure_ceiling(const MachineSetting& setting) {
  if (setting.by == "nvml") return measure_links(setting);
  const auto device = std::find_if(devices_.begin(), devices_.end(),
                                   [&](const Measurable& one) { return one.label == setting.device; });
  const std::vector<CeilingMethod> methods = device->device->methods();
  const auto method = std::find_if(methods.begin(), methods.end(), [&](const CeilingMethod& one) {
    return one.ceiling == setting.what && one.by == setting.by;
  });
  const auto begin = std::chrono::steady_clock::now();
  run::GpuSampler gpu(
      run::GpuReader::open(device->pci_bus_id),
      [&] { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count(); },
      kClockPeriod);
  ASSAY_ASSIGN(const kernels::CeilingReading reading, device->device->measure(*method));
  gpu.stop();
  Measured measured;
  measured.gpu_samples = gpu.take();
  for (results::GpuSample& sample : measured.gpu_samples) {
    sample.gpu = parse_integer(index_of(setting.device)).value_or(0);
  }
  const std::string metric(method->metric);
  measured.figures[metric] = {reading.value, reading.stddev, reading.n};
  measured.method_versions = machine_method_versions(metric);
  measured.details = conditions_of(measured.gpu_samples, reading.timed_s);
  measured.details["warm_s"] = reading.warm_s;
  measured.details["seconds"] = reading.timed_s;
  if (has_faulty_clocks(measured.gpu_samples)) measured.reason_codes.emplace_back(reason::throttled);
  return measured;
}

Result<Measured> MachineTarget::measure_operation(const MachineSetting& setting) {
  const auto* const operation = std::find_if(std::begin(kOperations), std::end(kOperations),
                                             [&](CollectiveOperation one) { return to_string(one) == setting.what; });
  kernels::LinkPace pace;
  if (setting.link_gb_per_s) pace = paces_.at(*setting.link_gb_per_s);
  ASSAY_ASSIGN(const std::vector<double> times_us,
               links_->times_us(*operation, setting.by == "nccl", setting.bytes, pace, kRoundsOfPoint));
  ASSAY_ASSIGN(const double median_us, results::quantile(times_us, 0.5));
  ASSAY_ASSIGN(const double variance, results::sample_variance(times_us));
  const double link_bytes =
      kernels::link_bytes(*operation, static_cast<int>(setting.n_ranks), static_cast<double>(setting.bytes));
  Measured measured;
  if (setting.link_gb_per_s) measured.provenance = "emulated";
  measured.figures["time_us"] = {median_us, std::sqrt(variance), kRoundsOfPoint};
  measured.figures["bus_gb_per_s"] = {link_bytes / median_us * 1e-3, {}, kRoundsOfPoint};
  measured.method_versions = machine_method_versions("bus_gb_per_s");
  measured.details = {{"nccl_version", setting.by == "nccl" ? Json(links_->nccl_version()) : Json()}};
  if (setting.link_gb_per_s) {
    measured.details["n_blocks"] = pace.n_blocks;
    measured.details["short_pieces"] = pace.short_pieces;
  }
  return measured;
}

Result<Measured> MachineTarget::measure(const Setting& setting, std::uint64_t, std::stop_token) {
  return setting.kind == results::kCollectiveKind ? measure_operation(setting.machine)
                                                  : measure_ceiling(setting.machine);
}

}  // namespace

const std::map<std::string, std::pair<int, std::string>>& machine_methods() {
  static const std::map<std::string, std::pair<int, std::string>> methods = {
      {"gb_per_s", {1, "bytes over the device's time, behind a warm-up; of a copy those read and those written"}},
      {"tflops", {1, "two operations a multiply-add over the device's time, clocks settled"}},
      {"time_us", {1, "mean over launches, gaps or barriers that follow each other"}},
      {"n_links", {1, "active links, as the driver's management library says"}},
      {"bus_gb_per_s",
       {1,
        "bytes that a rank's link must carry one way at the least, over the time of a call in a graph of such; the "
        "median of rounds"}}};
  return methods;
}

Result<OpenMachine> open_machine(const MachineOptions& options) {
  auto target = std::make_unique<MachineTarget>();
  ASSAY_ASSIGN(OpenMachine machine, target->open(options));
  machine.target = std::move(target);
  return {std::move(machine)};
}

}  // namespace assay::bench
