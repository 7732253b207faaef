// The fuzz entry of the graders of mathematics: a key and, behind a zero byte, a reply.

#include "harness/base/assert.h"
#include "harness/base/text.h"
#include "suites/math/answer_equal.h"
#include "suites/suite.h"
#include "tests/support/fuzz_entry.h"

using namespace assay;
using namespace assay::suites;

ASSAY_FUZZ_ENTRY(math_answer)(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const std::size_t end = text.find('\0');
  const std::string key = to_valid_utf8(text.substr(0, end));
  const std::string reply = to_valid_utf8(end == std::string_view::npos ? key : text.substr(end + 1));

  Expressions pool;
  const MathAnswer parsed = parse_answer(pool, key);
  ASSAY_ASSERT(compare_answers(pool, parsed, parsed) == Equivalence::equal, "an answer is equal to itself");
  Item item;
  item.record = {{"id", "1"}, {"question", "?"}, {"answer", key}};
  Suite suite;
  suite.kind = ItemKind::math;
  for (const std::string_view profile : {"canonical", "lm-eval", "zeroeval"}) {
    GradeContext context;
    context.profile = profile;
    const Grade graded = grade(suite, item, {reply}, context);
    ASSAY_ASSERT(graded.verdict != Verdict::error, "grading itself does not fail");
    ASSAY_ASSERT((graded.verdict == Verdict::correct) == (graded.score == 1), "only what is correct scores");
  }
}
