#include "suites/boxed.h"

namespace assay::suites {

namespace {

struct Box {
  std::size_t open;       ///< place of the brace
  std::size_t close = 0;  ///< place of its partner; 0: none
};

/// If a box command stands at `at`, the place of its opening brace.
std::size_t box_brace(std::string_view text, std::size_t at) {
  for (const std::string_view command : {std::string_view("\\boxed"), std::string_view("\\fbox")}) {
    if (text.substr(at, command.size()) != command) continue;
    const std::size_t brace = text.find_first_not_of(" \t", at + command.size());
    if (brace != std::string_view::npos && text[brace] == '{') return brace;
  }
  return std::string_view::npos;
}

}  // namespace

Boxes find_boxes(std::string_view text) {
  static constexpr std::size_t kNoBox = static_cast<std::size_t>(-1);
  std::vector<Box> boxes;
  std::vector<std::size_t> open_braces;  // for each the index of its box, or kNoBox
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      if (const std::size_t brace = box_brace(text, at); brace != std::string_view::npos) {
        open_braces.push_back(boxes.size());
        boxes.push_back({brace});
        at = brace;
      } else {
        ++at;  // an escaped brace or backslash, or the first letter of some command
      }
    } else if (text[at] == '{') {
      open_braces.push_back(kNoBox);
    } else if (text[at] == '}' && !open_braces.empty()) {
      if (open_braces.back() != kNoBox) boxes[open_braces.back()].close = at;
      open_braces.pop_back();
    }
  }
  Boxes found;
  std::size_t end = 0;
  for (const Box& box : boxes) {  // in order of their opening
    if (box.close == 0 || box.open < end) continue;
    found.contents.push_back(text.substr(box.open + 1, box.close - box.open - 1));
    end = box.close;
  }
  found.last_is_open = !boxes.empty() && boxes.back().close == 0;
  return found;
}

}  // namespace assay::suites
