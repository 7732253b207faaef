#include "runners/replay/replay_runner.h"

#include <map>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "runners/replay/replay_record.h"

namespace assay::runners {

namespace {

using RecordKey = std::pair<std::string, std::int64_t>;  // id, sample

/// A request without a record, as a failed sample.
Completion missing_sample(const Request& request, const std::string& file) {
  Completion completion;
  completion.id = request.id;
  completion.sample = request.sample;
  completion.failure =
      file + " holds no output for id " + quoted_excerpt(request.id) + ", sample " + std::to_string(request.sample);
  return completion;
}

Completion to_completion(const ReplayRecord& record) {
  Completion completion;
  completion.id = record.id;
  completion.sample = record.sample;
  completion.n_prompt_tokens = record.n_prompt_tokens.value_or(0);
  completion.n_cached_prompt_tokens = -1;  // a recording does not say
  completion.n_output_tokens = record.n_output_tokens.value_or(0);
  completion.text = record.output;
  completion.finish_reason = record.finish_reason;
  completion.failure = record.failure.value_or("");
  completion.timings.ttft_ms = record.ttft_ms;
  completion.timings.e2e_ms = record.e2e_ms;
  return completion;
}

class ReplayRunner final : public Runner {
 public:
  ReplayRunner(std::filesystem::path file, std::string file_sha256, std::map<RecordKey, ReplayRecord> records)
      : file_(std::move(file)), file_sha256_(std::move(file_sha256)), records_(std::move(records)) {}

  ModelFacts model_facts() const override {
    ModelFacts facts;
    facts.name = file_.stem().string();
    facts.reference = "replay:" + file_.string();
    facts.weights_sha256 = file_sha256_;
    facts.details = {{"n_records", records_.size()}};
    return facts;
  }

  DeviceFacts device_facts() const override { return {"replay", "recorded outputs", Json::object()}; }

  Result<> check(const std::vector<Request>&) override { return {}; }  // a missing record fails its own sample

  Result<> run(const std::vector<Request>& requests, const CompletionSink& on_completion,
               const ProgressSink& on_progress, std::stop_token stop) override {
    Progress progress;
    for (const Request& request : requests) {
      if (stop.stop_requested()) return interrupted("stopped after ", progress.n_finished, " recorded outputs");
      const auto record = records_.find({request.id, request.sample});
      Completion completion =
          record == records_.end() ? missing_sample(request, file_.string()) : to_completion(record->second);
      progress.n_finished += 1;
      progress.n_prompt_tokens += completion.n_prompt_tokens;
      progress.n_output_tokens += completion.n_output_tokens;
      ASSAY_TRY(on_completion(std::move(completion)));
      if (on_progress) on_progress(progress);
    }
    return {};
  }

 private:
  std::filesystem::path file_;
  std::string file_sha256_;
  std::map<RecordKey, ReplayRecord> records_;
};

}  // namespace

Result<std::unique_ptr<Runner>> open_replay_runner(const std::filesystem::path& file) {
  ASSAY_ASSIGN(const std::string text, read_file(file));
  std::map<RecordKey, ReplayRecord> records;
  std::map<RecordKey, int> first_lines;
  ASSAY_TRY(for_each_line(text, [&](std::string_view line, int number) -> Result<> {
    const std::string where = file.string() + ":" + std::to_string(number);
    ASSAY_ASSIGN(ReplayRecord record, parse_replay_record(line, where));
    const RecordKey key{record.id, record.sample};
    const auto [first, is_new] = first_lines.emplace(key, number);
    if (!is_new) {
      return bad_input(where, ": id ", quoted_excerpt(key.first), " with sample ", key.second, " stands on line ",
                       first->second, " already; each pair may stand once");
    }
    records.emplace(key, std::move(record));
    return {};
  }));
  if (records.empty()) return bad_input(file.string(), ": holds no record; a replay file has one JSON object a line");
  return std::unique_ptr<Runner>(std::make_unique<ReplayRunner>(file, sha256_hex(text), std::move(records)));
}

}  // namespace assay::runners
