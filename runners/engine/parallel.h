#pragma once
// A model spread over several GPUs of a host: what is split, and which part is whose.
//   Every rank has the whole residual stream, norms, routers and the embedding. Split over all ranks: the widths of
//   dense and shared networks, and the rows of the head, whose logits are gathered, so that every rank draws the same
//   tokens. Tensor parallel: attention's heads with their KV cache (latent attention: its queries; latents are on every
//   rank), and the widths of experts. Expert parallel: whole experts; attention is on every rank unless tensor parallel
//   splits it too. A sum over ranks is made in the order of the ranks (kernels/collective/collective.h): the same bits
//   in every run, but others than with another number of ranks.

#include <algorithm>

#include "harness/base/result.h"
#include "runners/formats/model_config.h"

namespace assay::runners {

/// How a model is spread. 1 and 1: one GPU. Where both are above 1 they are equal.
struct ParallelOptions {
  int tensor_parallel = 1;
  int expert_parallel = 1;
  double link_gb_per_s = 0;  ///< each GPU's link is held back to this, one way; 0: it is as it is. Changes no token

  int n_ranks() const { return std::max(tensor_parallel, expert_parallel); }
};

/// Error{bad_input} for numbers other than 1, 2, 4 and 8, or two that differ, and for a link of one GPU.
Result<> check_parallel(const ParallelOptions& parallel);
/// Error{bad_input} names what of a model can't be split into so many parts.
Result<> check_parallel_model(const ModelConfig& config, const ParallelOptions& parallel);

/// `n` of a model's heads, experts or columns: those of one rank.
struct Share {
  int first = 0;
  int n = 0;
};

/// A rank's part of a model.
struct Shard {
  ParallelOptions parallel;
  int rank = 0;

  int n_ranks() const { return parallel.n_ranks(); }
  bool is_whole() const { return n_ranks() == 1; }
  bool splits_heads() const { return parallel.tensor_parallel > 1; }
  bool splits_experts() const { return parallel.expert_parallel > 1; }

  /// This rank's of n that are split, or all of them; n divides by the ranks.
  Share share_of(int n, bool is_split = true) const {
    return is_split ? Share{rank * (n / n_ranks()), n / n_ranks()} : Share{0, n};
  }
};

}  // namespace assay::runners
