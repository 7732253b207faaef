#include "harness/run/forecast_plan.h"

#include <algorithm>
#include <numeric>

#include "harness/base/text.h"
#include "harness/run/model_registry.h"
#include "runners/engine/memory_fit.h"
#include "runners/formats/chat/chat_template.h"
#include "runners/formats/chat/rendered_prompt.h"
#include "runners/formats/tokenizer/tokenizer.h"

namespace assay::run {

namespace {

namespace fs = std::filesystem;

constexpr double kUsableMemoryShare = 0.97;         // the driver and the runtime keep the rest
constexpr double kUsualKvShare = 0.9;               // of what the weights leave, as the engine takes on a GPU
constexpr std::int64_t kPrefillChunkTokens = 4096;  // as the engine has on a GPU

/// How a model's prompts become tokens.
struct Prompts {
  runners::Tokenizer tokenizer;
  runners::ChatTemplate chat;

  Result<std::int64_t> count(const runners::Request& request) const {
    ASSAY_ASSIGN(runners::RenderedPrompt prompt, chat.render(request.messages));
    if (!request.reply_opening.empty()) ASSAY_TRY(runners::open_reply_with(prompt, request.reply_opening));
    ASSAY_ASSIGN(const auto tokens, runners::encode_prompt(tokenizer, prompt));
    return static_cast<std::int64_t>(tokens.size());
  }
};

Result<Prompts> open_prompts(const fs::path& path, const std::string& template_name) {
  ASSAY_ASSIGN(runners::Tokenizer tokenizer, runners::Tokenizer::load_of_model(path));
  std::optional<std::string_view> own, chosen;
  if (tokenizer.chat_template()) own = *tokenizer.chat_template();
  if (!template_name.empty()) chosen = template_name;
  ASSAY_ASSIGN(runners::ChatTemplate chat, runners::choose_template(own, tokenizer, chosen));
  return Prompts{std::move(tokenizer), std::move(chat)};
}

/// n of the known lengths, at their quantiles, short and long ones mixed.
std::vector<std::int64_t> resampled(std::vector<std::int64_t> known, std::int64_t n, std::int64_t most) {
  std::sort(known.begin(), known.end());
  // The places of evenly spread lengths, in the order in which spread_lengths() mixes them.
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  const std::vector<std::int64_t> mixed = spread_lengths(1e6, n, std::int64_t{1} << 40);
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return mixed[static_cast<std::size_t>(a)] < mixed[static_cast<std::size_t>(b)];
  });
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(n));
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const auto at = static_cast<std::size_t>((static_cast<double>(rank) + 0.5) / static_cast<double>(n) *
                                             static_cast<double>(known.size()));
    lengths[static_cast<std::size_t>(order[rank])] = std::clamp<std::int64_t>(known[at], 1, most);
  }
  return lengths;
}

/// The items of the whole plan, twice: with the expected lengths, and with the most that each may have.
struct Items {
  std::vector<ForecastItem> expected, at_most;
  bool all_expected = true;
};

Result<SuiteForecast> add_suite(const ForecastRequest& request, const PlannedSuite& planned,
                                std::span<const PlannedSample> samples, const Prompts& prompts,
                                std::int64_t context_tokens, Items& items) {
  SuiteForecast suite;
  suite.suite = planned.suite.name;
  suite.n_items = static_cast<std::int64_t>(planned.suite.items.size());
  suite.n_samples = static_cast<std::int64_t>(samples.size());
  const std::int64_t asked =
      planned.sampling.max_output_tokens > 0 ? planned.sampling.max_output_tokens : context_tokens;
  suite.max_output_tokens = std::min(asked, context_tokens);

  std::vector<std::int64_t> lengths;
  const auto known = request.lengths.find(suite.suite);
  if (known != request.lengths.end() && !known->second.empty()) {
    lengths = resampled(known->second, suite.n_samples, suite.max_output_tokens);
    suite.lengths_from = request.lengths_from;
  } else if (request.mean_output_tokens) {
    lengths = spread_lengths(*request.mean_output_tokens, suite.n_samples, suite.max_output_tokens);
    suite.lengths_from = "--output-tokens";
  }
  if (lengths.empty()) {
    items.all_expected = false;
  } else {
    suite.mean_output_tokens = static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0})) /
                               static_cast<double>(lengths.size());
  }

  const auto k = static_cast<std::size_t>(planned.samples);
  for (std::size_t first = 0; first < samples.size(); first += k) {
    ForecastItem item;
    ASSAY_ASSIGN(item.n_prompt_tokens, prompts.count(samples[first].request));
    if (item.n_prompt_tokens >= context_tokens) {
      return bad_input("suite ", suite.suite, ", item ", samples[first].request.id, ": the prompt has ",
                       item.n_prompt_tokens, " tokens, the model's context ", context_tokens);
    }
    item.max_output_tokens = std::min(suite.max_output_tokens, context_tokens - item.n_prompt_tokens);
    suite.n_prompt_tokens += item.n_prompt_tokens;
    item.n_output_tokens.assign(k, item.max_output_tokens);
    items.at_most.push_back(item);
    if (!lengths.empty()) {
      const auto from = lengths.begin() + static_cast<std::ptrdiff_t>(first);
      item.n_output_tokens.assign(from, from + static_cast<std::ptrdiff_t>(k));
    }
    items.expected.push_back(std::move(item));
  }
  return suite;
}

