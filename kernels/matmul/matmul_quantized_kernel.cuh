#pragma once
// The kernel behind matmul_quantized.cuh, one template for all types and tiles. Included by matmul_q*.cu only.
//
// A block is eight warps for each part of its weight rows, and one warp that only asks for copies. Warp i of the eight
// has the i-th block of every chunk: 32 inputs, and with them its own one of the contract's eight accumulators, for all
// of the part's rows and all tokens of the tile. So every stage of the ring (one or two chunks along k) is read by all
// warps at once, the weights' integers go from shared memory straight into operands, and at the end of a tile the eight
// sums meet in shared memory. Blocks stay and walk over tiles, so the next tile's weights are on their way meanwhile.
// Weights never change, so the ring's first round of them is asked for before the previous grid has ended.

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/attention/mma.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/once_per_device.cuh"
#include "kernels/matmul/matmul_quantized_tiles.cuh"

namespace assay::kernels {

constexpr int kQuantizedMaxStages = 24;       // barriers that fit in the head of shared memory
constexpr int kQuantizedBarrierBytes = 1024;  // that head; keeps x aligned to the swizzle's 1024 bytes
constexpr int kQuantizedSharedBytes = 227 * 1024;
constexpr int kQuantizedHalfBytes = 113 * 1024;  // of two blocks side by side
constexpr int kQuantizedRasterTiles = 8;         // row tiles that are walked together, so that their weights stay in L2

struct QuantizedKernelArgs {
  const std::byte* w;
  int m_rows, n_out;
  int n_chunks;  // along k
  int n_stages;
  int row_groups, row_tiles, token_tiles;
  Epilogue epilogue;
  const float* bias;
  void* y;
  std::int64_t y_stride;
};

/// A tile as template arguments: parts of eight warps, row groups of a part, and eights of tokens.
template <WeightType weight_type, int parts, int groups, int eights>
struct QuantizedTile {
  static constexpr WeightType kType = weight_type;
  static constexpr QuantizedForm kForm = quantized_form(weight_type);
  static constexpr int kParts = parts, kGroups = groups, kEights = eights;
  static constexpr int kRows = kDeviceRows * parts * groups, kTokens = 8 * eights;
  static constexpr int kMultiplyingWarps = kDeviceBlocks * parts;
  // With many sums a thread the multiplying warps need more registers than an even share, and a whole warpgroup copies
  // (or rather sleeps), so that it can give them.
  static constexpr bool kMovesRegisters = parts == 2 && groups * eights >= 8;
  static constexpr int kCopyingWarps = kMovesRegisters ? 4 : 1;
  static constexpr int kThreads = (kMultiplyingWarps + kCopyingWarps) * hopper::kWarpThreads;
  static constexpr int kChunks = eights == 1 ? 2 : 1;  // of a stage: two where they are small, to wait half as often
  static constexpr int kBoxes = kChunks * kDeviceInputs / hopper::kSwizzleElements;
  static constexpr int kChunkBytes = device_chunk_bytes(weight_type);
  static constexpr int kBlockBytes = device_block_bytes(kForm.bits);
  static constexpr int kHeadBytes = device_head_bytes(kForm.scales);
  static constexpr int kScaleBytes = device_block_scale_bytes(kForm.scales);
  static constexpr int kXBytes = kBoxes * kTokens * hopper::kSwizzleRowBytes;
  static constexpr int kStageBytes = (kXBytes + parts * groups * kChunks * kChunkBytes + 1023) / 1024 * 1024;
  static constexpr int kSums = groups * eights;               // of 16 rows by 8 tokens, a part
  static constexpr int kMeetingSums = kSums < 4 ? kSums : 4;  // that meet in shared memory at a time
  static constexpr int kMeetingBytes = parts * kDeviceBlocks * kMeetingSums * hopper::kWarpThreads * 16;
  static constexpr int kBlocks = eights == 1 ? 2 : 1;  // that a multiprocessor has registers for
  static constexpr bool kHasAddend =
      kForm.scales == ScaleForm::with_addend || kForm.scales == ScaleForm::super_with_addend;
};

namespace {

using namespace hopper;

/// Copies `bytes` (a multiple of 16) that lie together.
__device__ inline void load_bytes(void* to, const void* from, int bytes, std::uint64_t* barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                   shared_address(to)),
               "l"(from), "r"(bytes), "r"(shared_address(barrier))
               : "memory");
}

