#pragma once
// Which row goes where in a mixture of experts: the (token, slot) pairs of a batch sorted by expert, and by token
// within an expert, cut into tiles for the grouped product. Everything stays on the device in buffers whose size
// follows from the shape alone, so that a CUDA graph serves every routing.
//   slots [tokens, num_experts_per_tok] int32: the experts of a token, all different, each in [0, n_experts).
//   A pair's place is its position in the sorted order, in [0, tokens · num_experts_per_tok).
//   n_experts <= 1024. Integers only: nothing here depends on timing.
//   A rank that has some of the experts sorts the pairs of these alone: its places begin at 0, its tiles number its own
//   experts from 0, a pair of another rank's expert has the place -1, and places that no pair has name token 0.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/device/device.cuh"

namespace assay::kernels {

/// Rows of one expert that a block of the grouped product computes together.
struct alignas(16) ExpertTile {
  std::int32_t expert;
  std::int32_t first_place;
  std::int32_t n_rows;  ///< 1 … tile_rows
  std::int32_t unused;
};

/// The result, on the device.
struct ExpertRows {
  std::int32_t* first_place =
      nullptr;                     ///< [own experts + 1]: the e-th has places first_place[e] … first_place[e+1] - 1
  std::int32_t* places = nullptr;  ///< [tokens, num_experts_per_tok]: the place of each pair
  std::int32_t* tokens = nullptr;  ///< [tokens · num_experts_per_tok]: the token at each place
  ExpertTile* tiles = nullptr;     ///< [max_expert_tiles(…)], of which *n_tiles count; experts ascend
  std::int32_t* n_tiles = nullptr;
};

struct ExpertRowsArgs {
  const std::int32_t* slots = nullptr;
  int tokens = 0;
  int num_experts_per_tok = 0;
  int n_experts = 0;
  int tile_rows = 0;
  ExpertRows rows;
  int first_expert = 0;
  int n_own_experts = 0;  ///< from first_expert on; 0: all of them

  int n_own() const { return n_own_experts == 0 ? n_experts : n_own_experts; }
};

/// The most tiles that any routing gives.
int max_expert_tiles(int tokens, int num_experts_per_tok, int n_experts, int tile_rows);

/// Error{bad_input} names what breaks the contract.
Result<> check_sorting(const ExpertRowsArgs& args);
/// Launches the sort. No tokens: *n_tiles becomes 0. Errors are check_sorting's.
Result<> expert_rows(const ExpertRowsArgs& args, cudaStream_t stream);

/// y[i, :] = x[rows[i], :] for bfloat16 rows of `width` (a multiple of 8), all dense and 16-byte aligned: brings the
/// rows of each expert together, with rows = ExpertRows::tokens. Moves n_rows · width · 4 bytes.
struct GatherRowsArgs {
  const __nv_bfloat16* x = nullptr;
  const std::int32_t* rows = nullptr;
  int n_rows = 0;
  int width = 0;
  __nv_bfloat16* y = nullptr;
};
Result<> gather_rows(const GatherRowsArgs& args, cudaStream_t stream);

}  // namespace assay::kernels
