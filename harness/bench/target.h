#pragma once
// What is measured: settings, and a loaded model that is measured in one after another.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/bench/arrivals.h"
#include "harness/bench/judgement.h"
#include "harness/bench/serve_figures.h"
#include "results/points.h"
#include "runners/runner.h"

namespace assay::bench {

/// A load on a model that takes requests.
struct ServeSetting {
  Arrivals arrivals;
  double duration_ms = 20'000;
  std::int64_t max_requests = kMostRequests;
  std::int64_t prompt_tokens = 128;       ///< about: words are counted off by what two prompts turned out to be
  std::int64_t shared_prefix_tokens = 0;  ///< that all prompts share, in addition
  std::int64_t output_tokens = 64;        ///< at most: a model may end before
  bool raw = false;                       ///< prompts as they are, without the chat template
  std::vector<std::string> prompts;       ///< of a suite, asked in turn; empty: made
  std::string prompts_from;               ///< the suite's name; empty: made
  runners::SamplingParams sampling;
  std::optional<ServiceLevel> level;
  Demands demands;
};

/// Passes of the native engine, with no server in between.
struct PassSetting {
  bool is_decode = true;       ///< else prefill; of layers too
  std::int64_t batch = 1;      ///< sequences, or prompts
  std::int64_t context = 256;  ///< positions before the first decoded one, or tokens of each prompt
  std::int64_t n_steps = 48;   ///< decode passes that are measured; prompts are prefilled once, of layers so often
  double temperature = 0;
};

/// A ceiling of a device, or an operation over several GPUs at one size: words and numbers of results/README.md.
struct MachineSetting {
  std::string device;                           ///< "gpu 0", "cpu"; of an operation "gpus"
  std::string device_name;                      ///< as it calls itself
  std::string what;                             ///< the ceiling, or the operation
  std::string by;                               ///< what is to reach it
  std::int64_t bytes = 0, m = 0, n = 0, k = 0;  ///< 0: doesn't apply
  std::int64_t n_ranks = 0;                     ///< of an operation
  std::optional<double> link_gb_per_s;          ///< the rate that it is held back to
};

struct Setting {
  std::string kind;  ///< "serve", "decode", "prefill", "layers", "machine", "collective"
  ServeSetting serve;
  PassSetting passes;
  MachineSetting machine;
  Priced priced;

  std::string name() const;  ///< in words: what tells it apart from others of its run
  Json to_json() const;      ///< all of it, as it is stored
};

/// What one measurement gave.
struct Measured {
  std::map<std::string, results::PointFigure> figures;
  std::vector<std::string> reason_codes;
  Json method_versions = Json::object();
  Json details = Json::object();
  std::string provenance = "measured";          ///< or "emulated"
  std::vector<results::GpuSample> gpu_samples;  ///< at_ms counted from the measurement's beginning
  bool was_stopped = false;                     ///< then it is no point
};

class Target {
 public:
  virtual ~Target() = default;
  virtual runners::ModelFacts model_facts() const = 0;
  virtual runners::DeviceFacts device_facts() const = 0;
  /// `seed` makes prompts and arrivals of a repeat its own. Errors end the benchmark.
  virtual Result<Measured> measure(const Setting& setting, std::uint64_t seed, std::stop_token stop) = 0;
};

}  // namespace assay::bench