// Products of 16 rows by 8 tokens as multiply_16x8 makes them (attention/mma.cuh), but free to be moved: a warp must
// begin many before it waits for one.

/// d += a · b.
__device__ inline void add_product(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
/// d = a · b.
__device__ inline void make_product(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%10,%10,%10};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "f"(0.0f));
}

struct QuantizedRing {
  std::uint64_t* full;
  std::uint64_t* empty;
  char* stages;  // of each: x, then the weight's row groups
  int n_stages;
};
struct QuantizedRingPlace {
  int slot = 0;
  std::uint32_t parity = 0;
  __device__ void advance(int n_stages) {
    if (++slot == n_stages) {
      slot = 0;
      parity ^= 1;
    }
  }
};

struct QuantizedPlace {
  int row, token;  // the tile's first
};
template <class T>
__device__ inline QuantizedPlace quantized_place(const QuantizedKernelArgs& a, int index) {
  const int per_band = kQuantizedRasterTiles * a.token_tiles, band = index / per_band, i = index - band * per_band;
  const int in_band = min(kQuantizedRasterTiles, a.row_tiles - band * kQuantizedRasterTiles);
  return {(band * kQuantizedRasterTiles + i % in_band) * T::kRows, i / in_band * T::kTokens};
}

template <class T>
__device__ inline int n_rounds(const QuantizedKernelArgs& a) {
  return (a.n_chunks + T::kChunks - 1) / T::kChunks;
}

/// The copying side, one thread.
template <class T>
__device__ void load_quantized_tiles(const QuantizedKernelArgs& a, const QuantizedRing& ring,
                                     const CUtensorMap& x_map) {
  const int n_tiles = a.row_tiles * a.token_tiles, rounds = n_rounds<T>(a);
  const auto load_weights = [&](int slot, QuantizedPlace place, int round) {
    const int first_group = place.row / kDeviceRows;
    const int n_groups = min(T::kParts * T::kGroups, a.row_groups - first_group);
    const int first_chunk = round * T::kChunks, bytes = min(T::kChunks, a.n_chunks - first_chunk) * T::kChunkBytes;
    barrier_arrive_expect(&ring.full[slot], T::kXBytes + n_groups * bytes);
    char* to = ring.stages + slot * T::kStageBytes + T::kXBytes;
    const std::byte* from = a.w + (static_cast<std::int64_t>(first_group) * a.n_chunks + first_chunk) * T::kChunkBytes;
    for (int i = 0; i < n_groups; ++i) {
      load_bytes(to, from, bytes, &ring.full[slot]);
      to += T::kChunks * T::kChunkBytes;
      from += static_cast<std::int64_t>(a.n_chunks) * T::kChunkBytes;
    }
  };
  int n_ahead = 0;
  for (int tile = static_cast<int>(blockIdx.x); tile < n_tiles && n_ahead < ring.n_stages;
       tile += static_cast<int>(gridDim.x)) {
    const QuantizedPlace place = quantized_place<T>(a, tile);
    for (int round = 0; round < rounds && n_ahead < ring.n_stages; ++round) load_weights(n_ahead++, place, round);
  }
  wait_for_previous_grid();
  QuantizedRingPlace at;
  int n_loaded = 0;
  for (int tile = static_cast<int>(blockIdx.x); tile < n_tiles; tile += static_cast<int>(gridDim.x)) {
    const QuantizedPlace place = quantized_place<T>(a, tile);
    for (int round = 0; round < rounds; ++round, ++n_loaded, at.advance(ring.n_stages)) {
      if (n_loaded >= ring.n_stages) barrier_wait(&ring.empty[at.slot], at.parity ^ 1);
      if (n_loaded >= n_ahead) load_weights(at.slot, place, round);
      load_box(ring.stages + at.slot * T::kStageBytes, &x_map, &ring.full[at.slot], 0, place.token, round * T::kBoxes);
    }
  }
}

