// matmul_quantized for one type. Contract in matmul_quantized.cuh.

#include "kernels/matmul/matmul_quantized_kernel.cuh"

namespace assay::kernels {

template Result<> launch_quantized<WeightType::q5_1>(const QuantizedLaunch& launched);

}  // namespace assay::kernels
