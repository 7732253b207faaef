#include "runners/engine/native_runner.h"

#include <utility>

#include "runners/engine/native_engine.h"
#include "runners/formats/tokenizer/streaming_decoder.h"

namespace assay::runners {

namespace {

class NativeRunner final : public Runner {
 public:
  explicit NativeRunner(std::unique_ptr<NativeEngine> engine) : engine_(std::move(engine)) {}

  ModelFacts model_facts() const override { return engine_->model_facts(); }
  DeviceFacts device_facts() const override { return engine_->device_facts(); }

  Result<> check(const std::vector<Request>& requests) override {
    for (const Request& request : requests) ASSAY_TRY(engine_->prepare_checked(request));
    return {};
  }

  Result<> run(const std::vector<Request>& requests, const CompletionSink& on_completion,
               const ProgressSink& on_progress, std::stop_token stop) override;
  Result<std::optional<LinkReport>> link_report() const override { return engine_->scheduler().link_report(); }

 private:
  /// A padded vocabulary has ids without a token; a model may draw one, and it has no text.
  std::string decode(const std::vector<std::int32_t>& tokens) const {
    StreamingDecoder decoder(engine_->tokenizer());
    std::string text;
    for (const std::int32_t token : tokens) text += decoder.push(token);
    return text + decoder.finish();
  }

  std::unique_ptr<NativeEngine> engine_;
};

Result<> NativeRunner::run(const std::vector<Request>& requests, const CompletionSink& on_completion,
                           const ProgressSink& on_progress, std::stop_token stop) {
  std::vector<Prepared> prepared;
  std::vector<TokenRequest> token_requests;
  for (const Request& request : requests) {
    ASSAY_ASSIGN(Prepared one, engine_->prepare(request));
    token_requests.push_back(one.request);
    prepared.push_back(std::move(one));
  }
  return engine_->scheduler().run(
      token_requests,
      [&](TokenOutput output) -> Result<> {
        const auto i = static_cast<std::size_t>(output.request);
        std::string text = decode(output.tokens);
        return on_completion(engine_->complete(requests[i], prepared[i], std::move(output), std::move(text)));
      },
      on_progress, stop);
}

}  // namespace

Result<std::unique_ptr<Runner>> open_native_runner(const NativeOptions& options) {
  ASSAY_ASSIGN(std::unique_ptr<NativeEngine> engine, NativeEngine::open(options, Workload::offline));
  return std::unique_ptr<Runner>(std::make_unique<NativeRunner>(std::move(engine)));
}

}  // namespace assay::runners
