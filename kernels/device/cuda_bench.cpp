// assay-cuda-bench [--sweep] [family …]: the CUDA kernels on this card, each with the bytes and operations that it
// needs at the least, its share of the measured read ceiling, and cuBLAS beside it.

#include <cstdio>
#include <cstring>
#include <set>
#include <string>
#include <utility>

#include "kernels/ceilings/ceilings.h"
#include "kernels/device/bench_support.cuh"

namespace {

using namespace assay;
using namespace assay::kernels;

Result<> run(bool sweep, const std::set<std::string>& families) {
  BenchContext context;
  ASSAY_ASSIGN(context.device, open_device());
  {
    ASSAY_ASSIGN(const auto ceilings, open_gpu_ceilings(context.device.ordinal));
    ASSAY_ASSIGN(const CeilingReading read, ceilings->measure(ceilings->methods().front()));  // reading comes first
    context.read_bytes_per_s = 1e9 * read.value;
  }
  ASSAY_ASSIGN(context.stream, create_stream());
  context.sweep = sweep;
  std::printf("%s, driver %d, runtime %d, %d multiprocessors, read ceiling %.0f GB/s\n", context.device.name.c_str(),
              context.device.driver_version, context.device.runtime_version, context.device.n_multiprocessors,
              context.read_bytes_per_s * 1e-9);
  const std::pair<const char*, Result<> (*)(const BenchContext&)> all[] = {
      {"matmul", bench_matmul}, {"rows", bench_rows},         {"attention", bench_attention},
      {"mla", bench_mla},       {"sampling", bench_sampling}, {"moe", bench_moe},
      {"fp8", bench_fp8},       {"gguf", bench_quantized},    {"collective", bench_collective}};
  for (const auto& [name, bench] : all) {
    if (families.empty() || families.contains(name)) ASSAY_TRY(bench(context));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  bool sweep = false;
  std::set<std::string> families;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--sweep") == 0) {
      sweep = true;
    } else {
      families.insert(argv[i]);
    }
  }
  const Result<> done = run(sweep, families);
  if (done) return 0;
  std::fprintf(stderr, "assay-cuda-bench: %s\n", done.error().message.c_str());
  return static_cast<int>(done.error().kind);
}
