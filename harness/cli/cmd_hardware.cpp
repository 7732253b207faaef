// assay hardware: what is known of devices, and which of them this machine has.

#include <memory>

#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/run/gpu_probe.h"
#include "harness/run/machine_devices.h"
#include "results/hardware/hardware.h"

namespace assay::cli {

namespace {

using results::HardwareProfile;
using results::HardwareValue;
using results::RentalPrice;

constexpr std::size_t kMaxShown = 300;  // bytes of a source or remark in a table

struct HardwareArgs {
  std::string show_name;
};

/// A dash is not known; "*" marks a disputed value.
std::string cell(const HardwareProfile& profile, const char* key, double unit = 1) {
  const HardwareValue* value = profile.find(key);
  if (value == nullptr || !value->value) return "-";
  return to_text(*value->value / unit) + (value->disputed.empty() ? "" : "*");
}

std::string price_text(const RentalPrice& price) {
  if (price.low_usd && *price.low_usd < *price.high_usd) {
    return to_fixed(*price.low_usd, 2) + "-" + to_fixed(*price.high_usd, 2);
  }
  return to_fixed(price.typical_usd ? *price.typical_usd : *price.low_usd, 2);
}

std::string price_cell(const HardwareProfile& profile) {
  const RentalPrice* price = profile.usual_price();
  if (price == nullptr) return "-";
  const std::string terms = price->terms == "on_demand" ? "" : price->terms + ", ";
  return price_text(*price) + " (" + terms + price->citation.date.substr(0, 7) + ")";
}

Result<> list_profiles(const CommonOptions& common) {
  ASSAY_ASSIGN(const std::vector<HardwareProfile> profiles, results::load_hardware(results::user_hardware_folder()));
  if (common.json) {
    Json records = Json::array();
    for (const HardwareProfile& profile : profiles) records.push_back(results::to_json(profile));
    return print_json({{"hardware", records}});
  }
  std::vector<std::vector<std::string>> rows = {
      {"name", "memory GB", "TB/s", "BF16 TF", "FP8 TF", "link GB/s", "power W", "$/GPU-hour", "device"}};
  for (const HardwareProfile& profile : profiles) {
    rows.push_back({profile.name, cell(profile, "memory_gb"), cell(profile, "memory_bandwidth_gb_per_s", 1000),
                    cell(profile, "bf16_tflops"), cell(profile, "fp8_tflops"), cell(profile, "link_gb_per_s"),
                    cell(profile, "power_watts"), price_cell(profile), shown(profile.title)});
  }
  return print(
      text_table(rows) +
      "\nPublished figures: dense rates, links in both directions together. \"-\" is not known or not there, \"*\" "
      "disputed;\n\"assay hardware show NAME\" has source, date and confidence of each.\n");
}

Result<> print_profile(const HardwareProfile& profile, const CommonOptions& common) {
  if (common.json) return print_json(results::to_json(profile));
  std::vector<std::vector<std::string>> rows = {{"value", "", "unit", "convention", "confidence", "date", "source"}};
  std::string remarks;
  for (const HardwareValue& value : profile.values) {
    if (!value.value) {
      rows.push_back({value.key, "-", value.unit, shown(value.reason, kMaxShown)});
      continue;
    }
    rows.push_back({value.key, cell(profile, value.key.c_str()), value.unit, shown(value.convention, kMaxShown),
                    to_string(value.citation.confidence), value.citation.date,
                    shown(value.citation.source, kMaxShown)});
    if (!value.disputed.empty()) remarks += "* " + value.key + ": " + shown(value.disputed, kMaxShown) + "\n";
  }
  std::string text = profile.name + "  " + shown(profile.title) + "  (" + shown(profile.origin, kMaxShown) +
                     ", published)\n" + text_table(rows) + (remarks.empty() ? "" : "\nDisputed\n" + remarks);
  std::vector<std::vector<std::string>> prices = {{"price", "$/GPU-hour", "confidence", "date", "source"}};
  for (const RentalPrice& price : profile.prices) {
    prices.push_back({price.terms, price_text(price), to_string(price.citation.confidence), price.citation.date,
                      shown(price.citation.source + (price.note.empty() ? "" : "; " + price.note), kMaxShown)});
  }
  text += prices.size() > 1 ? "\n" + text_table(prices) : "\nNo dated price of an hour is known.\n";
  return print(text);
}

Result<> show_profile(const std::string& name, const CommonOptions& common) {
  ASSAY_ASSIGN(const std::vector<HardwareProfile> profiles, results::load_hardware(results::user_hardware_folder()));
  ASSAY_ASSIGN(const HardwareProfile profile, results::find_hardware(profiles, name));
  return print_profile(profile, common);
}

Result<> detect_profiles(const CommonOptions& common) {
  ASSAY_ASSIGN(const std::vector<HardwareProfile> profiles, results::load_hardware(results::user_hardware_folder()));
  const run::GpuProbe gpus = run::probe_gpus();
  Json records = Json::array();
  std::vector<std::vector<std::string>> rows = {{"kind", "device", "memory", "profile"}};
  for (const run::MachineDevice& device : run::machine_devices(run::kNvmlLibrary)) {
    const HardwareProfile* profile = results::match_hardware(profiles, device.kind, device.name, device.memory_bytes);
    records.push_back({{"kind", device.kind},
                       {"name", device.name.empty() ? Json() : Json(device.name)},
                       {"memory_bytes", device.memory_bytes ? Json(*device.memory_bytes) : Json()},
                       {"profile", profile != nullptr ? Json(profile->name) : Json()},
                       {"provenance", "measured"}});
    rows.push_back({device.kind, device.name.empty() ? "(unknown)" : shown(device.name),
                    device.memory_bytes ? to_fixed(static_cast<double>(*device.memory_bytes) / 1e9, 1) + " GB" : "-",
                    profile != nullptr ? profile->name : "none: no profile has this name and memory"});
  }
  if (common.json) {
    return print_json({{"devices", records}, {"gpu_reason", gpus.reason.empty() ? Json() : Json(gpus.reason)}});
  }
  return print(text_table(rows) + (gpus.reason.empty() ? "" : "No GPU was asked: " + shown(gpus.reason) + "\n"));
}

}  // namespace

Action declare_hardware(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<HardwareArgs>();  // shared by the option table, which writes it, and the action
  CLI::App* show = app.add_subcommand("show", "Show a device: each value with its source, date and confidence");
  show->add_option("NAME", args->show_name, "A profile's name, as \"assay hardware\" lists it")->required();
  show->footer("Example: assay hardware show h800-sxm5");
  CLI::App* detect = app.add_subcommand("detect", "Say which profiles are this machine's GPUs and processor");
  detect->footer("Example: assay hardware detect");
  app.footer(
      "Without a further word: all devices. Your own profiles go to ~/.local/share/assay/hardware/NAME.json; one with\n"
      "the name of a shipped profile takes its place. \"assay hardware show h100-sxm5 --json\" shows the fields.\n"
      "Example: assay hardware");
  return [args, show, detect, &common]() -> Result<> {
    if (show->parsed()) return show_profile(args->show_name, common);
    if (detect->parsed()) return detect_profiles(common);
    return list_profiles(common);
  };
}

}  // namespace assay::cli
