#pragma once
// From a pass's spans to what its layers read on the device: rows, and attention's plan.

#include <span>

#include "runners/engine/cuda/device_model.h"
#include "runners/engine/cuda/pass_rows.h"
#include "runners/engine/cuda/staged_inputs.h"
#include "runners/engine/executor.h"

namespace assay::runners {

/// What plans follow from besides the rows.
struct PlanShape {
  DeviceSizes sizes;
  std::int64_t context_tokens = 0;
  int n_multiprocessors = 0;
};

/// Items that there is room for in decode attention of so many rows: enough to deal them all out as spans.
int most_decode_items(const PlanShape& shape, int rows);

/// What is dealt out: as the kernel's own choice has it, but never more items than there is room for. No bit depends on
/// it.
kernels::DecodeGrain decode_grain(const PlanShape& shape, std::span<const kernels::DecodeRow> rows);

/// Bytes of staged inputs that a pass of generated positions takes at most, and those that this pass of prompts takes.
std::size_t generated_bytes(const PlanShape& shape, int rows);
std::size_t prompt_bytes(std::span<const TokenSpan> spans);

/// Stages rows of generated positions, filled up to n_filled with rows that write to the spare page and that nobody
/// reads. The same n_filled gives the same addresses in every pass.
PassRows stage_generated(StagedInputs& inputs, const PlanShape& shape, std::span<const TokenSpan> spans, int n_filled,
                         std::int32_t spare_page);

/// Stages rows of prompt positions.
PassRows stage_prompt(StagedInputs& inputs, const PlanShape& shape, std::span<const TokenSpan> spans);

}  // namespace assay::runners
