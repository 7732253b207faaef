#pragma once
// The operations that a pass is made of, in words, and who is told when one begins. Only benchmarks listen.

#include <functional>
#include <string_view>
#include <utility>

namespace assay::runners {

/// In the order of a pass; results/README.md ("Points of layers") says what each is. An enumerator is spelled as
/// stored.
enum class Operation {
  inputs,
  embed,
  attention_norm,
  qkv,
  q_a,
  q_a_norm,
  q_b,
  kv_a,
  rope_append,
  key_map,
  expand,
  attention,
  merge,
  value_map,
  attention_output,
  ffn_norm,
  gate_up,
  down,
  router,
  sort,
  experts_gate_up,
  experts_down,
  shared_gate_up,
  shared_down,
  combine,
  residual,
  final_norm,
  head,
  sampling,
  outputs,
};
inline constexpr int kNumOperations = static_cast<int>(Operation::outputs) + 1;
std::string_view to_string(Operation operation);

inline constexpr int kOutsideLayers = -1;

struct OperationPlace {
  int layer = kOutsideLayers;  ///< or from 0; the MTP module's is behind the last
  Operation operation = Operation::inputs;
  bool operator==(const OperationPlace&) const = default;
};

/// What a forward pass calls as it goes: on a GPU when an operation's first kernel is about to be launched, on a CPU
/// when it is about to be computed. For one thread.
class OperationMarks {
 public:
  using Listener = std::function<void(OperationPlace)>;

  void listen(Listener listener) { listener_ = std::move(listener); }  ///< an empty one: nobody does
  bool are_heard() const { return static_cast<bool>(listener_); }

  void enter_layer(int layer) { layer_ = layer; }
  void leave_layers() { layer_ = kOutsideLayers; }
  void begin(Operation operation) const {
    if (listener_) listener_({layer_, operation});
  }

 private:
  Listener listener_;
  int layer_ = kOutsideLayers;
};

}  // namespace assay::runners
