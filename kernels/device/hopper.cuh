#pragma once
// Hopper's own instructions, one named function each: barriers in shared memory (mbarrier), the copy engine (TMA), the
// tensor cores' warpgroup products (wgmma) and dependent launch. Device code only.
// Source: NVIDIA, Parallel Thread Execution ISA 8.x (sections on mbarrier, cp.async.bulk.tensor, wgmma,
// griddepcontrol).

#include <cuda.h>
#include <cuda_bf16.h>

#include <cstdint>

namespace assay::kernels::hopper {

constexpr int kWarpThreads = 32;
constexpr int kGroupThreads = 128;     ///< a warpgroup: four warps that issue a wgmma together
constexpr int kSwizzleRowBytes = 128;  ///< a row of a swizzled tile: 64 bfloat16
constexpr int kSwizzleElements = 64;

__device__ inline std::uint32_t shared_address(const void* p) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(p));
}

// ---- dependent launch. Nothing in code for devices before Hopper, where no launch is one (launch.cuh).

/// Waits until everything that the grids before this one wrote is there.
__device__ inline void wait_for_previous_grid() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
/// Lets the next grid start as soon as there is room; it waits for this one's results by itself.
__device__ inline void let_next_grid_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

/// The value of the warp's first lane: the compiler then knows that it is one value for all, and keeps what follows
/// from it (wgmma's descriptors) in the registers of the warp.
__device__ inline int warp_uniform(int value) { return __shfl_sync(0xFFFFFFFFu, value, 0); }

// ---- barriers

__device__ inline void barrier_init(std::uint64_t* barrier, int n_arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(n_arrivals));
}
/// Makes initialised barriers visible to the copy engine.
__device__ inline void barrier_init_fence() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
/// Arrives, and announces `bytes` that the copy engine will deliver in this phase.
__device__ inline void barrier_arrive_expect(std::uint64_t* barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes)
               : "memory");
}
__device__ inline void barrier_arrive(std::uint64_t* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
}
/// Arrives at the barrier at the same place in the shared memory of another block of the cluster.
__device__ inline void barrier_arrive_in_block(std::uint64_t* barrier, unsigned rank) {
  asm volatile(
      "{\n.reg .b32 there;\n"
      "mapa.shared::cluster.u32 there, %0, %1;\n"
      "mbarrier.arrive.shared::cluster.b64 _, [there];\n}" ::"r"(shared_address(barrier)),
      "r"(rank)
      : "memory");
}
/// Waits until the phase of this parity has completed.
__device__ inline void barrier_wait(std::uint64_t* barrier, std::uint32_t parity) {
  asm volatile(
      "{\n.reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@!done bra again;\n}" ::"r"(shared_address(barrier)),
      "r"(parity)
      : "memory");
}
/// Named barriers (1 to 15) of some of a block's threads: waits for, or counts towards, n_threads arrivals.
__device__ inline void barrier_sync(int name, int n_threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(name), "r"(n_threads) : "memory");
}
__device__ inline void barrier_arrive_only(int name, int n_threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(name), "r"(n_threads) : "memory");
}

// ---- copies by threads, which complete on a barrier like those of the copy engine

/// Copies four bytes to shared memory, behind the thread's back.
__device__ inline void copy_word_async(void* to, const void* from) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(shared_address(to)), "l"(from) : "memory");
}
/// Arrives once this thread's copies so far are there. One of the arrivals that the barrier was made for.
__device__ inline void barrier_arrive_after_copies(std::uint64_t* barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(shared_address(barrier)) : "memory");
}

// ---- copy engine. Coordinates are innermost first; the barrier counts the bytes of the whole box.

__device__ inline void prefetch_tensor_map(const CUtensorMap* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}
__device__ inline void load_box(void* to, const CUtensorMap* map, std::uint64_t* barrier, int c0, int c1) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::"r"(
          shared_address(to)),
      "l"(map), "r"(shared_address(barrier)), "r"(c0), "r"(c1)
      : "memory");
}
__device__ inline void load_box(void* to, const CUtensorMap* map, std::uint64_t* barrier, int c0, int c1, int c2) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%3, %4, %5}], [%2];" ::"r"(shared_address(to)),
      "l"(map), "r"(shared_address(barrier)), "r"(c0), "r"(c1), "r"(c2)
      : "memory");
}
__device__ inline void load_box(void* to, const CUtensorMap* map, std::uint64_t* barrier, int c0, int c1, int c2,
                                int c3) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%3, %4, %5, %6}], [%2];" ::"r"(shared_address(to)),
      "l"(map), "r"(shared_address(barrier)), "r"(c0), "r"(c1), "r"(c2), "r"(c3)
      : "memory");
}
/// The same into every block of the cluster that `blocks` has a bit for: same place, same barrier.
__device__ inline void load_box_into(std::uint16_t blocks, void* to, const CUtensorMap* map, std::uint64_t* barrier,
                                     int c0, int c1, int c2) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], [%1, {%3, %4, %5}], [%2], %6;" ::"r"(shared_address(to)),
      "l"(map), "r"(shared_address(barrier)), "r"(c0), "r"(c1), "r"(c2), "h"(blocks)
      : "memory");
}
/// Brings a box into the L2 cache. What is written later is seen there all the same, so it needs no waiting.
__device__ inline void prefetch_box(const CUtensorMap* map, int c0, int c1) {
  asm volatile("cp.async.bulk.prefetch.tensor.2d.L2.global [%0, {%1, %2}];" ::"l"(map), "r"(c0), "r"(c1) : "memory");
}
__device__ inline void prefetch_box(const CUtensorMap* map, int c0, int c1, int c2, int c3) {
  asm volatile("cp.async.bulk.prefetch.tensor.4d.L2.global [%0, {%1, %2, %3, %4}];" ::"l"(map), "r"(c0), "r"(c1),
               "r"(c2), "r"(c3)
               : "memory");
}
/// Orders this thread's ordinary writes to shared memory before what the copy engine and the tensor cores do later.
__device__ inline void fence_for_async() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// ---- clusters: blocks that run together and reach each other's shared memory

