#pragma once
// Draws a scene: the one routine behind the screen and every file.

#include <QPainter>

#include "gui/views/charts/scene.h"

namespace assay::gui {

/// Draws the scene at the painter's origin, on the theme's panel colour. Many marks on a raster device are drawn as
/// copies of one picture.
void paint(QPainter& painter, const Scene& scene);

/// The outline of a shape of about `radius` around the origin; closed, so that it can be hollow.
QPainterPath shape_path(Shape shape, double radius);

/// A mark alone: filled, or hollow on `background`.
void paint_shape(QPainter& painter, const QPointF& at, Shape shape, double radius, const QColor& color, bool is_hollow,
                 const QColor& background);

}  // namespace assay::gui
