#pragma once
// The part of NVIDIA's collective library that is used, found at run time where the dynamic linker looks. NVLink
// multicast stays off in it: its groups are a resource of the whole host.
// Source of names and numbers: NVIDIA NCCL 2 documentation, API section.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace assay::kernels::nccl {

using Communicator = void*;
using Status = int;  ///< 0 is success
constexpr int kFloat32 = 7, kSum = 0;

/// What ranks of different processes find each other by.
struct UniqueId {
  char bytes[128];
};

struct Functions {
  Status (*version)(int* version) = nullptr;
  Status (*unique_id)(UniqueId*) = nullptr;
  Status (*init_all)(Communicator* all, int n, const int* devices) = nullptr;
  Status (*init_rank)(Communicator*, int n, UniqueId, int rank) = nullptr;
  Status (*destroy)(Communicator) = nullptr;
  Status (*abort)(Communicator) = nullptr;
  const char* (*error_text)(Status) = nullptr;
  Status (*all_reduce)(const void*, void*, std::size_t, int type, int operation, Communicator, cudaStream_t) = nullptr;
  Status (*all_gather)(const void*, void*, std::size_t, int type, Communicator, cudaStream_t) = nullptr;
  Status (*reduce_scatter)(const void*, void*, std::size_t, int type, int operation, Communicator,
                           cudaStream_t) = nullptr;
  Status (*group_start)() = nullptr;
  Status (*group_end)() = nullptr;
  Status (*send)(const void*, std::size_t, int type, int peer, Communicator, cudaStream_t) = nullptr;
  Status (*receive)(void*, std::size_t, int type, int peer, Communicator, cudaStream_t) = nullptr;
};

class Library {
 public:
  /// Error{environment} if libnccl.so.2 is not found, or is an older one. It is loaded once, and for good.
  static Result<Library> load();

  const Functions& functions() const { return functions_; }
  std::string version() const;  ///< "2.28.9"
  Result<> check(Status status, std::string_view what) const;
  /// Rank r's n of `from`, from r · n on, to rank r, whose own come to `to`: of rank r from r · n on.
  Result<> all_to_all(const float* from, float* to, std::size_t n, int n_ranks, Communicator, cudaStream_t) const;

 private:
  Functions functions_;
};

}  // namespace assay::kernels::nccl
