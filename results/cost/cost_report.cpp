// A run's cost as text and as JSON: the same figures, each with where it comes from.
#include <algorithm>
#include <cmath>

#include "harness/base/text.h"
#include "results/cost/run_cost.h"
#include "results/text_table.h"

namespace assay::results {

namespace {

using CostRows = std::vector<std::vector<std::string>>;

constexpr std::size_t kMaxSourceShown = 200;

/// Decimals that show four significant places of a sum of money, and cents at least.
int money_digits(double usd) {
  int digits = 2;
  for (double scale = 1; usd > 0 && usd < scale && digits < 12; scale /= 10) ++digits;
  return digits;
}
std::string money(const std::optional<double>& usd) { return usd ? "$" + to_fixed(*usd, money_digits(*usd)) : "-"; }
/// "$1.20" or "$1.20 to $3.40".
std::string money(const Range& usd) {
  return usd.low < usd.high ? money(usd.low) + " to " + money(usd.high) : money(usd.low);
}
std::string money(const Interval& usd) {
  return money(usd[0]) + " to " + (std::isfinite(usd[1]) ? money(usd[1]) : "no bound");
}
std::string joules_text(const std::optional<double>& joules) {
  if (!joules) return "-";
  return *joules >= 10'000 ? to_fixed(*joules / 1000, 1) + " kJ" : to_fixed(*joules, *joules < 10 ? 3 : 0) + " J";
}
std::string number_or_dash(const std::optional<double>& value, int digits) {
  return value ? to_fixed(*value, digits) : "-";
}
std::string validity(const ApiPrice& price) {
  std::string text = price.valid_from || price.valid_to
                         ? price.valid_from.value_or("?") + " to " + price.valid_to.value_or("?")
                         : "read " + price.citation.date;
  if (price.window_utc) text += ", " + *price.window_utc + " UTC";
  return text;
}

/// The provenance of dollars: a measured time at full use is measured; an assumed share of idle hours is a projection,
/// an endpoint's price sheet is published.
std::string usd_provenance(const RunCost& cost) {
  if (cost.endpoint_price) return "published";
  return cost.utilisation_ratio < 1 ? "projected" : cost.run.facts.provenance;
}

std::string heading_text(const RunCost& cost) {
  std::string text = "Run " + shown(cost.run.run_id.value);
  if (!cost.run.facts.name.empty()) text += "  " + shown(cost.run.facts.name);
  CostRows rows;
  if (cost.price) {
    rows.push_back({"price", money(cost.price->usd) + " per GPU-hour (" + cost.price->provenance + ": " +
                                 shown(cost.price->source, kMaxSourceShown) + ")"});
    if (cost.price->band_usd) rows.push_back({"", "that source's range: " + money(*cost.price->band_usd)});
  }
  const std::string of_all = cost.run.device_s > cost.run.wall_s
                                 ? ", " + to_fixed(cost.run.device_s, 1) + " s summed over all that were at work"
                                 : "";
  rows.push_back({"time", to_fixed(cost.run.wall_s, 1) + " s on " + to_text(cost.run.facts.n_priced_devices) +
                              (cost.run.facts.n_priced_devices == 1 ? " device" : " devices") + of_all + ", busy " +
                              to_fixed(100 * cost.utilisation_ratio, 0) + " % of the hours paid for"});
  rows.push_back({"answers", to_text(cost.n_correct) + " correct of " + to_text(cost.n_samples) + "; output tokens " +
                                 number_or_dash(cost.output_tokens_per_sample, 0) + " a sample, " +
                                 number_or_dash(cost.output_tokens_per_correct, 0) + " per correct answer"});
  return text + "\n" + text_table(rows, {1});
}

/// The parts' decimals are rounded so that they add up to the printed whole.
std::string split_text(const RunCost& cost) {
  if (!cost.split) return "Not split into input and output: device times of the samples are not known.\n";
  const CostSplit& split = *cost.split;
  const int digits = money_digits(*cost.usd_total);
  const double unit = std::pow(10.0, -digits);
  std::vector<double> parts = {split.usd_input, split.usd_output};
  if (split.usd_cached_input) parts = {*split.usd_uncached_input, *split.usd_cached_input, split.usd_output};
  const std::string whole = to_fixed(*cost.usd_total, digits);
  const std::int64_t whole_units = std::llround(parse_number(whole).value_or(0) / unit);
  const std::vector<std::int64_t> units = apportion(parts, unit, whole_units);
  const auto part = [&](std::size_t i) { return "$" + to_fixed(static_cast<double>(units[i]) * unit, digits); };
  const auto share = [&](std::size_t i) { return to_fixed(100 * parts[i] / *cost.usd_total, 1) + " %"; };
  CostRows rows = {{"part", "cost", "share", "$/Mtok", "tokens"}};
  const auto n_prompt = cost.use.n_prompt_tokens, n_cached = cost.use.n_cached_prompt_tokens;
  const auto count = [](const std::optional<std::int64_t>& n) { return n ? to_text(*n) : std::string("-"); };
  if (parts.size() == 3) {
    rows.push_back(
        {"input", part(0), share(0), money(split.usd_per_mtok_uncached_input), to_text(*n_prompt - *n_cached)});
    rows.push_back({"cached input", part(1), share(1), money(split.usd_per_mtok_cached_input), count(n_cached)});
  } else {
    rows.push_back({"input, cached too", part(0), share(0), money(split.usd_per_mtok_input), count(n_prompt)});
  }
  rows.push_back({"output", part(parts.size() - 1), share(parts.size() - 1), money(split.usd_per_mtok_output),
                  count(cost.use.n_output_tokens)});
  rows.push_back({"whole", "$" + whole, "100.0 %"});
  std::string text = text_table(rows);
  text += "By device time in prefill and decode, waiting spread in proportion";
  text += !split.cached_reason.empty() ? "; cached input is not told apart: " + split.cached_reason
          : cost.prefill_fit           ? "; cached input by least squares over the samples' prefill times"
                                       : "; nothing came from the cache";
  return text + ".\n";
}

/// By the endpoint's own price sheet.
std::string endpoint_money_text(const RunCost& cost) {
  const ApiPrice& price = *cost.endpoint_price;
  const auto n_cached = static_cast<double>(cost.use.n_cached_prompt_tokens.value_or(0));
  const double n_uncached = static_cast<double>(*cost.use.n_prompt_tokens) - n_cached;
  const auto n_output = static_cast<double>(*cost.use.n_output_tokens);
  const auto row = [&](const char* part, double uncached, double cached, double output) {
    return std::vector<std::string>{part, money(hosted_usd(price.price, uncached, cached, output)),
                                    to_fixed(uncached + cached + output, 0)};
  };
  const CostRows rows = {{"part", "cost", "tokens"},
                         row("input", n_uncached, 0, 0),
                         row("cached input", 0, n_cached, 0),
                         row("output", 0, 0, n_output),
                         row("whole", n_uncached, n_cached, n_output)};
  return "\nCost (published price, counted tokens)\n" + text_table(rows) +
         "By the endpoint's sheet: " + shown(price.provider + " " + price.model) + ", " + validity(price) + ", " +
         shown(price.citation.source, kMaxSourceShown) + ". Failed attempts may have cost more.\n" +
         "\nPer correct answer: " + money(cost.usd_per_correct) + "\n";
}

std::string money_text(const RunCost& cost) {
  if (!cost.usd_total) return "\nCost: - (" + cost.usd_reason + ")\n";
  if (cost.endpoint_price) return endpoint_money_text(cost);
  std::string text = "\nCost (" + usd_provenance(cost) + ")\n" + split_text(cost) +
                     "\nPer correct answer: " + money(cost.usd_per_correct);
  if (cost.usd_per_correct_ci95) {
    text += ", 95 % interval " + money(*cost.usd_per_correct_ci95) + " (over items)";
  } else {
    text += " (no interval: " + cost.interval_reason + ")";
  }
  text +=
      "; wrong, truncated and failed samples are paid for too.\n\nIf the hours paid for were used in part "
      "(projected)\n";
  CostRows rows = {{"busy", "whole", "$/Mtok output", "per correct"}};
  for (const double busy : {1.0, 0.5, 0.2}) {
    const double factor = cost.utilisation_ratio / busy;
    const auto at = [&](const std::optional<double>& usd) {
      return money(usd ? std::optional(*usd * factor) : std::nullopt);
    };
    rows.push_back({to_fixed(100 * busy, 0) + " %", at(cost.usd_total),
                    at(cost.split ? cost.split->usd_per_mtok_output : std::nullopt), at(cost.usd_per_correct)});
  }
  return text + text_table(rows);
}

std::string energy_text(const RunCost& cost) {
  const RunEnergy& energy = cost.energy;
  if (!energy.joules) return "\nEnergy: - (" + energy.reason + ")\n";
  const std::string net_text = energy.net_joules ? joules_text(energy.net_joules) + " (idle " +
                                                       to_fixed(energy.idle_watts.value_or(0), 1) + " W, " +
                                                       energy.idle_provenance + ")"
                                                 : "- (" + shown(energy.net_reason, kMaxSourceShown) + ")";
  CostRows rows = {{"gross", joules_text(energy.joules) + " by the device's " + energy.source + ", idle draw included"},
                   {"net of idle", net_text},
                   {"per output token", joules_text(energy.joules_per_output_token)},
                   {"per correct", joules_text(energy.joules_per_correct)}};
  if (energy.joules_per_correct_ci95) {
    const Interval& ci95 = *energy.joules_per_correct_ci95;
    rows.back().back() += ", 95 % interval " + joules_text(ci95[0]) + " to " +
                          (std::isfinite(ci95[1]) ? joules_text(ci95[1]) : "no bound") + " (over items)";
  }
  if (const auto& check = energy.activity->energy_check) {
    rows.insert(rows.begin() + 1, {"cross-check", joules_text(check->counter_joules) + " by the counter, " +
                                                      joules_text(check->power_joules) + " by power over time, " +
                                                      to_fixed(100 * check->difference_ratio, 1) + " % apart"});
  }
  if (energy.usd) rows.push_back({"electricity", money(energy.usd) + " (scenario: price and PUE as stated)"});
  if (energy.gco2e) rows.push_back({"emissions", to_fixed(*energy.gco2e, 1) + " gCO2e (scenario: as stated)"});
  return "\nEnergy (" + cost.run.facts.provenance + ")\n" + text_table(rows, {1});
}

std::string brain_text(const RunCost& cost) {
  CostRows rows = {{"this run, per correct answer", joules_text(cost.energy.joules_per_correct),
                    cost.energy.joules_per_correct ? cost.run.facts.provenance : "not known"},
                   {"a brain at 20 W for 12 minutes", joules_text(kBrainJoulesPerItem),
                    "calculated: AIME's pace, 15 items in 180 min"},
                   {"10,000 tokens on an H800 node's share", "9.4 kJ",
                    "calculated: 1.73 kW all-in, 1850 tokens/s of a GPU (DeepSeek, day 6)"}};
  return "\nTwenty watts: a comparison of scale, not of skill\n" + text_table(rows, {2});
}

std::string hosted_text(const RunCost& cost) {
  if (cost.hosted.empty()) return "\nHosted endpoints: - (the run's tokens are not known)\n";
  CostRows rows = {{"endpoint", "whole", "per correct", "valid", "source"}};
  for (const HostedCost& hosted : cost.hosted) {
    rows.push_back({shown(hosted.price.provider + " " + hosted.price.model), money(hosted.usd_total),
                    money(hosted.usd_per_correct), validity(hosted.price),
                    shown(hosted.price.citation.source, kMaxSourceShown) + " (" +
                        to_string(hosted.price.citation.confidence) + ")"});
  }
  return "\nThe same tokens at hosted endpoints (published prices; quality and latency may differ)\n" +
         text_table(rows, {3, 4});
}

std::string mtok_text(double mtok) { return to_fixed(mtok, mtok < 100 ? 1 : 0); }

std::string even_text(const BreakEven& even) {
  const std::string low = even.low_mtok_per_month ? mtok_text(*even.low_mtok_per_month) : "never";
  const std::string high = even.high_mtok_per_month ? mtok_text(*even.high_mtok_per_month) : "never";
  return low == high ? low : low + " to " + high;
}

std::string own_text(const RunCost& cost) {
  if (!cost.own_usd_per_gpu_hour) return "";
  std::string text = "\nOwn hardware (scenario)\n";
  CostRows rows = {{"a GPU-hour", money(*cost.own_usd_per_gpu_hour)}};
  if (cost.own_usd_total) rows.push_back({"this run", money(*cost.own_usd_total)});
  const auto with_even = std::find_if(cost.hosted.begin(), cost.hosted.end(),
                                      [](const HostedCost& hosted) { return hosted.even.has_value(); });
  if (with_even == cost.hosted.end()) return text + text_table(rows, {1});
  const BreakEven& even = *with_even->even;
  rows.push_back({"fixed a month", money(even.fixed_usd_per_month)});
  rows.push_back({"electricity", money(even.marginal_usd_per_mtok) + " per Mtok output"});
  const Range capacity = even.capacity_mtok_per_month;
  rows.push_back({"at full use", (capacity.low < capacity.high ? mtok_text(capacity.low) + " to " : "") +
                                     mtok_text(capacity.high) + " Mtok output a month"});
  text += text_table(rows, {1}) + "\nBreak-even against a hosted endpoint (scenario; output Mtok a month)\n";
  CostRows evens = {{"endpoint", "$/Mtok output", "break-even", ""}};
  for (const HostedCost& hosted : cost.hosted) {
    if (!hosted.even) continue;
    const bool beyond = hosted.even->low_mtok_per_month.value_or(INFINITY) > hosted.even->capacity_mtok_per_month.high;
    evens.push_back({shown(hosted.price.provider + " " + hosted.price.model), money(hosted.usd_per_mtok_output),
                     even_text(*hosted.even), beyond ? "more than these GPUs make" : ""});
  }
  return text + text_table(evens, {3});
}

std::string jevons_text(const RunCost& cost) {
  if (cost.rebounds.empty()) return "";
  CostRows rows = {{"elasticity", "answers", "spending and energy"}};
  for (const Rebound& rebound : cost.rebounds) {
    rows.push_back({to_text(rebound.elasticity), "x " + to_fixed(rebound.quantity_ratio, 2),
                    "x " + to_fixed(rebound.spending_ratio, 2)});
  }
  return "\nJevons (scenario): if an answer cost " + to_text(*cost.jevons_price_ratio) +
         " of what it does; the elasticity is assumed\n" + text_table(rows);
}

Json range_json(const std::optional<Range>& range) { return range ? Json::array({range->low, range->high}) : Json(); }
/// An end without a bound is null.
Json cost_interval_json(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  const auto end = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
  return Json::array({end((*interval)[0]), end((*interval)[1])});
}
template <class T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}
Json reason_json(const std::string& reason) { return reason.empty() ? Json() : Json(reason); }

Json split_json(const RunCost& cost) {
  if (!cost.split) return nullptr;
  const CostSplit& split = *cost.split;
  return {{"usd_input", split.usd_input},
          {"usd_uncached_input", json_or_null(split.usd_uncached_input)},
          {"usd_cached_input", json_or_null(split.usd_cached_input)},
          {"usd_output", split.usd_output},
          {"usd_per_mtok_input", json_or_null(split.usd_per_mtok_input)},
          {"usd_per_mtok_uncached_input", json_or_null(split.usd_per_mtok_uncached_input)},
          {"usd_per_mtok_cached_input", json_or_null(split.usd_per_mtok_cached_input)},
          {"usd_per_mtok_output", json_or_null(split.usd_per_mtok_output)},
          {"input_by", "device time in prefill"},
          {"cached_by", split.cached_reason.empty()
                            ? Json(cost.prefill_fit ? "least squares over samples" : "no cached tokens")
                            : Json()},
          {"cached_reason", reason_json(split.cached_reason)},
          {"provenance", usd_provenance(cost)}};
}

Json even_json(const std::optional<BreakEven>& even) {
  if (!even) return nullptr;
  return {{"fixed_usd_per_month", range_json(even->fixed_usd_per_month)},
          {"marginal_usd_per_mtok_output", range_json(even->marginal_usd_per_mtok)},
          {"low_mtok_per_month", json_or_null(even->low_mtok_per_month)},
          {"high_mtok_per_month", json_or_null(even->high_mtok_per_month)},
          {"capacity_mtok_per_month", range_json(even->capacity_mtok_per_month)},
          {"provenance", "scenario"}};
}

Json hosted_json(const HostedCost& hosted) {
  const ApiPrice& price = hosted.price;
  return {{"provider", price.provider},
          {"model", price.model},
          {"usd_total", hosted.usd_total},
          {"usd_per_correct", json_or_null(hosted.usd_per_correct)},
          {"usd_per_mtok_output_all_in", json_or_null(hosted.usd_per_mtok_output)},
          {"usd_per_mtok_input", price.price.usd_per_mtok_input},
          {"usd_per_mtok_cached", json_or_null(price.price.usd_per_mtok_cached)},
          {"usd_per_mtok_output", price.price.usd_per_mtok_output},
          {"valid_from", json_or_null(price.valid_from)},
          {"valid_to", json_or_null(price.valid_to)},
          {"window_utc", json_or_null(price.window_utc)},
          {"source", price.citation.source},
          {"date", price.citation.date},
          {"confidence", to_string(price.citation.confidence)},
          {"break_even", even_json(hosted.even)},
          {"provenance", "published"}};
}

Json energy_json(const RunCost& cost) {
  const RunEnergy& energy = cost.energy;
  return {{"joules_total", json_or_null(energy.joules)},
          {"joules_net", json_or_null(energy.net_joules)},
          {"joules_per_output_token", json_or_null(energy.joules_per_output_token)},
          {"joules_per_correct", json_or_null(energy.joules_per_correct)},
          {"joules_per_correct_ci95", cost_interval_json(energy.joules_per_correct_ci95)},
          {"source", reason_json(energy.source)},
          {"reason", reason_json(energy.reason)},
          {"net_reason", reason_json(energy.net_reason)},
          {"idle_watts", json_or_null(energy.idle_watts)},
          {"idle_provenance", reason_json(energy.idle_provenance)},
          {"check", energy_check_json(energy.activity, energy.reason)},
          {"usd", json_or_null(energy.usd)},
          {"gco2e", json_or_null(energy.gco2e)},
          {"usd_provenance", energy.usd || energy.gco2e ? Json("scenario") : Json()},
          {"provenance", cost.run.facts.provenance}};
}

Json utilisation_json(const RunCost& cost) {
  Json rows = Json::array();
  if (!cost.usd_total) return rows;
  for (const double busy : {1.0, 0.5, 0.2}) {
    const double factor = cost.utilisation_ratio / busy;
    const auto at = [&](const std::optional<double>& usd) { return usd ? Json(*usd * factor) : Json(); };
    rows.push_back({{"utilisation_ratio", busy},
                    {"usd_total", at(cost.usd_total)},
                    {"usd_per_mtok_output", at(cost.split ? cost.split->usd_per_mtok_output : std::nullopt)},
                    {"usd_per_correct", at(cost.usd_per_correct)},
                    {"provenance", busy < 1 ? "projected" : cost.run.facts.provenance}});
  }
  return rows;
}

}  // namespace

