#include "runners/formats/tokenizer/tokenizer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <deque>
#include <unordered_map>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "runners/formats/gguf/gguf_files.h"
#include "runners/formats/tokenizer/added_token_finder.h"
#include "runners/formats/tokenizer/byte_alphabet.h"
#include "runners/formats/tokenizer/byte_pair_encoder.h"
#include "runners/formats/tokenizer/gguf_tokenizer.h"
#include "runners/formats/tokenizer/normalize.h"
#include "runners/formats/tokenizer/pattern.h"
#include "runners/formats/tokenizer/piece_cache.h"
#include "runners/formats/tokenizer/sentencepiece_encoder.h"
#include "runners/formats/tokenizer/tokenizer_json.h"

namespace assay::runners {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMaxTokenizerBytes = 256 << 20;  // the largest known is below 40 MB
constexpr std::uint64_t kMaxConfigBytes = 16 << 20;
constexpr std::int32_t kMaxId =
    (1 << 21) - 1;  // tables are indexed by id; the largest known vocabulary has 2^18 entries
constexpr std::size_t kMaxSplits = 64;

// Source: openai/gpt-2, src/encoder.py.
constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// What the ids of a vocabulary stand for.
struct Token {
  std::string bytes;
  bool exists = false;
  bool special = false;
  bool added = false;
};

using IdOfText = std::unordered_map<std::string_view, std::int32_t>;

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> serial{0};
  return ++serial;  // 0 is the empty cache's
}

}  // namespace

struct Tokenizer::State {
  State(BytePairEncoder encoder, AddedTokenFinder first, AddedTokenFinder second)
      : bpe(std::move(encoder)), raw_finder(std::move(first)), normalized_finder(std::move(second)) {}

  Result<> encode_plain(std::string_view text, std::vector<std::int32_t>& ids) const;
  void encode_piece(std::string_view piece, std::vector<std::int32_t>& ids) const;

  BytePairEncoder bpe;
  std::optional<SentencePieceEncoder> sentencepiece;  // in place of bpe, which is empty then
  AddedTokenFinder raw_finder;                        // tokens looked for in the text as it is
  AddedTokenFinder normalized_finder;                 // … and in what the normaliser made of the rest
  std::vector<Token> tokens;                          // by id
  std::unordered_map<std::string, std::int32_t> added_ids;
  std::unordered_map<std::string, std::int32_t> whole_pieces;  // only where merges may be ignored
  std::vector<Pattern> splits;
  std::optional<Pattern> gpt2_split;
  Normalizer normalizer = Normalizer::none;
  bool add_prefix_space = false;
  bool add_space_prefix = false;
  bool add_bos = false;
  std::int64_t n_tokens = 0;
  std::optional<std::string> bos_token;
  std::optional<std::string> eos_token;
  std::optional<std::int32_t> bos_id;
  std::optional<std::int32_t> eos_id;
  std::optional<std::string> chat_template;
  std::string tokenizer_sha256;
  std::string config_sha256;
  std::vector<std::string> warnings;
  std::uint64_t serial = next_serial();
};

