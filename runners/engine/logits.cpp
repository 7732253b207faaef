#include "runners/engine/logits.h"

#include <algorithm>
#include <numeric>
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

Result<> check_tokens(const ModelConfig& config, const Executor& executor, std::span<const std::int32_t> tokens) {
  const auto n_tokens = static_cast<std::int64_t>(tokens.size());
  if (tokens.empty()) return bad_input("a sequence has no tokens");
  if (n_tokens > config.max_position_embeddings) {
    return bad_input("a sequence has ", n_tokens, " tokens, the model's context ", config.max_position_embeddings);
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= config.vocab_size) {
      return bad_input("token ", i, " is ", tokens[i], ", ids are 0 to ", config.vocab_size - 1);
    }
  }
  if (pages_for(n_tokens) > executor.n_pages()) {
    return environment_error("a sequence of ", n_tokens, " tokens needs ", pages_for(n_tokens),
                             " pages of KV cache, there are ", executor.n_pages());
  }
  return {};
}

}  // namespace

Result<SequenceLogits> compute_logits(const Model& model, Executor& executor, std::span<const std::int32_t> tokens,
                                      const LogitsOptions& options) {
  ASSAY_TRY(check_tokens(model.config, executor, tokens));
  const auto n_tokens = static_cast<int>(tokens.size());
  std::vector<std::int32_t> pages(static_cast<std::size_t>(pages_for(n_tokens)));
  std::iota(pages.begin(), pages.end(), 0);

  SequenceLogits out;
  if (options.hidden) out.hidden.resize(model.layers.size());
  for (const Part& part : cut(n_tokens, options)) {
    const auto first = static_cast<std::size_t>(part.first), count = static_cast<std::size_t>(part.count);
    const TokenSpan span{pages, part.first, tokens.subspan(first, count)};
    Pass pass{.role = part.role, .spans = {&span, 1}, .draws = {}, .wants_states = true};
    if (options.hidden) {
      pass.observe = [&](int layer, std::span<const float> x) {
        append(out.hidden[static_cast<std::size_t>(layer)], x);
      };
    }
    ASSAY_TRY(executor.submit(pass));
    ASSAY_ASSIGN(const PassResult result, executor.collect());
    if (options.hidden) append(out.final_hidden, result.hidden);
    append(out.logits, result.logits);
    if (!model.mtp || !options.mtp) continue;

    // The last position has no next token to pair with.
    const std::size_t n_pairs = std::min(count, tokens.size() - 1 - first);
    if (n_pairs == 0) continue;
    const MtpSpan pairs{.span = {pages, part.first, tokens.subspan(first + 1, n_pairs)}};
    ASSAY_ASSIGN(const MtpResult mtp, executor.run_mtp(part.role, {&pairs, 1}, MtpOutput::logits));
    append(out.mtp, mtp.logits);
  }
  return out;
}

}  // namespace assay::runners
