#pragma once
// The one place that knows MPI: who am I, how many are we, and what has everybody to say.

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace assay::run {

/// The processes that an MPI launcher started together. All of them make the same calls in the same order. Once it is
/// gone, MPI is finished for this process: nothing of it runs while the model works, so the death of one process can't
/// hang another one in a call. One at a time, on one thread.
class MpiGroup {
 public:
  /// Nothing where no MPI launcher started this process, or where this build has no MPI.
  static std::optional<MpiGroup> join();
  MpiGroup(MpiGroup&&) noexcept;
  MpiGroup& operator=(MpiGroup&&) noexcept;
  ~MpiGroup();

  int rank() const;
  int ranks() const;
  /// What each rank gave, by rank. Returns once all have given something, so it is a barrier, too.
  std::vector<std::string> gather(const std::string& text) const;

 private:
  struct Session;
  explicit MpiGroup(std::unique_ptr<Session> session);
  std::unique_ptr<Session> session_;
};

/// Whether this build has MPI.
bool has_mpi();

}  // namespace assay::run
