// copy_pages against the same copies on the host.

#include "kernels/attention/copy_pages.cuh"

#include <algorithm>

#include "kernels/device/gpu_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

TEST_CASE("copy_pages: copies pages of every plane and nothing else", "[gpu]") {
  const int n_planes = 5, n_pages = 9, page = 64 * 24;
  std::mt19937 generator(131);
  std::vector<Bf16> cache = normal_bf16(generator, static_cast<std::size_t>(n_planes * n_pages * page));
  const auto on_gpu = on_device(cache);
  const std::vector<PagePair> pairs{{0, 8}, {0, 3}, {7, 1}};
  const auto device_pairs = on_device(pairs);
  must(copy_pages({on_gpu.data(), n_planes, n_pages, page, device_pairs.data(), 3}, nullptr));
  for (int plane = 0; plane < n_planes; ++plane) {
    for (const PagePair& pair : pairs) {
      const auto first = cache.begin() + plane * n_pages * page;
      std::copy_n(first + pair.from * page, page, first + pair.to * page);
    }
  }
  CHECK(same_bits(from_device(on_gpu).data(), cache.data(), cache.size()));
  CHECK(copy_pages({nullptr, 1, 1, 12, nullptr, 1}, nullptr).error().kind == ErrorKind::bad_input);
}