// ---- integers to operands. A bfloat16 of 128 holds the next 127 integers in its low bits, so integers are put there
// and 128 (and the type's offset) is taken off again, exactly, two at a time.

constexpr std::uint32_t kPairOf128 = 0x43004300;

__device__ inline std::uint32_t subtract_pairs(std::uint32_t a, std::uint32_t b) {
  const __nv_bfloat162 d =
      __hsub2(*reinterpret_cast<const __nv_bfloat162*>(&a), *reinterpret_cast<const __nv_bfloat162*>(&b));
  return *reinterpret_cast<const std::uint32_t*>(&d);
}
/// (word & mask) | base, in one instruction.
__device__ inline std::uint32_t with_bits(std::uint32_t word, std::uint32_t mask, std::uint32_t base) {
  std::uint32_t out;
  asm("lop3.b32 %0, %1, %2, %3, 0xEA;" : "=r"(out) : "r"(word), "r"(mask), "r"(base));
  return out;
}
/// Bits from bit `at` on moved to bit `to`.
template <int at, int to>
__device__ inline std::uint32_t moved(std::uint32_t word) {
  if constexpr (at > to) {
    return word >> (at - to);
  } else {
    return word << (to - at);
  }
}

/// The pairs of a block as the operands of its two products.
template <class T>
__device__ inline void read_integers(const char* block, int lane, std::uint32_t (&a)[2][4]) {
  constexpr int kBits = T::kForm.bits;
  if constexpr (kBits == 8) {
    const uint4 words = *reinterpret_cast<const uint4*>(block + lane * 16);
    const std::uint32_t w[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
    for (int pair = 0; pair < 8; ++pair) {
      // Seven bits, less 128, or less 256 where the sign is set.
      const std::uint32_t bytes = pair % 2 == 0 ? w[pair / 2] : w[pair / 2] >> 8;
      a[pair / 4][pair % 4] =
          subtract_pairs(with_bits(bytes, 0x007F007Fu, kPairOf128), with_bits(bytes, 0x00800080u, kPairOf128));
    }
  } else {
    constexpr std::uint32_t kOffset = kPairOf128 + static_cast<std::uint32_t>(T::kForm.offset) * 0x00010001u;
    const uint2 words = *reinterpret_cast<const uint2*>(block + lane * 8);
    std::uint32_t upper = 0;
    if constexpr (kBits == 5) {
      const std::uint32_t fifth = *reinterpret_cast<const std::uint16_t*>(block + 256 + lane * 2);
      upper = __byte_perm(fifth, 0, 0x4140);
    }
    if constexpr (kBits == 6) upper = *reinterpret_cast<const std::uint32_t*>(block + 256 + lane * 4);
    const auto pair_of = [&]<int pair>() {
      const std::uint32_t word = pair < 4 ? words.x : words.y;
      std::uint32_t bits = with_bits(moved<4 * (pair % 4), 0>(word), 0x000F000Fu, kPairOf128);
      if constexpr (kBits == 5) bits = with_bits(moved<pair, 4>(upper), 0x00100010u, bits);
      if constexpr (kBits == 6) bits = with_bits(moved<2 * pair, 4>(upper), 0x00300030u, bits);
      a[pair / 4][pair % 4] = subtract_pairs(bits, kOffset);
    };
    pair_of.template operator()<0>();
    pair_of.template operator()<1>();
    pair_of.template operator()<2>();
    pair_of.template operator()<3>();
    pair_of.template operator()<4>();
    pair_of.template operator()<5>();
    pair_of.template operator()<6>();
    pair_of.template operator()<7>();
  }
}

__device__ inline float2 two_halves(std::uint32_t bits) {
  return __half22float2(*reinterpret_cast<const __half2*>(&bits));
}
/// Scales and addends of a block, of rows g (low) and g + 8 (high).
struct BlockScales {
  float low, high;                // of Q6_K: of the first 16 inputs
  float second_low, second_high;  // of Q6_K: of the last 16
  float low_addend, high_addend;
};

template <class T>
__device__ inline BlockScales read_scales(const char* chunk, int block, int lane) {
  constexpr ScaleForm kScales = T::kForm.scales;
  const char* head = chunk + kDeviceBlocks * T::kBlockBytes;
  const char* own = head + T::kHeadBytes + block * T::kScaleBytes;
  const int g = lane / 4;
  BlockScales s{};
  if constexpr (kScales == ScaleForm::plain) {
    const float2 d = two_halves(*reinterpret_cast<const std::uint32_t*>(own + 4 * g));
    s.low = d.x;
    s.high = d.y;
  } else if constexpr (kScales == ScaleForm::with_addend) {
    const uint2 both = *reinterpret_cast<const uint2*>(own + 8 * g);
    const float2 low = two_halves(both.x), high = two_halves(both.y);
    s.low = low.x;
    s.low_addend = low.y;
    s.high = high.x;
    s.high_addend = high.y;
  } else {
    // Four lanes have the same two rows, which have four products of a half and a byte: each makes one of them.
    constexpr bool kSigned = kScales == ScaleForm::super_of_sixteen;
    const float half = __half2float(*reinterpret_cast<const __half*>(head + (kSigned ? lane / 2 * 2 : lane * 2)));
    const float byte = kSigned ? static_cast<float>(*reinterpret_cast<const std::int8_t*>(own + lane))
                               : static_cast<float>(*reinterpret_cast<const std::uint8_t*>(own + lane));
    const float product = half * byte;
    const auto of = [product](int i) { return __shfl_sync(0xFFFFFFFFu, product, i, 4); };
    s.low = of(0);
    s.high = of(2);
    if constexpr (kSigned) {
      s.second_low = of(1);
      s.second_high = of(3);
    } else {
      s.low_addend = -of(1);
      s.high_addend = -of(3);
    }
  }
  return s;
}

__device__ inline void add_scaled(float (&sums)[4], const float (&part)[4], float low, float high) {
  sums[0] = fmaf(low, part[0], sums[0]);
  sums[1] = fmaf(low, part[1], sums[1]);
  sums[2] = fmaf(high, part[2], sums[2]);
  sums[3] = fmaf(high, part[3], sums[3]);
}

/// One warp's block of a chunk. `b` has its inputs of all tokens, `groups` the chunks of the part's row groups.
template <class T>
__device__ inline void multiply_block(const std::uint32_t (&b)[T::kEights][4], const char* groups, int block, int lane,
                                      float (&sums)[T::kSums][4]) {
  float x_sums[T::kEights][2];  // the same for every row
  if constexpr (T::kHasAddend) {
    constexpr std::uint32_t kOnes[4] = {0x3F803F80u, 0x3F803F80u, 0x3F803F80u, 0x3F803F80u};
#pragma unroll
    for (int j = 0; j < T::kEights; ++j) {
      float part[4];
      make_product(part, kOnes, b[j][0], b[j][1]);
      add_product(part, kOnes, b[j][2], b[j][3]);
      x_sums[j][0] = part[0];
      x_sums[j][1] = part[1];
    }
  }
#pragma unroll
  for (int i = 0; i < T::kGroups; ++i) {
    const char* chunk = groups + i * T::kChunks * T::kChunkBytes;
    std::uint32_t a[2][4];
    read_integers<T>(chunk + block * T::kBlockBytes, lane, a);
    const BlockScales s = read_scales<T>(chunk, block, lane);
#pragma unroll
    for (int j = 0; j < T::kEights; ++j) {
      float part[4];
      float(&own)[4] = sums[i * T::kEights + j];
      make_product(part, a[0], b[j][0], b[j][1]);
      if constexpr (T::kForm.scales == ScaleForm::super_of_sixteen) {
        float second[4];
        make_product(second, a[1], b[j][2], b[j][3]);
        add_scaled(own, part, s.low, s.high);
        add_scaled(own, second, s.second_low, s.second_high);
      } else {
        add_product(part, a[1], b[j][2], b[j][3]);
        add_scaled(own, part, s.low, s.high);
        if constexpr (T::kHasAddend) {
          const float both[4] = {x_sums[j][0], x_sums[j][1], x_sums[j][0], x_sums[j][1]};
          add_scaled(own, both, s.low_addend, s.high_addend);
        }
      }
    }
  }
}

/// A warp's block of x in every chunk of a stage, as operands.
template <class T>
using XBlocks = std::uint32_t[T::kChunks][T::kEights][4];

/// `x` is the address of this lane's row of matrices in the first chunk's first eight tokens.
template <class T>
__device__ inline void load_x(std::uint32_t x, XBlocks<T>& b) {
#pragma unroll
  for (int chunk = 0; chunk < T::kChunks; ++chunk) {
#pragma unroll
    for (int j = 0; j < T::kEights; ++j) {
      load_matrices(b[chunk][j],
                    x + static_cast<std::uint32_t>(chunk * (T::kXBytes / T::kChunks) + j * 8 * kSwizzleRowBytes));
    }
  }
}

/// One warp's blocks of the first kCount chunks of a stage.
template <class T, int kCount>
__device__ inline void multiply_chunks(const XBlocks<T>& b, const char* groups, int block, int lane,
                                       float (&sums)[T::kSums][4]) {
#pragma unroll
  for (int chunk = 0; chunk < kCount; ++chunk) {
    multiply_block<T>(b[chunk], groups + chunk * T::kChunkBytes, block, lane, sums);
  }
}

/// silu(gate) · up as in matmul_bf16_kernel.cuh.
__device__ inline float quantized_silu_times(float gate, float up) {
  return __fdividef(gate, 1.0f + __expf(-gate)) * up;
}

/// Stores a warp's finished sums of 16 rows from `row` on and eight tokens from `token` on.
__device__ inline void store_quantized_sums(const QuantizedKernelArgs& a, const float4& s, int row, int token) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const int own_row = row + lane / 4;
  const bool has_low = own_row < a.n_out, has_high = own_row + 8 < a.n_out;
  const float bias_low = a.bias != nullptr && has_low ? a.bias[own_row] : 0.0f;
  const float bias_high = a.bias != nullptr && has_high ? a.bias[own_row + 8] : 0.0f;
  if (a.epilogue == Epilogue::store_f32 || a.epilogue == Epilogue::add_f32) {
    const int own_token = token + 2 * (lane % 4);
    float* y = static_cast<float*>(a.y) + own_token * a.y_stride + own_row;
    const bool first = own_token < a.m_rows, second = own_token + 1 < a.m_rows;
    const auto put = [&](bool is_there, float* to, float sum, float bias) {
      if (!is_there) return;
      *to = a.epilogue == Epilogue::add_f32 ? *to + sum : sum + bias;
    };
    put(first && has_low, y, s.x, bias_low);
    put(second && has_low, y + a.y_stride, s.y, bias_low);
    put(first && has_high, y + 8, s.z, bias_high);
    put(second && has_high, y + a.y_stride + 8, s.w, bias_high);
    return;
  }
  // 16-bit results are transposed eight by eight, so that a thread stores two neighbours of a row of y.
  auto* y = static_cast<__nv_bfloat16*>(a.y);
  const int own_token = token + lane / 4;
  if (a.epilogue == Epilogue::swiglu_bf16) {
    const std::uint32_t pair = transpose_8x8(pack_bf16(quantized_silu_times(s.x, s.z), quantized_silu_times(s.y, s.w)));
    if (own_token >= a.m_rows || row >= a.n_out) return;
    *reinterpret_cast<std::uint32_t*>(y + own_token * a.y_stride + row / 2 + 2 * (lane % 4)) = pair;
    return;
  }
  const std::uint32_t low = transpose_8x8(pack_bf16(s.x + bias_low, s.y + bias_low));
  const std::uint32_t high = transpose_8x8(pack_bf16(s.z + bias_high, s.w + bias_high));
  if (own_token >= a.m_rows) return;
  __nv_bfloat16* to = y + own_token * a.y_stride + row + 2 * (lane % 4);
  if (row < a.n_out) *reinterpret_cast<std::uint32_t*>(to) = low;
  if (row + 8 < a.n_out) *reinterpret_cast<std::uint32_t*>(to + 8) = high;
}

