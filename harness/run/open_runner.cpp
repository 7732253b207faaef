#include "harness/run/open_runner.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/run/load_view.h"
#include "harness/run/model_registry.h"
#include "runners/engine/native_live_runner.h"
#include "runners/engine/native_runner.h"
#include "runners/replay/replay_runner.h"

namespace assay::run {

namespace {

constexpr std::string_view kReplayPrefix = "replay:";

struct Unit {
  std::string_view suffix;
  double bytes;
};
constexpr Unit kUnits[] = {
    {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1099511627776.0},
    {"KB", 1e3},     {"MB", 1e6},        {"GB", 1e9},           {"TB", 1e12},
};
constexpr double kMaxBytes = 1e15;

/// Opens the native engine with `open`, showing how it loads.
template <class Open>
auto open_model(const RunnerOptions& options, ProgressStyle progress, const Open& open)
    -> decltype(open(runners::NativeOptions())) {
  LoadView view(progress);
  runners::LoadOptions load = options.load;
  load.on_progress = [&](const runners::LoadState& state) { view.show(state); };
  ASSAY_ASSIGN(const std::filesystem::path path, resolve_model(options.model));
  return open(runners::NativeOptions{.model = options.model,
                                     .path = path,
                                     .device = options.device,
                                     .parallel = options.parallel,
                                     .parts = options.parts,
                                     .cuda_path = options.cuda_path,
                                     .chat_template = options.chat_template,
                                     .max_batch = options.max_batch,
                                     .kv_memory_bytes = options.kv_memory.bytes,
                                     .kv_memory_pct = options.kv_memory.pct,
                                     .speculate = options.speculate,
                                     .canary = options.canary,
                                     .load = std::move(load)});
}

constexpr const char* kUsualKeyVariable = "ASSAY_API_KEY";

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The key, which no message repeats; empty if there is none.
Result<std::string> api_key(const EndpointWords& words) {
  const std::string variable = words.api_key_env.empty() ? kUsualKeyVariable : words.api_key_env;
  std::string key = from_environment(variable.c_str());
  if (key.empty() && !words.api_key_env.empty()) {
    return bad_input("--api-key-env: the variable ", quoted_excerpt(variable), " is not set, or empty");
  }
  const auto is_plain = [](char c) { return c > ' ' && c < 0x7f; };
  if (!std::all_of(key.begin(), key.end(), is_plain)) {
    return bad_input("$", shown(variable), ": a key has neither white space nor characters beyond ASCII in it");
  }
  return key;
}

}  // namespace

Result<KvMemory> parse_kv_memory(std::string_view text) {
  const Error wrong = bad_input("--kv-memory: must be bytes (such as 4096, 512MiB, 8GB) or a share (such as 80%), is ",
                                quoted_excerpt(text));
  if (text.ends_with('%')) {
    const auto pct = parse_number(text.substr(0, text.size() - 1));
    if (!pct || !(*pct > 0) || *pct > 100) return wrong;
    return KvMemory{.bytes = {}, .pct = *pct};
  }
  double unit_bytes = 1;
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    unit_bytes = unit.bytes;
    text.remove_suffix(unit.suffix.size());
    break;
  }
  const auto number = parse_number(trim(text));
  if (!number || !(*number * unit_bytes >= 1) || *number * unit_bytes > kMaxBytes) return wrong;
  return KvMemory{.bytes = static_cast<std::int64_t>(std::floor(*number * unit_bytes)), .pct = {}};
}

ReferenceKind reference_kind(std::string_view reference) {
  if (reference.starts_with(kReplayPrefix)) return ReferenceKind::replay;
  if (reference.starts_with("http://") || reference.starts_with("https://")) return ReferenceKind::endpoint;
  return ReferenceKind::model;
}

Result<runners::EndpointOptions> endpoint_options(const RunnerOptions& options) {
  constexpr double kMsPerSecond = 1000;
  const EndpointWords& words = options.endpoint;
  runners::EndpointOptions endpoint;
  runners::api::Connection& connection = endpoint.connection;
  ASSAY_ASSIGN(connection.endpoint, runners::api::parse_endpoint(options.model));
  ASSAY_ASSIGN(connection.api_key, api_key(words));
  connection.ca_file = from_environment("SSL_CERT_FILE");
  connection.ca_folder = from_environment("SSL_CERT_DIR");
  if (!connection.endpoint.is_tls && !connection.endpoint.is_loopback) {
    log_warning("http:// to ", shown(connection.endpoint.host), ": ",
                connection.api_key.empty() ? "prompts and replies" : "key, prompts and replies",
                " can be read on the way; https:// keeps them secret");
  }
  if (options.max_batch) endpoint.max_in_flight = *options.max_batch;
  if (words.reply_timeout_s) endpoint.total_timeout_ms = *words.reply_timeout_s * kMsPerSecond;
  if (words.idle_timeout_s) endpoint.idle_timeout_ms = *words.idle_timeout_s * kMsPerSecond;
  if (words.retries) endpoint.retry.most_attempts = static_cast<int>(*words.retries) + 1;
  return endpoint;
}

Result<std::unique_ptr<runners::Runner>> open_runner(const RunnerOptions& options, ProgressStyle progress) {
  switch (reference_kind(options.model)) {
    case ReferenceKind::replay:
      if (options.load.weights == runners::WeightSource::dummy) {
        return bad_input("--dummy-weights: takes a model's folder, and ", quoted_excerpt(options.model, 200),
                         " is a recording");
      }
      if (options.model == kReplayPrefix)
        return bad_input("--model: \"replay:\" names no file; give replay:FILE.jsonl");
      return runners::open_replay_runner(options.model.substr(kReplayPrefix.size()));
    case ReferenceKind::endpoint: {
      if (options.load.weights == runners::WeightSource::dummy) {
        return bad_input("--dummy-weights: takes a model's folder, and ", quoted_excerpt(options.model, 200),
                         " is an endpoint");
      }
      ASSAY_ASSIGN(runners::EndpointOptions endpoint, endpoint_options(options));
      return runners::open_endpoint_runner(std::move(endpoint));
    }
    case ReferenceKind::model:
      break;
  }
  return open_model(options, progress, runners::open_native_runner);
}

Result<std::unique_ptr<runners::LiveRunner>> open_live_runner(const RunnerOptions& options, ProgressStyle progress) {
  switch (reference_kind(options.model)) {
    case ReferenceKind::replay:
      return bad_input("--model: a recording answers no requests of its own; give a model or an endpoint");
    case ReferenceKind::endpoint: {
      ASSAY_ASSIGN(runners::EndpointOptions endpoint, endpoint_options(options));
      return runners::open_live_endpoint_runner(std::move(endpoint));
    }
    case ReferenceKind::model:
      break;
  }
  return open_model(options, progress, runners::open_native_live_runner);
}

}  // namespace assay::run
