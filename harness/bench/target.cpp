#include "harness/bench/target.h"

#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "results/ceilings.h"
#include "results/layers.h"

namespace assay::bench {

namespace {

std::string load_words(const Arrivals& arrivals) {
  switch (arrivals.process) {
    case ArrivalProcess::closed:
      return "concurrency=" + to_text(arrivals.concurrency);
    case ArrivalProcess::burst:
      return "burst=" + to_text(arrivals.burst_size) + " rate=" + to_text(arrivals.rate_per_s);
    case ArrivalProcess::trace:
      return "trace of " + to_text(static_cast<std::int64_t>(arrivals.trace_ms.size()));
    case ArrivalProcess::poisson:
    case ArrivalProcess::constant:
      break;
  }
  return to_string(arrivals.process) + " rate=" + to_text(arrivals.rate_per_s);
}

Json serve_json(const ServeSetting& serve) {
  const Arrivals& arrivals = serve.arrivals;
  const bool is_closed = !arrivals.is_open(), is_trace = arrivals.process == ArrivalProcess::trace;
  std::string moments;
  for (const double at_ms : arrivals.trace_ms) moments += to_text(at_ms) + "\n";
  Json json = {{"arrivals", to_string(arrivals.process)},
               {"concurrency", is_closed ? Json(arrivals.concurrency) : Json()},
               {"rate_per_s", is_closed || is_trace ? Json() : Json(arrivals.rate_per_s)},
               {"burst_size", arrivals.process == ArrivalProcess::burst ? Json(arrivals.burst_size) : Json()},
               {"trace_sha256", is_trace ? Json(sha256_hex(moments)) : Json()},
               {"duration_ms", serve.duration_ms},
               {"max_requests", serve.max_requests == kMostRequests ? Json() : Json(serve.max_requests)},
               {"prompts", serve.prompts_from.empty() ? Json("made") : Json(serve.prompts_from)},
               {"prompt_tokens", serve.prompts_from.empty() ? Json(serve.prompt_tokens) : Json()},
               {"shared_prefix_tokens", serve.shared_prefix_tokens},
               {"output_tokens", serve.output_tokens},
               {"raw", serve.raw},
               {"temperature", serve.sampling.temperature}};
  if (serve.level) {
    const auto limit = [](const std::optional<double>& ms) { return ms ? Json(*ms) : Json(); };
    json["service_level"] = {{"name", serve.level->name},
                             {"ttft_ms", limit(serve.level->ttft_ms)},
                             {"tpot_ms", limit(serve.level->tpot_ms)},
                             {"e2e_ms", limit(serve.level->e2e_ms)},
                             {"source", serve.level->source}};
  }
  return json;
}

Json machine_json(const std::string& kind, const MachineSetting& machine) {
  const bool is_operation = kind == results::kCollectiveKind;
  const auto size = [](std::int64_t n) { return n > 0 ? Json(n) : Json(); };
  Json json = {{"device", machine.device},
               {"device_name", machine.device_name},
               {is_operation ? "operation" : "ceiling", machine.what},
               {"by", machine.by},
               {"bytes", size(machine.bytes)}};
  if (is_operation) {
    json["n_ranks"] = machine.n_ranks;
    json["link_gb_per_s"] = machine.link_gb_per_s ? Json(*machine.link_gb_per_s) : Json();
  } else {
    json.update({{"m", size(machine.m)}, {"n", size(machine.n)}, {"k", size(machine.k)}});
  }
  return json;
}

std::string machine_name(const std::string& kind, const MachineSetting& machine) {
  if (kind != results::kCollectiveKind) return machine.device + ": " + machine.what + " by " + machine.by;
  std::string name = machine.what + " by " + machine.by + ", " + to_text(machine.bytes) + " bytes, " +
                     to_text(machine.n_ranks) + " ranks";
  if (machine.link_gb_per_s) name += ", held to " + to_text(*machine.link_gb_per_s) + " GB/s";
  return name;
}

Json pass_json(const std::string& kind, const PassSetting& passes) {
  const bool is_layers = kind == results::kLayersKind;
  Json json = {{"batch", passes.batch},
               {passes.is_decode ? "context" : "prompt_tokens", passes.context},
               {"n_steps", passes.is_decode || is_layers ? Json(passes.n_steps) : Json()},
               {"temperature", passes.temperature}};
  if (is_layers) json["pass"] = passes.is_decode ? "decode" : "prefill";
  return json;
}

bool is_machine(const std::string& kind) { return kind == results::kMachineKind || kind == results::kCollectiveKind; }

}  // namespace

std::string Setting::name() const {
  if (is_machine(kind)) return machine_name(kind, machine);
  if (kind == "serve") {
    return load_words(serve.arrivals) +
           (serve.prompts_from.empty() ? " in=" + to_text(serve.prompt_tokens) : " " + serve.prompts_from) +
           " out=" + to_text(serve.output_tokens);
  }
  const std::string which = kind != results::kLayersKind ? "" : passes.is_decode ? "decode " : "prefill ";
  return which + "batch=" + to_text(passes.batch) + (passes.is_decode ? " context=" : " in=") + to_text(passes.context);
}

Json Setting::to_json() const {
  if (is_machine(kind)) return machine_json(kind, machine);
  Json json = kind == "serve" ? serve_json(serve) : pass_json(kind, passes);
  json["usd_per_gpu_hour"] = priced.usd_per_gpu_hour ? Json(*priced.usd_per_gpu_hour) : Json();
  json["n_devices"] = priced.n_devices;
  return json;
}

}  // namespace assay::bench
