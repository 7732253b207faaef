// Contract in quantized_rows.cuh, layout in device_layout.h. A thread makes eight values of a row that lie together: in
// a block of integers they are one pair of each of four lanes.

#include "kernels/quantized/quantized_rows.cuh"

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kEight = 8;                             // values that a thread makes
constexpr int kChunkEights = kDeviceInputs / kEight;  // of a row of a chunk
constexpr int kWidenThreads = kDeviceRows * kChunkEights;
constexpr int kEmbedThreads = 256;
constexpr float kNoAddend = -0.0f;  // keeps a zero's sign, which +0 would not

/// A type's form and a width as kernels take them.
struct RowsForm {
  int bits, offset;
  ScaleForm scales;
  int block_bytes, head_bytes, block_scale_bytes, chunk_bytes, n_chunks;
};
RowsForm rows_form(WeightType type, int n_in) {
  const QuantizedForm form = quantized_form(type);
  return {form.bits,
          form.bits == 8 ? 0 : form.offset,
          form.scales,
          device_block_bytes(form.bits),
          device_head_bytes(form.scales),
          device_block_scale_bytes(form.scales),
          device_chunk_bytes(type),
          device_chunks(n_in)};
}

template <class T>
__device__ inline T read(const std::uint8_t* p) {
  return *reinterpret_cast<const T*>(p);
}
__device__ inline float half_at(const std::uint8_t* p) { return __half2float(read<__half>(p)); }

/// The two neighbours that a lane has as its pair-th.
__device__ inline int2 stored_pair(const RowsForm& form, const std::uint8_t* block, int lane, int pair) {
  if (form.bits == 8) {
    const std::uint8_t* bytes = block + lane * 16 + pair / 2 * 4 + pair % 2;
    return make_int2(static_cast<std::int8_t>(bytes[0]), static_cast<std::int8_t>(bytes[2]));
  }
  const std::uint32_t low = read<std::uint32_t>(block + lane * 8 + pair / 4 * 4) >> (4 * (pair % 4));
  int first = static_cast<int>(low & 15), second = static_cast<int>(low >> 16 & 15);
  if (form.bits == 5) {
    const std::uint32_t fifth = static_cast<std::uint32_t>(read<std::uint16_t>(block + 256 + lane * 2)) >> pair;
    first |= static_cast<int>((fifth & 1) << 4);
    second |= static_cast<int>((fifth >> 8 & 1) << 4);
  }
  if (form.bits == 6) {
    const std::uint32_t upper = read<std::uint32_t>(block + 256 + lane * 4) >> (2 * pair);
    first |= static_cast<int>((upper & 3) << 4);
    second |= static_cast<int>((upper >> 16 & 3) << 4);
  }
  return make_int2(first - form.offset, second - form.offset);
}

/// What the integers of sixteen inputs of a row are multiplied by, and what is added.
__device__ inline float2 scale_and_addend(const RowsForm& form, const std::uint8_t* head, int block, int half,
                                          int row) {
  const int g = row % kDeviceRowPairs, high = row / kDeviceRowPairs;
  const std::uint8_t* own = head + form.head_bytes + block * form.block_scale_bytes;
  switch (form.scales) {
    case ScaleForm::plain:
      return make_float2(half_at(own + 4 * g + 2 * high), kNoAddend);
    case ScaleForm::with_addend:
      return make_float2(half_at(own + 8 * g + 4 * high), half_at(own + 8 * g + 4 * high + 2));
    case ScaleForm::super_with_addend: {
      const std::uint8_t* d = head + 8 * g + 4 * high;
      const std::uint8_t* bytes = own + 4 * g + 2 * high;
      return make_float2(half_at(d) * static_cast<float>(bytes[0]), -half_at(d + 2) * static_cast<float>(bytes[1]));
    }
    default: {
      const auto scale = static_cast<std::int8_t>(own[4 * g + 2 * high + half]);
      return make_float2(half_at(head + 4 * g + 2 * high) * static_cast<float>(scale), kNoAddend);
    }
  }
}

/// The values of inputs 8·eight … 8·eight + 7 of row `row` of a chunk.
__device__ inline void eight_values(const RowsForm& form, const std::uint8_t* chunk, int row, int eight,
                                    float (&values)[kEight]) {
  const int block = eight / 4, pair = eight % 4 * 2 + row / kDeviceRowPairs;
  const std::uint8_t* integers = chunk + block * form.block_bytes;
  const float2 by = scale_and_addend(form, chunk + kDeviceBlocks * form.block_bytes, block, eight % 4 / 2, row);
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int2 u = stored_pair(form, integers, row % kDeviceRowPairs * 4 + i, pair);
    values[2 * i] = fmaf(static_cast<float>(u.x), by.x, by.y);
    values[2 * i + 1] = fmaf(static_cast<float>(u.y), by.x, by.y);
  }
}

