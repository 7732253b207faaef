#include "runners/engine/native_device.h"

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "runners/engine/cpu/cpu_executor.h"

namespace assay::runners {

namespace {

/// The number in cuda:i; cuda alone is the first.
Result<int> cuda_ordinal(const std::string& word) {
  if (word == "cuda") return 0;
  const std::string list = word.substr(word.find(':') + 1);
  if (list.find(',') != std::string::npos) {
    return bad_input("--device ", word, ": this version runs on one GPU; give cuda:i");
  }
  const auto ordinal = parse_integer(list);
  if (!word.starts_with("cuda:") || !ordinal || *ordinal < 0 || *ordinal > 1023) {
    return bad_input("--device must be auto, cpu or cuda[:i], is ", quoted_excerpt(word));
  }
  return static_cast<int>(*ordinal);
}

}  // namespace

Result<NativeDevice> open_native_device(const std::string& word, const std::string& cuda_path) {
  NativeDevice device;
  const bool any_path = cuda_path == "auto";
  if (word == "cpu") {
    if (!any_path) return bad_input("--cuda-path ", cuda_path, ": chooses a GPU's kernels; give --device cuda");
    return device;
  }
  if (word == "auto" && any_path) {
    if (Result<CudaDevice> first = open_cuda_device(0)) {
      device.cuda = std::move(*first);
    } else {
      log_detail("no GPU is used: ", first.error().message);
    }
    return device;
  }
  ASSAY_ASSIGN(const int ordinal, cuda_ordinal(word == "auto" ? "cuda" : word));
  Result<CudaDevice> opened = open_cuda_device(ordinal, cuda_path);
  if (!opened) return Error{opened.error().kind, "--device " + word + ": " + opened.error().message};
  device.cuda = std::move(*opened);
  device.by_name = true;
  return device;
}

Result<> settle_device(const Model& model, NativeDevice& device) {
  if (!device.cuda) return {};
  const Result<> runs = check_cuda_model(model);
  if (device.by_name) return runs;
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

Result<std::unique_ptr<Executor>> create_executor(const Model& model, const NativeDevice& device,
                                                  const ExecutorOptions& options, const LoadOptions& load,
                                                  const Compute& compute) {
  if (device.cuda) return create_cuda_executor(model, options, load);
  return create_cpu_executor(model, compute, options);
}

}  // namespace assay::runners
