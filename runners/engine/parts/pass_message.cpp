#include "runners/engine/parts/pass_message.h"

#include <cstring>
#include <type_traits>

namespace assay::runners {

namespace {

/// Which call it is: the index in ExecutorCall's variant.
enum class Code : std::uint8_t { submit, collect, copy_pages, save_pages, load_pages, keep_hidden, run_mtp };

/// Numbers as they lie in memory: all parts are the same program on the same kind of machine.
class Writer {
 public:
  explicit Writer(Code code) { put(code); }
  template <class T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    append(&value, sizeof value);
  }
  template <class T>
  void put_all(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    put(static_cast<std::uint64_t>(values.size()));
    append(values.data(), values.size_bytes());
  }
  void put_span(const TokenSpan& span) {
    put_all(span.pages);
    put(span.first_position);
    put_all(span.tokens);
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void append(const void* from, std::size_t n) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + n);
    if (n > 0) std::memcpy(bytes_.data() + at, from, n);
  }
  std::vector<std::byte> bytes_;
};

/// What was written; nothing is read behind the end.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  template <class T>
  void get(T& value) {
    if (const auto from = next(sizeof value); !from.empty()) std::memcpy(&value, from.data(), sizeof value);
  }
  /// How many follow of which each takes at least `bytes_each`.
  std::size_t get_count(std::size_t bytes_each) {
    std::uint64_t n = 0;
    get(n);
    if (n > bytes_.size() / bytes_each) is_broken_ = true;
    return is_broken_ ? 0 : static_cast<std::size_t>(n);
  }
  template <class T>
  std::vector<T> get_all() {
    std::vector<T> values(get_count(sizeof(T)));
    const auto from = next(values.size() * sizeof(T));
    if (!from.empty()) std::memcpy(values.data(), from.data(), from.size());
    return values;
  }
  std::span<const std::byte> get_bytes() { return next(get_count(1)); }
  TokenSpan get_span(std::vector<std::vector<std::int32_t>>& numbers) {
    TokenSpan span;
    span.pages = numbers.emplace_back(get_all<std::int32_t>());
    get(span.first_position);
    span.tokens = numbers.emplace_back(get_all<std::int32_t>());
    return span;
  }
  /// An enumerator that is at most `last`.
  template <class Enumerator>
  void get_choice(Enumerator& value, Enumerator last) {
    std::uint8_t number = 0;
    get(number);
    if (number > static_cast<std::uint8_t>(last)) is_broken_ = true;
    value = is_broken_ ? Enumerator{} : static_cast<Enumerator>(number);
  }
  bool is_whole() const { return !is_broken_ && bytes_.empty(); }

 private:
  std::span<const std::byte> next(std::size_t n) {
    if (n > bytes_.size()) is_broken_ = true;
    if (is_broken_) return {};
    const auto taken = bytes_.first(n);
    bytes_ = bytes_.subspan(n);
    return taken;
  }
  std::span<const std::byte> bytes_;
  bool is_broken_ = false;
};

template <class Enumerator>
std::uint8_t number_of(Enumerator value) {
  return static_cast<std::uint8_t>(value);
}

constexpr std::size_t kLeastSpanBytes = 2 * sizeof(std::uint64_t) + sizeof(int);

SubmitCall read_submit(Reader& reader, ExecutorCall& into) {
  SubmitCall call;
  reader.get_choice(call.role, PositionRole::generated);
  const std::size_t n_spans = reader.get_count(kLeastSpanBytes);
  for (std::size_t i = 0; i < n_spans; ++i) call.spans.push_back(reader.get_span(into.numbers));
  call.draws = reader.get_all<Draw>();
  std::uint8_t wants_states = 0;
  reader.get(wants_states);
  call.wants_states = wants_states != 0;
  return call;
}

RunMtpCall read_mtp(Reader& reader, ExecutorCall& into) {
  RunMtpCall call;
  reader.get_choice(call.role, PositionRole::generated);
  reader.get_choice(call.output, MtpOutput::logits);
  const std::size_t n_spans = reader.get_count(kLeastSpanBytes);
  for (std::size_t i = 0; i < n_spans; ++i) {
    MtpSpan span;
    span.span = reader.get_span(into.numbers);
    reader.get_choice(span.source, MtpSpan::Source::kept);
    reader.get(span.first_hidden);
    call.spans.push_back(span);
  }
  return call;
}

}  // namespace

