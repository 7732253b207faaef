#include "runners/formats/gguf/gguf_files.h"

#include <array>
#include <cstdio>

#include "harness/base/text.h"

namespace assay::runners {

namespace {

constexpr std::string_view kExtension = ".gguf";
constexpr std::string_view kOf = "-of-";
constexpr std::size_t kDigits = 5;

std::string five_digits(std::int64_t number) {
  const std::string text = std::to_string(number);
  return std::string(kDigits - std::min(kDigits, text.size()), '0') + text;
}

std::optional<std::int64_t> parse_five_digits(std::string_view text) {
  if (text.size() != kDigits || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  return parse_integer(text);
}

/// NAME-00002-of-00003.gguf in pieces.
struct PartName {
  std::string name;
  std::int64_t number = 0;
  std::int64_t count = 0;
};

std::optional<PartName> parse_part_name(std::string_view file_name) {
  constexpr std::size_t kTail = 1 + kDigits + kOf.size() + kDigits;  // "-00002-of-00003"
  if (!file_name.ends_with(kExtension)) return std::nullopt;
  file_name.remove_suffix(kExtension.size());
  if (file_name.size() < kTail) return std::nullopt;
  const std::string_view tail = file_name.substr(file_name.size() - kTail);
  const auto number = parse_five_digits(tail.substr(1, kDigits));
  const auto count = parse_five_digits(tail.substr(kTail - kDigits));
  if (tail[0] != '-' || tail.substr(1 + kDigits, kOf.size()) != kOf || !number || !count) return std::nullopt;
  return PartName{std::string(file_name.substr(0, file_name.size() - kTail)), *number, *count};
}

/// Whether the keys of part `index` of `count` say what the files' names say.
Result<> check_split(const GgufMetadata& metadata, std::int64_t index, std::int64_t count) {
  if (count == 1) {
    ASSAY_ASSIGN(const std::int64_t told_count, metadata.integer_or("split.count", 0));
    if (told_count == 0) return {};  // never split, or merged again
  }
  ASSAY_ASSIGN(const std::int64_t told_count, metadata.integer("split.count"));
  if (told_count != count) {
    return metadata.key_error("split.count", "is " + to_text(told_count) + ", but the file is one of " +
                                                 to_text(count) + " by its name, NAME-00001-of-0000N.gguf");
  }
  ASSAY_ASSIGN(const std::int64_t told_index, metadata.integer("split.no"));
  if (told_index == index) return {};
  return metadata.key_error("split.no", "is " + to_text(told_index) + ", must be " + to_text(index) +
                                            " by the file's name (parts are counted from 0 there)");
}

}  // namespace

bool is_gguf_path(const std::filesystem::path& path) { return path.extension() == kExtension; }

Result<std::vector<std::filesystem::path>> gguf_parts(const std::filesystem::path& path) {
  const auto part = parse_part_name(path.filename().string());
  if (!part) return std::vector{path};
  if (part->number < 1 || part->number > part->count) {
    return bad_input(path.string(), ": the name says part ", part->number, " of ", part->count,
                     ", must be 1 to the number of parts");
  }
  std::vector<std::filesystem::path> parts;
  for (std::int64_t number = 1; number <= part->count; ++number) {
    parts.push_back(path.parent_path() / (part->name + "-" + five_digits(number) + std::string(kOf) +
                                          five_digits(part->count) + std::string(kExtension)));
  }
  return parts;
}

Result<GgufFiles> GgufFiles::open(const std::filesystem::path& path) {
  GgufFiles files;
  ASSAY_ASSIGN(files.paths_, gguf_parts(path));
  const auto count = static_cast<std::int64_t>(files.paths_.size());
  for (const std::filesystem::path& part_path : files.paths_) {
    ASSAY_ASSIGN(GgufFile part, GgufFile::open(part_path));
    ASSAY_TRY(check_split(part.metadata(), static_cast<std::int64_t>(files.parts_.size()), count));
    files.parts_.push_back(std::move(part));
  }
  for (std::size_t i = 0; i < files.parts_.size(); ++i) {
    for (const TensorView& tensor : files.parts_[i].tensors()) {
      if (!files.tensors_.emplace(tensor.name, &tensor).second) {
        return bad_input(files.paths_[i].string(), ": tensor ", quoted_excerpt(tensor.name),
                         " is in a part before too; it must be in one alone");
      }
    }
  }
  const auto n_tensors = static_cast<std::int64_t>(files.tensors_.size());
  ASSAY_ASSIGN(const std::int64_t told, files.metadata().integer_or("split.tensors.count", n_tensors));
  if (told != n_tensors) {
    return files.metadata().key_error(
        "split.tensors.count", "is " + to_text(told) + ", but the files have " + to_text(n_tensors) + " tensors");
  }
  return files;
}

const TensorView* GgufFiles::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : found->second;
}

}  // namespace assay::runners
