#include "runners/engine/parts/leading_executor.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "runners/engine/cpu/cpu_executor.h"
#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/delegating_executor.h"
#include "runners/engine/parts/part_group.h"
#include "runners/engine/parts/part_work.h"
#include "runners/engine/parts/pass_message.h"

namespace assay::runners {

namespace {

using Kind = PartMessageKind;

/// The executor of one part on processors, and what cuts its products.
class CpuPart final : public DelegatingExecutor {
 public:
  CpuPart(std::unique_ptr<ColumnSplit> columns, std::unique_ptr<Executor> executor)
      : DelegatingExecutor(*executor), columns_(std::move(columns)), executor_(std::move(executor)) {}

 private:
  std::unique_ptr<ColumnSplit> columns_;
  std::unique_ptr<Executor> executor_;
};

/// The least of what all parts give, told by part 0; a meeting of all of them.
Result<int> least_of_all(PartGroup& group, int own) {
  const auto number = [](const PartMessage& message) {
    std::int32_t n = 0;
    if (message.bytes.size() == sizeof n) std::memcpy(&n, message.bytes.data(), sizeof n);
    return n;
  };
  const auto bytes = [](const std::int32_t& n) { return std::as_bytes(std::span(&n, 1)); };
  if (!group.leads()) {
    ASSAY_TRY(group.tell(Kind::pages, bytes(own)));
    ASSAY_ASSIGN(const PartMessage told, group.hear(0, Kind::pages));
    return number(told);
  }
  std::int32_t least = own;
  for (int part = 1; part < group.n_parts(); ++part) {
    ASSAY_ASSIGN(const PartMessage given, group.hear(part, Kind::pages));
    least = std::min(least, number(given));
  }
  ASSAY_TRY(group.tell(Kind::pages, bytes(least)));
  return least;
}

class LeadingExecutor final : public Executor {
 public:
  LeadingExecutor(std::unique_ptr<Executor> own, PartGroup& group) : own_(std::move(own)), group_(group) {}
  ~LeadingExecutor() override {
    if (failure_) {
      group_.fail(0, *failure_);
    } else {
      static_cast<void>(group_.tell(Kind::close));
    }
  }

  int n_pages() const override { return own_->n_pages(); }
  int max_in_flight() const override { return own_->max_in_flight(); }
  std::int64_t page_bytes() const override { return own_->page_bytes() * group_.n_parts(); }

  Result<> submit(const Pass& pass) override {
    ASSAY_TRY(group_.tell(Kind::run, call_bytes(pass)));
    return judged(own_->submit(pass));
  }
  Result<PassResult> collect() override;
  Result<> copy_pages(std::span<const std::pair<std::int32_t, std::int32_t>> pages) override {
    ASSAY_TRY(group_.tell(Kind::run, copy_pages_bytes(pages)));
    return judged(own_->copy_pages(pages));
  }
  Result<SavedPages> save_pages(std::span<const std::int32_t> pages) override;
  Result<> load_pages(std::span<const std::byte> saved, std::span<const std::int32_t> pages) override;
  Result<> keep_hidden(int row, int slot) override {
    ASSAY_TRY(group_.tell(Kind::run, keep_hidden_bytes(row, slot)));
    return judged(own_->keep_hidden(row, slot));
  }
  Result<MtpResult> run_mtp(PositionRole role, std::span<const MtpSpan> spans, MtpOutput output) override;

 private:
  template <class T>
  Result<T> judged(Result<T> own);
  Result<> compare_tokens(std::span<const std::int32_t> tokens);

