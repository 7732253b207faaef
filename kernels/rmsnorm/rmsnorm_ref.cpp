#include <cmath>

#include "kernels/rmsnorm/rmsnorm.h"

namespace assay::kernels {

void rmsnorm_ref(const RmsNormArgs& a) {
  for (int t = 0; t < a.tokens; ++t) {
    const float* x = a.x + t * a.x_stride;
    double squares = 0;
    for (int i = 0; i < a.hidden; ++i) squares += static_cast<double>(x[i]) * x[i];
    const double scale = 1 / std::sqrt(squares / a.hidden + static_cast<double>(a.eps));
    for (int i = 0; i < a.hidden; ++i) a.y[t * a.y_stride + i] = static_cast<float>(x[i] * scale * a.weight[i]);
  }
}

}  // namespace assay::kernels
