#include "results/gate/calibration.h"

#include <algorithm>

#include "harness/base/file.h"
#include "harness/base/philox.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "results/analysis/intervals.h"

namespace assay::results {

namespace {

constexpr std::string_view kCalibrationFormat = "assay-calibration";

/// Random numbers of one split: word w from the Philox counter {w / 4, split, 1, 0}.
class SplitDraws {
 public:
  SplitDraws(std::int64_t split, std::uint64_t seed) : split_(static_cast<std::uint32_t>(split)), seed_(seed) {}

  /// In [0, n).
  std::size_t below(std::size_t n) {
    if (at_ % 4 == 0) {
      words_ = philox({static_cast<std::uint32_t>(at_ / 4), split_, 1, 0},
                      {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
    }
    return static_cast<std::size_t>(std::uint64_t{words_[at_++ % 4]} * n >> 32);
  }

 private:
  std::uint32_t split_;
  std::uint64_t seed_;
  std::size_t at_ = 0;
  PhiloxWords words_{};
};

/// Every item's samples of all runs of the pool, in the first run's place; items with fewer than two are left out.
ComparableRun pooled(const std::vector<ComparableRun>& pool) {
  ComparableRun all = pool.front();
  for (std::size_t other = 1; other < pool.size(); ++other) {
    for (ComparableSuite& suite : all.suites) {
      for (const SuitePair& pair : pair_suites(all, pool[other])) {
        if (pair.baseline != &suite) continue;
        for (const ItemPair& items : pair.items) {
          auto& samples = suite.items[static_cast<std::size_t>(items.baseline - suite.items.data())].samples;
          samples.insert(samples.end(), items.candidate->samples.begin(), items.candidate->samples.end());
        }
      }
    }
  }
  for (ComparableSuite& suite : all.suites) {
    std::erase_if(suite.items, [](const ComparableItem& item) { return item.samples.size() < 2; });
  }
  std::erase_if(all.suites, [](const ComparableSuite& suite) { return suite.items.empty(); });
  all.output_tokens_per_s.reset();
  all.output_tokens_per_s_parts.clear();
  all.usd_total.reset();
  all.joules_total.reset();
  return all;
}

/// Two runs of half the samples each; of an odd number one is left out.
std::pair<ComparableRun, ComparableRun> dealt(const ComparableRun& all, std::int64_t split, std::uint64_t seed) {
  std::pair<ComparableRun, ComparableRun> halves = {all, all};
  SplitDraws draws(split, seed);
  for (std::size_t s = 0; s < all.suites.size(); ++s) {
    for (std::size_t i = 0; i < all.suites[s].items.size(); ++i) {
      std::vector<ComparableSample> samples = all.suites[s].items[i].samples;
      for (std::size_t n = samples.size(); n > 1; --n) std::swap(samples[n - 1], samples[draws.below(n)]);
      const auto half = static_cast<std::ptrdiff_t>(samples.size() / 2);
      halves.first.suites[s].items[i].samples.assign(samples.begin(), samples.begin() + half);
      halves.second.suites[s].items[i].samples.assign(samples.begin() + half, samples.begin() + 2 * half);
    }
  }
  return halves;
}

/// Whole-run figures are unknown in halves, so a gate on them has nothing to say there.
Policy policy_of_samples(Policy policy) {
  for (const char* metric : {"output_tokens_per_s", "usd_per_correct"}) policy.metrics[metric].gated = false;
  policy.fail_under.clear();
  policy.waivers.clear();
  return policy;
}

Result<Json> read_file_or_new(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    return Json{{"format", kCalibrationFormat}, {"format_version", 1}, {"calibrations", Json::array()}};
  }
  constexpr std::uint64_t kMostBytes = 16 << 20;
  ASSAY_ASSIGN(const std::string text, read_file(file, kMostBytes));
  ASSAY_ASSIGN(Json document, parse_json(text, file.string()));
  const auto list = document.is_object() ? document.find("calibrations") : document.end();
  if (!document.is_object() || document.value("format", Json()) != Json(kCalibrationFormat) || list == document.end() ||
      !list->is_array()) {
    return bad_input(file.string(),
                     ": holds no calibrations; move it away, \"assay check --calibrate\" writes a new one");
  }
  return document;
}

bool is_for(const Json& calibration, const std::string& environment, double level) {
  if (!calibration.is_object()) return false;
  const auto sha256 = calibration.find("environment_sha256");
  const auto of_level = calibration.find("level");
  const auto splits = calibration.find("splits");
  return sha256 != calibration.end() && *sha256 == environment && of_level != calibration.end() && *of_level == level &&
         splits != calibration.end() && splits->is_object();
}

}  // namespace

Result<Json> calibrate(const std::vector<ComparableRun>& pool, const Policy& policy,
                       const CalibrationOptions& options) {
  const ComparableRun all = pooled(pool);
  if (all.suites.empty()) {
    return bad_input("calibrate: no item of ", title_of(pool.front()),
                     " has two samples to split; give a run of several samples, or a second equal run as --candidate");
  }
  const Policy of_samples = policy_of_samples(policy);
  std::int64_t n_regressed = 0;
  std::int64_t n_inconclusive = 0;
  for (std::int64_t split = 0; split < options.n_splits; ++split) {
    const auto [a, b] = dealt(all, split, options.check.bootstrap.seed);
    ASSAY_ASSIGN(const CheckResult result, check_runs(a, b, of_samples, options.check));
    n_regressed += result.verdict == GateVerdict::regressed ? 1 : 0;
    n_inconclusive += result.verdict == GateVerdict::inconclusive ? 1 : 0;
  }
  std::int64_t n_pairs = 0;
  std::int64_t n_pairs_regressed = 0;
  for (std::size_t a = 0; a < pool.size(); ++a) {
    for (std::size_t b = 0; b < pool.size(); ++b) {
      if (a == b) continue;
      ASSAY_ASSIGN(const CheckResult result, check_runs(pool[a], pool[b], policy, options.check));
      ++n_pairs;
      n_pairs_regressed += result.verdict == GateVerdict::regressed ? 1 : 0;
    }
  }
  ASSAY_ASSIGN(const Interval ci95, wilson(static_cast<double>(n_regressed), options.n_splits));
  return Json{{"run_id", pool.front().run_id},
              {"environment_sha256", environment_sha256(pool.front())},
              {"at_ms", options.check.now_ms},
              {"level", policy.level},
              {"splits",
               {{"n", options.n_splits},
                {"regressed", n_regressed},
                {"inconclusive", n_inconclusive},
                {"regressed_ratio", static_cast<double>(n_regressed) / static_cast<double>(options.n_splits)},
                {"ci95", ci95}}},
              {"pairs", {{"n", n_pairs}, {"regressed", n_pairs_regressed}}}};
}

std::string environment_sha256(const ComparableRun& run) {
  Json environments = run.environments;
  for (Json& environment : environments) environment.erase("canary_logits_sha256");  // of the model, not the machine
  return sha256_hex(to_json_text(environments));
}

std::filesystem::path calibration_file(const std::filesystem::path& database) {
  return database.string() + "-calibration.json";
}

Result<> store_calibration(const std::filesystem::path& file, const Json& calibration) {
  ASSAY_ASSIGN(Json document, read_file_or_new(file));
  Json kept = Json::array();
  for (const Json& old : document["calibrations"]) {
    if (!is_for(old, calibration["environment_sha256"], calibration["level"])) kept.push_back(old);
  }
  kept.push_back(calibration);
  document["calibrations"] = std::move(kept);
  return write_file(file, to_json_text(document, 2) + "\n");
}

Result<std::optional<Json>> find_calibration(const std::filesystem::path& file, const std::string& environment,
                                             double level) {
  ASSAY_ASSIGN(const Json document, read_file_or_new(file));
  for (const Json& calibration : document["calibrations"]) {
    if (is_for(calibration, environment, level)) return std::optional(calibration);
  }
  return std::optional<Json>{};
}

std::string calibration_text(const Json& calibration) {
  const auto count = [](const Json& object, const char* key) {
    const auto at = object.find(key);
    return at != object.end() && at->is_number() ? to_text(at->get<double>()) : std::string("-");
  };
  const Json& splits = calibration["splits"];
  std::string text = "A/A on this machine: " + count(splits, "regressed") + " of " + count(splits, "n") +
                     " random splits of equal runs were called regressed, " + count(splits, "inconclusive") +
                     " inconclusive";
  const auto pairs = calibration.find("pairs");
  if (pairs == calibration.end() || !pairs->is_object() || count(*pairs, "n") == "0") return text;
  return text + "; of pairs of equal runs " + count(*pairs, "regressed") + " of " + count(*pairs, "n");
}

}  // namespace assay::results
