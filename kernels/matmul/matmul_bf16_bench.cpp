// Products of Llama-3.1-8B's weights from one row to thousands, and the square one of prefill, beside cuBLAS.
// Weights of a row rotate through 3 GB, so that each is read from memory.

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/device/bench_support.cuh"
#include "kernels/device/cublas.cuh"
#include "kernels/matmul/matmul_bf16.cuh"

namespace assay::kernels {

namespace {

using Bf16 = __nv_bfloat16;

struct Pool {
  DeviceBuffer<Bf16> weights, x, y;
  Cublas cublas;
};

constexpr std::size_t kPoolElements = std::size_t{3} << 29;
constexpr std::size_t kActivationElements = std::size_t{8192} * 28672;

Result<Pool> create_pool(const BenchContext& context) {
  Pool pool;
  ASSAY_ASSIGN(pool.weights, DeviceBuffer<Bf16>::create(kPoolElements));
  ASSAY_ASSIGN(pool.x, DeviceBuffer<Bf16>::create(kActivationElements));
  ASSAY_ASSIGN(pool.y, DeviceBuffer<Bf16>::create(std::size_t{2} * kActivationElements));
  ASSAY_TRY(fill_random(pool.weights.span(), 0.05f, 1, context.stream.get()));
  ASSAY_TRY(fill_random(pool.x.span(), 1.0f, 2, context.stream.get()));
  ASSAY_ASSIGN(pool.cublas, create_cublas(context.stream.get()));
  return pool;
}

struct Shape {
  int m, n, k;
  Epilogue epilogue = Epilogue::store_bf16;
  double bytes() const { return 2.0 * (1.0 * n * k + 1.0 * m * k + 1.0 * m * n); }
  double flop() const { return 2.0 * m * n * k; }
  /// About two milliseconds of launches, so that the first one's start counts for little.
  int n_launches() const { return static_cast<int>(std::clamp(6e9 / bytes(), 3.0, 200.0)); }
};

const Bf16* rotated(const Pool& pool, const Shape& s, int i) {
  const std::size_t size = static_cast<std::size_t>(s.n) * static_cast<std::size_t>(s.k), n = kPoolElements / size;
  return pool.weights.data() + size * (static_cast<std::size_t>(i) % n);
}

Launcher with_cublas(const Pool& pool, const Shape& s) {
  return [&pool, s](int i) -> Result<> {
    const float one = 1, zero = 0;
    return check(cublasGemmEx(pool.cublas.get(), CUBLAS_OP_T, CUBLAS_OP_N, s.n, s.m, s.k, &one, rotated(pool, s, i),
                              CUDA_R_16BF, s.k, pool.x.data(), CUDA_R_16BF, s.k, &zero, pool.y.data(), CUDA_R_16BF, s.n,
                              CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
                 "cuBLAS product");
  };
}

Launcher with_plan(const BenchContext& context, const Pool& pool, const Shape& s, const MatmulPlan& plan) {
  return [&context, &pool, s, plan](int i) {
    const int y_width = s.epilogue == Epilogue::swiglu_bf16 ? s.n / 2 : s.n;
    return matmul_bf16(
        {pool.x.data(), s.k, s.m, rotated(pool, s, i), s.n, s.k, s.epilogue, nullptr, pool.y.data(), y_width}, plan,
        context.stream.get());
  };
}

std::string plan_text(const MatmulPlan& p) {
  return std::to_string(p.tokens) + "/" + std::to_string(p.rows) + (p.paired ? " pair" : "");
}

Result<> bench_shape(const BenchContext& context, const Pool& pool, const Shape& s) {
  const MatmulPlan chosen = choose_matmul_plan(s.m, s.n, context.device.n_multiprocessors);
  const std::string shape = std::to_string(s.m) + " x " + std::to_string(s.n) + " x " + std::to_string(s.k);
  if (context.sweep) {
    for (const MatmulPlan& plan : matmul_plans()) {
      const bool wasteful = (plan.tokens > 8 && s.m <= plan.tokens / 2) || s.m > 4 * plan.tokens;
      if (plan == chosen || wasteful) continue;
      ASSAY_ASSIGN(const double us, time_us(context.stream, s.n_launches(), with_plan(context, pool, s, plan)));
      print_row(context, {"  sweep " + shape + " " + plan_text(plan), us, s.bytes(), s.flop()});
    }
  }
  const Launcher both[] = {with_plan(context, pool, s, chosen), with_cublas(pool, s)};
  ASSAY_ASSIGN(const std::vector<double> us, time_in_turns_us(context.stream, s.n_launches(), both));
  print_row(context, {"matmul " + shape + " " + plan_text(chosen), us[0], s.bytes(), s.flop(), us[1]});
  return {};
}

/// As the engine ends them, which cuBLAS does in launches of their own.
Result<> bench_epilogues(const BenchContext& context, const Pool& pool) {
  constexpr std::tuple<int, int, Epilogue, const char*> kEnds[] = {
      {4096, 4096, Epilogue::add_f32, "added to float32"},
      {4096, 14336, Epilogue::add_f32, "added to float32"},
      {28672, 4096, Epilogue::swiglu_bf16, "SwiGLU"},
  };
  for (const int m : {1, 32, 128, 256, 4096}) {
    for (const auto& [n, k, epilogue, name] : kEnds) {
      const Shape s{m, n, k, epilogue};
      const MatmulPlan plan = choose_matmul_plan(m, n, context.device.n_multiprocessors);
      ASSAY_ASSIGN(const double us, time_us(context.stream, s.n_launches(), with_plan(context, pool, s, plan)));
      const std::string shape = std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k);
      print_row(context, {"matmul " + shape + ", " + name, us, s.bytes(), s.flop()});
    }
  }
  return {};
}

}  // namespace

Result<> bench_matmul(const BenchContext& context) {
  ASSAY_ASSIGN(const Pool pool, create_pool(context));
  const std::pair<int, int> weights[] = {{6144, 4096}, {4096, 4096}, {28672, 4096}, {4096, 14336}, {128256, 4096}};
  for (const int m : {1, 8, 16, 32, 64, 128, 256}) {
    for (const auto& [n, k] : weights) ASSAY_TRY(bench_shape(context, pool, {m, n, k}));
  }
  for (const Shape& s : {Shape{512, 6144, 4096}, Shape{512, 28672, 4096}, Shape{1024, 6144, 4096},
                         Shape{1024, 4096, 14336}, Shape{2048, 6144, 4096}, Shape{2048, 28672, 4096},
                         Shape{2048, 4096, 14336}, Shape{4096, 4096, 4096}, Shape{8192, 8192, 8192}}) {
    ASSAY_TRY(bench_shape(context, pool, s));
  }
  return bench_epilogues(context, pool);
}

}  // namespace assay::kernels