__device__ inline unsigned cluster_rank() {
  unsigned rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
/// Arrives at the cluster's barrier; what this thread wrote is visible to all who wait for the phase.
__device__ inline void cluster_arrive() { asm volatile("barrier.cluster.arrive.release;" ::: "memory"); }
/// A warp waits as one: a lane alone returns only if the warp's others wait here too or have exited.
__device__ inline void cluster_wait() { asm volatile("barrier.cluster.wait.acquire;" ::: "memory"); }
__device__ inline void cluster_sync() {
  cluster_arrive();
  cluster_wait();
}
/// The same place in the shared memory of another block of the cluster.
template <class T>
__device__ inline T* in_block(T* place, unsigned rank) {
  T* there;
  asm volatile("mapa.u64 %0, %1, %2;" : "=l"(there) : "l"(place), "r"(rank));
  return there;
}

// ---- registers of a warpgroup

template <int kRegisters>
__device__ inline void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
__device__ inline void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

// ---- small matrices in a warp

/// Transposes an 8 x 8 matrix of 16-bit values: in, lane l holds row l/4, columns 2·(l%4) and the next; out likewise.
__device__ inline std::uint32_t transpose_8x8(std::uint32_t pair) {
  std::uint32_t out;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(out) : "r"(pair));
  return out;
}
/// Two float32 rounded to bfloat16, `low` in the lower half.
__device__ inline std::uint32_t pack_bf16(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const std::uint32_t*>(&pair);
}

// ---- what a warp stores

constexpr int kChunks = 4;  ///< of 16 bytes: what four lanes store at once, since memory takes 32 bytes whole

/// Lanes 4i to 4i+3 hold a word each of kChunks chunks. Returns the chunk of this lane's number among them, the first
/// lane's word first. All lanes of the warp take part.
__device__ inline uint4 own_chunk(const std::uint32_t (&words)[kChunks]) {
  constexpr unsigned kAllLanes = 0xFFFFFFFFu;
  const bool odd = threadIdx.x & 1, high = threadIdx.x & 2;
  const auto from_neighbour = [&](std::uint32_t even_sends, std::uint32_t odd_sends) {
    return __shfl_xor_sync(kAllLanes, odd ? odd_sends : even_sends, 1);
  };
  // An even lane takes chunks 0 and 2 of its neighbour and itself, an odd one 1 and 3.
  const std::uint32_t low = from_neighbour(words[1], words[0]), up = from_neighbour(words[3], words[2]);
  const uint2 low_pair = odd ? uint2{low, words[1]} : uint2{words[0], low};
  const uint2 high_pair = odd ? uint2{up, words[3]} : uint2{words[2], up};
  // The lower two lanes keep chunks 0 and 1, the upper two 2 and 3.
  const uint2 sent = high ? low_pair : high_pair;
  const uint2 got{__shfl_xor_sync(kAllLanes, sent.x, 2), __shfl_xor_sync(kAllLanes, sent.y, 2)};
  return high ? uint4{got.x, got.y, high_pair.x, high_pair.y} : uint4{low_pair.x, low_pair.y, got.x, got.y};
}

/// Stores those of a row's kCount chunks that come before the n-th; word(j) is this lane's word of chunk j.
template <int kCount, class Word>
__device__ void store_chunks(__nv_bfloat16* y, int n, Word word) {
#pragma unroll
  for (int first = 0; first < kCount; first += kChunks) {
    std::uint32_t words[kChunks] = {};
#pragma unroll
    for (int i = 0; i < kChunks && first + i < kCount; ++i) words[i] = word(first + i);
    const uint4 chunk = own_chunk(words);
    const int own = first + static_cast<int>(threadIdx.x) % kChunks;
    if (own < kCount && own < n) *reinterpret_cast<uint4*>(y + 8 * own) = chunk;
  }
}

/// *y += value, rounded once, without reading it here: memory adds, and may take subnormal numbers as zero. Nobody else
/// may touch y meanwhile.
__device__ inline void add_in_memory(float* y, float value) { atomicAdd(y, value); }
/// The same for two neighbours.
__device__ inline void add_in_memory(float* y, float first, float second) {
#if __CUDA_ARCH__ >= 900
  asm volatile("red.global.add.v2.f32 [%0], {%1, %2};" ::"l"(y), "f"(first), "f"(second) : "memory");
#else
  add_in_memory(y, first);
  add_in_memory(y + 1, second);
#endif
}

}  // namespace assay::kernels::hopper
