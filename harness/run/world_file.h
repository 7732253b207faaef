#pragma once
// world.json of a ranks folder: which run its ranks make, and what they have in common.

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "results/facts.h"
#include "results/store.h"

namespace assay::run {

/// What all ranks must have been told alike, before any of them loads a model.
struct RankTerms {
  std::map<std::string, std::string> options;  ///< that decide what is asked and stored: "--seed" → "7"
  std::map<std::string, std::string> suites;   ///< name → hash of its content
  std::string command_line;                    ///< of the run as it will be stored: without --rank and --ranks
  bool operator==(const RankTerms&) const = default;
};
Json to_json(const RankTerms& terms);
Result<RankTerms> parse_rank_terms(const Json& json, const std::string& where);

/// The first thing that two ranks were told differently, "--seed is 1 there, 2 here"; empty if there is none. The
/// command line alone may differ: it also has what each machine may have its own way, such as --device. Pure.
std::string first_difference(const RankTerms& there, const RankTerms& here);

/// What a rank computes with, known once its model is loaded.
struct RankModel {
  results::ModelFacts model;
  std::string identity_sha256;  ///< results::run_identity()
  std::string kernels;          ///< "cpu", "cuda hopper"
  Json canary;                  ///< the hash of its logits; null where there is none
};
/// As above: "the weights are 3d9610248ddd there, …".
std::string first_difference(const RankModel& there, const RankModel& here);

struct WorldFile {
  int ranks = 1;
  results::RunOrigin origin;
  RankTerms terms;
  std::optional<RankModel> model;  ///< of the rank that was the first to load it
  bool is_merged = false;          ///< all is in the database beside the folder
};
/// Nothing if there is no such file. Error{bad_input} for one of another form.
Result<std::optional<WorldFile>> read_world_file(const std::filesystem::path& path);
Result<> write_world_file(const std::filesystem::path& path, const WorldFile& world);

}  // namespace assay::run
