#include "results/pairing.h"

#include <algorithm>
#include <set>

#include "harness/base/text.h"
#include "results/method_versions.h"

namespace assay::results {

namespace {

const ComparableSuite* find_suite(const ComparableRun& run, const std::string& name) {
  const auto at = std::find_if(run.suites.begin(), run.suites.end(),
                               [&](const ComparableSuite& suite) { return suite.suite == name; });
  return at == run.suites.end() ? nullptr : &*at;
}

std::string both(const std::string& what, const std::string& baseline, const std::string& candidate) {
  constexpr std::size_t kMostBytes = 40;
  const auto part = [](const std::string& text) { return text.empty() ? "none" : shown(text, kMostBytes); };
  return what + " (" + part(baseline) + ", " + part(candidate) + ")";
}

/// The keys in which two objects differ, each with both values.
std::vector<std::string> different_keys(const Json& a, const Json& b, const std::vector<std::string>& ignored) {
  std::set<std::string> keys;
  for (const Json* object : {&a, &b}) {
    for (const auto& [key, value] : object->items()) keys.insert(key);
  }
  for (const std::string& key : ignored) keys.erase(key);
  std::vector<std::string> different;
  for (const std::string& key : keys) {
    const Json in_a = a.contains(key) ? a[key] : Json();
    const Json in_b = b.contains(key) ? b[key] : Json();
    const auto text = [](const Json& value) {
      if (value.is_null()) return std::string();
      return value.is_string() ? value.get<std::string>() : to_json_text(value);
    };
    if (in_a != in_b) different.push_back(both(key, text(in_a), text(in_b)));
  }
  return different;
}

std::vector<double> known_values(const ComparableItem& item, const SampleFigure& figure) {
  std::vector<double> values;
  for (const ComparableSample& sample : item.samples) {
    if (const auto value = figure(sample)) values.push_back(*value);
  }
  return values;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

std::vector<ItemPair> pair_items(const ComparableSuite& baseline, const ComparableSuite& candidate) {
  std::map<std::string_view, std::vector<const ComparableItem*>> by_content;
  for (const ComparableItem& item : candidate.items) by_content[item.content_sha256].push_back(&item);
  std::vector<ItemPair> pairs;
  for (const ComparableItem& item : baseline.items) pairs.push_back({&item, nullptr});
  const auto take = [&](ItemPair& pair, bool same_id) {
    const auto found = by_content.find(pair.baseline->content_sha256);
    if (pair.candidate != nullptr || found == by_content.end()) return;
    auto& items = found->second;
    const auto at = std::find_if(items.begin(), items.end(), [&](const ComparableItem* item) {
      return !same_id || item->item == pair.baseline->item;
    });
    if (at == items.end()) return;
    pair.candidate = *at;
    items.erase(at);
  };
  for (const bool same_id : {true, false}) {
    for (ItemPair& pair : pairs) take(pair, same_id);
  }
  std::erase_if(pairs, [](const ItemPair& pair) { return pair.candidate == nullptr; });
  return pairs;
}

std::vector<SuitePair> pair_suites(const ComparableRun& baseline, const ComparableRun& candidate) {
  std::vector<SuitePair> pairs;
  for (const ComparableSuite& suite : baseline.suites) {
    const ComparableSuite* other = find_suite(candidate, suite.suite);
    if (other != nullptr) pairs.push_back({&suite, other, pair_items(suite, *other)});
  }
  return pairs;
}

std::vector<std::string> suites_missing_in(const ComparableRun& other, const ComparableRun& run) {
  std::vector<std::string> missing;
  for (const ComparableSuite& suite : run.suites) {
    if (find_suite(other, suite.suite) == nullptr) missing.push_back(suite.suite);
  }
  return missing;
}

std::vector<std::string> comparison_obstacles(const ComparableRun& baseline, const ComparableRun& candidate) {
  std::vector<std::string> obstacles;
  for (const ComparableSuite& a : baseline.suites) {
    const ComparableSuite* b = find_suite(candidate, a.suite);
    if (b == nullptr) continue;
    const std::string of = " of " + shown(a.suite);
    constexpr std::size_t kDigits = 12;
    if (a.sha256 != b->sha256) {
      obstacles.push_back(both("suite hash" + of, a.sha256.substr(0, kDigits), b->sha256.substr(0, kDigits)));
    }
    const std::string grader_a = a.grader_profile + " " + a.grader_version;
    const std::string grader_b = b->grader_profile + " " + b->grader_version;
    if (grader_a != grader_b) obstacles.push_back(both("grader" + of, grader_a, grader_b));
    for (const std::string& key : different_keys(a.sampling, b->sampling, {}))
      obstacles.push_back("sampling" + of + ": " + key);
  }
  for (const std::string& method : different_methods(baseline.method_versions, candidate.method_versions)) {
    obstacles.push_back("method version of " + method);
  }
  return obstacles;
}

std::vector<std::string> environment_differences(const ComparableRun& baseline, const ComparableRun& candidate,
                                                 const std::vector<std::string>& ignored) {
  std::vector<std::string> left_out = ignored;
  if (baseline.weights_sha256.empty() || baseline.weights_sha256 != candidate.weights_sha256) {
    left_out.emplace_back("canary_logits_sha256");
  }
  if (baseline.environments.empty() || candidate.environments.empty()) return {"environment (unknown)"};
  std::vector<std::string> different;
  if (baseline.provenance != candidate.provenance) {
    different.push_back(both("provenance", baseline.provenance, candidate.provenance));
  }
  const auto compare_with_first = [&](const std::vector<Json>& environments) {
    for (const Json& environment : environments) {
      for (const std::string& key : different_keys(baseline.environments.front(), environment, left_out)) {
        if (std::find(different.begin(), different.end(), key) == different.end()) different.push_back(key);
      }
    }
  };
  compare_with_first(baseline.environments);
  compare_with_first(candidate.environments);
  return different;
}

PairedValues paired_values(const std::vector<ItemPair>& items, const SampleFigure& figure) {
  PairedValues values;
  for (const ItemPair& pair : items) {
    std::vector<double> baseline = known_values(*pair.baseline, figure);
    std::vector<double> candidate = known_values(*pair.candidate, figure);
    if (baseline.empty() || candidate.empty()) continue;
    values.baseline.push_back(std::move(baseline));
    values.candidate.push_back(std::move(candidate));
  }
  return values;
}

PairedMeans paired_means(const std::vector<ItemPair>& items, const SampleFigure& figure) {
  const PairedValues values = paired_values(items, figure);
  PairedMeans means;
  for (const auto& of_item : values.baseline) means.baseline.push_back(mean_of(of_item));
  for (const auto& of_item : values.candidate) means.candidate.push_back(mean_of(of_item));
  return means;
}

std::optional<double> correctness(const ComparableSample& sample) {
  return sample.verdict == Verdict::correct ? 1.0 : 0.0;
}

std::optional<double> truncation(const ComparableSample& sample) {
  return sample.verdict == Verdict::truncated ? 1.0 : 0.0;
}

std::optional<double> output_tokens(const ComparableSample& sample) {
  if (!sample.n_output_tokens) return {};
  return static_cast<double>(*sample.n_output_tokens);
}

}  // namespace assay::results
