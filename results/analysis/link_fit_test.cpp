#include "results/analysis/link_fit.h"

#include <random>
#include <vector>

#include "tests/support/catch.h"

using namespace assay::results;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {
std::vector<TimedMessage> messages_of(double alpha_us, double gb_per_s) {
  std::vector<TimedMessage> messages;
  for (double bytes = 4096; bytes <= 268435456; bytes *= 4) {
    messages.push_back({bytes, alpha_us + bytes / gb_per_s * 1e-3});
  }
  return messages;
}
}  // namespace

TEST_CASE("fit_link: a link that is one comes back exactly", "[analysis]") {
  const auto fit = fit_link(messages_of(3.3, 343));
  REQUIRE(fit);
  CHECK_THAT(fit->alpha_us, WithinRel(3.3, 1e-9));
  CHECK_THAT(fit->gb_per_s, WithinRel(343.0, 1e-9));
  CHECK(fit->worst_residual_ratio < 1e-9);
  CHECK(fit->n == 9);
  CHECK_THAT(fit->at_rate(165).time_us(165e3), WithinRel(3.3 + 1, 1e-9));
}

TEST_CASE("fit_link: noise of a percent moves it by about as much", "[analysis]") {
  std::mt19937 generator(5);
  std::normal_distribution<double> noise(1, 0.01);
  auto messages = messages_of(3.3, 343);
  for (TimedMessage& message : messages) message.time_us *= noise(generator);
  const auto fit = fit_link(messages);
  REQUIRE(fit);
  CHECK_THAT(fit->alpha_us, WithinRel(3.3, 0.02));
  CHECK_THAT(fit->gb_per_s, WithinRel(343.0, 0.02));
  CHECK(fit->worst_residual_ratio > 0.001);
}

TEST_CASE("fit_link: a start is never below 0, and what is no link is refused", "[analysis]") {
  const auto steep = fit_link(std::vector<TimedMessage>{{1000, 1}, {2000, 3}, {4000, 8}});
  REQUIRE(steep);
  CHECK(steep->alpha_us == 0);
  const auto refusal = [](const std::vector<TimedMessage>& messages) { return fit_link(messages).error().message; };
  CHECK_THAT(refusal({{1, 1}, {2, 2}}), Contains("at least 3"));
  CHECK_THAT(refusal({{1, 1}, {1, 2}, {1, 3}}), Contains("two sizes"));
  CHECK_THAT(refusal({{1, 1}, {2, 0}, {3, 3}}), Contains("above 0"));
  CHECK_THAT(refusal({{1000, 9}, {2000, 5}, {4000, 1}}), Contains("grow"));
}
