#include "gui/views/pages.h"

#include "gui/views/compare/compare_page.h"
#include "gui/views/cost/cost_page.h"
#include "gui/views/hardware/hardware_page.h"
#include "gui/views/items/items_page.h"
#include "gui/views/runs/runs_page.h"
#include "gui/views/speed/speed_page.h"

namespace assay::gui {

std::vector<Page*> make_pages(const PageContext& context, QWidget* parent) {
  return {
      new RunsPage(context, parent),  new ComparePage(context, parent),  new ItemsPage(context, parent),
      new SpeedPage(context, parent), new HardwarePage(context, parent), new CostPage(context, parent),
  };
}

}  // namespace assay::gui
