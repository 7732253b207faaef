#include "harness/bench/self_test.h"

#include <algorithm>

#include "harness/bench/load.h"
#include "results/analysis/moments.h"

namespace assay::bench {

namespace {

/// Answers within submit(), with so many events of one token.
class InstantRunner final : public runners::LiveRunner {
 public:
  InstantRunner(LoadTime& time, int n_events) : time_(time), n_events_(n_events) {}
  runners::ModelFacts model_facts() const override { return {}; }
  runners::DeviceFacts device_facts() const override { return {}; }
  Result<> check(const runners::Request&) const override { return {}; }
  runners::Ticket submit(runners::Request request, runners::LiveSink sink) override {
    for (int i = 0; i < n_events_; ++i) sink.on_event({time_.now(), 1, "word "});
    runners::Completion completion;
    completion.id = std::move(request.id);
    completion.n_output_tokens = n_events_;
    sink.on_finished(std::move(completion));
    return ++ticket_;
  }
  void cancel(runners::Ticket) override {}

 private:
  LoadTime& time_;
  const int n_events_;
  runners::Ticket ticket_ = 0;
};

runners::Request small_request(std::int64_t index) {
  runners::Request request;
  request.id = std::to_string(index);
  request.raw_prompt = "self-test";
  return request;
}

Result<LoadResult> run_load(LoadTime& time, int n_events, const Arrivals& arrivals, double duration_ms,
                            std::int64_t max_requests) {
  InstantRunner runner(time, n_events);
  const LoadPlan plan{
      .arrivals = arrivals, .duration_ms = duration_ms, .max_requests = max_requests, .make_request = small_request};
  return generate_load(runner, plan, time, {});
}

}  // namespace

Json to_json(const SelfTest& test) {
  return {{"requests_per_s", test.requests_per_s},
          {"events_per_s", test.events_per_s},
          {"overhead_ms", test.overhead_ms},
          {"lateness_p50_ms", test.lateness_p50_ms},
          {"lateness_max_ms", test.lateness_max_ms}};
}

Result<SelfTest> test_client(LoadTime& time) {
  constexpr double kAtMostMs = 200;
  constexpr int kEventsOfRequest = 16, kEventsOfStream = 100'000;
  SelfTest test;
  ASSAY_ASSIGN(const LoadResult requests, run_load(time, kEventsOfRequest, {}, kAtMostMs, 5000));
  const double n = static_cast<double>(requests.records.size());
  test.overhead_ms = std::max(requests.end_ms, 1e-6) / n;
  test.requests_per_s = 1000 / test.overhead_ms;
  ASSAY_ASSIGN(const LoadResult stream, run_load(time, kEventsOfStream, {}, kAtMostMs, 1));
  test.events_per_s = kEventsOfStream / std::max(stream.end_ms, 1e-6) * 1000;
  constexpr double kEasyRate = 100;
  ASSAY_ASSIGN(const LoadResult easy,
               run_load(time, 1, {.process = ArrivalProcess::constant, .rate_per_s = kEasyRate}, 300, 1000));
  std::vector<double> lateness_ms;
  for (const RequestRecord& record : easy.records) lateness_ms.push_back(record.lateness_ms());
  test.lateness_max_ms = *std::max_element(lateness_ms.begin(), lateness_ms.end());
  ASSAY_ASSIGN(test.lateness_p50_ms, results::quantile(lateness_ms, 0.5));
  return test;
}

}  // namespace assay::bench
