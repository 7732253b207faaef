#include "kernels/collective/nccl.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string_view>

namespace assay::kernels {

namespace {

// The part of NCCL's interface that is used: a status is 0 for success, and these are its enumerators.
using Communicator = void*;
using Status = int;
constexpr int kFloat32 = 7, kSum = 0;

struct Functions {
  Status (*version)(int* version) = nullptr;
  Status (*init_all)(Communicator* all, int n, const int* devices) = nullptr;
  Status (*destroy)(Communicator) = nullptr;
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

struct LibraryClose {
  void operator()(void* library) const noexcept { dlclose(library); }
};

template <class Function>
Result<> find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) return environment_error("libnccl.so.2 has no ", name);
  return {};
}

}  // namespace

struct Nccl::Library {
  std::unique_ptr<void, LibraryClose> handle;
  Functions functions;
  std::vector<Communicator> communicators;

  ~Library() {
    for (Communicator c : communicators) functions.destroy(c);
  }
  Result<> check(Status status, std::string_view what) const {
    if (status == 0) return {};
    return environment_error("NCCL, ", what, ": ", functions.error_text(status));
  }
  Communicator of(int rank) const { return communicators[static_cast<std::size_t>(rank)]; }
};

Nccl::Nccl() : library_(std::make_unique<Library>()) {}
Nccl::Nccl(Nccl&&) noexcept = default;
Nccl& Nccl::operator=(Nccl&&) noexcept = default;
Nccl::~Nccl() = default;

Result<Nccl> Nccl::open(std::span<const int> ordinals) {
  // Multicast groups are a resource of the whole host.
  setenv("NCCL_NVLS_ENABLE", "0", 1);
  Nccl nccl;
  Library& library = *nccl.library_;
  library.handle.reset(dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL));
  if (!library.handle) return environment_error("NCCL is not here: ", dlerror());
  void* handle = library.handle.get();
  Functions& f = library.functions;
  ASSAY_TRY(find(handle, "ncclGetVersion", f.version));
  ASSAY_TRY(find(handle, "ncclCommInitAll", f.init_all));
  ASSAY_TRY(find(handle, "ncclCommDestroy", f.destroy));
  ASSAY_TRY(find(handle, "ncclGetErrorString", f.error_text));
  ASSAY_TRY(find(handle, "ncclAllReduce", f.all_reduce));
  ASSAY_TRY(find(handle, "ncclAllGather", f.all_gather));
  ASSAY_TRY(find(handle, "ncclReduceScatter", f.reduce_scatter));
  ASSAY_TRY(find(handle, "ncclGroupStart", f.group_start));
  ASSAY_TRY(find(handle, "ncclGroupEnd", f.group_end));
  ASSAY_TRY(find(handle, "ncclSend", f.send));
  ASSAY_TRY(find(handle, "ncclRecv", f.receive));
  std::vector<Communicator> made(ordinals.size());
  ASSAY_TRY(library.check(f.init_all(made.data(), static_cast<int>(made.size()), ordinals.data()), "communicators"));
  library.communicators = std::move(made);
  return nccl;
}

std::string Nccl::version() const {
  int v = 0;
  library_->functions.version(&v);
  return std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
}

Result<> Nccl::all_reduce(int rank, const float* from, float* to, std::size_t n, cudaStream_t stream) const {
  return library_->check(library_->functions.all_reduce(from, to, n, kFloat32, kSum, library_->of(rank), stream),
                         "all-reduce");
}

Result<> Nccl::all_gather(int rank, const float* from, float* to, std::size_t n, cudaStream_t stream) const {
  return library_->check(library_->functions.all_gather(from, to, n, kFloat32, library_->of(rank), stream),
                         "all-gather");
}

Result<> Nccl::reduce_scatter(int rank, const float* from, float* to, std::size_t n, cudaStream_t stream) const {
  return library_->check(library_->functions.reduce_scatter(from, to, n, kFloat32, kSum, library_->of(rank), stream),
                         "reduce-scatter");
}

Result<> Nccl::all_to_all(int rank, const float* from, float* to, std::size_t n, cudaStream_t stream) const {
  const Functions& f = library_->functions;
  ASSAY_TRY(library_->check(f.group_start(), "all-to-all"));
  Status status = 0;
  for (int peer = 0; peer < static_cast<int>(library_->communicators.size()) && status == 0; ++peer) {
    const std::size_t at = static_cast<std::size_t>(peer) * n;
    status = f.send(from + at, n, kFloat32, peer, library_->of(rank), stream);
    if (status == 0) status = f.receive(to + at, n, kFloat32, peer, library_->of(rank), stream);
  }
  const Status ended = f.group_end();
  ASSAY_TRY(library_->check(status, "all-to-all"));
  return library_->check(ended, "all-to-all");
}

}  // namespace assay::kernels