/// The eight warps of a part bring their sums together and store them. `meeting` is the part's memory.
template <class T>
__device__ void meet(const QuantizedKernelArgs& a, const float (&sums)[T::kSums][4], float4* meeting, int part, int own,
                     int lane, int row, int token) {
  constexpr int kThreads = kDeviceBlocks * kWarpThreads;
#pragma unroll
  for (int first = 0; first < T::kSums; first += T::kMeetingSums) {
#pragma unroll
    for (int i = 0; i < T::kMeetingSums; ++i) {
      const float(&s)[4] = sums[first + i];
      meeting[(own * T::kMeetingSums + i) * kWarpThreads + lane] = make_float4(s[0], s[1], s[2], s[3]);
    }
    barrier_sync(1 + part, kThreads);
    if (own < T::kMeetingSums) {
      float4 total = meeting[own * kWarpThreads + lane];
#pragma unroll
      for (int i = 1; i < kDeviceBlocks; ++i) {
        const float4 next = meeting[(i * T::kMeetingSums + own) * kWarpThreads + lane];
        total = make_float4(total.x + next.x, total.y + next.y, total.z + next.z, total.w + next.w);
      }
      const int index = first + own;
      store_quantized_sums(a, total, row + index / T::kEights * kDeviceRows, token + index % T::kEights * 8);
    }
    barrier_sync(1 + part, kThreads);
  }
}

