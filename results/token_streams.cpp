#include "results/token_streams.h"

#include "harness/base/sha256.h"

namespace assay::results {

Result<TokenStreams> read_token_streams(const Store& store, const RunId& run, const std::function<bool()>& stops) {
  TokenStreams streams;
  ASSAY_TRY(store.for_each_sample(run, "", SampleParts::transcripts, [&](const SampleRecord& record) -> Result<> {
    if (stops && stops()) return interrupted("reading the tokens of run ", run.value, " was stopped");
    const std::vector<std::int32_t>& tokens = record.sample.tokens;
    const std::string_view bytes(reinterpret_cast<const char*>(tokens.data()), tokens.size() * sizeof(tokens[0]));
    streams[record.sample.key] = tokens.empty() ? std::string() : sha256_hex(bytes);
    return {};
  }));
  return {std::move(streams)};
}

std::optional<double> TokenAgreement::same_ratio() const {
  const std::int64_t n_known = n_common - n_unknown;
  if (n_known == 0) return std::nullopt;
  return static_cast<double>(n_same) / static_cast<double>(n_known);
}

TokenAgreement token_agreement(const TokenStreams& a, const TokenStreams& b) {
  TokenAgreement agreement;
  for (const auto& [key, digest] : a) {
    const auto other = b.find(key);
    if (other == b.end()) continue;
    ++agreement.n_common;
    if (digest.empty() || other->second.empty()) {
      ++agreement.n_unknown;
    } else if (digest == other->second) {
      ++agreement.n_same;
    }
  }
  return agreement;
}

}  // namespace assay::results
