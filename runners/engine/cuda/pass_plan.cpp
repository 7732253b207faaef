#include "runners/engine/cuda/pass_plan.h"

#include <algorithm>

namespace assay::runners {

namespace {

using kernels::DecodeItem;
using kernels::kDecodeChunkTokens;
using kernels::kDecodeSpanTokens;

constexpr std::size_t kAlignmentBytes = 16 * 16;  // of all arrays of a pass

struct StagedRows {
  StagedArray<int> ids, positions, slots;

  StagedRows(StagedInputs& inputs, std::size_t n)
      : ids(inputs.add<int>(n)), positions(inputs.add<int>(n)), slots(inputs.add<int>(n)) {}

  void set(std::size_t row, std::int32_t id, int position, std::int32_t page) const {
    ids.host[row] = id;
    positions.host[row] = position;
    slots.host[row] = page * kPageTokens + position % kPageTokens;
  }
};

/// Calls visit(span, position, id) for every row.
template <class Visit>
void for_each_row(std::span<const TokenSpan> spans, const Visit& visit) {
  for (const TokenSpan& span : spans) {
    for (int i = 0; i < span.n_rows(); ++i) {
      visit(span, span.first_position + i, span.tokens[static_cast<std::size_t>(i)]);
    }
  }
}

std::int32_t page_of(const TokenSpan& span, int position) {
  return span.pages[static_cast<std::size_t>(position / kPageTokens)];
}

std::span<const std::int32_t> pages_in_use(const TokenSpan& span) {
  return span.pages.first(static_cast<std::size_t>(pages_for(span.end_position())));
}

}  // namespace

int most_decode_items(const PlanShape& shape, int rows) {
  constexpr int kParts = 8;  // of a row's keys where latent attention has many heads
  const DeviceSizes& s = shape.sizes;
  if (s.is_mla && s.heads > kernels::kMlaFewHeads) return rows * kParts;
  // Spans where rows are many; where they are few, chunks, of about as many spans as are still dealt so.
  const auto spans = static_cast<int>((shape.context_tokens + kDecodeSpanTokens - 1) / kDecodeSpanTokens);
  const int blocks_a_span = s.is_mla ? 1 : s.kv_heads;
  const int spans_in_chunks = std::min(rows * spans, 4 * shape.n_multiprocessors / blocks_a_span + 1);
  return std::max(rows * spans, kDecodeSpanTokens / kDecodeChunkTokens * spans_in_chunks) + rows;
}

kernels::DecodeGrain decode_grain(const PlanShape& shape, std::span<const kernels::DecodeRow> rows) {
  const DeviceSizes& s = shape.sizes;
  std::int64_t n_chunks = 0;
  for (const kernels::DecodeRow& row : rows) n_chunks += (row.n_keys + kDecodeChunkTokens - 1) / kDecodeChunkTokens;
  if (n_chunks > most_decode_items(shape, static_cast<int>(rows.size()))) return kernels::DecodeGrain::span;
  return s.is_mla ? kernels::choose_mla_decode_grain(rows, s.heads, shape.n_multiprocessors)
                  : kernels::choose_decode_grain(rows, s.kv_heads, shape.n_multiprocessors);
}

std::size_t generated_bytes(const PlanShape& shape, int rows) {
  const auto n_rows = static_cast<std::size_t>(rows);
  const auto n_items = static_cast<std::size_t>(most_decode_items(shape, rows));
  const std::size_t row_bytes = n_rows * 4 * sizeof(int) + sizeof(int);
  if (!shape.sizes.is_mla) return kAlignmentBytes + row_bytes + n_items * sizeof(DecodeItem);
  return kAlignmentBytes + row_bytes + n_items * sizeof(kernels::MlaDecodeItem) +
         n_rows * static_cast<std::size_t>(pages_for(shape.context_tokens)) * sizeof(std::int32_t);
}

std::size_t prompt_bytes(std::span<const TokenSpan> spans) {
  const auto n_rows = static_cast<std::size_t>(count_rows(spans));
  std::size_t n_pages = 0;
  for (const TokenSpan& span : spans) n_pages += pages_in_use(span).size();
  const std::size_t n_tiles = n_rows / kernels::kPrefillTileRows + spans.size();
  return kAlignmentBytes + n_rows * 3 * sizeof(int) + n_tiles * sizeof(kernels::PrefillTile) +
         n_pages * sizeof(kernels::MlaGatherPage) + (spans.size() + 1) * sizeof(std::int32_t);
}

PassRows stage_generated(StagedInputs& inputs, const PlanShape& shape, std::span<const TokenSpan> spans, int n_filled,
                         std::int32_t spare_page) {
  const DeviceSizes& s = shape.sizes;
  const auto filled = static_cast<std::size_t>(n_filled);
  const StagedRows rows(inputs, filled);
  std::vector<kernels::DecodeRow> decode_rows;
  for_each_row(spans, [&](const TokenSpan& span, int position, std::int32_t id) {
    rows.set(decode_rows.size(), id, position, page_of(span, position));
    decode_rows.push_back({position + 1, span.pages});
  });
  while (decode_rows.size() < filled) {
    rows.set(decode_rows.size(), 0, 0, spare_page);
    decode_rows.push_back({1, {&spare_page, 1}});
  }
  PassRows out{n_filled, rows.ids.device, rows.positions.device, rows.slots.device, {}};
  if (s.is_mla) {
    const kernels::MlaDecodePlan plan =
        kernels::plan_mla_decode(decode_rows, s.heads, decode_grain(shape, decode_rows));
    const auto first_item = inputs.add(std::span(plan.first_item));
    // Room for as many items as there can be, so that the pages behind them lie at the same address in every pass.
    const auto items = inputs.add<kernels::MlaDecodeItem>(static_cast<std::size_t>(most_decode_items(shape, n_filled)));
    std::copy(plan.items.begin(), plan.items.end(), items.host.begin());
    const auto pages = inputs.add(std::span(plan.pages));
    out.plan = MlaDecodeRows{items.device, first_item.device, pages.device};
  } else {
    const kernels::DecodePlan plan = kernels::plan_decode(decode_rows, decode_grain(shape, decode_rows));
    const auto first_item = inputs.add(std::span(plan.first_item));
    const auto items = inputs.add(std::span(plan.items));
    out.plan = GqaDecodeRows{items.device, first_item.device};
  }
  return out;
}

PassRows stage_prompt(StagedInputs& inputs, const PlanShape& shape, std::span<const TokenSpan> spans) {
  const StagedRows rows(inputs, static_cast<std::size_t>(count_rows(spans)));
  std::size_t row = 0;
  for_each_row(spans, [&](const TokenSpan& span, int position, std::int32_t id) {
    rows.set(row++, id, position, page_of(span, position));
  });
  // A tile names its sequence by its number, or by where its pages begin: what the kernel looks up.
  std::vector<kernels::PrefillSpan> prefill_spans;
  std::vector<kernels::MlaCachedSequence> sequences;
  std::vector<std::int32_t> pages;
  int first_row = 0;
  for (const TokenSpan& span : spans) {
    const auto sequence = static_cast<std::int32_t>(shape.sizes.is_mla ? sequences.size() : pages.size());
    prefill_spans.push_back({first_row, span.n_rows(), span.first_position, sequence});
    sequences.push_back({span.end_position(), span.pages});
    const auto used = pages_in_use(span);
    pages.insert(pages.end(), used.begin(), used.end());
    first_row += span.n_rows();
  }
  const std::vector<kernels::PrefillTile> tiles = kernels::plan_prefill(prefill_spans);
  const auto device_tiles = inputs.add(std::span(tiles));
  const auto n_tiles = static_cast<int>(tiles.size());
  PassRows out{first_row, rows.ids.device, rows.positions.device, rows.slots.device, {}};
  if (shape.sizes.is_mla) {
    const kernels::MlaGatherPlan plan = kernels::plan_mla_gather(sequences);
    const auto gather_pages = inputs.add(std::span(plan.pages));
    const auto first_key = inputs.add(std::span(plan.first_row));
    out.plan = MlaPromptRows{device_tiles.device, n_tiles,
                             gather_pages.device, static_cast<int>(plan.pages.size()),
                             first_key.device,    plan.first_row.back()};
  } else {
    out.plan = GqaPromptRows{device_tiles.device, n_tiles, inputs.add(std::span(pages)).device};
  }
  return out;
}

}  // namespace assay::runners
