// How long the dashboard takes over a large database. Made with assay_store_bench; figures in gui/README.md.
//   assay_browse_bench FILE.db INDEX     fills the index (what it holds already it keeps), then times sorts, filters
//   and
//                                        searches of all samples
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#include "results/browse/sample_index.h"

namespace {

using namespace assay;
using namespace assay::results;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// The most memory that this process ever held, in MB.
double most_memory_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

template <class Work>
Result<> timed(const std::string& what, Work work) {
  const double begun_s = now_s();
  ASSAY_ASSIGN(const auto n, work());
  std::printf("%-44s %8.3f s  %10lld  VmHWM %.0f MB\n", what.c_str(), now_s() - begun_s, static_cast<long long>(n),
              most_memory_mb());
  return {};
}

Result<> fill(SampleIndex& index) {
  const double begun_s = now_s();
  ASSAY_ASSIGN(const IndexProgress before, index.progress());
  while (true) {
    ASSAY_ASSIGN(const bool has_more, index.add_next());
    if (!has_more) break;
  }
  ASSAY_ASSIGN(const IndexProgress after, index.progress());
  std::printf("indexed %lld samples in %.1f s, VmHWM %.0f MB\n",
              static_cast<long long>(after.n_indexed - before.n_indexed), now_s() - begun_s, most_memory_mb());
  return {};
}

Result<std::int64_t> sorted(const SampleIndex& index, const SampleQuery& query) {
  ASSAY_ASSIGN(const auto keys, index.sample_keys(query));
  ASSAY_TRY(index.rows(std::span(keys).subspan(0, std::min<std::size_t>(keys.size(), 256))));
  return static_cast<std::int64_t>(keys.size());
}

Result<std::int64_t> searched(const SampleIndex& index, const std::string& words) {
  ASSAY_ASSIGN(const auto matches, index.search(words, {}, 1000));
  const std::span<const std::int64_t> keys = matches.sample_keys;
  ASSAY_TRY(index.hits(keys.subspan(0, std::min<std::size_t>(keys.size(), 64)), words));
  return static_cast<std::int64_t>(keys.size());
}

Result<> bench(const std::string& database, const std::string& file) {
  const double begun_s = now_s();
  ASSAY_ASSIGN(SampleIndex index, SampleIndex::open(database, file));
  std::printf("opened in %.3f s %s\n", now_s() - begun_s, index.index_error().c_str());
  ASSAY_TRY(fill(index));
  const auto query = [](SampleOrder order) { return SampleQuery{.order = order}; };
  using Order = SampleOrder;
  for (const auto& [name, order] :
       {std::pair("stored", Order::stored), std::pair("item", Order::item), std::pair("verdict", Order::verdict),
        std::pair("n_output_tokens", Order::n_output_tokens), std::pair("e2e_ms", Order::e2e_ms)}) {
    ASSAY_TRY(timed(std::string("sort all by ") + name, [&] { return sorted(index, query(order)); }));
  }
  ASSAY_TRY(timed("incorrect ones by e2e_ms", [&] {
    return sorted(index, {.verdicts = {Verdict::incorrect}, .order = Order::e2e_ms, .descending = true});
  }));
  ASSAY_TRY(timed("filter \"item-17 3\"", [&] { return sorted(index, {.words = "item-17 3"}); }));
  for (const char* words : {"ba", "be ci", "\"be ci\"", "be*", "bebi*", "boxed", "nosuchword"}) {
    ASSAY_TRY(timed(std::string("search ") + words, [&] { return searched(index, words); }));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "assay_browse_bench FILE.db INDEX\n"), 2;
  const auto done = bench(argv[1], argv[2]);
  if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done ? 0 : static_cast<int>(done.error().kind);
}
