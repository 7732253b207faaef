#include "results/hardware/hardware.h"

#include <algorithm>

#include "harness/base/file.h"
#include "results/hardware/citation.h"
#include "results/hardware/shipped_data.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;

namespace {

std::vector<HardwareProfile> shipped() {
  const auto profiles = load_hardware({});
  REQUIRE(ok(profiles));
  return *profiles;
}

Json shipped_json(std::string_view name) {
  for (const ShippedFile& file : shipped_hardware()) {
    if (file.name == name) return *parse_json(file.text, name);
  }
  FAIL("no such file");
  return {};
}

/// The error of the H100's profile after `change`.
std::string error_of(const std::function<void(Json&)>& change) {
  Json json = shipped_json("h100-sxm5.json");
  change(json);
  const auto parsed = parse_hardware(json.dump(), "mine.json");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().kind == ErrorKind::bad_input);
  return parsed.error().message;
}

}  // namespace

TEST_CASE("hardware: every shipped value has source, date and confidence, or is null with a reason", "[hardware]") {
  const auto profiles = shipped();
  CHECK(profiles.size() == shipped_hardware().size());
  CHECK(profiles.size() == 21);  // the table of devices that was collected, one by one
  for (const ShippedFile& file : shipped_hardware()) {
    INFO(file.name);
    const Json json = *parse_json(file.text, file.name);
    const auto profile = parse_hardware(file.text, std::string(file.name));
    REQUIRE(ok(profile));
    CHECK(profile->name + ".json" == file.name);
    for (const std::string& key : required_hardware_keys()) {
      INFO(key);
      const HardwareValue* value = profile->find(key);
      REQUIRE(value != nullptr);
      CHECK(value->value.has_value() == !json["values"][key]["value"].is_null());
      const Json shown = to_json(*profile)["values"][key];
      if (value->value) {
        CHECK_FALSE(value->citation.source.empty());
        CHECK(is_iso_date(value->citation.date));
        CHECK_FALSE(value->convention.empty());
        CHECK(shown["value"].get<double>() > 0);
        CHECK(shown["provenance"] == "published");
      } else {
        CHECK_FALSE(value->reason.empty());
        CHECK(shown["value"].is_null());
        CHECK(shown["confidence"].is_null());
      }
    }
    for (const RentalPrice& price : profile->prices) {
      CHECK_FALSE(price.citation.source.empty());
      CHECK(is_iso_date(price.citation.date));
    }
  }
}

// What DeepSeek's own kernels show of the H800, and what popular pages say instead.
TEST_CASE("hardware: the H800's disputed values are marked, and unknown prices are none", "[hardware]") {
  const auto profiles = shipped();
  const auto h800 = find_hardware(profiles, "h800-sxm5");
  REQUIRE(ok(h800));
  CHECK(h800->value("memory_bandwidth_gb_per_s") == 3350);
  CHECK_THAT(h800->find("memory_bandwidth_gb_per_s")->disputed, Contains("nexaninsights"));
  CHECK_THAT(h800->find("power_watts")->disputed, Contains("550"));
  CHECK(h800->value("link_gb_per_s") == 400);
  CHECK_FALSE(h800->value("fp64_tensor_tflops"));
  CHECK(find_hardware(profiles, "h100-sxm5")->value("link_gb_per_s") == 900);
  for (const char* unpriced : {"h20", "l40s", "rtx-4090", "a800-sxm-80"}) {
    CHECK(find_hardware(profiles, unpriced)->prices.empty());
  }
  CHECK_FALSE(find_hardware(profiles, "a100-sxm-80")->value("fp8_tflops"));
}

TEST_CASE("hardware: prices come newest first", "[hardware]") {
  const auto h100 = find_hardware(shipped(), "h100-sxm5");
  REQUIRE(ok(h100));
  REQUIRE(h100->prices.size() == 6);
  CHECK(std::is_sorted(h100->prices.begin(), h100->prices.end(),
                       [](const RentalPrice& a, const RentalPrice& b) { return a.citation.date > b.citation.date; }));
}