std::vector<std::byte> call_bytes(const Pass& pass) {
  Writer writer(Code::submit);
  writer.put(number_of(pass.role));
  writer.put(static_cast<std::uint64_t>(pass.spans.size()));
  for (const TokenSpan& span : pass.spans) writer.put_span(span);
  writer.put_all(pass.draws);
  writer.put(static_cast<std::uint8_t>(pass.wants_states));
  return writer.take();
}

std::vector<std::byte> collect_bytes() { return Writer(Code::collect).take(); }

std::vector<std::byte> copy_pages_bytes(std::span<const std::pair<std::int32_t, std::int32_t>> pages) {
  std::vector<std::int32_t> numbers;
  for (const auto& [from, to] : pages) numbers.insert(numbers.end(), {from, to});
  Writer writer(Code::copy_pages);
  writer.put_all(std::span<const std::int32_t>(numbers));
  return writer.take();
}

std::vector<std::byte> save_pages_bytes(std::span<const std::int32_t> pages) {
  Writer writer(Code::save_pages);
  writer.put_all(pages);
  return writer.take();
}

std::vector<std::byte> load_pages_bytes(std::span<const std::byte> saved, std::span<const std::int32_t> pages) {
  Writer writer(Code::load_pages);
  writer.put_all(pages);
  writer.put_all(saved);
  return writer.take();
}

std::vector<std::byte> keep_hidden_bytes(int row, int slot) {
  Writer writer(Code::keep_hidden);
  writer.put(row);
  writer.put(slot);
  return writer.take();
}

std::vector<std::byte> run_mtp_bytes(PositionRole role, std::span<const MtpSpan> spans, MtpOutput output) {
  Writer writer(Code::run_mtp);
  writer.put(number_of(role));
  writer.put(number_of(output));
  writer.put(static_cast<std::uint64_t>(spans.size()));
  for (const MtpSpan& span : spans) {
    writer.put_span(span.span);
    writer.put(number_of(span.source));
    writer.put(span.first_hidden);
  }
  return writer.take();
}

Result<ExecutorCall> read_call(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  Code code = Code::submit;
  reader.get_choice(code, Code::run_mtp);
  ExecutorCall into{CollectCall()};
  switch (code) {
    case Code::submit:
      into.call = read_submit(reader, into);
      break;
    case Code::collect:
      break;
    case Code::copy_pages: {
      CopyPagesCall call;
      const std::vector<std::int32_t> numbers = reader.get_all<std::int32_t>();
      for (std::size_t i = 0; i + 1 < numbers.size(); i += 2) call.pages.emplace_back(numbers[i], numbers[i + 1]);
      into.call = std::move(call);
      break;
    }
    case Code::save_pages:
      into.call = SavePagesCall{reader.get_all<std::int32_t>()};
      break;
    case Code::load_pages: {
      LoadPagesCall call;
      call.pages = reader.get_all<std::int32_t>();
      call.saved = reader.get_bytes();
      into.call = std::move(call);
      break;
    }
    case Code::keep_hidden: {
      KeepHiddenCall call;
      reader.get(call.row);
      reader.get(call.slot);
      into.call = call;
      break;
    }
    case Code::run_mtp:
      into.call = read_mtp(reader, into);
      break;
  }
  if (!reader.is_whole()) return environment_error("what part 0 tells is no call of an executor");
  return into;
}

std::uint64_t tokens_digest(std::span<const std::int32_t> tokens) {
  std::uint64_t digest = 0xcbf29ce484222325;  // FNV-1a
  for (const std::int32_t token : tokens) {
    digest = (digest ^ static_cast<std::uint32_t>(token)) * 0x100000001b3;
  }
  return digest;
}

std::vector<std::byte> digest_bytes(std::uint64_t digest) {
  const auto bytes = std::as_bytes(std::span(&digest, 1));
  return {bytes.begin(), bytes.end()};
}

}  // namespace assay::runners
