#include "gui/models/facet_model.h"

namespace assay::gui {

namespace {

/// A facet's own rows carry 0, its values the facet's number + 1.
constexpr quintptr kNoParent = 0;

bool has_same_rows(const std::vector<Facet>& a, const std::vector<Facet>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].key != b[i].key || a[i].values.size() != b[i].values.size()) return false;
  }
  return true;
}

}  // namespace

void FacetModel::set_facets(std::vector<Facet> facets) {
  if (facets == facets_) return;
  if (!has_same_rows(facets, facets_)) {
    beginResetModel();
    facets_ = std::move(facets);
    endResetModel();
    return;
  }
  facets_ = std::move(facets);
  for (int i = 0; i < rowCount(); ++i) {
    const QModelIndex facet = index(i, 0);
    emit dataChanged(facet, facet);
    if (rowCount(facet) > 0) emit dataChanged(index(0, 0, facet), index(rowCount(facet) - 1, 0, facet));
  }
}

QModelIndex FacetModel::index(int row, int column, const QModelIndex& parent) const {
  if (!hasIndex(row, column, parent)) return {};
  return createIndex(row, column, parent.isValid() ? static_cast<quintptr>(parent.row()) + 1 : kNoParent);
}

QModelIndex FacetModel::parent(const QModelIndex& index) const {
  if (!index.isValid() || index.internalId() == kNoParent) return {};
  return createIndex(static_cast<int>(index.internalId() - 1), 0, kNoParent);
}

int FacetModel::rowCount(const QModelIndex& parent) const {
  if (!parent.isValid()) return static_cast<int>(facets_.size());
  if (parent.internalId() != kNoParent || parent.column() != 0) return 0;
  return static_cast<int>(facets_[static_cast<std::size_t>(parent.row())].values.size());
}

int FacetModel::columnCount(const QModelIndex&) const { return 1; }

const FacetValue& FacetModel::value_at(const QModelIndex& index) const {
  return facets_[index.internalId() - 1].values[static_cast<std::size_t>(index.row())];
}

QVariant FacetModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  if (index.internalId() == kNoParent) {
    const Facet& facet = facets_[static_cast<std::size_t>(index.row())];
    return role == Qt::DisplayRole ? QVariant(facet.title) : QVariant();
  }
  const FacetValue& value = value_at(index);
  const QString name = value.value.isEmpty() ? tr("(none)") : value.value;
  switch (role) {
    case Qt::DisplayRole:
      return name;
    case Qt::ToolTipRole:
    case Qt::AccessibleTextRole:
      return tr("%1: %n run(s)", nullptr, value.n_runs).arg(name);
    case Qt::CheckStateRole:
      return value.is_chosen ? Qt::Checked : Qt::Unchecked;
    case CountRole:
      return value.n_runs;
    default:
      return {};
  }
}

bool FacetModel::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (role != Qt::CheckStateRole || !index.isValid() || index.internalId() == kNoParent) return false;
  const QString facet = facets_[index.internalId() - 1].key;
  emit chosen(facet, value_at(index).value, value.toInt() == Qt::Checked);
  return true;
}

Qt::ItemFlags FacetModel::flags(const QModelIndex& index) const {
  if (!index.isValid()) return Qt::NoItemFlags;
  if (index.internalId() == kNoParent) return Qt::ItemIsEnabled;
  return Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable | Qt::ItemNeverHasChildren;
}

}  // namespace assay::gui
