// The rows of sample_columns.h as a Parquet file, in row groups of bounded size.
#include <arrow/api.h>
#include <arrow/io/interfaces.h>
#include <arrow/util/compression.h>
#include <parquet/arrow/writer.h>

#include "harness/base/text.h"
#include "results/export/export_parts.h"
#include "results/export/sample_columns.h"

namespace assay::results {

namespace {

constexpr std::int64_t kRowsPerGroup = 8192;
constexpr std::size_t kTextBytesPerGroup = 64 << 20;

/// Hands Arrow's bytes to a sink, and keeps the error that it failed with.
class SinkStream final : public arrow::io::OutputStream {
 public:
  explicit SinkStream(const TextSink& sink) : sink_(sink) {}

  arrow::Status Write(const void* bytes, std::int64_t n_bytes) override {
    if (auto done = sink_({static_cast<const char*>(bytes), static_cast<std::size_t>(n_bytes)}); !done) {
      error_ = done.error();
      return arrow::Status::IOError("the sink failed");
    }
    n_written_ += n_bytes;
    return arrow::Status::OK();
  }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<std::int64_t> Tell() const override { return n_written_; }

  /// What became of a call of Arrow's.
  Result<> check(const arrow::Status& status) const {
    if (status.ok()) return {};
    if (error_) return *error_;
    return environment_error("parquet: Apache Arrow says: ", status.ToString());
  }

 private:
  const TextSink& sink_;
  std::optional<Error> error_;
  std::int64_t n_written_ = 0;
  bool closed_ = false;
};

std::shared_ptr<arrow::DataType> arrow_type(ColumnType type) {
  switch (type) {
    case ColumnType::text:
      return arrow::utf8();
    case ColumnType::integer:
      return arrow::int64();
    case ColumnType::number:
      return arrow::float64();
  }
  return arrow::null();
}

std::shared_ptr<arrow::Schema> arrow_schema() {
  arrow::FieldVector fields;
  for (const SampleColumn& column : sample_columns()) {
    fields.push_back(arrow::field(std::string(column.name), arrow_type(column.type)));
  }
  return arrow::schema(fields);
}

/// Rows that wait to be written.
class RowGroup {
 public:
  explicit RowGroup(std::shared_ptr<arrow::Schema> schema) : schema_(std::move(schema)) {
    for (const auto& field : schema_->fields()) {
      builders_.push_back(arrow::MakeBuilder(field->type()).ValueOrDie());  // fails for unknown types alone
    }
  }

  bool is_full() const { return n_rows_ >= kRowsPerGroup || n_text_bytes_ >= kTextBytesPerGroup; }
  bool is_empty() const { return n_rows_ == 0; }

  arrow::Status append(std::span<const SampleCell> cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) ARROW_RETURN_NOT_OK(append(*builders_[i], cells[i]));
    ++n_rows_;
    return arrow::Status::OK();
  }

  arrow::Result<std::shared_ptr<arrow::Table>> take() {
    arrow::ArrayVector arrays;
    for (const auto& builder : builders_) {
      ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), builder->Finish());
    }
    n_rows_ = 0;
    n_text_bytes_ = 0;
    return arrow::Table::Make(schema_, arrays);
  }

 private:
  arrow::Status append(arrow::ArrayBuilder& builder, const SampleCell& cell) {
    if (const auto* text = std::get_if<std::string>(&cell)) {
      const std::string valid = to_valid_utf8(*text);
      n_text_bytes_ += valid.size();
      return static_cast<arrow::StringBuilder&>(builder).Append(valid);
    }
    if (const auto* integer = std::get_if<std::int64_t>(&cell)) {
      return static_cast<arrow::Int64Builder&>(builder).Append(*integer);
    }
    if (const auto* number = std::get_if<double>(&cell)) {
      return static_cast<arrow::DoubleBuilder&>(builder).Append(*number);
    }
    return builder.AppendNull();
  }

  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  std::int64_t n_rows_ = 0;
  std::size_t n_text_bytes_ = 0;
};

std::shared_ptr<parquet::WriterProperties> writer_properties() {
  parquet::WriterProperties::Builder properties;
  if (arrow::util::Codec::IsAvailable(arrow::Compression::ZSTD)) properties.compression(arrow::Compression::ZSTD);
  return properties.build();
}

}  // namespace

Result<> export_parquet(const Store& store, std::span<const RunId> runs, bool include_protected, const TextSink& sink) {
  const auto schema = arrow_schema();
  const auto stream = std::make_shared<SinkStream>(sink);
  auto opened = parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), stream, writer_properties());
  ASSAY_TRY(stream->check(opened.status()));
  parquet::arrow::FileWriter& writer = **opened;

  RowGroup group(schema);
  const auto write_group = [&]() -> Result<> {
    const auto table = group.take();
    ASSAY_TRY(stream->check(table.status()));
    return stream->check(writer.WriteTable(**table, kRowsPerGroup));
  };
  const auto add_row = [&](std::span<const SampleCell> cells) -> Result<> {
    ASSAY_TRY(stream->check(group.append(cells)));
    return group.is_full() ? write_group() : Result<>();
  };
  ASSAY_TRY(for_each_row(store, runs, include_protected, add_row));
  if (!group.is_empty()) ASSAY_TRY(write_group());
  return stream->check(writer.Close());
}

}  // namespace assay::results
