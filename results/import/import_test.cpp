// Fixtures are written by hand in the shapes that the tools write: lm-eval 0.4.13, inspect_ai 0.3.285, simple-evals,
// ZeroEval, llama-bench and Google Benchmark.
#include "results/import/import.h"

#include <random>

#include "harness/base/file.h"
#include "results/export/export.h"
#include "results/import/import_parts.h"
#include "results/summary.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLmEval =
    R"({"doc_id":0,"doc":{"q":"Q0"},"target":"9 + 9\n#### 1,800","arguments":{"gen_args_0":{"arg_0":"Q: Q0","arg_1":{"until":["Q:"]}}},"resps":[["It is 1800."]],"filtered_resps":["1800"],"filter":"strict-match","metrics":["exact_match"],"doc_hash":"a","exact_match":1.0}
{"doc_id":1,"doc":{"q":"Q1"},"target":"#### 3","arguments":[["Q: Q1",{"until":["Q:"]}]],"resps":[["no idea"]],"filtered_resps":["[invalid]"],"filter":"strict-match","metrics":["exact_match"],"exact_match":0.0}
{"doc_id":0,"doc":{},"target":"#### 1800","arguments":{},"resps":[["It is 1800."]],"filtered_resps":["1800"],"filter":"flexible-extract","metrics":["exact_match"],"exact_match":0.0}
)";

constexpr std::string_view kInspect = R"({"version":2,"status":"success",
"eval":{"run_id":"r","created":"2026-11-22T22:23:44+01:00","task":"pkg/sums","model":"openai/gpt-4o","dataset":{"samples":2},"config":{"epochs":2}},
"plan":{"steps":[]},"results":{"scores":[]},"samples":[
{"id":2,"epoch":1,"input":"What is 2+2?","target":"4","messages":[{"role":"system","content":"x"},{"role":"user","content":"attachment://abc"}],
 "output":{"model":"m","choices":[{"message":{"role":"assistant","content":[{"type":"reasoning","reasoning":"two"},{"type":"text","text":"ANSWER: 4"}]},"stop_reason":"stop"}],"usage":{"input_tokens":3,"output_tokens":15,"total_tokens":18},"time":0.5},
 "scores":{"match":{"value":"C","answer":"4","explanation":""}},"attachments":{"abc":"What is two and two?"}},
{"id":2,"epoch":2,"input":"What is 2+2?","target":"4","messages":[],"output":{"model":"m","choices":[{"message":{"role":"assistant","content":"five"},"stop_reason":"max_tokens"}]},"scores":{"match":{"value":"N","answer":null}}},
{"id":"s1","epoch":1,"input":[{"role":"user","content":"hi"}],"target":["2","two"],"messages":[],"output":{"model":"m","choices":[],"completion":""},"scores":{},"error":{"message":"it broke","traceback":""}},
{"id":"s1","epoch":2,"input":"hi","target":["2","two"],"messages":[],"output":{"model":"m","choices":[{"message":{"role":"assistant","content":"2"},"stop_reason":"stop"}]},"scores":{"match":{"value":0.5}}}]})";

constexpr std::string_view kSimpleEvals = R"({"score":0.5,"metrics":{"chars":10.0},"htmls":[
"<h3>Results</h3>\n<p>Correct Answer: C</p>\n<p>Extracted Answer: C</p>\n<p>Score: 1.0</p>",
"<p>Correct Answer: &lt;B&gt;</p>\n<p>Extracted Answer: None</p>\n<p>Score: 0.0</p>"],
"convos":[[{"role":"user","content":"Q0"},{"role":"assistant","content":"Answer: C"}],
[{"role":"user","content":"Q1"},{"role":"assistant","content":"who knows"}]],"metadata":{"example_level_metadata":[null,null]}})";

constexpr std::string_view kZeroEval = R"([{"session_id":"zebra-0","chat_history":["Solve it"],"model_input":"n/a",
"output":["{\"solution\":{}}"],"generator":"tiny-model","configs":{"engine":"vllm"},"dataset":"zebra-grid","id":"lgp-test-2x2-33","size":"2*2",
"solution":{"header":["House","Name"],"rows":[["1","Eric"],["2","Arnold"]]}}])";

