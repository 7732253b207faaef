#pragma once
// Warpgroup products: d[64, n] (+)= a[64, 16] · b[n, 16]ᵀ, bfloat16 in, float32 out, for n = 8 … 256, and the same with
// 32 e4m3 values in place of 16 bfloat16. Device code only.
//   d is spread over the group's 128 threads. With row r = 16·(t/32) + t%32/4 and column c = 8·j + 2·(t%4), thread t
//   holds d[4j] (r, c), d[4j+1] (r, c+1), d[4j+2] (r+8, c) and d[4j+3] (r+8, c+1).
// Source: NVIDIA, Parallel Thread Execution ISA 8.x, section on wgmma.

#include <cstdint>

#include "kernels/device/hopper.cuh"

namespace assay::kernels::hopper {

/// Describes a tile in shared memory, laid down by the copy engine with the 128-byte swizzle and aligned to 1024 bytes:
/// rows of 128 bytes (64 bfloat16 or 128 e4m3), 1024 bytes for each eight rows, the next eight `eight_rows_bytes` on.
/// For tiles whose rows lie along the sum (K-major) the sum advances by 2 descriptor units per 16 bfloat16 or 32 e4m3.
__device__ inline std::uint64_t tile_descriptor(const void* tile, int eight_rows_bytes = 1024) {
  constexpr std::uint64_t kSwizzle128 = 1ull << 62;
  return kSwizzle128 | (static_cast<std::uint64_t>(eight_rows_bytes >> 4) << 32) | (1ull << 16) |
         ((shared_address(tile) & 0x3FFFFu) >> 4);
}
/// The same tile read across its rows (the sum runs over rows, n over columns); 64 columns on is `next_bytes` on.
__device__ inline std::uint64_t transposed_tile_descriptor(const void* tile, int next_bytes,
                                                           int eight_rows_bytes = 1024) {
  constexpr std::uint64_t kSwizzle128 = 1ull << 62;
  return kSwizzle128 | (static_cast<std::uint64_t>(eight_rows_bytes >> 4) << 32) |
         (static_cast<std::uint64_t>(next_bytes >> 4) << 16) | ((shared_address(tile) & 0x3FFFFu) >> 4);
}

/// Pins sums here: before products_begin() the compiler may not move what computes them past it, after products_wait()
/// not what reads them before it.
template <int kRegisters>
__device__ inline void pin_sums(float (&d)[kRegisters]) {
#pragma unroll
  for (int i = 0; i < kRegisters; ++i) asm volatile("" : "+f"(d[i])::"memory");
}
__device__ inline void products_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void products_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
/// Waits until at most `kLeft` committed groups are unfinished.
template <int kLeft>
__device__ inline void products_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kLeft) : "memory");
}

/// wgmma with a tile of n columns. `add` false starts the sum at zero.
///   run(d, a, b, add): both operands from shared memory, rows along the sum.
///   run_left_across, run_right_across: the same, but a or b is read across its rows (transposed_tile_descriptor).
///   run_from_registers(d, a0 … a3, b, add): a from registers (as four packed pairs), b read across its rows.
template <int kColumns>
struct Wgmma;

// The lists of 4 to 128 registers, and the same as constraints.
#define ASSAY_D4 "%0,%1,%2,%3"
#define ASSAY_D8 ASSAY_D4 ",%4,%5,%6,%7"
#define ASSAY_D16 ASSAY_D8 ",%8,%9,%10,%11,%12,%13,%14,%15"
#define ASSAY_D24 ASSAY_D16 ",%16,%17,%18,%19,%20,%21,%22,%23"
#define ASSAY_D32 ASSAY_D16 ",%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
#define ASSAY_D48 ASSAY_D32 ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47"
#define ASSAY_D56 ASSAY_D48 ",%48,%49,%50,%51,%52,%53,%54,%55"
#define ASSAY_D64                                                                         \
  ASSAY_D32                                                                               \
  ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52," \
  "%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define ASSAY_D96                                                                         \
  ASSAY_D64                                                                               \
  ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84," \
  "%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95"
