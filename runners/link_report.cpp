#include "runners/link_report.h"

#include <algorithm>

namespace assay::runners {

std::optional<double> LinkReport::reached_gb_per_s(std::int64_t least_bytes) const {
  double bytes = 0, time_us = 0;
  for (const LinkSize& size : sizes) {
    if (size.bytes_from < least_bytes) continue;
    bytes += size.bytes;
    time_us += size.time_us;
  }
  if (!(time_us > 0)) return {};
  return bytes / time_us * 1e-3;
}

LinkReport since(const LinkReport& before, LinkReport now) {
  for (const LinkSize& earlier : before.sizes) {
    const auto at = std::find_if(now.sizes.begin(), now.sizes.end(),
                                 [&](const LinkSize& size) { return size.bytes_from == earlier.bytes_from; });
    if (at == now.sizes.end()) continue;
    at->n -= earlier.n;
    at->bytes -= earlier.bytes;
    at->time_us -= earlier.time_us;
  }
  std::erase_if(now.sizes, [](const LinkSize& size) { return size.n <= 0; });
  return now;
}

Json to_json(const LinkReport& report) {
  Json sizes = Json::array(), trials = Json::array();
  for (const LinkSize& size : report.sizes) {
    sizes.push_back({{"bytes_from", size.bytes_from},
                     {"n", size.n},
                     {"bytes", size.bytes},
                     {"time_us", size.time_us},
                     {"gb_per_s", size.time_us > 0 ? Json(size.bytes / size.time_us * 1e-3) : Json()}});
  }
  for (const LinkTrial& trial : report.trials) {
    trials.push_back({{"operation", trial.operation},
                      {"bytes", trial.bytes},
                      {"n_blocks", trial.n_blocks},
                      {"short_pieces", trial.short_pieces},
                      {"gb_per_s", trial.gb_per_s}});
  }
  return {{"link_gb_per_s", report.link_gb_per_s},
          {"sizes", std::move(sizes)},
          {"calibration",
           {{"gb_per_s", report.calibrated_gb_per_s},
            {"spread_ratio", report.spread_ratio},
            {"n_blocks", report.n_blocks},
            {"short_pieces", report.short_pieces},
            {"trials", std::move(trials)}}}};
}

}  // namespace assay::runners
