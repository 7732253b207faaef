// Rows of a quantised table, a block a row. Contract in kernels/matmul/matmul_quantized.cuh, layout in
// device_layout.h.

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/matmul/matmul_quantized.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 256;

/// The form as a kernel takes it.
struct EmbedForm {
  int bits, offset;
  ScaleForm scales;
  int block_bytes, head_bytes, block_scale_bytes, chunk_bytes, n_chunks;
};

__device__ inline float half_at(const std::uint8_t* p) { return __half2float(*reinterpret_cast<const __half*>(p)); }

/// The integer of row `row` of a block (0 … 15), input k.
__device__ int stored_integer(const EmbedForm& form, const std::uint8_t* block, int row, int k) {
  const int lane = row % kDeviceRowPairs * 4 + k % 8 / 2;
  const int pair = k / 16 * 4 + k % 16 / 8 * 2 + row / kDeviceRowPairs, second = k % 2;
  if (form.bits == 8) return static_cast<std::int8_t>(block[lane * 16 + pair / 2 * 4 + pair % 2 + 2 * second]);
  int value = block[lane * 8 + pair / 4 * 4 + pair % 4 / 2 + 2 * second] >> (pair % 2 * 4) & 15;
  if (form.bits == 5) value |= (block[256 + lane * 2 + second] >> pair & 1) << 4;
  if (form.bits == 6) value |= (block[256 + lane * 4 + pair / 4 + 2 * second] >> (pair % 4 * 2) & 3) << 4;
  return value - form.offset;
}

__global__ void __launch_bounds__(kThreads) embed_quantized_kernel(EmbedQuantizedArgs a, EmbedForm form) {
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  int id = a.ids[blockIdx.x];
  if (id < 0) id = max(0, a.drawn[-1 - id]);
  const int row = id % kDeviceRows, g = row % kDeviceRowPairs, high = row / kDeviceRowPairs;
  const auto* group = reinterpret_cast<const std::uint8_t*>(a.table) + static_cast<std::size_t>(id / kDeviceRows) *
                                                                           static_cast<std::size_t>(form.n_chunks) *
                                                                           static_cast<std::size_t>(form.chunk_bytes);
  for (int k = static_cast<int>(threadIdx.x); k < a.hidden; k += kThreads) {
    const std::uint8_t* chunk = group + static_cast<std::size_t>(k / kDeviceInputs) * form.chunk_bytes;
    const int b = k % kDeviceInputs / kQuantBlock;
    const auto u = static_cast<float>(stored_integer(form, chunk + b * form.block_bytes, row, k % kQuantBlock));
    const std::uint8_t* head = chunk + kDeviceBlocks * form.block_bytes;
    const std::uint8_t* own = head + form.head_bytes + b * form.block_scale_bytes;
    float value = 0;
    switch (form.scales) {
      case ScaleForm::plain:
        value = u * half_at(own + 4 * g + 2 * high);
        break;
      case ScaleForm::with_addend:
        value = fmaf(u, half_at(own + 8 * g + 4 * high), half_at(own + 8 * g + 4 * high + 2));
        break;
      case ScaleForm::super_with_addend: {
        const std::uint8_t* d = head + 8 * g + 4 * high;
        const std::uint8_t* bytes = own + 4 * g + 2 * high;
        value = fmaf(u, half_at(d) * static_cast<float>(bytes[0]), -half_at(d + 2) * static_cast<float>(bytes[1]));
        break;
      }
      case ScaleForm::super_of_sixteen: {
        const auto scale = static_cast<std::int8_t>(own[4 * g + 2 * high + k % kQuantBlock / 16]);
        value = u * (half_at(head + 4 * g + 2 * high) * static_cast<float>(scale));
        break;
      }
    }
    a.x[static_cast<std::size_t>(blockIdx.x) * static_cast<std::size_t>(a.hidden) + static_cast<std::size_t>(k)] =
        value;
  }
}

}  // namespace

Result<> embed_quantized_rows(const EmbedQuantizedArgs& args, cudaStream_t stream) {
  if (!is_quantized(args.type)) return bad_input("embed_quantized_rows: the table's type is not a quantised one");
  if (args.hidden < 32 || args.hidden % 32 != 0) {
    return bad_input("embed_quantized_rows: hidden is ", args.hidden, ", must be a multiple of 32");
  }
  if (args.tokens == 0) return {};
  const QuantizedForm form = quantized_form(args.type);
  const EmbedForm f{form.bits,
                    form.bits == 8 ? 0 : form.offset,
                    form.scales,
                    device_block_bytes(form.bits),
                    device_head_bytes(form.scales),
                    device_block_scale_bytes(form.scales),
                    device_chunk_bytes(args.type),
                    device_chunks(args.hidden)};
  return launch("embed_quantized_rows", embed_quantized_kernel, {dim3(static_cast<unsigned>(args.tokens)), kThreads},
                stream, args, f);
}

}  // namespace assay::kernels
