// In place of mpi.cpp, in builds without MPI: nobody is started together.
#include "harness/run/mpi.h"

namespace assay::run {

struct MpiGroup::Session {};

MpiGroup::MpiGroup(std::unique_ptr<Session> session) : session_(std::move(session)) {}
MpiGroup::MpiGroup(MpiGroup&&) noexcept = default;
MpiGroup& MpiGroup::operator=(MpiGroup&&) noexcept = default;
MpiGroup::~MpiGroup() = default;

std::optional<MpiGroup> MpiGroup::join() { return {}; }

// join() gives no group, so nobody asks one.
int MpiGroup::rank() const { return 0; }
int MpiGroup::ranks() const { return 1; }
std::vector<std::string> MpiGroup::gather(const std::string& text) const { return {text}; }

bool has_mpi() { return false; }

}  // namespace assay::run
