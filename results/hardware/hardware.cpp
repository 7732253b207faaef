#include "results/hardware/hardware.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "harness/base/file.h"
#include "harness/base/text.h"
#include "results/hardware/citation.h"
#include "results/hardware/shipped_data.h"

namespace assay::results {

namespace {

namespace fs = std::filesystem;

struct KnownKey {
  const char* key;
  const char* unit;
  bool required;
};
constexpr KnownKey kKeys[] = {{"memory_gb", "GB", true},
                              {"memory_bandwidth_gb_per_s", "GB/s", true},
                              {"bf16_tflops", "TFLOP/s", true},
                              {"fp8_tflops", "TFLOP/s", true},
                              {"fp64_vector_tflops", "TFLOP/s", true},
                              {"fp64_tensor_tflops", "TFLOP/s", true},
                              {"link_gb_per_s", "GB/s", true},
                              {"pcie_generation", "generation", true},
                              {"power_watts", "W", true},
                              {"all_in_power_watts", "W", true},
                              {"memory_bandwidth_sustained_gb_per_s", "GB/s", false},
                              {"bf16_sustained_tflops", "TFLOP/s", false},
                              {"fp8_sustained_tflops", "TFLOP/s", false}};
constexpr std::uint64_t kMaxProfileBytes = 1 << 20;
constexpr std::size_t kMaxEntries = 1000;  // of a list in a profile
constexpr double kMaxValue = 1e12;
constexpr double kMemoryTolerance = 0.1;

Result<std::optional<double>> positive_or_none(const JsonObject& object, std::string_view key) {
  if (!object.has(key)) return std::optional<double>();
  ASSAY_ASSIGN(const double number, object.number(key));
  if (!(number > 0) || number > kMaxValue) return object.field_error(key, "must be above 0 and at most 1e12, or null");
  return std::optional(number);
}

Result<HardwareValue> parse_value(const JsonObject& entry, const KnownKey& known) {
  ASSAY_TRY(
      entry.refuse_unknown({"value", "unit", "convention", "source", "date", "confidence", "disputed", "reason"}));
  HardwareValue value;
  value.key = known.key;
  ASSAY_ASSIGN(value.value, positive_or_none(entry, "value"));
  ASSAY_ASSIGN(value.unit, entry.string("unit"));
  if (value.unit != known.unit) return entry.field_error("unit", std::string("must be \"") + known.unit + "\"");
  if (!value.value) {
    ASSAY_ASSIGN(value.reason, filled_string(entry, "reason"));
    return value;
  }
  if (entry.has("reason")) return entry.field_error("reason", "explains a value of null; this one is known");
  ASSAY_ASSIGN(value.convention, filled_string(entry, "convention"));
  ASSAY_ASSIGN(value.citation, parse_citation(entry));
  ASSAY_ASSIGN(value.disputed, entry.string_or("disputed", ""));
  return value;
}

Result<std::vector<HardwareValue>> parse_values(const JsonObject& values) {
  std::vector<std::string_view> names;
  for (const KnownKey& known : kKeys) names.push_back(known.key);
  ASSAY_TRY(values.refuse_unknown(names));
  std::vector<HardwareValue> parsed;
  for (const KnownKey& known : kKeys) {
    if (!known.required && !values.has(known.key)) continue;
    ASSAY_ASSIGN(const JsonObject entry, values.object(known.key));
    ASSAY_ASSIGN(HardwareValue value, parse_value(entry, known));
    parsed.push_back(std::move(value));
  }
  return parsed;
}

Result<RentalPrice> parse_price(const JsonObject& entry) {
  ASSAY_TRY(entry.refuse_unknown(
      {"terms", "low_usd", "high_usd", "typical_usd", "unit", "source", "date", "confidence", "note"}));
  RentalPrice price;
  ASSAY_ASSIGN(price.terms, entry.string("terms"));
  const auto& known = rental_terms();
  if (std::find(known.begin(), known.end(), price.terms) == known.end()) {
    return entry.field_error("terms", "must be one of " + join(known, ", "));
  }
  ASSAY_ASSIGN(const std::string unit, entry.string("unit"));
  if (unit != "USD per GPU-hour") return entry.field_error("unit", "must be \"USD per GPU-hour\"");
  ASSAY_ASSIGN(price.low_usd, positive_or_none(entry, "low_usd"));
  ASSAY_ASSIGN(price.high_usd, positive_or_none(entry, "high_usd"));
  ASSAY_ASSIGN(price.typical_usd, positive_or_none(entry, "typical_usd"));
  if (price.low_usd.has_value() != price.high_usd.has_value()) {
    return entry.field_error("low_usd", "and high_usd come together");
  }
  if (!price.low_usd && !price.typical_usd) {
    return entry.field_error("typical_usd",
                             "must be known where low_usd and high_usd are not; leave unknown prices out");
  }
  if (price.low_usd && *price.low_usd > *price.high_usd)
    return entry.field_error("low_usd", "must not be above high_usd");
  ASSAY_ASSIGN(price.citation, parse_citation(entry));
  ASSAY_ASSIGN(price.note, entry.string_or("note", ""));
  return price;
}

Result<std::vector<RentalPrice>> parse_prices(const JsonObject& profile) {
  const Json* list = profile.find("prices");
  if (list == nullptr || !list->is_array() || list->size() > kMaxEntries) {
    return profile.field_error("prices", "must be a list of at most 1000 prices; an empty one if none is known");
  }
  std::vector<RentalPrice> prices;
  for (std::size_t i = 0; i < list->size(); ++i) {
    ASSAY_ASSIGN(const JsonObject entry,
                 JsonObject::of((*list)[i], profile.where() + ": prices[" + std::to_string(i) + "]"));
    ASSAY_ASSIGN(RentalPrice price, parse_price(entry));
    prices.push_back(std::move(price));
  }
  // Dates are ISO 8601, so that their text sorts; a month without a day sorts before its days.
  std::stable_sort(prices.begin(), prices.end(),
                   [](const RentalPrice& a, const RentalPrice& b) { return a.citation.date > b.citation.date; });
  return prices;
}

bool fits_name(const std::string& pattern, std::string_view name) {
  if (pattern.ends_with('*')) return name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
  return name == pattern;
}

bool is_profile_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
  });
}

}  // namespace

