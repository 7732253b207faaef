#include "gui/views/items/outcome_pane.h"

#include <QCheckBox>
#include <QComboBox>
#include <QHeaderView>
#include <QScrollBar>
#include <algorithm>

#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"
#include "gui/models/run_columns.h"
#include "gui/views/items/outcome_delegate.h"

namespace assay::gui {

OutcomePane::OutcomePane(const PageContext& context, QWidget* parent) : ItemsPane(context, parent) {
  outcomes_ = new OutcomeModel(this);
  suite_ = new QComboBox;
  suite_->setObjectName("suite");
  suite_->setAccessibleName(tr("Suite"));
  suite_->setMinimumContentsLength(12);
  connect(suite_, &QComboBox::textActivated, this, [this] {
    ViewState next = state();
    next.suite = suite_->currentData().toString();
    next.item.clear();
    next.sample = 0;
    go(std::move(next));
  });
  only_differing_ = new QCheckBox(tr("Only items that &differ"));
  only_differing_->setObjectName("only_differing");
  connect(only_differing_, &QCheckBox::toggled, this, [this](bool on) { set("items.differ", on ? "1" : ""); });
  status_ = make_items_status();
  table_ = make_items_table(tr("Outcomes by item and run"), outcomes_, {24});
  table_->horizontalHeader()->setDefaultSectionSize(fontMetrics().averageCharWidth() * 18);
  table_->setObjectName("outcomes");
  table_->setItemDelegate(new OutcomeDelegate(table_));
  table_->setItemDelegateForColumn(0, new PlainDelegate(table_));
  connect(table_->selectionModel(), &QItemSelectionModel::currentChanged, this, &OutcomePane::take_cell);
  auto* key = make_items_status();
  key->setText(tr("C correct · I incorrect · N no answer · T truncated · E error; 3/4: three of four samples correct"));
  lay_out_pane(this, {suite_, only_differing_}, {table_, status_, key});
}

void OutcomePane::show_state(const ChosenRuns& chosen) {
  only_differing_->setChecked(setting("items.differ") == "1");
  outcomes_->set_only_differing(setting("items.differ") == "1");
  read(chosen);
  show_suites();
  show_status();
  show_current();
}

void OutcomePane::read(const ChosenRuns& chosen) {
  const QString question = chosen.fingerprint() + "\n" + state().suite;
  if (question == question_) return;
  question_ = question;
  job_.start([runs = chosen.runs, suite = state().suite](
                 std::stop_token stop) { return read_outcome_matrix(runs, suite, std::move(stop)); },
             [this](OutcomeMatrix matrix) {
               const bool is_same_suite = matrix.suite == outcomes_->matrix().suite;
               const int scrolled_to = table_->verticalScrollBar()->value();
               outcomes_->set_matrix(std::move(matrix));
               emit matrix_changed();
               // A run that grows gives a new matrix each second: whoever reads in it stays where they are.
               if (is_same_suite) table_->verticalScrollBar()->setValue(scrolled_to);
             });
}

void OutcomePane::show_suites() {
  QStringList names;
  for (int i = 0; i < suite_->count(); ++i) names << suite_->itemData(i).toString();
  if (names != matrix().suites) {
    suite_->clear();
    for (const QString& suite : matrix().suites) suite_->addItem(visible_text(suite, 60), suite);
  }
  suite_->setCurrentIndex(static_cast<int>(matrix().suites.indexOf(matrix().suite)));
}

void OutcomePane::show_status() {
  QStringList parts;
  if (workspace().runs()->empty()) {
    parts << (workspace().is_reading() ? tr("Reading…") : tr("The open databases hold no runs yet"));
  } else if (job_.is_running() && matrix().rows.empty()) {
    parts << tr("Reading…");
  } else {
    parts << tr("%1 of %2 items").arg(shown_count(outcomes_->rowCount()), shown_count(std::ssize(matrix().rows)));
    if (outcomes_->rowCount() == 0 && !matrix().rows.empty()) parts << tr("no item differs between these runs");
    if (state().runs.isEmpty()) parts << tr("no run is chosen, these are the newest");
  }
  parts += matrix().failures;
  status_->setText(visible_text(parts.join("; "), 600));
}

void OutcomePane::show_current() {
  const bool has_rows = outcomes_->rowCount() > 0;
  const int row = outcomes_->row_of(state().item.isEmpty() && has_rows ? outcomes_->row_at(0).item : state().item);
  int column = table_->currentIndex().column();
  for (std::size_t r = 0; r < matrix().runs.size(); ++r) {
    if (matrix().runs[r].run_id == setting("items.run")) column = static_cast<int>(r) + 1;
  }
  const QModelIndex wanted = outcomes_->index(row, std::clamp(column, 0, std::max(0, outcomes_->columnCount() - 1)));
  if (row >= 0 && table_->currentIndex() != wanted) {
    table_->setCurrentIndex(wanted);
    table_->scrollTo(wanted);
  }
}

std::vector<TranscriptRequest> OutcomePane::wanted_replies() const {
  std::vector<TranscriptRequest> wanted;
  int row = matrix().row_of(state().item);
  if (row < 0 && state().item.isEmpty() && outcomes_->rowCount() > 0) row = matrix().row_of(outcomes_->row_at(0).item);
  if (row < 0 || matrix().runs.empty()) return wanted;
  std::size_t other = 1;
  for (std::size_t r = 1; r < matrix().runs.size(); ++r) {
    if (matrix().runs[r].run_id == setting("items.run")) other = r;
  }
  const OutcomeRow& items = matrix().rows[static_cast<std::size_t>(row)];
  for (const std::size_t r : {std::size_t{0}, other}) {
    if (r >= matrix().runs.size()) break;
    const ChosenRun& run = matrix().runs[r];
    const QString& own = items.cells[r].item;
    wanted.push_back(
        {run.database, run.run_id, run.title, matrix().suite, own.isEmpty() ? items.item : own, state().sample});
  }
  return wanted;
}

void OutcomePane::take_cell(const QModelIndex& index) {
  if (is_drawing() || !index.isValid()) return;
  ViewState next = state();
  const OutcomeRow& row = outcomes_->row_at(index.row());
  if (row.item != next.item) next.sample = 0;
  next.item = row.item;
  const auto& runs = matrix().runs;
  if (index.column() >= 2) next.settings["items.run"] = runs[static_cast<std::size_t>(index.column()) - 1].run_id;
  replace(std::move(next));
}

void OutcomePane::step(int by) {
  const QModelIndex current = table_->currentIndex();
  const int row = std::clamp(current.row() + by, 0, outcomes_->rowCount() - 1);
  if (outcomes_->rowCount() > 0) table_->setCurrentIndex(outcomes_->index(row, std::max(0, current.column())));
}

QString OutcomePane::as_csv() const {
  QStringList head = {"item"};
  for (const ChosenRun& run : matrix().runs) head << csv_cell(run.title);
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

QString OutcomePane::as_sql() const {
  QStringList ids;
  for (const ChosenRun& run : matrix().runs) ids << sql_text(run.run_id);
  if (ids.isEmpty()) return {};
  return "SELECT r.run_id, rs.suite, i.item, s.sample, v.verdict, v.answer, v.expected, v.rule\n"
         "FROM runs r JOIN run_suites rs ON rs.run_key = r.run_key JOIN items i ON i.run_suite_id = rs.run_suite_id\n"
         "JOIN samples s ON s.item_key = i.item_key JOIN current_verdicts v ON v.sample_key = s.sample_key\n"
         "WHERE r.run_id IN (" +
         ids.join(", ") + ") AND rs.suite = " + sql_text(matrix().suite) + "\nORDER BY i.item_key, s.sample;\n";
}

}  // namespace assay::gui
