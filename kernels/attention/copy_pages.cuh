#pragma once
// Copies pages of a cache in all layers at once: a sample starts from a copy of its prompt's last page.
//   The cache is planes of pages: what a layer has of its tokens. A plane has
//   n_pages pages of page_elements bfloat16, planes follow each other. For every plane: page pairs[i].to becomes
//   pairs[i].from. No page may be both a source and a destination; destinations are distinct.
//   Moves n_pairs · n_planes · page_elements · 4 bytes.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/device/device.cuh"

namespace assay::kernels {

struct PagePair {
  std::int32_t from, to;
};

struct CopyPagesArgs {
  __nv_bfloat16* cache = nullptr;  ///< 16-byte aligned
  int n_planes = 0;
  int n_pages = 0;
  int page_elements = 0;            ///< a multiple of 8
  const PagePair* pairs = nullptr;  ///< [n_pairs], device memory
  int n_pairs = 0;
};

/// Launches it. Error{bad_input} names what breaks the contract.
Result<> copy_pages(const CopyPagesArgs& args, cudaStream_t stream);

}  // namespace assay::kernels
