#include "runners/engine/native_device.h"

#include <algorithm>
#include <numeric>

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "runners/engine/cpu/cpu_executor.h"
#include "runners/engine/host.h"
#include "runners/engine/parts/leading_executor.h"
#include "runners/engine/parts/part_group.h"

namespace assay::runners {

namespace {

/// The numbers in cuda:i,j, a different one for each rank; cuda alone is the first ones.
Result<std::vector<int>> cuda_ordinals(const std::string& word, const ParallelOptions& parallel) {
  const auto n_ranks = static_cast<std::size_t>(parallel.n_ranks());
  std::vector<int> ordinals(n_ranks);
  std::iota(ordinals.begin(), ordinals.end(), 0);
  if (word == "cuda") return ordinals;
  const Error wrong = bad_input("--device must be auto, cpu or cuda[:i[,j...]], is ", quoted_excerpt(word));
  if (!word.starts_with("cuda:")) return wrong;
  ordinals.clear();
  for (const std::string& text : split(word.substr(5), ',')) {
    const auto ordinal = parse_integer(text);
    if (!ordinal || *ordinal < 0 || *ordinal > 1023) return wrong;
    if (std::find(ordinals.begin(), ordinals.end(), *ordinal) != ordinals.end()) {
      return bad_input("--device ", word, ": names GPU ", *ordinal, " twice");
    }
    ordinals.push_back(static_cast<int>(*ordinal));
  }
  if (ordinals.size() != n_ranks) {
    return bad_input("--device ", word, ": names ", ordinals.size(), " GPUs, the model is spread over ", n_ranks,
                     "; give --tensor-parallel or --expert-parallel with their number");
  }
  return ordinals;
}

/// The option that asks for several GPUs.
std::string option_of(const ParallelOptions& parallel) {
  return (parallel.tensor_parallel > 1 ? "--tensor-parallel " : "--expert-parallel ") +
         std::to_string(parallel.n_ranks());
}

/// The devices of all parts: their hosts, and of GPUs what is told of those in one process.
Json part_devices(const NativeDevice& device) {
  Json devices = Json::array();
  devices.push_back({{"host", device.parts->host_of(0)}});
  if (device.cuda) {
    devices[0].update(
        {{"ordinal", device.cuda->ordinal}, {"name", device.cuda->name}, {"pci_bus_id", device.cuda->pci_bus_id}});
  }
  for (const Json& facts : device.part_facts) {
    Json& one = devices.emplace_back(Json{{"host", device.parts->host_of(static_cast<int>(devices.size()))}});
    for (const char* key : {"ordinal", "pci_bus_id"}) {
      if (facts.is_object() && facts.contains(key)) one[key] = facts[key];
    }
    if (device.cuda) one["name"] = device.cuda->name;
  }
  return devices;
}

/// How a model is spread, and over which GPUs, rank by rank.
Json parallel_details(const NativeDevice& device) {
  Json devices = Json::array();
  const auto add = [&](const CudaDevice& gpu) {
    devices.push_back({{"ordinal", gpu.ordinal}, {"name", gpu.name}, {"pci_bus_id", gpu.pci_bus_id}});
  };
  add(*device.cuda);
  for (const CudaDevice& peer : device.peers) add(peer);
  if (device.parts != nullptr) devices = part_devices(device);
  Json details = {{"tensor_parallel", device.parallel.tensor_parallel},
                  {"expert_parallel", device.parallel.expert_parallel},
                  {"devices", std::move(devices)}};
  if (device.parallel.link_gb_per_s > 0) details["link_gb_per_s"] = device.parallel.link_gb_per_s;
  return details;
}

}  // namespace

Result<NativeDevice> open_native_device(const std::string& word, const std::string& cuda_path,
                                        const ParallelOptions& parallel, PartGroup* parts) {
  ASSAY_TRY(check_parallel(parallel));
  if (parts != nullptr) {
    ASSAY_ASSIGN(NativeDevice own, open_native_device(word, cuda_path));
    own.parallel = parallel;
    own.parts = parts;
    return own;
  }
  NativeDevice device;
  device.parallel = parallel;
  const bool is_one = parallel.n_ranks() == 1;
  const bool any_path = cuda_path == "auto";
  if (word == "cpu") {
    if (!any_path) return bad_input("--cuda-path ", cuda_path, ": chooses a GPU's kernels; give --device cuda");
    if (!is_one)
      return bad_input(option_of(parallel),
                       ": spreads a model over GPUs; give --device cuda, or spread it over processes with --across");
    return device;
  }
  if (word == "auto" && any_path && is_one) {
    if (Result<CudaDevice> first = open_cuda_device(0)) {
      device.cuda = std::move(*first);
    } else {
      log_detail("no GPU is used: ", first.error().message);
    }
    return device;
  }
  ASSAY_ASSIGN(const std::vector<int> ordinals, cuda_ordinals(word == "auto" ? "cuda" : word, parallel));
  Result<std::vector<CudaDevice>> opened = open_cuda_devices(ordinals, cuda_path);
  if (!opened) {
    const std::string asked = is_one ? "--device " + word : option_of(parallel);
    return Error{opened.error().kind, asked + ": " + opened.error().message};
  }
  device.cuda = opened->front();
  device.peers.assign(opened->begin() + 1, opened->end());
  device.by_name = true;
  return device;
}

Result<> settle_device(const Model& model, NativeDevice& device) {
  if (!device.cuda && device.parallel.expert_parallel > 1) {
    return bad_input("--expert-parallel ", device.parallel.expert_parallel,
                     ": processors share all products of a model; give --tensor-parallel");
  }
  if (!device.cuda) return {};
  ASSAY_TRY(check_parallel_model(model.config, device.parallel));
  const Result<> runs = check_cuda_model(model);
  if (device.by_name || (device.parts != nullptr && !runs)) return runs;
  if (runs) return {};
  log_note("the model runs on the CPU: ", runs.error().message);
  device.cuda.reset();
  return {};
}

LoadOptions load_options_on(const NativeDevice& device, LoadOptions asked) {
  if (!device.cuda || device.cuda->path != "portable") return asked;
  asked.fp8 = Fp8Weights::widen;
  asked.quantized = QuantizedWeights::widen;
  return asked;
}

ExecutorOptions default_limits(const NativeDevice& device) {
  ExecutorOptions limits;
  if (!device.cuda) return limits;
  limits.max_batch = 256;
  limits.kv_memory_pct = 90;
  limits.prefill_chunk_tokens = 4096;
  return limits;
}

DeviceFacts device_facts_of(const NativeDevice& device, int n_threads, kernels::SimdLevel level, int max_batch) {
  const std::string processor = processor_name();
  DeviceFacts facts;
  facts.details = {{"processor", processor}, {"n_threads", n_threads}, {"max_batch", max_batch}};
  if (!device.cuda) {
    facts.kind = "cpu";
    facts.name = processor + ", " + std::to_string(n_threads) + " threads, " + kernels::to_string(level);
    facts.details["simd_level"] = kernels::to_string(level);
    if (device.parts != nullptr && device.parts->leads()) facts.details["parts"] = part_devices(device);
    return facts;
  }
  const CudaDevice& gpu = *device.cuda;
  facts.kind = "cuda";
  facts.name = gpu.name;
  facts.details.update({{"ordinal", gpu.ordinal},
                        {"pci_bus_id", gpu.pci_bus_id},
                        {"compute_capability", gpu.compute_capability},
                        {"cuda_path", gpu.path},
                        {"n_multiprocessors", gpu.n_multiprocessors},
                        {"memory_bytes", gpu.memory_bytes},
                        {"driver_cuda_version", gpu.driver_version},
                        {"runtime_cuda_version", gpu.runtime_version}});
  const bool leads = device.parts != nullptr && device.parts->leads();
  if (!device.peers.empty() || leads) facts.details.update(parallel_details(device));
  return facts;
}

Result<std::unique_ptr<Executor>> create_executor(const Model& model, const NativeDevice& device,
                                                  const ExecutorOptions& options, const LoadOptions& load,
                                                  const Compute& compute) {
  if (device.parts != nullptr) return create_leading_executor(model, device, options, load, compute);
  if (!device.peers.empty()) {
    std::vector<int> ordinals{device.cuda->ordinal};
    for (const CudaDevice& peer : device.peers) ordinals.push_back(peer.ordinal);
    return create_parallel_executor(model, ordinals, device.parallel, options, load);
  }
  if (device.cuda) return create_cuda_executor(model, options, load);
  return create_cpu_executor(model, compute, options);
}

}  // namespace assay::runners