  std::unique_ptr<Executor> own_;
  PartGroup& group_;
  std::optional<Error> failure_;  // this part's own
};

/// What this part's own call gave. A part that is gone makes it undefined, and comes first.
template <class T>
Result<T> LeadingExecutor::judged(Result<T> own) {
  if (own) {
    ASSAY_TRY(group_.check());
    return own;
  }
  if (own.error().kind == ErrorKind::environment) ASSAY_TRY(group_.check_again());
  failure_ = own.error();
  return own;
}

Result<> LeadingExecutor::compare_tokens(std::span<const std::int32_t> tokens) {
  const std::vector<std::byte> own = digest_bytes(tokens_digest(tokens));
  for (int part = 1; part < group_.n_parts(); ++part) {
    ASSAY_ASSIGN(const PartMessage answer, group_.hear(part, Kind::answer));
    if (answer.bytes == own) continue;
    failure_ = environment_error(group_.name_of(part), " drew other tokens than part 0 (", group_.host_of(0),
                                 ") from the same logits: one of them is faulty");
    return *failure_;
  }
  return {};
}

Result<PassResult> LeadingExecutor::collect() {
  ASSAY_TRY(group_.tell(Kind::run, collect_bytes()));
  ASSAY_ASSIGN(PassResult result, judged(own_->collect()));
  std::vector<std::int32_t> tokens;
  for (const DrawnToken& drawn : result.drawn) tokens.push_back(drawn.token);
  ASSAY_TRY(compare_tokens(tokens));
  return result;
}

Result<MtpResult> LeadingExecutor::run_mtp(PositionRole role, std::span<const MtpSpan> spans, MtpOutput output) {
  ASSAY_TRY(group_.tell(Kind::run, run_mtp_bytes(role, spans, output)));
  ASSAY_ASSIGN(MtpResult result, judged(own_->run_mtp(role, spans, output)));
  ASSAY_TRY(compare_tokens(result.drafts));
  return result;
}

/// Every part's, one behind the other: what waits for room waits in part 0's memory.
Result<SavedPages> LeadingExecutor::save_pages(std::span<const std::int32_t> pages) {
  ASSAY_TRY(group_.tell(Kind::run, save_pages_bytes(pages)));
  ASSAY_ASSIGN(const SavedPages own, judged(own_->save_pages(pages)));
  const std::size_t part_bytes = own.bytes().size();
  SavedPages all(part_bytes * static_cast<std::size_t>(group_.n_parts()));
  std::copy(own.bytes().begin(), own.bytes().end(), all.bytes().begin());
  for (int part = 1; part < group_.n_parts(); ++part) {
    ASSAY_ASSIGN(const PartMessage answer, group_.hear(part, Kind::answer));
    if (answer.bytes.size() != part_bytes) {
      failure_ = environment_error(group_.name_of(part), " has other pages than part 0");
      return *failure_;
    }
    const auto to = all.bytes().begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(part) * part_bytes);
    std::copy(answer.bytes.begin(), answer.bytes.end(), to);
  }
  return all;
}

Result<> LeadingExecutor::load_pages(std::span<const std::byte> saved, std::span<const std::int32_t> pages) {
  const std::size_t part_bytes = pages.size() * static_cast<std::size_t>(own_->page_bytes());
  for (int part = 1; part < group_.n_parts(); ++part) {
    const auto of_part = saved.subspan(static_cast<std::size_t>(part) * part_bytes, part_bytes);
    ASSAY_TRY(group_.tell_one(part, Kind::run, load_pages_bytes(of_part, pages)));
  }
  return judged(own_->load_pages(saved.first(part_bytes), pages));
}

}  // namespace

std::string kind_of_device(const NativeDevice& device) {
  if (!device.cuda) return "cpu";
  return "cuda " + std::to_string(device.cuda->compute_capability) + " " + device.cuda->path;
}

Result<std::unique_ptr<Executor>> create_own_part(const Model& model, const NativeDevice& device,
                                                  const ParallelOptions& parallel, const std::string& meeting_place,
                                                  const ExecutorOptions& options, const LoadOptions& load,
                                                  const Compute& compute) {
  PartGroup& group = *device.parts;
  const auto least = [&group](int own) { return least_of_all(group, own); };
  if (!device.cuda) {
    auto columns = std::make_unique<ColumnSplit>(group);
    const Compute split{compute.ops, compute.pool, nullptr, columns.get()};
    ASSAY_ASSIGN(auto executor, create_cpu_executor(model, split, options, least));
    return std::unique_ptr<Executor>(std::make_unique<CpuPart>(std::move(columns), std::move(executor)));
  }
  const auto set_release = [&group](std::function<bool()> release) { group.set_release(std::move(release)); };
  return create_part_executor(model, {parallel, group.part(), meeting_place, least, set_release}, options, load);
}

Result<std::unique_ptr<Executor>> create_leading_executor(const Model& model, const NativeDevice& device,
                                                          const ExecutorOptions& options, const LoadOptions& load,
                                                          const Compute& compute) {
  PartGroup& group = *device.parts;
  PartWork work;
  work.path = std::filesystem::absolute(model.path);
  work.on_gpu = device.cuda.has_value();
  if (device.cuda) {
    work.cuda_path = device.cuda->path;
    ASSAY_ASSIGN(work.meeting_place, make_meeting_place());
  }
  work.parallel = device.parallel;
  work.load = load;
  work.limits = options;
  ASSAY_TRY(group.tell(Kind::start, to_json_text(to_json(work))));
  Result<std::unique_ptr<Executor>> own =
      create_own_part(model, device, work.parallel, work.meeting_place, options, load, compute);
  if (!own) {
    ASSAY_TRY(group.check_again());
    group.fail(0, own.error());
    return own.error();
  }
  return std::unique_ptr<Executor>(std::make_unique<LeadingExecutor>(std::move(*own), group));
}

Result<> settle_parts(NativeDevice& device, const std::string& model_sha256) {
  PartGroup& group = *device.parts;
  for (int part = 1; part < group.n_parts(); ++part) {
    ASSAY_ASSIGN(const PartMessage message, group.hear(part, Kind::ready));
    ASSAY_ASSIGN(const PartReady ready, parse_part_ready(message.text()));
    if (ready.model_sha256 != model_sha256) {
      return bad_input(group.name_of(part), " has another model: its hash is ", ready.model_sha256.substr(0, 12),
                       ", that of part 0 (", group.host_of(0), ") ", model_sha256.substr(0, 12));
    }
    if (ready.device != kind_of_device(device)) {
      return bad_input(group.name_of(part), " computes on ", ready.device, ", part 0 (", group.host_of(0), ") on ",
                       kind_of_device(device), ": a model is spread over equal ones");
    }
    device.part_facts.push_back(ready.facts);
  }
  return {};
}

}  // namespace assay::runners
