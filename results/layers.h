#pragma once
// Where the time of a pass goes: points of kind "layers", their timelines, and what the repeats of a setting say of
// each operation together. README.md, "Points of layers", has the stored shape.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "results/points.h"

namespace assay::results {

inline constexpr const char* kLayersKind = "layers";  ///< BenchPoint::kind

/// One operation of one layer, in one point.
struct LayerOperation {
  std::int64_t pass = 0;              ///< of prompts, which of the engine's passes
  std::optional<std::int64_t> layer;  ///< none: before the first layer, or behind the last one
  std::string operation;              ///< "qkv", "attention", …
  double start_us = 0, time_us = 0;   ///< time_us: what it adds to the pass
  std::optional<double> stddev_us;    ///< over the passes that were watched
  std::optional<std::int64_t> n_kernels;
  double bytes = 0, flop = 0;      ///< that it must move and compute at the least; 0: not counted
  std::optional<double> limit_us;  ///< none: not known
};
Json to_json(const LayerOperation& operation);
/// The timeline of a point of kind "layers". Error{bad_input} names the entry and the field.
Result<std::vector<LayerOperation>> read_operations(const BenchPoint& point);

/// What a device gives, as the limits of a point were made with it.
struct LimitRates {
  std::optional<double> read_gb_per_s, bf16_tflops, fp8_tflops, fp32_tflops;
  std::string provenance;  ///< "measured" or "published"
  std::string from;        ///< a run's id, or a hardware profile's name
};
Json to_json(const LimitRates& rates);

/// One operation over all layers and passes of a setting.
struct OperationSummary {
  std::string operation;
  std::int64_t n = 0;      ///< times that a pass (of prompts: all of them) does it
  RepeatedFigure time_us;  ///< over the repeats
  double share_ratio = 0;  ///< of all operations' time
  double bytes = 0, flop = 0;
  std::optional<double> limit_us;  ///< none if one of its limits is not known
  std::optional<std::int64_t> n_kernels;
};
/// Of the valid repeats of one setting, in the order in which the operations first appear. Error{bad_input} as
/// read_operations() says; empty if there is none. Pure.
Result<std::vector<OperationSummary>> summarise_operations(std::span<const BenchPoint> repeats);

/// A table for each setting: operations with their times, shares, what they must move, limits. Empty without such
/// points; points that can't be read say so in their place.
std::string layers_text(std::span<const BenchPoint> points);
/// The same layer by layer: a row for each, a column for each operation, medians over the repeats in microseconds.
std::string layer_by_layer_text(std::span<const BenchPoint> points);

}  // namespace assay::results
