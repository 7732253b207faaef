#include "gui/app/run_form.h"

#include <QComboBox>
#include <QFormLayout>
#include <QHeaderView>
#include <QLineEdit>
#include <QLocale>
#include <QTreeWidget>
#include <map>

namespace assay::gui {

namespace {

QLineEdit* make_field(const QString& hint, const QString& name) {
  auto* field = new QLineEdit;
  field->setPlaceholderText(hint);
  field->setAccessibleName(name);
  field->setClearButtonEnabled(true);
  return field;
}

QComboBox* make_open_choice(const QString& name, const QString& hint, const QStringList& offers) {
  auto* box = new QComboBox;
  box->setEditable(true);
  box->setAccessibleName(name);
  box->addItems(offers);
  box->setCurrentText(offers.value(0));
  box->lineEdit()->setPlaceholderText(hint);
  return box;
}

/// Names into a box that the user may have written in already.
void offer(QComboBox& box, const QStringList& names) {
  const QString written = box.currentText();
  const QSignalBlocker quiet(&box);
  box.addItems(names);
  box.setCurrentText(written);
}

Result<std::optional<int>> integer_in(const QLineEdit& field, int least) {
  const QString text = field.text().trimmed();
  if (text.isEmpty()) return std::optional<int>();
  bool is_number = false;
  const int value = text.toInt(&is_number);
  if (is_number && value >= least) return std::optional(value);
  return bad_input(field.accessibleName().toStdString(), ": \"", text.left(40).toStdString(),
                   "\" must be a whole number from ", least);
}

Result<std::optional<double>> number_in(const QLineEdit& field, double least, double most) {
  const QString text = field.text().trimmed();
  if (text.isEmpty()) return std::optional<double>();
  bool is_number = false;
  const double value = QLocale::c().toDouble(text, &is_number);
  if (is_number && value >= least && value <= most) return std::optional(value);
  return bad_input(field.accessibleName().toStdString(), ": \"", text.left(40).toStdString(),
                   "\" must be a number from ", least, " to ", most);
}

QStringList parts_of(const QLineEdit& field) {
  QStringList parts;
  for (const QString& part : field.text().split(',', Qt::SkipEmptyParts)) parts << part.trimmed();
  return parts;
}

}  // namespace

RunForm::RunForm(const QString& database, QWidget* parent) : QWidget(parent) {
  make_fields();
  database_->setText(database);
  lay_out();
  connect(suites_, &QTreeWidget::itemChanged, this, &RunForm::changed);
  for (QComboBox* box : {model_, protocol_, device_, hardware_}) {
    connect(box, &QComboBox::currentTextChanged, this, &RunForm::changed);
  }
  for (QLineEdit* field : {more_suites_, samples_, limit_, seed_, temperature_, top_p_, max_output_tokens_, price_,
                           name_, tags_, database_}) {
    connect(field, &QLineEdit::textChanged, this, &RunForm::changed);
  }
}

void RunForm::make_fields() {
  const QString otherwise = tr("as the suite or the protocol says");
  model_ = make_open_choice(tr("Model"), tr("a registered name, a folder, a .gguf file, replay:FILE.jsonl"), {});
  suites_ = new QTreeWidget;
  suites_->setAccessibleName(tr("Suites"));
  suites_->setHeaderLabels({tr("Suite"), tr("Items"), tr("What it asks")});
  suites_->header()->setSectionResizeMode(QHeaderView::Interactive);
  suites_->setColumnWidth(0, fontMetrics().averageCharWidth() * 28);
  suites_->setColumnWidth(1, fontMetrics().averageCharWidth() * 8);
  suites_->setUniformRowHeights(true);
  more_suites_ =
      make_field(tr("zebra:3x4:seed=7:n=200, or folders of your own, separated by commas"), tr("Further suites"));
  samples_ = make_field(otherwise, tr("Samples an item"));
  limit_ = make_field(tr("all"), tr("First items only"));
  seed_ = make_field("0", tr("Seed"));
  protocol_ = new QComboBox;
  protocol_->setAccessibleName(tr("Protocol"));
  protocol_->addItems({tr("the suite's own"), "deepseek-r1"});
  device_ = make_open_choice(tr("Device"), {}, {"auto", "cpu", "cuda", "cuda:0"});
  temperature_ = make_field(otherwise, tr("Temperature"));
  top_p_ = make_field(otherwise, tr("Top-p"));
  max_output_tokens_ = make_field(otherwise, tr("Output tokens at most"));
  hardware_ = make_open_choice(tr("Hardware profile"), tr("a GPU's profile: the plan is made for it"), {""});
  price_ = make_field(tr("US dollars an hour; without it no cost is known"), tr("Price of the device"));
  name_ = make_field(tr("usable as RUN in commands"), tr("Name"));
  tags_ = make_field(tr("team=core, ticket=12"), tr("Tags"));
  database_ = make_field(tr("file"), tr("Results database"));
}

void RunForm::lay_out() {
  auto* layout = new QFormLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  layout->addRow(tr("&Model"), model_);
  layout->addRow(tr("S&uites"), suites_);
  layout->addRow(tr("Further su&ites"), more_suites_);
  layout->addRow(tr("Samp&les an item"), samples_);
  layout->addRow(tr("&First items only"), limit_);
  layout->addRow(tr("See&d"), seed_);
  layout->addRow(tr("Pr&otocol"), protocol_);
  layout->addRow(tr("Temp&erature"), temperature_);
  layout->addRow(tr("Top-p"), top_p_);
  layout->addRow(tr("Output to&kens at most"), max_output_tokens_);
  layout->addRow(tr("De&vice"), device_);
  layout->addRow(tr("&Hardware profile"), hardware_);
  layout->addRow(tr("P&rice of the device"), price_);
  layout->addRow(tr("&Name"), name_);
  layout->addRow(tr("T&ags"), tags_);
  layout->addRow(tr("Results data&base"), database_);
}

void RunForm::offer_models(const QStringList& names) { offer(*model_, names); }

void RunForm::offer_hardware(const QStringList& names) { offer(*hardware_, names); }

void RunForm::offer_suites(const std::vector<SuiteOffer>& offers) {
  const QSignalBlocker quiet(suites_);
  std::map<QString, QTreeWidgetItem*> groups;
  for (const SuiteOffer& offer : offers) {
    QTreeWidgetItem*& group = groups[offer.group];
    if (group == nullptr && !offer.group.isEmpty()) {
      group = new QTreeWidgetItem(suites_, {offer.group});
      group->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable | Qt::ItemIsAutoTristate);
      group->setCheckState(0, Qt::Unchecked);
    }
    const QString n_items = offer.n_items ? QString::number(*offer.n_items) : QString(QChar(0x2014));
    auto* entry = new QTreeWidgetItem({offer.suite, n_items, offer.title});
    if (group != nullptr) {
      group->addChild(entry);
    } else {
      suites_->addTopLevelItem(entry);
    }
    entry->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable | Qt::ItemNeverHasChildren);
    entry->setCheckState(0, Qt::Unchecked);
    entry->setTextAlignment(1, Qt::AlignRight | Qt::AlignVCenter);
    if (!offer.n_items) {
      entry->setToolTip(1, tr("Its items are not there yet; they are read from %1").arg(offer.items_from));
    }
  }
}

