#include "results/analysis/link_fit.h"

#include <algorithm>
#include <cmath>

namespace assay::results {

Result<LinkFit> fit_link(std::span<const TimedMessage> messages) {
  constexpr std::size_t kLeast = 3;
  if (messages.size() < kLeast) {
    return bad_input("a link is fitted to at least ", kLeast, " messages, here are ", messages.size());
  }
  // Minimises Σ ((α + β·x - t) / t)² = Σ (α·u + β·v - 1)² with u = 1/t and v = x/t.
  double uu = 0, uv = 0, vv = 0, u = 0, v = 0;
  const auto [least, most] = std::minmax_element(messages.begin(), messages.end(),
                                                 [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
  for (const TimedMessage& message : messages) {
    if (!(message.bytes > 0) || !(message.time_us > 0) || !std::isfinite(message.bytes + message.time_us)) {
      return bad_input("a link's messages must have bytes and times above 0");
    }
    const double one = 1 / message.time_us, ratio = message.bytes / message.time_us;
    uu += one * one;
    uv += one * ratio;
    vv += ratio * ratio;
    u += one;
    v += ratio;
  }
  if (least->bytes == most->bytes) return bad_input("a link's messages must be of at least two sizes");
  const double determinant = uu * vv - uv * uv;
  double alpha = (u * vv - v * uv) / determinant, beta = (v * uu - u * uv) / determinant;
  if (alpha < 0) {
    alpha = 0;
    beta = v / vv;
  }
  if (!(beta > 0)) return bad_input("a link's times must grow with the bytes");
  LinkFit fit;
  fit.alpha_us = alpha;
  fit.gb_per_s = 1e-3 / beta;
  fit.n = static_cast<std::int64_t>(messages.size());
  for (const TimedMessage& message : messages) {
    fit.worst_residual_ratio =
        std::max(fit.worst_residual_ratio, std::abs(fit.time_us(message.bytes) / message.time_us - 1));
  }
  return fit;
}

}  // namespace assay::results
