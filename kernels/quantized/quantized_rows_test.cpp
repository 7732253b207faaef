#include "kernels/quantized/quantized_rows.cuh"

#include "kernels/device/handles.cuh"
#include "kernels/matmul/matmul_bf16.cuh"
#include "kernels/quantized/test_device_weights.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

/// A weight as the host widens it.
std::vector<Bf16> widened(const WeightMatrix& w) {
  std::vector<Bf16> out;
  std::vector<float> row(static_cast<std::size_t>(w.n_in));
  for (int n = 0; n < w.n_out; ++n) {
    weight_row(w, n, row.data());
    for (const float value : row) out.push_back(__float2bfloat16(value));
  }
  return out;
}

}  // namespace

TEST_CASE("embed_quantized_rows: the values of the rows that the ids name", "[gpu]") {
  const auto type = GENERATE(from_range(std::begin(kQuantizedTypes), std::end(kQuantizedTypes)));
  const int vocab = 70, hidden = whole_blocks(type, 320);
  std::mt19937 generator(71);
  const RepackedWeight table = random_file(generator, type, vocab, hidden).repacked();
  const auto device_table = laid_down(table.matrix());
  const std::vector<int> ids = {0, 69, 16, -1, 33, -3}, drawn = {5, 0, 48};
  const auto device_ids = on_device(ids), device_drawn = on_device(drawn);
  const auto x = poisoned<float>(ids.size() * static_cast<std::size_t>(hidden));
  must(embed_quantized_rows({device_table.data(), type, device_ids.data(), device_drawn.data(),
                             static_cast<int>(ids.size()), hidden, x.data()},
                            nullptr));
  const auto out = from_device(x);
  std::vector<float> row(static_cast<std::size_t>(hidden));
  for (std::size_t t = 0; t < ids.size(); ++t) {
    weight_row(table.matrix(), ids[t] < 0 ? drawn[static_cast<std::size_t>(-1 - ids[t])] : ids[t], row.data());
    CHECK(std::equal(row.begin(), row.end(), out.begin() + static_cast<std::ptrdiff_t>(t * row.size())));
  }
}

TEST_CASE("widen_quantized: the host's bits, for whole and for cut chunks, and nothing else", "[gpu]") {
  const auto type = GENERATE(from_range(std::begin(kQuantizedTypes), std::end(kQuantizedTypes)));
  const auto [n_out, n_in] = GENERATE(table<int, int>({{1, 32}, {16, 256}, {23, 320}, {70, 1056}, {129, 768}}));
  std::mt19937 generator(83);
  const RepackedWeight weight = random_file(generator, type, n_out, whole_blocks(type, n_in)).repacked();
  const WeightMatrix w = weight.matrix();
  CAPTURE(static_cast<int>(type), w.n_out, w.n_in);
  const auto expected = widened(w);
  const auto blocks = laid_down(w);
  constexpr std::size_t kBehind = 64;
  const auto out = poisoned<Bf16>(expected.size() + kBehind);
  must(widen_quantized({blocks.data(), type, w.n_out, w.n_in, out.data()}, nullptr));
  const auto made = from_device(out);
  CHECK(same_bits(made.data(), expected.data(), expected.size()));
  bool kept = true;
  for (std::size_t i = expected.size(); i < made.size(); ++i) kept = kept && std::isnan(as_float(made[i]));
  CHECK(kept);
}

TEST_CASE("widen_quantized: shapes it can't have are refused", "[gpu]") {
  const auto out = poisoned<Bf16>(64);
  const auto blocks = poisoned<std::byte>(device_weight_bytes(WeightType::q8_0, 16, 256));
  const auto widen = [&](WeightType type, int n_out, int n_in) {
    return widen_quantized({blocks.data(), type, n_out, n_in, out.data()}, nullptr).has_value();
  };
  CHECK_FALSE(widen(WeightType::bf16, 2, 32));
  CHECK_FALSE(widen(WeightType::q8_0, 0, 32));
  CHECK_FALSE(widen(WeightType::q8_0, 1 << 21, 32));
  CHECK_FALSE(widen(WeightType::q8_0, 2, 24));
  CHECK_FALSE(widen(WeightType::q8_0, 2, 0));
}

// One piece of memory for all weights of a layer: a product must not begin with the weight that was there before it,
// nor a weight be overwritten while a product still reads it.
TEST_CASE("widen_quantized: products with weights that take turns in the same memory", "[gpu]") {
  constexpr int kRows = 300, kOut = 2048, kIn = 1024, kWeights = 3, kTurns = 12;
  std::mt19937 generator(89);
  const auto x = on_device(normal_bf16(generator, std::size_t{kRows} * kIn));
  const auto product = [&](const Bf16* w, bool is_new, float* y, cudaStream_t stream) {
    MatmulBf16Args args;
    args.x = x.data();
    args.x_stride = args.n_in = kIn;
    args.m_rows = kRows;
    args.w = w;
    args.n_out = kOut;
    args.epilogue = Epilogue::store_f32;
    args.y = y;
    args.y_stride = kOut;
    args.w_is_new = is_new;
    return matmul_bf16(args, stream);
  };
  std::vector<DeviceBuffer<std::byte>> blocks;
  std::vector<std::vector<float>> expected;
  const WeightType types[kWeights] = {WeightType::q4_k, WeightType::q8_0, WeightType::q6_k};
  for (const WeightType type : types) {
    const RepackedWeight weight = random_file(generator, type, kOut, kIn).repacked();
    blocks.push_back(laid_down(weight.matrix()));
    const auto y = poisoned<float>(std::size_t{kRows} * kOut);
    must(product(on_device(widened(weight.matrix())).data(), false, y.data(), nullptr));
    expected.push_back(from_device(y));
  }
  const Stream stream = must(create_stream());
  const auto shared = poisoned<Bf16>(std::size_t{kOut} * kIn);
  std::vector<DeviceBuffer<float>> results;
  for (int turn = 0; turn < kTurns; ++turn) results.push_back(poisoned<float>(std::size_t{kRows} * kOut));
  must(check(cudaDeviceSynchronize(), "poison"));
  for (int turn = 0; turn < kTurns; ++turn) {
    const auto i = static_cast<std::size_t>(turn % kWeights);
    must(widen_quantized({blocks[i].data(), types[i], kOut, kIn, shared.data()}, stream.get()));
    must(product(shared.data(), true, results[static_cast<std::size_t>(turn)].data(), stream.get()));
  }
  for (int turn = 0; turn < kTurns; ++turn) {
    const auto y = from_device(results[static_cast<std::size_t>(turn)]);
    CAPTURE(turn);
    CHECK(same_bits(y.data(), expected[static_cast<std::size_t>(turn % kWeights)].data(), y.size()));
  }
}
