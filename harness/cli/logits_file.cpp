#include "harness/cli/logits_file.h"

#include <algorithm>
#include <span>

#include "harness/base/text.h"
#include "runners/formats/safetensors.h"

namespace assay::cli {

namespace {

constexpr std::string_view kPrefix = "tokens.";

Result<TokenSequence> read_sequence(const runners::TensorView& tensor, const std::string& file) {
  const std::string where = file + ": tensor " + quoted_excerpt(tensor.name);
  const std::string number = tensor.name.substr(kPrefix.size());
  if (!parse_integer(number) || number.front() == '-') {
    return bad_input(where, ": must be named tokens.N, with a number N");
  }
  if (tensor.shape.size() != 1 || tensor.shape[0] < 1) {
    return bad_input(where, ": must have one dimension of at least 1, has ", runners::shape_text(tensor.shape));
  }
  ASSAY_ASSIGN(const std::vector<std::int64_t> ids, runners::read_integers(tensor));
  TokenSequence sequence{.number = number, .tokens = {}};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] > INT32_MAX) return bad_input(where, ": id ", ids[i], " at ", i, " is no token id");
    sequence.tokens.push_back(static_cast<std::int32_t>(ids[i]));
  }
  return sequence;
}

}  // namespace

Result<std::vector<TokenSequence>> read_token_sequences(const std::filesystem::path& path) {
  ASSAY_ASSIGN(const runners::SafetensorsFile file, runners::SafetensorsFile::open(path));
  std::vector<TokenSequence> sequences;
  for (const runners::TensorView& tensor : file.tensors()) {
    if (!tensor.name.starts_with(kPrefix)) continue;
    ASSAY_ASSIGN(TokenSequence sequence, read_sequence(tensor, path.string()));
    sequences.push_back(std::move(sequence));
  }
  if (sequences.empty()) return bad_input(path.string(), ": holds no tokens.N; it takes tokens.0, tokens.1, …");
  std::sort(sequences.begin(), sequences.end(), [](const TokenSequence& a, const TokenSequence& b) {
    return parse_integer(a.number) < parse_integer(b.number);
  });
  return sequences;
}

Result<> write_output_tensors(const std::filesystem::path& file, const std::vector<OutputTensor>& tensors) {
  std::vector<runners::TensorView> views;
  for (const OutputTensor& tensor : tensors) {
    views.push_back({tensor.name, runners::DType::f32, tensor.shape, std::as_bytes(std::span(tensor.values))});
  }
  return runners::write_safetensors(file, views);
}

}  // namespace assay::cli