constexpr std::string_view kLlamaBench = R"([
{"build_commit":"abc123","build_number":1,"cpu_info":"EPYC","gpu_info":"NVIDIA H100","backends":"CUDA","model_filename":"models/q4.gguf","model_type":"llama 7B","n_batch":2048,"n_prompt":512,"n_gen":0,"n_depth":0,"test_time":"2026-11-22T10:00:00Z","avg_ns":1,"stddev_ns":0,"avg_ts":5000.5,"stddev_ts":12.5,"samples_ns":[1,1],"samples_ts":[4990.0,5011.0]},
{"build_commit":"abc123","cpu_info":"EPYC","gpu_info":"NVIDIA H100","model_filename":"models/q4.gguf","n_prompt":0,"n_gen":128,"test_time":"2026-11-22T10:00:09Z","avg_ts":120.25,"stddev_ts":0,"samples_ts":[120.25]}])";

constexpr std::string_view kGoogleBenchmark =
    R"({"context":{"date":"2026-11-22T10:00:00+00:00","host_name":"node1","executable":"./bench/gemm","num_cpus":16,"mhz_per_cpu":3000,"cpu_scaling_enabled":false,"caches":[],"load_avg":[0.1],"library_build_type":"release"},
"benchmarks":[
{"name":"BM_gemm/64","run_name":"BM_gemm/64","run_type":"iteration","repetitions":2,"repetition_index":0,"threads":1,"iterations":10,"real_time":10.0,"cpu_time":9.0,"time_unit":"us","bytes_per_second":100.0},
{"name":"BM_gemm/64","run_name":"BM_gemm/64","run_type":"iteration","repetitions":2,"repetition_index":1,"threads":1,"iterations":10,"real_time":12.0,"cpu_time":9.0,"time_unit":"us","bytes_per_second":120.0},
{"name":"BM_gemm/64_mean","run_name":"BM_gemm/64","run_type":"aggregate","aggregate_name":"mean","iterations":2,"real_time":11.0,"cpu_time":9.0,"time_unit":"us"},
{"name":"BM_broken","run_type":"iteration","error_occurred":true,"error_message":"no","real_time":0,"cpu_time":0,"time_unit":"ns"}]})";

fs::path put(const TemporaryFolder& folder, const std::string& name, std::string_view text) {
  const fs::path path = folder / name;
  fs::create_directories(path.parent_path());
  REQUIRE(write_file(path, text));
  return path;
}

Result<std::vector<ImportedRun>> read(ImportFormat format, const fs::path& file) {
  return read_import(format, file, {}, kNowMs);
}

ImportedRun read_one(ImportFormat format, const fs::path& file) {
  auto runs = read(format, file);
  REQUIRE(ok(runs));
  REQUIRE(runs->size() == 1);
  return std::move((*runs)[0]);
}

/// Stores it twice; the second time changes nothing.
RunSummary store_twice(Store& store, const ImportedRun& run) {
  const auto first = store_import(store, run);
  REQUIRE(ok(first));
  CHECK(first->n_samples_added == static_cast<std::int64_t>(run.samples.size()));
  CHECK_FALSE(first->was_there);
  const auto again = store_import(store, run);
  REQUIRE(ok(again));
  CHECK(again->was_there);
  CHECK(again->n_samples_added == 0);
  const auto summary = summarise(store, run.run_id);
  REQUIRE(ok(summary));
  return *summary;
}

std::string tag_of(const RunFacts& facts, const std::string& name) {
  for (const auto& [tag, value] : facts.tags) {
    if (tag == name) return value;
  }
  return "";
}

struct Format {
  ImportFormat format;
  std::string name;
  std::string_view text;
};
const std::vector<Format>& formats() {
  static const std::vector<Format> all = {
      {ImportFormat::lm_eval, "org__model/samples_gsm8k_2026-11-22T10-00-00.123.jsonl", kLmEval},
      {ImportFormat::inspect, "log.json", kInspect},
      {ImportFormat::simple_evals, "gpqa_gpt-4o_x_20250101_120000_allresults.json", kSimpleEvals},
      {ImportFormat::zeroeval, "zebra-grid/tiny-model.json", kZeroEval},
      {ImportFormat::llama_bench, "llama.json", kLlamaBench},
      {ImportFormat::google_benchmark, "gemm.json", kGoogleBenchmark},
  };
  return all;
}

}  // namespace

