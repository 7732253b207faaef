// A model over several processes, here over threads: what they tell each other, and that the bits are those of one. Who
// is taken in and who is given up: part_group_test.cpp.

#include <algorithm>
#include <thread>

#include "kernels/simd/simd_choice.h"
#include "runners/engine/host.h"
#include "runners/engine/native_device.h"
#include "runners/engine/parts/follow.h"
#include "runners/engine/parts/leading_executor.h"
#include "runners/engine/parts/part_work.h"
#include "runners/engine/parts/pass_message.h"
#include "runners/engine/scheduler.h"
#include "runners/engine/test_executor.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::runners;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

std::filesystem::path reference_path() { return std::filesystem::path(ASSAY_SOURCE_DIR) / "models/reference"; }

const Model& model() {
  static const Model loaded = [] {
    auto made = load_model(reference_path());
    if (!made) FAIL(made.error().message);
    return std::move(*made);
  }();
  return loaded;
}

PartOptions options_of(const std::string& program = "test 1") {
  PartOptions options;
  options.program = program;
  options.secret = "s";
  options.patience = {.meeting = 20s, .silence = 20s, .between_signs = 50ms};
  return options;
}

std::vector<PartAddress> at(const PartSocket& listener) { return {{"127.0.0.1", listener.port()}}; }

/// Part 0 here, and others on threads of their own, which follow it as processes do.
class Parts {
 public:
  explicit Parts(int n_parts, const std::filesystem::path& others_path = {}) {
    auto listener = PartSocket::listen(0);
    REQUIRE(listener);
    followed_.assign(static_cast<std::size_t>(n_parts), Result<>());
    for (int part = 1; part < n_parts; ++part) {
      others_.emplace_back([this, part, leader = at(*listener), others_path] {
        auto group = PartGroup::follow(leader, part, options_of());
        Result<>& followed = followed_[static_cast<std::size_t>(part)];
        if (!group) {
          followed = group.error();
          return;
        }
        FollowOptions follow;
        follow.device = "cpu";
        follow.n_threads = 1;
        if (!others_path.empty()) follow.path = others_path;
        followed = follow_leader(**group, follow);
      });
    }
    auto made = PartGroup::lead(*listener, n_parts, options_of());
    if (!made) FAIL(made.error().message);
    group_ = std::move(*made);
  }
  ~Parts() { end(); }
  PartGroup& group() { return *group_; }
  /// What became of the others.
  std::vector<Result<>> end() {
    group_.reset();
    for (std::jthread& other : others_) {
      if (other.joinable()) other.join();
    }
    return followed_;
  }

 private:
  std::unique_ptr<PartGroup> group_;
  std::vector<Result<>> followed_;
  std::vector<std::jthread> others_;
};

/// An executor over parts, with what it computes with.
class Spread {
 public:
  Spread(Parts& parts, const ExecutorOptions& options) : pool_(1) {
    device_.parts = &parts.group();
    device_.parallel.tensor_parallel = parts.group().n_parts();
    auto made = create_executor(model(), device_, options, {}, {kernels::cpu_ops(kernels::best_simd_level()), pool_});
    if (!made) FAIL(made.error().message);
    executor_ = std::move(*made);
    const auto hash = model().checkpoint.weights_sha256();
    settled_ = settle_parts(device_, *hash);
  }
  Executor& operator*() { return *executor_; }
  std::unique_ptr<Executor> take() { return std::move(executor_); }
  const Result<>& settled() const { return settled_; }
  const NativeDevice& device() const { return device_; }

 private:
  NativeDevice device_;
  kernels::ThreadPool pool_;
  std::unique_ptr<Executor> executor_;
  Result<> settled_;
};

std::vector<std::vector<std::int32_t>> prompts(int n) {
  std::mt19937 generator(7);
  std::vector<std::vector<std::int32_t>> all;
  for (int i = 0; i < n; ++i) {
    auto& prompt = all.emplace_back(static_cast<std::size_t>(20 + 37 * i % 150));
    for (std::int32_t& token : prompt) token = static_cast<std::int32_t>(generator() % 300);
  }
  return all;
}

/// The tokens of 12 samples of six prompts, with a cache that is too small for all of them.
std::vector<std::vector<std::int32_t>> sampled(std::unique_ptr<Executor> executor, const ExecutorOptions& limits) {
  auto scheduler = Scheduler::create(model(), std::move(executor), {.limits = limits, .end_tokens = {}});
  REQUIRE(scheduler);
  std::vector<TokenRequest> requests;
  for (const auto& prompt : prompts(6)) {
    for (std::uint32_t sample = 0; sample < 2; ++sample) {
      TokenRequest request;
      request.prompt = prompt;
      request.sampling.temperature = 0.8;
      request.key = {11, sample + 2 * static_cast<std::uint32_t>(requests.size())};
      request.max_output_tokens = 90;
      requests.push_back(request);
    }
  }
  std::vector<std::vector<std::int32_t>> tokens(requests.size());
  const auto ran = scheduler->run(
      requests,
      [&](TokenOutput output) -> Result<> {
        tokens[output.request] = std::move(output.tokens);
        return {};
      },
      [](const Progress&) {}, {});
  if (!ran) FAIL(ran.error().message);
  return tokens;
}

}  // namespace