/// The part of the first of n engines, which has as many items as any.
std::vector<ForecastItem> first_share(const std::vector<ForecastItem>& items, std::int64_t n) {
  std::vector<ForecastItem> share;
  for (std::size_t i = 0; i < items.size(); i += static_cast<std::size_t>(n)) share.push_back(items[i]);
  return share;
}

Result<Forecast> forecast_all(const std::vector<ForecastItem>& items, std::int64_t n_gpus, const ForecastLimits& limits,
                              const runners::DeviceRates& rates) {
  ASSAY_ASSIGN(Forecast forecast, forecast_run(first_share(items, n_gpus), limits, rates));
  forecast.n_prompt_tokens = forecast.n_output_tokens = 0;
  for (const ForecastItem& item : items) {
    forecast.n_prompt_tokens += item.n_prompt_tokens;
    for (const std::int64_t n : item.n_output_tokens) forecast.n_output_tokens += std::min(n, item.max_output_tokens);
  }
  return forecast;
}

Result<ForecastLimits> set_memory(const runners::ModelConfig& config, RunForecast& forecast) {
  const ForecastRequest& request = forecast.request;
  const auto usable_bytes =
      static_cast<std::int64_t>(kUsableMemoryShare * static_cast<double>(forecast.device.memory_bytes));
  const runners::MemoryFit fit = runners::cuda_memory_fit(runners::without_mtp(config), usable_bytes, request.fp8);
  forecast.weight_bytes = fit.weight_bytes;
  forecast.kv_bytes_per_token = fit.kv_bytes_per_token;
  const std::int64_t left_bytes = usable_bytes - fit.weight_bytes;
  if (left_bytes <= 0) {
    return environment_error(forecast.model, " on ", forecast.device.profile, ": its weights take ",
                             to_fixed(double(fit.weight_bytes) / 1e9, 1), " GB of ",
                             to_fixed(double(forecast.device.memory_bytes) / 1e9, 0),
                             " GB; it needs a device with more memory");
  }
  forecast.kv_memory_bytes = request.kv_memory.bytes.value_or(static_cast<std::int64_t>(
      request.kv_memory.pct.value_or(100 * kUsualKvShare) / 100 * static_cast<double>(left_bytes)));
  if (forecast.kv_memory_bytes > left_bytes) {
    return environment_error("--kv-memory: the weights leave ", to_fixed(double(left_bytes) / 1e9, 1), " GB");
  }
  ForecastLimits limits{.work = runners::pass_work(config, request.fp8),
                        .kv_memory_bytes = forecast.kv_memory_bytes,
                        .max_batch = request.max_batch,
                        .prefill_chunk_tokens = kPrefillChunkTokens};
  limits.work.kv_bytes_per_token = static_cast<double>(fit.kv_bytes_per_token);  // in the widths of the kernels
  return limits;
}

}  // namespace

Result<RunForecast> forecast_plan(const ForecastRequest& request, std::vector<suites::Suite> suites,
                                  const results::HardwareProfile& profile) {
  RunForecast forecast;
  forecast.request = request;
  ASSAY_ASSIGN(forecast.device, forecast_device(profile));
  if (reference_kind(request.model) != ReferenceKind::model) {
    return bad_input("--model: a plan takes a model's files, not ", quoted_excerpt(request.model));
  }
  ASSAY_ASSIGN(const fs::path path, resolve_model(request.model));
  ASSAY_ASSIGN(const runners::ModelConfig config, runners::read_model_config(path));
  ASSAY_ASSIGN(const Prompts prompts, open_prompts(path, request.chat_template));
  forecast.model = path.filename().empty() ? path.parent_path().filename().string() : path.filename().string();

  ASSAY_ASSIGN(const Plan plan, make_plan(std::move(suites), request.settings));
  Items items;
  std::size_t first = 0;
  for (const PlannedSuite& planned : plan.suites) {
    const std::size_t n = planned.suite.items.size() * static_cast<std::size_t>(planned.samples);
    ASSAY_ASSIGN(SuiteForecast suite, add_suite(request, planned, std::span(plan.samples).subspan(first, n), prompts,
                                                config.max_position_embeddings, items));
    first += n;
    forecast.n_items += suite.n_items;
    forecast.n_samples += suite.n_samples;
    forecast.n_prompt_tokens += suite.n_prompt_tokens;
    forecast.suites.push_back(std::move(suite));
  }

  ASSAY_ASSIGN(const ForecastLimits limits, set_memory(config, forecast));
  const runners::PassWork& work = limits.work;
  const double n_read_bytes = work.weight_bytes + work.n_expert_layers * work.num_experts_per_tok * work.expert_bytes;
  if (n_read_bytes >= runners::kLeastFittedBytes) forecast.error_ratio = runners::kStepErrorRatio;
  ASSAY_ASSIGN(forecast.at_most, forecast_all(items.at_most, request.n_gpus, limits, forecast.device.rates));
  if (items.all_expected) {
    ASSAY_ASSIGN(forecast.expected, forecast_all(items.expected, request.n_gpus, limits, forecast.device.rates));
  }
  return forecast;
}

}  // namespace assay::run
