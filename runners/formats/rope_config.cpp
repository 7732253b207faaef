#include "runners/formats/rope_config.h"

#include "harness/base/text.h"
#include "runners/formats/config_fields.h"

namespace assay::runners {

namespace {

constexpr double kMaxFactor = 1e6;
constexpr double kMaxTheta = 1e12;

/// The scaling's type under either spelling. Neither may be there only where there is nothing to scale by: a nested
/// form that is not known here (one per layer type, say) must not pass for "default".
Result<std::string> read_type(const JsonObject& scaling) {
  ASSAY_ASSIGN(const std::string type, scaling.string_or("type", ""));
  ASSAY_ASSIGN(const std::string rope_type, scaling.string_or("rope_type", type));
  if (!type.empty() && rope_type != type) {
    return scaling.field_error("rope_type",
                               "is " + quoted_excerpt(rope_type) + ", but \"type\" is " + quoted_excerpt(type));
  }
  if (!rope_type.empty()) return rope_type;
  if (!scaling.refuse_unknown({"rope_theta", "type", "rope_type", "partial_rotary_factor"})) {
    return scaling.field_error("rope_type", "is missing; it must say how the other fields are meant");
  }
  return std::string("default");
}

Result<Yarn> read_yarn(const JsonObject& scaling, Attention attention) {
  Yarn yarn;
  ASSAY_ASSIGN(yarn.factor, read_number(scaling, "factor", 1, kMaxFactor));
  ASSAY_ASSIGN(yarn.original_max_position_embeddings,
               read_count(scaling, "original_max_position_embeddings", 1, kMaxPositions));
  ASSAY_ASSIGN(yarn.beta_fast, read_number_or(scaling, "beta_fast", 1e-3, kMaxFactor, yarn.beta_fast));
  ASSAY_ASSIGN(yarn.beta_slow, read_number_or(scaling, "beta_slow", 1e-3, kMaxFactor, yarn.beta_slow));
  if (yarn.beta_slow > yarn.beta_fast) return scaling.field_error("beta_slow", "must be at most beta_fast");
  ASSAY_ASSIGN(yarn.mscale, read_number_or(scaling, "mscale", 0, kMaxFactor, yarn.mscale));
  ASSAY_ASSIGN(yarn.mscale_all_dim, read_number_or(scaling, "mscale_all_dim", 0, kMaxFactor, yarn.mscale_all_dim));
  if (scaling.has("attention_factor")) {
    if (attention == Attention::mla) {
      return scaling.field_error("attention_factor", "is not supported here; mscale and mscale_all_dim are");
    }
    ASSAY_ASSIGN(yarn.attention_factor, read_number(scaling, "attention_factor", 1e-3, kMaxFactor));
  }
  return yarn;
}

Result<Llama3Rope> read_llama3(const JsonObject& scaling) {
  Llama3Rope llama3;
  ASSAY_ASSIGN(llama3.factor, read_number(scaling, "factor", 1, kMaxFactor));
  ASSAY_ASSIGN(llama3.low_freq_factor, read_number(scaling, "low_freq_factor", 1e-3, kMaxFactor));
  ASSAY_ASSIGN(llama3.high_freq_factor, read_number(scaling, "high_freq_factor", 1e-3, kMaxFactor));
  if (llama3.high_freq_factor <= llama3.low_freq_factor) {
    return scaling.field_error("high_freq_factor", "must be larger than low_freq_factor");
  }
  ASSAY_ASSIGN(llama3.original_max_position_embeddings,
               read_count(scaling, "original_max_position_embeddings", 1, kMaxPositions));
  return llama3;
}

Result<RopeScaling> read_scaling(const JsonObject& scaling, Attention attention) {
  ASSAY_ASSIGN(const std::string type, read_type(scaling));
  if (type == "default") return RopeScaling(NoRopeScaling{});
  if (type == "yarn") {
    ASSAY_ASSIGN(const Yarn yarn, read_yarn(scaling, attention));
    return RopeScaling(yarn);
  }
  if (attention == Attention::gqa && type == "llama3") {
    ASSAY_ASSIGN(const Llama3Rope llama3, read_llama3(scaling));
    return RopeScaling(llama3);
  }
  if (attention == Attention::gqa && type == "linear") {
    ASSAY_ASSIGN(const double factor, read_number(scaling, "factor", 1, kMaxFactor));
    return RopeScaling(LinearRope{factor});
  }
  const std::string_view supported = attention == Attention::mla ? "default, yarn" : "default, yarn, llama3, linear";
  return scaling.field_error(scaling.has("rope_type") ? "rope_type" : "type",
                             "is " + quoted_excerpt(type) + "; supported: " + std::string(supported));
}

Result<> refuse_partial(const JsonObject& json) {
  ASSAY_ASSIGN(const double share, json.number_or("partial_rotary_factor", 1));
  if (share == 1) return {};
  return json.field_error("partial_rotary_factor", "is " + to_text(share) + "; only 1 is supported");
}

/// rope_theta has no default: models of one architecture were trained with very different ones.
Result<double> read_theta(const JsonObject& holder) { return read_number(holder, "rope_theta", 1, kMaxTheta); }

}  // namespace

Result<> read_rope(const JsonObject& json, ModelConfig& config) {
  ASSAY_TRY(refuse_partial(json));
  if (json.has("rope_parameters") && json.has("rope_scaling")) {
    return json.field_error("rope_parameters", "stands beside rope_scaling; only one of them may");
  }
  const bool nested = json.has("rope_parameters");
  if (!nested && !json.has("rope_scaling")) {
    ASSAY_ASSIGN(config.rope_theta, read_theta(json));
    return {};
  }
  ASSAY_ASSIGN(const JsonObject scaling, json.object(nested ? "rope_parameters" : "rope_scaling"));
  ASSAY_TRY(refuse_partial(scaling));
  const JsonObject& holder = nested && scaling.has("rope_theta") ? scaling : json;
  ASSAY_ASSIGN(config.rope_theta, read_theta(holder));
  ASSAY_ASSIGN(config.rope_scaling, read_scaling(scaling, config.attention));
  return {};
}

}  // namespace assay::runners
