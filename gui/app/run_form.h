#pragma once
// The fields in which a run is put together.

#include <QWidget>

#include "gui/models/run_command.h"
#include "gui/models/run_plan.h"

class QComboBox;
class QLineEdit;
class QTreeWidget;

namespace assay::gui {

/// An empty field leaves it to `assay run`. What the program offers is filled in as it answers.
class RunForm : public QWidget {
  Q_OBJECT

 public:
  explicit RunForm(const QString& database, QWidget* parent = nullptr);

  /// What is chosen now. Fields that hold no number are Error{bad_input} naming the field.
  Result<RunChoices> choices() const;
  void offer_models(const QStringList& names);
  void offer_hardware(const QStringList& names);
  void offer_suites(const std::vector<SuiteOffer>& offers);

 signals:
  void changed();

 private:
  void make_fields();
  void lay_out();

  QComboBox *model_, *protocol_, *device_, *hardware_;
  QTreeWidget* suites_;
  QLineEdit *more_suites_, *samples_, *limit_, *seed_, *temperature_, *top_p_, *max_output_tokens_, *price_, *name_,
      *tags_, *database_;
};

}  // namespace assay::gui
