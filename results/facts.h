#pragma once
// What a results database holds: plain facts, as they are written. Everything that can be computed from them is a view
// or lives in summary.h. Each field is spelled as its column in schema/. What is not known is empty, never 0.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/ids.h"
#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::results {

/// The five outcomes of a sample. Only `correct` scores; the other four are never counted as one another.
enum class Verdict { correct, incorrect, no_answer, truncated, error };
std::string to_string(Verdict verdict);
/// Error{bad_input} lists the five words.
Result<Verdict> parse_verdict(std::string_view text);

/// `running` also stays behind when a process was killed; whether one still writes is RunRecord::is_active.
enum class RunState { running, finished, interrupted };
std::string to_string(RunState state);
Result<RunState> parse_run_state(std::string_view text);

/// What a device did while it was given passes.
struct DeviceTime {
  double prefill_ms = 0;  ///< worked on prompts
  double decode_ms = 0;   ///< worked on generated tokens
  double idle_ms = 0;     ///< waited for the host between two passes
};

/// A GPU at one moment of a segment, as the driver's management library says. Of a run on processors, their packages'
/// energy alone.
struct GpuSample {
  std::int64_t gpu = 0;  ///< which of the segment's GPUs
  double at_ms = 0;      ///< since the segment began
  std::optional<double> sm_clock_mhz, memory_clock_mhz;
  std::optional<double> power_watts;
  std::optional<double> temperature_c;
  std::optional<std::int64_t> throttle_reasons;  ///< bits of nvmlClocksThrottleReason*, see results/gpu_activity.h
  std::optional<double> total_energy_joules;     ///< since the driver was loaded
};

/// The machine and the build that worked on a run. One per segment, since a run may be resumed elsewhere.
struct EnvironmentFacts {
  std::string device_kind;  ///< "cpu", "cuda", "remote", "replay"
  std::string device_name;  ///< "Intel(R) Xeon(R) …, 2 threads, avx512"
  std::optional<std::string> hostname;
  std::string cpu_model;
  std::optional<std::int64_t> n_cores;
  std::optional<std::int64_t> memory_bytes;
  std::string os;
  std::string kernel;
  std::optional<std::string> gpu_name;
  std::optional<std::int64_t> n_gpus;
  std::optional<std::string> gpu_driver;
  std::optional<std::string> cuda_version;
  std::optional<double> gpu_clock_mhz;
  std::optional<double> gpu_power_limit_watts;
  std::string build_version;
  std::string build_git_commit;
  std::string compiler;
  std::string compiler_flags;
  Json details = Json::object();
};

struct ModelFacts {
  std::string name;            ///< short name for tables
  std::string reference;       ///< REF as the user wrote it, without secrets
  std::string weights_sha256;  ///< empty where it can't be known (an endpoint)
  std::string tokenizer_sha256;
  Json details = Json::object();
};

struct ItemFacts {
  ItemId item;
  std::string tag;                    ///< size, topic or similar; may be empty
  std::string prompt_sha256;          ///< of the user message
  std::optional<std::string> prompt;  ///< the user message; none where the data must not be spread
  std::optional<std::string> expected;
};

struct RunSuiteFacts {
  std::string suite;  ///< its name, unique within the run
  std::string version;
  std::string kind;  ///< "integer", "choice", "code", …
  std::string sha256;
  std::int64_t samples = 1;        ///< K, samples per item
  Json sampling = Json::object();  ///< temperature, top_p, top_k, min_p, max_output_tokens, protocol, …
  std::string grader_profile = "canonical";
  std::string grader_version;
  bool is_protected = false;  ///< its authors ask for no plain text: exports leave out questions, answers and replies
  std::vector<ItemFacts> items;  ///< the items that are asked (after --limit), in plan order
};

/// A figure that comes with no sample: a benchmark's row, a published score.
struct Measurement {
  std::string name;    ///< what was measured: "pp512"
  std::string metric;  ///< ends in its unit: "tokens_per_s"; unique with `name` within the run
  double value = 0;
  std::optional<double> stddev;
  std::optional<std::int64_t> n;  ///< repetitions behind `value`
  Json details = Json::object();
};

/// A run as it is planned, before its first sample.
struct RunFacts {
  std::string name;  ///< --name; may be empty
  ModelFacts model;
  std::vector<RunSuiteFacts> suites;
  std::int64_t seed = 0;     ///< at least 0
  std::string command_line;  ///< without secrets
  std::vector<std::pair<std::string, std::string>> tags;
  std::optional<std::string> hardware_profile;
  std::optional<double> price_usd_per_gpu_hour;
  std::int64_t n_priced_devices = 1;    ///< what the price is paid for: GPUs used; a CPU machine counts as one
  std::string provenance = "measured";  ///< measured, emulated, projected or published
  std::vector<Measurement> measurements;
  std::string
      plan_sha256;  ///< of a benchmark: what its points are, hashed; part of run_identity(), and stored there alone
};

/// SHA-256 over what makes a resumable run the same: model, suites with their items, sampling and grader, seed, name
/// and a benchmark's plan. Device, price, tags and command line are not part of it. Pure.
std::string run_identity(const RunFacts& facts);

/// Names a sample within its run.
struct SampleKey {
  std::string suite;
  ItemId item;
  std::int64_t sample = 0;  ///< 0-based
  auto operator<=>(const SampleKey&) const = default;
};

/// What was generated for one sample. Times as in runners/runner.h: moments count from the start of the segment's
/// generation, ttft_ms, e2e_ms, itl_ms_mean and the device times are durations.
struct SampleFacts {
  SampleKey key;
  std::string prefill;  ///< what the template opened the reply with; graded in front of text
  std::string text;
  std::vector<std::int32_t> tokens;    ///< output tokens, the end token excluded; empty where unknown
  std::string rendered_prompt_sha256;  ///< of the prompt with its template; empty where unknown
  std::optional<std::int64_t> n_prompt_tokens;
  std::optional<std::int64_t> n_cached_prompt_tokens;
  std::optional<std::int64_t> n_output_tokens;  ///< the end token, where one was drawn, is counted
  std::optional<std::string> finish_reason;     ///< eos, stop, length, context, timeout, cancelled; none if it failed
  std::int64_t n_drafted_tokens = 0;
  std::int64_t n_accepted_tokens = 0;
  std::optional<double> queued_ms, started_ms, first_token_ms, finished_ms;
  std::optional<double> ttft_ms, e2e_ms, itl_ms_mean;
  std::optional<double> prefill_device_ms, decode_device_ms;
  std::optional<std::string> failure;  ///< why the sample failed; its verdict is then `error`
};

/// One grading's verdict on one sample.
struct VerdictFacts {
  Verdict verdict = Verdict::error;
  std::optional<std::string> answer;  ///< none if nothing could be extracted
  std::optional<std::string> expected;
  double score = 0;  ///< 0..1
  std::string rule;
  Json detail = Json::object();
  bool sandboxed = true;          ///< false only where model-written code ran unprotected
  std::int64_t graded_at_ms = 0;  ///< Unix time
};

}  // namespace assay::results
