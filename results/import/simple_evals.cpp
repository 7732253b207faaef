// openai/simple-evals: EVAL_MODEL[_DATE]_allresults.json with every conversation, or EVAL_MODEL.json with scores alone.
// Shape: simple_evals.py and common.py of openai/simple-evals.
#include "harness/base/text.h"
#include "results/import/import_parts.h"

namespace assay::results {

namespace {

struct NamedFile {
  std::string suite, model;
};

/// "gpqa_gpt-4o_20250101_120000_allresults.json" → gpqa, gpt-4o.
NamedFile parse_name(const std::filesystem::path& path) {
  std::string stem = path.stem().string();
  for (const std::string_view ending : {"_allresults", "_DEBUG"}) {
    if (stem.ends_with(ending)) stem.resize(stem.size() - ending.size());
  }
  std::vector<std::string> words = split(stem, '_');
  const auto is_number = [](const std::string& word) { return parse_integer(word).has_value() && word.size() >= 6; };
  while (words.size() > 2 && is_number(words.back())) words.pop_back();  // date and time
  NamedFile named{words[0].empty() ? "simple-evals" : words[0], ""};
  words.erase(words.begin());
  named.model = words.empty() ? "unknown" : join(words, "_");
  return named;
}

/// What stands between `before` and the end of its paragraph, its entities read; the pages are made by one template.
std::optional<std::string> field_of_page(std::string_view page, std::string_view before) {
  const std::size_t at = page.rfind(before);
  if (at == std::string_view::npos) return {};
  page.remove_prefix(at + before.size());
  const std::size_t end = page.find("</p>");
  if (end == std::string_view::npos) return {};
  std::string text(trim(page.substr(0, end)));
  for (const auto& [entity, character] : {std::pair("&lt;", "<"), std::pair("&gt;", ">"), std::pair("&#34;", "\""),
                                          std::pair("&#39;", "'"), std::pair("&amp;", "&")}) {
    text = replace_all(text, entity, character);
  }
  return text;
}

/// The prompt and the reply: the last messages of user and assistant.
Result<std::pair<std::string, std::string>> read_conversation(const Json& messages, const std::string& where) {
  if (!messages.is_array()) return bad_input(where, ": must be a list of messages");
  std::pair<std::string, std::string> conversation;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string message_where = where + "[" + std::to_string(i) + "]";
    ASSAY_ASSIGN(const JsonObject message, JsonObject::of(messages[i], message_where));
    ASSAY_ASSIGN(const std::string role, message.string("role"));
    const Json* content = message.find("content");
    if (content == nullptr) return message.field_error("content", "is missing");
    ASSAY_ASSIGN(std::string text, message_text(*content, message_where));
    if (role == "user") conversation.first = std::move(text);
    if (role == "assistant") conversation.second = std::move(text);
  }
  return conversation;
}

/// The score of one example, from its page or its metadata.
std::optional<double> score_of(const JsonObject& file, std::size_t i, std::string_view page) {
  if (const auto score = field_of_page(page, "<p>Score: ")) {
    if (*score == "True" || *score == "False") return *score == "True" ? 1 : 0;
    if (const auto number = parse_number(*score)) return number;
  }
  const Json* metadata = file.find("metadata");
  if (metadata == nullptr || !metadata->is_object()) return {};
  const auto examples = metadata->find("example_level_metadata");
  if (examples == metadata->end() || !examples->is_array() || i >= examples->size() || !(*examples)[i].is_object()) {
    return {};
  }
  const auto score = (*examples)[i].find("score");
  return score != (*examples)[i].end() && score->is_number() ? std::optional(score->get<double>()) : std::nullopt;
}

Result<> add_conversations(const JsonObject& file, const Json& conversations, ImportedSuite& suite) {
  const Json* pages = file.find("htmls");
  for (std::size_t i = 0; i < conversations.size(); ++i) {
    const std::string where = file.where() + ": convos[" + std::to_string(i) + "]";
    ASSAY_ASSIGN(auto conversation, read_conversation(conversations[i], where));
    std::string page;
    if (pages != nullptr && pages->is_array() && i < pages->size() && (*pages)[i].is_string()) {
      page = (*pages)[i].get<std::string>();
    }
    ItemFacts item;
    item.item = ItemId(std::to_string(i));
    item.prompt = std::move(conversation.first);
    item.expected = field_of_page(page, "<p>Correct Answer: ");
    GradedSample graded;
    graded.sample.text = std::move(conversation.second);
    graded.sample.finish_reason = "eos";
    const auto score = score_of(file, i, page);
    if (score) {
      ASSAY_ASSIGN(graded.verdict, scored(*score, "score", where));
    } else {
      graded.verdict = ungraded("the file has no score of this example");
    }
    const auto answer = field_of_page(page, "<p>Extracted Answer: ");
    if (answer && *answer != "None") graded.verdict.answer = answer;
    if (answer && *answer == "None" && score && *score == 0) graded.verdict.verdict = Verdict::no_answer;
    graded.verdict.expected = item.expected;
    ASSAY_TRY(suite.add(std::move(item), std::move(graded), where));
  }
  return {};
}

/// A file of scores alone: {"score": 0.5, "score:std": …, "chars": …}.
Result<ImportedRun> published_scores(const ImportSource& source, const JsonObject& file, const Json& document,
                                     const NamedFile& named) {
  ImportedRun run = empty_run(source, named.model);
  run.facts.provenance = "published";
  const std::string name = source.options.suite.empty() ? named.suite : source.options.suite;
  for (const auto& [key, value] : document.items()) {
    if (key.empty() || !value.is_number()) return file.field_error(key, "must be a number, as in a file of scores");
    Measurement figure;
    figure.name = name;
    figure.metric = key;
    figure.value = value.get<double>();
    run.facts.measurements.push_back(std::move(figure));
  }
  if (run.facts.measurements.empty()) return bad_input(source.where(), ": holds no score");
  return run;
}

}  // namespace

Result<std::vector<ImportedRun>> import_simple_evals(const ImportSource& source) {
  ASSAY_ASSIGN(const Json document, parse_json(source.text, source.where()));
  ASSAY_ASSIGN(const JsonObject file, JsonObject::of(document, source.where()));
  const NamedFile named = parse_name(source.path);
  const Json* conversations = file.find("convos");
  if (conversations == nullptr) {
    ASSAY_ASSIGN(ImportedRun run, published_scores(source, file, document, named));
    return std::vector<ImportedRun>{std::move(run)};
  }
  if (!conversations->is_array()) return file.field_error("convos", "must be a list of conversations");
  ImportedSuite suite(source, named.suite, named.model);
  ASSAY_TRY(add_conversations(file, *conversations, suite));
  ASSAY_ASSIGN(ImportedRun run, suite.finish());
  return std::vector<ImportedRun>{std::move(run)};
}

}  // namespace assay::results
