#include "runners/engine/parts/part_work.h"

namespace assay::runners {

namespace {

constexpr const char* kWork = "what part 0 has to do";

/// An enumerator up to `last`, by its number.
template <class Enumerator>
Result<Enumerator> enumerator(const JsonObject& fields, std::string_view key, Enumerator last) {
  ASSAY_ASSIGN(const std::int64_t number, fields.integer(key));
  if (number < 0 || number > static_cast<std::int64_t>(last)) return fields.field_error(key, "is no choice");
  return static_cast<Enumerator>(number);
}

/// At least one, and an int.
Result<int> count(const JsonObject& fields, std::string_view key) {
  ASSAY_ASSIGN(const std::int64_t number, fields.integer(key));
  if (number < 1 || number > 1'000'000'000) return fields.field_error(key, "must be from 1 to 1000000000");
  return static_cast<int>(number);
}

}  // namespace

Json to_json(const PartWork& work) {
  return {{"path", work.path.string()},
          {"on_gpu", work.on_gpu},
          {"cuda_path", work.cuda_path},
          {"tensor_parallel", work.parallel.tensor_parallel},
          {"expert_parallel", work.parallel.expert_parallel},
          {"weights", static_cast<int>(work.load.weights)},
          {"fp8", static_cast<int>(work.load.fp8)},
          {"quantized", static_cast<int>(work.load.quantized)},
          {"dummy_types", static_cast<int>(work.load.dummy_types)},
          {"max_batch", work.limits.max_batch},
          {"kv_memory_bytes", work.limits.kv_memory_bytes},
          {"kv_memory_pct", work.limits.kv_memory_pct},
          {"prefill_chunk_tokens", work.limits.prefill_chunk_tokens},
          {"speculate", work.limits.speculate},
          {"meeting_place", work.meeting_place}};
}

Result<PartWork> parse_part_work(std::string_view text) {
  ASSAY_ASSIGN(const Json document, parse_json(text, kWork));
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, kWork));
  PartWork work;
  ASSAY_ASSIGN(const std::string path, fields.string("path"));
  work.path = path;
  ASSAY_ASSIGN(work.on_gpu, fields.boolean("on_gpu"));
  ASSAY_ASSIGN(work.cuda_path, fields.string("cuda_path"));
  ASSAY_ASSIGN(work.parallel.tensor_parallel, count(fields, "tensor_parallel"));
  ASSAY_ASSIGN(work.parallel.expert_parallel, count(fields, "expert_parallel"));
  ASSAY_TRY(check_parallel(work.parallel));
  ASSAY_ASSIGN(work.load.weights, enumerator(fields, "weights", WeightSource::dummy));
  ASSAY_ASSIGN(work.load.fp8, enumerator(fields, "fp8", Fp8Weights::widen));
  ASSAY_ASSIGN(work.load.quantized, enumerator(fields, "quantized", QuantizedWeights::widen));
  ASSAY_ASSIGN(work.load.dummy_types, enumerator(fields, "dummy_types", DummyTypes::q4_k_m));
  ASSAY_ASSIGN(work.limits.max_batch, count(fields, "max_batch"));
  ASSAY_ASSIGN(work.limits.kv_memory_bytes, fields.integer("kv_memory_bytes"));
  ASSAY_ASSIGN(work.limits.kv_memory_pct, fields.number("kv_memory_pct"));
  ASSAY_ASSIGN(work.limits.prefill_chunk_tokens, count(fields, "prefill_chunk_tokens"));
  ASSAY_ASSIGN(work.limits.speculate, fields.boolean("speculate"));
  ASSAY_ASSIGN(work.meeting_place, fields.string("meeting_place"));
  return work;
}

Json to_json(const PartReady& ready) {
  return {{"model_sha256", ready.model_sha256}, {"device", ready.device}, {"facts", ready.facts}};
}

Result<PartReady> parse_part_ready(std::string_view text) {
  ASSAY_ASSIGN(const Json document, parse_json(text, "a part's answer"));
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, "a part's answer"));
  PartReady ready;
  ASSAY_ASSIGN(ready.model_sha256, fields.string("model_sha256"));
  ASSAY_ASSIGN(ready.device, fields.string("device"));
  ready.facts = document.value("facts", Json::object());
  return ready;
}

}  // namespace assay::runners
