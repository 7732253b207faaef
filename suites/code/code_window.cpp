#include "suites/code/code_window.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "harness/base/text.h"
#include "suites/load.h"

namespace assay::suites {
namespace {

constexpr std::string_view kSuite = "livecodebench";

bool is_date(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-dd";
  if (text.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !is_digit : text[i] != kForm[i]) return false;
  }
  const auto number = [&](std::size_t at, std::size_t n) { return parse_integer(text.substr(at, n)).value_or(0); };
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(number(0, 4))),
                                         std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  return date.ok();
}

/// "from=…", "to=…" or "errata=…".
Result<> read_option(std::string_view option, std::string_view name, CodeWindow& window) {
  const std::size_t equals = std::min(option.find('='), option.size());
  const std::string_view key = option.substr(0, equals);
  const std::string_view value = option.substr(std::min(equals + 1, option.size()));
  if (key == "from" || key == "to") {
    if (!is_date(value))
      return bad_input("suite ", name, ": ", key, " must be a day such as 2024-08-01, is ", quoted_excerpt(value));
    std::string& bound = key == "from" ? window.from : window.to;
    if (!bound.empty()) return bad_input("suite ", name, ": ", key, " is given twice");
    bound = value;
    return {};
  }
  if (key == "errata" && (value == "exclude" || value == "include")) {
    window.without_errata = value == "exclude";
    return {};
  }
  return bad_input("suite ", name, ": option ", quoted_excerpt(option),
                   " is unknown; there are from=DAY, to=DAY and errata=exclude");
}

bool lies_within(std::string_view day, const CodeWindow& window) {
  return (window.from.empty() || day >= window.from) && (window.to.empty() || day <= window.to);
}

}  // namespace

Result<CodeWindow> parse_code_window(std::string_view name) {
  CodeWindow window;
  const std::vector<std::string> parts = split(name, ':');
  if (parts.size() < 2 || parts.front() != kSuite) {
    window.suite = name;
    return window;
  }
  window.suite = parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) ASSAY_TRY(read_option(parts[i], name, window));
  if (!window.from.empty() && !window.to.empty() && window.to < window.from) {
    return bad_input("suite ", name, ": ends on ", window.to, ", before it begins on ", window.from);
  }
  if (!window.from.empty()) window.options += ":from=" + window.from;
  if (!window.to.empty()) window.options += ":to=" + window.to;
  if (window.without_errata) window.options += ":errata=exclude";
  return window;
}

Result<Suite> within_window(Suite suite, const CodeWindow& window) {
  if (window.options.empty()) return suite;
  std::vector<Item> kept;
  for (Item& item : suite.items) {
    if (window.without_errata && item.record.contains("erratum")) continue;
    if (!window.from.empty() || !window.to.empty()) {
      const auto date = item.record.find("contest_date");
      if (date == item.record.end() || !date->is_string()) {
        return bad_input("suite ", suite.name, ": item ", item.id.value,
                         " has no contest_date, so no window can be cut");
      }
      const std::string day = date->get<std::string>().substr(0, 10);
      if (!is_date(day)) {
        return bad_input("suite ", suite.name, ": item ", item.id.value,
                         ": field \"contest_date\" must begin with a day, is ", quoted_excerpt(day));
      }
      if (!lies_within(day, window)) continue;
    }
    kept.push_back(std::move(item));
  }
  if (kept.empty()) return bad_input("suite ", suite.name, window.options, " holds no item");
  suite.items = std::move(kept);
  suite.name += window.options;
  suite.sha256 = hash_suite(suite);
  return suite;
}

}  // namespace assay::suites
