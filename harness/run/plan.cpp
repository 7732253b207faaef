#include "harness/run/plan.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "harness/base/sha256.h"

namespace assay::run {

namespace {

/// The ids that more than one suite uses.
std::unordered_set<std::string> shared_item_ids(const std::vector<PlannedSuite>& suites) {
  std::unordered_map<std::string, std::size_t> first_suite;
  std::unordered_set<std::string> shared;
  for (std::size_t s = 0; s < suites.size(); ++s) {
    for (const suites::Item& item : suites[s].suite.items) {
      if (first_suite.emplace(item.id.value, s).first->second != s) shared.insert(item.id.value);
    }
  }
  return shared;
}

runners::Request make_request(const PlannedSuite& planned, const suites::Item& item, std::int64_t sample,
                              std::uint64_t seed, bool id_is_shared) {
  runners::Request request;
  request.id = id_is_shared ? planned.suite.name + "/" + item.id.value : item.id.value;
  request.sample = sample;
  request.messages = {{runners::Role::user, item.prompt}};
  request.reply_opening = planned.reply_opening;
  request.sampling = planned.sampling;
  request.key = {seed, sample_word(planned.suite.sha256, item.id.value, sample)};
  return request;
}

}  // namespace

std::uint32_t sample_word(std::string_view suite_sha256, std::string_view item_id, std::int64_t sample) {
  Sha256 hash;
  hash.update(suite_sha256);
  hash.update("/");
  hash.update(item_id);
  hash.update(":");
  hash.update(std::to_string(sample));
  const Sha256Digest digest = hash.finish();
  return std::uint32_t{digest[0]} << 24 | std::uint32_t{digest[1]} << 16 | std::uint32_t{digest[2]} << 8 | digest[3];
}

Result<Plan> make_plan(std::vector<suites::Suite> suites, const PlanSettings& settings) {
  Plan plan;
  std::unordered_set<std::string> names;
  for (suites::Suite& suite : suites) {
    if (!names.insert(suite.name).second)
      return bad_input("suite \"", suite.name, "\" is asked for twice; name it once");
    const std::int64_t by_default =
        settings.protocol ? protocol_samples(*settings.protocol, suite) : suite.sampling.samples;  // of the whole suite
    if (settings.limit && static_cast<std::size_t>(*settings.limit) < suite.items.size()) {
      suite.items.resize(static_cast<std::size_t>(*settings.limit));
    }
    const std::int64_t samples = settings.samples.value_or(by_default);
    const Protocol protocol = settings.protocol.value_or(Protocol{});
    const runners::SamplingParams sampling = resolve_sampling(suite.sampling, protocol.sampling, settings.sampling);
    plan.suites.push_back({std::move(suite), samples, sampling, protocol.reply_opening});
  }

  const std::unordered_set<std::string> shared = shared_item_ids(plan.suites);
  for (std::size_t s = 0; s < plan.suites.size(); ++s) {
    const PlannedSuite& planned = plan.suites[s];
    for (std::size_t i = 0; i < planned.suite.items.size(); ++i) {
      const suites::Item& item = planned.suite.items[i];
      for (std::int64_t sample = 0; sample < planned.samples; ++sample) {
        plan.samples.push_back(
            {s, i, sample, make_request(planned, item, sample, settings.seed, shared.contains(item.id.value))});
      }
    }
  }
  if (plan.samples.empty()) return bad_input("nothing to run: the suites hold no item");
  return plan;
}

}  // namespace assay::run
