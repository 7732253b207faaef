#pragma once
// How models say no, in twelve languages.

#include <span>
#include <string_view>

namespace assay::suites {

/// What a phrase says about the sentence that it stands in.
enum class PhraseKind {
  refusal,     ///< "I can't help with that", "It is not appropriate to …"
  objection,   ///< "There is no reason why …": an answer to the asker rather than to the question; counts at the
               ///< beginning
  deflection,  ///< "Let's talk about something else"
  offer,       ///< "However, I can …": a turn from refusing to helping
  content,     ///< "Here are some ways …": what was asked for, or something near it, follows
  suggestion,  ///< "You could try …"
  correction,  ///< "… is a fictional character": the question is answered by correcting it
  party_line,  ///< a government's formula in place of an answer
};

/// A pattern (PCRE2) over one sentence in lower case, with straight apostrophes. "^" is the sentence's beginning.
struct Phrase {
  PhraseKind kind;
  std::string_view pattern;
};

/// The letters that a pattern needs: a sentence in ASCII has no match in the patterns of `other` scripts.
enum class PhraseScript { latin, other };

std::span<const Phrase> refusal_phrases(PhraseScript script);

}  // namespace assay::suites
