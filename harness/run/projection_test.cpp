#include "harness/run/projection.h"

#include <cmath>
#include <random>

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::run;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

// Of Llama-3.1-8B, pass_work_test.cpp.
runners::PassWork llama_8b() {
  runners::PassWork work;
  work.weight_bytes = 2 * 7'504'924'672.0;
  work.flop_per_token = work.weight_bytes;
  work.kv_bytes_per_token = 131'072;
  work.attention_flop_per_pair = 2.0 * 32 * 32 * 256;
  work.n_layers = 32;
  work.hidden_size = 4096;
  work.vocab_size = 128'256;
  return work;
}

constexpr runners::DeviceRates kH200{4.4e12, 989e12, 1979e12}, kH800{3.0e12, 989e12, 1979e12};
const LinkFits kLink{{3.3, 343, 0, 9}, {4.6, 350, 0, 9}};

MeasuredPass decode_of(double batch, double ms, int n_ranks = 2) {
  MeasuredPass pass;
  pass.name = "batch=" + std::to_string(static_cast<int>(batch));
  pass.batch = batch;
  pass.tokens = 1024;
  pass.n_ranks = n_ranks;
  pass.splits_heads = n_ranks > 1;
  pass.ms = ms;
  return pass;
}

}  // namespace

// By hand: 64 sums of 128 · 4096 · 4 bytes over two ranks, each 3.3 µs + 2 MiB / 343 GB/s = 9.414 µs; the logits of a
// rank are 128 · 64128 · 4 bytes, 4.6 µs + 93.81 µs.
TEST_CASE("link_ms: sums of all layers and the gathered logits", "[projection]") {
  const MeasuredPass pass = decode_of(128, 10);
  CHECK_THAT(link_ms(pass, llama_8b(), kLink),
             WithinRel(1e-3 * (64 * (3.3 + 2097152 / 343e3) + 4.6 + 32833536 / 350e3), 1e-9));
  MeasuredPass experts = pass;
  experts.splits_heads = false;
  CHECK_THAT(link_ms(experts, llama_8b(), kLink),
             WithinRel(1e-3 * (32 * (3.3 + 2097152 / 343e3) + 4.6 + 32833536 / 350e3), 1e-9));
  CHECK(link_ms(decode_of(128, 10, 1), llama_8b(), kLink) == 0);
  // 2 prompts of 3000 tokens: a pass of 4096 rows and one of 1904; two rows of logits.
  MeasuredPass prompts = decode_of(2, 100);
  prompts.is_decode = false;
  prompts.tokens = 3000;
  const auto sum_us = [](double rows) { return 64 * (3.3 + rows * 4096 * 4 / 343e3); };
  CHECK_THAT(link_ms(prompts, llama_8b(), kLink),
             WithinRel(1e-3 * (sum_us(4096) + sum_us(1904) + 4.6 + 2 * 64128 * 4 / 350e3), 1e-9));
}

TEST_CASE("project_pass_ms: a machine that is one comes back, on other links and another card", "[projection]") {
  // The truth: what a GPU does by itself, and what goes over the link.
  const runners::PassWork work = llama_8b();
  for (const double batch : {1.0, 32.0, 256.0}) {
    MeasuredPass pass = decode_of(batch, 0);
    const double alone_ms = 2 + 0.01 * batch;
    pass.ms = alone_ms + link_ms(pass, work, kLink);
    const auto same = project_pass_ms(pass, work, {kH200, kLink}, {kH200, kLink});
    REQUIRE(same);
    CHECK_THAT(*same, WithinRel(pass.ms, 1e-12));
    const LinkFits slow = kLink.at_rate(165);
    const auto slower = project_pass_ms(pass, work, {kH200, kLink}, {kH200, slow});
    REQUIRE(slower);
    CHECK_THAT(*slower, WithinRel(alone_ms + link_ms(pass, work, slow), 1e-12));
    CHECK(*slower > pass.ms);
    const auto other_card = project_pass_ms(pass, work, {kH200, kLink}, {kH800, kLink});
    REQUIRE(other_card);
    CHECK(*other_card > pass.ms);
    CHECK(*other_card < pass.ms * 4.4 / 3.0);
  }
  // One GPU whose pass is reading alone is slower by the ratio of the read rates.
  runners::PassWork reading = work;
  reading.flop_per_token = reading.n_layers = 0;
  const auto read = project_pass_ms(decode_of(1, 3, 1), reading, {kH200, {}}, {kH800, {}});
  REQUIRE(read);
  CHECK_THAT(*read, WithinRel(3 * 4.4 / 3.0, 1e-12));
  const auto refused = project_pass_ms(decode_of(256, 0.1), work, {kH200, kLink}, {kH200, kLink});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Contains("batch=256") && Contains("links alone"));
}

// t(0.975; 3) = 3.18245, of any table; the errors of b, c and a (d, e) as they stand.
TEST_CASE("held_out_error: by others' errors, never a pass's own, at such rates alone", "[projection]") {
  const std::vector<HeldOutPass> held_out = {
      {"a", 165, 1.02, 1}, {"b", 165, 0.97, 1}, {"c", 150, 1.01, 1}, {"d", 165, 1.50, 1}, {"e", 60, 2.00, 1}};
  const auto d = held_out_error(held_out, 165, "d");
  REQUIRE(d);
  CHECK_THAT(d->ratio, WithinRel(3.18245 * std::sqrt((4e-4 + 9e-4 + 1e-4) / 3), 1e-5));
  CHECK(d->n_held_out == 3);
  CHECK(d->coverage == 0.95);
  const auto a = held_out_error(held_out, 165, "a");
  REQUIRE(a);
  CHECK_THAT(a->ratio, WithinRel(3.18245 * std::sqrt((9e-4 + 1e-4 + 0.25) / 3), 1e-5));
  const auto other = held_out_error(held_out, 165, "not among them");
  CHECK(other->n_held_out == 4);
  const auto refused = held_out_error(held_out, 60, "a");
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Contains("no evidence") && Contains("60 GB/s"));
}

TEST_CASE("held_out_error: covers the next pass as often as it says", "[projection]") {
  std::mt19937 generator(11);
  std::normal_distribution<double> noise(0, 0.02);
  constexpr int kTimes = 4000;
  for (const int n : {3, 8, 20}) {
    int n_within = 0;
    for (int i = 0; i < kTimes; ++i) {
      std::vector<HeldOutPass> held_out;
      for (int j = 0; j < n; ++j) held_out.push_back({std::to_string(j), 165, 1 + noise(generator), 1});
      const auto error = held_out_error(held_out, 165, "");
      REQUIRE(error);
      n_within += std::abs(noise(generator)) <= error->ratio ? 1 : 0;
    }
    CAPTURE(n);
    CHECK_THAT(static_cast<double>(n_within) / kTimes, Catch::Matchers::WithinAbs(0.95, 0.015));
  }
}
