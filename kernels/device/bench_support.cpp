#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>

#include "kernels/device/bench_support.cuh"

namespace assay::kernels {

Result<std::vector<double>> time_in_turns_us(const Stream& stream, int n_launches,
                                             std::span<const Launcher> launchers) {
  constexpr int kReplays = 9;
  ASSAY_ASSIGN(const Event before, create_event());
  ASSAY_ASSIGN(const Event after, create_event());
  std::vector<GraphExec> graphs;
  for (const Launcher& launch_one : launchers) {
    ASSAY_ASSIGN(GraphExec graph, capture_graph(stream, [&]() -> Result<> {
                   for (int i = 0; i < n_launches; ++i) ASSAY_TRY(launch_one(i));
                   return {};
                 }));
    ASSAY_TRY(check(cudaGraphLaunch(graph.get(), stream.get()), "graph"));  // warm-up
    graphs.push_back(std::move(graph));
  }
  std::vector<std::vector<double>> us(launchers.size());
  for (int replay = 0; replay < kReplays; ++replay) {
    for (std::size_t i = 0; i < graphs.size(); ++i) {
      ASSAY_TRY(check(cudaEventRecord(before.get(), stream.get()), "event"));
      ASSAY_TRY(check(cudaGraphLaunch(graphs[i].get(), stream.get()), "graph"));
      ASSAY_TRY(check(cudaEventRecord(after.get(), stream.get()), "event"));
      ASSAY_ASSIGN(const float ms, elapsed_ms(before, after));
      us[i].push_back(static_cast<double>(ms) * 1e3 / n_launches);
    }
  }
  std::vector<double> medians;
  for (std::vector<double>& of_one : us) {
    std::nth_element(of_one.begin(), of_one.begin() + kReplays / 2, of_one.end());
    medians.push_back(of_one[kReplays / 2]);
  }
  return medians;
}

Result<double> time_us(const Stream& stream, int n_launches, const Launcher& launch_one) {
  ASSAY_ASSIGN(const std::vector<double> medians, time_in_turns_us(stream, n_launches, {&launch_one, 1}));
  return medians.front();
}

void print_row(const BenchContext& context, const BenchRow& row) {
  const double bytes_per_s = row.bytes / (row.us * 1e-6), flop_per_s = row.flop / (row.us * 1e-6);
  std::printf("%-44s %10.2f us %7.0f GB/s %5.1f %% %7.1f TFLOP/s", row.name.c_str(), row.us, bytes_per_s * 1e-9,
              100 * bytes_per_s / context.read_bytes_per_s, flop_per_s * 1e-12);
  if (row.peer_us > 0) std::printf("  peer %10.2f us, %4.2f times", row.peer_us, row.peer_us / row.us);
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace assay::kernels
