// Statistics against SciPy, statsmodels and mpmath, to 1e-9 relative: results/testdata/statistics.py made the values.
#include <cmath>
#include <filesystem>

#include "harness/base/archive.h"
#include "harness/base/json.h"
#include "results/analysis/bootstrap.h"
#include "results/analysis/decisions.h"
#include "results/analysis/distributions.h"
#include "results/analysis/intervals.h"
#include "results/analysis/moments.h"
#include "results/analysis/paired.h"
#include "results/analysis/power.h"
#include "results/analysis/ratio.h"
#include "results/analysis/votes.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

namespace {

constexpr double kTolerance = 1e-9;

const Json& reference() {
  static const Json values = [] {
    const auto text = read_packed_file(std::filesystem::path(ASSAY_SOURCE_DIR) / "results/testdata/statistics.json.gz");
    REQUIRE(text);
    return *parse_json(*text, "statistics.json");
  }();
  return values;
}

/// The cases of one function; there are some, so that no test can pass over nothing.
const Json& cases(const char* name) {
  const Json& found = reference().at(name);
  REQUIRE(found.size() > 0);
  return found;
}

using Numbers = std::vector<double>;
Numbers numbers(const Json& json) { return json.get<Numbers>(); }

void check_close(const Result<double>& actual, const Json& expected) {
  REQUIRE(actual);
  const double value = expected.get<double>();
  if (value == 0) {
    CHECK_THAT(*actual, WithinAbs(0, 1e-15));
  } else {
    CHECK_THAT(*actual, WithinRel(value, kTolerance));
  }
}

void check_close(const Result<Interval>& actual, const Json& expected) {
  REQUIRE(actual);
  for (const std::size_t end : {0, 1}) check_close((*actual)[end], expected.at(end));
}

BootstrapOptions options_of(const Json& json) {
  return {.n_resamples = json.at("n_resamples"), .seed = json.at("seed")};
}

}  // namespace

TEST_CASE("distributions: SciPy's and mpmath's values, in the tails too", "[analysis]") {
  for (const Json& c : cases("incomplete_beta")) {
    CAPTURE(c.dump());
    check_close(incomplete_beta(c["a"], c["b"], c["x"]), c["value"]);
  }
  for (const Json& c : cases("beta_quantile")) {
    CAPTURE(c.dump());
    check_close(beta_quantile(c["a"], c["b"], c["p"]), c["value"]);
  }
  for (const Json& c : cases("t_quantile")) {
    CAPTURE(c.dump());
    check_close(t_quantile(c["df"], c["p"]), c["value"]);
  }
  for (const Json& c : cases("t_two_sided_p")) {
    CAPTURE(c.dump());
    check_close(t_two_sided_p(c["df"], c["t"]), c["value"]);
  }
  for (const Json& c : cases("normal_cdf")) check_close(normal_cdf(c["x"]), c["value"]);
  for (const Json& c : cases("normal_quantile")) check_close(normal_quantile(c["p"]), c["value"]);
  for (const Json& c : cases("binomial_cdf")) {
    CAPTURE(c.dump());
    check_close(binomial_cdf(c["k"], c["n"], c["p"]), c["value"]);
  }
}

TEST_CASE("wilson, clopper_pearson, beta_posterior, t_interval: statsmodels' and SciPy's values", "[analysis]") {
  for (const Json& c : cases("wilson")) {
    CAPTURE(c.dump());
    check_close(wilson(c["x"], c["n"], c["level"]), c["value"]);
  }
  for (const Json& c : cases("clopper_pearson")) {
    CAPTURE(c.dump());
    check_close(clopper_pearson(c["x"], c["n"], c["level"]), c["value"]);
  }
  for (const Json& c : cases("beta_posterior")) {
    CAPTURE(c.dump());
    check_close(beta_posterior(c["x"], c["n"], {c["prior"][0], c["prior"][1]}, c["level"]), c["value"]);
  }
  for (const Json& c : cases("t_interval"))
    check_close(t_interval(c["mean"], c["se"], c["df"], c["level"]), c["value"]);
}

TEST_CASE("clustered_standard_error, split_variance: statsmodels' and NumPy's values", "[analysis]") {
  const Json& c = cases("clustered");
  const auto values = numbers(c["values"]);
  const auto clusters = group_by(values, c["labels"].get<std::vector<std::string>>());
  REQUIRE(clusters);
  check_close(standard_error(values), c["plain"]);
  check_close(clustered_standard_error(*clusters, ClusterCorrection::none), c["cr0"]);
  check_close(clustered_standard_error(*clusters, ClusterCorrection::c_over_c_minus_1), c["corrected"]);

  const Json& s = cases("split_variance");
  const auto split = split_variance(s["scores"].get<std::vector<Numbers>>());
  REQUIRE(split);
  check_close(split->within_variance, s["within"]);
  check_close(split->sampling_variance, s["sampling"]);
  check_close(split->between_variance, s["between"]);
  check_close(split->fixed_items_standard_error, s["fixed"]);
}

