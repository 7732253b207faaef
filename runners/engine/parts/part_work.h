#pragma once
// What part 0 tells the others to load, and what they say when they have: as JSON.

#include <filesystem>
#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "runners/engine/executor.h"
#include "runners/engine/load_options.h"
#include "runners/engine/parallel.h"

namespace assay::runners {

struct PartWork {
  std::filesystem::path path;  ///< the model's folder or file, where part 0 has it
  bool on_gpu = false;
  std::string cuda_path = "auto";  ///< whose kernels run
  ParallelOptions parallel;
  LoadOptions load;  ///< but for threads and progress, which are each process's own
  ExecutorOptions limits;
  std::string meeting_place;  ///< of GPUs: make_meeting_place()
};

struct PartReady {
  std::string model_sha256;  ///< of the weights; of config.json where they are random
  std::string device;        ///< "cpu", or "cuda 90 hopper": must be equal
  Json facts;                ///< of the device, as they are stored
};

Json to_json(const PartWork& work);
Result<PartWork> parse_part_work(std::string_view text);
Json to_json(const PartReady& ready);
Result<PartReady> parse_part_ready(std::string_view text);

}  // namespace assay::runners
