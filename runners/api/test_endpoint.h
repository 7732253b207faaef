#pragma once
// What tests of endpoints share: servers that behave, and those that don't, and runs that ask them.

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "runners/api/endpoint_runner.h"
#include "tests/support/scripted_server.h"

namespace assay::runners::endpoint_test {

using test_support::Exchange;
using test_support::ReceivedRequest;
using test_support::Reply;
using test_support::ScriptedServer;

/// Events of a stream: a text, the end, the counts.
inline const std::string kText = R"({"choices":[{"index":0,"delta":{"content":"4"}}]})";
inline const std::string kEnd = R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";
inline const std::string kUsage = R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}})";

Reply good_reply();
Reply whole_answer();

bool is_probe(const ReceivedRequest& request);
Reply model_list();

/// A handler that answers the first contact, and asks `handler` for the rest with their number from 0.
ScriptedServer::Handler behind_probe(std::function<Reply(int n, const ReceivedRequest&)> handler);

/// The `bad` reply first, as often as `n_bad`; then good ones.
ScriptedServer::Handler bad_then_good(Reply bad, int n_bad);

EndpointOptions quick_options(const std::string& url);
std::vector<Request> requests(int n);

struct Ran {
  Result<> result;
  std::map<std::string, Completion> completions;
  int n_completions = 0;
};
Ran run_all(Runner& runner, const std::vector<Request>& asked, std::stop_token stop = {});
Ran run_all(const EndpointOptions& options, const std::vector<Request>& asked);

/// Ways to misbehave, each with what a sample's failure must say once the attempts are used up.
struct Fault {
  const char* name;
  Reply reply;
  const char* says;
};
std::vector<Fault> faults();

}  // namespace assay::runners::endpoint_test
