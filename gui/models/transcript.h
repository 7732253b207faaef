#pragma once
// One sample as it is read: question, reasoning, answer, verdict.

#include <QString>
#include <optional>
#include <stop_token>
#include <vector>

#include "results/store.h"

namespace assay::gui {

struct TranscriptRequest {
  QString database, run_id, run_title, suite, item;
  int sample = 0;
  bool operator==(const TranscriptRequest&) const = default;
};

struct Transcript {
  TranscriptRequest request;
  std::optional<results::ItemFacts> item;
  std::optional<results::SampleFacts> sample;  ///< without text and tokens, which are below
  std::optional<results::VerdictFacts> verdict;
  /// The reply with what the template opened it with, cut behind its reasoning's end. A reply whose reasoning was
  /// opened and never ended is all reasoning.
  QString reasoning, answer;
  bool has_reasoning_end = false;
  qsizetype n_cut = 0;  ///< characters of the reply that were left out: it is longer than the window holds
  QString failure;      ///< why there is no sample
};

/// Where a reply is cut: `reasoning` includes its end mark (the last one, as graders take it) and the white space
/// behind it.
struct ReplyParts {
  QString reasoning, answer;
  bool has_reasoning_end = false;
};
ReplyParts parts_of_reply(const QString& reply);

std::vector<Transcript> read_transcripts(const std::vector<TranscriptRequest>& requests, std::stop_token stop);

/// Where the extracted answer stands in a text, as far as it can be told: its last occurrence. -1 if it doesn't.
qsizetype find_answer(const QString& text, const QString& answer);

}  // namespace assay::gui
