#include "results/run_time.h"

#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;

namespace {

/// Of rank "a", "b", … on the host of that name, unless another host is given.
SegmentRecord segment(const std::string& rank, std::int64_t started_at_ms, double wall_ms, Json device = {},
                      const std::string& kind = "cpu", const std::string& host = "") {
  SegmentRecord record;
  record.started_at_ms = started_at_ms;
  record.wall_ms = wall_ms;
  record.environment.device_kind = kind;
  record.environment.hostname = host.empty() ? rank : host;
  record.environment.details["rank"] = rank;
  record.environment.details["device"] = std::move(device);
  return record;
}

Json gpu(const char* id) { return {{"pci_bus_id", id}}; }

}  // namespace

TEST_CASE("run time: segments in turn add up, to the last bit", "[results]") {
  const std::vector<SegmentRecord> segments = {segment("a", 1000, 500.25), segment("b", 9000, 0.5)};
  CHECK(time_at_work_s(segments) == 0.50075);
  CHECK(device_time_s(segments) == 0.50075);
  CHECK(device_sharing(segments) == DeviceSharing::in_turn);
  CHECK(time_at_work_s({}) == 0);
}

TEST_CASE("run time: two hosts at a time take their time once and are paid for twice", "[results]") {
  // Host a from 0 to 10 s and, started again, from 12 to 15 s; host b from 2 to 13 s.
  const std::vector<SegmentRecord> segments = {segment("a", 0, 10'000), segment("a", 12'000, 3000),
                                               segment("b", 2000, 11'000)};
  CHECK(time_at_work_s(segments) == 15);
  CHECK(device_time_s(segments) == 24);
  CHECK(ranks_of(segments).n_ranks == 2);
  CHECK(ranks_of(segments).n_hosts == 2);
  CHECK(device_sharing(segments) == DeviceSharing::in_turn);
}

TEST_CASE("run time: a clock that was set back makes nothing overlap that came in turn", "[results]") {
  const std::vector<SegmentRecord> segments = {segment("a", 10'000, 8000), segment("a", 12'000, 3000)};
  CHECK(time_at_work_s(segments) == 11);
  CHECK(device_time_s(segments) == 11);
  CHECK(device_sharing(segments) == DeviceSharing::in_turn);
}

TEST_CASE("run time: processes on the same processors share them, on two GPUs of a host they don't", "[results]") {
  const std::vector<SegmentRecord> cpus = {segment("a", 0, 4000, {}, "cpu", "h"),
                                           segment("b", 1000, 5000, {}, "cpu", "h")};
  CHECK(time_at_work_s(cpus) == 6);
  CHECK(device_time_s(cpus) == 6);
  CHECK(device_sharing(cpus) == DeviceSharing::at_once);
  std::vector<SegmentRecord> gpus = {segment("a", 0, 4000, gpu("0000:1b:00.0"), "cuda", "h"),
                                     segment("b", 1000, 5000, gpu("0000:1c:00.0"), "cuda", "h")};
  CHECK(time_at_work_s(gpus) == 6);
  CHECK(device_time_s(gpus) == 9);
  CHECK(device_sharing(gpus) == DeviceSharing::in_turn);
  gpus[1] = segment("b", 1000, 5000, {{"devices", Json::array({gpu("0000:1b:00.0")})}}, "cuda", "h");
  CHECK(device_sharing(gpus) == DeviceSharing::at_once);
}
