#pragma once
// GPQA from its encrypted archive. Its authors ask that no question or answer appear in plain text: everything is
// decrypted in memory, and no message quotes an item.

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::suites {

/// Which option stands where. Options are numbered as the table lists them: 0 is the right one, 1 to 3 are wrong.
enum class GpqaOrder {
  assay,         ///< gpqa_orders()
  simple_evals,  ///< simple_evals_orders()
};
using OptionOrder = std::array<std::size_t, 4>;

/// Assay's orders: a function of the set of ids alone, not of their sequence. The ids are ranked by SHA-256; the right
/// option of rank r stands in place r mod 4, and the wrong ones have their order number r / 4 mod 6 of the six. So each
/// place is right equally often, to within one item.
std::vector<OptionOrder> gpqa_orders(const std::vector<std::string>& ids);

/// The orders of openai/simple-evals' gpqa_eval.py for the first pass over `n_items` questions (its later passes draw
/// on from the same generator): random.Random(0).sample(range(4), 4) for each in turn.
std::vector<OptionOrder> simple_evals_orders(std::size_t n_items);

/// The `choice` records of one table of the archive: id (Record ID), question, choices, answer, tag (High-level domain)
/// and canary. With GpqaOrder::simple_evals texts are as they stand, as simple-evals sends them; else they are trimmed.
/// Error{bad_input} if the archive is missing, damaged or has another password, has no such member, or the table lacks
/// a column, holds an empty field or repeats an id; the message names archive, member, line and column, never a text.
Result<std::vector<Json>> read_gpqa(const std::filesystem::path& archive, std::string_view member, GpqaOrder order);

/// The password that the authors publish with the archive, so that crawlers don't read it.
std::string_view gpqa_password();

}  // namespace assay::suites
