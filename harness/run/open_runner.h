#pragma once
// From the words of --model and --device to a runner: the one place that chooses.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "harness/run/progress.h"
#include "runners/api/endpoint_runner.h"
#include "runners/engine/load_options.h"
#include "runners/engine/parallel.h"
#include "runners/live_runner.h"
#include "runners/runner.h"

namespace assay::runners {
class PartGroup;
}

namespace assay::run {

/// Memory for the KV cache: so many bytes, or a share of what is available. Empty: the runner decides.
struct KvMemory {
  std::optional<std::int64_t> bytes;
  std::optional<double> pct;  ///< in (0, 100]
};

/// "2GiB", "512MB", "4096" (bytes) or "80%". Error{bad_input} says what is right.
Result<KvMemory> parse_kv_memory(std::string_view text);

/// How patient a run is with an endpoint, and where its key is. What is empty is left to the runner.
struct EndpointWords {
  std::string api_key_env;  ///< the variable that holds the key; empty: ASSAY_API_KEY
  std::optional<double> reply_timeout_s;
  std::optional<double> idle_timeout_s;
  std::optional<std::int64_t> retries;
  bool operator==(const EndpointWords&) const = default;
};

/// What a runner is opened with. A recording ignores all but `model`, an endpoint all but `model`, `max_batch` and
/// `endpoint`.
struct RunnerOptions {
  std::string model;                      ///< REF as INTERFACE.md says
  std::string device = "auto";            ///< auto, cpu, cuda, cuda:0, cuda:0,1
  runners::ParallelOptions parallel;      ///< over how many GPUs the model is spread
  runners::PartGroup* parts = nullptr;    ///< or over these processes, of which this one leads; outlives the runner
  std::string cuda_path = "auto";         ///< a GPU's kernels: auto, hopper, portable
  std::string chat_template;              ///< a template's name; empty: the model's own
  std::optional<std::int64_t> max_batch;  ///< sequences in flight at most; empty: what fits
  KvMemory kv_memory;
  bool canary = false;            ///< the native engine shows first what its logits are, see runners/engine/canary.h
  runners::LoadOptions load;      ///< its threads also run the model
  std::optional<bool> speculate;  ///< draft with the model's MTP module; empty: the runner decides
  EndpointWords endpoint;
};

/// What kind of REF it is, by its spelling alone.
enum class ReferenceKind { replay, endpoint, model };
ReferenceKind reference_kind(std::string_view reference);

/// What an endpoint is opened with: the key out of the environment, $SSL_CERT_FILE and $SSL_CERT_DIR in place of the
/// system's authorities. Error{bad_input} for a REF that is no endpoint's, and for a variable that holds no key.
Result<runners::EndpointOptions> endpoint_options(const RunnerOptions& options);

/// Opens the runner for a REF: `replay:FILE` a recording, http(s) an endpoint, a folder or registered name the native
/// engine. Error{bad_input} for a broken model or address, Error{environment} for a missing device or an endpoint that
/// is down.
/// `progress` is how a long load is shown.
Result<std::unique_ptr<runners::Runner>> open_runner(const RunnerOptions& options, ProgressStyle progress);

/// Opens a REF for work that comes while other work is done. Errors as above; a recording can't be asked.
Result<std::unique_ptr<runners::LiveRunner>> open_live_runner(const RunnerOptions& options, ProgressStyle progress);

}  // namespace assay::run
