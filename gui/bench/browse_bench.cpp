// How long the dashboard takes over a large database. Made with assay_store_bench; figures in gui/README.md.
#include <fcntl.h>
#include <unistd.h>
#include <QApplication>
#include <QScrollBar>
#include <QTableView>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>

#include "gui/views/items/items_page.h"
#include "gui/views/runs/runs_page.h"
#include "gui/views/theme.h"
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
  ASSAY_ASSIGN(const SampleOrdering ordering, index.order_samples(query));
  const std::vector<std::int64_t>& keys = ordering.keys;
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

double clock_s(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Processor time of this thread: what the window's thread itself did, whoever else uses the machine.
double thread_s() { return clock_s(CLOCK_THREAD_CPUTIME_ID); }

/// Processor time of all threads, likewise.
double process_s() { return clock_s(CLOCK_PROCESS_CPUTIME_ID); }

/// Lets the application work until `is_done`, and says how long that took and for how much work its thread was held at
/// most. `asking_s` is what it took to ask.
template <class Condition>
void wait(const std::string& what, double begun_s, double asking_s, Condition is_done) {
  double longest_s = asking_s;
  const double worked_s = process_s();
  do {
    const double step_s = thread_s();
    // Without a time of its own it sleeps until something comes, and leaves the processors to what is measured.
    QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
    longest_s = std::max(longest_s, thread_s() - step_s);
  } while (!is_done() && now_s() - begun_s < 600);
  std::printf("%-44s %8.3f s  worked %6.3f s  held %4.0f ms  VmHWM %.0f MB\n", what.c_str(), now_s() - begun_s,
              process_s() - worked_s, 1000 * longest_s, most_memory_mb());
  std::fflush(stdout);
}

/// The rows of the tables in sight, and whether their first rows are there.
struct RowsInSight {
  int n = 0;
  bool are_there = true;
};
RowsInSight rows_in_sight(const QWidget& page) {
  RowsInSight rows;
  for (const auto* table : page.findChildren<QTableView*>()) {
    if (!table->isVisible() || table->model() == nullptr || table->model()->rowCount() == 0) continue;
    rows.n += table->model()->rowCount();
    rows.are_there &= table->model()->index(0, 0).data().toString() != QString(QChar(0x2026));
  }
  return rows;
}

/// What a user does on a page.
struct Step {
  std::string what;
  gui::ViewState state;
  bool pins_newest = false;  ///< makes the newest run the baseline
  bool scrolls = false;      ///< to the middle of the first table
};

/// Whether the databases lie in memory when a step begins.
enum class Databases { in_memory, on_disk };

/// Has the system forget what it holds of these files in memory.
void drop_from_memory(const QStringList& files) {
  for (const QString& file : files) {
    const int opened = ::open(qPrintable(file), O_RDONLY | O_CLOEXEC);
    if (opened < 0 || ::posix_fadvise(opened, 0, 0, POSIX_FADV_DONTNEED) != 0) std::perror(qPrintable(file));
    ::close(opened);
  }
}

/// A page that follows its navigator, as the window's do.
template <class PageKind>
void bench_page(const QStringList& databases, Databases where, const std::string& title,
                const std::vector<Step>& steps) {
  if (where == Databases::on_disk) drop_from_memory(databases);
  gui::Workspace workspace;
  gui::Navigator navigator;
  PageKind page(gui::PageContext{workspace, navigator}, nullptr);
  QObject::connect(&navigator, &gui::Navigator::changed, &page, &gui::Page::refresh);
  QObject::connect(&workspace, &gui::Workspace::runs_changed, &page, &gui::Page::refresh);
  page.resize(1400, 900);
  // Something arrives every some milliseconds, so that the thread never sleeps longer.
  QTimer beat;
  beat.start(5);
  double begun_s = now_s();
  double asked_s = thread_s();
  workspace.set_databases(databases);
  page.show();
  wait(title + ": the runs are there", begun_s, thread_s() - asked_s, [&] { return !workspace.runs()->empty(); });
  wait(title + ": and all of what is seen", begun_s, 0, [&] { return !page.is_busy(); });
  for (const Step& step : steps) {
    if (where == Databases::on_disk) drop_from_memory(databases);
    begun_s = now_s();
    asked_s = thread_s();
    gui::ViewState next = step.state;
    next.databases = databases;
    if (step.pins_newest) next.baseline = QString::fromStdString(workspace.runs()->front().run.run_id.value);
    const int n_rows = rows_in_sight(page).n;
    navigator.go(std::move(next));
    if (step.scrolls) {
      QScrollBar* bar = page.template findChild<QTableView*>()->verticalScrollBar();
      bar->setValue(bar->maximum() / 2);
    }
    // Rows are there before what is read for each of them.
    wait(title + ": " + step.what, begun_s, thread_s() - asked_s,
         [&] { return !page.is_busy() || (rows_in_sight(page).n != n_rows && rows_in_sight(page).are_there); });
    if (page.is_busy()) wait(title + ": and all of what is seen", begun_s, 0, [&] { return !page.is_busy(); });
    asked_s = thread_s();
    page.grab();
    std::printf("    painted in %.0f ms\n", 1000 * (thread_s() - asked_s));
  }
}

void bench_pages(const QStringList& databases, Databases where) {
  qputenv("QT_QPA_PLATFORM", "offscreen");
  int argc = 1;
  char name[] = "assay_browse_bench";
  char* arguments[] = {name, nullptr};
  const QApplication application(argc, arguments);
  QApplication::setPalette(gui::palette_of(gui::light_theme()));
  const auto runs_state = [](const QString& sort, const QString& search, bool hides_equal = false) {
    gui::ViewState state;
    state.sort_column = sort;
    state.sort_descending = true;
    state.search = search;
    if (hides_equal) state.settings["hide_equal"] = "1";
    return state;
  };
  bench_page<gui::RunsPage>(
      databases, where, "runs",
      {{.what = "sort by accuracy", .state = runs_state("accuracy", "")},
       {.what = "sort by time to the first token", .state = runs_state("ttft_ms", "")},
       {.what = "sort by name", .state = runs_state("name", "")},
       {.what = "filter \"bench 77\"", .state = runs_state("accuracy", "bench 77")},
       {.what = "no filter, scrolled to the middle", .state = runs_state("", ""), .scrolls = true},
       {.what = "a baseline pinned", .state = runs_state("name", ""), .pins_newest = true},
       {.what = "scrolled to the middle", .state = runs_state("name", ""), .pins_newest = true, .scrolls = true},
       {.what = "equal columns hidden", .state = runs_state("e2e_ms", "", true)}});
  const auto items_state = [](const QMap<QString, QString>& settings, const QString& search = {}) {
    gui::ViewState state;
    state.settings = settings;
    state.search = search;
    return state;
  };
  bench_page<gui::ItemsPage>(
      databases, where, "items",
      {{"all samples", items_state({{"items.tab", "1"}, {"items.all", "1"}})},
       {"all samples by end-to-end time", items_state({{"items.tab", "1"}, {"items.all", "1"}, {"items.sort", "-8"}})},
       {"all samples by item", items_state({{"items.tab", "1"}, {"items.all", "1"}, {"items.sort", "0"}})},
       {"all incorrect samples", items_state({{"items.tab", "1"}, {"items.all", "1"}, {"items.verdict", "incorrect"}})},
       {"search \"be ci\"", items_state({{"items.tab", "2"}}, "\"be ci\"")},
       {"search boxed", items_state({{"items.tab", "2"}}, "boxed")}});
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if ((mode == "pages" || mode == "disk") && argc >= 3) {
    QStringList databases;
    for (int i = 2; i < argc; ++i) databases << argv[i];
    return bench_pages(databases, mode == "disk" ? Databases::on_disk : Databases::in_memory), 0;
  }
  if (mode != "index" || argc != 4) {
    std::fprintf(stderr,
                 "assay_browse_bench index FILE.db INDEX | pages FILE.db… | disk FILE.db…\n"
                 "disk: as pages, with nothing of the databases in memory at the beginning of each step\n");
    return 2;
  }
  const auto done = bench(argv[2], argv[3]);
  if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done ? 0 : static_cast<int>(done.error().kind);
}
