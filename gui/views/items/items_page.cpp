#include "gui/views/items/items_page.h"

#include <QAction>
#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QSpinBox>
#include <QSplitter>
#include <QTabWidget>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>

#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"
#include "gui/models/run_columns.h"
#include "gui/models/samples_index.h"
#include "gui/models/transcript_search.h"
#include "gui/views/items/outcome_delegate.h"
#include "gui/views/items/transcript_pane.h"

namespace assay::gui {

namespace {

constexpr int kRunsIfNoneChosen = 2;
constexpr int kQuestionLines = 6;

QLabel* status_label() {
  auto* label = new QLabel;
  label->setTextFormat(Qt::PlainText);
  label->setForegroundRole(QPalette::PlaceholderText);
  label->setWordWrap(true);
  return label;
}

QWidget* column_of(std::initializer_list<QWidget*> row, std::initializer_list<QWidget*> below) {
  auto* column = new QWidget;
  auto* layout = new QVBoxLayout(column);
  layout->setContentsMargins(8, 8, 8, 8);
  layout->setSpacing(6);
  auto* first = new QHBoxLayout;
  for (QWidget* widget : row) first->addWidget(widget, qobject_cast<QLineEdit*>(widget) != nullptr ? 1 : 0);
  first->addStretch(0);
  layout->addLayout(first);
  for (QWidget* widget : below) layout->addWidget(widget, qobject_cast<QTableView*>(widget) != nullptr ? 1 : 0);
  return column;
}

}  // namespace

ItemsPage::ItemsPage(const PageContext& context, QWidget* parent) : Page(parent), context_(context) {
  outcomes_ = new OutcomeModel(this);
  samples_ = new SamplesIndex(this);
  search_ = new TranscriptSearch(this);
  tabs_ = new QTabWidget;
  tabs_->setObjectName("lists");
  tabs_->setDocumentMode(true);
  tabs_->addTab(make_outcomes(), tr("&Outcomes"));
  tabs_->addTab(make_samples(), tr("Sa&mples"));
  tabs_->addTab(make_search(), tr("Searc&h"));
  connect(tabs_, &QTabWidget::currentChanged, this,
          [this](int tab) { set("items.tab", tab == 0 ? QString() : QString::number(tab)); });

  auto* splitter = new QSplitter;
  splitter->addWidget(tabs_);
  splitter->addWidget(make_replies());
  splitter->setStretchFactor(0, 2);
  splitter->setStretchFactor(1, 3);
  splitter->setSizes({420, 800});
  splitter->setChildrenCollapsible(false);
  splitter->setHandleWidth(8);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(splitter);

  const auto add_step = [this](const QString& text, const QKeySequence& keys, int by) {
    auto* action = new QAction(text, this);
    action->setShortcut(keys);
    action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    connect(action, &QAction::triggered, this, [this, by] { step_item(by); });
    addAction(action);
  };
  add_step(tr("Next item"), QKeySequence("Alt+Down"), 1);
  add_step(tr("Item before"), QKeySequence("Alt+Up"), -1);
  auto* find = new QAction(tr("Search in all replies"), this);
  find->setShortcut(QKeySequence::Find);
  find->setShortcutContext(Qt::WidgetWithChildrenShortcut);
  connect(find, &QAction::triggered, this, [this] {
    tabs_->setCurrentIndex(2);
    words_->setFocus();
  });
  addAction(find);
}

ItemsPage::~ItemsPage() = default;

QTableView* ItemsPage::make_table(const QString& name, QAbstractItemModel* model, const QList<int>& widths) {
  auto* table = new QTableView;
  table->setAccessibleName(name);
  table->setModel(model);
  table->setItemDelegate(new PlainDelegate(table));
  table->setSelectionMode(QAbstractItemView::SingleSelection);
  table->setShowGrid(false);
  table->setWordWrap(false);
  table->setTabKeyNavigation(false);
  table->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  table->verticalHeader()->hide();
  table->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  table->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 8);
  table->horizontalHeader()->setHighlightSections(false);
  table->horizontalHeader()->setTextElideMode(Qt::ElideRight);
  table->horizontalHeader()->setDefaultSectionSize(fontMetrics().averageCharWidth() * 12);
  for (int i = 0; i < widths.size(); ++i) table->setColumnWidth(i, fontMetrics().averageCharWidth() * widths[i]);
  return table;
}

