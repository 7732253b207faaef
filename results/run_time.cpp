#include "results/run_time.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace assay::results {

namespace {

/// When a segment was at work, and where.
struct Work {
  double started_ms = 0, wall_ms = 0;
  std::string device;
};

/// Whose segments come in turn: those of a rank, or of a run that one process makes.
std::string rank_of(const EnvironmentFacts& environment) {
  const auto rank = environment.details.find("rank");
  return rank == environment.details.end() ? "" : rank->dump();
}

/// Of each what no earlier one covers: exactly its wall_ms where none overlaps.
double covered_ms(std::vector<Work> works) {
  std::stable_sort(works.begin(), works.end(),
                   [](const Work& a, const Work& b) { return a.started_ms < b.started_ms; });
  double total_ms = 0;
  double covered_until_ms = 0;
  for (const Work& work : works) {
    const double overlap_ms = std::clamp(covered_until_ms - work.started_ms, 0.0, work.wall_ms);
    total_ms += work.wall_ms - overlap_ms;
    covered_until_ms = std::max(covered_until_ms, work.started_ms + work.wall_ms);
  }
  return total_ms;
}

/// Host and GPUs. Of a run on processors, or on an endpoint, the host.
std::string device_key(const EnvironmentFacts& environment) {
  std::string key = environment.hostname.value_or("") + "/" + environment.device_kind;
  const auto device = environment.details.find("device");
  if (environment.device_kind != "cuda" || device == environment.details.end() || !device->is_object()) return key;
  const auto add = [&](const Json& facts) {
    if (!facts.is_object()) return;
    if (const auto id = facts.find("pci_bus_id"); id != facts.end()) key += "/" + id->dump();
  };
  add(*device);
  if (const auto devices = device->find("devices"); devices != device->end() && devices->is_array()) {
    for (const Json& one : *devices) add(one);
  }
  return key;
}

/// By the machines' clocks; but what came in turn overlaps nothing, even if a clock was set back in between.
std::vector<Work> works_of(std::span<const SegmentRecord> segments) {
  std::map<std::string, double> rank_until_ms;
  std::vector<Work> works;
  for (const SegmentRecord& segment : segments) {
    double& until_ms = rank_until_ms[rank_of(segment.environment)];
    const double started_ms = std::max(until_ms, static_cast<double>(segment.started_at_ms));
    until_ms = started_ms + segment.wall_ms;
    works.push_back({started_ms, segment.wall_ms, device_key(segment.environment)});
  }
  return works;
}

}  // namespace

Ranks ranks_of(std::span<const SegmentRecord> segments) {
  std::set<std::string> ranks, hosts;
  for (const SegmentRecord& segment : segments) {
    ranks.insert(rank_of(segment.environment));
    hosts.insert(segment.environment.hostname.value_or(""));
  }
  return {std::max<std::int64_t>(1, static_cast<std::int64_t>(ranks.size())),
          std::max<std::int64_t>(1, static_cast<std::int64_t>(hosts.size()))};
}

double time_at_work_s(std::span<const SegmentRecord> segments) { return covered_ms(works_of(segments)) / 1000; }

double device_time_s(std::span<const SegmentRecord> segments) {
  std::map<std::string, std::vector<Work>> by_device;
  for (Work& work : works_of(segments)) by_device[work.device].push_back(work);
  double total_ms = 0;
  for (auto& [device, works] : by_device) total_ms += covered_ms(std::move(works));
  return total_ms / 1000;
}

DeviceSharing device_sharing(std::span<const SegmentRecord> segments) {
  constexpr double kMostOverlapS = 0.001;  // of clocks that are read to the millisecond
  double in_turn_s = 0;
  for (const SegmentRecord& segment : segments) in_turn_s += segment.wall_ms / 1000;
  return in_turn_s - device_time_s(segments) > kMostOverlapS * static_cast<double>(segments.size())
             ? DeviceSharing::at_once
             : DeviceSharing::in_turn;
}

}  // namespace assay::results
