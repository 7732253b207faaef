#include "suites/gpqa/gpqa_items.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "harness/base/archive.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "suites/csv.h"
#include "suites/gpqa/python_random.h"

namespace assay::suites {

namespace {

constexpr std::uint64_t kMaxTableBytes = std::uint64_t{64} << 20;
constexpr std::array<std::string_view, 4> kOptionColumns{"Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2",
                                                         "Incorrect Answer 3"};

constexpr std::array<std::array<std::size_t, 3>, 6> kWrongOrders{
    {{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}}};

/// One question, its options in the table's order.
struct GpqaRow {
  std::string id;
  std::string domain;
  std::string question;
  std::array<std::string, 4> options;
  std::string canary;
};

/// Reads fields by their columns' names.
class GpqaTable {
 public:
  static Result<GpqaTable> of(const CsvTable& table, const std::string& where) {
    GpqaTable columns(table, where);
    ASSAY_ASSIGN(columns.id_, table.column("Record ID", where));
    ASSAY_ASSIGN(columns.domain_, table.column("High-level domain", where));
    ASSAY_ASSIGN(columns.question_, table.column("Question", where));
    ASSAY_ASSIGN(columns.canary_, table.column("Canary String", where));
    for (std::size_t i = 0; i < 4; ++i) {
      ASSAY_ASSIGN(columns.options_[i], table.column(kOptionColumns[i], where));
    }
    return columns;
  }

  Result<GpqaRow> row(std::size_t i) const {
    GpqaRow row;
    ASSAY_ASSIGN(row.id, filled(i, id_));
    ASSAY_ASSIGN(row.domain, filled(i, domain_));
    ASSAY_ASSIGN(row.question, filled(i, question_));
    ASSAY_ASSIGN(row.canary, filled(i, canary_));
    for (std::size_t option = 0; option < 4; ++option) {
      ASSAY_ASSIGN(row.options[option], filled(i, options_[option]));
    }
    return row;
  }

 private:
  GpqaTable(const CsvTable& table, const std::string& where) : table_(&table), where_(where) {}

  Result<std::string> filled(std::size_t row, std::size_t column) const {
    const std::string& text = table_->rows[row][column];
    if (!trim(text).empty()) return text;
    return bad_input(where_, ": line ", table_->lines[row], ": column ", quoted_excerpt(table_->names[column]),
                     " is empty");
  }

  const CsvTable* table_;
  std::string where_;
  std::size_t id_ = 0, domain_ = 0, question_ = 0, canary_ = 0;
  std::array<std::size_t, 4> options_{};
};

/// The record with the options in `order`. Where a wrong option has the right one's text, the first of them is right,
/// as in simple-evals.
Json record_of(const GpqaRow& row, const OptionOrder& order, bool trims) {
  const auto text_of = [&](const std::string& text) { return trims ? std::string(trim(text)) : text; };
  std::vector<std::string> choices;
  for (const std::size_t option : order) choices.push_back(text_of(row.options[option]));
  const auto right = std::find(choices.begin(), choices.end(), text_of(row.options[0]));
  return {{"id", row.id},       {"question", text_of(row.question)},
          {"choices", choices}, {"answer", right - choices.begin()},
          {"tag", row.domain},  {"canary", row.canary}};
}

}  // namespace

std::vector<OptionOrder> gpqa_orders(const std::vector<std::string>& ids) {
  std::vector<std::size_t> by_rank(ids.size());
  std::iota(by_rank.begin(), by_rank.end(), std::size_t{0});
  std::vector<std::string> hashes;
  for (const std::string& id : ids) hashes.push_back(sha256_hex(id));
  std::sort(by_rank.begin(), by_rank.end(), [&](std::size_t a, std::size_t b) { return hashes[a] < hashes[b]; });
  std::vector<OptionOrder> orders(ids.size());
  for (std::size_t rank = 0; rank < ids.size(); ++rank) {
    const auto& wrong = kWrongOrders[rank / 4 % 6];
    OptionOrder& order = orders[by_rank[rank]];
    for (std::size_t place = 0, next = 0; place < 4; ++place) order[place] = place == rank % 4 ? 0 : wrong[next++];
  }
  return orders;
}

std::vector<OptionOrder> simple_evals_orders(std::size_t n_items) {
  PythonRandom random(0);
  std::vector<OptionOrder> orders(n_items);
  for (OptionOrder& order : orders) {
    const std::vector<std::size_t> drawn = random.permutation(4);
    std::copy(drawn.begin(), drawn.end(), order.begin());
  }
  return orders;
}

Result<std::vector<Json>> read_gpqa(const std::filesystem::path& archive, std::string_view member, GpqaOrder order) {
  ASSAY_ASSIGN(const std::string text, read_archive_member(archive, member, gpqa_password(), kMaxTableBytes));
  const std::string where = archive.string() + ": " + std::string(member);
  ASSAY_ASSIGN(const CsvTable table, parse_csv(text, where));
  ASSAY_ASSIGN(const GpqaTable columns, GpqaTable::of(table, where));
  std::vector<GpqaRow> rows;
  std::vector<std::string> ids;
  std::unordered_map<std::string, int> line_of_id;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    ASSAY_ASSIGN(GpqaRow row, columns.row(i));
    const auto [first, is_new] = line_of_id.emplace(row.id, table.lines[i]);
    if (!is_new) {
      return bad_input(where, ": line ", table.lines[i], ": column \"Record ID\" repeats that of line ", first->second);
    }
    ids.push_back(row.id);
    rows.push_back(std::move(row));
  }
  const bool is_ours = order == GpqaOrder::assay;
  const std::vector<OptionOrder> orders = is_ours ? gpqa_orders(ids) : simple_evals_orders(ids.size());
  std::vector<Json> records;
  for (std::size_t i = 0; i < rows.size(); ++i) records.push_back(record_of(rows[i], orders[i], is_ours));
  return records;
}

std::string_view gpqa_password() { return "deserted-untie-orchid"; }

}  // namespace assay::suites
