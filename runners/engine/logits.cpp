#include "runners/engine/logits.h"

#include <algorithm>
#include <utility>

#include "runners/engine/forward.h"

namespace assay::runners {

namespace {

/// The parts that a sequence is run in: first position, number of positions, role.
struct Part {
  int first, count;
  PositionRole role;
};

std::vector<Part> cut(int n_tokens, const LogitsOptions& options) {
  const int n_prompt = options.first_generated < 0 ? n_tokens : std::min(options.first_generated, n_tokens);
  std::vector<Part> parts;
  for (int at = 0; at < n_prompt; at += options.chunk_tokens) {
    parts.push_back({at, std::min(options.chunk_tokens, n_prompt - at), PositionRole::prompt});
  }
  for (int at = n_prompt; at < n_tokens; ++at) parts.push_back({at, 1, PositionRole::generated});
  return parts;
}

void append(std::vector<float>& to, std::span<const float> from) { to.insert(to.end(), from.begin(), from.end()); }

}  // namespace

Result<SequenceLogits> compute_logits(const Model& model, const Compute& compute, std::span<const std::int32_t> tokens,
                                      const LogitsOptions& options) {
  const ModelConfig& config = model.config;
  const auto n_tokens = static_cast<int>(tokens.size());
  if (tokens.empty()) return bad_input("a sequence has no tokens");
  if (n_tokens > config.max_position_embeddings) {
    return bad_input("a sequence has ", n_tokens, " tokens, the model's context ", config.max_position_embeddings);
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= config.vocab_size) {
      return bad_input("token ", i, " is ", tokens[i], ", ids are 0 to ", config.vocab_size - 1);
    }
  }
  ASSAY_ASSIGN(KvCache cache, KvCache::create(pages_for(n_tokens), model.n_cache_layers(), model.cache_row_width()));
  std::vector<std::int32_t> pages;
  for (int i = 0; i < pages_for(n_tokens); ++i) pages.push_back(cache.allocate());
  Forward forward(model, cache, compute);

  SequenceLogits out;
  if (options.hidden) out.hidden.resize(model.layers.size());
  const auto vocab = static_cast<std::size_t>(config.vocab_size), hidden = static_cast<std::size_t>(config.hidden_size);
  std::vector<float> logits;
  for (const Part& part : cut(n_tokens, options)) {
    const auto first = static_cast<std::size_t>(part.first), count = static_cast<std::size_t>(part.count);
    const TokenSpan span{pages, part.first, tokens.subspan(first, count)};
    const LayerObserver observe = [&](int layer, std::span<const float> x) {
      if (options.hidden) append(out.hidden[static_cast<std::size_t>(layer)], x);
    };
    ASSAY_ASSIGN(const std::span<const float> final_hidden, forward.run({&span, 1}, part.role, observe));
    if (options.hidden) append(out.final_hidden, final_hidden);
    logits.resize(count * vocab);
    forward.logits(final_hidden.data(), part.count, logits.data());
    append(out.logits, logits);
    if (!model.mtp) continue;

    // The last position has no next token to pair with.
    const std::size_t n_pairs = std::min(count, tokens.size() - 1 - first);
    if (n_pairs == 0) continue;
    const TokenSpan pairs{pages, part.first, tokens.subspan(first + 1, n_pairs)};
    const std::vector<float> main_hidden(final_hidden.begin(),
                                         final_hidden.begin() + static_cast<std::ptrdiff_t>(n_pairs * hidden));
    ASSAY_ASSIGN(const std::span<const float> mtp_hidden, forward.run_mtp({&pairs, 1}, part.role, main_hidden.data()));
    logits.resize(n_pairs * vocab);
    forward.logits(mtp_hidden.data(), static_cast<int>(n_pairs), logits.data());
    append(out.mtp, logits);
  }
  return out;
}

}  // namespace assay::runners
