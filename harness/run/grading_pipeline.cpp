#include "harness/run/grading_pipeline.h"

#include <optional>

#include "harness/base/text.h"

namespace assay::run {

namespace {
// A reply is at most some 100 kB. Replies wait while programs are graded, so that the engine need not: at most 200 MB.
constexpr std::size_t kAnsweredCapacity = 2048;
constexpr std::size_t kGradedCapacity = 256;
}  // namespace

GradingPipeline::GradingPipeline(const Plan& plan, GradingTools tools, std::size_t n_threads, StoreSamples store,
                                 std::function<std::int64_t()> unix_ms)
    : plan_(plan),
      tools_(std::move(tools)),
      store_(std::move(store)),
      unix_ms_(std::move(unix_ms)),
      answered_(kAnsweredCapacity),
      graded_(kGradedCapacity) {
  for (const PlannedSample& planned : plan.samples) {
    planned_.emplace(std::pair(planned.request.id, planned.sample), &planned);
  }
  for (std::size_t t = 0; t < n_threads; ++t) graders_.emplace_back([this] { grade_all(); });
  storer_ = std::jthread([this] { store_all(); });
}

GradingPipeline::~GradingPipeline() { (void)finish(); }

Result<> GradingPipeline::submit(runners::Completion completion) {
  ASSAY_TRY(failure());
  const auto planned = planned_.find({completion.id, completion.sample});
  if (planned == planned_.end()) {
    return environment_error("the runner answered id ", quoted_excerpt(completion.id), ", sample ", completion.sample,
                             ", which nobody asked for");
  }
  answered_.push({planned->second, std::move(completion)});
  return {};
}

Result<> GradingPipeline::finish() {
  answered_.close();
  graders_.clear();  // joins: every completion is graded
  graded_.close();
  if (storer_.joinable()) storer_.join();
  return failure();
}

void GradingPipeline::grade_all() {
  while (std::optional<Answered> answered = answered_.pop()) {
    const PlannedSample& planned = *answered->planned;
    const suites::Suite& suite = plan_.suites[planned.suite_index].suite;
    const suites::Item& item = suite.items[planned.item_index];
    results::SampleFacts sample = sample_facts(suite.name, item.id, answered->completion);
    results::VerdictFacts verdict = grade_sample(suite, item, sample, tools_, unix_ms_());
    if (Json& request = answered->completion.details; !request.empty()) verdict.detail["request"] = std::move(request);
    graded_.push({std::move(sample), std::move(verdict)});
  }
}

void GradingPipeline::store_all() {
  while (true) {
    const std::vector<results::GradedSample> graded = graded_.pop_all();
    if (graded.empty()) return;
    if (!failure()) continue;  // drain, so that graders don't wait for room
    if (auto stored = store_(graded); !stored) {
      const std::lock_guard held(failure_mutex_);
      failure_ = stored.error();
    }
  }
}

Result<> GradingPipeline::failure() {
  const std::lock_guard held(failure_mutex_);
  return failure_;
}

}  // namespace assay::run
