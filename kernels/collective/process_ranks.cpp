#include "kernels/collective/process_ranks.cuh"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "harness/base/log.h"

namespace assay::kernels {

namespace {

constexpr auto kCallPatience = std::chrono::seconds(10), kAbortPatience = std::chrono::seconds(20);
/// Floats that are gathered at a time, of all ranks together, where one rank's are not more.
constexpr std::int64_t kGatheredValues = std::int64_t{1} << 25;
/// From so many bytes on, more than two ranks move less by slices than by whole parts.
constexpr std::int64_t kSliceBytes = std::int64_t{256} << 10;

constexpr char kHex[] = "0123456789abcdef";

}  // namespace

Result<std::string> ProcessRanks::make_id() {
  ASSAY_ASSIGN(const nccl::Library library, nccl::Library::load());
  nccl::UniqueId id{};
  ASSAY_TRY(library.check(library.functions().unique_id(&id), "the ranks' meeting place"));
  std::string text;
  for (const char c : id.bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kHex[byte / 16], kHex[byte % 16]};
  }
  return text;
}

Result<std::unique_ptr<ProcessRanks>> ProcessRanks::join(const std::string& id, int rank, int n_ranks,
                                                         std::int64_t most_values) {
  nccl::UniqueId unique{};
  if (id.size() != 2 * sizeof unique.bytes || id.find_first_not_of(kHex) != std::string::npos) {
    return bad_input("the ranks' meeting place has ", id.size(), " digits, must have ", 2 * sizeof unique.bytes);
  }
  for (std::size_t i = 0; i < sizeof unique.bytes; ++i) {
    const auto digit = [&](std::size_t at) { return static_cast<int>(std::strchr(kHex, id[at]) - kHex); };
    unique.bytes[i] = static_cast<char>(16 * digit(2 * i) + digit(2 * i + 1));
  }
  ASSAY_ASSIGN(nccl::Library library, nccl::Library::load());
  std::unique_ptr<ProcessRanks> ranks(new ProcessRanks(std::move(library), rank, n_ranks));
  const std::int64_t n_gathered = std::max(most_values, std::min(n_ranks * most_values, kGatheredValues));
  ASSAY_ASSIGN(ranks->gathered_, DeviceBuffer<float>::create(static_cast<std::size_t>(n_gathered)));
  const nccl::Functions& f = ranks->library_.functions();
  ASSAY_TRY(ranks->library_.check(f.init_rank(&ranks->communicator_, n_ranks, unique, rank), "joining the ranks"));
  // Connections are made with the first call: now, before the rest of the memory is given away.
  ASSAY_ASSIGN(const auto x, DeviceBuffer<float>::create(static_cast<std::size_t>(most_values)));
  ASSAY_ASSIGN(const auto part, DeviceBuffer<float>::create(static_cast<std::size_t>(most_values)));
  for (const auto* buffer : {&x, &part}) ASSAY_TRY(buffer->fill_bytes(0));
  for (std::int64_t n = 4 * n_ranks; n <= most_values; n *= 8) {
    ASSAY_TRY(ranks->all_reduce(part.data(), x.data(), n, nullptr));
  }
  ASSAY_TRY(check(cudaDeviceSynchronize(), "joining the ranks"));
  return {std::move(ranks)};
}

ProcessRanks::~ProcessRanks() {
  if (!aborted_.valid()) {
    if (communicator_ != nullptr) library_.functions().destroy(communicator_);
    return;
  }
  if (aborted_.wait_for(kAbortPatience) == std::future_status::ready) return;
  log_line(LogLevel::quiet, "NCCL does not let go of ranks that are gone; what is finished is stored");
  std::_Exit(static_cast<int>(ErrorKind::environment));
}

/// Nobody aborts while `make` is under way.
template <class Call>
Result<> ProcessRanks::call(const Call& make) {
  const std::scoped_lock lock(calling_);
  if (is_aborted_) return environment_error("the ranks no longer work together");
  return make();
}

Result<> ProcessRanks::gather(const float* own, float* to, std::int64_t n, cudaStream_t stream) {
  return call([&] {
    return library_.check(
        library_.functions().all_gather(own, to, static_cast<std::size_t>(n), nccl::kFloat32, communicator_, stream),
        "all-gather");
  });
}

bool ProcessRanks::abort() {
  const std::unique_lock lock(calling_, kCallPatience);
  if (!lock) return false;
  if (is_aborted_) return true;
  is_aborted_ = true;
  // Kernels end at once; the call itself returns when the graphs with this communicator in them are gone.
  aborted_ = std::async(std::launch::async, [this] { library_.functions().abort(communicator_); });
  return true;
}

Result<> ProcessRanks::all_reduce(const float* part, float* x, std::int64_t n, cudaStream_t stream) {
  if (n < 0 || n % 4 != 0) return bad_input("all_reduce: n is ", n, ", must be a multiple of 4");
  const auto capacity = static_cast<std::int64_t>(gathered_.size());
  const bool by_slices = n_ranks_ > 2 && n % (4 * n_ranks_) == 0 && n <= capacity &&
                         n * static_cast<std::int64_t>(sizeof(float)) > kSliceBytes;
  if (by_slices) {
    const std::int64_t share = n / n_ranks_;
    float* own = x + rank_ * share;
    ASSAY_TRY(call([&] {
      return library_.all_to_all(part, gathered_.data(), static_cast<std::size_t>(share), n_ranks_, communicator_,
                                 stream);
    }));
    ASSAY_TRY(add_gathered(gathered_.data(), n_ranks_, share, own, stream));
    return gather(own, x, share, stream);
  }
  const std::int64_t step = capacity / n_ranks_ / 4 * 4;
  for (std::int64_t at = 0; at < n; at += step) {
    const std::int64_t count = std::min(step, n - at);
    ASSAY_TRY(gather(part + at, gathered_.data(), count, stream));
    ASSAY_TRY(add_gathered(gathered_.data(), n_ranks_, count, x + at, stream));
  }
  return {};
}

Result<> ProcessRanks::all_gather(const float* part, float* out, std::int64_t rows, std::int64_t width,
                                  cudaStream_t stream) {
  const std::int64_t room = static_cast<std::int64_t>(gathered_.size()) / n_ranks_;
  if (width < 4 || width % 4 != 0 || width > room) {
    return bad_input("all_gather: rows of ", width, ", must be a multiple of 4, at most ", room);
  }
  const std::int64_t most_rows = room / width;
  for (std::int64_t row = 0; row < rows; row += most_rows) {
    const std::int64_t n_rows = std::min(most_rows, rows - row);
    ASSAY_TRY(gather(part + row * width, gathered_.data(), n_rows * width, stream));
    ASSAY_TRY(place_columns(gathered_.data(), n_ranks_, n_rows, width, out + row * n_ranks_ * width, stream));
  }
  return {};
}

}  // namespace assay::kernels
