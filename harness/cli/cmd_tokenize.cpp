// assay tokenize: text to token ids, and back.

#include <memory>

#include "harness/base/file.h"
#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/run/model_registry.h"
#include "runners/formats/chat/chat_template.h"
#include "runners/formats/chat/messages.h"
#include "runners/formats/gguf/gguf_files.h"
#include "runners/formats/tokenizer/tokenizer.h"

namespace assay::cli {

namespace {

using Ids = std::vector<std::int32_t>;

struct TokenizeArgs {
  std::string model;
  std::string tokenizer;
  std::string chat_template;
  bool decode = false;
  bool chat = false;
  bool special = false;
  bool jsonl = false;
};

/// A tokenizer and what the command does with it.
struct Job {
  runners::Tokenizer tokenizer;
  std::optional<runners::ChatTemplate> chat;
  runners::SpecialTokens special = runners::SpecialTokens::ignore;
};

Result<runners::Tokenizer> load_tokenizer(const TokenizeArgs& args) {
  if (args.model.empty() == args.tokenizer.empty()) return bad_input("give either --model REF or --tokenizer FILE");
  if (!args.model.empty()) {
    ASSAY_ASSIGN(const std::filesystem::path path, run::resolve_model(args.model));
    return runners::Tokenizer::load_of_model(path);
  }
  if (runners::is_gguf_path(args.tokenizer)) return runners::Tokenizer::load_of_model(args.tokenizer);
  const std::filesystem::path config = std::filesystem::path(args.tokenizer).parent_path() / "tokenizer_config.json";
  std::error_code ignored;
  if (!std::filesystem::exists(config, ignored)) return runners::Tokenizer::load(args.tokenizer);
  return runners::Tokenizer::load(args.tokenizer, config);
}

Result<Job> open_job(const TokenizeArgs& args) {
  if (args.decode && args.chat) return bad_input("--decode and --chat exclude each other; ids hold no messages");
  if (!args.chat && !args.chat_template.empty()) return bad_input("--chat-template needs --chat");
  ASSAY_ASSIGN(runners::Tokenizer tokenizer, load_tokenizer(args));
  for (const std::string& warning : tokenizer.warnings()) log_warning(warning);
  Job job{.tokenizer = std::move(tokenizer), .chat = {}};
  if (args.special) job.special = runners::SpecialTokens::recognise;
  if (args.chat) {
    std::optional<std::string_view> own;
    if (job.tokenizer.chat_template()) own = *job.tokenizer.chat_template();
    std::optional<std::string_view> name;
    if (!args.chat_template.empty()) name = args.chat_template;
    ASSAY_ASSIGN(job.chat, runners::choose_template(own, job.tokenizer, name));
    if (!job.chat->warning().empty()) log_warning(job.chat->warning());
  }
  return job;
}

Result<std::int32_t> token_id(std::optional<std::int64_t> number, const std::string& where, std::string_view word) {
  if (!number || *number < 0 || *number > INT32_MAX) {
    return bad_input(where, ": ", quoted_excerpt(word), " is no token id; ids are integers from 0");
  }
  return static_cast<std::int32_t>(*number);
}

/// Ids parted by white space or commas; the brackets of a JSON array may stand around them.
Result<Ids> parse_ids(std::string_view text) {
  constexpr std::string_view kBetween = " \t\r\n,[]";
  Ids ids;
  for (std::size_t at = text.find_first_not_of(kBetween); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    const std::string_view word = text.substr(at, end - at);
    ASSAY_ASSIGN(const std::int32_t id,
                 token_id(parse_integer(word), "standard input: byte " + std::to_string(at), word));
    ids.push_back(id);
    at = text.find_first_not_of(kBetween, end);
  }
  return ids;
}

Result<Ids> read_ids(const JsonObject& fields) {
  const Json* list = fields.find("ids");
  if (list == nullptr || !list->is_array()) return fields.field_error("ids", "must be a list of integers");
  Ids ids;
  for (const Json& element : *list) {
    std::optional<std::int64_t> number;
    if (element.is_number_integer()) number = element.get<std::int64_t>();
    ASSAY_ASSIGN(const std::int32_t id, token_id(number, fields.where() + ": field \"ids\"", element.dump()));
    ids.push_back(id);
  }
  return ids;
}

Result<Ids> encode_messages(const Job& job, const JsonObject& fields) {
  ASSAY_ASSIGN(const std::vector<runners::Message> messages, runners::read_messages(fields));
  ASSAY_ASSIGN(const runners::RenderedPrompt prompt, job.chat->render(messages));
  return runners::encode_prompt(job.tokenizer, prompt);
}

std::string ids_text(const Ids& ids) {
  std::string text;
  for (const std::int32_t id : ids) text += (text.empty() ? "" : " ") + std::to_string(id);
  return text + "\n";
}

Result<> print_ids(const Ids& ids, bool json) { return json ? print_json_line({{"ids", ids}}) : print(ids_text(ids)); }

/// {"text"} to {"ids"}, {"ids"} to {"text"}, with --chat {"messages"} to {"ids"}.
Result<Json> convert_line(const Job& job, const TokenizeArgs& args, const JsonObject& fields) {
  if (job.chat) {
    ASSAY_ASSIGN(const Ids ids, encode_messages(job, fields));
    return Json{{"ids", ids}};
  }
  if (args.decode || fields.has("ids")) {
    if (fields.has("text")) return fields.field_error("text", "and \"ids\" exclude each other on one line");
    ASSAY_ASSIGN(const Ids ids, read_ids(fields));
    ASSAY_ASSIGN(const std::string text, job.tokenizer.decode(ids));
    return Json{{"text", text}};
  }
  ASSAY_ASSIGN(const std::string text, fields.string("text"));
  ASSAY_ASSIGN(const Ids ids, job.tokenizer.encode(text, job.special));
  return Json{{"ids", ids}};
}

Result<> convert_lines(const Job& job, const TokenizeArgs& args, std::string_view input) {
  return for_each_line(input, [&](std::string_view line, int number) -> Result<> {
    const std::string where = "standard input:" + std::to_string(number);
    ASSAY_ASSIGN(const Json document, parse_json(line, where));
    ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, where));
    ASSAY_ASSIGN(const Json converted, convert_line(job, args, fields));
    return print_json_line(converted);
  });
}