namespace {

/// Checks ids and texts of vocabulary and added tokens, and lays them out by id.
Result<std::vector<Token>> lay_out_tokens(const TokenizerData& data, const IdOfText& id_of, std::string_view where) {
  std::int32_t highest = -1;
  const auto check_id = [&](std::int32_t id, std::string_view text) -> Result<> {
    if (id < 0 || id > kMaxId) {
      return bad_input(where, ": token ", quoted_excerpt(text), " has id ", id, ", must be 0 to ", kMaxId);
    }
    highest = std::max(highest, id);
    return {};
  };
  for (const VocabEntry& entry : data.vocab) ASSAY_TRY(check_id(entry.id, entry.text));
  for (const AddedToken& token : data.added_tokens) ASSAY_TRY(check_id(token.id, token.content));

  std::vector<Token> tokens(static_cast<std::size_t>(highest) + 1);
  for (const VocabEntry& entry : data.vocab) {
    Token& token = tokens[entry.id];
    if (token.exists) {
      return bad_input(where, ": id ", entry.id, " is given to ", quoted_excerpt(entry.text), " and to another token");
    }
    token.exists = true;
    token.bytes = data.sentencepiece
                      ? replace_all(entry.text, kSpaceMark, " ")
                      : bytes_of(entry.text).value_or(entry.text);  // control tokens may stand there in plain text
  }
  std::vector<bool> added(tokens.size());
  for (const AddedToken& entry : data.added_tokens) {
    const auto in_vocab = id_of.find(entry.content);
    if (in_vocab != id_of.end() && in_vocab->second != entry.id) {
      return bad_input(where, ": added token ", quoted_excerpt(entry.content), " has id ", entry.id,
                       ", but the vocabulary gives it ", in_vocab->second);
    }
    Token& token = tokens[entry.id];
    if (added[entry.id] || (token.exists && in_vocab == id_of.end())) {
      return bad_input(where, ": id ", entry.id, " is given to added token ", quoted_excerpt(entry.content),
                       " and to another token");
    }
    added[entry.id] = true;
    token = {.bytes = entry.content, .exists = true, .special = entry.special, .added = true};
  }
  return tokens;
}

/// Gives the byte tokens and the unknown token their places: neither is in the vocabulary, since nothing merges to
/// them.
Result<> lay_out_fallbacks(const SentencePieceModel& model, std::vector<Token>& tokens, std::string_view where) {
  const auto place = [&](std::int32_t id, std::string bytes) -> Result<> {
    if (id < 0 || id > kMaxId)
      return bad_input(where, ": a byte token or the unknown token has id ", id, ", must be 0 to ", kMaxId);
    if (static_cast<std::size_t>(id) >= tokens.size()) tokens.resize(static_cast<std::size_t>(id) + 1);
    if (tokens[id].exists)
      return bad_input(where, ": id ", id, " is given to a byte token or the unknown token, and to another");
    tokens[id] = {.bytes = std::move(bytes), .exists = true};
    return {};
  };
  for (int byte = 0; byte < 256; ++byte) {
    if (model.byte_ids[byte] >= 0) ASSAY_TRY(place(model.byte_ids[byte], std::string(1, static_cast<char>(byte))));
  }
  if (model.unknown_id) ASSAY_TRY(place(*model.unknown_id, "\uFFFD"));  // some character, nobody knows which
  return {};
}

Result<std::vector<RankedMerge>> rank_merges(const TokenizerData& data, const IdOfText& id_of, std::string_view where) {
  std::vector<RankedMerge> merges;
  merges.reserve(data.merges.size());
  std::string joined;
  for (std::size_t rank = 0; rank < data.merges.size(); ++rank) {
    const Merge& merge = data.merges[rank];
    joined.assign(merge.left).append(merge.right);
    std::array<std::int32_t, 3> ids{};
    const std::array<std::string_view, 3> texts = {merge.left, merge.right, joined};
    for (std::size_t i = 0; i < 3; ++i) {
      const auto found = id_of.find(texts[i]);
      if (found == id_of.end()) {
        return bad_input(where, ": merge ", rank, " names ", quoted_excerpt(texts[i]), ", which is no token");
      }
      ids[i] = found->second;
    }
    merges.push_back({ids[0], ids[1], ids[2]});
  }
  return merges;
}

std::array<std::int32_t, 256> find_byte_ids(const IdOfText& id_of, std::vector<std::string>& warnings) {
  std::array<std::int32_t, 256> ids{};
  std::string missing;
  for (int byte = 0; byte < 256; ++byte) {
    std::string character;
    append_utf8(character, byte_characters()[byte]);
    const auto found = id_of.find(character);
    ids[byte] = found == id_of.end() ? -1 : found->second;
    // 0xC0, 0xC1 and 0xF5 to 0xFF never occur in UTF-8.
    const bool can_occur = byte != 0xC0 && byte != 0xC1 && byte < 0xF5;
    if (ids[byte] < 0 && can_occur) missing += (missing.empty() ? "" : ", ") + std::to_string(byte);
  }
  if (!missing.empty()) {
    warnings.push_back("the vocabulary has no token for these bytes, which are dropped from texts: " + missing);
  }
  return ids;
}

Result<SentencePieceEncoder> make_sentencepiece(const TokenizerData& data, std::vector<std::string>& warnings,
                                                std::string_view where) {
  const SentencePieceModel& model = *data.sentencepiece;
  for (const VocabEntry& entry : data.vocab) {
    if (std::isnan(entry.score)) return bad_input(where, ": token ", quoted_excerpt(entry.text), " has no score");
  }
  const bool all_bytes = std::all_of(model.byte_ids.begin(), model.byte_ids.end(), [](auto id) { return id >= 0; });
  if (!all_bytes && !model.unknown_id) {
    warnings.emplace_back(
        "the vocabulary has neither a token for every byte nor an unknown token: characters that are in no token are "
        "dropped from texts");
  }
  return SentencePieceEncoder(data.vocab, model);
}

Result<std::optional<std::int32_t>> find_control_token(const std::optional<std::string>& content, const IdOfText& vocab,
                                                       const std::vector<AddedToken>& added, std::string_view field,
                                                       std::string_view where) {
  if (!content) return std::optional<std::int32_t>();
  for (const AddedToken& token : added) {
    if (token.content == *content) return std::optional<std::int32_t>(token.id);
  }
  if (const auto found = vocab.find(*content); found != vocab.end()) return std::optional<std::int32_t>(found->second);
  return bad_input(where, ": ", field, " ", quoted_excerpt(*content), " is no token");
}

}  // namespace

