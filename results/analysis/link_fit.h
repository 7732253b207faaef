#pragma once
// A link in two numbers: what a message takes is a start and its bytes over a rate (the α–β model). Pure.

#include <cstdint>
#include <span>

#include "harness/base/result.h"

namespace assay::results {

/// A message that was timed. `bytes` are those that the link carries one way.
struct TimedMessage {
  double bytes = 0;
  double time_us = 0;
};

struct LinkFit {
  double alpha_us = 0;  ///< at least 0
  double gb_per_s = 0;  ///< 1 / β
  /// The largest residual over the time, of the messages that were fitted: how well the form fits, and no error of
  /// anything that is predicted by it.
  double worst_residual_ratio = 0;
  std::int64_t n = 0;

  double time_us(double bytes) const { return alpha_us + bytes / gb_per_s * 1e-3; }
  /// The same starts on a link of another rate.
  LinkFit at_rate(double other_gb_per_s) const {
    LinkFit other = *this;
    other.gb_per_s = other_gb_per_s;
    return other;
  }
};

/// Least squares of the relative residuals, so that small messages count as much as large ones; where α would be below
/// 0 it is 0. Error{bad_input} for fewer than three messages, of fewer than two sizes, that are not all above 0, and
/// for times that don't grow with the bytes.
Result<LinkFit> fit_link(std::span<const TimedMessage> messages);

}  // namespace assay::results
