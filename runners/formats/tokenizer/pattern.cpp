#define PCRE2_CODE_UNIT_WIDTH 8
#include "runners/formats/tokenizer/pattern.h"

#include <pcre2.h>

#include <cstdint>
#include <string>

#include "harness/base/text.h"
#include "runners/formats/tokenizer/pattern_dialect.h"

namespace assay::runners {

namespace {

constexpr std::size_t kMaxPatternBytes = 64 * 1024;
constexpr std::uint32_t kMatchLimit =
    10'000'000;  // PCRE2's own default, stated so that a build's default can't change it
constexpr std::size_t kJitStackBytes = 4 << 20;

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeCompileContext {
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};
struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeMatchContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct FreeJitStack {
  void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};

/// What a thread needs to match with: PCRE2 keeps none of it in the compiled pattern.
struct MatchScratch {
  std::unique_ptr<pcre2_match_data, FreeMatchData> data{pcre2_match_data_create(1, nullptr)};
  std::unique_ptr<pcre2_match_context, FreeMatchContext> context{pcre2_match_context_create(nullptr)};
  std::unique_ptr<pcre2_jit_stack, FreeJitStack> stack{pcre2_jit_stack_create(32 * 1024, kJitStackBytes, nullptr)};

  MatchScratch() {
    ASSAY_ASSERT(data != nullptr && context != nullptr && stack != nullptr, "a few kilobytes can be allocated");
    pcre2_set_match_limit(context.get(), kMatchLimit);
    pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
  }
};

std::string reason_of(int code) {
  PCRE2_UCHAR buffer[256];
  if (pcre2_get_error_message(code, buffer, sizeof buffer) < 0) return "PCRE2 error " + std::to_string(code);
  return reinterpret_cast<const char*>(buffer);
}

}  // namespace

struct Pattern::Code {
  std::unique_ptr<pcre2_code, FreeCode> compiled;
  std::string source;  // as the file has it, for messages
};

Pattern::Pattern(std::unique_ptr<Code> code) : code_(std::move(code)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

Result<Pattern> Pattern::compile(const SplitStep& step, std::string_view where) {
  if (step.pattern.empty()) return bad_input(where, ": the pattern is empty");
  if (step.pattern.size() > kMaxPatternBytes) {
    return bad_input(where, ": the pattern has ", step.pattern.size(), " bytes, more than ", kMaxPatternBytes);
  }
  std::uint32_t options = PCRE2_UTF | PCRE2_LITERAL;
  std::string translated = step.pattern;
  if (!step.literal) {
    // Oniguruma's ^ and $ always stand for the ends of lines.
    options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
    ASSAY_ASSIGN(translated, to_pcre2(step.pattern, where));
  }
  const std::unique_ptr<pcre2_compile_context, FreeCompileContext> context(pcre2_compile_context_create(nullptr));
  ASSAY_ASSERT(context != nullptr, "a few kilobytes can be allocated");
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);

  int error = 0;
  PCRE2_SIZE error_offset = 0;
  auto code = std::make_unique<Code>();
  code->source = step.pattern;
  code->compiled.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(), options,
                                     &error, &error_offset, context.get()));
  if (!code->compiled) {
    return bad_input(where, ": byte ", error_offset, " of the pattern ", quoted_excerpt(translated), ": ",
                     reason_of(error));
  }
  // Where the system forbids code made at run time, PCRE2 interprets the pattern: slower, with the same matches.
  pcre2_jit_compile(code->compiled.get(), PCRE2_JIT_COMPLETE);
  return Pattern(std::move(code));
}

Result<> Pattern::split(std::string_view text, std::vector<std::string_view>& pieces) const {
  thread_local MatchScratch scratch;
  const auto add = [&](std::size_t begin, std::size_t end) {
    if (end > begin) pieces.push_back(text.substr(begin, end - begin));
  };
  std::size_t done = 0;  // everything before it is in `pieces`
  std::size_t at = 0;
  while (at < text.size()) {
    const int matched = pcre2_match(code_->compiled.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                    PCRE2_NO_UTF_CHECK, scratch.data.get(), scratch.context.get());
    if (matched == PCRE2_ERROR_NOMATCH) break;
    if (matched < 0) {
      return bad_input("tokenizer: the split pattern ", quoted_excerpt(code_->source), " fails on a text of ",
                       text.size(), " bytes at byte ", at, ": ", reason_of(matched));
    }
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(scratch.data.get());
    add(done, range[0]);
    add(range[0], range[1]);
    done = range[1];
    at = range[1];
    if (range[0] == range[1] && at < text.size())
      next_code_point(text, at);  // an empty match only cuts; go on behind it
  }
  add(done, text.size());
  return {};
}

}  // namespace assay::runners