Result<Tokenizer> Tokenizer::create(TokenizerData data, std::string_view where) {
  if (data.vocab.empty()) return bad_input(where, ": the vocabulary is empty");
  if (data.splits.size() > kMaxSplits) return bad_input(where, ": more than ", kMaxSplits, " splitting steps");
  IdOfText id_of;
  id_of.reserve(data.vocab.size());
  for (const VocabEntry& entry : data.vocab) {
    if (!id_of.emplace(entry.text, entry.id).second) {
      return bad_input(where, ": token ", quoted_excerpt(entry.text), " stands twice in the vocabulary");
    }
  }
  ASSAY_ASSIGN(std::vector<Token> tokens, lay_out_tokens(data, id_of, where));
  std::vector<RankedMerge> merges;
  std::array<std::int32_t, 256> byte_ids = SentencePieceModel::no_bytes();
  std::optional<SentencePieceEncoder> sentencepiece;
  std::vector<std::string> warnings;
  if (data.sentencepiece) {
    ASSAY_TRY(lay_out_fallbacks(*data.sentencepiece, tokens, where));
    ASSAY_ASSIGN(sentencepiece, make_sentencepiece(data, warnings, where));
  } else {
    ASSAY_ASSIGN(merges, rank_merges(data, id_of, where));
    byte_ids = find_byte_ids(id_of, warnings);
  }

  std::unordered_map<std::string, std::int32_t> added_ids;
  std::vector<AddedToken> raw_tokens;
  std::vector<AddedToken> normalized_tokens;
  for (const AddedToken& token : data.added_tokens) {
    if (!added_ids.emplace(token.content, token.id).second) {
      return bad_input(where, ": added token ", quoted_excerpt(token.content), " stands twice");
    }
    (token.normalized ? normalized_tokens : raw_tokens).push_back(token);
  }
  for (AddedToken& token : normalized_tokens) {
    ASSAY_ASSIGN(token.content, normalize(data.normalizer, token.content));
  }
  ASSAY_ASSIGN(AddedTokenFinder raw_finder, AddedTokenFinder::create(std::move(raw_tokens)));
  ASSAY_ASSIGN(AddedTokenFinder normalized_finder, AddedTokenFinder::create(std::move(normalized_tokens)));

  auto state =
      std::make_unique<State>(BytePairEncoder(byte_ids, merges), std::move(raw_finder), std::move(normalized_finder));
  state->sentencepiece = std::move(sentencepiece);
  state->add_space_prefix = data.sentencepiece && data.sentencepiece->add_space_prefix;
  state->warnings = std::move(warnings);
  for (std::size_t i = 0; i < data.splits.size(); ++i) {
    ASSAY_ASSIGN(Pattern split, Pattern::compile(data.splits[i], std::string(where) + ": split " + std::to_string(i)));
    state->splits.push_back(std::move(split));
  }
  if (data.gpt2_split) {
    ASSAY_ASSIGN(state->gpt2_split, Pattern::compile({std::string(kGpt2Pattern)}, where));
  }
  if (data.ignore_merges) {
    for (const VocabEntry& entry : data.vocab) {
      if (auto bytes = bytes_of(entry.text)) state->whole_pieces.emplace(std::move(*bytes), entry.id);
    }
  }
  ASSAY_ASSIGN(state->bos_id, find_control_token(data.bos_token, id_of, data.added_tokens, "bos_token", where));
  ASSAY_ASSIGN(state->eos_id, find_control_token(data.eos_token, id_of, data.added_tokens, "eos_token", where));
  if (data.add_bos && !state->bos_id) return bad_input(where, ": a bos token is to be added, but none is named");
  state->n_tokens = std::count_if(tokens.begin(), tokens.end(), [](const Token& token) { return token.exists; });
  state->tokens = std::move(tokens);
  state->added_ids = std::move(added_ids);
  state->normalizer = data.normalizer;
  state->add_prefix_space = data.add_prefix_space;
  state->add_bos = data.add_bos;
  state->bos_token = std::move(data.bos_token);
  state->eos_token = std::move(data.eos_token);
  state->chat_template = std::move(data.chat_template);
  return Tokenizer(std::move(state));
}