#define ASSAY_D112 ASSAY_D96 ",%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111"
#define ASSAY_D128                                                                              \
  ASSAY_D64                                                                                     \
  ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85,"   \
  "%86,%87,%88,%89,%90,%91,%92,%93,%94,%95,%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106," \
  "%107,%108,%109,%110,%111,%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,"  \
  "%125,%126,%127"
#define ASSAY_O4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define ASSAY_O8(i) ASSAY_O4(i), ASSAY_O4(i + 4)
#define ASSAY_O16(i) ASSAY_O8(i), ASSAY_O8(i + 8)
#define ASSAY_O24(i) ASSAY_O16(i), ASSAY_O8(i + 16)
#define ASSAY_O32(i) ASSAY_O16(i), ASSAY_O16(i + 16)
#define ASSAY_O48(i) ASSAY_O32(i), ASSAY_O16(i + 32)
#define ASSAY_O56(i) ASSAY_O48(i), ASSAY_O8(i + 48)
#define ASSAY_O64(i) ASSAY_O32(i), ASSAY_O32(i + 32)
#define ASSAY_O96(i) ASSAY_O64(i), ASSAY_O32(i + 64)
#define ASSAY_O112(i) ASSAY_O96(i), ASSAY_O16(i + 96)
#define ASSAY_O128(i) ASSAY_O64(i), ASSAY_O64(i + 64)

#define ASSAY_WGMMA(columns, list, operands, a, b, flag, a0, a1, a2, a3, rb, rflag)                                 \
  template <>                                                                                                       \
  struct Wgmma<columns> {                                                                                           \
    static constexpr int kRegisters = columns / 2;                                                                  \
    __device__ static void run(float (&d)[kRegisters], std::uint64_t desc_a, std::uint64_t desc_b, bool add) {      \
      asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %" #flag                                                   \
                   ", 0;\n"                                                                                         \
                   "wgmma.mma_async.sync.aligned.m64n" #columns "k16.f32.bf16.bf16 {" list "}, %" #a ", %" #b       \
                   ", add, 1, 1, 0, 0;\n}"                                                                          \
                   : operands                                                                                       \
                   : "l"(desc_a), "l"(desc_b), "r"(static_cast<int>(add)));                                         \
    }                                                                                                               \
    __device__ static void run_left_across(float (&d)[kRegisters], std::uint64_t desc_a, std::uint64_t desc_b,      \
                                           bool add) {                                                              \
      asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %" #flag                                                   \
                   ", 0;\n"                                                                                         \
                   "wgmma.mma_async.sync.aligned.m64n" #columns "k16.f32.bf16.bf16 {" list "}, %" #a ", %" #b       \
                   ", add, 1, 1, 1, 0;\n}"                                                                          \
                   : operands                                                                                       \
                   : "l"(desc_a), "l"(desc_b), "r"(static_cast<int>(add)));                                         \
    }                                                                                                               \
    __device__ static void run_right_across(float (&d)[kRegisters], std::uint64_t desc_a, std::uint64_t desc_b,     \
                                            bool add) {                                                             \
      asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %" #flag                                                   \
                   ", 0;\n"                                                                                         \
                   "wgmma.mma_async.sync.aligned.m64n" #columns "k16.f32.bf16.bf16 {" list "}, %" #a ", %" #b       \
                   ", add, 1, 1, 0, 1;\n}"                                                                          \
                   : operands                                                                                       \
                   : "l"(desc_a), "l"(desc_b), "r"(static_cast<int>(add)));                                         \
    }                                                                                                               \
    __device__ static void run_from_registers(float (&d)[kRegisters], std::uint32_t p0, std::uint32_t p1,           \
                                              std::uint32_t p2, std::uint32_t p3, std::uint64_t desc_b, bool add) { \
      asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %" #rflag                                                  \
                   ", 0;\n"                                                                                         \
                   "wgmma.mma_async.sync.aligned.m64n" #columns "k16.f32.bf16.bf16 {" list "}, {%" #a0 ",%" #a1     \
                   ",%" #a2 ",%" #a3 "}, %" #rb ", add, 1, 1, 1;\n}"                                                \
                   : operands                                                                                       \
                   : "r"(p0), "r"(p1), "r"(p2), "r"(p3), "l"(desc_b), "r"(static_cast<int>(add)));                  \
    }                                                                                                               \
  }

