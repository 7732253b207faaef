#pragma once
// What the reference model said when another library ran it: tests/data/reference.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/archive.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "runners/formats/safetensors.h"
#include "tests/support/catch.h"
#include "tests/support/unpacked_folder.h"

namespace assay::runners {

inline const std::filesystem::path kRecords = std::filesystem::path(ASSAY_SOURCE_DIR) / "tests/data/reference";

struct Record {
  std::string id;
  std::vector<std::int32_t> prompt, output;  // the output ends with the end token
  std::int64_t mtp_accepted, mtp_drafts;
};

inline const std::vector<Record>& records() {
  static const std::vector<Record> all = [] {
    std::vector<Record> out;
    const std::string text = *read_packed_file(kRecords / "outputs.jsonl.xz");
    const auto read = for_each_line(text, [&](std::string_view line, int) -> Result<> {
      ASSAY_ASSIGN(const Json j, parse_json(line, "outputs.jsonl"));
      out.push_back({j["id"], j["prompt_ids"], j["output_ids"], j["mtp_accepted"], j["mtp_drafts"]});
      return {};
    });
    REQUIRE(read);
    return out;
  }();
  return all;
}

/// Logits of nine sequences: the top 16 of each position, and the logarithm of the sum of all.
inline const SafetensorsFile& recorded_logits() {
  static const test_support::UnpackedFolder folder(kRecords);
  static const SafetensorsFile file = *SafetensorsFile::open(folder.path() / "logits.safetensors");
  return file;
}

}  // namespace assay::runners