/// The multiplying side, one warp.
template <class T>
__device__ void multiply_quantized_tiles(const QuantizedKernelArgs& a, const QuantizedRing& ring, float4* meeting,
                                         int warp) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpThreads;
  const int own = warp % kDeviceBlocks, part = warp / kDeviceBlocks;
  const int n_tiles = a.row_tiles * a.token_tiles, rounds = n_rounds<T>(a);
  // Where this lane finds its matrices' row of x in a chunk of the ring: two blocks of 32 inputs are one box.
  const std::uint32_t x_offset = static_cast<std::uint32_t>(own / 2 * T::kTokens * kSwizzleRowBytes) +
                                 swizzled_offset(lane % 8, own % 2 * 4 + lane / 8);
  wait_for_previous_grid();
  QuantizedRingPlace at;
  for (int tile = static_cast<int>(blockIdx.x); tile < n_tiles; tile += static_cast<int>(gridDim.x)) {
    const QuantizedPlace place = quantized_place<T>(a, tile);
    float sums[T::kSums][4] = {};
    for (int round = 0; round < rounds; ++round, at.advance(ring.n_stages)) {
      barrier_wait(&ring.full[at.slot], at.parity);
      const char* stage = ring.stages + at.slot * T::kStageBytes;
      const char* groups = stage + T::kXBytes + part * T::kGroups * T::kChunks * T::kChunkBytes;
      XBlocks<T> b;
      load_x<T>(shared_address(stage) + x_offset, b);
      if (T::kChunks == 1 || (round + 1) * T::kChunks <= a.n_chunks) {
        multiply_chunks<T, T::kChunks>(b, groups, own, lane, sums);
      } else {
        multiply_chunks<T, 1>(b, groups, own, lane, sums);
      }
      barrier_arrive(&ring.empty[at.slot]);  // each lane for what it has read, which racecheck can follow
    }
    meet<T>(a, sums, meeting + part * (T::kMeetingBytes / T::kParts / 16), part, own, lane,
            place.row + part * T::kGroups * kDeviceRows, place.token);
  }
}