std::optional<double> HardwareProfile::value(std::string_view key) const {
  const HardwareValue* found = find(key);
  return found != nullptr ? found->value : std::nullopt;
}

const HardwareValue* HardwareProfile::find(std::string_view key) const {
  const auto at =
      std::find_if(values.begin(), values.end(), [&](const HardwareValue& value) { return value.key == key; });
  return at != values.end() ? &*at : nullptr;
}

const RentalPrice* HardwareProfile::usual_price() const {
  for (const std::string& terms : rental_terms()) {
    for (const RentalPrice& price : prices) {
      if (price.terms == terms) return &price;
    }
  }
  return nullptr;
}

const std::vector<std::string>& rental_terms() {
  static const std::vector<std::string> terms = {"on_demand",       "rent_3_years", "spot",
                                                 "hyperscaler_own", "neocloud_own", "assumed"};
  return terms;
}

const std::vector<std::string>& required_hardware_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> required;
    for (const KnownKey& known : kKeys) {
      if (known.required) required.push_back(known.key);
    }
    return required;
  }();
  return keys;
}

Result<HardwareProfile> parse_hardware(std::string_view text, const std::string& where) {
  ASSAY_ASSIGN(const Json document, parse_json(text, where));
  ASSAY_ASSIGN(const JsonObject object, JsonObject::of(document, where));
  ASSAY_TRY(object.refuse_unknown({"name", "title", "kind", "match", "values", "prices"}));
  HardwareProfile profile;
  ASSAY_ASSIGN(profile.name, object.string("name"));
  if (!is_profile_name(profile.name)) {
    return object.field_error("name", "must be 1 to 64 of a-z, 0-9, \"-\", \".\" and \"_\"");
  }
  ASSAY_ASSIGN(profile.title, filled_string(object, "title"));
  ASSAY_ASSIGN(profile.kind, object.string("kind"));
  if (profile.kind != "gpu" && profile.kind != "cpu") return object.field_error("kind", "must be \"gpu\" or \"cpu\"");
  ASSAY_ASSIGN(profile.match, object.strings("match"));
  for (const std::string& pattern : profile.match) {
    if (trim(pattern).empty() || pattern == "*") {
      return object.field_error("match", "must list names that the device gives itself");
    }
  }
  ASSAY_ASSIGN(const JsonObject values, object.object("values"));
  ASSAY_ASSIGN(profile.values, parse_values(values));
  ASSAY_ASSIGN(profile.prices, parse_prices(object));
  profile.origin = where;
  return profile;
}

fs::path user_hardware_folder() {
  const auto absolute = [](const char* variable) -> fs::path {
    const char* value = std::getenv(variable);
    return value != nullptr && *value == '/' ? value : "";
  };
  if (const auto data = absolute("XDG_DATA_HOME"); !data.empty()) return data / "assay/hardware";
  if (const auto home = absolute("HOME"); !home.empty()) return home / ".local/share/assay/hardware";
  return {};
}

