#include "gui/views/items/search_pane.h"

#include <QCheckBox>
#include <QHeaderView>
#include <QLineEdit>

#include "gui/models/plain_text.h"
#include "gui/models/transcript_search.h"

namespace assay::gui {

SearchPane::SearchPane(const PageContext& context, QWidget* parent) : ItemsPane(context, parent) {
  search_ = new TranscriptSearch(workspace(), this);
  words_ = new QLineEdit;
  words_->setObjectName("words");
  words_->setPlaceholderText(tr("Words, \"a phrase\", begin*"));
  words_->setAccessibleName(tr("Search in all replies"));
  words_->setClearButtonEnabled(true);
  connect(words_, &QLineEdit::textChanged, this, [this](const QString& text) {
    ViewState next = state();
    next.search = text;
    replace(std::move(next));
  });
  connect(words_, &QLineEdit::returnPressed, this, [this] {
    hits_->setFocus();
    if (search_->rowCount() > 0) hits_->setCurrentIndex(search_->index(0, 0));
  });
  chosen_only_ = new QCheckBox(tr("Chosen runs onl&y"));
  connect(chosen_only_, &QCheckBox::toggled, this, [this](bool on) { set("items.chosen_only", on ? "1" : ""); });
  status_ = make_items_status();
  hits_ = make_items_table(tr("Hits"), search_, {18, 14, 18, 10, 44});
  hits_->horizontalHeader()->moveSection(TranscriptSearch::excerpt, 0);  // what was found is what is looked for
  hits_->setObjectName("hits");
  hits_->setSelectionBehavior(QAbstractItemView::SelectRows);
  connect(hits_, &QTableView::activated, this, [this](const QModelIndex& index) {
    const results::TranscriptHit& hit = search_->hits()[static_cast<std::size_t>(index.row())];
    go_to_sample(QString::fromStdString(hit.run.value), hit.key);
  });
  connect(search_, &TranscriptSearch::status_changed, this,
          [this] { status_->setText(visible_text(search_->status())); });
  lay_out_pane(this, {words_, chosen_only_}, {hits_, status_});
}

bool SearchPane::is_busy() const { return isVisible() && search_->is_searching(); }

void SearchPane::focus_words() { words_->setFocus(); }

void SearchPane::show_state(const ChosenRuns&) {
  if (words_->text() != state().search) words_->setText(state().search);
  chosen_only_->setChecked(setting("items.chosen_only") == "1");
  if (window()->isVisible()) search_->set_databases(workspace().databases());
  if (isVisible()) search_->search(state().search, chosen_only_->isChecked() ? state().runs : QStringList());
}

}  // namespace assay::gui