TEST_CASE("import: lm-eval's samples are a run with its own verdicts", "[results][import]") {
  TemporaryFolder folder;
  const ImportedRun run = read_one(ImportFormat::lm_eval, put(folder, formats()[0].name, kLmEval));
  CHECK(run.facts.model.name == "org__model");
  CHECK(tag_of(run.facts, "source") == "lm-eval");
  CHECK(tag_of(run.facts, "source_file") == "samples_gsm8k_2026-11-22T10-00-00.123.jsonl");
  CHECK(tag_of(run.facts, "source_sha256").size() == 64);
  const RunSuiteFacts& suite = run.facts.suites[0];
  CHECK(suite.suite == "gsm8k");
  CHECK(suite.kind == "integer");
  REQUIRE(suite.items.size() == 2);  // the second filter has the same replies
  CHECK(suite.items[0].expected == "1800");
  CHECK(suite.items[0].prompt == "Q: Q0");
  CHECK(suite.items[1].prompt == "Q: Q1");  // as older versions write it
  CHECK(run.samples[0].sample.text == "It is 1800.");
  CHECK(run.samples[0].verdict.verdict == Verdict::correct);
  CHECK(run.samples[0].verdict.answer == "1800");
  CHECK(run.samples[0].verdict.rule == "strict-match:exact_match");
  CHECK(run.samples[1].verdict.verdict == Verdict::no_answer);
  auto store = Store::open_or_create(folder / "x.db");
  const RunSummary summary = store_twice(*store, run);
  CHECK(summary.suites[0].accuracy == 0.5);
  CHECK(summary.run.state == RunState::finished);
  CHECK(summary.run.facts.provenance == "measured");
  CHECK_FALSE(summary.output_tokens_per_s.has_value());  // nobody timed it
}

TEST_CASE("import: lm-eval's file of figures alone is refused with the file that is meant", "[results][import]") {
  TemporaryFolder folder;
  const auto done = read(ImportFormat::lm_eval, put(folder, "results_2026-11-23T04-36-23.468554.json", "{\n}"));
  REQUIRE_FALSE(done);
  CHECK(done.error().kind == ErrorKind::bad_input);
  CHECK_THAT(done.error().message, Contains("samples_*.jsonl"));
}

TEST_CASE("import: lm-eval's repeats have no verdict of their own", "[results][import]") {
  TemporaryFolder folder;
  const ImportedRun run =
      read_one(ImportFormat::lm_eval,
               put(folder, "samples_t.jsonl",
                   R"({"doc_id":7,"target":"1","resps":[["a","b"]],"filtered_resps":["a"],"exact_match":1})"));
  CHECK(run.samples.size() == 2);
  CHECK(run.n_ungraded == 2);
  CHECK(run.samples[1].verdict.verdict == Verdict::error);
}

TEST_CASE("import: Inspect's log with epochs, reasoning, attachments and errors", "[results][import]") {
  TemporaryFolder folder;
  const ImportedRun run = read_one(ImportFormat::inspect, put(folder, "log.json", kInspect));
  CHECK(run.segments[0].started_at_ms == 1'795'382'624'000);  // date -d 2026-11-22T21:23:44Z +%s
  CHECK(run.facts.model.name == "openai/gpt-4o");
  const RunSuiteFacts& suite = run.facts.suites[0];
  CHECK(suite.suite == "sums");
  CHECK(suite.samples == 2);
  CHECK(suite.items[0].item.value == "2");
  CHECK(suite.items[0].prompt == "What is two and two?");
  CHECK(suite.items[1].expected == "2");
  const GradedSample& first = run.samples[0];
  CHECK(first.sample.text == "<think>two</think>\nANSWER: 4");
  CHECK(first.sample.n_output_tokens == 15);
  CHECK(first.sample.e2e_ms == 500);
  CHECK(first.verdict.verdict == Verdict::correct);
  CHECK(run.samples[1].sample.finish_reason == "length");
  CHECK(run.samples[1].sample.key.sample == 1);
  CHECK(run.samples[1].verdict.verdict == Verdict::no_answer);
  CHECK(run.samples[2].sample.failure == "it broke");
  CHECK(run.samples[2].verdict.verdict == Verdict::error);
  CHECK(run.samples[3].verdict.score == 0.5);
  CHECK(run.samples[3].verdict.verdict == Verdict::incorrect);
  auto store = Store::open_or_create(folder / "x.db");
  CHECK(store_twice(*store, run).suites[0].suite.n_samples == 4);
}

