#pragma once
// The assumptions about cost as fields of a form: each is one value of a what-if document (results/cost/what_if.h),
// whose text is all that is remembered.

#include <QString>
#include <vector>

#include "harness/base/result.h"

namespace assay::gui {

struct WhatIfField {
  QString part;  ///< "own_hardware"; empty for a value of the document itself
  QString key;   ///< "capital_usd"
  QString label;
  QString unit;
  QString example;  ///< shown where nothing is written
};
const std::vector<WhatIfField>& what_if_fields();

/// The field's value in a document as a user writes it: "30000", "25000 to 40000", "0.5, 1, 2"; empty if it has none,
/// or if the document can't be read.
QString what_if_value(const QString& document, const WhatIfField& field);

/// The document with another value of the field; without it for an empty text, and empty itself once nothing is left.
/// Error{bad_input} for a text that is none of the three forms.
Result<QString> with_what_if_value(const QString& document, const WhatIfField& field, const QString& text);

}  // namespace assay::gui
