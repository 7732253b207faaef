// The names beside marks and markers.

#include <algorithm>
#include <cmath>

#include "gui/models/plain_text.h"
#include "gui/views/charts/scene_parts.h"

namespace assay::gui {

namespace {

constexpr double kLabelGap = 4;
constexpr double kWidestLabel = 220;
constexpr double kWidestMarkerLabel = 340;  // nothing else tells markers apart
constexpr int kMostLabels = 300;            // more than that nobody reads

// Boxes that nothing may be written over, found by the squares that they touch.
class Occupied {
 public:
  explicit Occupied(const QSizeF& size)
      : n_columns_(static_cast<int>(size.width() / kSquare) + 1),
        n_rows_(static_cast<int>(size.height() / kSquare) + 1),
        squares_(static_cast<std::size_t>(n_columns_) * static_cast<std::size_t>(n_rows_)) {}

  void take(const QRectF& box) {
    for_squares(box, [&](std::vector<QRectF>& square) {
      square.push_back(box);
      return true;
    });
  }
  bool is_free(const QRectF& box) {
    return for_squares(box, [&](const std::vector<QRectF>& square) {
      return std::none_of(square.begin(), square.end(), [&](const QRectF& each) { return each.intersects(box); });
    });
  }

 private:
  static constexpr double kSquare = 64;

  template <class Visit>
  bool for_squares(const QRectF& box, const Visit& visit) {
    const int left = std::clamp(static_cast<int>(box.left() / kSquare), 0, n_columns_ - 1);
    const int right = std::clamp(static_cast<int>(box.right() / kSquare), 0, n_columns_ - 1);
    const int top = std::clamp(static_cast<int>(box.top() / kSquare), 0, n_rows_ - 1);
    const int bottom = std::clamp(static_cast<int>(box.bottom() / kSquare), 0, n_rows_ - 1);
    for (int row = top; row <= bottom; ++row) {
      for (int column = left; column <= right; ++column) {
        if (!visit(squares_[static_cast<std::size_t>(row * n_columns_ + column)])) return false;
      }
    }
    return true;
  }

