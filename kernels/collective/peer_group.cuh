#pragma once
// GPUs of one host that read and write each other's memory: a group of ranks in one process. Each rank has a device, a
// stream and a host thread of its own; what it needs of the others lies in memory that all of them map.
//   Ranks meet on the device. At the e-th meeting of a block with the blocks of its number on the other ranks it writes
//   e into a word of its own in each other rank's memory (release, system scope) and waits until the others' words in
//   its own memory are e or later (acquire). e is counted on the device, so nothing is ever reset and a graph may be
//   replayed. A wait is bounded: a rank that does not come makes a failure, which every rank's later waits see at once.

#include <cuda_runtime_api.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/collective/collective.h"
#include "kernels/device/device_buffer.cuh"

namespace assay::kernels {

constexpr int kMaxCollectiveBlocks = 128;

/// A buffer of every rank: [r] is in the memory of rank r's device.
template <class T>
using PerRank = std::array<T*, kMaxRanks>;

/// A rank's view of its group, as kernels take it.
struct PeerLinks {
  int rank = 0;
  int n_ranks = 0;
  PerRank<std::uint32_t> meetings = {};  ///< of each rank: [kMaxRanks][kMaxCollectiveBlocks], what the others wrote
  std::uint32_t* epochs = nullptr;       ///< this rank's: [kMaxCollectiveBlocks] meetings so far
  volatile std::uint32_t* failure = nullptr;  ///< the group's, in host memory: 0, or 1 + the rank that did not come
  std::uint64_t timeout_ns = 0;
};

class PeerGroup {
 public:
  /// A rank on each of `ordinals`, in this order; several may be on one device. `timeout_s` is how long a rank waits
  /// for another. Error{bad_input} for fewer than one or more than kMaxRanks; Error{environment} if a device isn't
  /// there or two of them can't reach each other's memory: the message says which.
  static Result<PeerGroup> create(std::span<const int> ordinals, double timeout_s = 30);

  int n_ranks() const { return static_cast<int>(ordinals_.size()); }
  int ordinal(int rank) const { return ordinals_[static_cast<std::size_t>(rank)]; }
  const PeerLinks& links(int rank) const { return links_[static_cast<std::size_t>(rank)]; }

  /// Makes rank's device the calling thread's current one.
  Result<> use_device(int rank) const;
  /// n elements on every rank. What was the calling thread's device stays so.
  template <class T>
  Result<std::vector<DeviceBuffer<T>>> allocate(std::size_t n) const {
    std::vector<DeviceBuffer<T>> buffers;
    const DeviceKept kept;
    for (int rank = 0; rank < n_ranks(); ++rank) {
      if (auto used = use_device(rank); !used) return used.error();
      Result<DeviceBuffer<T>> made = DeviceBuffer<T>::create(n);
      if (!made) return made.error();
      buffers.push_back(std::move(*made));
    }
    return {std::move(buffers)};
  }

  /// Ends all waiting, now and later: a rank can't go on. Any thread may call it.
  void fail(int rank) const;
  /// Error{environment} names the rank that did not come; nothing on the devices is to be believed then. Any thread.
  Result<> check() const;

 private:
  /// Brings the calling thread's device back.
  class DeviceKept {
   public:
    DeviceKept() { static_cast<void>(cudaGetDevice(&device_)); }
    ~DeviceKept() { static_cast<void>(cudaSetDevice(device_)); }
    DeviceKept(const DeviceKept&) = delete;
    DeviceKept& operator=(const DeviceKept&) = delete;

   private:
    int device_ = 0;
  };
  struct HostFree {
    void operator()(volatile std::uint32_t* word) const noexcept { cudaFreeHost(const_cast<std::uint32_t*>(word)); }
  };

  std::vector<int> ordinals_;
  std::unique_ptr<volatile std::uint32_t, HostFree> failure_;
  std::vector<DeviceBuffer<std::uint32_t>> words_;  // of each rank: meetings, then epochs
  std::vector<PeerLinks> links_;
};

/// The addresses of a buffer of every rank.
template <class T>
PerRank<T> addresses_of(const std::vector<DeviceBuffer<T>>& buffers) {
  PerRank<T> all = {};
  for (std::size_t rank = 0; rank < buffers.size(); ++rank) all[rank] = buffers[rank].data();
  return all;
}

}  // namespace assay::kernels
