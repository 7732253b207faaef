#pragma once
// What is known of a device: peak rates, memory, links, power, what it costs to rent; each value with its source.
// A profile is one JSON file; results/hardware/README.md says what stands in it.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::results {

/// How far a published value can be believed.
enum class Confidence {
  verified,           ///< read in the named source
  secondary,          ///< read in a page that quotes another
  general_knowledge,  ///< stated from memory of the field; check before you rely on it
  calculated,         ///< follows from other values, as `source` says
};
std::string to_string(Confidence confidence);

/// Where a published figure comes from.
struct Citation {
  std::string source;
  std::string date;  ///< "2026-05-20" or "2026-05": of the source, or when it was read if it bears none
  Confidence confidence = Confidence::general_knowledge;
};

struct HardwareValue {
  std::string key;              ///< "bf16_tflops"
  std::optional<double> value;  ///< none: not known, or the device has no such thing; `reason` says which
  std::string unit;
  std::string convention;  ///< "dense", "both directions together, per GPU"; empty if there is no value
  Citation citation;       ///< empty if there is no value
  std::string disputed;    ///< what others say and why this value is kept; empty if nobody disagrees
  std::string reason;      ///< why there is no value; empty if there is one
};

/// What an hour of one device costs, in USD.
struct RentalPrice {
  std::string terms;                                     ///< one of rental_terms()
  std::optional<double> low_usd, high_usd, typical_usd;  ///< at least one is known
  Citation citation;
  std::string note;
};
/// "on_demand", "rent_3_years", "spot", "hyperscaler_own", "neocloud_own", "assumed": what a user could pay comes
/// first.
const std::vector<std::string>& rental_terms();

struct HardwareProfile {
  std::string name;                ///< "h100-sxm5"
  std::string title;               ///< "NVIDIA H100 SXM5 80 GB"
  std::string kind;                ///< "gpu" or "cpu"
  std::vector<std::string> match;  ///< names by which the device calls itself; a last "*" stands for any ending
  std::vector<HardwareValue> values;
  std::vector<RentalPrice> prices;  ///< newest first
  std::string origin;               ///< "shipped", or the user's file

  /// The value of a key; none if it is not known. Every profile has the keys of required_hardware_keys().
  std::optional<double> value(std::string_view key) const;
  const HardwareValue* find(std::string_view key) const;
  /// The newest price of the first of rental_terms() that there is one of; nullptr if none is known.
  const RentalPrice* usual_price() const;
};

/// Keys that each profile has a value or a reason for.
const std::vector<std::string>& required_hardware_keys();

/// Reads a profile. `where` names the file in errors. Error{bad_input} names file and field: unknown or missing keys,
/// a value without source, date or confidence, a unit other than its key's, numbers that are not above 0.
Result<HardwareProfile> parse_hardware(std::string_view text, const std::string& where);

/// $XDG_DATA_HOME/assay/hardware, else ~/.local/share/assay/hardware; empty if neither variable is set.
std::filesystem::path user_hardware_folder();
/// All shipped profiles and those of `user_folder`, by name; a user's profile takes the place of a shipped one of its
/// name. A folder that does not exist holds none. Error{bad_input} for a file that can't be read as a profile.
Result<std::vector<HardwareProfile>> load_hardware(const std::filesystem::path& user_folder);
/// The profile of a name. Error{bad_input} lists the names that there are.
Result<HardwareProfile> find_hardware(const std::vector<HardwareProfile>& profiles, std::string_view name);
/// The profile of a device that calls itself `device_name`; of a GPU, memory must be within 10 % of the profile's too
/// (there are H20s with 96 and with 141 GB). nullptr if there is none, or if two fit.
const HardwareProfile* match_hardware(const std::vector<HardwareProfile>& profiles, std::string_view kind,
                                      std::string_view device_name, std::optional<std::uint64_t> memory_bytes);

/// Everything of a profile; what is not known is null.
Json to_json(const HardwareProfile& profile);

}  // namespace assay::results
