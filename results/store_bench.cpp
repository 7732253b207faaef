// How fast the store writes and lists. Makes the databases that the figures in README.md were taken on:
//   assay_store_bench batches FILE.db RUNS SAMPLES [CHARACTERS]
//                                                       RUNS finished runs of SAMPLES samples each, in batches of 256;
//                                                       replies of about CHARACTERS, of words as in a language
//   assay_store_bench single FILE.db SAMPLES            a run of SAMPLES samples, each its own transaction, in turns
//                                                       with as many appends of a page with fdatasync; medians
//   assay_store_bench read FILE.db                      list_runs and the summary of the newest run
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "harness/base/text.h"
#include "results/summary.h"

namespace {

using namespace assay;
using namespace assay::results;

constexpr std::int64_t kSamplesPerItem = 4;
constexpr std::size_t kBatch = 256;
constexpr std::int64_t kNowMs = 1'700'000'000'000;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

RunFacts run_of(std::int64_t number, std::int64_t n_samples) {
  RunFacts run;
  run.name = "bench " + std::to_string(number);
  run.model = {"tiny", "models/tiny", std::string(64, 'a'), std::string(64, 'b'), {{"n_layers", 6}}};
  run.seed = number;
  run.command_line = "assay run --model models/tiny --suite sums";
  RunSuiteFacts suite;
  suite.suite = "sums";
  suite.version = "1";
  suite.kind = "integer";
  suite.sha256 = std::string(64, 'c');
  suite.samples = kSamplesPerItem;
  suite.grader_version = "1";
  for (std::int64_t i = 0; i < n_samples / kSamplesPerItem; ++i) {
    suite.items.push_back({ItemId("item-" + std::to_string(i)), "", std::string(64, 'd'), "What is 1 + 1?", "2"});
  }
  run.suites = {suite};
  return run;
}

EnvironmentFacts environment() {
  EnvironmentFacts facts;
  facts.device_kind = "cpu";
  facts.device_name = "bench";
  return facts;
}

/// Words of a made-up language, some of them far more frequent than others; about `n_characters` of them.
std::string prose(std::uint64_t seed, std::int64_t n_characters) {
  constexpr std::uint64_t kWords = 50'000;
  std::uint64_t state = seed * 0x9E3779B97F4A7C15 + 1;
  std::string text;
  while (static_cast<std::int64_t>(text.size()) < n_characters) {
    state = state * 6364136223846793005 + 1442695040888963407;
    // The product of two uniform shares: small numbers, the frequent words, come up more often.
    const std::uint64_t word = ((state >> 48) * (state >> 32 & 0xFFFF) >> 16) * kWords >> 16;
    for (std::uint64_t rest = word + 1; rest > 0; rest /= 100) {
      text += "bcdfghklmnprstvwz"[rest % 17];
      text += "aeiou"[rest % 100 / 17 % 5];
    }
    text += word % 13 == 0 ? ".\n" : " ";
  }
  return text;
}

/// Sample n of a run: wrong now and then, of differing length.
GradedSample sample_of(std::int64_t n) {
  GradedSample graded;
  SampleFacts& sample = graded.sample;
  sample.key = {"sums", ItemId("item-" + std::to_string(n / kSamplesPerItem)), n % kSamplesPerItem};
  sample.prefill = "<think>\n";
  sample.text = std::string(static_cast<std::size_t>(100 + n * 37 % 200), 'x') + "</think>\\boxed{2}";
  sample.tokens.assign(static_cast<std::size_t>(16 + n % 16), 1000);
  sample.n_prompt_tokens = 10;
  sample.n_cached_prompt_tokens = 0;
  sample.n_output_tokens = 16 + n % 16;
  sample.finish_reason = "eos";
  sample.ttft_ms = 20 + static_cast<double>(n % 10);
  sample.e2e_ms = 100 + static_cast<double>(n % 50);
  sample.itl_ms_mean = 5;
  VerdictFacts& verdict = graded.verdict;
  verdict.verdict = n % 7 == 0 ? Verdict::incorrect : Verdict::correct;
  verdict.answer = n % 7 == 0 ? "3" : "2";
  verdict.expected = "2";
  verdict.score = n % 7 == 0 ? 0 : 1;
  verdict.rule = "boxed";
  verdict.graded_at_ms = kNowMs;
  return graded;
}

Result<> write_batches(const std::string& path, std::int64_t n_runs, std::int64_t n_samples,
                       std::int64_t n_characters) {
  ASSAY_ASSIGN(Store store, Store::open_or_create(path));
  double inserting_s = 0;
  for (std::int64_t r = 0; r < n_runs; ++r) {
    std::vector<GradedSample> samples;
    for (std::int64_t n = 0; n < n_samples; ++n) {
      samples.push_back(sample_of(n));
      if (n_characters == 0) continue;
      const auto number = static_cast<std::uint64_t>(r * n_samples + n);
      samples.back().sample.text = prose(number, n_characters) + "</think>\\boxed{2}";
    }
    ASSAY_ASSIGN(RunWriter writer, store.begin_run(run_of(r, n_samples), environment(), kNowMs + r));
    const double begun_s = now_s();
    for (std::size_t n = 0; n < samples.size(); n += kBatch) {
      const std::span batch = std::span(samples).subspan(n, std::min(kBatch, samples.size() - n));
      ASSAY_TRY(writer.add_samples(batch, kNowMs, static_cast<double>(n)));
    }
    inserting_s += now_s() - begun_s;
    ASSAY_TRY(writer.finish(RunState::finished, kNowMs + r, static_cast<double>(n_samples)));
  }
  const auto n_all = static_cast<double>(n_runs * n_samples);
  std::printf("%.0f samples in batches of %zu: %.0f samples/s\n", n_all, kBatch, n_all / inserting_s);
  return {};
}

/// Seconds that `n` appends of `n_bytes` take, each with fdatasync.
double append_s(const std::string& path, std::int64_t n, std::size_t n_bytes) {
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  const std::string bytes(n_bytes, 'x');
  const double begun_s = now_s();
  for (std::int64_t i = 0; i < n; ++i) {
    if (::write(file, bytes.data(), bytes.size()) < 0 || ::fdatasync(file) != 0) std::perror(path.c_str());
  }
  const double elapsed_s = now_s() - begun_s;
  ::close(file);
  return elapsed_s;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// A/B, B/A in turns of few, since a disk that others use too is not as fast in every second; and medians, since some
/// of its seconds are none. The last figure is the median of the turns' own ratios.
Result<> write_single(const std::string& path, std::int64_t n_samples) {
  constexpr std::int64_t kTurn = 25;
  constexpr std::size_t kPageBytes = 4096;
  if (n_samples < kTurn) return bad_input("single: takes at least ", kTurn, " samples");
  ASSAY_ASSIGN(Store store, Store::open_or_create(path));
  ASSAY_ASSIGN(RunWriter writer, store.begin_run(run_of(0, n_samples), environment(), kNowMs));
  std::vector<double> store_s, sync_s, ratios;
  const auto append = [&] { sync_s.push_back(append_s(path + ".sync", kTurn, kPageBytes)); };
  for (std::int64_t begin = 0; begin + kTurn <= n_samples; begin += kTurn) {
    const bool appends_first = begin / kTurn % 2 == 1;
    if (appends_first) append();
    const double begun_s = now_s();
    for (std::int64_t n = begin; n < begin + kTurn; ++n) {
      const GradedSample graded = sample_of(n);
      ASSAY_TRY(writer.add_sample(graded.sample, graded.verdict, kNowMs, static_cast<double>(n)));
    }
    store_s.push_back(now_s() - begun_s);
    if (!appends_first) append();
    ratios.push_back(sync_s.back() / store_s.back());
  }
  ::unlink((path + ".sync").c_str());
  constexpr double kTurnSamples = kTurn;
  std::printf(
      "%zu turns, medians: %.0f samples/s one at a time; %.0f appends of 4 KiB with fdatasync a second: %.0f %%\n",
      ratios.size(), kTurnSamples / median(store_s), kTurnSamples / median(sync_s), 100 * median(ratios));
  return {};
}

Result<> read(const std::string& path) {
  const double begun_s = now_s();
  ASSAY_ASSIGN(const Store store, Store::open_read_only(path));
  ASSAY_ASSIGN(const auto runs, store.list_runs());
  const double listed_s = now_s();
  ASSAY_ASSIGN(const RunId newest, store.find_run("latest"));
  ASSAY_TRY(summarise(store, newest));
  std::printf("open and list %zu runs: %.3f s; summary of one: %.3f s\n", runs.size(), listed_s - begun_s,
              now_s() - listed_s);
  return {};
}

Result<> bench(const std::vector<std::string>& words) {
  const auto number = [&](std::size_t i) { return i < words.size() ? parse_integer(words[i]).value_or(0) : 0; };
  if ((words.size() == 4 || words.size() == 5) && words[0] == "batches")
    return write_batches(words[1], number(2), number(3), number(4));
  if (words.size() == 3 && words[0] == "single") return write_single(words[1], number(2));
  if (words.size() == 2 && words[0] == "read") return read(words[1]);
  return bad_input("batches FILE.db RUNS SAMPLES [CHARACTERS] | single FILE.db SAMPLES | read FILE.db");
}

}  // namespace

int main(int argc, char** argv) {
  const auto done = bench({argv + 1, argv + argc});
  if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done ? 0 : static_cast<int>(done.error().kind);
}