template <class T>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks)
    matmul_quantized_kernel(const __grid_constant__ CUtensorMap x_map, const __grid_constant__ QuantizedKernelArgs a) {
  extern __shared__ __align__(1024) char shared[];
  auto* barriers = reinterpret_cast<std::uint64_t*>(shared);
  const QuantizedRing ring{barriers, barriers + kQuantizedMaxStages, shared + kQuantizedBarrierBytes, a.n_stages};
  auto* meeting = reinterpret_cast<float4*>(ring.stages + a.n_stages * T::kStageBytes);
  let_next_grid_start();  // at once: its first weights may come while this grid is at work
  if (threadIdx.x == 0) prefetch_tensor_map(&x_map);
  if (threadIdx.x < static_cast<unsigned>(ring.n_stages)) {
    barrier_init(&ring.full[threadIdx.x], 1);
    barrier_init(&ring.empty[threadIdx.x], T::kMultiplyingWarps * kWarpThreads);
    barrier_init_fence();
  }
  __syncthreads();
  const int warp = warp_uniform(static_cast<int>(threadIdx.x) / kWarpThreads);
  if (warp >= T::kMultiplyingWarps) {
    if constexpr (T::kMovesRegisters) give_registers<24>();
    if (threadIdx.x == T::kMultiplyingWarps * kWarpThreads) load_quantized_tiles<T>(a, ring, x_map);
  } else {
    if constexpr (T::kMovesRegisters) take_registers<112>();
    multiply_quantized_tiles<T>(a, ring, meeting, warp);
  }
}

}  // namespace

