#include "results/token_streams.h"

#include "results/test_facts.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;

namespace {

RunId store_run(Store& store, const std::string& name, const std::vector<SampleFacts>& samples) {
  auto writer = store.begin_run(some_run(name), some_environment(), kNowMs);
  REQUIRE(ok(writer));
  for (const SampleFacts& sample : samples) {
    REQUIRE(ok(writer->add_sample(sample, some_verdict(Verdict::correct), kNowMs, 1)));
  }
  return writer->run_id();
}

SampleFacts sample_with(const std::string& item, std::vector<std::int32_t> tokens) {
  SampleFacts sample = some_sample(item, 0);
  sample.tokens = std::move(tokens);
  return sample;
}

}  // namespace

TEST_CASE("token_agreement: counts samples whose tokens are the same, all of them", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  REQUIRE(ok(store));
  const RunId a = store_run(*store, "a", {sample_with("i0", {1, 2}), sample_with("i1", {1, 2}), sample_with("i2", {})});
  const RunId b =
      store_run(*store, "b", {sample_with("i0", {1, 2}), sample_with("i1", {1, 3}), sample_with("i2", {5})});
  const auto tokens_a = read_token_streams(*store, a), tokens_b = read_token_streams(*store, b);
  REQUIRE(ok(tokens_a));
  REQUIRE(ok(tokens_b));
  const TokenAgreement agreement = token_agreement(*tokens_a, *tokens_b);
  CHECK(agreement.n_common == 3);
  CHECK(agreement.n_unknown == 1);
  CHECK(agreement.n_same == 1);
  CHECK(agreement.same_ratio() == 0.5);
  CHECK(token_agreement(*tokens_a, {}).n_common == 0);
  CHECK_FALSE(token_agreement(*tokens_a, {}).same_ratio().has_value());
  CHECK(read_token_streams(*store, a, [] { return true; }).error().kind == ErrorKind::interrupted);
}
