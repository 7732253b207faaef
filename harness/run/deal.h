#pragma once
// Which rank asks which samples of a plan that several processes share. Pure.

#include <vector>

#include "harness/run/plan.h"

namespace assay::run {

/// The rank of each of plan.samples, each in [0, ranks). The same plan gives the same answer everywhere: it depends on
/// what items and samples are, not on where they stand or on what was stored before.
///
/// Parts of items are dealt by longest first, each to the rank that has least to do, so that the ranks end at about the
/// same time (Graham 1969, "Bounds on multiprocessing timing anomalies": at most 4/3 of the best). What a sample takes
/// is estimated from the length of its prompt and the reply that it may write; equal parts come in the order of a hash,
/// so that neighbours in a file, which are often of one kind, are spread. An item's samples stay together, since they
/// share a prompt, unless that is more than a sixteenth of what a rank has to do.
std::vector<int> deal_samples(const Plan& plan, int ranks);

}  // namespace assay::run