Result<std::vector<HardwareProfile>> load_hardware(const fs::path& user_folder) {
  std::map<std::string, HardwareProfile> by_name;
  for (const ShippedFile& file : shipped_hardware()) {
    ASSAY_ASSIGN(HardwareProfile profile, parse_hardware(file.text, std::string(file.name)));
    profile.origin = "shipped";
    by_name[profile.name] = std::move(profile);
  }
  std::error_code error;
  std::vector<fs::path> files;
  if (!user_folder.empty() && fs::exists(user_folder, error)) {
    for (fs::directory_iterator at(user_folder, error), end; !error && at != end; at.increment(error)) {
      if (at->path().extension() == ".json") files.push_back(at->path());
    }
    if (error) return environment_error(user_folder.string(), ": ", error.message());
  }
  std::sort(files.begin(), files.end());
  std::map<std::string, std::string> file_of;  // of the user's
  for (const fs::path& file : files) {
    ASSAY_ASSIGN(const std::string text, read_file(file, kMaxProfileBytes));
    ASSAY_ASSIGN(HardwareProfile profile, parse_hardware(text, file.string()));
    const auto [at, is_new] = file_of.try_emplace(profile.name, file.string());
    if (!is_new) {
      return bad_input(file.string(), ": field \"name\": ", at->second, " has the profile \"", profile.name,
                       "\" already; give each its own name");
    }
    by_name[profile.name] = std::move(profile);
  }
  std::vector<HardwareProfile> profiles;
  for (auto& [name, profile] : by_name) profiles.push_back(std::move(profile));
  return profiles;
}

Result<HardwareProfile> find_hardware(const std::vector<HardwareProfile>& profiles, std::string_view name) {
  std::vector<std::string> names;
  for (const HardwareProfile& profile : profiles) {
    if (profile.name == name) return profile;
    names.push_back(profile.name);
  }
  return bad_input("no hardware profile is called ", quoted_excerpt(name), "; there are ", join(names, ", "));
}

const HardwareProfile* match_hardware(const std::vector<HardwareProfile>& profiles, std::string_view kind,
                                      std::string_view device_name, std::optional<std::uint64_t> memory_bytes) {
  const HardwareProfile* found = nullptr;
  for (const HardwareProfile& profile : profiles) {
    const bool fits = profile.kind == kind &&
                      std::any_of(profile.match.begin(), profile.match.end(),
                                  [&](const std::string& pattern) { return fits_name(pattern, device_name); });
    if (!fits) continue;
    const std::optional<double> memory_gb = profile.value("memory_gb");
    if (kind == "gpu" && memory_gb && memory_bytes) {
      const double ratio = static_cast<double>(*memory_bytes) / (*memory_gb * 1e9);
      if (std::abs(ratio - 1) > kMemoryTolerance) continue;
    }
    if (found != nullptr) return nullptr;
    found = &profile;
  }
  return found;
}

Json to_json(const HardwareProfile& profile) {
  const auto or_null = [](const auto& value) { return value ? Json(*value) : Json(); };
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  Json values = Json::object();
  for (const HardwareValue& value : profile.values) {
    const bool known = value.value.has_value();
    values[value.key] = {{"value", or_null(value.value)},
                         {"unit", value.unit},
                         {"convention", text_or_null(value.convention)},
                         {"source", text_or_null(value.citation.source)},
                         {"date", text_or_null(value.citation.date)},
                         {"confidence", known ? Json(to_string(value.citation.confidence)) : Json()},
                         {"disputed", text_or_null(value.disputed)},
                         {"reason", text_or_null(value.reason)},
                         {"provenance", known ? Json("published") : Json()}};
  }
  Json prices = Json::array();
  for (const RentalPrice& price : profile.prices) {
    prices.push_back({{"terms", price.terms},
                      {"low_usd", or_null(price.low_usd)},
                      {"high_usd", or_null(price.high_usd)},
                      {"typical_usd", or_null(price.typical_usd)},
                      {"unit", "USD per GPU-hour"},
                      {"source", price.citation.source},
                      {"date", price.citation.date},
                      {"confidence", to_string(price.citation.confidence)},
                      {"note", text_or_null(price.note)},
                      {"provenance", "published"}});
  }
  return {{"name", profile.name},    {"title", profile.title},      {"kind", profile.kind},
          {"match", profile.match},  {"values", std::move(values)}, {"prices", std::move(prices)},
          {"origin", profile.origin}};
}

}  // namespace assay::results
