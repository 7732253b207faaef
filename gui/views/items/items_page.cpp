#include "gui/views/items/items_page.h"

#include <QAction>
#include <QSplitter>
#include <QTabWidget>
#include <QVBoxLayout>
#include <algorithm>

#include "gui/views/items/outcome_pane.h"
#include "gui/views/items/replies_pane.h"
#include "gui/views/items/samples_pane.h"
#include "gui/views/items/search_pane.h"

namespace assay::gui {

namespace {
constexpr int kRunsIfNoneChosen = 2;
constexpr auto kTabKey = "items.tab";
}  // namespace

ItemsPage::ItemsPage(const PageContext& context, QWidget* parent) : Page(parent), context_(context) {
  outcomes_ = new OutcomePane(context, this);
  samples_ = new SamplesPane(context, this);
  search_ = new SearchPane(context, this);
  replies_ = new RepliesPane(context, this);
  tabs_ = new QTabWidget;
  tabs_->setObjectName("lists");
  tabs_->setDocumentMode(true);
  tabs_->addTab(outcomes_, tr("&Outcomes"));
  tabs_->addTab(samples_, tr("Sa&mples"));
  tabs_->addTab(search_, tr("Searc&h"));
  connect(tabs_, &QTabWidget::currentChanged, this, &ItemsPage::take_tab);
  connect(outcomes_, &OutcomePane::matrix_changed, this, &ItemsPage::refresh);

  auto* splitter = new QSplitter;
  splitter->addWidget(tabs_);
  splitter->addWidget(replies_);
  splitter->setStretchFactor(0, 2);
  splitter->setStretchFactor(1, 3);
  splitter->setSizes({420, 800});
  splitter->setChildrenCollapsible(false);
  splitter->setHandleWidth(8);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(splitter);
  make_actions();
}

void ItemsPage::make_actions() {
  const auto add = [this](const QString& text, const QKeySequence& keys, std::function<void()> act) {
    auto* action = new QAction(text, this);
    action->setShortcut(keys);
    action->setShortcutContext(Qt::WindowShortcut);  // while the page is seen, wherever the keyboard is
    connect(action, &QAction::triggered, this, std::move(act));
    addAction(action);
  };
  add(tr("Next item"), QKeySequence("Alt+Down"), [this] { outcomes_->step(1); });
  add(tr("Item before"), QKeySequence("Alt+Up"), [this] { outcomes_->step(-1); });
  add(tr("Show or hide the reasoning"), QKeySequence("Alt+R"), [this] { replies_->toggle_reasoning(); });
  add(tr("Search in all replies"), QKeySequence::Find, [this] {
    tabs_->setCurrentWidget(search_);
    search_->focus_words();
  });
}

void ItemsPage::take_tab(int tab) {
  if (is_refreshing_) return;
  ViewState state = context_.navigator.state();
  state.settings.remove(kTabKey);
  if (tab > 0) state.settings[kTabKey] = QString::number(tab);
  context_.navigator.replace(std::move(state));
}

void ItemsPage::refresh() {
  if (is_refreshing_) return;
  is_refreshing_ = true;
  ViewState shown = context_.navigator.state();
  tabs_->setCurrentIndex(std::clamp(shown.settings.value(kTabKey).toInt(), 0, tabs_->count() - 1));
  if (shown.runs.isEmpty()) shown.runs = newest_runs(context_.workspace, kRunsIfNoneChosen);
  const ChosenRuns chosen = chosen_runs(context_.workspace, shown);
  for (ItemsPane* pane : std::initializer_list<ItemsPane*>{outcomes_, samples_, search_}) pane->refresh(chosen);
  replies_->read(outcomes_->wanted_replies());
  replies_->refresh(chosen);
  is_refreshing_ = false;
}

bool ItemsPage::is_busy() const {
  return outcomes_->is_busy() || replies_->is_busy() || samples_->is_busy() || search_->is_busy();
}

QString ItemsPage::as_csv() const { return outcomes_->as_csv(); }

QString ItemsPage::as_sql() const { return outcomes_->as_sql(); }

}  // namespace assay::gui
