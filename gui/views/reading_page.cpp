#include "gui/views/reading_page.h"

#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"
#include "gui/views/panel.h"

namespace assay::gui {

namespace {
constexpr int kPageMargin = 18;
constexpr int kMessageWidth = 560;
}  // namespace

ReadingPage::ReadingPage(const PageContext& context, QString name, QString title, const QString& purpose,
                         QWidget* parent)
    : Page(parent), context_(context), name_(std::move(name)), title_(std::move(title)) {
  setAccessibleName(title_);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 8, 0, 0);
  outer->setSpacing(10);

  auto* head = new QHBoxLayout;
  auto* heading = make_text(title_, this);
  QFont font = heading->font();
  font.setPointSizeF(font.pointSizeF() * 1.6);
  font.setBold(true);
  heading->setFont(font);
  heading->setWordWrap(false);
  waiting_ = make_text({}, this, true);
  waiting_->setWordWrap(false);
  head->addWidget(heading);
  head->addStretch();
  head->addWidget(waiting_);
  outer->addLayout(head);
  outer->addWidget(make_text(purpose, this, true));
  controls_ = new QHBoxLayout;
  controls_->setSpacing(10);
  outer->addLayout(controls_);

  auto* holder = new QWidget(this);
  stack_ = new QStackedLayout(holder);
  scroll_ = new QScrollArea(holder);
  scroll_->setWidgetResizable(true);
  scroll_->setFrameShape(QFrame::NoFrame);
  scroll_->setAccessibleName(title_);
  auto* content = new QWidget(scroll_);
  body_ = new QVBoxLayout(content);
  body_->setContentsMargins(0, 0, 6, kPageMargin);
  body_->setSpacing(12);
  scroll_->setWidget(content);
  stack_->addWidget(scroll_);

  auto* empty = new QWidget(holder);
  auto* empty_layout = new QVBoxLayout(empty);
  message_ = make_text({}, empty);
  message_->setAlignment(Qt::AlignCenter);
  message_->setFixedWidth(kMessageWidth);
  offers_ = new QHBoxLayout;
  empty_layout->addStretch(2);
  empty_layout->addWidget(message_, 0, Qt::AlignHCenter);
  empty_layout->addLayout(offers_);
  empty_layout->addStretch(3);
  stack_->addWidget(empty);
  stack_->setCurrentIndex(1);
  outer->addWidget(holder, 1);
}

QString ReadingPage::message() const { return stack_->currentIndex() == 1 ? message_->text() : waiting_->text(); }

QString ReadingPage::setting(const QString& key, const QString& otherwise) const {
  return state().settings.value(name_ + "." + key, otherwise);
}

void ReadingPage::set_setting(const QString& key, const QString& value) {
  ViewState next = state();
  if (value.isEmpty()) {
    next.settings.remove(name_ + "." + key);
  } else {
    next.settings[name_ + "." + key] = value;
  }
  go(std::move(next));
}

void ReadingPage::show_message(const QString& text, std::vector<Offer> offers) {
  has_body_ = false;
  message_->setText(text);
  while (QLayoutItem* item = offers_->takeAt(0)) {
    // A button may be what leads here: it must outlive its own signal.
    if (QWidget* button = item->widget()) {
      button->hide();
      button->deleteLater();
    }
    delete item;
  }
  offers_->addStretch();
  for (Offer& offer : offers) {
    auto* button = new QPushButton(offer.label, this);
    connect(button, &QPushButton::clicked, this, [act = std::move(offer.act)] { act(); });
    offers_->addWidget(button);
  }
  offers_->addStretch();
  stack_->setCurrentIndex(1);
}

void ReadingPage::show_body() {
  has_body_ = true;
  stack_->setCurrentIndex(0);
}

void ReadingPage::offer_runs(const ChosenRuns& chosen, int n_least, const QString& what_for) {
  forget_question();
  if (workspace().is_reading() && workspace().runs()->empty()) return show_message("Reading the databases…");
  if (workspace().databases().isEmpty()) {
    return show_message("No database is open. Open one with Ctrl+O, or drag its file onto the window.");
  }
  QString text = what_for;
  if (!chosen.not_found.isEmpty()) {
    text += "\n\n" + counted(chosen.not_found.size(), "chosen run") +
            " in none of the open databases: " + visible_text(chosen.not_found.join(", ").toStdString());
  }
  std::vector<Offer> offers;
  offers.push_back({"Choose on the page &Runs", [this] {
                      ViewState next = state();
                      next.page = "runs";
                      go(std::move(next));
                    }});
  const QStringList newest = newest_runs(workspace(), n_least);
  if (newest.size() == n_least) {
    offers.push_back({n_least == 1 ? QString("Take the &newest run") : QString("Take the %1 &newest runs").arg(n_least),
                      [this, newest] {
                        ViewState next = state();
                        next.runs = newest;
                        next.baseline.clear();
                        go(std::move(next));
                      }});
  } else {
    text += "\n\nThe open databases have " + counted(newest.size(), "run") + " with samples.";
  }
  show_message(text, std::move(offers));
}

void ReadingPage::show_waiting(const QString& text) { waiting_->setText(text); }

}  // namespace assay::gui