Result<Tokenizer> Tokenizer::load(const fs::path& tokenizer_json, const std::optional<fs::path>& tokenizer_config) {
  ASSAY_ASSIGN(const std::string text, read_file(tokenizer_json, kMaxTokenizerBytes));
  ASSAY_ASSIGN(TokenizerData data, parse_tokenizer_json(text, tokenizer_json.string()));
  std::string config_sha256;
  if (tokenizer_config) {
    ASSAY_ASSIGN(const std::string config, read_file(*tokenizer_config, kMaxConfigBytes));
    ASSAY_TRY(apply_tokenizer_config(config, tokenizer_config->string(), data));
    config_sha256 = sha256_hex(config);
  }
  ASSAY_ASSIGN(Tokenizer tokenizer, create(std::move(data), tokenizer_json.string()));
  tokenizer.state_->tokenizer_sha256 = sha256_hex(text);
  tokenizer.state_->config_sha256 = std::move(config_sha256);
  return tokenizer;
}

Result<Tokenizer> Tokenizer::load_of_model(const fs::path& model) {
  if (is_gguf_path(model)) {
    ASSAY_ASSIGN(const GgufFile file, GgufFile::open(model));
    return from_gguf(file.metadata());
  }
  const fs::path& folder = model;
  const fs::path config = folder / "tokenizer_config.json";
  const fs::path chat_template = folder / "chat_template.jinja";
  std::error_code ignored;
  ASSAY_ASSIGN(Tokenizer tokenizer, load(folder / "tokenizer.json",
                                         fs::exists(config, ignored) ? std::optional<fs::path>(config) : std::nullopt));
  if (fs::exists(chat_template, ignored)) {  // newer folders keep it here; it goes before the one in the configuration
    ASSAY_ASSIGN(tokenizer.state_->chat_template, read_file(chat_template, kMaxConfigBytes));
  }
  return tokenizer;
}

Result<Tokenizer> Tokenizer::from_gguf(const GgufMetadata& metadata) {
  ASSAY_ASSIGN(const GgufTokenizer fields, read_gguf_tokenizer(metadata));
  ASSAY_ASSIGN(TokenizerData data, to_tokenizer_data(fields, metadata.where()));
  ASSAY_ASSIGN(Tokenizer tokenizer, create(std::move(data), metadata.where()));
  tokenizer.state_->tokenizer_sha256 = gguf_tokenizer_sha256(metadata);
  return tokenizer;
}

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

void Tokenizer::State::encode_piece(std::string_view piece, std::vector<std::int32_t>& ids) const {
  if (!whole_pieces.empty()) {
    if (const auto found = whole_pieces.find(std::string(piece)); found != whole_pieces.end()) {
      ids.push_back(found->second);
      return;
    }
  }
  if (piece.size() > PieceCache::kMaxPieceBytes) return bpe.encode(piece, ids);
  PieceCache& cache = PieceCache::of_thread(serial);
  if (const auto* known = cache.find(piece)) {
    ids.insert(ids.end(), known->begin(), known->end());
    return;
  }
  std::vector<std::int32_t> fresh;
  bpe.encode(piece, fresh);
  ids.insert(ids.end(), fresh.begin(), fresh.end());
  cache.put(piece, std::move(fresh));
}

/// Text between added tokens, already normalised.
Result<> Tokenizer::State::encode_plain(std::string_view text, std::vector<std::int32_t>& ids) const {
  if (text.empty()) return {};
  if (sentencepiece) {
    sentencepiece->encode(add_space_prefix ? std::string(1, ' ').append(text) : std::string(text), ids);
    return {};
  }
  std::vector<std::string_view> pieces = {text};
  std::vector<std::string_view> finer;
  const auto refine = [&](const Pattern& split) -> Result<> {
    finer.clear();
    for (const std::string_view piece : pieces) ASSAY_TRY(split.split(piece, finer));
    std::swap(pieces, finer);
    return {};
  };
  for (const Pattern& split : splits) ASSAY_TRY(refine(split));
  std::deque<std::string> spaced;  // owns the pieces that got a space
  if (add_prefix_space) {
    for (std::string_view& piece : pieces) {
      if (piece.front() != ' ') piece = spaced.emplace_back(1, ' ').append(piece);
    }
  }
  if (gpt2_split) ASSAY_TRY(refine(*gpt2_split));
  for (const std::string_view piece : pieces) encode_piece(piece, ids);
  return {};
}

Result<std::vector<std::int32_t>> Tokenizer::encode(std::string_view text, SpecialTokens special) const {
  const Segment whole{std::string(text), special == SpecialTokens::recognise};
  return encode_segments({&whole, 1});
}