TEST_CASE("paired_difference: SciPy's paired t test and statsmodels' clustered fit", "[analysis]") {
  const Json& c = cases("paired");
  const auto plain = paired_difference(numbers(c["a"]), numbers(c["b"]));
  REQUIRE(plain);
  check_close(plain->difference, c["difference"]);
  check_close(plain->standard_error, c["se"]);
  check_close(plain->correlation.value(), c["correlation"]);
  check_close(p_value_of(*plain), c["p_value"]);
  check_close(interval_of(*plain), c["ci95"]);
  check_close(interval_of(*plain, 0.90), c["ci90"]);

  const Json& k = cases("paired_clustered");
  const auto clustered =
      paired_difference(numbers(c["a"]), numbers(c["b"]), k["labels"].get<std::vector<std::string>>());
  REQUIRE(clustered);
  check_close(clustered->standard_error, k["se"]);
  check_close(p_value_of(*clustered), k["p_value"]);
  check_close(interval_of(*clustered), k["ci95"]);
}

TEST_CASE("mcnemar_p_value, sign_flip_test, holm_adjusted: statsmodels' and SciPy's values", "[analysis]") {
  for (const Json& c : cases("mcnemar")) {
    CAPTURE(c.dump());
    check_close(mcnemar_p_value(c["b"], c["c"]), c["p_value"]);
  }
  for (const Json& c : cases("sign_flip")) {
    CAPTURE(c.dump());
    std::vector<Numbers> clusters;
    for (const double d : numbers(c["d"])) clusters.push_back({d});
    const auto test = sign_flip_test(clusters);
    REQUIRE(test);
    CHECK(test->exact);
    check_close(test->p_value, c["p_value"]);
  }
  const Json& c = cases("holm");
  const auto adjusted = holm_adjusted(numbers(c["p"]));
  REQUIRE(adjusted);
  REQUIRE(adjusted->size() == c["adjusted"].size());
  for (std::size_t i = 0; i < adjusted->size(); ++i) check_close((*adjusted)[i], c["adjusted"][i]);
}

TEST_CASE("bootstrap: SciPy's percentile and BCa intervals over the same draws", "[analysis]") {
  const Json& m = cases("bootstrap_mean");
  std::vector<Numbers> items;
  for (const double v : numbers(m["items"])) items.push_back({v});
  const auto at95 = bootstrap_mean(items, options_of(m));
  const auto at80 = bootstrap_mean(items, options_of(m), 0.8);
  REQUIRE(at95);
  REQUIRE(at80);
  check_close(at95->percentile, m["percentile"]);
  check_close(at95->bca.value(), m["bca"]);
  check_close(at95->standard_error.value(), m["standard_error"]);
  check_close(at80->percentile, m["percentile80"]);
  check_close(at80->bca.value(), m["bca80"]);

  const Json& r = cases("bootstrap_ratio");
  std::vector<RatioTerm> terms;
  for (std::size_t i = 0; i < r["numerators"].size(); ++i) {
    terms.push_back({r["numerators"][i].get<double>(), r["denominators"][i].get<double>()});
  }
  const auto ratio = bootstrap_ratio(terms, options_of(m));
  REQUIRE(ratio);
  check_close(ratio->percentile, r["percentile"]);
  check_close(ratio->bca.value(), r["bca"]);

  for (const auto& [name, p] : {std::pair("bootstrap_median", 0.5), std::pair("bootstrap_p90", 0.9)}) {
    const Json& q = cases(name);
    check_close(bootstrap_quantile(q["clusters"].get<std::vector<Numbers>>(), p, options_of(m)), q["ci95"]);
  }
}

TEST_CASE("fieller, power, pass@k: roots, normal quantiles and exact coefficients", "[analysis]") {
  const Json& f = cases("fieller");
  const auto ratio = fieller(numbers(f["numerators"]), numbers(f["denominators"]));
  REQUIRE(ratio);
  check_close(ratio->ratio, f["ratio"]);
  check_close(ratio->interval.value(), f["ci95"]);

  for (const Json& c : cases("power")) {
    CAPTURE(c.dump());
    const PairedVariance variance = {c["between"], c["within_a"], c["within_b"], c["samples_a"], c["samples_b"]};
    check_close(detectable_difference(c["n"], variance), c["detectable"]);
    check_close(power_of(c["n"], c["difference"], variance), c["power"]);
    CHECK(static_cast<double>(*items_needed(c["difference"], variance)) == c["needed"].get<double>());
  }
  for (const Json& c : cases("pass_at_k")) {
    CAPTURE(c.dump());
    check_close(pass_at_k(c["n"], c["c"], c["k"]), c["pass"]);
    check_close(pass_hat_k(c["n"], c["c"], c["k"]), c["hat"]);
  }
}
