#pragma once
// An executor's calls as bytes: what part 0 tells the others, so that all parts make the same calls.

#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "runners/engine/executor.h"

namespace assay::runners {

struct SubmitCall {
  PositionRole role = PositionRole::prompt;
  std::vector<TokenSpan> spans;
  std::vector<Draw> draws;
  bool wants_states = false;
};
struct CollectCall {};
struct CopyPagesCall {
  std::vector<std::pair<std::int32_t, std::int32_t>> pages;
};
struct SavePagesCall {
  std::vector<std::int32_t> pages;
};
struct LoadPagesCall {
  std::vector<std::int32_t> pages;
  std::span<const std::byte> saved;  ///< into the bytes that it was read from
};
struct KeepHiddenCall {
  std::int32_t row = 0, slot = 0;
};
struct RunMtpCall {
  PositionRole role = PositionRole::prompt;
  std::vector<MtpSpan> spans;
  MtpOutput output = MtpOutput::drafts;
};

/// A call, and the memory that its spans point to.
struct ExecutorCall {
  std::variant<SubmitCall, CollectCall, CopyPagesCall, SavePagesCall, LoadPagesCall, KeepHiddenCall, RunMtpCall> call;
  std::vector<std::vector<std::int32_t>> numbers = {};
};

std::vector<std::byte> call_bytes(const Pass& pass);  ///< without its observer
std::vector<std::byte> collect_bytes();
std::vector<std::byte> copy_pages_bytes(std::span<const std::pair<std::int32_t, std::int32_t>> pages);
std::vector<std::byte> save_pages_bytes(std::span<const std::int32_t> pages);
std::vector<std::byte> load_pages_bytes(std::span<const std::byte> saved, std::span<const std::int32_t> pages);
std::vector<std::byte> keep_hidden_bytes(int row, int slot);
std::vector<std::byte> run_mtp_bytes(PositionRole role, std::span<const MtpSpan> spans, MtpOutput output);

/// Error{environment} for bytes that none of the above has made. `bytes` must outlive the call.
Result<ExecutorCall> read_call(std::span<const std::byte> bytes);

/// Two of tokens that were drawn are equal if these are.
std::uint64_t tokens_digest(std::span<const std::int32_t> tokens);
std::vector<std::byte> digest_bytes(std::uint64_t digest);

}  // namespace assay::runners
