#include "gui/views/pages.h"

#include "gui/views/compare/compare_page.h"
#include "gui/views/cost/cost_page.h"

namespace assay::gui {

std::vector<Page*> make_pages(const PageContext& context, QWidget* parent) {
  return {
      new ComparePage(context, parent),
      new CostPage(context, parent),
  };
}

}  // namespace assay::gui
