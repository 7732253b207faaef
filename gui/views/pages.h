#pragma once
// All pages.

#include <vector>

#include "gui/views/page.h"

namespace assay::gui {

/// A new page of each kind, in the order of page_names(), owned by `parent`.
std::vector<Page*> make_pages(const PageContext& context, QWidget* parent);

}  // namespace assay::gui
