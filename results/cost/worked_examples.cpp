#include "results/cost/worked_examples.h"

#include "harness/base/text.h"
#include "results/analysis/cost.h"
#include "results/text_table.h"

namespace assay::results {

namespace {

constexpr double kExampleDayS = 86'400;
constexpr double kExampleHourS = 3600;

ExampleRow example_input(std::string quantity, std::string unit, double value, int digits) {
  return {std::move(quantity), std::move(unit), value, digits, value, ""};
}

WorkedExample deepseek_day_6() {
  constexpr double kNodes = 226.75, kGpusPerNode = 8, kUsdPerGpuHour = 2, kHours = 24;
  constexpr double kInputMtok = 608'000, kCachedMtok = 342'000, kOutputMtok = 168'000;
  constexpr double kPrefillPerNode = 73'700, kDecodePerNode = 14'800, kPerUser = 21;
  const HostedPrice r1{0.55, 0.14, 2.19};
  const double usd_per_day =
      usd_for_time(kUsdPerGpuHour, static_cast<std::int64_t>(kNodes * kGpusPerNode), kExampleDayS);
  const double income = hosted_usd(r1, (kInputMtok - kCachedMtok) * 1e6, kCachedMtok * 1e6, kOutputMtok * 1e6);
  const double prefill_nodes = kInputMtok * 1e6 / kExampleDayS / kPrefillPerNode;
  const double decode_nodes = kOutputMtok * 1e6 / kExampleDayS / kDecodePerNode;
  const double usd_per_node_day = kGpusPerNode * kUsdPerGpuHour * kHours;
  constexpr double kPublishedIncome = 562'027;
  return {"deepseek-day-6",
          "DeepSeek's V3 and R1 service, 24 hours to 2025-02-28 12:00 UTC+8",
          "deepseek-ai/open-infra-index, day 6",
          {example_input("nodes of 8 H800, average", "nodes", kNodes, 2),
           example_input("assumed price", "USD per GPU-hour", kUsdPerGpuHour, 2),
           example_input("input tokens", "Mtok", kInputMtok, 0),
           example_input("of these from the cache", "Mtok", kCachedMtok, 0),
           example_input("output tokens", "Mtok", kOutputMtok, 0),
           example_input("input rate", "tokens/s per node", kPrefillPerNode, 0),
           example_input("output rate", "tokens/s per node", kDecodePerNode, 0),
           {"cost", "USD per day", usd_per_day, 0, 87'072, "nodes x 8 x price x 24"},
           {"cached share of input", "%", 100 * kCachedMtok / kInputMtok, 1, 56.3, "cached / input"},
           {"income at R1's prices", "thousand USD per day", income / 1e3, 0, kPublishedIncome / 1e3,
            "0.14 cached + 0.55 other input + 2.19 output"},
           {"profit over cost", "%", 100 * (kPublishedIncome - usd_per_day) / usd_per_day, 0, 545,
            "(published income - cost) / cost"},
           {"profit over income",
            "%",
            100 * (kPublishedIncome - usd_per_day) / kPublishedIncome,
            1,
            {},
            "(published income - cost) / published income"},
           {"nodes for input", "nodes", prefill_nodes, 1, {}, "input / 86400 s / rate"},
           {"nodes for output", "nodes", decode_nodes, 1, {}, "output / 86400 s / rate"},
           {"both", "nodes", prefill_nodes + decode_nodes, 1, {}, "sum; the published average is 226.75"},
           {"input", "USD per Mtok", prefill_nodes * usd_per_node_day / kInputMtok, 3, {}, "cached tokens included"},
           {"output", "USD per Mtok", decode_nodes * usd_per_node_day / kOutputMtok, 3, {}, ""},
           {"all cost on output", "USD per Mtok", usd_per_day / kOutputMtok, 3, {}, ""},
           {"output rate of a GPU", "tokens/s", kDecodePerNode / kGpusPerNode, 0, {}, "rate / 8"},
           {"live streams", "per node", kDecodePerNode / kPerUser, 0, {}, "rate / 21 tokens/s per user"}}};
}

WorkedExample deepseek_v3_training() {
  constexpr double kPretraining = 2664e3, kContext = 119e3, kPosttraining = 5e3;  // H800-hours
  constexpr double kUsdPerGpuHour = 2, kTokens = 14.8e12, kActiveParameters = 37e9;
  constexpr double kBf16Flops = 989e12, kFp8Flops = 1979e12;
  const double hours = kPretraining + kContext + kPosttraining;
  const double tokens_per_s = kTokens / (kPretraining * kExampleHourS);
  const double flops = 6 * kActiveParameters * tokens_per_s;
  return {
      "deepseek-v3-training",
      "DeepSeek-V3's training; earlier research and trials are not in it",
      "deepseek-ai/DeepSeek-V3 README.md; the parts: technical report, arXiv:2412.19437",
      {example_input("pre-training", "thousand H800-hours", kPretraining / 1e3, 0),
       example_input("context extension", "thousand H800-hours", kContext / 1e3, 0),
       example_input("post-training", "thousand H800-hours", kPosttraining / 1e3, 0),
       example_input("assumed price", "USD per GPU-hour", kUsdPerGpuHour, 2),
       {"all", "thousand H800-hours", hours / 1e3, 0, 2788, "sum"},
       {"cost", "million USD", usd_for_time(kUsdPerGpuHour, 1, hours * kExampleHourS) / 1e6, 3, 5.576, "hours x price"},
       {"pre-training of 10^12 tokens", "thousand H800-hours", kPretraining / 1e3 / (kTokens / 1e12), 0, 180,
        "2664 / 14.8"},
       {"rate of a GPU", "tokens/s", tokens_per_s, 0, {}, "14.8e12 tokens / pre-training time"},
       {"compute of a GPU", "TFLOP/s", flops / 1e12, 0, {}, "6 x 37e9 active parameters x rate; no attention"},
       {"of the BF16 peak", "%", 100 * flops / kBf16Flops, 0, {}, "of 989 TFLOP/s"},
       {"of the FP8 peak", "%", 100 * flops / kFp8Flops, 0, {}, "of 1979 TFLOP/s"}}};
}

std::string provenance_of(const ExampleRow& row) {
  return row.formula.empty() && row.published ? "published" : "projected";
}

}  // namespace

std::vector<WorkedExample> worked_examples() { return {deepseek_day_6(), deepseek_v3_training()}; }

Result<WorkedExample> find_worked_example(const std::string& name) {
  std::vector<std::string> names;
  for (WorkedExample& example : worked_examples()) {
    if (example.name == name) return std::move(example);
    names.push_back(example.name);
  }
  return bad_input("no worked example is called ", quoted_excerpt(name), "; there are ", join(names, ", "));
}

Json to_json(const WorkedExample& example) {
  Json rows = Json::array();
  for (const ExampleRow& row : example.rows) {
    rows.push_back({{"quantity", row.quantity},
                    {"unit", row.unit},
                    {"value", row.computed},
                    {"published", row.published ? Json(*row.published) : Json()},
                    {"formula", row.formula.empty() ? Json() : Json(row.formula)},
                    {"provenance", provenance_of(row)}});
  }
  return {{"example", example.name}, {"title", example.title}, {"source", example.source}, {"rows", std::move(rows)}};
}

std::string worked_example_text(const WorkedExample& example) {
  std::vector<std::vector<std::string>> rows = {{"", "value", "published", "unit", "how"}};
  for (const ExampleRow& row : example.rows) {
    const bool is_input = row.formula.empty() && row.published;
    // Halves go up, as the source rounds: 342 / 608 is 56.25 %.
    rows.push_back({row.quantity, to_fixed(row.computed + 1e-9, row.digits),
                    row.published ? to_fixed(*row.published, row.digits) : "-", row.unit,
                    is_input ? "published" : row.formula});
  }
  return example.title + "\nSource: " + example.source + ". Other figures follow from the published ones.\n" +
         text_table(rows, {3, 4});
}

}  // namespace assay::results