  int n_columns_, n_rows_;
  std::vector<std::vector<QRectF>> squares_;
};

void add_marker_labels(const Chart& chart, Scene& scene, const QFontMetricsF& metrics, Occupied& occupied) {
  const double height = std::ceil(metrics.height());
  for (const SceneMarker& marker : scene.markers) {
    const QString& label = chart.markers[static_cast<std::size_t>(marker.marker)].label;
    if (label.isEmpty()) continue;
    const QString text = metrics.elidedText(visible_text(label, 120), Qt::ElideRight, kWidestMarkerLabel);
    const double width = std::ceil(metrics.horizontalAdvance(text)) + 1;
    std::vector<QRectF> places;
    for (int row = 0; marker.is_vertical && row < 6; ++row) {
      const double y = scene.plot.top() + 2 + row * height;
      places.push_back({marker.box.right() + kLabelGap, y, width, height});
      places.push_back({marker.box.left() - kLabelGap - width, y, width, height});
    }
    for (const double x : {scene.plot.right() - width - kLabelGap, scene.plot.left() + kLabelGap}) {
      if (marker.is_vertical) break;
      places.push_back({x, marker.box.top() - height, width, height});
      places.push_back({x, marker.box.bottom() + 1, width, height});
    }
    for (const QRectF& box : places) {
      if (!scene.plot.contains(box) || !occupied.is_free(box)) continue;
      scene.texts.push_back(
          {text, box, Qt::AlignLeft | Qt::AlignVCenter, TextRole::label, scene.theme.muted_text, true});
      occupied.take(box);
      break;
    }
  }
}

// Lines are kept free of names: they take small boxes along their way.
void take_lines(const Scene& scene, Occupied& occupied) {
  constexpr double kStep = 6;
  for (const SceneLine& line : scene.lines) {
    for (qsizetype i = 0; i + 1 < line.points.size(); ++i) {
      const QLineF part(line.points[i], line.points[i + 1]);
      const int n = std::max(1, static_cast<int>(part.length() / kStep));
      for (int k = 0; k < n; ++k) {
        const QPointF at = part.pointAt((k + 0.5) / n);
        const double half = std::min(kStep, part.length()) / 2;
        occupied.take(QRectF(at.x() - half, at.y() - half, 2 * half, 2 * half));
      }
    }
  }
}

// Where a mark's name may stand, the best place first.
std::vector<QRectF> label_places(const SceneMark& mark, SeriesForm form, bool lies, double width, double height) {
  const QRectF& box = mark.box;
  const QRectF& whole = mark.extent;
  const QPointF at = mark.kind == MarkKind::bar ? mark.at : box.center();
  const QRectF right(box.right() + kLabelGap, at.y() - height / 2, width, height);
  const QRectF left(box.left() - kLabelGap - width, at.y() - height / 2, width, height);
  const QRectF above(at.x() - width / 2, box.top() - height, width, height);
  const QRectF below(at.x() - width / 2, box.bottom(), width, height);
  const QRectF beyond_right = right.translated(whole.right() - box.right(), 0);
  const QRectF beyond_above = above.translated(0, whole.top() - box.top());
  if (form == SeriesForm::spans) return {above, below};
  if (mark.kind == MarkKind::bar) {
    return lies ? std::vector{beyond_right, left} : std::vector{beyond_above, below};
  }
  const QRectF above_right(box.right(), box.top() - height + 2, width, height);
  const QRectF below_right(box.right(), box.bottom() - 2, width, height);
  const QRectF above_left(box.left() - width, box.top() - height + 2, width, height);
  const QRectF below_left(box.left() - width, box.bottom() - 2, width, height);
  return {right, left, above, below, above_right, below_right, above_left, below_left, beyond_right, beyond_above};
}

}  // namespace

void add_labels(const Chart& chart, Scene& scene) {
  const QFontMetricsF metrics(font_of(scene, TextRole::label));
  const double height = std::ceil(metrics.height());
  Occupied occupied(scene.size);
  std::vector<const SceneMark*> labelled;
  for (const SceneMark& mark : scene.marks) {
    if (mark.kind != MarkKind::vertex) occupied.take(mark.box);
    const ChartPoint& point =
        chart.series[static_cast<std::size_t>(mark.series)].points[static_cast<std::size_t>(mark.point)];
    if (mark.kind != MarkKind::cell && !point.label.isEmpty()) labelled.push_back(&mark);
  }
  for (const SceneWhisker& whisker : scene.whiskers) {
    occupied.take(QRectF(whisker.line.p1(), whisker.line.p2()).normalized().adjusted(-1, -1, 1, 1));
  }
  for (const SceneText& text : scene.texts) occupied.take(text.box);
  const bool has_marker_names = std::any_of(chart.markers.begin(), chart.markers.end(),
                                            [](const ChartMarker& marker) { return !marker.label.isEmpty(); });
  if (has_marker_names || !labelled.empty()) take_lines(scene, occupied);
  add_marker_labels(chart, scene, metrics, occupied);
  if (labelled.size() > kMostLabels) return;

  const QRectF within = scene.plot.adjusted(0, -height, 0, 0);
  const bool lies = has_lying_bars(chart);
  for (const SceneMark* mark : labelled) {
    const ChartPoint& point =
        chart.series[static_cast<std::size_t>(mark->series)].points[static_cast<std::size_t>(mark->point)];
    const QString text = metrics.elidedText(visible_text(point.label, 120), Qt::ElideRight, kWidestLabel);
    const double width = std::ceil(metrics.horizontalAdvance(text)) + 1;
    for (const QRectF& box :
         label_places(*mark, chart.series[static_cast<std::size_t>(mark->series)].form, lies, width, height)) {
      if (!within.contains(box) || !occupied.is_free(box)) continue;
      scene.texts.push_back({text, box, Qt::AlignLeft | Qt::AlignVCenter, TextRole::label, scene.theme.text, true});
      occupied.take(box);
      break;
    }
  }
}

}  // namespace assay::gui
