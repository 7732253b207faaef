#include "runners/engine/parallel.h"

namespace assay::runners {

Result<> check_parallel(const ParallelOptions& parallel) {
  for (const auto& [option, n] : {std::pair("--tensor-parallel", parallel.tensor_parallel),
                                  std::pair("--expert-parallel", parallel.expert_parallel)}) {
    if (n != 1 && n != 2 && n != 4 && n != 8) return bad_input(option, " must be 1, 2, 4 or 8, is ", n);
  }
  if (parallel.link_gb_per_s > 0 && parallel.n_ranks() == 1) {
    return bad_input("--link-gb-s: holds links between GPUs back; give --tensor-parallel or --expert-parallel too");
  }
  const bool both = parallel.tensor_parallel > 1 && parallel.expert_parallel > 1;
  if (both && parallel.tensor_parallel != parallel.expert_parallel) {
    return bad_input("--tensor-parallel ", parallel.tensor_parallel, " and --expert-parallel ",
                     parallel.expert_parallel, ": where both are above 1 they must be equal");
  }
  return {};
}

Result<> check_parallel_model(const ModelConfig& config, const ParallelOptions& parallel) {
  ASSAY_TRY(check_parallel(parallel));
  const int n_ranks = parallel.n_ranks();
  const bool splits_experts = parallel.expert_parallel > 1;
  if (splits_experts && config.n_routed_experts == 0) {
    return bad_input("--expert-parallel ", n_ranks, ": the model has no routed experts; give --tensor-parallel");
  }
  const std::string option = parallel.tensor_parallel > 1 ? "--tensor-parallel" : "--expert-parallel";
  const auto divides = [&](const char* name, std::int64_t n) -> Result<> {
    if (n % n_ranks == 0) return {};
    return bad_input(option, " ", n_ranks, ": the model's ", name, " is ", n, ", which ", n_ranks, " does not divide");
  };
  if (parallel.tensor_parallel > 1) {
    ASSAY_TRY(divides("num_attention_heads", config.num_attention_heads));
    if (config.attention == Attention::gqa) ASSAY_TRY(divides("num_key_value_heads", config.num_key_value_heads));
  }
  ASSAY_TRY(divides("intermediate_size", config.intermediate_size));
  if (config.n_routed_experts == 0) return {};
  ASSAY_TRY(divides("width of shared experts", config.moe_intermediate_size * config.n_shared_experts));
  if (splits_experts) return divides("n_routed_experts", config.n_routed_experts);
  return divides("moe_intermediate_size", config.moe_intermediate_size);
}

}  // namespace assay::runners
