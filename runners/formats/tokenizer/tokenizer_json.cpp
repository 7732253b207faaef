#include "runners/formats/tokenizer/tokenizer_json.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/text.h"
#include "runners/formats/tokenizer/tokenizer_document.h"

namespace assay::runners {

namespace {

constexpr std::size_t kMaxSteps = 64;

Error unknown_type(const JsonObject& object, std::string_view type, std::string_view known) {
  return object.field_error("type", "is " + quoted_excerpt(type) + "; known are: " + std::string(known));
}

/// The members of a Sequence, or the object itself, in order. Sequences within sequences are opened too.
Result<> flatten(const JsonObject& object, std::string_view members, std::vector<JsonObject>& steps) {
  ASSAY_ASSIGN(const std::string type, object.string("type"));
  if (type != "Sequence") {
    if (steps.size() >= kMaxSteps) return bad_input(object.where(), ": more than ", kMaxSteps, " steps");
    steps.push_back(object);
    return {};
  }
  const Json* list = object.find(members);
  if (list == nullptr || !list->is_array()) return object.field_error(members, "must be a list of steps");
  int index = 0;
  for (const Json& member : *list) {
    ASSAY_ASSIGN(const JsonObject step, JsonObject::of(member, object.where() + ": " + std::string(members) + "[" +
                                                                   std::to_string(index++) + "]"));
    ASSAY_TRY(flatten(step, members, steps));
  }
  return {};
}

Result<std::vector<JsonObject>> steps_of(const JsonObject& document, std::string_view key, std::string_view members) {
  std::vector<JsonObject> steps;
  if (!document.has(key)) return steps;
  ASSAY_ASSIGN(const JsonObject object, document.object(key));
  ASSAY_TRY(flatten(object, members, steps));
  return steps;
}

Result<> read_normalizer(const JsonObject& document, TokenizerData& data) {
  ASSAY_ASSIGN(const auto steps, steps_of(document, "normalizer", "normalizers"));
  for (const JsonObject& step : steps) {
    ASSAY_ASSIGN(const std::string type, step.string("type"));
    if (type != "NFC") return unknown_type(step, type, "NFC, Sequence");
    data.normalizer = Normalizer::nfc;
  }
  return {};
}

Result<SplitStep> read_split(const JsonObject& step) {
  ASSAY_ASSIGN(const std::string behavior, step.string("behavior"));
  // With Isolated, invert only swaps the names of matches and gaps.
  if (behavior != "Isolated")
    return step.field_error("behavior", "is " + quoted_excerpt(behavior) + "; known is: Isolated");
  ASSAY_ASSIGN(const JsonObject pattern, step.object("pattern"));
  const bool literal = pattern.has("String");
  if (literal == pattern.has("Regex")) return step.field_error("pattern", "must hold either Regex or String");
  ASSAY_ASSIGN(std::string text, pattern.string(literal ? "String" : "Regex"));
  return SplitStep{std::move(text), literal};
}

Result<> read_pre_tokenizer(const JsonObject& document, TokenizerData& data) {
  ASSAY_ASSIGN(const auto steps, steps_of(document, "pre_tokenizer", "pretokenizers"));
  bool byte_level = false;
  for (const JsonObject& step : steps) {
    ASSAY_ASSIGN(const std::string type, step.string("type"));
    if (byte_level) return bad_input(step.where(), ": no step may follow ByteLevel");
    if (type == "Split") {
      ASSAY_ASSIGN(SplitStep split, read_split(step));
      data.splits.push_back(std::move(split));
    } else if (type == "Digits") {
      ASSAY_ASSIGN(const bool individual, step.boolean_or("individual_digits", false));
      data.splits.push_back({individual ? "\\p{N}" : "\\p{N}+"});
    } else if (type == "ByteLevel") {
      byte_level = true;
      ASSAY_ASSIGN(data.add_prefix_space, step.boolean_or("add_prefix_space", true));
      ASSAY_ASSIGN(data.gpt2_split, step.boolean_or("use_regex", true));
    } else {
      return unknown_type(step, type, "Split, Digits, ByteLevel, Sequence");
    }
  }
  if (!byte_level) {
    return document.field_error("pre_tokenizer", "has no ByteLevel step; only byte-level vocabularies are supported");
  }
  return {};
}

Result<> read_added_tokens(const JsonObject& document, TokenizerData& data) {
  const Json* list = document.find("added_tokens");
  if (list == nullptr) return {};
  if (!list->is_array()) return document.field_error("added_tokens", "must be a list");
  for (std::size_t i = 0; i < list->size(); ++i) {
    ASSAY_ASSIGN(const JsonObject entry,
                 JsonObject::of((*list)[i], document.where() + ": added_tokens[" + std::to_string(i) + "]"));
    AddedToken token;
    ASSAY_ASSIGN(token.content, entry.string("content"));
    ASSAY_ASSIGN(const std::int64_t id, entry.integer("id"));
    if (id < 0 || id > INT32_MAX) return entry.field_error("id", "is " + to_text(id) + ", no 32-bit id");
    token.id = static_cast<std::int32_t>(id);
    ASSAY_ASSIGN(token.single_word, entry.boolean_or("single_word", false));
    ASSAY_ASSIGN(token.lstrip, entry.boolean_or("lstrip", false));
    ASSAY_ASSIGN(token.rstrip, entry.boolean_or("rstrip", false));
    ASSAY_ASSIGN(token.special, entry.boolean_or("special", false));
    ASSAY_ASSIGN(token.normalized, entry.boolean_or("normalized", !token.special));
    data.added_tokens.push_back(std::move(token));
  }
  return {};
}

/// The "single" template of a TemplateProcessing: the text, perhaps with one special token in front of it.
Result<> read_template(const JsonObject& step, TokenizerData& data) {
  const Json* single = step.find("single");
  if (single == nullptr || !single->is_array()) return step.field_error("single", "must be a list");
  bool text_seen = false;
  for (const Json& element : *single) {
    ASSAY_ASSIGN(const JsonObject part, JsonObject::of(element, step.where() + ": single"));
    if (part.has("Sequence")) {
      if (std::exchange(text_seen, true)) return step.field_error("single", "holds the text twice");
      continue;
    }
    ASSAY_ASSIGN(const JsonObject token, part.object("SpecialToken"));
    ASSAY_ASSIGN(std::string content, token.string("id"));
    if (text_seen || data.add_bos) {
      return step.field_error("single", "adds " + quoted_excerpt(content) + "; known is one token before the text");
    }
    data.add_bos = true;
    data.bos_token = std::move(content);
  }
  return {};
}

Result<> read_post_processor(const JsonObject& document, TokenizerData& data) {
  ASSAY_ASSIGN(const auto steps, steps_of(document, "post_processor", "processors"));
  for (const JsonObject& step : steps) {
    ASSAY_ASSIGN(const std::string type, step.string("type"));
    if (type == "ByteLevel") continue;  // concerns offsets only
    if (type != "TemplateProcessing") return unknown_type(step, type, "ByteLevel, TemplateProcessing, Sequence");
    ASSAY_TRY(read_template(step, data));
  }
  return {};
}

Result<> check_decoder(const JsonObject& document) {
  ASSAY_ASSIGN(const auto steps, steps_of(document, "decoder", "decoders"));
  for (const JsonObject& step : steps) {
    ASSAY_ASSIGN(const std::string type, step.string("type"));
    if (type != "ByteLevel") return unknown_type(step, type, "ByteLevel, Sequence");
  }
  return {};
}

Result<> read_model(const JsonObject& document, TokenizerDocument& parsed, TokenizerData& data) {
  ASSAY_ASSIGN(const JsonObject model, document.object("model"));
  ASSAY_ASSIGN(const std::string type, model.string_or("type", "BPE"));  // old files leave it out
  if (type != "BPE") return unknown_type(model, type, "BPE");
  if (!parsed.has_vocab) return model.field_error("vocab", "is missing; it must be an object of texts and ids");
  if (!parsed.has_merges) return model.field_error("merges", "is missing; it must be a list of merges");
  for (const std::string_view key : {"unk_token", "continuing_subword_prefix", "end_of_word_suffix"}) {
    ASSAY_ASSIGN(const std::string text, model.string_or(key, ""));
    if (!text.empty()) return model.field_error(key, "is set; a byte-level vocabulary has no use for it");
  }
  for (const std::string_view key : {"byte_fallback", "fuse_unk"}) {
    ASSAY_ASSIGN(const bool set, model.boolean_or(key, false));
    if (set) return model.field_error(key, "is true; a byte-level vocabulary has no use for it");
  }
  ASSAY_ASSIGN(const double dropout, model.number_or("dropout", 0));
  if (dropout != 0) return model.field_error("dropout", "is set; it would make the ids random");
  ASSAY_ASSIGN(data.ignore_merges, model.boolean_or("ignore_merges", false));
  data.vocab = std::move(parsed.vocab);
  data.merges = std::move(parsed.merges);
  return {};
}

/// A token in tokenizer_config.json: its content, or an object that holds it.
Result<std::optional<std::string>> config_token(const JsonObject& config, std::string_view key) {
  const Json* field = config.find(key);
  if (field == nullptr) return std::optional<std::string>();
  if (field->is_object()) {
    ASSAY_ASSIGN(const JsonObject token, config.object(key));
    ASSAY_ASSIGN(std::string content, token.string("content"));
    return std::optional<std::string>(std::move(content));
  }
  ASSAY_ASSIGN(std::string content, config.string(key));
  return std::optional<std::string>(std::move(content));
}

Result<std::optional<std::string>> config_template(const JsonObject& config) {
  const Json* field = config.find("chat_template");
  if (field == nullptr) return std::optional<std::string>();
  if (!field->is_array()) {
    ASSAY_ASSIGN(std::string text, config.string("chat_template"));
    return std::optional<std::string>(std::move(text));
  }
  for (const Json& element : *field) {
    ASSAY_ASSIGN(const JsonObject named, JsonObject::of(element, config.where() + ": chat_template"));
    ASSAY_ASSIGN(const std::string name, named.string("name"));
    if (name != "default") continue;
    ASSAY_ASSIGN(std::string text, named.string("template"));
    return std::optional<std::string>(std::move(text));
  }
  return config.field_error("chat_template", "is a list without one named \"default\"");
}

}  // namespace

Result<TokenizerData> parse_tokenizer_json(std::string_view text, std::string_view where) {
  ASSAY_ASSIGN(TokenizerDocument parsed, read_tokenizer_document(text, where));
  ASSAY_ASSIGN(const JsonObject document, JsonObject::of(parsed.rest, std::string(where)));
  TokenizerData data;
  ASSAY_TRY(read_model(document, parsed, data));
  ASSAY_TRY(read_added_tokens(document, data));
  ASSAY_TRY(read_normalizer(document, data));
  ASSAY_TRY(read_pre_tokenizer(document, data));
  ASSAY_TRY(read_post_processor(document, data));
  ASSAY_TRY(check_decoder(document));
  return data;
}

Result<> apply_tokenizer_config(std::string_view text, std::string_view where, TokenizerData& data) {
  ASSAY_ASSIGN(const Json tree, parse_json(text, where));
  ASSAY_ASSIGN(const JsonObject config, JsonObject::of(tree, std::string(where)));
  ASSAY_ASSIGN(auto bos, config_token(config, "bos_token"));
  if (bos && data.add_bos && *bos != data.bos_token) {
    return config.field_error("bos_token", "is " + quoted_excerpt(*bos) + ", but tokenizer.json puts " +
                                               quoted_excerpt(*data.bos_token) + " in front");
  }
  if (bos) data.bos_token = std::move(bos);
  ASSAY_ASSIGN(data.eos_token, config_token(config, "eos_token"));
  ASSAY_ASSIGN(const bool add_bos, config.boolean_or("add_bos_token", false));
  if (add_bos && !data.bos_token) return config.field_error("add_bos_token", "is true, but there is no bos_token");
  data.add_bos |= add_bos;
  ASSAY_ASSIGN(data.chat_template, config_template(config));
  return {};
}

}  // namespace assay::runners
