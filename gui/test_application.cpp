// An application without a display around the dashboard's tests, and folders of the tests' own where the user's caches
// and settings would be. Linked into each of its test programs.

#include <QApplication>
#include <memory>

#include "gui/views/line_style.h"
#include "gui/views/theme.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

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
    for (const char* variable : {"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"}) {
      qputenv(variable, QByteArray::fromStdString(home_ / variable));
    }
    qputenv("XDG_RUNTIME_DIR", QByteArray::fromStdString(home_.path().string()));
    static int argc = 1;
    static char name[] = "assay-gui-test";
    static char* argv[] = {name, nullptr};
    application_ = std::make_unique<QApplication>(argc, argv);
    QApplication::setStyle(new assay::gui::LineStyle);
    QApplication::setPalette(assay::gui::palette_of(assay::gui::light_theme()));
  }
  void testRunEnded(const Catch::TestRunStats&) override { application_.reset(); }

 private:
  assay::test_support::TemporaryFolder home_;
  std::unique_ptr<QApplication> application_;
};

CATCH_REGISTER_LISTENER(ApplicationListener)

}  // namespace
