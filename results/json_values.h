#pragma once
// Values that may be unknown, as JSON.

#include <cmath>
#include <optional>

#include "harness/base/json.h"

namespace assay::results {

/// What is not known is null.
template <class T>
Json value_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

/// An infinite bound is null: JSON has no infinity.
inline Json finite_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

}  // namespace assay::results