TEST_CASE("parts: columns are all given, once each, in whole panels", "[engine][parts]") {
  for (const int n_out : {1, 15, 16, 17, 64, 100, 1000, 4097}) {
    for (const int n_parts : {1, 2, 4, 8}) {
      int next = 0;
      for (int part = 0; part < n_parts; ++part) {
        const auto columns = columns_of(n_out, part, n_parts);
        CHECK(columns.begin == next);
        CHECK(columns.end >= columns.begin);
        CHECK((columns.end % kernels::kPanelRows == 0 || columns.end == n_out));
        CHECK(columns.end - columns.begin <= n_out / n_parts + 2 * kernels::kPanelRows);
        next = columns.end;
      }
      CHECK(next == n_out);
    }
  }
}

TEST_CASE("parts: calls come out of their bytes as they went in, and no others do", "[engine][parts]") {
  const std::vector<std::int32_t> pages = {4, 7}, tokens = {1, -2, 3};
  const std::vector<TokenSpan> spans = {{pages, 61, tokens}, {pages, 0, tokens}};
  const std::vector<Draw> draws = {{2, {0.5, 0.9, 40, 0.1}, {3, 9}, 64, 5}};
  const auto bytes = call_bytes({PositionRole::generated, spans, draws, true});
  auto call = read_call(bytes);
  REQUIRE(call);
  const auto& submit = std::get<SubmitCall>(call->call);
  CHECK(submit.role == PositionRole::generated);
  CHECK(submit.wants_states);
  REQUIRE(submit.spans.size() == 2);
  CHECK(std::ranges::equal(submit.spans[0].pages, pages));
  CHECK(submit.spans[0].first_position == 61);
  CHECK(std::ranges::equal(submit.spans[1].tokens, tokens));
  REQUIRE(submit.draws.size() == 1);
  CHECK(submit.draws[0].row == 2);
  CHECK(submit.draws[0].sampling.top_k == 40);
  CHECK(submit.draws[0].position == 64);
  CHECK(submit.draws[0].n_logprobs == 5);

  const std::vector<MtpSpan> mtp = {{spans[0], MtpSpan::Source::kept, 3}};
  const auto mtp_bytes = run_mtp_bytes(PositionRole::prompt, mtp, MtpOutput::logits);
  auto mtp_call = read_call(mtp_bytes);
  REQUIRE(mtp_call);
  CHECK(std::get<RunMtpCall>(mtp_call->call).output == MtpOutput::logits);
  CHECK(std::get<RunMtpCall>(mtp_call->call).spans[0].source == MtpSpan::Source::kept);
  CHECK(std::get<RunMtpCall>(mtp_call->call).spans[0].first_hidden == 3);

  const std::vector<std::byte> saved(40, std::byte{7});
  const auto load_bytes = load_pages_bytes(saved, pages);
  auto load = read_call(load_bytes);
  REQUIRE(load);
  CHECK(std::get<LoadPagesCall>(load->call).pages == pages);
  CHECK(std::ranges::equal(std::get<LoadPagesCall>(load->call).saved, saved));
  const std::vector<std::pair<std::int32_t, std::int32_t>> pairs = {{1, 2}, {3, 4}};
  CHECK(std::get<CopyPagesCall>(read_call(copy_pages_bytes(pairs))->call).pages == pairs);
  CHECK(std::get<KeepHiddenCall>(read_call(keep_hidden_bytes(5, 6))->call).slot == 6);
  CHECK(std::holds_alternative<CollectCall>(read_call(collect_bytes())->call));

  for (const auto& whole : {bytes, mtp_bytes, load_bytes, save_pages_bytes(pages)}) {
    for (std::size_t n = 0; n < whole.size(); ++n) CHECK_FALSE(read_call(std::span(whole).first(n)));
    auto longer = whole;
    longer.push_back({});
    CHECK_FALSE(read_call(longer));
  }
  // Bytes that are none of ours are refused or are some call, but never more memory than they have.
  std::mt19937 generator(3);
  for (int round = 0; round < 2000; ++round) {
    auto other = bytes;
    for (int i = 0; i < 3; ++i) other[generator() % other.size()] = static_cast<std::byte>(generator());
    static_cast<void>(read_call(other));
  }
}