TEST_CASE("import: simple-evals' conversations, and its scores alone as published", "[results][import]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const ImportedRun run = read_one(ImportFormat::simple_evals, put(folder, formats()[2].name, kSimpleEvals));
  CHECK(run.facts.model.name == "gpt-4o_x");
  CHECK(run.facts.suites[0].suite == "gpqa");
  CHECK(run.facts.suites[0].is_protected);  // its authors ask for no plain text
  CHECK_FALSE(run.facts.suites[0].items[0].prompt.has_value());
  CHECK(run.samples[0].verdict.answer == "C");
  CHECK(run.samples[1].verdict.verdict == Verdict::no_answer);
  CHECK(run.samples[1].verdict.expected == "<B>");
  CHECK(store_twice(*store, run).suites[0].accuracy == 0.5);

  const ImportedRun scores =
      read_one(ImportFormat::simple_evals, put(folder, "mmlu_o1.json", R"({"score":0.9,"score:std":0.3,"chars":812})"));
  CHECK(scores.facts.provenance == "published");
  const RunSummary summary = store_twice(*store, scores);
  REQUIRE(summary.run.facts.measurements.size() == 3);
  CHECK(summary.run.facts.measurements[0].name == "mmlu");
  CHECK(summary.run.facts.measurements[0].value == 0.9);
  CHECK(to_json(summary)["measurements"][0]["provenance"] == "published");
}

TEST_CASE("import: ZeroEval's results have no verdict, but what regrading needs", "[results][import]") {
  TemporaryFolder folder;
  const ImportedRun run = read_one(ImportFormat::zeroeval, put(folder, formats()[3].name, kZeroEval));
  CHECK(run.facts.model.name == "tiny-model");
  CHECK(run.facts.suites[0].suite == "zebra-grid");
  CHECK(run.facts.suites[0].kind == "grid");
  CHECK(run.n_ungraded == 1);
  CHECK(run.facts.suites[0].items[0].tag == "2*2");
  CHECK(run.facts.suites[0].items[0].expected == R"({"House 1":{"Name":"Eric"},"House 2":{"Name":"Arnold"}})");
  auto store = Store::open_or_create(folder / "x.db");
  CHECK(store_twice(*store, run).suites[0].suite.n_errors == 1);
}