QWidget* ItemsPage::make_outcomes() {
  suite_ = new QComboBox;
  suite_->setObjectName("suite");
  suite_->setAccessibleName(tr("Suite"));
  suite_->setMinimumContentsLength(12);
  connect(suite_, &QComboBox::textActivated, this, [this] {
    ViewState state = context_.navigator.state();
    state.suite = suite_->currentData().toString();
    state.item.clear();
    state.sample = 0;
    context_.navigator.go(std::move(state));
  });
  only_differing_ = new QCheckBox(tr("Only items that &differ"));
  only_differing_->setObjectName("only_differing");
  connect(only_differing_, &QCheckBox::toggled, this, [this](bool on) { set("items.differ", on ? "1" : ""); });
  outcome_status_ = status_label();
  outcome_table_ = make_table(tr("Outcomes by item and run"), outcomes_, {24});
  outcome_table_->horizontalHeader()->setDefaultSectionSize(fontMetrics().averageCharWidth() * 18);
  outcome_table_->setObjectName("outcomes");
  outcome_table_->setItemDelegate(new OutcomeDelegate(outcome_table_));
  outcome_table_->setItemDelegateForColumn(0, new PlainDelegate(outcome_table_));
  connect(outcome_table_->selectionModel(), &QItemSelectionModel::currentChanged, this, &ItemsPage::take_cell);
  auto* key = status_label();
  key->setText(tr("C correct · I incorrect · N no answer · T truncated · E error; 3/4: three of four samples correct"));
  return column_of({suite_, only_differing_}, {outcome_table_, outcome_status_, key});
}

QWidget* ItemsPage::make_samples() {
  sample_filter_ = new QLineEdit;
  sample_filter_->setObjectName("sample_filter");
  sample_filter_->setPlaceholderText(tr("Item, answer or rule…"));
  sample_filter_->setAccessibleName(tr("Filter samples by item, answer or rule"));
  sample_filter_->setClearButtonEnabled(true);
  connect(sample_filter_, &QLineEdit::textChanged, this, [this](const QString& text) { set("items.filter", text); });
  sample_verdict_ = new QComboBox;
  sample_verdict_->setAccessibleName(tr("Outcome"));
  sample_verdict_->addItem(tr("All outcomes"), "");
  for (int v = 0; v < 5; ++v) {
    const QString word = QString::fromStdString(to_string(static_cast<results::Verdict>(v)));
    sample_verdict_->addItem(QString(word).replace('_', ' '), word);
  }
  connect(sample_verdict_, &QComboBox::currentIndexChanged, this,
          [this] { set("items.verdict", sample_verdict_->currentData().toString()); });
  all_runs_ = new QCheckBox(tr("All r&uns"));
  all_runs_->setToolTip(tr("All runs of the baseline's database, not the chosen ones alone"));
  connect(all_runs_, &QCheckBox::toggled, this, [this](bool on) { set("items.all", on ? "1" : ""); });
  sample_status_ = status_label();
  sample_table_ = make_table(tr("Samples"), samples_, {20, 8, 12, 16, 14, 9, 11, 11, 11, 10, 14});
  sample_table_->setObjectName("samples");
  sample_table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  sample_table_->horizontalHeader()->setSectionsClickable(true);
  sample_table_->horizontalHeader()->setSortIndicatorShown(true);
  connect(sample_table_->horizontalHeader(), &QHeaderView::sectionClicked, this, [this](int column) {
    if (SamplesIndex::order_of(column) == results::SampleOrder::stored) return set("items.sort", "");
    const QString key = QString::number(column);
    set("items.sort", setting("items.sort") == key ? "-" + key : key);
  });
  connect(
      sample_table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& index) {
        const results::SampleRow* row = index.isValid() && !is_refreshing_ ? samples_->row_at(index.row()) : nullptr;
        if (row != nullptr) go_to_sample(QString::fromStdString(row->run.value), row->key);
      });
  connect(samples_, &SamplesIndex::changed, this, [this] {
    sample_status_->setText(!samples_->failure().isEmpty() ? visible_text(samples_->failure())
                            : samples_->is_busy()          ? tr("Reading…")
                                                           : tr("%1 samples").arg(shown_count(samples_->rowCount())));
  });
  return column_of({sample_filter_, sample_verdict_, all_runs_}, {sample_table_, sample_status_});
}

