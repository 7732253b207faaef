#include "kernels/collective/collective.h"

#include <cstddef>

namespace assay::kernels {

void add_in_rank_order(std::span<const std::span<const float>> parts, std::span<float> x) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    float sum = parts[0][i];
    for (std::size_t rank = 1; rank < parts.size(); ++rank) sum += parts[rank][i];
    x[i] += sum;
  }
}

std::string_view to_string(CollectiveOperation operation) {
  switch (operation) {
    case CollectiveOperation::peer_copy:
      return "peer_copy";
    case CollectiveOperation::peer_exchange:
      return "peer_exchange";
    case CollectiveOperation::all_reduce:
      return "all_reduce";
    case CollectiveOperation::all_gather:
      return "all_gather";
    case CollectiveOperation::reduce_scatter:
      return "reduce_scatter";
    case CollectiveOperation::all_to_all:
      break;
  }
  return "all_to_all";
}

double link_bytes(CollectiveOperation operation, int n_ranks, double n_bytes) {
  const double others = n_ranks - 1;
  switch (operation) {
    case CollectiveOperation::peer_copy:
    case CollectiveOperation::peer_exchange:
      return n_bytes;
    case CollectiveOperation::all_reduce:
      return 2 * others / n_ranks * n_bytes;
    case CollectiveOperation::all_gather:
      return others * n_bytes;
    case CollectiveOperation::reduce_scatter:
    case CollectiveOperation::all_to_all:
      break;
  }
  return others / n_ranks * n_bytes;
}

}  // namespace assay::kernels
