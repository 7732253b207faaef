#include "harness/bench/self_test.h"

#include <algorithm>

#include "harness/bench/instant_server.h"
#include "harness/bench/load.h"
#include "results/analysis/moments.h"
#include "runners/api/endpoint_runner.h"

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
  request.messages = {{runners::Role::user, "self-test"}};
  request.sampling.max_output_tokens = 1;  // whatever comes is taken
  return request;
}

constexpr double kAtMostMs = 200;
constexpr std::int64_t kUsers = 16;  // at once, where a client saturates
constexpr int kEventsOfRequest = 16;

Result<LoadResult> run_load(runners::LiveRunner& runner, LoadTime& time, const Arrivals& arrivals, double duration_ms,
                            std::int64_t max_requests) {
  const LoadPlan plan{
      .arrivals = arrivals, .duration_ms = duration_ms, .max_requests = max_requests, .make_request = small_request};
  ASSAY_ASSIGN(LoadResult load, generate_load(runner, plan, time, {}));
  for (const RequestRecord& record : load.records) {
    if (record.failed()) return environment_error("the client's self-test failed: ", record.failure);
  }
  return load;
}

double ms_per_request(const LoadResult& load) {
  return std::max(load.end_ms, 1e-6) / static_cast<double>(std::max<std::size_t>(1, load.records.size()));
}

/// `small` answers with kEventsOfRequest events, `large` with `n_events`.
Result<SelfTest> test_with(runners::LiveRunner& small, runners::LiveRunner& large, int n_events, LoadTime& time,
                           std::int64_t n_users) {
  constexpr std::int64_t kMostRequests = 5000;
  constexpr double kEasyRate = 100;  // requests a second that are no trouble
  SelfTest test;
  ASSAY_ASSIGN(const LoadResult alone, run_load(small, time, {}, kAtMostMs, kMostRequests));
  test.overhead_ms = ms_per_request(alone);
  test.requests_per_s = 1000 / test.overhead_ms;
  if (n_users > 1) {
    ASSAY_ASSIGN(const LoadResult many, run_load(small, time, {.concurrency = n_users}, kAtMostMs, kMostRequests));
    test.requests_per_s = std::max(test.requests_per_s, 1000 / ms_per_request(many));
  }
  ASSAY_ASSIGN(const LoadResult stream, run_load(large, time, {}, kAtMostMs, 1));
  test.events_per_s = n_events / std::max(stream.end_ms, 1e-6) * 1000;
  ASSAY_ASSIGN(const LoadResult easy,
               run_load(small, time, {.process = ArrivalProcess::constant, .rate_per_s = kEasyRate}, 300, 1000));
  std::vector<double> lateness_ms;
  for (const RequestRecord& record : easy.records) lateness_ms.push_back(record.lateness_ms());
  test.lateness_max_ms = *std::max_element(lateness_ms.begin(), lateness_ms.end());
  ASSAY_ASSIGN(test.lateness_p50_ms, results::quantile(lateness_ms, 0.5));
  return test;
}

Result<std::unique_ptr<runners::LiveRunner>> open_runner(const InstantServer& server) {
  runners::EndpointOptions options;
  ASSAY_ASSIGN(options.connection.endpoint, runners::api::parse_endpoint(server.reference()));
  options.max_in_flight = kUsers;
  options.retry.most_attempts = 1;
  return runners::open_live_endpoint_runner(std::move(options));
}

}  // namespace

Json to_json(const SelfTest& test) {
  return {{"over", test.over},
          {"requests_per_s", test.requests_per_s},
          {"events_per_s", test.events_per_s},
          {"overhead_ms", test.overhead_ms},
          {"lateness_p50_ms", test.lateness_p50_ms},
          {"lateness_max_ms", test.lateness_max_ms}};
}

Result<SelfTest> test_client(LoadTime& time) {
  constexpr int kEventsOfStream = 100'000;
  InstantRunner small(time, kEventsOfRequest), large(time, kEventsOfStream);
  return test_with(small, large, kEventsOfStream, time, 1);  // it answers within submit(): users would be in turn
}

Result<SelfTest> test_endpoint_client(LoadTime& time) {
  constexpr int kEventsOfStream = 10'000;
  ASSAY_ASSIGN(const InstantServer short_replies, InstantServer::start(kEventsOfRequest));
  ASSAY_ASSIGN(const InstantServer long_replies, InstantServer::start(kEventsOfStream));
  ASSAY_ASSIGN(const auto small, open_runner(short_replies));
  ASSAY_ASSIGN(const auto large, open_runner(long_replies));
  ASSAY_ASSIGN(SelfTest test, test_with(*small, *large, kEventsOfStream, time, kUsers));
  test.over = "http";
  return test;
}

}  // namespace assay::bench
