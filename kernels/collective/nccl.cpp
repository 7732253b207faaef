#include "kernels/collective/nccl.h"

#include "kernels/collective/nccl_library.h"

namespace assay::kernels {

struct Nccl::Library {
  nccl::Library nccl;
  std::vector<nccl::Communicator> communicators = {};

  ~Library() {
    for (nccl::Communicator c : communicators) nccl.functions().destroy(c);
  }
  const nccl::Functions& functions() const { return nccl.functions(); }
  nccl::Communicator of(int rank) const { return communicators[static_cast<std::size_t>(rank)]; }
};

Nccl::Nccl() : library_(std::make_unique<Library>()) {}
Nccl::Nccl(Nccl&&) noexcept = default;
Nccl& Nccl::operator=(Nccl&&) noexcept = default;
Nccl::~Nccl() = default;

Result<Nccl> Nccl::open(std::span<const int> ordinals) {
  Nccl made;
  Library& library = *made.library_;
  ASSAY_ASSIGN(library.nccl, nccl::Library::load());
  std::vector<nccl::Communicator> communicators(ordinals.size());
  ASSAY_TRY(library.nccl.check(
      library.functions().init_all(communicators.data(), static_cast<int>(communicators.size()), ordinals.data()),
      "communicators"));
  library.communicators = std::move(communicators);
  return made;
}

std::string Nccl::version() const { return library_->nccl.version(); }

Result<> Nccl::all_reduce(int rank, const float* from, float* to, std::size_t n, cudaStream_t stream) const {
  return library_->nccl.check(
      library_->functions().all_reduce(from, to, n, nccl::kFloat32, nccl::kSum, library_->of(rank), stream),
      "all-reduce");
}

Result<> Nccl::all_gather(int rank, const float* from, float* to, std::size_t n, cudaStream_t stream) const {
  return library_->nccl.check(library_->functions().all_gather(from, to, n, nccl::kFloat32, library_->of(rank), stream),
                              "all-gather");
}

Result<> Nccl::reduce_scatter(int rank, const float* from, float* to, std::size_t n, cudaStream_t stream) const {
  return library_->nccl.check(
      library_->functions().reduce_scatter(from, to, n, nccl::kFloat32, nccl::kSum, library_->of(rank), stream),
      "reduce-scatter");
}

Result<> Nccl::all_to_all(int rank, const float* from, float* to, std::size_t n, cudaStream_t stream) const {
  const int n_ranks = static_cast<int>(library_->communicators.size());
  return library_->nccl.all_to_all(from, to, n, n_ranks, library_->of(rank), stream);
}

}  // namespace assay::kernels