TEST_CASE("hardware: a file's error names file and field", "[hardware]") {
  CHECK_THAT(error_of([](Json& j) { j["values"]["bf16_tflops"].erase("source"); }),
             Contains("mine.json") && Contains("bf16_tflops") && Contains("source"));
  CHECK_THAT(error_of([](Json& j) { j["values"]["bf16_tflops"]["value"] = 0; }), Contains("value") && Contains("null"));
  CHECK_THAT(error_of([](Json& j) { j["values"]["bf16_tflops"]["value"] = "989"; }), Contains("value"));
  CHECK_THAT(error_of([](Json& j) { j["values"]["bf16_tflops"]["unit"] = "GFLOP/s"; }), Contains("TFLOP/s"));
  CHECK_THAT(error_of([](Json& j) { j["values"]["bf16_tflops"]["date"] = "2026-02-30"; }), Contains("date"));
  CHECK_THAT(error_of([](Json& j) { j["values"]["bf16_tflops"]["confidence"] = "sure"; }), Contains("secondary"));
  CHECK_THAT(error_of([](Json& j) { j["values"]["bf16_tflops"]["value"] = nullptr; }), Contains("reason"));
  CHECK_THAT(error_of([](Json& j) { j["values"].erase("link_gb_per_s"); }), Contains("link_gb_per_s"));
  CHECK_THAT(error_of([](Json& j) { j["values"]["speed"] = 1; }), Contains("speed"));
  CHECK_THAT(error_of([](Json& j) { j["name"] = "../x"; }), Contains("name"));
  CHECK_THAT(error_of([](Json& j) { j["prices"][0]["terms"] = "free"; }), Contains("prices[0]") && Contains("terms"));
  CHECK_THAT(error_of([](Json& j) { j["prices"][1]["low_usd"] = 99; }), Contains("prices[1]") && Contains("low_usd"));
  CHECK_THAT(error_of([](Json& j) {
               j["prices"][0] = Json{{"terms", "spot"}, {"unit", "USD per GPU-hour"}};
             }),
             Contains("typical_usd"));
  CHECK_THAT(error_of([](Json& j) { j["prices"] = 3; }), Contains("prices"));
}

TEST_CASE("hardware: a profile cut anywhere is refused, not read", "[hardware]") {
  const std::string text(shipped_hardware().front().text);
  for (std::size_t n = 0; n + 2 < text.size(); n += 7) CHECK_FALSE(parse_hardware(text.substr(0, n), "cut.json"));
}

TEST_CASE("hardware: a user's folder adds and replaces", "[hardware]") {
  TemporaryFolder folder;
  Json mine = shipped_json("h20.json");
  mine["title"] = "Ours";
  REQUIRE(ok(write_file(folder / "h20.json", mine.dump())));
  mine["name"] = "our-node";
  REQUIRE(ok(write_file(folder / "node.json", mine.dump())));
  REQUIRE(ok(write_file(folder / "notes.txt", "no profile")));
  const auto profiles = load_hardware(folder / "");
  REQUIRE(ok(profiles));
  CHECK(profiles->size() == 22);
  CHECK(find_hardware(*profiles, "h20")->title == "Ours");
  CHECK(find_hardware(*profiles, "h20")->origin == folder / "h20.json");
  CHECK(ok(find_hardware(*profiles, "our-node")));
  CHECK_THAT(find_hardware(*profiles, "h21").error().message, Contains("h100-sxm5"));

  REQUIRE(ok(write_file(folder / "again.json", mine.dump())));
  const auto twice = load_hardware(folder / "");
  REQUIRE_FALSE(twice);
  CHECK_THAT(twice.error().message, Contains("node.json") && Contains("our-node"));
  CHECK(load_hardware(folder / "nothing-here")->size() == 21);
}

// Names and bytes as nvidia-smi shows them: 81559 MiB, 97871 MiB, 143771 MiB.
TEST_CASE("hardware: a device is matched by its name and its memory, or not at all", "[hardware]") {
  const auto profiles = shipped();
  const auto matched = [&](const char* kind, const char* name, std::optional<std::uint64_t> mib) {
    const HardwareProfile* found =
        match_hardware(profiles, kind, name, mib ? std::optional(*mib * 1024 * 1024) : std::nullopt);
    return found != nullptr ? found->name : std::string();
  };
  CHECK(matched("gpu", "NVIDIA H100 80GB HBM3", 81559) == "h100-sxm5");
  CHECK(matched("gpu", "NVIDIA H100 PCIe", 81559) == "h100-pcie");
  CHECK(matched("gpu", "NVIDIA H200", 143771) == "h200-sxm");
  CHECK(matched("gpu", "NVIDIA H20", 97871) == "h20");
  CHECK(matched("gpu", "NVIDIA H20", 143771).empty());  // the variant with more memory is another device
  CHECK(matched("gpu", "NVIDIA H100", 81559).empty());
  CHECK(matched("gpu", "", {}).empty());
  CHECK(matched("cpu", "Raspberry Pi 5 Model B Rev 1.0", {}) == "raspberry-pi-5");
  CHECK(matched("cpu", "Raspberry Pi 4 Model B Rev 1.5", {}).empty());
  CHECK(matched("cpu", "NVIDIA H200", {}).empty());
}