QWidget* ItemsPage::make_search() {
  words_ = new QLineEdit;
  words_->setObjectName("words");
  words_->setPlaceholderText(tr("Words, \"a phrase\", begin*"));
  words_->setAccessibleName(tr("Search in all replies"));
  words_->setClearButtonEnabled(true);
  connect(words_, &QLineEdit::textChanged, this, [this](const QString& text) {
    if (is_refreshing_) return;
    ViewState state = context_.navigator.state();
    state.search = text;
    context_.navigator.replace(std::move(state));
  });
  connect(words_, &QLineEdit::returnPressed, this, [this] {
    hit_table_->setFocus();
    if (search_->rowCount() > 0) hit_table_->setCurrentIndex(search_->index(0, 0));
  });
  chosen_only_ = new QCheckBox(tr("Chosen runs onl&y"));
  connect(chosen_only_, &QCheckBox::toggled, this, [this](bool on) { set("items.chosen_only", on ? "1" : ""); });
  search_status_ = status_label();
  hit_table_ = make_table(tr("Hits"), search_, {10, 14, 18, 8, 120});
  hit_table_->setObjectName("hits");
  hit_table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  connect(hit_table_, &QTableView::activated, this, [this](const QModelIndex& index) {
    const results::TranscriptHit& hit = search_->hits()[static_cast<std::size_t>(index.row())];
    go_to_sample(QString::fromStdString(hit.run.value), hit.key);
  });
  connect(search_, &TranscriptSearch::status_changed, this,
          [this] { search_status_->setText(visible_text(search_->status())); });
  return column_of({words_, chosen_only_}, {hit_table_, search_status_});
}

QWidget* ItemsPage::make_replies() {
  item_title_ = new QLabel;
  item_title_->setTextFormat(Qt::PlainText);
  QFont bold = item_title_->font();
  bold.setBold(true);
  item_title_->setFont(bold);
  sample_number_ = new QSpinBox;
  sample_number_->setObjectName("sample");
  sample_number_->setPrefix(tr("Sample "));
  sample_number_->setAccessibleName(tr("Sample"));
  sample_number_->setMaximum(1'000'000);
  connect(sample_number_, &QSpinBox::valueChanged, this, [this](int sample) {
    if (is_refreshing_) return;
    ViewState state = context_.navigator.state();
    state.sample = sample;
    context_.navigator.replace(std::move(state));
  });
  mark_differences_ = new QCheckBox(tr("Mar&k where the answers differ"));
  mark_differences_->setObjectName("mark_differences");
  connect(mark_differences_, &QCheckBox::toggled, this, [this](bool on) { set("items.diff", on ? "1" : ""); });
  question_ = new ReplyView;
  question_->setAccessibleName(tr("The question"));
  question_->setFixedHeight(fontMetrics().lineSpacing() * kQuestionLines + 12);

  auto* head = new QHBoxLayout;
  head->addWidget(item_title_, 1);
  head->addWidget(mark_differences_);
  head->addWidget(sample_number_);
  auto* sides = new QSplitter;
  sides->setChildrenCollapsible(false);
  for (int side = 0; side < 2; ++side) {
    panes_ << new TranscriptPane;
    panes_.back()->setObjectName(side == 0 ? "left_reply" : "right_reply");
    sides->addWidget(panes_.back());
    connect(panes_.back(), &TranscriptPane::fold_toggled, this,
            [this](bool unfolded) { set("items.reasoning", unfolded ? "1" : ""); });
  }
  auto* right = new QWidget;
  auto* layout = new QVBoxLayout(right);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(8);
  layout->addLayout(head);
  layout->addWidget(question_);
  layout->addWidget(sides, 1);
  return right;
}

QString ItemsPage::setting(const QString& key) const { return context_.navigator.state().settings.value(key); }

