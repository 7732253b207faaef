// Products of Llama-3.1-8B's shapes with quantised weights, from one row to hundreds, and for thousands those with
// weights that are widened first. Bytes are those of the blocks in the file, which is what the operation must read at
// the least. Weights rotate through 2 GB, so that each is read from memory.

#include <algorithm>
#include <string>

#include "kernels/device/bench_support.cuh"
#include "kernels/matmul/matmul_bf16.cuh"
#include "kernels/matmul/matmul_quantized.cuh"
#include "kernels/quantized/quantized_rows.cuh"

namespace assay::kernels {

namespace {

using Bf16 = __nv_bfloat16;

struct Pool {
  DeviceBuffer<Bf16> weights, x, widened;  // any bytes are a weight
  DeviceBuffer<float> y;
};

constexpr std::size_t kPoolBytes = std::size_t{2} << 30;

Result<Pool> create_pool(const BenchContext& context) {
  Pool pool;
  ASSAY_ASSIGN(pool.weights, DeviceBuffer<Bf16>::create(kPoolBytes / 2));
  ASSAY_ASSIGN(pool.x, DeviceBuffer<Bf16>::create(std::size_t{4096} * 14336));
  ASSAY_ASSIGN(pool.widened, DeviceBuffer<Bf16>::create(std::size_t{28672} * 4096));
  ASSAY_ASSIGN(pool.y, DeviceBuffer<float>::create(std::size_t{4096} * 28672));
  ASSAY_TRY(fill_random(pool.weights.span(), 0.05f, 1, context.stream.get()));
  ASSAY_TRY(fill_random(pool.x.span(), 1.0f, 2, context.stream.get()));
  return pool;
}

struct Type {
  WeightType type;
  const char* name;
};

struct Shape {
  int m, n, k;
  double bytes(WeightType type) const {
    const QuantizedForm form = quantized_form(type);
    return 1.0 * n * k / form.file_inputs * form.file_bytes + 2.0 * m * k + 2.0 * m * n;
  }
  double flop() const { return 2.0 * m * n * k; }
};

Result<double> time_plan(const BenchContext& context, const Pool& pool, WeightType type, const Shape& s,
                         const QuantizedPlan& plan) {
  const std::size_t size = device_weight_bytes(type, s.n, s.k), n = kPoolBytes / size;
  const int n_launches = static_cast<int>(std::clamp(4e9 / (s.bytes(type) + s.flop() / 60), 3.0, 200.0));
  return time_us(context.stream, n_launches, [&](int i) {
    const auto* w = reinterpret_cast<const std::byte*>(pool.weights.data()) + size * (static_cast<std::size_t>(i) % n);
    return matmul_quantized(
        {pool.x.data(), s.k, s.m, w, type, s.n, s.k, Epilogue::store_bf16, nullptr, pool.y.data(), s.n}, plan,
        context.stream.get());
  });
}

std::string plan_text(const QuantizedPlan& p) { return std::to_string(p.rows) + "/" + std::to_string(p.tokens); }

Result<> bench_shape(const BenchContext& context, const Pool& pool, const Type& t, const Shape& s) {
  const QuantizedPlan chosen = choose_quantized_plan(s.m, s.n, context.device.n_multiprocessors);
  const std::string shape =
      std::string(t.name) + " " + std::to_string(s.m) + " x " + std::to_string(s.n) + " x " + std::to_string(s.k);
  if (context.sweep) {
    for (const QuantizedPlan& plan : quantized_plans()) {
      const bool wasteful = (plan.tokens > 8 && s.m <= plan.tokens / 2) || s.m > 16 * plan.tokens;
      if (plan == chosen || wasteful) continue;
      ASSAY_ASSIGN(const double us, time_plan(context, pool, t.type, s, plan));
      print_row(context, {"  sweep " + shape + " " + plan_text(plan), us, s.bytes(t.type), s.flop()});
    }
  }
  ASSAY_ASSIGN(const double us, time_plan(context, pool, t.type, s, chosen));
  print_row(context, {shape + " " + plan_text(chosen), us, s.bytes(t.type), s.flop()});
  return {};
}

/// A prompt's product: the weight is widened, alone (bytes are then those of the blocks and of bfloat16), and before
/// the product.
Result<> bench_prompt(const BenchContext& context, const Pool& pool, const Type& t, const Shape& s) {
  const std::size_t size = device_weight_bytes(t.type, s.n, s.k), n = kPoolBytes / size;
  const auto widen = [&](int i) {
    const auto* w = reinterpret_cast<const std::byte*>(pool.weights.data()) + size * (static_cast<std::size_t>(i) % n);
    return widen_quantized({w, t.type, s.n, s.k, pool.widened.data()}, context.stream.get());
  };
  MatmulBf16Args args;
  args.x = pool.x.data();
  args.x_stride = args.n_in = s.k;
  args.m_rows = s.m;
  args.w = pool.widened.data();
  args.n_out = s.n;
  args.y = pool.y.data();
  args.y_stride = s.n;
  args.w_is_new = true;
  constexpr int kLaunches = 20;
  const std::string shape = std::to_string(s.n) + " x " + std::to_string(s.k);
  ASSAY_ASSIGN(const double alone_us, time_us(context.stream, kLaunches, widen));
  const Shape weight{0, s.n, s.k};
  print_row(context, {std::string(t.name) + " widen " + shape, alone_us, weight.bytes(t.type) + 2.0 * s.n * s.k, 0});
  ASSAY_ASSIGN(const double us, time_us(context.stream, kLaunches, [&](int i) -> Result<> {
                 ASSAY_TRY(widen(i));
                 return matmul_bf16(args, context.stream.get());
               }));
  print_row(context,
            {std::string(t.name) + " widened " + std::to_string(s.m) + " x " + shape, us, s.bytes(t.type), s.flop()});
  return {};
}

}  // namespace

Result<> bench_quantized(const BenchContext& context) {
  ASSAY_ASSIGN(const Pool pool, create_pool(context));
  const std::pair<int, int> weights[] = {{6144, 4096}, {4096, 4096}, {28672, 4096}, {4096, 14336}, {128256, 4096}};
  for (const Type& t :
       {Type{WeightType::q4_k, "Q4_K"}, Type{WeightType::q8_0, "Q8_0"}, Type{WeightType::q6_k, "Q6_K"}}) {
    for (const int m : {1, 8, 32, 128}) {
      for (const auto& [n, k] : weights) ASSAY_TRY(bench_shape(context, pool, t, {m, n, k}));
    }
    for (const auto& [n, k] : {weights[0], weights[2], weights[3]}) {
      ASSAY_TRY(bench_prompt(context, pool, t, {4096, n, k}));
    }
  }
  for (const Type& t : {Type{WeightType::q4_0, "Q4_0"}, Type{WeightType::q4_1, "Q4_1"}, Type{WeightType::q5_0, "Q5_0"},
                        Type{WeightType::q5_1, "Q5_1"}, Type{WeightType::q5_k, "Q5_K"}}) {
    for (const int m : {1, 32}) {
      for (const auto& [n, k] : {weights[1], weights[3]}) ASSAY_TRY(bench_shape(context, pool, t, {m, n, k}));
    }
  }
  return {};
}

}  // namespace assay::kernels
