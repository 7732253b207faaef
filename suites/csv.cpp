#include "suites/csv.h"

#include <algorithm>

#include "harness/base/text.h"

namespace assay::suites {

namespace {

class CsvReader {
 public:
  CsvReader(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  bool at_end() const { return at_ == text_.size(); }
  int line() const { return line_; }

  Error error(std::string_view what) const { return bad_input(where_, ": line ", line_, ": ", what); }

  Result<std::vector<std::string>> row() {
    std::vector<std::string> fields;
    while (true) {
      ASSAY_ASSIGN(std::string field, at_ < text_.size() && text_[at_] == '"' ? quoted() : plain());
      fields.push_back(std::move(field));
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
        continue;
      }
      ASSAY_TRY(end_line());
      return fields;
    }
  }

 private:
  Result<std::string> plain() {
    const std::size_t end = std::min(text_.find_first_of(",\r\n\"", at_), text_.size());
    if (end < text_.size() && text_[end] == '"') return error("a quote stands inside a field that has none around it");
    std::string field(text_.substr(at_, end - at_));
    at_ = end;
    return field;
  }

  Result<std::string> quoted() {
    const int first_line = line_;
    std::string field;
    for (++at_;;) {
      const std::size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) {
        line_ = first_line;
        return error("a quoted field never closes");
      }
      const std::string_view part = text_.substr(at_, quote - at_);
      line_ += static_cast<int>(std::count(part.begin(), part.end(), '\n'));
      field += part;
      at_ = quote + 1;
      if (at_ == text_.size() || text_[at_] != '"') return field;
      field += '"';
      ++at_;
    }
  }

  Result<> end_line() {
    if (at_ == text_.size()) return {};
    if (text_.substr(at_, 2) == "\r\n") ++at_;
    if (text_[at_] != '\n') return error("a field is followed by something else than a comma or the end of the line");
    ++at_;
    ++line_;
    return {};
  }

  std::string_view text_;
  std::string_view where_;
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

Result<std::size_t> CsvTable::column(std::string_view name, std::string_view where) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return bad_input(where, ": has no column ", quoted_excerpt(name));
  return static_cast<std::size_t>(found - names.begin());
}

Result<CsvTable> parse_csv(std::string_view text, std::string_view where) {
  static constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());
  if (!is_valid_utf8(text)) return bad_input(where, ": is not UTF-8");
  CsvReader reader(text, where);
  if (reader.at_end()) return bad_input(where, ": is empty; its first line must name the columns");
  CsvTable table;
  ASSAY_ASSIGN(table.names, reader.row());
  std::vector<std::string> sorted = table.names;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    return bad_input(where, ": line 1: two columns have the same name");
  }
  while (!reader.at_end()) {
    const int line = reader.line();
    ASSAY_ASSIGN(std::vector<std::string> row, reader.row());
    if (row.size() == 1 && row[0].empty() && reader.at_end()) break;
    if (row.size() != table.names.size()) {
      return bad_input(where, ": line ", line, ": has ", row.size(), " fields; line 1 names ", table.names.size());
    }
    table.rows.push_back(std::move(row));
    table.lines.push_back(line);
  }
  if (table.rows.empty()) return bad_input(where, ": has no row below the names of its columns");
  return table;
}

}  // namespace assay::suites