void ItemsPage::set(const QString& key, const QString& value) {
  if (is_refreshing_) return;
  ViewState state = context_.navigator.state();
  state.settings.remove(key);
  if (!value.isEmpty()) state.settings[key] = value;
  context_.navigator.replace(std::move(state));
}

void ItemsPage::refresh() {
  if (is_refreshing_) return;
  is_refreshing_ = true;
  const ViewState& state = context_.navigator.state();
  ViewState shown = state;
  if (shown.runs.isEmpty()) shown.runs = newest_runs(context_.workspace, kRunsIfNoneChosen);
  chosen_ = chosen_runs(context_.workspace, shown);

  tabs_->setCurrentIndex(std::clamp(setting("items.tab").toInt(), 0, tabs_->count() - 1));
  only_differing_->setChecked(setting("items.differ") == "1");
  outcomes_->set_only_differing(setting("items.differ") == "1");
  if (sample_filter_->text() != setting("items.filter")) sample_filter_->setText(setting("items.filter"));
  sample_verdict_->setCurrentIndex(std::max(0, sample_verdict_->findData(setting("items.verdict"))));
  all_runs_->setChecked(setting("items.all") == "1");
  if (words_->text() != state.search) words_->setText(state.search);
  chosen_only_->setChecked(setting("items.chosen_only") == "1");
  mark_differences_->setChecked(setting("items.diff") == "1");
  sample_number_->setValue(state.sample);

  if (isVisible()) search_->set_databases(context_.workspace.databases());
  if (tabs_->currentIndex() == 1) ask_samples();
  if (tabs_->currentIndex() == 2) {
    search_->search(state.search, setting("items.chosen_only") == "1" ? state.runs : QStringList());
  }
  read_matrix();
  show_matrix();
  read_replies();
  show_replies();
  is_refreshing_ = false;
}

bool ItemsPage::is_busy() const {
  return matrix_job_.is_running() || reply_job_.is_running() || (tabs_->currentIndex() == 1 && samples_->is_busy()) ||
         (tabs_->currentIndex() == 2 && search_->is_searching());
}

void ItemsPage::read_matrix() {
  const QString question = chosen_.fingerprint() + "\n" + context_.navigator.state().suite;
  if (question == matrix_question_) return;
  matrix_question_ = question;
  matrix_job_.start([runs = chosen_.runs, suite = context_.navigator.state().suite](
                        std::stop_token stop) { return read_outcome_matrix(runs, suite, std::move(stop)); },
                    [this](OutcomeMatrix matrix) {
                      is_refreshing_ = true;  // the current cell goes and comes back
                      outcomes_->set_matrix(std::move(matrix));
                      is_refreshing_ = false;
                      refresh();
                    });
}

void ItemsPage::show_matrix() {
  const OutcomeMatrix& matrix = outcomes_->matrix();
  const ViewState& state = context_.navigator.state();
  QStringList names;
  for (int i = 0; i < suite_->count(); ++i) names << suite_->itemData(i).toString();
  if (names != matrix.suites) {
    suite_->clear();
    for (const QString& suite : matrix.suites) suite_->addItem(visible_text(suite, 60), suite);
  }
  suite_->setCurrentIndex(static_cast<int>(matrix.suites.indexOf(matrix.suite)));
  QStringList parts;
  if (context_.workspace.runs()->empty()) {
    parts << (context_.workspace.is_reading() ? tr("Reading…") : tr("The open databases hold no runs yet"));
  } else if (matrix_job_.is_running() && matrix.rows.empty()) {
    parts << tr("Reading…");
  } else {
    parts << tr("%1 of %2 items").arg(shown_count(outcomes_->rowCount()), shown_count(std::ssize(matrix.rows)));
    if (outcomes_->rowCount() == 0 && !matrix.rows.empty()) parts << tr("no item differs between these runs");
    if (state.runs.isEmpty()) parts << tr("no run is chosen, these are the newest");
  }
  parts += matrix.failures;
  outcome_status_->setText(visible_text(parts.join("; "), 600));

  const int row =
      outcomes_->row_of(state.item.isEmpty() && outcomes_->rowCount() > 0 ? outcomes_->row_at(0).item : state.item);
  int column = outcome_table_->currentIndex().column();
  for (std::size_t r = 0; r < matrix.runs.size(); ++r) {
    if (matrix.runs[r].run_id == setting("items.run")) column = static_cast<int>(r) + 1;
  }
  const QModelIndex wanted = outcomes_->index(row, std::clamp(column, 0, std::max(0, outcomes_->columnCount() - 1)));
  if (row >= 0 && outcome_table_->currentIndex() != wanted) {
    outcome_table_->setCurrentIndex(wanted);
    outcome_table_->scrollTo(wanted);
  }
}