std::string cost_text(const RunCost& cost) {
  return heading_text(cost) + money_text(cost) + energy_text(cost) + brain_text(cost) + hosted_text(cost) +
         own_text(cost) + jevons_text(cost);
}

Json to_json(const RunCost& cost) {
  Json hosted = Json::array();
  for (const HostedCost& endpoint : cost.hosted) hosted.push_back(hosted_json(endpoint));
  Json rebounds = Json::array();
  for (const Rebound& rebound : cost.rebounds) {
    rebounds.push_back({{"price_ratio", json_or_null(cost.jevons_price_ratio)},
                        {"elasticity", rebound.elasticity},
                        {"quantity_ratio", rebound.quantity_ratio},
                        {"spending_ratio", rebound.spending_ratio},
                        {"provenance", "scenario"}});
  }
  Json price;
  if (cost.price) {
    price = {{"usd_per_gpu_hour", cost.price->usd},
             {"band_usd", range_json(cost.price->band_usd)},
             {"source", cost.price->source},
             {"provenance", cost.price->provenance}};
  }
  Json own;
  if (cost.own_usd_per_gpu_hour) {
    own = {{"usd_per_gpu_hour", range_json(cost.own_usd_per_gpu_hour)},
           {"usd_total", range_json(cost.own_usd_total)},
           {"provenance", "scenario"}};
  }
  return {
      {"run_id", cost.run.run_id.value},
      {"name", reason_json(cost.run.facts.name)},
      {"price", std::move(price)},
      {"utilisation_ratio", cost.utilisation_ratio},
      {"n_devices", cost.run.facts.n_priced_devices},
      {"wall_s", cost.run.wall_s},
      {"device_s", cost.run.device_s},
      {"samples", cost.n_samples},
      {"correct", cost.n_correct},
      {"output_tokens_per_sample", json_or_null(cost.output_tokens_per_sample)},
      {"output_tokens_per_correct", json_or_null(cost.output_tokens_per_correct)},
      {"cost",
       {{"usd_total", json_or_null(cost.usd_total)},
        {"usd_per_correct", json_or_null(cost.usd_per_correct)},
        {"usd_per_correct_ci95", cost_interval_json(cost.usd_per_correct_ci95)},
        {"reason", reason_json(cost.usd_reason)},
        {"interval_reason", reason_json(cost.interval_reason)},
        {"provenance", usd_provenance(cost)}}},
      {"split", split_json(cost)},
      {"utilisation", utilisation_json(cost)},
      {"energy", energy_json(cost)},
      {"twenty_watts",
       {{"brain_joules_per_item", kBrainJoulesPerItem},
        {"joules_per_correct", json_or_null(cost.energy.joules_per_correct)},
        {"note", "20 W for 12 minutes, AIME's pace of 15 items in 180 minutes: a comparison of scale, not of skill"},
        {"provenance", "projected"}}},
      {"hosted", std::move(hosted)},
      {"own_hardware", std::move(own)},
      {"jevons", std::move(rebounds)}};
}

}  // namespace assay::results
