#pragma once
// From a model's reply to the text of a program.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::suites {

/// A fenced block as CommonMark has it (three or more backticks or tildes), but indented as far as one likes.
struct FencedBlock {
  std::string text;        ///< its lines without the fence's own indentation, each ended by \n
  bool is_closed = false;  ///< false: the text ends before the fence does
};

/// All blocks, in order.
std::vector<FencedBlock> fenced_blocks(std::string_view markdown);

/// The program in a reply, and the rule that found it.
struct ExtractedCode {
  std::string text;
  std::string rule;  ///< "fenced_block", "open_fence" (the last block has no end) or "whole_reply"
};

/// The last fenced block of `reply` (which holds no thoughts), whatever language it names; with no block at all the
/// whole reply, if a line of it begins a function or a class. Else nothing.
std::optional<ExtractedCode> extract_code(std::string_view reply);

/// The same for a language without `def`: the last fenced block, else the whole reply if a line of it ends in "{" or
/// begins with "#include".
std::optional<ExtractedCode> extract_native_code(std::string_view reply);

/// As LiveCodeBench does it: what stands between the last two lines that hold "```"; empty with fewer than two.
std::string extract_between_last_fences(std::string_view output);

/// True if a line of `code`, indented or not, defines `name`: def, async def, class or an assignment.
bool defines(std::string_view code, std::string_view name);

}  // namespace assay::suites