void ItemsPage::ask_samples() {
  if (chosen_.runs.empty()) return;
  results::SampleQuery query;
  if (setting("items.all") != "1") {
    for (const ChosenRun& run : chosen_.runs) {
      if (run.database == chosen_.runs.front().database) query.runs.emplace_back(run.run_id.toStdString());
    }
  }
  if (const auto verdict = results::parse_verdict(setting("items.verdict").toStdString())) {
    query.verdicts = {*verdict};
  }
  query.words = setting("items.filter").toStdString();
  QString sort = setting("items.sort");
  query.descending = sort.startsWith('-');
  if (query.descending) sort.remove(0, 1);
  bool is_column = false;
  const int column = sort.toInt(&is_column);
  if (is_column) query.order = SamplesIndex::order_of(column);
  sample_table_->horizontalHeader()->setSortIndicator(is_column ? column : -1,
                                                      query.descending ? Qt::DescendingOrder : Qt::AscendingOrder);
  samples_->ask(chosen_.runs.front().database, query);
}

std::vector<TranscriptRequest> ItemsPage::wanted_replies() const {
  std::vector<TranscriptRequest> wanted;
  const OutcomeMatrix& matrix = outcomes_->matrix();
  const ViewState& state = context_.navigator.state();
  int row = matrix.row_of(state.item);
  if (row < 0 && state.item.isEmpty() && outcomes_->rowCount() > 0) {
    row = matrix.row_of(outcomes_->row_at(0).item);
  }
  if (row < 0 || matrix.runs.empty()) return wanted;
  std::size_t other = 1;
  for (std::size_t r = 1; r < matrix.runs.size(); ++r) {
    if (matrix.runs[r].run_id == setting("items.run")) other = r;
  }
  for (const std::size_t r : {std::size_t{0}, other}) {
    if (r >= matrix.runs.size()) break;
    const OutcomeRow& items = matrix.rows[static_cast<std::size_t>(row)];
    const QString& own = items.cells[r].item;
    wanted.push_back({matrix.runs[r].database, matrix.runs[r].run_id, matrix.runs[r].title, matrix.suite,
                      own.isEmpty() ? items.item : own, state.sample});
  }
  return wanted;
}

void ItemsPage::read_replies() {
  const std::vector<TranscriptRequest> wanted = wanted_replies();
  if (wanted == asked_replies_) return;
  asked_replies_ = wanted;
  struct Read {
    std::vector<Transcript> replies;
    WordDiff diff;
  };
  reply_job_.start(
      [wanted](std::stop_token stop) {
        Read read{read_transcripts(wanted, std::move(stop)), {}};
        if (read.replies.size() == 2) read.diff = word_diff(read.replies[0].answer, read.replies[1].answer);
        return read;
      },
      [this](Read read) {
        replies_ = std::move(read.replies);
        diff_ = std::move(read.diff);
        shown_replies_.clear();
        show_replies();
      });
}