TEST_CASE("parts: logits are those of one process, bit by bit", "[engine][parts]") {
  const int n_parts = GENERATE(2, 4);
  std::vector<std::int32_t> tokens = prompts(1).front();
  LogitsOptions how;
  how.hidden = true;
  how.first_generated = 12;
  const ExecutorOptions limits{.max_batch = 1, .kv_memory_bytes = std::int64_t{1} << 26, .speculate = true};
  TestExecutor alone(model(), limits, 1);
  const auto expected = compute_logits(model(), *alone, tokens, how);
  REQUIRE(expected);
  Parts parts(n_parts);
  {
    Spread spread(parts, limits);
    REQUIRE(spread.settled());
    const auto out = compute_logits(model(), *spread, tokens, how);
    if (!out) FAIL(out.error().message);
    CHECK(out->logits == expected->logits);
    CHECK(out->hidden == expected->hidden);
    CHECK(out->mtp == expected->mtp);
    CHECK(out->mtp.size() > 0);
    const DeviceFacts facts = device_facts_of(spread.device(), 1, kernels::best_simd_level(), 1);
    CHECK(facts.details["parts"].size() == static_cast<std::size_t>(n_parts));
  }
  for (const Result<>& followed : parts.end()) CHECK(followed);
}

TEST_CASE("parts: samples are those of one process, also drafted ones, and of a cache that overflows",
          "[engine][parts]") {
  ExecutorOptions limits{.max_batch = 8, .prefill_chunk_tokens = 48};
  limits.speculate = GENERATE(false, true);
  limits.kv_memory_bytes = std::int64_t{1} << 26;
  TestExecutor alone(model(), limits, 1);
  const std::int64_t page_bytes = (*alone).page_bytes();
  const auto expected = sampled(alone.take(), limits);
  limits.kv_memory_bytes = 14 * page_bytes;  // too few for all: some wait in the host's memory
  Parts parts(2);
  Spread spread(parts, limits);
  CHECK((*spread).n_pages() == 14);
  CHECK(sampled(spread.take(), limits) == expected);
  for (const Result<>& followed : parts.end()) CHECK(followed);
}

TEST_CASE("parts: pages come back as they were saved, from every part", "[engine][parts]") {
  const ExecutorOptions limits{.max_batch = 1, .kv_memory_bytes = std::int64_t{1} << 26};
  Parts parts(2);
  Spread spread(parts, limits);
  const auto tokens = prompts(1).front();
  const auto expected = compute_logits(model(), *spread, tokens, {.first_generated = 10, .mtp = false});
  REQUIRE(expected);
  const std::vector<std::int32_t> from = {0}, to = {3};
  const auto saved = (*spread).save_pages(from);
  REQUIRE(saved);
  CHECK(saved->bytes().size() == static_cast<std::size_t>((*spread).page_bytes()));
  REQUIRE((*spread).load_pages(saved->bytes(), to));
  const auto again = (*spread).save_pages(to);
  REQUIRE(again);
  CHECK(std::ranges::equal(again->bytes(), saved->bytes()));
}

TEST_CASE("parts: another model is refused by its hash, before any work", "[engine][parts]") {
  const test_support::TemporaryFolder other;
  std::filesystem::copy(reference_path(), other.path() / "m", std::filesystem::copy_options::recursive);
  {
    // The second half of its weights.
    const std::filesystem::path file = other.path() / "m/model-00001-of-00002.safetensors";
    const auto half = static_cast<std::streamoff>(std::filesystem::file_size(file) / 2);
    std::fstream weights(file, std::ios::in | std::ios::out | std::ios::binary);
    const std::string bytes(static_cast<std::size_t>(half), '\x38');
    weights.seekp(-half, std::ios::end);
    weights.write(bytes.data(), half);
  }
  Parts parts(2, other.path() / "m");
  Spread spread(parts, {.max_batch = 1, .kv_memory_bytes = std::int64_t{1} << 26});
  REQUIRE_FALSE(spread.settled());
  CHECK_THAT(spread.settled().error().message, Contains("part 1 (") && Contains("another model"));
  // It would have mattered: the other part's columns are its own.
  const std::vector<std::int32_t> tokens = prompts(1).front();
  const auto whole = cpu_logits(model(), tokens, {.mtp = false}),
             mixed = compute_logits(model(), *spread, tokens, {.mtp = false});
  REQUIRE(whole);
  REQUIRE(mixed);
  CHECK(whole->logits != mixed->logits);
}

TEST_CASE("parts: work and addresses are read with care", "[engine][parts]") {
  PartWork work;
  work.path = "/m";
  work.parallel.tensor_parallel = 4;
  work.limits.max_batch = 9;
  const auto read = parse_part_work(to_json_text(to_json(work)));
  REQUIRE(read);
  CHECK(read->path == "/m");
  CHECK(read->parallel.tensor_parallel == 4);
  CHECK(read->limits.max_batch == 9);
  Json json = to_json(work);
  for (const auto& [key, wrong] : {std::pair("weights", Json(7)), std::pair("tensor_parallel", Json(3)),
                                   std::pair("max_batch", Json(0)), std::pair("path", Json(1))}) {
    Json changed = json;
    changed[key] = wrong;
    CHECK_FALSE(parse_part_work(to_json_text(changed)));
  }
  CHECK(parse_part_address("[::1]:80")->host == "::1");
  CHECK(parse_part_address("[::1]:80")->text() == "[::1]:80");
  for (const char* wrong : {"", "host", "host:", ":7", "host:0", "host:65536", "::1:7", "host:7x"}) {
    CHECK_FALSE(parse_part_address(wrong));
  }
}
