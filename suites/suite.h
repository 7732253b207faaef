#pragma once
// A suite gives items, renders prompts and grades outputs. It knows no runner and no database.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/ids.h"
#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::suites {

class Sandbox;  // suites/sandbox/sandbox.h: where model-written code runs

/// The five outcomes. Only `correct` scores; the other four are never counted as one another.
enum class Verdict {
  correct,
  incorrect,
  no_answer,  ///< nothing could be extracted
  truncated,  ///< the reasoning has no end, or the reply was cut and no answer could be extracted
  error,      ///< grading itself failed (sandbox, harness time-out); never the candidate's fault
};
std::string to_string(Verdict verdict);
Result<Verdict> parse_verdict(std::string_view text);

/// Kinds of item, as in INTERFACE's table of records.
enum class ItemKind { integer, math, choice, grid, code, language, text, refusal };
std::string to_string(ItemKind kind);
Result<ItemKind> parse_item_kind(std::string_view text);

/// One question. `record` is the whole record as it was read, without fields that are null.
struct Item {
  ItemId id;
  std::string tag;     ///< size, topic or similar; may be empty
  std::string prompt;  ///< the user message, ready to be sent
  Json record;
  std::string place;  ///< where the record was read, for errors: "items.jsonl:3"; empty if it comes from no file
};

/// What a model's reply is graded from.
struct Output {
  std::string_view text;          ///< template prefill (such as "<think>\n") followed by what was generated
  bool hit_length_limit = false;  ///< finish_reason is "length" or "context"
};

/// The verdict on one output, with what led to it.
struct Grade {
  Verdict verdict = Verdict::error;
  std::optional<std::string> answer;  ///< what was extracted; none if nothing could be
  std::optional<std::string> expected;
  double score = 0;  ///< 0..1; only `correct` is 1 (zebra's cell accuracy is in detail)
  std::string rule;  ///< the rule that fired, e.g. "boxed", "answer_line", "whole_reply"
  Json detail = Json::object();
};

/// What a grader may use besides the item and the output.
struct GradeContext {
  Sandbox* sandbox = nullptr;  ///< needed by kind `code` alone
  std::string profile = "canonical";
};

/// Sampling that the suite asks for, unless the user says otherwise.
struct SamplingDefaults {
  double temperature = 0;
  double top_p = 1;
  std::int64_t max_output_tokens = 0;  ///< 0: what is left of the context
  std::int64_t samples = 1;
};

/// The JSON form in which a `grid` suite asks for the solution.
enum class AnswerForm {
  solution,  ///< an object with a "solution" key that holds the table
  bare,      ///< the table itself: {"House 1": {…}, …}; the wrapped form is accepted as well
};

/// How prompts are made of questions: the "prompt" object of suite.json.
struct PromptOptions {
  std::string text;  ///< with placeholders such as {question} (suites/prompts.h); empty: the kind's own text
  AnswerForm answer_form = AnswerForm::solution;
};

/// What a suite's card says besides: the optional fields of suite.json that no code acts on. Empty: nothing is said.
struct SuiteNotes {
  std::string language;             ///< of the questions: "en"
  std::string canary;               ///< a text that marks copies of the data, or what the data's authors ask of users
  std::string contamination;        ///< whether models may have seen the items, and since when they are public
  std::string items_from;           ///< where items that are not shipped can be had: file and place
  std::vector<std::string> errata;  ///< known faults of items, one a text
};

/// The encrypted archive that holds a suite's items: the "archive" object of suite.json.
struct ItemArchive {
  std::string file;                    ///< beside suite.json
  std::string member;                  ///< the table in it
  std::string option_order = "assay";  ///< or "simple-evals": suites/gpqa/gpqa_items.h
};

/// A loaded suite. Immutable, so any thread may grade with it.
struct Suite {
  std::string name;  ///< "zebra-smoke"
  std::string version;
  ItemKind kind = ItemKind::integer;
  std::string title;
  std::string licence;
  std::string source;
  PromptOptions prompt;
  SamplingDefaults sampling;
  SuiteNotes notes;
  std::map<std::string, std::int64_t> protocol_samples;  ///< samples of an item under a protocol: {"deepseek-r1", 64}
  std::optional<ItemArchive> archive;  ///< then its authors ask for no plain text: prompts are neither stored nor shown
  std::vector<Item> items;
  std::string sha256;  ///< over name, version, kind, answer form, prompts and records: the same iff the suites are
};

/// The graders of a kind: "canonical", then the compatibility profiles.
std::vector<std::string> grader_profiles(ItemKind kind);

/// Raised by hand whenever a grader of the kind may give another verdict on the same output, and stored with every
/// verdict: scores of different versions are not compared. testdata/verdicts.jsonl notices when that was forgotten.
int grader_version(ItemKind kind);

/// Error{bad_input} if the suite's kind has no grader called `profile` ("canonical", "simple-evals", …); names those it
/// has.
Result<> check_profile(const Suite& suite, std::string_view profile);

/// Grades one output under `context.profile`, which check_profile() accepted. Pure but for kind `code`, which runs
/// programs in `context.sandbox`. A failure of grading itself is the verdict `error` with its reason in detail, not an
/// Error.
Grade grade(const Suite& suite, const Item& item, const Output& output, const GradeContext& context);

}  // namespace assay::suites
