#include "runners/engine/operations.h"

#include <array>

namespace assay::runners {

std::string_view to_string(Operation operation) {
  constexpr std::array<std::string_view, kNumOperations> kWords = {
      "inputs",          "embed",        "attention_norm", "qkv",         "q_a",
      "q_a_norm",        "q_b",          "kv_a",           "rope_append", "key_map",
      "expand",          "attention",    "merge",          "value_map",   "attention_output",
      "ffn_norm",        "gate_up",      "down",           "router",      "sort",
      "experts_gate_up", "experts_down", "shared_gate_up", "shared_down", "combine",
      "residual",        "final_norm",   "head",           "sampling",    "outputs"};
  return kWords[static_cast<std::size_t>(operation)];
}

}  // namespace assay::runners
