#include "suites/code/extract.h"

#include <algorithm>

#include "harness/base/text.h"

namespace assay::suites {
namespace {

constexpr std::size_t kShortestFence = 3;
constexpr std::string_view kBlanks = " \t";

struct Fence {
  char mark = '`';
  std::size_t length = 0;
  std::size_t indent = 0;
  std::string_view info;  ///< what stands behind the marks, such as "python"
};

std::optional<Fence> parse_fence(std::string_view line) {
  Fence fence;
  fence.indent = std::min(line.find_first_not_of(kBlanks), line.size());
  line.remove_prefix(fence.indent);
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return std::nullopt;
  fence.mark = line[0];
  fence.length = std::min(line.find_first_not_of(fence.mark), line.size());
  fence.info = trim(line.substr(fence.length));
  if (fence.length < kShortestFence) return std::nullopt;
  if (fence.mark == '`' && fence.info.find('`') != std::string_view::npos) return std::nullopt;  // code within a line
  return fence;
}

bool closes(const Fence& fence, const Fence& open) {
  return fence.mark == open.mark && fence.length >= open.length && fence.info.empty();
}

/// A closing fence that was cut after its first marks.
bool begins_close(std::string_view line, const Fence& open) {
  line = trim(line);
  return !line.empty() && line.size() < open.length && line.find_first_not_of(open.mark) == std::string_view::npos;
}

std::string_view without_indent(std::string_view line, std::size_t indent) {
  const std::size_t blanks = std::min(line.find_first_not_of(kBlanks), line.size());
  return line.substr(std::min(blanks, indent));
}

/// Takes the next line off `text`, without its end (\n or \r\n).
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
}

/// Removes `word` and the blanks behind it from the front of `line`.
bool take_word(std::string_view& line, std::string_view word) {
  if (!line.starts_with(word)) return false;
  if (line.size() > word.size() && is_name_character(line[word.size()])) return false;
  line.remove_prefix(word.size());
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  return true;
}

/// A function or class as Python writes it, not prose that begins with one of these words.
bool begins_definition(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  take_word(line, "async");
  if (!take_word(line, "def") && !take_word(line, "class")) return false;
  const auto end = std::find_if_not(line.begin(), line.end(), is_name_character);
  line.remove_prefix(static_cast<std::size_t>(end - line.begin()));
  return line.starts_with('(') || line.starts_with(':');
}

}  // namespace

std::vector<FencedBlock> fenced_blocks(std::string_view markdown) {
  std::vector<FencedBlock> blocks;
  std::optional<Fence> open;
  while (!markdown.empty()) {
    const std::string_view line = take_line(markdown);
    const std::optional<Fence> fence = parse_fence(line);
    if (!open) {
      if (!fence) continue;
      open = fence;
      blocks.emplace_back();
    } else if (fence && closes(*fence, *open)) {
      blocks.back().is_closed = true;
      open.reset();
    } else if (!markdown.empty() || !begins_close(line, *open)) {
      blocks.back().text.append(without_indent(line, open->indent)).append("\n");
    }
  }
  return blocks;
}

namespace {

/// The last block; with no block at all the whole reply, if `is_code(line)` for one of its lines.
template <typename IsCode>
std::optional<ExtractedCode> last_block_or_all(std::string_view reply, IsCode is_code) {
  std::vector<FencedBlock> blocks = fenced_blocks(reply);
  if (!blocks.empty()) {
    FencedBlock& last = blocks.back();
    return ExtractedCode{std::move(last.text), last.is_closed ? "fenced_block" : "open_fence"};
  }
  for (std::string_view rest = reply; !rest.empty();) {
    if (is_code(take_line(rest))) return ExtractedCode{std::string(reply), "whole_reply"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<ExtractedCode> extract_code(std::string_view reply) {
  return last_block_or_all(reply, begins_definition);
}

std::optional<ExtractedCode> extract_native_code(std::string_view reply) {
  return last_block_or_all(
      reply, [](std::string_view line) { return trim(line).ends_with('{') || trim(line).starts_with("#include"); });
}

std::string extract_between_last_fences(std::string_view output) {
  const std::vector<std::string> lines = split(output, '\n');
  std::vector<std::size_t> fences;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find("```") != std::string::npos) fences.push_back(i);
  }
  if (fences.size() < 2) return {};
  const auto begin = lines.begin() + static_cast<std::ptrdiff_t>(fences[fences.size() - 2]) + 1;
  return join({begin, lines.begin() + static_cast<std::ptrdiff_t>(fences.back())}, "\n");
}

bool defines(std::string_view code, std::string_view name) {
  while (!code.empty()) {
    std::string_view line = take_line(code);
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    take_word(line, "async");
    if (take_word(line, "def") || take_word(line, "class")) {
      if (take_word(line, name)) return true;
    } else if (take_word(line, name) && line.starts_with('=') && !line.starts_with("==")) {
      return true;
    }
  }
  return false;
}

}  // namespace assay::suites
