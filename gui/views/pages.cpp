#include "gui/views/pages.h"

#include "gui/views/runs_page.h"

namespace assay::gui {

std::vector<Page*> make_pages(const PageContext& context, QWidget* parent) {
  return {
      new RunsPage(context, parent),
  };
}

}  // namespace assay::gui
