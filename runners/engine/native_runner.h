#pragma once
// The native engine as a runner: a model, its tokenizer and chat template, and a scheduler over the CPU's
// threads.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "harness/base/result.h"
#include "runners/engine/load_options.h"
#include "runners/engine/parallel.h"
#include "runners/runner.h"

namespace assay::runners {

class PartGroup;

struct NativeOptions {
  std::string model;                      ///< REF as the user wrote it
  std::filesystem::path path;             ///< its folder, or its GGUF file
  std::string device = "auto";            ///< auto, cpu, cuda, cuda:i, cuda:i,j
  ParallelOptions parallel = {};          ///< over how many GPUs the model is spread
  PartGroup* parts = nullptr;             ///< or over these processes, of which this one leads; outlives the runner
  std::string cuda_path = "auto";         ///< a GPU's kernels: auto, hopper, portable
  std::string chat_template;              ///< a template's name; empty: the model's own
  std::optional<std::int64_t> max_batch;  ///< sequences that decode together; empty: 64
  std::optional<std::int64_t> kv_memory_bytes;  ///< empty: kv_memory_pct
  std::optional<double> kv_memory_pct;          ///< of the memory that is available now; empty: 50
  std::optional<bool> speculate;                ///< draft with the MTP module; empty: off
  bool canary = false;                          ///< run the logits canary first; device_facts() then has its result
  LoadOptions load;                             ///< its threads also run the model
};

/// Loads a model and makes it ready to run. Error{bad_input} names the file and what is wrong with it;
/// Error{environment} for a device that isn't there or memory that can't be had.
Result<std::unique_ptr<Runner>> open_native_runner(const NativeOptions& options);

}  // namespace assay::runners
