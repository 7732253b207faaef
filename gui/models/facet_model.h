#pragma once
// The facets of the table of runs as a tree with boxes to tick.

#include <QAbstractItemModel>

#include "gui/models/run_filter.h"

namespace assay::gui {

/// Rows are facets, their children values. Ticking a value asks for another ViewState: chosen().
class FacetModel : public QAbstractItemModel {
  Q_OBJECT

 public:
  enum Role { CountRole = Qt::UserRole };

  using QAbstractItemModel::QAbstractItemModel;

  /// Keeps what is expanded where the same facets stay.
  void set_facets(std::vector<Facet> facets);
  const std::vector<Facet>& facets() const { return facets_; }

  QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
  QModelIndex parent(const QModelIndex& index) const override;
  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;
  Qt::ItemFlags flags(const QModelIndex& index) const override;

 signals:
  /// A value was ticked, or no longer is.
  void chosen(const QString& facet, const QString& value, bool is_chosen);

 private:
  const FacetValue& value_at(const QModelIndex& index) const;
  std::vector<Facet> facets_;
};

}  // namespace assay::gui
