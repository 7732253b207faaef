#include "kernels/rope/rope.h"

#include "tests/support/catch.h"

using namespace assay::kernels;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

namespace {
YarnScaling released_yarn(double mscale) { return {40, 4096, 32, 1, mscale, mscale}; }
}  // namespace

// spec/mla.md section 3: check values for r = 64, theta 1e4, factor 40, original length 4096, betas 32 and 1.
TEST_CASE("rope: YaRN's frequencies of the released models", "[kernels]") {
  const auto f = rope_frequencies(64, 10000, released_yarn(1));
  const auto [i, expected] = GENERATE(table<int, double>({{0, 1.0},
                                                          {1, 0.7498942093},
                                                          {9, 0.07498942093},
                                                          {10, 0.05623413252},
                                                          {11, 0.03900692657},
                                                          {12, 0.02687936011},
                                                          {16, 0.0055},
                                                          {20, 7.905694150e-4},
                                                          {22, 1.778279410e-4},
                                                          {23, 3.333803580e-5},
                                                          {24, 2.5e-5},
                                                          {31, 3.333803580e-6}}));
  CHECK_THAT(static_cast<double>(f[static_cast<std::size_t>(i)]), WithinRel(expected, 4e-7));
}

// spec/mla.md section 2: V3 / R1 and V2-Lite.
TEST_CASE("rope: the softmax scale carries YaRN's magnitude squared, cosines don't", "[kernels]") {
  CHECK_THAT(attention_scale(192, {}), WithinRel(0.0721687836, 1e-9));
  CHECK_THAT(attention_scale(192, released_yarn(1.0)), WithinRel(0.1352337789, 1e-9));
  CHECK_THAT(attention_scale(192, released_yarn(0.707)), WithinRel(0.1147213868, 1e-9));
  CHECK(rope_magnitude(released_yarn(0.707)) == 1);
  CHECK_THAT(rope_magnitude(YarnScaling{40, 4096, 32, 1, 1.0, 0}), WithinRel(1.3688879454, 1e-9));
}

// spec/mla.md section 3: d = 8, theta 1e4, position 3, x = 0.1 … 0.8.
TEST_CASE("rope: rotates interleaved pairs", "[kernels]") {
  float x[8] = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f};
  RopeTable table(rope_frequencies(8, 10000, {}), 1);
  table.extend(4);
  rope_rotate_interleaved(x, table.row(3), 8);
  const double expected[] = {-0.127223, -0.183886, 0.168393, 0.470791, 0.481778, 0.614728, 0.697597, 0.802096};
  for (int i = 0; i < 8; ++i) CHECK_THAT(static_cast<double>(x[i]), WithinAbs(expected[i], 1e-6));
}

// spec/gqa.md section 2.1: check values for d = 128, theta 5e5, factor 8, low 1, high 4, original length 8192.
TEST_CASE("rope: llama3's frequencies", "[kernels]") {
  const auto f = rope_frequencies(128, 5e5, Llama3Scaling{8, 1, 4, 8192});
  const auto [i, expected] = GENERATE(table<int, double>({{0, 1.0},
                                                          {1, 0.8146172339},
                                                          {16, 0.03760603093},
                                                          {28, 0.003211445995},
                                                          {29, 0.002166570764},
                                                          {30, 0.001371893568},
                                                          {31, 8.567514129e-4},
                                                          {32, 5.248461610e-4},
                                                          {33, 3.126937504e-4},
                                                          {34, 1.785078128e-4},
                                                          {35, 9.556212354e-5},
                                                          {36, 7.784655274e-5},
                                                          {63, 3.068925989e-7}}));
  CHECK_THAT(static_cast<double>(f[static_cast<std::size_t>(i)]), WithinRel(expected, 5e-7));
  CHECK(rope_frequencies(128, 5e5, LinearScaling{4})[3] == rope_frequencies(128, 5e5, {})[3] / 4);
}

// spec/mla.md section 3, half layout: d = 8, theta 1e4, position 3, x = 0.1 … 0.8.
TEST_CASE("rope: rotates halves, and a table that grows keeps its rows", "[kernels]") {
  float x[8] = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f};
  RopeTable table(rope_frequencies(8, 10000, {}), 1);
  table.extend(2);
  const float before = table.row(1)[0];
  table.extend(4);
  CHECK(table.row(1)[0] == before);
  rope_rotate_halves(x, table.row(3), 8);
  const double expected[] = {-0.169559, 0.013755, 0.278868, 0.397598, -0.480884, 0.632306, 0.708684, 0.801196};
  for (int i = 0; i < 8; ++i) CHECK_THAT(static_cast<double>(x[i]), WithinAbs(expected[i], 1e-6));
}
