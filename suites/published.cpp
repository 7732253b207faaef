#include "suites/published.h"

#include "harness/base/data_path.h"
#include "harness/base/file.h"

namespace assay::suites {

Result<std::vector<PublishedScore>> read_published_scores(const Json& document, const std::string& where,
                                                          std::string_view suite) {
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, where));
  ASSAY_TRY(fields.refuse_unknown({"sources", "scores"}));
  ASSAY_ASSIGN(const JsonObject sources, fields.object("sources"));
  const Json* rows = fields.find("scores");
  if (rows == nullptr || !rows->is_array()) return fields.field_error("scores", "must be a list");
  std::vector<PublishedScore> scores;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    ASSAY_ASSIGN(const JsonObject row, JsonObject::of((*rows)[i], where + ": scores[" + std::to_string(i) + "]"));
    ASSAY_TRY(row.refuse_unknown({"suite", "metric", "source", "note", "values_pct"}));
    ASSAY_ASSIGN(const std::string of_suite, row.string("suite"));
    PublishedScore score;
    ASSAY_ASSIGN(score.metric, row.string("metric"));
    ASSAY_ASSIGN(score.note, row.string_or("note", ""));
    ASSAY_ASSIGN(const std::string source, row.string("source"));
    ASSAY_ASSIGN(score.source, sources.string(source));
    ASSAY_ASSIGN(const JsonObject values, row.object("values_pct"));
    for (const auto& [model, unused] : row.find("values_pct")->items()) {
      score.model = model;
      ASSAY_ASSIGN(score.value_pct, values.number(model));
      if (score.value_pct < 0 || score.value_pct > 100) return values.field_error(model, "must be from 0 to 100");
      if (of_suite == suite) scores.push_back(score);
    }
  }
  return scores;
}

Result<std::vector<PublishedScore>> published_scores(std::string_view suite) {
  ASSAY_ASSIGN(const std::filesystem::path path, shipped_path("suites/published.json"));
  ASSAY_ASSIGN(const std::string text, read_file(path));
  ASSAY_ASSIGN(const Json document, parse_json(text, path.string()));
  return read_published_scores(document, path.string(), suite);
}

}  // namespace assay::suites
