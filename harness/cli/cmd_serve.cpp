// assay serve: the native engine behind an HTTP endpoint that OpenAI's clients can talk to.

#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/model_options.h"
#include "harness/cli/output.h"
#include "harness/run/open_runner.h"
#include "harness/run/stop_signals.h"
#include "harness/serve/service.h"

namespace assay::cli {

namespace {

struct ServeArgs {
  ModelOptions model;
  std::string host = "127.0.0.1";
  std::optional<std::int64_t> port;
  std::optional<std::int64_t> max_queue;
  std::optional<std::int64_t> drain_s;
  std::string api_key_env;
  bool insecure = false;
  bool dummy_weights = false;
};

struct ServeJob {
  run::RunnerOptions runner;
  std::string host;
  int port = 8000;
  std::int64_t max_queue = 1024;
  std::chrono::seconds drain{10};
  std::string api_key;
};

/// An address that no other machine can reach. A name that only looks like one may lead anywhere.
bool is_loopback(std::string_view host) {
  const bool is_numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && is_numeric);
}

Result<ServeJob> parse_serve(const ServeArgs& args) {
  ServeJob job;
  ASSAY_ASSIGN(job.runner, parse_model_options(args.model));
  if (run::reference_kind(args.model.model) != run::ReferenceKind::model) {
    return bad_input("--model: a model of this machine is served: give a folder, a GGUF file or a registered name");
  }
  if (args.dummy_weights) job.runner.load.weights = runners::WeightSource::dummy;
  job.host = args.host;
  job.port = static_cast<int>(args.port.value_or(job.port));
  job.max_queue = args.max_queue.value_or(job.max_queue);
  job.drain = std::chrono::seconds(args.drain_s.value_or(job.drain.count()));
  if (!args.api_key_env.empty()) {
    const char* key = std::getenv(args.api_key_env.c_str());
    if (key == nullptr || *key == '\0') return bad_input("--api-key-env: $", args.api_key_env, " is not set");
    job.api_key = key;
  }
  if (!is_loopback(args.host) && job.api_key.empty() && !args.insecure) {
    return bad_input("--host ", args.host,
                     " lets other machines in: name the variable that holds a key for them with --api-key-env, or "
                     "say --insecure to let everybody in");
  }
  return job;
}

void wait_for_stop(const std::stop_token& token) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait(lock, token, [] { return false; });
}

/// Replies under way get some time to end; then they are cut.
void stop_serving(serve::Service& service, serve::HttpServer& server, std::chrono::seconds drain) {
  service.drain();
  server.stop();
  const auto deadline = std::chrono::steady_clock::now() + drain;
  while (service.n_unfinished() > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  service.cut_all();
  server.wait_until_idle();
}

Result<> serve_command(const ServeArgs& args, const CommonOptions& common) {
  ASSAY_ASSIGN(const ServeJob job, parse_serve(args));
  const run::StopSignals signals;  // before anything starts a thread
  ASSAY_ASSIGN(std::unique_ptr<runners::LiveRunner> runner,
               run::open_live_runner(job.runner, run::progress_style(common.quiet)));
  const runners::ModelFacts facts = runner->model_facts();
  const std::int64_t max_batch = runner->device_facts().details.value("max_batch", std::int64_t{1});
  serve::Service service(*runner, {.model = facts.name,
                                   .reference = job.runner.model,
                                   .api_key = job.api_key,
                                   .max_samples = static_cast<std::size_t>(max_batch + job.max_queue)});
  ASSAY_ASSIGN(const std::unique_ptr<serve::HttpServer> server,
               serve::HttpServer::start(job.host, job.port, {}, service.handlers()));
  const Json where = {{"host", job.host}, {"port", server->port()}, {"model", facts.name}};
  const std::string host = job.host.find(':') == std::string::npos ? job.host : "[" + job.host + "]";
  ASSAY_TRY(common.json ? print_json_line(where)
                        : print("serving " + shown(facts.name) + " on http://" + host + ":" +
                                std::to_string(server->port()) + "/v1\n"));
  wait_for_stop(signals.token());
  stop_serving(service, *server, job.drain);
  runner.reset();  // what it still has to say, it says to the service
  if (service.n_cut() == 0) return {};
  return interrupted("stopped; ", service.n_cut(), service.n_cut() == 1 ? " request was" : " requests were",
                     " cut off after ", job.drain.count(), " s (--drain-s gives them longer)");
}

}  // namespace

Action declare_serve(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<ServeArgs>();  // shared by the option table, which writes it, and the action
  add_model_options(app, args->model);
  app.get_option("--model")->description(
      "A folder with config.json and safetensors, a GGUF file, or a registered name (\"assay models\" lists them)");
  add_text(app, "--host", args->host, "ADDRESS", "Listen on this address (default: 127.0.0.1, this machine alone)");
  add_integer(app, "--port", args->port, 0, 65535,
              "Listen on this port; 0 takes a free one and prints it (default: 8000)");
  add_text(app, "--api-key-env", args->api_key_env, "VAR",
           "Ask clients for the key that this environment variable holds (default: ask for none)");
  app.add_flag("--insecure", args->insecure, "Let other machines in without a key");
  add_integer(app, "--max-queue", args->max_queue, 0, 1'000'000,
              "Samples that may wait beside those that run; what comes beyond is told to try again later (default: "
              "1024)");
  add_integer(app, "--drain-s", args->drain_s, 0, 86'400,
              "Seconds that replies under way have to end once the server is told to stop (default: 10)");
  app.add_flag("--dummy-weights", args->dummy_weights,
               "Random weights for the folder's config.json and tokenizer.json: measures speed without the weights; "
               "the replies mean nothing");
  app.footer(
      "Paths: GET /v1/models, POST /v1/chat/completions, POST /v1/completions, GET /health, GET /metrics.\n"
      "A reply with \"seed\" is the same whatever else the server does. SIGINT or SIGTERM stops: exit code 0, or 4\n"
      "if replies had to be cut off. --json prints {\"host\",\"port\",\"model\"} on one line once it listens.\n"
      "Example: assay serve --model reference --port 8000");
  return [args, &common] { return serve_command(*args, common); };
}

}  // namespace assay::cli