Result<std::vector<std::int32_t>> Tokenizer::encode_segments(std::span<const Segment> segments,
                                                             std::span<const std::string> control_tokens) const {
  std::vector<std::int32_t> control_ids;
  for (const std::string& content : control_tokens) {
    if (const auto id = added_token_id(content)) control_ids.push_back(*id);
  }
  const auto in_trusted = [](std::int32_t) { return true; };
  const auto in_untrusted = [&](std::int32_t id) {
    return !is_special(id) && std::find(control_ids.begin(), control_ids.end(), id) == control_ids.end();
  };

  std::vector<std::int32_t> ids;
  std::string plain;  // text since the last added token: pieces may reach across the bounds of segments
  const auto put_token = [&](std::int32_t id) -> Result<> {
    ASSAY_TRY(state_->encode_plain(plain, ids));
    plain.clear();
    ids.push_back(id);
    return {};
  };
  for (std::size_t i = 0; i < segments.size();) {
    const bool trusted = segments[i].trusted;
    std::string run;
    for (; i < segments.size() && segments[i].trusted == trusted; ++i) run += segments[i].text;
    const std::string text = to_valid_utf8(run);
    const AddedTokenFinder::Allowed allowed =
        trusted ? AddedTokenFinder::Allowed(in_trusted) : AddedTokenFinder::Allowed(in_untrusted);
    for (const TextPart& raw : state_->raw_finder.cut(text, allowed)) {
      if (raw.token_id >= 0) {
        ASSAY_TRY(put_token(raw.token_id));
        continue;
      }
      ASSAY_ASSIGN(const std::string normal, normalize(state_->normalizer, raw.text));
      for (const TextPart& part : state_->normalized_finder.cut(normal, allowed)) {
        if (part.token_id >= 0) {
          ASSAY_TRY(put_token(part.token_id));
        } else {
          plain += part.text;
        }
      }
    }
  }
  ASSAY_TRY(state_->encode_plain(plain, ids));
  return ids;
}

Result<std::string> Tokenizer::decode(std::span<const std::int32_t> ids, DecodeSpecial special) const {
  std::string bytes;
  bool text_seen = false;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!is_token(ids[i])) {
      return bad_input("id ", ids[i], " (number ", i, " of the list) is no token; ids are 0 to ", vocab_size() - 1);
    }
    if (is_special(ids[i])) {
      if (special == DecodeSpecial::keep) bytes += token_bytes(ids[i]);
      continue;
    }
    bytes += text_seen ? token_bytes(ids[i]) : first_token_bytes(ids[i]);
    text_seen = true;
  }
  return to_valid_utf8(bytes);
}

bool Tokenizer::is_token(std::int32_t id) const { return id >= 0 && id < vocab_size() && state_->tokens[id].exists; }
bool Tokenizer::is_special(std::int32_t id) const { return is_token(id) && state_->tokens[id].special; }
std::string_view Tokenizer::token_bytes(std::int32_t id) const {
  return is_token(id) ? std::string_view(state_->tokens[id].bytes) : std::string_view();
}
std::string_view Tokenizer::first_token_bytes(std::int32_t id) const {
  std::string_view bytes = token_bytes(id);
  if (state_->add_space_prefix && bytes.starts_with(' ') && !state_->tokens[id].added) bytes.remove_prefix(1);
  return bytes;
}
std::optional<std::int32_t> Tokenizer::added_token_id(std::string_view content) const {
  const auto found = state_->added_ids.find(std::string(content));
  return found == state_->added_ids.end() ? std::nullopt : std::optional<std::int32_t>(found->second);
}

std::int64_t Tokenizer::n_tokens() const { return state_->n_tokens; }
std::int64_t Tokenizer::vocab_size() const { return static_cast<std::int64_t>(state_->tokens.size()); }
std::optional<std::int32_t> Tokenizer::bos_id() const { return state_->bos_id; }
std::optional<std::int32_t> Tokenizer::eos_id() const { return state_->eos_id; }
const std::optional<std::string>& Tokenizer::bos_token() const { return state_->bos_token; }
const std::optional<std::string>& Tokenizer::eos_token() const { return state_->eos_token; }
bool Tokenizer::add_bos() const { return state_->add_bos; }
const std::optional<std::string>& Tokenizer::chat_template() const { return state_->chat_template; }
const std::string& Tokenizer::tokenizer_sha256() const { return state_->tokenizer_sha256; }
const std::string& Tokenizer::config_sha256() const { return state_->config_sha256; }
const std::vector<std::string>& Tokenizer::warnings() const { return state_->warnings; }

}  // namespace assay::runners
