#include "suites/zebra/zebra_spec.h"

#include <algorithm>
#include <iomanip>
#include <optional>
#include <sstream>

#include "harness/base/text.h"
#include "suites/zebra/difficulty.h"
#include "suites/zebra/puzzle_text.h"

namespace assay::suites {

namespace {

constexpr std::string_view kName = "zebra";
constexpr std::string_view kDefaultSpec = "zebra:all:seed=0:n=40:minimal";
constexpr std::int64_t kMaxPerSize = 10'000;
constexpr int kMaxZebraLogicSize = 6;

std::vector<ZebraSize> zebralogic_sizes() {
  std::vector<ZebraSize> sizes;
  for (int houses = 2; houses <= kMaxZebraLogicSize; ++houses) {
    for (int attributes = 2; attributes <= kMaxZebraLogicSize; ++attributes) sizes.push_back({houses, attributes});
  }
  return sizes;
}

/// A number in [least, most], in digits alone.
std::optional<std::int64_t> number_in(std::string_view text, std::int64_t least, std::int64_t most) {
  const auto number = parse_integer(text);
  if (!number || *number < least || *number > most || text.front() == '-') return std::nullopt;
  return number;
}

std::optional<ZebraSize> parse_size(std::string_view text) {
  const std::size_t x = text.find('x');
  if (x == std::string_view::npos) return std::nullopt;
  const auto houses = number_in(text.substr(0, x), kMinZebraHouses, kMaxZebraHouses);
  const auto attributes = number_in(text.substr(x + 1), kMinZebraAttributes, kMaxZebraAttributes);
  if (!houses || !attributes) return std::nullopt;
  return ZebraSize{static_cast<int>(*houses), static_cast<int>(*attributes)};
}

Error part_error(std::string_view word, std::string_view part, std::string_view rule) {
  return bad_input("suite ", quoted_excerpt(word), ": ", quoted_excerpt(part), " ", rule,
                   "; the form is zebra:3x4:seed=7:n=200:minimal");
}

/// Reads one part behind the size into `spec`.
Result<> read_part(std::string_view word, std::string_view part, ZebraSpec& spec) {
  if (part == "minimal") {
    spec.amount = ClueAmount::minimal;
    return {};
  }
  if (part.starts_with("seed=")) {
    const auto seed = number_in(part.substr(5), 0, INT64_MAX);
    if (!seed) return part_error(word, part, "must be seed= and a whole number from 0 to 2^63-1");
    spec.seed = static_cast<std::uint64_t>(*seed);
    return {};
  }
  if (part.starts_with("n=")) {
    const auto n = number_in(part.substr(2), 1, kMaxPerSize);
    if (!n) return part_error(word, part, "must be n= and a whole number from 1 to " + std::to_string(kMaxPerSize));
    spec.n_per_size = static_cast<std::uint32_t>(*n);
    return {};
  }
  return part_error(word, part, "is no part of it");
}

std::string item_id(const ZebraSpec& spec, const ZebraSize& size, std::uint32_t index) {
  std::ostringstream id;
  id << kName << '-' << to_string(size) << "-s" << spec.seed << '-' << std::setfill('0') << std::setw(4) << index;
  if (spec.amount == ClueAmount::minimal) id << "-min";
  return id.str();
}

}  // namespace

bool is_zebra_spec(std::string_view word) {
  return word == kName || (word.starts_with(kName) && word.substr(kName.size()).starts_with(':'));
}

Result<ZebraSpec> parse_zebra_spec(std::string_view word) {
  const std::string_view written = word == kName ? kDefaultSpec : word;
  const std::vector<std::string> parts = split(written, ':');
  ZebraSpec spec;
  const std::string& size_text = parts.at(1);
  if (size_text == "all") {
    spec.sizes = zebralogic_sizes();
  } else if (const auto size = parse_size(size_text)) {
    spec.sizes = {*size};
  } else {
    return part_error(word, size_text, "must be houses x attributes, each from 2 to 8, or all");
  }
  std::vector<std::string> seen;
  for (std::size_t i = 2; i < parts.size(); ++i) {
    ASSAY_TRY(read_part(word, parts[i], spec));
    const std::string key = parts[i].substr(0, parts[i].find('='));
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) return part_error(word, parts[i], "is given twice");
    seen.push_back(key);
  }
  const std::string full = std::string(kName) + ":" + size_text + ":seed=" + std::to_string(spec.seed) +
                           ":n=" + std::to_string(spec.n_per_size) +
                           (spec.amount == ClueAmount::minimal ? ":minimal" : "");
  spec.name = full == kDefaultSpec ? std::string(kName) : full;
  return spec;
}

std::vector<Json> generate_zebra_records(const ZebraSpec& spec) {
  std::vector<Json> records;
  records.reserve(spec.sizes.size() * spec.n_per_size);
  for (std::uint32_t index = 0; index < spec.n_per_size; ++index) {
    for (const ZebraSize& size : spec.sizes) {
      records.push_back(zebra_record(generate_zebra(size, spec.seed, index, spec.amount), item_id(spec, size, index)));
    }
  }
  return records;
}

}  // namespace assay::suites