TEST_CASE("import: llama-bench and Google Benchmark are figures with their spread", "[results][import]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const RunSummary llama =
      store_twice(*store, read_one(ImportFormat::llama_bench, put(folder, "llama.json", kLlamaBench)));
  REQUIRE(llama.run.facts.measurements.size() == 2);
  const Measurement& prompt = llama.run.facts.measurements[0];
  CHECK(prompt.name == "pp512");
  CHECK(prompt.metric == "tokens_per_s");
  CHECK(prompt.value == 5000.5);
  CHECK(prompt.stddev == 12.5);
  CHECK(prompt.n == 2);
  CHECK(prompt.details["n_batch"] == 2048);
  CHECK(llama.run.facts.measurements[1].name == "tg128");
  CHECK(llama.run.segments[0].environment.gpu_name == "NVIDIA H100");
  CHECK(llama.run.facts.model.name == "q4");

  // What the tests differ in is in their names, as in the tool's own tables; another model is another run.
  const std::string two_models = R"([
{"model_filename":"q4.gguf","gpu_info":"H100","n_prompt":512,"n_gen":0,"n_batch":2048,"flash_attn":false,"avg_ts":5000},
{"model_filename":"q4.gguf","gpu_info":"H100","n_prompt":512,"n_gen":0,"n_batch":512,"flash_attn":false,"avg_ts":4000},
{"model_filename":"q8.gguf","gpu_info":"H100","n_prompt":512,"n_gen":0,"n_batch":512,"flash_attn":false,"avg_ts":2000}])";
  const auto models = read(ImportFormat::llama_bench, put(folder, "two.json", two_models));
  REQUIRE(ok(models));
  REQUIRE(models->size() == 2);
  const RunSummary q4 = store_twice(*store, (*models)[0]), q8 = store_twice(*store, (*models)[1]);
  CHECK(q4.run.facts.measurements[0].name == "pp512 n_batch=2048");
  CHECK(q4.run.facts.measurements[1].name == "pp512 n_batch=512");
  CHECK(q8.run.facts.model.name == "q8");
  CHECK(q8.run.facts.measurements[0].name == "pp512");
  CHECK(q8.run.facts.measurements[0].value == 2000);

  const RunSummary google =
      store_twice(*store, read_one(ImportFormat::google_benchmark, put(folder, "gemm.json", kGoogleBenchmark)));
  REQUIRE(google.run.facts.measurements.size() == 3);  // aggregates and failures are none
  const auto& figures = google.run.facts.measurements;
  CHECK(figures[2].metric == "real_time_ns");
  CHECK(figures[2].value == 11'000);
  CHECK_THAT(*figures[2].stddev, WithinRel(1414.213562373095, 1e-12));  // of 10,000 and 12,000
  CHECK(figures[0].metric == "bytes_per_s");
  CHECK(google.run.segments[0].environment.hostname == "node1");
}

namespace {

std::string exported_run(const Store& store, const RunId& run) {
  std::string text;
  REQUIRE(export_runs(store, std::vector<RunId>{run}, {.format = ExportFormat::json, .include_protected = true},
                      [&](std::string_view part) -> Result<> {
                        text += part;
                        return {};
                      }));
  return text;
}

}  // namespace

TEST_CASE("import: our own export comes back the same", "[results][import]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  RunFacts facts = some_run("trial", 3, 2);
  facts.price_usd_per_gpu_hour = 2.5;
  facts.hardware_profile = "h100";
  facts.measurements = {{"pp512", "tokens_per_s", 10, 0.5, 3, {{"k", 1}}}};
  auto writer = store->begin_run(facts, some_environment("cuda"), kNowMs);
  for (int i = 0; i < 6; ++i) {
    const Verdict verdict = i % 2 == 0 ? Verdict::correct : Verdict::truncated;
    REQUIRE(ok(writer->add_sample(some_sample(item_name(i % 3), i / 3), some_verdict(verdict), kNowMs, i)));
  }
  const std::vector<GpuSample> gpu = {{0, 0, 1, 2, 300, 40, 4, 10}, {0, 1000, 1, 2, 310, 41, 0, 320}};
  REQUIRE(ok(writer->add_gpu_samples(gpu)));
  REQUIRE(ok(writer->finish(RunState::finished, kNowMs + 100, 2000, DeviceTime{100, 200, 300})));
  const std::string text = exported_run(*store, writer->run_id());
  const ImportedRun run = read_one(ImportFormat::assay, put(folder, "a.json", text));
  auto copy = Store::open_or_create(folder / "b.db");
  store_twice(*copy, run);
  CHECK(exported_run(*copy, writer->run_id()) == text);
  // The same id with another reply is another run.
  ImportedRun other = run;
  other.samples[0].sample.text += "!";
  const auto refused = store_import(*copy, other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::bad_input);
}