Result<> tokenize_command(const TokenizeArgs& args, const CommonOptions& common) {
  ASSAY_ASSIGN(const Job job, open_job(args));
  ASSAY_ASSIGN(const std::string input, read_standard_input());
  if (args.jsonl) return convert_lines(job, args, input);
  if (args.decode) {
    ASSAY_ASSIGN(const Ids ids, parse_ids(input));
    ASSAY_ASSIGN(const std::string text, job.tokenizer.decode(ids));
    return common.json ? print_json_line({{"text", text}}) : print(text);
  }
  if (args.chat) {
    ASSAY_ASSIGN(const Json document, parse_json(input, "standard input"));
    ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, "standard input"));
    ASSAY_ASSIGN(const Ids ids, encode_messages(job, fields));
    return print_ids(ids, common.json);
  }
  ASSAY_ASSIGN(const Ids ids, job.tokenizer.encode(input, job.special));
  return print_ids(ids, common.json);
}

}  // namespace

Action declare_tokenize(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<TokenizeArgs>();  // shared by the option table, which writes it, and the action
  add_text(app, "--model", args->model, "REF",
           "The model whose tokenizer is used: a folder, a GGUF file or a registered name");
  add_text(app, "--tokenizer", args->tokenizer, "FILE",
           "A tokenizer.json (tokenizer_config.json beside it is read too) or a .gguf file");
  app.add_flag("--decode", args->decode, "Read ids and write their text; special tokens are written out");
  app.add_flag("--chat", args->chat, "Read {\"messages\":[{\"role\",\"content\"},…]} and apply the chat template");
  add_text(app, "--chat-template", args->chat_template, "NAME",
           "With --chat: this built-in template (default: the model's own)");
  app.add_flag("--special", args->special, "Recognise special tokens in the text (default: they are plain text)");
  app.add_flag("--jsonl", args->jsonl, "Read {\"text\"} or {\"ids\"} a line and write {\"ids\"} or {\"text\"} a line");
  app.footer(
      "Reads all of standard input, its last line end included; adds no token. Prints the ids on one line.\n"
      "Example: printf 'Hello' | assay tokenize --model reference");
  return [args, &common] { return tokenize_command(*args, common); };
}

}  // namespace assay::cli
