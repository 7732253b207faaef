// An application without a display around the dashboard's tests. Linked into each of its test programs.

#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <QApplication>
#include <memory>

#include "gui/views/line_style.h"
#include "gui/views/theme.h"
#include "tests/support/catch.h"

namespace {

#if __has_include(<catch2/catch_all.hpp>)
using ListenerBase = Catch::EventListenerBase;
#else
using ListenerBase = Catch::TestEventListenerBase;
#endif

class ApplicationListener : public ListenerBase {
 public:
  using ListenerBase::ListenerBase;

  void testRunStarting(const Catch::TestRunInfo&) override {
    qputenv("QT_QPA_PLATFORM", "offscreen");
    qputenv("TZ", "UTC");  // the window shows local times
    static int argc = 1;
    static char name[] = "assay-gui-test";
    static char* argv[] = {name, nullptr};
    application_ = std::make_unique<QApplication>(argc, argv);
    QApplication::setStyle(new assay::gui::LineStyle);
    QApplication::setPalette(assay::gui::palette_of(assay::gui::light_theme()));
  }
  void testRunEnded(const Catch::TestRunStats&) override { application_.reset(); }

 private:
  std::unique_ptr<QApplication> application_;
};

CATCH_REGISTER_LISTENER(ApplicationListener)

}  // namespace
