#include "runners/formats/checkpoint.h"

#include <algorithm>
#include <set>

#include "runners/formats/gguf/hub_tensors.h"
#include "runners/formats/shard_index.h"

namespace assay::runners {

namespace {

constexpr std::string_view kSingleFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";
constexpr std::uint64_t kMaxIndexBytes = 200'000'000;  // V3's has 9 MB

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// Where each tensor is: the index, or one made from the single file's own header.
struct Plan {
  std::set<std::string> file_names;
  std::optional<ShardIndex> index;
  std::filesystem::path index_path;
};

Result<Plan> plan_files(const std::filesystem::path& folder) {
  Plan plan;
  plan.index_path = folder / kIndexFile;
  if (is_there(plan.index_path)) {
    ASSAY_ASSIGN(const std::string text, read_file(plan.index_path, kMaxIndexBytes));
    ASSAY_ASSIGN(plan.index, parse_shard_index(text, plan.index_path.string()));
    for (const auto& [tensor, file] : plan.index->weight_map) plan.file_names.insert(file);
    for (const std::string& file : plan.file_names) {
      if (!is_there(folder / file)) {
        return bad_input(plan.index_path.string(), ": names the shard ", file, ", which is missing from ",
                         folder.string());
      }
    }
    return plan;
  }
  if (!is_there(folder / kSingleFile)) {
    return bad_input(folder.string(), ": has neither ", kSingleFile, " nor ", kIndexFile);
  }
  plan.file_names.emplace(kSingleFile);
  return plan;
}

}  // namespace

void Checkpoint::add(const TensorView& tensor) {
  tensors_.emplace(tensor.name, &tensor);
  total_bytes_ += tensor.bytes.size();
}

Result<Checkpoint> Checkpoint::open_gguf(const std::filesystem::path& path) {
  Checkpoint checkpoint;
  checkpoint.folder_ = path;
  ASSAY_ASSIGN(checkpoint.paths_, gguf_parts(path));
  for (const std::filesystem::path& part : checkpoint.paths_) {
    ASSAY_ASSIGN(FileIdentity identity, identify_file(part));
    checkpoint.identities_.push_back(std::move(identity));
  }
  ASSAY_ASSIGN(checkpoint.gguf_files_, GgufFiles::open(path));
  ASSAY_ASSIGN(checkpoint.gguf_tensors_, hub_tensors(*checkpoint.gguf_files_));
  for (const TensorView& tensor : checkpoint.gguf_tensors_) checkpoint.add(tensor);
  return checkpoint;
}

Checkpoint Checkpoint::in_memory(const std::filesystem::path& folder, std::vector<MemoryTensor> tensors) {
  Checkpoint checkpoint;
  checkpoint.folder_ = folder;
  checkpoint.memory_tensors_ = std::move(tensors);
  for (const MemoryTensor& tensor : checkpoint.memory_tensors_) checkpoint.add(tensor.view);
  return checkpoint;
}

Result<Checkpoint> Checkpoint::open(const std::filesystem::path& folder) {
  if (is_gguf_path(folder)) return open_gguf(folder);
  ASSAY_ASSIGN(const Plan plan, plan_files(folder));
  Checkpoint checkpoint;
  checkpoint.folder_ = folder;
  for (const std::string& name : plan.file_names) {
    const std::filesystem::path path = folder / name;
    // Identified before it is mapped: a replacement in between is noticed when the hash is taken.
    ASSAY_ASSIGN(FileIdentity identity, identify_file(path));
    ASSAY_ASSIGN(SafetensorsFile file, SafetensorsFile::open(path));
    checkpoint.paths_.push_back(path);
    checkpoint.identities_.push_back(std::move(identity));
    checkpoint.files_.push_back(std::move(file));
  }

  for (std::size_t i = 0; i < checkpoint.files_.size(); ++i) {
    const std::string file_name = checkpoint.paths_[i].filename().string();
    for (const TensorView& tensor : checkpoint.files_[i].tensors()) {
      if (plan.index) {
        const auto mapped = plan.index->weight_map.find(tensor.name);
        if (mapped == plan.index->weight_map.end()) {
          checkpoint.warnings_.push_back(checkpoint.paths_[i].string() + ": tensor " + tensor.name +
                                         " is not named by the index and is left out");
          continue;
        }
        if (mapped->second != file_name) {
          return bad_input(checkpoint.paths_[i].string(), ": holds tensor ", tensor.name,
                           ", which the index places in ", mapped->second, "; it must be in one shard alone");
        }
      }
      checkpoint.add(tensor);
    }
  }

  if (!plan.index) return checkpoint;
  for (const auto& [tensor, file] : plan.index->weight_map) {
    if (!checkpoint.tensors_.contains(tensor)) {
      return bad_input((folder / file).string(), ": has no tensor ", tensor, ", which ", plan.index_path.string(),
                       " places there");
    }
  }
  if (plan.index->total_size_bytes && *plan.index->total_size_bytes != checkpoint.total_bytes_) {
    checkpoint.warnings_.push_back(plan.index_path.string() + ": total_size is " +
                                   std::to_string(*plan.index->total_size_bytes) + ", but the tensors have " +
                                   std::to_string(checkpoint.total_bytes_) + " bytes");
  }
  return checkpoint;
}

const TensorView* Checkpoint::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : found->second;
}

std::uint64_t Checkpoint::file_bytes() const {
  std::uint64_t n_bytes = 0;
  for (const FileIdentity& file : identities_) n_bytes += file.size_bytes;
  return n_bytes;
}

Result<std::string> Checkpoint::weights_sha256(const BytesProgress& on_progress, std::stop_token stop) const {
  if (!memory_tensors_.empty()) return std::string();
  std::vector<std::span<const std::byte>> contents;
  for (const SafetensorsFile& file : files_) contents.push_back(file.file_bytes());
  if (gguf_files_) {
    for (const GgufFile& part : gguf_files_->parts()) contents.push_back(part.file_bytes());
  }
  return cached_sha256(identities_, contents, cache_folder(), on_progress, stop);
}

}  // namespace assay::runners
