#include "suites/fold.h"

#include "tests/support/catch.h"

using namespace assay::suites;

// Code points and their decompositions as the Unicode character database lists them.
TEST_CASE("fold_forms: looks go, meanings stay", "[suites]") {
  CHECK(fold_forms("\uFF21\uFF1A\uFF12") == "A:2");               // full-width A : 2
  CHECK(fold_forms("\U0001D402\U0001D7D0") == "C2");              // mathematical bold C and 2
  CHECK(fold_forms("\u0662\u0660\u0664 \u096A") == "204 4");      // Arabic-Indic 204, Devanagari 4
  CHECK(fold_forms("a\u200Bb\uFEFFc\u00ADd") == "abcd");          // zero-width space, byte order mark, soft hyphen
  CHECK(fold_forms("a\u00A0b\u3000c\u2028d\n") == "a b c\nd\n");  // blanks and line breaks
  CHECK(fold_forms("2\u00B3 \u00BD") == "2\u00B3 \u00BD");        // superscript and fraction stay
  CHECK(fold_forms("\xFF") == "\uFFFD");
}

TEST_CASE("fold_case, fold_space, trim_space, to_lower", "[suites]") {
  CHECK(fold_case("Stra\u00DFe") == fold_case("STRASSE"));
  CHECK(fold_case("e\u0301") == fold_case("\u00C9"));
  CHECK(fold_space(" \u00A0a \n\t b\u2003") == "a b");
  CHECK(trim_space("\u00A0\u3000a b\u2003\n") == "a b");
  CHECK(trim_space(" \u00A0 ").empty());
  CHECK(to_lower("\u00C9RIC") == "\u00E9ric");
}
