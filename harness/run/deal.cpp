#include "harness/run/deal.h"

#include <algorithm>
#include <cstdint>
#include <queue>
#include <tuple>

#include "harness/base/result.h"

namespace assay::run {

namespace {

constexpr std::int64_t kPartsPerRank = 16;   // so many at least, as far as samples allow
constexpr std::int64_t kBytesPerToken = 4;   // of a prompt, about
constexpr std::int64_t kTokensPerPass = 64;  // a prompt's tokens are computed together: about so many as cheap as one
constexpr std::int64_t kUsualReplyTokens = 1 << 13;  // where a reply may use what is left of the context

/// Samples of one item that stay together: [first, last) of Plan::samples.
struct Part {
  std::size_t first = 0, last = 0;
  std::int64_t work = 0;   ///< about so many generated tokens
  std::uint32_t word = 0;  ///< of its first sample, for equal ones
};

std::int64_t work_of_sample(const PlannedSuite& planned, const suites::Item& item) {
  const std::int64_t reply_tokens =
      planned.sampling.max_output_tokens > 0 ? planned.sampling.max_output_tokens : kUsualReplyTokens;
  return reply_tokens + static_cast<std::int64_t>(item.prompt.size()) / (kBytesPerToken * kTokensPerPass);
}

/// The most work that stays together.
std::int64_t work_of_part(const Plan& plan, int ranks) {
  std::int64_t total = 0;
  for (const PlannedSample& sample : plan.samples) {
    const PlannedSuite& planned = plan.suites[sample.suite_index];
    total += work_of_sample(planned, planned.suite.items[sample.item_index]);
  }
  return total / (kPartsPerRank * ranks);
}

std::vector<Part> parts_of(const Plan& plan, int ranks) {
  const std::int64_t most_work = work_of_part(plan, ranks);
  std::vector<Part> parts;
  for (std::size_t first = 0; first < plan.samples.size();) {
    const PlannedSample& begin = plan.samples[first];
    const PlannedSuite& planned = plan.suites[begin.suite_index];
    const std::int64_t work = work_of_sample(planned, planned.suite.items[begin.item_index]);
    const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1, most_work / work));
    std::size_t last = first;
    while (last < plan.samples.size() && last - first < most && plan.samples[last].suite_index == begin.suite_index &&
           plan.samples[last].item_index == begin.item_index) {
      ++last;
    }
    parts.push_back({first, last, work * static_cast<std::int64_t>(last - first), begin.request.key.sample_word});
    first = last;
  }
  return parts;
}

}  // namespace

std::vector<int> deal_samples(const Plan& plan, int ranks) {
  ASSAY_ASSERT(ranks >= 1, "somebody asks");
  std::vector<Part> parts = parts_of(plan, ranks);
  std::sort(parts.begin(), parts.end(), [&](const Part& a, const Part& b) {
    const auto order = [&](const Part& part) {
      const PlannedSample& sample = plan.samples[part.first];
      return std::tuple(-part.work, part.word, std::string_view(plan.suites[sample.suite_index].suite.sha256),
                        std::string_view(plan.suites[sample.suite_index].suite.items[sample.item_index].id.value),
                        sample.sample);
    };
    return order(a) < order(b);
  });

  using Load = std::pair<std::int64_t, int>;  // work so far, rank
  std::priority_queue<Load, std::vector<Load>, std::greater<>> ranks_by_load;
  for (int rank = 0; rank < ranks; ++rank) ranks_by_load.emplace(0, rank);
  std::vector<int> rank_of(plan.samples.size());
  for (const Part& part : parts) {
    const auto [work, rank] = ranks_by_load.top();
    ranks_by_load.pop();
    std::fill(rank_of.begin() + static_cast<std::ptrdiff_t>(part.first),
              rank_of.begin() + static_cast<std::ptrdiff_t>(part.last), rank);
    ranks_by_load.emplace(work + part.work, rank);
  }
  return rank_of;
}

}  // namespace assay::run
