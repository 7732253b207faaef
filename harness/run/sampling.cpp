#include "harness/run/sampling.h"

#include <algorithm>
#include <bit>

#include "harness/base/text.h"

namespace assay::run {

namespace {

template <class T>
T first_set(const std::optional<T>& user, const std::optional<T>& protocol, T fallback) {
  return user ? *user : protocol.value_or(fallback);
}

}  // namespace

std::vector<std::string> protocol_names() { return {"deepseek-r1"}; }

Result<Protocol> find_protocol(std::string_view name) {
  if (name == "deepseek-r1") {
    return Protocol{
        .name = std::string(name),
        .sampling = {.temperature = 0.6, .top_p = 0.95, .top_k = {}, .min_p = {}, .max_output_tokens = 32768},
        .reply_opening = "<think>\n"};
  }
  return bad_input("--protocol: ", quoted_excerpt(name), " is unknown; known: ", join(protocol_names(), ", "));
}

std::int64_t protocol_samples(const Protocol& protocol, const suites::Suite& suite) {
  static constexpr std::uint64_t kSamplesOfSuite = 2000, kLeast = 4, kMost = 64;
  if (const auto own = suite.protocol_samples.find(protocol.name); own != suite.protocol_samples.end()) {
    return own->second;
  }
  const std::uint64_t n_items = std::max<std::uint64_t>(suite.items.size(), 1);
  return static_cast<std::int64_t>(std::clamp(std::bit_floor(kSamplesOfSuite / n_items), kLeast, kMost));
}

runners::SamplingParams resolve_sampling(const suites::SamplingDefaults& suite, const SamplingChoice& protocol,
                                         const SamplingChoice& user) {
  runners::SamplingParams params;
  params.temperature = first_set(user.temperature, protocol.temperature, suite.temperature);
  params.top_p = first_set(user.top_p, protocol.top_p, suite.top_p);
  params.top_k = first_set(user.top_k, protocol.top_k, std::int64_t{0});
  params.min_p = first_set(user.min_p, protocol.min_p, 0.0);
  params.max_output_tokens = first_set(user.max_output_tokens, protocol.max_output_tokens, suite.max_output_tokens);
  return params;
}

}  // namespace assay::run