namespace {

/// Six samples by three processes: the first was killed, the second stopped, the third went on to the end. Each has its
/// machine, time, and samples of its GPU.
RunId write_segments(Store& store, int n_segments) {
  std::optional<RunWriter> writer;
  for (int segment = 0; segment < n_segments; ++segment) {
    EnvironmentFacts environment = some_environment("cuda");
    environment.hostname = "node" + std::to_string(segment);
    auto next = segment == 0
                    ? store.begin_run(some_run("trial", 3, 2), environment, kNowMs, RunOrigin{RunId("abc123"), kNowMs})
                    : store.resume_run(RunId("abc123"), environment, kNowMs + 10'000 * segment);
    REQUIRE(ok(next));
    writer = std::move(*next);
    const double joules = 1000 * segment;
    const std::vector<GpuSample> gpu = {{0, 0, 1, 2, 300, 40, 4, joules}, {0, 2000, 1, 2, 300, 41, 0, joules + 600}};
    REQUIRE(ok(writer->add_gpu_samples(gpu)));
    for (int i = 2 * segment; i < 2 * segment + 2; ++i) {
      REQUIRE(ok(writer->add_sample(some_sample(item_name(i % 3), i / 3), some_verdict(Verdict::correct),
                                    kNowMs + 10'000 * segment, 1000 + segment)));
    }
    if (segment == 1) {
      REQUIRE(ok(writer->finish(RunState::interrupted, kNowMs + 20'000, 2000, DeviceTime{1, 2, 3})));
    }
    if (segment == 2) REQUIRE(ok(writer->finish(RunState::finished, kNowMs + 30'000, 3000, DeviceTime{4, 5, 6})));
    writer.reset();
  }
  return RunId("abc123");
}

}  // namespace

TEST_CASE("import: a run of several segments comes back with each, and grows as the run did", "[results][import]") {
  TemporaryFolder folder;
  auto whole = Store::open_or_create(folder / "whole.db");
  const std::string text = exported_run(*whole, write_segments(*whole, 3));
  auto copy = Store::open_or_create(folder / "copy.db");
  const RunSummary summary = store_twice(*copy, read_one(ImportFormat::assay, put(folder, "whole.json", text)));
  CHECK(exported_run(*copy, RunId("abc123")) == text);
  REQUIRE(summary.run.segments.size() == 3);
  CHECK_FALSE(summary.run.segments[0].ended_at_ms);
  CHECK(summary.run.segments[1].environment.hostname == "node1");
  CHECK(summary.wall_s == 1.0 + 2 + 3);
  CHECK(summary.gpu->energy_joules == 1800);
  CHECK(summary.run.state == RunState::finished);

  auto growing = Store::open_or_create(folder / "growing.db");
  for (const int n_segments : {1, 2, 3}) {
    auto part = Store::open_or_create(folder / ("part" + std::to_string(n_segments) + ".db"));
    const std::string so_far = exported_run(*part, write_segments(*part, n_segments));
    const auto stored = store_import(*growing, read_one(ImportFormat::assay, put(folder, "part.json", so_far)));
    REQUIRE(ok(stored));
    CHECK(stored->n_samples_added == 2);
    CHECK(exported_run(*growing, RunId("abc123")) == so_far);
  }
}

TEST_CASE("import: of a run that can't be stored whole nothing is stored", "[results][import]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  ImportedRun run = read_one(ImportFormat::inspect, put(folder, "log.json", kInspect));
  run.samples.back().sample.n_output_tokens = -1;
  CHECK_FALSE(store_import(*store, run));
  CHECK(store->list_runs()->empty());
  run.samples.back().sample.n_output_tokens = 1;
  CHECK(ok(store_import(*store, run)));
}

TEST_CASE("import: an import that was cut off goes on", "[results][import]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const ImportedRun run = read_one(ImportFormat::inspect, put(folder, "log.json", kInspect));
  {
    auto writer = store->begin_run(run.facts, run.segments[0].environment, run.segments[0].started_at_ms,
                                   RunOrigin{run.run_id, run.segments[0].started_at_ms});
    REQUIRE(ok(writer->add_sample(run.samples[0].sample, run.samples[0].verdict, kNowMs, 0)));
  }
  const auto rest = store_import(*store, run);
  REQUIRE(ok(rest));
  CHECK(rest->n_samples_added == 3);
  CHECK(store->read_run(run.run_id)->state == RunState::finished);
}

TEST_CASE("import: a broken file is refused with its place", "[results][import]") {
  TemporaryFolder folder;
  const auto refusal = [&](ImportFormat format, std::string_view text) {
    const auto runs = read(format, put(folder, "samples_t.jsonl", text));
    REQUIRE_FALSE(runs);
    CHECK(runs.error().kind == ErrorKind::bad_input);
    CHECK_THAT(runs.error().message, Contains("samples_t.jsonl"));
    return runs.error().message;
  };
  using Format = ImportFormat;
  CHECK_THAT(refusal(Format::lm_eval, "{\"doc_id\":0,\"resps\":[[\"a\"]],\"exact_match\":1}\n{\"doc_id\":\"x\"}"),
             Contains(":2") && Contains("doc_id"));
  CHECK_THAT(refusal(Format::lm_eval, R"({"doc_id":0,"resps":"a"})"), Contains("resps"));
  CHECK_THAT(refusal(Format::lm_eval, R"({"doc_id":0,"resps":[["a"]],"exact_match":34.5})"), Contains("0 to 1"));
  CHECK_THAT(refusal(Format::lm_eval, "{\"doc_id\":0,\"resps\":[[\"a\"]]}\n{\"doc_id\":0,\"resps\":[[\"a\"]]}"),
             Contains("already"));
  CHECK_THAT(refusal(Format::lm_eval, ""), Contains("no sample"));
  CHECK_THAT(refusal(Format::inspect, R"({"eval":{"task":"t","model":"m"}})"), Contains("samples"));
  CHECK_THAT(refusal(Format::inspect, R"({"eval":{"task":"t","model":"m"},"samples":[{"id":1.5}]})"),
             Contains("samples[0]") && Contains("id"));
  CHECK_THAT(
      refusal(Format::inspect,
              R"({"eval":{"task":"t","model":"m"},"samples":[{"id":1,"epoch":2000000,"output":{"choices":[]}}]})"),
      Contains("beyond"));
  CHECK_THAT(refusal(Format::simple_evals, R"({"convos":[[{"role":"user"}]]})"), Contains("content"));
  CHECK_THAT(refusal(Format::simple_evals, R"({"score":"high"})"), Contains("score"));
  CHECK_THAT(refusal(Format::zeroeval, "{}"), Contains("list"));
  CHECK_THAT(refusal(Format::zeroeval, R"([{"id":"a","output":[]}])"), Contains("output"));
  CHECK_THAT(refusal(Format::llama_bench, "[]"), Contains("no test"));
  CHECK_THAT(refusal(Format::llama_bench, R"([{"model_filename":"a","n_prompt":1,"n_gen":0,"avg_ts":-1}])"),
             Contains("avg_ts"));
  CHECK_THAT(refusal(Format::google_benchmark,
                     R"({"context":{},"benchmarks":[{"name":"a","real_time":1,"cpu_time":1,"time_unit":"h"}]})"),
             Contains("time_unit"));
  CHECK_THAT(refusal(Format::assay, "SQLite format 3"), Contains("merge"));
  CHECK_THAT(refusal(Format::assay, "{}"), Contains("run_id"));
}

TEST_CASE("import: cut and changed files give runs or errors", "[results][import][hostile]") {
  TemporaryFolder folder;
  std::mt19937 random(11);
  int n_refused = 0;
  for (const Format& format : formats()) {
    for (int round = 0; round < 150; ++round) {
      std::string text(format.text);
      if (round % 2 == 0) {
        text.resize(random() % text.size());
      } else {
        constexpr std::string_view kBytes = "{}[]\":,0-9eE.ntf\\ \x80";
        for (int i = 0; i < 3; ++i) text[random() % text.size()] = kBytes[random() % kBytes.size()];
      }
      const auto runs = read(format.format, put(folder, format.name, text));
      n_refused += runs ? 0 : 1;
      if (!runs) continue;
      auto store = Store::open_or_create(folder / "x.db");
      for (const ImportedRun& run : *runs) CHECK(ok(store_import(*store, run)));
    }
  }
  CHECK(n_refused > 400);
}

TEST_CASE("parse_iso_time: zones, fractions, and what is no time", "[results][import]") {
  CHECK(parse_iso_time("1970-01-01T00:00:01Z") == 1000);
  CHECK(parse_iso_time("1970-01-01T01:00:00+01:00") == 0);
  CHECK(parse_iso_time("1970-01-01 00:00:00.999") == 0);
  for (const char* text : {"", "yesterday", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00+1"}) {
    CHECK_FALSE(parse_iso_time(text).has_value());
  }
}
