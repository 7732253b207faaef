#include "kernels/collective/nccl_library.h"

#include <dlfcn.h>

#include <cstdlib>

namespace assay::kernels::nccl {

namespace {

template <class Function>
Result<> find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) return environment_error("libnccl.so.2 has no ", name);
  return {};
}

}  // namespace

Result<Library> Library::load() {
  setenv("NCCL_NVLS_ENABLE", "0", 1);
  Library library;
  // It stays: threads of its own run on, such as the one that new ranks ask where the others are.
  void* handle = dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) return environment_error("NCCL is not here: ", dlerror());
  Functions& f = library.functions_;
  ASSAY_TRY(find(handle, "ncclGetVersion", f.version));
  ASSAY_TRY(find(handle, "ncclGetUniqueId", f.unique_id));
  ASSAY_TRY(find(handle, "ncclCommInitAll", f.init_all));
  ASSAY_TRY(find(handle, "ncclCommInitRank", f.init_rank));
  ASSAY_TRY(find(handle, "ncclCommDestroy", f.destroy));
  ASSAY_TRY(find(handle, "ncclCommAbort", f.abort));
  ASSAY_TRY(find(handle, "ncclGetErrorString", f.error_text));
  ASSAY_TRY(find(handle, "ncclAllReduce", f.all_reduce));
  ASSAY_TRY(find(handle, "ncclAllGather", f.all_gather));
  ASSAY_TRY(find(handle, "ncclReduceScatter", f.reduce_scatter));
  ASSAY_TRY(find(handle, "ncclGroupStart", f.group_start));
  ASSAY_TRY(find(handle, "ncclGroupEnd", f.group_end));
  ASSAY_TRY(find(handle, "ncclSend", f.send));
  ASSAY_TRY(find(handle, "ncclRecv", f.receive));
  return library;
}

std::string Library::version() const {
  int v = 0;
  functions_.version(&v);
  return std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
}

Result<> Library::check(Status status, std::string_view what) const {
  if (status == 0) return {};
  return environment_error("NCCL, ", what, ": ", functions_.error_text(status));
}

Result<> Library::all_to_all(const float* from, float* to, std::size_t n, int n_ranks, Communicator communicator,
                             cudaStream_t stream) const {
  const Functions& f = functions_;
  ASSAY_TRY(check(f.group_start(), "all-to-all"));
  Status status = 0;
  for (int peer = 0; peer < n_ranks && status == 0; ++peer) {
    const std::size_t at = static_cast<std::size_t>(peer) * n;
    status = f.send(from + at, n, kFloat32, peer, communicator, stream);
    if (status == 0) status = f.receive(to + at, n, kFloat32, peer, communicator, stream);
  }
  const Status ended = f.group_end();
  ASSAY_TRY(check(status, "all-to-all"));
  return check(ended, "all-to-all");
}

}  // namespace assay::kernels::nccl