__device__ inline const std::uint8_t* row_group(const RowsForm& form, const std::byte* w, int index) {
  return reinterpret_cast<const std::uint8_t*>(w) +
         static_cast<std::ptrdiff_t>(index) * form.n_chunks * form.chunk_bytes;
}

/// A block a row.
__global__ void __launch_bounds__(kEmbedThreads) embed_quantized_kernel(EmbedQuantizedArgs a, RowsForm form) {
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  int id = a.ids[blockIdx.x];
  if (id < 0) id = max(0, a.drawn[-1 - id]);
  const std::uint8_t* group = row_group(form, a.table, id / kDeviceRows);
  float* x = a.x + static_cast<std::ptrdiff_t>(blockIdx.x) * a.hidden;
  for (int i = static_cast<int>(threadIdx.x); i < a.hidden / kEight; i += kEmbedThreads) {
    float values[kEight];
    eight_values(form, group + static_cast<std::ptrdiff_t>(i / kChunkEights) * form.chunk_bytes, id % kDeviceRows,
                 i % kChunkEights, values);
    auto* to = reinterpret_cast<float4*>(x + i * kEight);
    to[0] = make_float4(values[0], values[1], values[2], values[3]);
    to[1] = make_float4(values[4], values[5], values[6], values[7]);
  }
}

/// A block a chunk, a warp a row of it.
__global__ void __launch_bounds__(kWidenThreads) widen_quantized_kernel(WidenQuantizedArgs a, RowsForm form) {
  hopper::let_next_grid_start();
  const int chunk = static_cast<int>(blockIdx.x), group = static_cast<int>(blockIdx.y);
  const int row = static_cast<int>(threadIdx.x) / kChunkEights, eight = static_cast<int>(threadIdx.x) % kChunkEights;
  const int out_row = group * kDeviceRows + row, k = chunk * kDeviceInputs + eight * kEight;
  const bool is_there = out_row < a.n_out && k < a.n_in;
  alignas(16) __nv_bfloat162 pairs[kEight / 2];
  if (is_there) {
    float values[kEight];
    eight_values(form, row_group(form, a.w, group) + static_cast<std::ptrdiff_t>(chunk) * form.chunk_bytes, row, eight,
                 values);
#pragma unroll
    for (int i = 0; i < kEight / 2; ++i) pairs[i] = __floats2bfloat162_rn(values[2 * i], values[2 * i + 1]);
  }
  hopper::wait_for_previous_grid();  // which may still read what was made here before
  if (is_there) {
    *reinterpret_cast<uint4*>(a.out + static_cast<std::ptrdiff_t>(out_row) * a.n_in + k) =
        *reinterpret_cast<const uint4*>(pairs);
  }
}

Result<> check_weight(const char* what, WeightType type, int n_in) {
  if (!is_quantized(type)) return bad_input(what, ": the weight's type is not a quantised one");
  if (n_in < kQuantBlock || n_in % kQuantBlock != 0) {
    return bad_input(what, ": a row has ", n_in, " values, must be a multiple of ", kQuantBlock);
  }
  return {};
}

}  // namespace

Result<> embed_quantized_rows(const EmbedQuantizedArgs& args, cudaStream_t stream) {
  ASSAY_TRY(check_weight("embed_quantized_rows", args.type, args.hidden));
  if (args.tokens == 0) return {};
  return launch("embed_quantized_rows", embed_quantized_kernel,
                {dim3(static_cast<unsigned>(args.tokens)), kEmbedThreads}, stream, args,
                rows_form(args.type, args.hidden));
}

Result<> widen_quantized(const WidenQuantizedArgs& args, cudaStream_t stream) {
  ASSAY_TRY(check_weight("widen_quantized", args.type, args.n_in));
  constexpr int kMostGroups = 65535;  // blocks along y
  const int n_groups = device_row_groups(args.n_out);
  if (args.n_out < 1 || n_groups > kMostGroups) {
    return bad_input("widen_quantized: the weight has ", args.n_out, " rows, must be 1 to ", kMostGroups * kDeviceRows);
  }
  const RowsForm form = rows_form(args.type, args.n_in);
  return launch("widen_quantized", widen_quantized_kernel,
                {dim3(static_cast<unsigned>(form.n_chunks), static_cast<unsigned>(n_groups)), kWidenThreads}, stream,
                args, form);
}

}  // namespace assay::kernels