/// Launches one tile's kernel.
template <class T>
Result<> launch_quantized_tile(const QuantizedLaunch& launched) {
  const MatmulQuantizedArgs& args = *launched.args;
  ASSAY_ASSIGN(const CUtensorMap x_map, quantized_x_map(args, T::kTokens, T::kBoxes));
  QuantizedKernelArgs a{};
  a.w = args.w;
  a.m_rows = args.m_rows;
  a.n_out = args.n_out;
  a.n_chunks = device_chunks(args.n_in);
  a.row_groups = device_row_groups(args.n_out);
  a.row_tiles = (args.n_out + T::kRows - 1) / T::kRows;
  a.token_tiles = (args.m_rows + T::kTokens - 1) / T::kTokens;
  a.epilogue = args.epilogue;
  a.bias = args.bias;
  a.y = args.y;
  a.y_stride = args.y_stride;
  const int n_tiles = a.row_tiles * a.token_tiles;
  // Two blocks side by side, half of the ring each, hide each other's waits. But where there are too few tiles some
  // multiprocessors would get two blocks and others none, and types of more bits, which are read as fast as memory
  // allows anyway, gain nothing from it with many tiles.
  const bool two = T::kBlocks == 2 && n_tiles > launched.n_multiprocessors &&
                   (T::kForm.bits <= 5 || n_tiles <= 2 * launched.n_multiprocessors);
  const int n_side_by_side = two ? 2 : 1;
  const int room = (two ? kQuantizedHalfBytes : kQuantizedSharedBytes) - kQuantizedBarrierBytes - T::kMeetingBytes;
  a.n_stages = std::min(kQuantizedMaxStages, room / T::kStageBytes);
  static OncePerDevice<> allowed;
  ASSAY_TRY(allowed([] { return allow_shared_memory(matmul_quantized_kernel<T>, kQuantizedSharedBytes); }));
  const int n_blocks = std::min(n_tiles, n_side_by_side * launched.n_multiprocessors);
  const auto shared_bytes =
      static_cast<std::size_t>(kQuantizedBarrierBytes + a.n_stages * T::kStageBytes + T::kMeetingBytes);
  return launch("matmul_quantized", matmul_quantized_kernel<T>,
                {dim3(static_cast<unsigned>(n_blocks)), T::kThreads, shared_bytes}, launched.stream, x_map, a);
}

/// The tiles of quantized_plans().
template <WeightType type>
Result<> launch_quantized(const QuantizedLaunch& launched) {
  const QuantizedPlan& plan = *launched.plan;
  Result<> result =
      bad_input("matmul_quantized: no kernel for a tile of ", plan.rows, " rows and ", plan.tokens, " tokens");
  const auto try_tile = [&]<class T>(T) {
    if (plan.rows != T::kRows || plan.tokens != T::kTokens) return;
    static_cast<void>(result = launch_quantized_tile<T>(launched));
  };
  try_tile(QuantizedTile<type, 2, 1, 1>{});
  try_tile(QuantizedTile<type, 2, 1, 2>{});
  try_tile(QuantizedTile<type, 2, 1, 4>{});
  try_tile(QuantizedTile<type, 2, 2, 4>{});
  try_tile(QuantizedTile<type, 2, 4, 4>{});
  return result;
}

}  // namespace assay::kernels
