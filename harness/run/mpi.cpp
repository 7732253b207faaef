#include "harness/run/mpi.h"

#include <mpi.h>

#include <cstdlib>
#include <numeric>

namespace assay::run {

/// Begins and finishes MPI.
struct MpiGroup::Session {
  Session() {
    MPI_Init(nullptr, nullptr);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  }
  ~Session() { MPI_Finalize(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int rank = 0;
  int ranks = 1;
};

MpiGroup::MpiGroup(std::unique_ptr<Session> session) : session_(std::move(session)) {}
MpiGroup::MpiGroup(MpiGroup&&) noexcept = default;
MpiGroup& MpiGroup::operator=(MpiGroup&&) noexcept = default;
MpiGroup::~MpiGroup() = default;

int MpiGroup::rank() const { return session_->rank; }
int MpiGroup::ranks() const { return session_->ranks; }

std::optional<MpiGroup> MpiGroup::join() {
  // What a launcher leaves for MPI_Init to connect to. Without it MPI would start a world of one, slowly.
  bool is_launched = false;
  for (const char* name : {"PMIX_RANK", "PMI_FD", "PMI_PORT", "HYDI_CONTROL_FD"}) {
    is_launched = is_launched || std::getenv(name) != nullptr;
  }
  if (!is_launched) return {};
  return MpiGroup(std::make_unique<Session>());
}

std::vector<std::string> MpiGroup::gather(const std::string& text) const {
  const int n_bytes = static_cast<int>(text.size());
  std::vector<int> sizes(static_cast<std::size_t>(session_->ranks));
  MPI_Allgather(&n_bytes, 1, MPI_INT, sizes.data(), 1, MPI_INT, MPI_COMM_WORLD);
  std::vector<int> offsets(sizes.size());
  std::exclusive_scan(sizes.begin(), sizes.end(), offsets.begin(), 0);
  std::string all(static_cast<std::size_t>(offsets.back() + sizes.back()), '\0');
  MPI_Allgatherv(text.data(), n_bytes, MPI_CHAR, all.data(), sizes.data(), offsets.data(), MPI_CHAR, MPI_COMM_WORLD);
  std::vector<std::string> texts;
  for (std::size_t rank = 0; rank < sizes.size(); ++rank) {
    texts.push_back(all.substr(static_cast<std::size_t>(offsets[rank]), static_cast<std::size_t>(sizes[rank])));
  }
  return texts;
}

bool has_mpi() { return true; }

}  // namespace assay::run