void ItemsPage::show_replies() {
  // What is shown already stays as it is scrolled.
  const QString key = QStringList{setting("items.diff"), setting("items.reasoning"), context_.navigator.state().search,
                                  QString::number(replies_.size())}
                          .join('\n');
  if (key == shown_replies_) return;
  shown_replies_ = key;
  const bool marks = setting("items.diff") == "1" && replies_.size() == 2;
  const bool unfolded = setting("items.reasoning") == "1";
  panes_[0]->setVisible(!replies_.empty());
  panes_[1]->setVisible(replies_.size() > 1);
  for (std::size_t side = 0; side < replies_.size() && side < 2; ++side) {
    const auto& spans = side == 0 ? diff_.left : diff_.right;
    panes_[static_cast<int>(side)]->show_transcript(replies_[side], marks ? spans : std::vector<TextSpan>(),
                                                    context_.navigator.state().search, unfolded);
  }
  mark_differences_->setEnabled(replies_.size() == 2);
  mark_differences_->setToolTip(diff_.is_exact ? tr("Words that the other answer lacks")
                                               : tr("Too different to compare word by word: all but the common "
                                                    "beginning and end is marked"));
  const Transcript* first = replies_.empty() ? nullptr : &replies_.front();
  if (first != nullptr && !first->item && replies_.size() > 1) first = &replies_.back();
  const bool has_prompt = first != nullptr && first->item && first->item->prompt;
  question_->set_reply(has_prompt ? QString::fromStdString(*first->item->prompt) : QString(), {});
  question_->setPlaceholderText(first == nullptr ? tr("Choose an item on the left.")
                                : first->item
                                    ? tr("The question is not stored: its authors ask that it be spread nowhere.")
                                    : tr("The run did not ask this item."));
  item_title_->setText(first == nullptr ? QString()
                                        : visible_text(first->request.suite + " · " + first->request.item, 120));
}

void ItemsPage::take_cell(const QModelIndex& index) {
  if (is_refreshing_ || !index.isValid()) return;
  ViewState state = context_.navigator.state();
  const OutcomeRow& row = outcomes_->row_at(index.row());
  if (row.item != state.item) state.sample = 0;
  state.item = row.item;
  const auto& runs = outcomes_->matrix().runs;
  if (index.column() >= 2) state.settings["items.run"] = runs[static_cast<std::size_t>(index.column()) - 1].run_id;
  context_.navigator.replace(std::move(state));
}

void ItemsPage::step_item(int by) {
  const QModelIndex current = outcome_table_->currentIndex();
  const int row = std::clamp(current.row() + by, 0, outcomes_->rowCount() - 1);
  if (outcomes_->rowCount() > 0) outcome_table_->setCurrentIndex(outcomes_->index(row, std::max(0, current.column())));
}

void ItemsPage::go_to_sample(const QString& run_id, const results::SampleKey& key) {
  ViewState state = context_.navigator.state();
  if (state.runs.isEmpty()) {
    state.runs = {run_id};
  } else if (!state.runs.contains(run_id)) {
    state.runs << run_id;
  }
  state.suite = QString::fromStdString(key.suite);
  state.item = QString::fromStdString(key.item.value);
  state.sample = static_cast<int>(key.sample);
  if (run_id != baseline_of(state)) state.settings["items.run"] = run_id;
  context_.navigator.go(std::move(state));
}

QString ItemsPage::as_csv() const {
  QStringList head = {"item"};
  for (const ChosenRun& run : outcomes_->matrix().runs) head << csv_cell(run.title);
  QString csv = head.join(',') + "\r\n";
  for (int row = 0; row < outcomes_->rowCount(); ++row) {
    QStringList cells;
    for (int column = 0; column < outcomes_->columnCount(); ++column) {
      cells << csv_cell(outcomes_->index(row, column).data(Qt::DisplayRole).toString());
    }
    csv += cells.join(',') + "\r\n";
  }
  return csv;
}

QString ItemsPage::as_sql() const {
  QStringList ids;
  for (const ChosenRun& run : outcomes_->matrix().runs) ids << sql_text(run.run_id);
  if (ids.isEmpty()) return {};
  return "SELECT r.run_id, rs.suite, i.item, s.sample, v.verdict, v.answer, v.expected, v.rule\n"
         "FROM runs r JOIN run_suites rs ON rs.run_key = r.run_key JOIN items i ON i.run_suite_id = rs.run_suite_id\n"
         "JOIN samples s ON s.item_key = i.item_key JOIN current_verdicts v ON v.sample_key = s.sample_key\n"
         "WHERE r.run_id IN (" +
         ids.join(", ") + ") AND rs.suite = " + sql_text(outcomes_->matrix().suite) +
         "\nORDER BY i.item_key, s.sample;\n";
}

}  // namespace assay::gui
