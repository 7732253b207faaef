#include "runners/formats/licence.h"

#include <system_error>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/text.h"
#include "runners/formats/gguf/gguf_files.h"

namespace assay::runners {

namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kMaxCardBytes = 4 << 20;

/// Takes the next line off `text`, without its end.
std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string unquoted(std::string_view value) {
  value = trim(value);
  if (value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'')) {
    value = value.substr(1, value.size() - 2);
  }
  return std::string(value);
}

/// The items of a list whose lines begin at `text`: "- item".
std::string joined_items(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::string_view line = trim(next_line(text));
    if (!line.starts_with("- ")) break;
    items.push_back(unquoted(line.substr(2)));
  }
  return join(items, ", ");
}

bool is_other(const std::optional<std::string>& licence) { return licence && to_lower_ascii(*licence) == "other"; }

std::optional<StatedLicence> licence_of_folder(const fs::path& folder) {
  for (const char* card : {"README.md", "MODEL_CARD.md"}) {
    const auto text = read_file(folder / card, kMaxCardBytes);
    if (!text) continue;
    std::optional<std::string> licence = front_matter_value(*text, "license");
    if (is_other(licence)) {
      if (auto name = front_matter_value(*text, "license_name")) licence = std::move(name);
    }
    if (licence) return StatedLicence{to_valid_utf8(*licence), card};
  }
  for (const char* file : {"LICENSE", "LICENSE.txt", "LICENSE.md"}) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / file, ignored)) return StatedLicence{std::string("see ") + file, file};
  }
  return std::nullopt;
}

std::optional<StatedLicence> licence_of_gguf(const GgufMetadata& metadata) {
  std::optional<std::string> licence;
  std::string source = "general.license";
  if (const auto text = metadata.string(source)) licence = std::string(*text);
  if (is_other(licence)) {
    if (const auto name = metadata.string("general.license.name")) {
      licence = std::string(*name);
      source = "general.license.name";
    }
  }
  if (!licence || licence->empty()) return std::nullopt;
  return StatedLicence{to_valid_utf8(*licence), source};
}

}  // namespace

std::optional<std::string> front_matter_value(std::string_view markdown, std::string_view key) {
  if (next_line(markdown) != "---") return std::nullopt;
  while (!markdown.empty()) {
    const std::string_view line = next_line(markdown);
    if (line == "---") return std::nullopt;
    if (!line.starts_with(key) || !line.substr(key.size()).starts_with(':')) continue;
    std::string value = unquoted(line.substr(key.size() + 1));
    if (value.empty()) value = joined_items(markdown);
    return value.empty() ? std::nullopt : std::optional(std::move(value));
  }
  return std::nullopt;
}

Result<std::optional<StatedLicence>> stated_licence(const fs::path& model) {
  if (!is_gguf_path(model)) return licence_of_folder(model);
  ASSAY_ASSIGN(const GgufFiles files, GgufFiles::open(model));
  return licence_of_gguf(files.metadata());
}

}  // namespace assay::runners
