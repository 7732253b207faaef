#pragma once
// How much of the KV cache samples are taken to need, where nobody knows how long they will be. What these figures say
// decides when a sample starts, never what its tokens are. Pure.

#include <cstdint>
#include <vector>

namespace assay::runners {

/// Pages of a sample, what it shares with others left out.
struct PageNeed {
  int n_owned = 0;    ///< that are free again when it ends
  int n_to_come = 0;  ///< that it is taken to add until then
};

/// Pages that all of these own at the fullest moment, if they grow at one speed and each ends with what it is taken to
/// need.
std::int64_t pages_at_fullest(std::vector<PageNeed> needs);

/// Mean length of samples' outputs, learned while they run: tokens that there are over samples that have ended, which
/// is the most likely mean where a sample may end at any token with the same chance. Before any has ended, an eighth of
/// what a sample may have.
class LengthEstimate {
 public:
  void add_tokens(std::int64_t n) { n_tokens_ += n; }
  void add_end() { ++n_ended_; }
  /// Output tokens that a sample is taken to have in the end, which has n_known of at most `most`: the mean; where it
  /// has come near to that or is beyond, an eighth of the mean from now on.
  std::int64_t expected(std::int64_t n_known, std::int64_t most) const;

 private:
  std::int64_t n_tokens_ = 0, n_ended_ = 0;
};

}  // namespace assay::runners