ASSAY_WGMMA(8, ASSAY_D4, ASSAY_O4(0), 4, 5, 6, 4, 5, 6, 7, 8, 9);
ASSAY_WGMMA(16, ASSAY_D8, ASSAY_O8(0), 8, 9, 10, 8, 9, 10, 11, 12, 13);
ASSAY_WGMMA(32, ASSAY_D16, ASSAY_O16(0), 16, 17, 18, 16, 17, 18, 19, 20, 21);
ASSAY_WGMMA(48, ASSAY_D24, ASSAY_O24(0), 24, 25, 26, 24, 25, 26, 27, 28, 29);
ASSAY_WGMMA(64, ASSAY_D32, ASSAY_O32(0), 32, 33, 34, 32, 33, 34, 35, 36, 37);
ASSAY_WGMMA(96, ASSAY_D48, ASSAY_O48(0), 48, 49, 50, 48, 49, 50, 51, 52, 53);
ASSAY_WGMMA(112, ASSAY_D56, ASSAY_O56(0), 56, 57, 58, 56, 57, 58, 59, 60, 61);
ASSAY_WGMMA(128, ASSAY_D64, ASSAY_O64(0), 64, 65, 66, 64, 65, 66, 67, 68, 69);
ASSAY_WGMMA(192, ASSAY_D96, ASSAY_O96(0), 96, 97, 98, 96, 97, 98, 99, 100, 101);
ASSAY_WGMMA(224, ASSAY_D112, ASSAY_O112(0), 112, 113, 114, 112, 113, 114, 115, 116, 117);
ASSAY_WGMMA(256, ASSAY_D128, ASSAY_O128(0), 128, 129, 130, 128, 129, 130, 131, 132, 133);

/// The same with e4m3 operands, both from shared memory, 32 elements of k. Its float32 sums keep fewer bits than
/// float32 has (the tensor cores align and cut products), so callers add them up themselves every few products.
template <int kColumns>
struct WgmmaFp8;

#define ASSAY_WGMMA_FP8(columns, list, operands, a, b, flag)                                                   \
  template <>                                                                                                  \
  struct WgmmaFp8<columns> {                                                                                   \
    static constexpr int kRegisters = columns / 2;                                                             \
    __device__ static void run(float (&d)[kRegisters], std::uint64_t desc_a, std::uint64_t desc_b, bool add) { \
      asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %" #flag                                              \
                   ", 0;\n"                                                                                    \
                   "wgmma.mma_async.sync.aligned.m64n" #columns "k32.f32.e4m3.e4m3 {" list "}, %" #a ", %" #b  \
                   ", add, 1, 1;\n}"                                                                           \
                   : operands                                                                                  \
                   : "l"(desc_a), "l"(desc_b), "r"(static_cast<int>(add)));                                    \
    }                                                                                                          \
  }

ASSAY_WGMMA_FP8(16, ASSAY_D8, ASSAY_O8(0), 8, 9, 10);
ASSAY_WGMMA_FP8(32, ASSAY_D16, ASSAY_O16(0), 16, 17, 18);
ASSAY_WGMMA_FP8(64, ASSAY_D32, ASSAY_O32(0), 32, 33, 34);
ASSAY_WGMMA_FP8(128, ASSAY_D64, ASSAY_O64(0), 64, 65, 66);

#undef ASSAY_WGMMA
#undef ASSAY_WGMMA_FP8
#undef ASSAY_D4
#undef ASSAY_D8
#undef ASSAY_D16
#undef ASSAY_D32
#undef ASSAY_D56
#undef ASSAY_D48
#undef ASSAY_D24
#undef ASSAY_D64
#undef ASSAY_D96
#undef ASSAY_D112
#undef ASSAY_D128
#undef ASSAY_O4
#undef ASSAY_O8
#undef ASSAY_O16
#undef ASSAY_O32
#undef ASSAY_O56
#undef ASSAY_O48
#undef ASSAY_O24
#undef ASSAY_O64
#undef ASSAY_O96
#undef ASSAY_O112
#undef ASSAY_O128

}  // namespace assay::kernels::hopper
