#include "runners/engine/parts/follow.h"

#include <future>
#include <utility>
#include <variant>

#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "kernels/simd/simd_choice.h"
#include "runners/engine/host.h"
#include "runners/engine/native_device.h"
#include "runners/engine/parts/leading_executor.h"
#include "runners/engine/parts/part_work.h"
#include "runners/engine/parts/pass_message.h"

namespace assay::runners {

namespace {

using Kind = PartMessageKind;

/// Makes the calls, and answers where part 0 waits for it.
struct Caller {
  Executor& executor;
  PartGroup& group;

  Result<> operator()(const SubmitCall& call) const {
    return executor.submit({call.role, call.spans, call.draws, call.wants_states});
  }
  Result<> operator()(const CollectCall&) const {
    ASSAY_ASSIGN(const PassResult result, executor.collect());
    std::vector<std::int32_t> tokens;
    for (const DrawnToken& drawn : result.drawn) tokens.push_back(drawn.token);
    return answer(tokens);
  }
  Result<> operator()(const CopyPagesCall& call) const { return executor.copy_pages(call.pages); }
  Result<> operator()(const SavePagesCall& call) const {
    ASSAY_ASSIGN(const SavedPages saved, executor.save_pages(call.pages));
    return group.tell(Kind::answer, saved.bytes());
  }
  Result<> operator()(const LoadPagesCall& call) const {
    if (call.saved.size() != call.pages.size() * static_cast<std::size_t>(executor.page_bytes())) {
      return environment_error("part 0's pages are of another size");
    }
    return executor.load_pages(call.saved, call.pages);
  }
  Result<> operator()(const KeepHiddenCall& call) const { return executor.keep_hidden(call.row, call.slot); }
  Result<> operator()(const RunMtpCall& call) const {
    ASSAY_ASSIGN(const MtpResult result, executor.run_mtp(call.role, call.spans, call.output));
    return answer(result.drafts);
  }

  Result<> answer(std::span<const std::int32_t> tokens) const {
    return group.tell(Kind::answer, digest_bytes(tokens_digest(tokens)));
  }
};

/// The device that this part takes. Error{bad_input} if it was told another than part 0.
Result<NativeDevice> open_own_device(const PartGroup& group, const PartWork& work, const FollowOptions& own) {
  const bool names_gpu = own.device.starts_with("cuda");
  if (work.on_gpu && own.device == "cpu") return bad_input("--device cpu: part 0 computes on a GPU");
  if (!work.on_gpu && names_gpu) return bad_input("--device ", own.device, ": part 0 computes on its processors");
  if (!work.on_gpu) return open_native_device("cpu");
  const bool is_numbered = names_gpu && own.device != "cuda";
  return open_native_device(is_numbered ? own.device : "cuda:" + std::to_string(group.n_before_on_host()),
                            work.cuda_path);
}

/// One engine, from its start to its close. False: nothing more is to come.
Result<bool> serve(PartGroup& group, const PartWork& work, const FollowOptions& own) {
  ASSAY_ASSIGN(NativeDevice device, open_own_device(group, work, own));
  device.parts = &group;
  device.parallel = work.parallel;
  ASSAY_ASSIGN(const kernels::SimdLevel level, kernels::chosen_simd_level());
  LoadOptions load = work.load;
  load.n_threads = own.n_threads;
  load.on_progress = own.on_progress;
  const std::filesystem::path path = own.path.value_or(work.path);
  ASSAY_ASSIGN(const Model model, load_model(path, load));
  ASSAY_TRY(settle_device(model, device));
  std::stop_source stop_hash;
  auto hash = std::async(std::launch::async, [&, stop = stop_hash.get_token()]() -> Result<std::string> {
    if (load.weights != WeightSource::dummy) return model.checkpoint.weights_sha256({}, stop);
    ASSAY_ASSIGN(const std::string text, read_file(path / "config.json"));
    return sha256_hex(text);
  });
  const int n_threads = own.n_threads.value_or(available_processors());
  kernels::ThreadPool pool(n_threads);
  const Compute compute{kernels::cpu_ops(level), pool};
  Result<std::unique_ptr<Executor>> executor =
      create_own_part(model, device, work.parallel, work.meeting_place, work.limits, load, compute);
  if (!executor) {
    stop_hash.request_stop();
    return executor.error();
  }
  ASSAY_ASSIGN(const std::string model_sha256, hash.get());
  const DeviceFacts facts = device_facts_of(device, n_threads, level, work.limits.max_batch);
  ASSAY_TRY(
      group.tell(Kind::ready, to_json_text(to_json(PartReady{model_sha256, kind_of_device(device), facts.details}))));
  for (;;) {
    ASSAY_ASSIGN(const PartMessage message, group.hear_leader());
    if (message.kind == Kind::close) return true;
    if (message.kind == Kind::end) return false;
    if (message.kind != Kind::run) return environment_error("part 0 tells what is not to be told now");
    ASSAY_ASSIGN(const ExecutorCall call, read_call(message.bytes));
    ASSAY_TRY(std::visit(Caller{**executor, group}, call.call));
  }
}

Result<> serve_all(PartGroup& group, const FollowOptions& options) {
  for (;;) {
    ASSAY_ASSIGN(const PartMessage message, group.hear_leader());
    if (message.kind == Kind::end) return {};
    if (message.kind != Kind::start) return environment_error("part 0 tells what is not to be told now");
    ASSAY_ASSIGN(const PartWork work, parse_part_work(message.text()));
    ASSAY_ASSIGN(const bool goes_on, serve(group, work, options));
    if (!goes_on) return {};
  }
}

}  // namespace

Result<> follow_leader(PartGroup& group, const FollowOptions& options) {
  const Result<> served = serve_all(group, options);
  if (served) return {};
  // What failed here may come of a part that is gone.
  const bool may_be_others = served.error().kind == ErrorKind::environment;
  if (const Result<> others = may_be_others ? group.check_again() : group.check(); !others) return others;
  group.fail(group.part(), served.error());
  return served;
}

}  // namespace assay::runners
