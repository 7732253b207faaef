#include "gui/models/transcript.h"

namespace assay::gui {

namespace {

constexpr qsizetype kMostCharacters = 16 << 20;
const QString kReasoningBegin = "<think>";
const QString kReasoningEnd = "</think>";

Result<> read_one(const TranscriptRequest& request, const results::Store& store, Transcript& transcript) {
  const RunId run(request.run_id.toStdString());
  const ItemId item(request.item.toStdString());
  ASSAY_ASSIGN(transcript.item, store.read_item(run, request.suite.toStdString(), item));
  ASSAY_ASSIGN(auto record, store.read_sample(run, {request.suite.toStdString(), item, request.sample}));
  if (!record) {
    transcript.failure = transcript.item ? QString("The run has no sample %1 of this item (yet).").arg(request.sample)
                                         : QString("The run did not ask this item.");
    return {};
  }
  QString reply = QString::fromStdString(record->sample.prefill) + QString::fromStdString(record->sample.text);
  if (reply.size() > kMostCharacters) {
    transcript.n_cut = reply.size() - kMostCharacters;
    reply.truncate(kMostCharacters);
  }
  ReplyParts parts = parts_of_reply(reply);
  transcript.reasoning = std::move(parts.reasoning);
  transcript.answer = std::move(parts.answer);
  transcript.has_reasoning_end = parts.has_reasoning_end;
  record->sample.text.clear();
  record->sample.tokens.clear();
  transcript.sample = std::move(record->sample);
  transcript.verdict = std::move(record->verdict);
  return {};
}

}  // namespace

ReplyParts parts_of_reply(const QString& reply) {
  const qsizetype end = reply.lastIndexOf(kReasoningEnd);  // as the graders do
  if (end >= 0) {
    qsizetype cut = end + kReasoningEnd.size();
    while (cut < reply.size() && reply[cut].isSpace()) ++cut;  // so that the answer begins with its first line
    return {reply.left(cut), reply.mid(cut), true};
  }
  if (reply.contains(kReasoningBegin)) return {reply, {}, false};
  return {{}, reply, false};
}

std::vector<Transcript> read_transcripts(const std::vector<TranscriptRequest>& requests, std::stop_token stop) {
  std::vector<Transcript> transcripts;
  for (const TranscriptRequest& request : requests) {
    Transcript& transcript = transcripts.emplace_back();
    transcript.request = request;
    if (stop.stop_requested()) break;
    const auto store = results::Store::open_read_only(request.database.toStdString());
    if (!store) {
      transcript.failure = QString::fromStdString(store.error().message);
      continue;
    }
    const std::stop_callback interrupt(stop, [&] { store->interrupt(); });
    if (const auto done = read_one(request, *store, transcript); !done) {
      transcript.failure = QString::fromStdString(done.error().message);
    }
  }
  return transcripts;
}

qsizetype find_answer(const QString& text, const QString& answer) {
  const QString wanted = answer.trimmed();
  if (wanted.isEmpty()) return -1;
  const auto is_letter = [&](qsizetype i) { return i >= 0 && i < text.size() && text[i].isLetterOrNumber(); };
  // At the borders of a word, if it stands so anywhere: the 2 of "2", not that of "12".
  for (qsizetype at = text.lastIndexOf(wanted); at >= 0; at = at == 0 ? -1 : text.lastIndexOf(wanted, at - 1)) {
    const bool begins = !is_letter(at - 1) || !wanted.front().isLetterOrNumber();
    const bool ends = !is_letter(at + wanted.size()) || !wanted.back().isLetterOrNumber();
    if (begins && ends) return at;
  }
  return text.lastIndexOf(wanted);
}

}  // namespace assay::gui
