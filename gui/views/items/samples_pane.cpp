#include "gui/views/items/samples_pane.h"

#include <QCheckBox>
#include <QComboBox>
#include <QHeaderView>
#include <QLineEdit>

#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"
#include "gui/models/run_columns.h"
#include "gui/models/samples_index.h"

namespace assay::gui {

SamplesPane::SamplesPane(const PageContext& context, QWidget* parent) : ItemsPane(context, parent) {
  samples_ = new SamplesIndex(workspace(), this);
  filter_ = new QLineEdit;
  filter_->setObjectName("sample_filter");
  filter_->setPlaceholderText(tr("Item, answer or rule…"));
  filter_->setAccessibleName(tr("Filter samples by item, answer or rule"));
  filter_->setClearButtonEnabled(true);
  connect(filter_, &QLineEdit::textChanged, this, [this](const QString& text) { set("items.filter", text); });
  verdict_ = new QComboBox;
  verdict_->setAccessibleName(tr("Outcome"));
  verdict_->addItem(tr("All outcomes"), "");
  for (int v = 0; v < 5; ++v) {
    const QString word = QString::fromStdString(to_string(static_cast<results::Verdict>(v)));
    verdict_->addItem(QString(word).replace('_', ' '), word);
  }
  connect(verdict_, &QComboBox::currentIndexChanged, this,
          [this] { set("items.verdict", verdict_->currentData().toString()); });
  all_runs_ = new QCheckBox(tr("All r&uns"));
  all_runs_->setObjectName("all_runs");
  all_runs_->setToolTip(tr("All runs of all open databases, not the chosen ones alone"));
  connect(all_runs_, &QCheckBox::toggled, this, [this](bool on) { set("items.all", on ? "1" : ""); });
  status_ = make_items_status();
  table_ = make_items_table(tr("Samples"), samples_, {20, 10, 12, 16, 14, 9, 11, 11, 11, 18, 14});
  table_->setObjectName("samples");
  table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_->horizontalHeader()->setSectionsClickable(true);
  table_->horizontalHeader()->setSortIndicatorShown(true);
  connect(table_->horizontalHeader(), &QHeaderView::sectionClicked, this, &SamplesPane::take_sort);
  connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& index) {
    const results::SampleRow* row = index.isValid() && !is_drawing() ? samples_->row_at(index.row()) : nullptr;
    if (row != nullptr) go_to_sample(QString::fromStdString(row->run.value), row->key);
  });
  connect(samples_, &SamplesIndex::changed, this, &SamplesPane::show_status);
  lay_out_pane(this, {filter_, verdict_, all_runs_}, {table_, status_});
}

bool SamplesPane::is_busy() const { return isVisible() && samples_->is_busy(); }

void SamplesPane::show_state(const ChosenRuns& chosen) {
  if (filter_->text() != setting("items.filter")) filter_->setText(setting("items.filter"));
  verdict_->setCurrentIndex(std::max(0, verdict_->findData(setting("items.verdict"))));
  all_runs_->setChecked(setting("items.all") == "1");
  QString sort = setting("items.sort");
  results::SampleQuery query;
  query.descending = sort.startsWith('-');
  if (query.descending) sort.remove(0, 1);
  bool is_column = false;
  const int column = sort.toInt(&is_column);
  if (is_column) query.order = SamplesIndex::order_of(column);
  table_->horizontalHeader()->setSortIndicator(is_column ? column : -1,
                                               query.descending ? Qt::DescendingOrder : Qt::AscendingOrder);
  if (!isVisible()) return;
  if (const auto verdict = results::parse_verdict(setting("items.verdict").toStdString())) query.verdicts = {*verdict};
  query.words = setting("items.filter").toStdString();
  query.most_unindexed = SamplesIndex::kMostUnindexed;
  QStringList ids;
  for (const ChosenRun& run : chosen.runs) ids << run.run_id;
  const bool takes_all = setting("items.all") == "1" || ids.isEmpty();
  std::vector<SampleSource> sources = sample_sources(workspace(), takes_all ? QStringList() : ids);
  n_databases_ = std::ssize(sources);
  samples_->ask(std::move(sources), query);
}

void SamplesPane::take_sort(int column) {
  if (SamplesIndex::order_of(column) == results::SampleOrder::stored) return set("items.sort", "");
  const QString key = QString::number(column);
  set("items.sort", setting("items.sort") == key ? "-" + key : key);
}

void SamplesPane::show_status() {
  QStringList parts;
  if (!samples_->failure().isEmpty()) parts << visible_text(samples_->failure());
  if (samples_->n_left_out() > 0) {
    parts << tr("the first %1 samples; %2 more are being read…")
                 .arg(shown_count(samples_->rowCount()), shown_count(samples_->n_left_out()));
  } else if (samples_->is_busy()) {
    parts << tr("Reading…");
  } else {
    parts << tr("%1 samples").arg(shown_count(samples_->rowCount())) +
                 (n_databases_ > 1 ? tr(" of %1").arg(counted(n_databases_, "database")) : QString());
  }
  status_->setText(parts.join("; "));
}

}  // namespace assay::gui
