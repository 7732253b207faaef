#pragma once
// How long a run took, whose segments may have been at work at the same time: ranks on several machines.

#include <span>

#include "results/gpu_activity.h"
#include "results/store.h"

namespace assay::results {

/// Who made a run together.
struct Ranks {
  std::int64_t n_ranks = 1;
  std::int64_t n_hosts = 1;  ///< by their names; 1 where none is known
};
Ranks ranks_of(std::span<const SegmentRecord> segments);

/// Seconds in which at least one segment was at work. Segments in turn add up; of several at a time, by the clocks of
/// their machines, the time counts once. Pure.
double time_at_work_s(std::span<const SegmentRecord> segments);

/// Seconds in which devices were at work, summed over the devices: two GPUs for an hour are two hours, two processes on
/// one machine's processors for an hour are one. Segments on the same GPUs of a host share a device. Pure.
double device_time_s(std::span<const SegmentRecord> segments);

/// Whether segments of the same device overlap by more than a millisecond. Pure.
DeviceSharing device_sharing(std::span<const SegmentRecord> segments);

}  // namespace assay::results
