#include "suites/language/language_grader.h"

#include <filesystem>
#include <map>

#include "harness/base/file.h"
#include "suites/language/identify.h"
#include "suites/language/prose.h"
#include "suites/language/words.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;
using Catch::Matchers::WithinAbs;

namespace {

Grade grade_of(const std::string& language, const std::string& output, bool hit_length_limit = false) {
  Item item;
  item.record = {{"id", "1"}, {"question", "?"}, {"language", language}};
  return grade_language(item, {output, hit_length_limit});
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (const Word& word : split_words(prose_only(text))) words.push_back(word.text);
  return words;
}

}  // namespace

// 184 sentences in twelve languages, none of them among those that the model is trained on.
TEST_CASE("identify_languages: the validation set's error rate", "[suites][language]") {
  const auto file = std::filesystem::path(ASSAY_SOURCE_DIR) / "suites" / "language" / "testdata" / "validation.tsv";
  const auto text = read_file(file);
  REQUIRE(text);
  int n_sentences = 0, n_wrong = 0;
  double n_tokens = 0, n_wrong_tokens = 0;
  std::map<std::string, std::string> whole;
  REQUIRE(for_each_line(*text, [&](std::string_view line, int) -> Result<> {
    const std::size_t tab = line.find('\t');
    const std::string code(line.substr(0, tab)), sentence(line.substr(tab + 1));
    const Language language = *parse_language(code);
    const LanguageUse use = identify_languages(sentence);
    if (use.dominant() != language)
      UNSCOPED_INFO(code << " taken for " << to_string(use.dominant()) << ": " << sentence);
    n_wrong += use.dominant() == language ? 0 : 1;
    n_tokens += use.total_tokens();
    n_wrong_tokens += use.total_tokens() * (1 - use.share(language));
    whole[code] += sentence + "\n";
    ++n_sentences;
    return {};
  }));
  UNSCOPED_INFO(n_wrong << " of " << n_sentences << " sentences, " << n_wrong_tokens << " of " << n_tokens
                        << " tokens");
  CHECK(n_sentences == 184);
  CHECK(n_wrong == 0);
  CHECK(n_wrong_tokens <= 0.005 * n_tokens);
  for (const auto& [code, sentences] : whole) {
    INFO(code);
    CHECK(identify_languages(sentences).share(*parse_language(code)) >= 0.98);
  }
}

TEST_CASE("prose_only: code, formulas, links and tags go", "[suites][language]") {
  CHECK(words_of("Take ```python\nfor item in list: print(item)\n``` and `my_list`.") ==
        std::vector<std::string>{"take", "and"});
  CHECK(words_of("Take ~~~\nnever closed") == std::vector<std::string>{"take"});
  CHECK(words_of("So $x_{max} = velocity$ and $$\\text{area} = 2$$ hold.") ==
        std::vector<std::string>{"so", "and", "hold"});
  CHECK(words_of("It costs $5 here and $6 there") == std::vector<std::string>{"it", "costs", "here", "and", "there"});
  CHECK(words_of("Then \\(speed\\), \\[mass\\] and \\begin{align}force\\end{align} or \\boxed{done}") ==
        std::vector<std::string>{"then", "and", "or", "done"});
  CHECK(words_of("See https://example.org/some/page now <answer>yes</answer>") ==
        std::vector<std::string>{"see", "now", "yes"});
}

TEST_CASE("split_words: what stands the same in every language is left out", "[suites][language]") {
  CHECK(words_of("Let x and dp[i] be max(a, b), so f(x) grows") ==
        std::vector<std::string>{"let", "and", "be", "so", "grows"});
  CHECK(words_of("The GCD of myVar and word2vec uses np.array, doesn\u2019t it") ==
        std::vector<std::string>{"the", "of", "and", "uses", "doesn't", "it"});
  CHECK(words_of("根据 Lagrange 定理") == std::vector<std::string>{"根", "据", "定", "理"});
  CHECK(words_of("根据 the theorem") == std::vector<std::string>{"根", "据", "the", "theorem"});
  CHECK(token_count(split_words("word")[0]) == 1);
  CHECK(token_count(split_words("字")[0]) == 0.5);
}

