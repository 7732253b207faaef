// What every page shows, as a screen reader finds it: role, place and name of each thing. Looked at once as a picture,
// then kept as text in approved/PAGE.txt, which a test can compare. ASSAY_APPROVE=1 writes the files anew.

#include <QAccessible>
#include <QApplication>
#include <QFile>
#include <QFontDatabase>
#include <QImage>
#include <QMetaEnum>
#include <QProcess>
#include <cstdlib>

#include "gui/app/main_window.h"
#include "gui/app/test_runs.h"
#include "gui/test_waiting.h"
#include "gui/views/theme.h"
#include "harness/base/file.h"

namespace assay::gui {

namespace {

constexpr int kMaxName = 160;

QString name_of(const QAccessibleInterface& node) {
  QString name = node.text(QAccessible::Name);
  if (name.isEmpty()) name = node.text(QAccessible::Value);
  return name.replace('\n', " | ").left(kMaxName);
}

/// Adds a line for each thing that is to be seen, those within a thing below it.
void describe(const QAccessibleInterface& node, const QPoint& origin, int depth, QStringList& lines) {
  if (node.state().invisible) return;
  const QRect place = node.rect().translated(-origin);
  const char* role = QMetaEnum::fromType<QAccessible::Role>().valueToKey(node.role());
  lines << QString(2 * depth, ' ') + QString("%1 %2,%3 %4x%5 %6")
                                         .arg(role != nullptr ? role : "custom")
                                         .arg(place.x())
                                         .arg(place.y())
                                         .arg(place.width())
                                         .arg(place.height())
                                         .arg(name_of(node))
                                         .trimmed();
  for (int i = 0; i < node.childCount(); ++i) {
    if (const QAccessibleInterface* child = node.child(i)) describe(*child, origin, depth + 1, lines);
  }
}

std::string described(MainWindow& window) {
  REQUIRE(wait_until([&] { return !window.is_busy(); }, 60'000));
  for (int i = 0; i < 20; ++i) QCoreApplication::processEvents(QEventLoop::AllEvents, 10);
  REQUIRE(wait_until([&] { return !window.is_busy(); }, 60'000));
  QStringList lines;
  describe(*QAccessible::queryAccessibleInterface(&window), window.mapToGlobal(QPoint(0, 0)), 0, lines);
  return lines.join('\n').toStdString() + "\n";
}

/// Places depend on the font; Debian's Qt brings this one along.
bool has_known_font() {
  return QApplication::font().family().startsWith("DejaVu Sans") ||
         QFontInfo(QApplication::font()).family().startsWith("DejaVu Sans");
}

}  // namespace

TEST_CASE("approvals: what every page shows and where, in both themes") {
  if (!has_known_font()) {
    WARN("skipped: without the font DejaVu Sans everything has another place");
    return;
  }
  TestRuns fixture;
  for (const QString& page : page_names()) {
    ViewState state = fixture.state();
    state.page = page;
    MainWindow window(state, fixture.settings);
    window.resize(1280, 800);
    window.show();
    const std::string light = described(window);
    QApplication::setPalette(palette_of(dark_theme()));
    CHECK(described(window) == light);
    QApplication::setPalette(palette_of(light_theme()));

    const std::filesystem::path file =
        std::filesystem::path(ASSAY_SOURCE_DIR) / "gui/app/approved" / (page.toStdString() + ".txt");
    if (std::getenv("ASSAY_APPROVE") != nullptr) REQUIRE(write_file(file, light).has_value());
    const auto approved = read_file(file);
    INFO(file.string() << " (look at the page, then ASSAY_APPROVE=1 writes it anew)");
    REQUIRE(approved.has_value());
    CHECK(light == *approved);
  }
}

TEST_CASE("approvals: twice the scale shows the same, in twice the pixels") {
  TestRuns fixture;
  const auto picture = [&](const QString& page, const char* scale) {
    const QString file = QString::fromStdString(fixture.folder / "page.png");
    QFile::remove(file);
    QProcess process;
    process.start(ASSAY_GUI_PROGRAM,
                  QStringList{"--db", fixture.database, "--run"} + fixture.runs +
                      QStringList{"--screenshot", page, file, "--size", "1000x700", "--scale", scale});
    REQUIRE(process.waitForFinished(60'000));
    REQUIRE(process.exitCode() == 0);
    return QImage(file).convertToFormat(QImage::Format_Grayscale8);
  };
  for (const QString& page : page_names()) {
    const QImage once = picture(page, "1");
    const QImage twice = picture(page, "2");
    REQUIRE(twice.size() == once.size() * 2);
    // Letters fall on other pixels, so blocks are compared, not pixels.
    const QImage a = once.scaled(50, 35, Qt::IgnoreAspectRatio, Qt::SmoothTransformation);
    const QImage b = twice.scaled(50, 35, Qt::IgnoreAspectRatio, Qt::SmoothTransformation);
    double difference = 0;
    for (int y = 0; y < a.height(); ++y) {
      for (int x = 0; x < a.width(); ++x) difference += std::abs(qGray(a.pixel(x, y)) - qGray(b.pixel(x, y)));
    }
    INFO(page.toStdString());
    CHECK(difference / (a.width() * a.height()) < 4);
  }
}

}  // namespace assay::gui