Result<RunChoices> RunForm::choices() const {
  RunChoices choices;
  choices.model = model_->currentText().trimmed();
  for (QTreeWidgetItemIterator it(suites_, QTreeWidgetItemIterator::Checked | QTreeWidgetItemIterator::NoChildren); *it;
       ++it) {
    choices.suites << (*it)->text(0);
  }
  choices.suites += parts_of(*more_suites_);
  ASSAY_ASSIGN(choices.samples, integer_in(*samples_, 1));
  ASSAY_ASSIGN(choices.limit, integer_in(*limit_, 1));
  ASSAY_ASSIGN(choices.seed, integer_in(*seed_, 0));
  ASSAY_ASSIGN(choices.max_output_tokens, integer_in(*max_output_tokens_, 1));
  ASSAY_ASSIGN(choices.temperature, number_in(*temperature_, 0, 100));
  ASSAY_ASSIGN(choices.top_p, number_in(*top_p_, 0, 1));
  ASSAY_ASSIGN(choices.price_usd_per_gpu_hour, number_in(*price_, 0, 1e6));
  if (protocol_->currentIndex() > 0) choices.protocol = protocol_->currentText();
  const QString device = device_->currentText().trimmed();
  if (device != "auto") choices.device = device;
  choices.hardware = hardware_->currentText().trimmed();
  choices.name = name_->text().trimmed();
  choices.tags = parts_of(*tags_);
  choices.database = database_->text().trimmed();
  return choices;
}

}  // namespace assay::gui