// A word counts one token, a Chinese character half of one: 11 words and 23 characters, twice.
TEST_CASE("identify_languages: shares and switches of mixed reasoning", "[suites][language]") {
  const std::string chinese = "我们先来看这个问题，然后再检查每一个条件是否成立。";
  const std::string english = "Let me check the second condition once more before going on. ";
  const LanguageUse mixed = identify_languages(english + chinese + english + chinese);
  CHECK_THAT(mixed.tokens[static_cast<std::size_t>(Language::en)], WithinAbs(22, 1e-9));
  CHECK_THAT(mixed.tokens[static_cast<std::size_t>(Language::zh)], WithinAbs(23, 1e-9));
  CHECK(mixed.n_switches == 3);
  CHECK_THAT(mixed.switches_per_1000_tokens(), WithinAbs(1000.0 * 3 / 45, 1e-9));
  CHECK(mixed.dominant() == Language::zh);
  // Within a sentence, between two languages of one script.
  const LanguageUse latin = identify_languages(
      "Okay, let me think about what happens next, y entonces tenemos que comprobar la segunda condición del problema, "
      "before we can give the final answer to this question.");
  CHECK(latin.n_switches == 2);
  CHECK_THAT(latin.tokens[static_cast<std::size_t>(Language::es)], WithinAbs(9, 1));
  // Ukrainian, Persian and Thai are none of the twelve.
  CHECK(identify_languages("Це дуже цікаве питання, і її відповідь нам невідома.").share(Language::ru) < 0.7);
  CHECK(identify_languages("این یک پرسش گفتگو").share(Language::ar) < 0.7);
  CHECK(identify_languages("นี่คือคำถาม").dominant() == Language::other);
  CHECK(identify_languages("").total_tokens() == 0);
  CHECK(identify_languages("12 + 30 = 42").share(Language::en) == 0);
}

TEST_CASE("grade_language: the thoughts are what is graded", "[suites][language]") {
  const std::string english = "I should look at the first clue again, because it tells us where the red house is.";
  const std::string chinese = "我应该再看一遍第一条线索，因为它告诉我们红色的房子在哪里。";
  Grade graded = grade_of("en", "<think>\n" + english + "\n</think>\n" + chinese);
  CHECK(graded.verdict == Verdict::correct);
  CHECK(graded.rule == "thoughts");
  CHECK(graded.answer == "en");
  CHECK(graded.expected == "en");
  CHECK(graded.score == 1);
  CHECK(graded.detail.at("threshold") == 0.9);
  graded = grade_of("zh", english + "\n</think>\n" + chinese);  // the template's <think> may be missing
  CHECK(graded.verdict == Verdict::incorrect);
  CHECK(graded.answer == "en");
  CHECK(graded.score == 0);
  graded = grade_of("en", "<think>" + english + chinese + "</think>Yes.");
  CHECK(graded.verdict == Verdict::incorrect);
  CHECK_THAT(graded.score, WithinAbs(0.57, 0.06));
  CHECK_THAT(graded.detail.at("shares").at("zh").get<double>(), WithinAbs(0.43, 0.06));
  CHECK(graded.detail.at("switches_per_1000_tokens").get<double>() > 20);
  CHECK(grade_of("en", english).rule == "whole_reply");
  graded = grade_of("en", "<think>" + english);
  CHECK(graded.verdict == Verdict::truncated);
  CHECK(graded.score == 0);
  CHECK(graded.detail.at("share") == 1.0);
  CHECK(grade_of("en", "<think>\n\n</think>\n" + english).rule == "no_reasoning");
  CHECK(grade_of("en", "").verdict == Verdict::no_answer);
  CHECK(grade_of("en", "", true).verdict == Verdict::truncated);
}

TEST_CASE("identify_languages: truncations, mutations and long texts are read without harm", "[suites][language]") {
  const std::string text =
      "Étude \\[x\\] `co` $y$ 日本語の \u202E\u0301 слово كلمة हिन्दी 한국 <think> \\begin{a}b\\end{a} it's";
  for (std::size_t n = 0; n <= text.size(); ++n) CHECK(identify_languages(text.substr(0, n)).total_tokens() >= 0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'\\', '$', '`', '<', '\xFF', '\0', '\''}) {
      std::string mutated = text;
      mutated[i] = c;
      CHECK(identify_languages(mutated).total_tokens() >= 0);
    }
  }
  const std::string marks = GENERATE("$", "\\(", "`", "<a", "word ", "字", "\\begin{a}", "a'");
  std::string repeated;
  for (int i = 0; i < 50'000; ++i) repeated += marks;
  CHECK(identify_languages(repeated).total_tokens() >= 0);
}
