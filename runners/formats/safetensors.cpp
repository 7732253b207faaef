#include "runners/formats/safetensors.h"

#include <algorithm>
#include <unordered_set>

#include "harness/base/text.h"
#include "runners/formats/safetensors_rules.h"
#include "runners/formats/strict_json.h"

namespace assay::runners {

namespace {

constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 53;  // beyond, other readers' doubles lose digits
constexpr std::size_t kMaxRank = 32;                          // real tensors have four at most; this bounds memory

/// One entry of the header as it stands there.
struct Entry {
  TensorView tensor;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::size_t byte = 0;  ///< where in the header it was named, for errors
};

/// Collects the entries. The grammar is fixed, so nothing can nest deeper than {"name": {"shape": […]}}.
class HeaderPieces final : public JsonPieces {
 public:
  bool start_object(std::size_t elements) override {
    switch (place_) {
      case Place::document:
        return go(Place::tensors);
      case Place::tensor:
        fields_ = {};
        return go(Place::fields);
      case Place::metadata:
        return go(Place::metadata_key);
      default:
        return JsonPieces::start_object(elements);
    }
  }

  bool end_object() override {
    if (place_ == Place::fields) {
      for (const auto& [given, field] : {std::pair{fields_.dtype, "dtype"}, std::pair{fields_.shape, "shape"},
                                         std::pair{fields_.data_offsets, "data_offsets"}}) {
        if (!given) return refuse(of_tensor() + "has no \"" + field + "\"");
      }
    }
    return go(Place::tensors);
  }

  bool key(string_t& text) override {
    switch (place_) {
      case Place::tensors:
        return start_tensor(text);
      case Place::fields:
        return start_field(text);
      default:
        return start_metadata(text);
    }
  }

  bool string(string_t& text) override {
    if (place_ == Place::metadata_value) {
      metadata[metadata_key_] = text;
      return go(Place::metadata_key);
    }
    if (place_ != Place::dtype) return JsonPieces::string(text);
    const auto dtype = parse_dtype(text);
    if (!dtype) return refuse(of_tensor() + "has the unknown dtype " + quoted_excerpt(text));
    entries.back().tensor.dtype = *dtype;
    return go(Place::fields);
  }

  bool start_array(std::size_t elements) override {
    if (place_ == Place::shape) return go(Place::shape_extent);
    if (place_ == Place::data_offsets) return go(Place::offset);
    return JsonPieces::start_array(elements);
  }

  bool end_array() override {
    if (place_ == Place::offset && n_offsets_ != 2) return refuse(of_tensor() + "must have two data_offsets");
    return go(Place::fields);
  }

  bool number_unsigned(number_unsigned_t number) override {
    if (place_ != Place::shape_extent && place_ != Place::offset) return JsonPieces::number_unsigned(number);
    if (number > kMaxNumber)
      return refuse(of_tensor() + "has the number " + std::to_string(number) + ", larger than 2^53");
    Entry& entry = entries.back();
    if (place_ == Place::shape_extent) {
      if (entry.tensor.shape.size() == kMaxRank) return refuse(of_tensor() + "has more than 32 dimensions");
      entry.tensor.shape.push_back(static_cast<std::int64_t>(number));
      return true;
    }
    if (n_offsets_ == 2) return refuse(of_tensor() + "must have two data_offsets");
    (n_offsets_ == 0 ? entry.begin : entry.end) = number;
    ++n_offsets_;
    return true;
  }

  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;

 protected:
  std::string expectation() const override {
    switch (place_) {
      case Place::document:
        return "the header must be an object";
      case Place::metadata:
        return "__metadata__ must be an object";
      case Place::metadata_value:
        return "__metadata__ " + quoted_excerpt(metadata_key_) + " must be text";
      case Place::dtype:
        return of_tensor() + "must have text as dtype";
      case Place::shape:
        return of_tensor() + "must have a list as shape";
      case Place::shape_extent:
        return of_tensor() + "must have whole numbers in its shape";
      case Place::data_offsets:
        return of_tensor() + "must have a list as data_offsets";
      case Place::offset:
        return of_tensor() + "must have whole numbers as data_offsets";
      default:
        return of_tensor() + "must be an object";
    }
  }

 private:
  /// What the next piece belongs to.
  enum class Place {
    document,
    tensors,  ///< keys of the header
    tensor,
    fields,  ///< keys of one tensor
    dtype,
    shape,
    shape_extent,
    data_offsets,
    offset,
    metadata,
    metadata_key,
    metadata_value,
  };
  struct Fields {
    bool dtype = false;
    bool shape = false;
    bool data_offsets = false;
  };

  bool go(Place place) {
    place_ = place;
    return true;
  }

  std::string of_tensor() const {
    return entries.empty() ? "a tensor " : "tensor " + quoted_excerpt(entries.back().tensor.name) + " ";
  }

  bool start_tensor(const std::string& text) {
    if (!names_.insert(text).second) return refuse("the name " + quoted_excerpt(text) + " stands twice in the header");
    if (text == kSafetensorsMetadata) return go(Place::metadata);
    if (const auto fault = tensor_name_fault(text)) return refuse(*fault);
    Entry& entry = entries.emplace_back();
    entry.tensor.name = text;
    entry.byte = position();
    return go(Place::tensor);
  }

  bool start_field(const std::string& text) {
    n_offsets_ = 0;
    if (text == "dtype") return start_field_once(text, fields_.dtype, Place::dtype);
    if (text == "shape") return start_field_once(text, fields_.shape, Place::shape);
    if (text == "data_offsets") return start_field_once(text, fields_.data_offsets, Place::data_offsets);
    return refuse(of_tensor() + "has the unknown field " + quoted_excerpt(text) +
                  "; known are: dtype, shape, data_offsets");
  }

  bool start_field_once(const std::string& text, bool& given, Place place) {
    if (given) return refuse(of_tensor() + "has \"" + text + "\" twice");
    given = true;
    return go(place);
  }

  bool start_metadata(const std::string& text) {
    if (metadata.contains(text)) return refuse("__metadata__ has " + quoted_excerpt(text) + " twice");
    metadata_key_ = text;
    return go(Place::metadata_value);
  }

  Place place_ = Place::document;
  Fields fields_;
  int n_offsets_ = 0;
  std::string metadata_key_;
  std::unordered_set<std::string> names_;
};

struct FileParts {
  std::string_view header;  ///< without the padding behind it
  std::span<const std::byte> data;
  std::size_t data_begin = 0;
};

/// Cuts the file by the header's length, and checks that length and the header's outer bytes.
Result<FileParts> cut_file(std::span<const std::byte> bytes, std::string_view where) {
  if (bytes.size() < kSafetensorsLengthBytes) {
    return bad_input(where, ": byte ", bytes.size(), ": the file ends within the header's length of 8 bytes");
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kSafetensorsLengthBytes; ++i)
    length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  if (length > kMaxSafetensorsHeaderBytes) {
    return bad_input(where, ": byte 0: the header's length is ", length, ", at most ", kMaxSafetensorsHeaderBytes,
                     " is allowed");
  }
  if (length > bytes.size() - kSafetensorsLengthBytes) {
    return bad_input(where, ": byte 0: the header's length is ", length, ", but only ",
                     bytes.size() - kSafetensorsLengthBytes, " bytes follow");
  }
  std::string_view header(reinterpret_cast<const char*>(bytes.data()) + kSafetensorsLengthBytes, length);
  if (!header.starts_with('{')) return bad_input(where, ": byte 8: the header must begin with \"{\"");
  header = header.substr(0, header.find_last_not_of(' ') + 1);
  if (!header.ends_with('}')) {
    return bad_input(where, ": byte ", kSafetensorsLengthBytes + header.size() - 1,
                     ": the header must end with \"}\"; only spaces may follow");
  }
  return FileParts{header, bytes.subspan(kSafetensorsLengthBytes + length), kSafetensorsLengthBytes + length};
}

/// Checks that the entries tile `data` and gives each its bytes.
Result<> place_entries(std::vector<Entry>& entries, const FileParts& file, std::string_view where) {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t tiled = 0;
  for (Entry& entry : entries) {
    const auto fail = [&](const auto&... parts) {
      return bad_input(where, ": byte ", kSafetensorsLengthBytes + entry.byte, ": tensor ",
                       quoted_excerpt(entry.tensor.name), ": ", parts...);
    };
    const auto size = tensor_size_bytes(entry.tensor.shape, entry.tensor.dtype);
    if (!size) {
      return fail("shape ", shape_text(entry.tensor.shape), " of ", name(entry.tensor.dtype),
                  " is too large or fills no whole number of bytes");
    }
    if (entry.end < entry.begin) return fail("data_offsets end at ", entry.end, ", before they begin at ", entry.begin);
    if (entry.end - entry.begin != *size) {
      return fail("data_offsets hold ", entry.end - entry.begin, " bytes, but shape ", shape_text(entry.tensor.shape),
                  " of ", name(entry.tensor.dtype), " takes ", *size);
    }
    if (entry.end > file.data.size()) {
      return fail("data_offsets end at ", entry.end, ", past the data's ", file.data.size(), " bytes");
    }
    if (entry.begin != tiled) {
      return fail("data_offsets begin at ", entry.begin, ", must begin at ", tiled, ", where the tensor before ends");
    }
    entry.tensor.bytes = file.data.subspan(entry.begin, *size);
    tiled = entry.end;
  }
  if (tiled != file.data.size()) {
    return bad_input(where, ": byte ", file.data_begin + tiled, ": ", file.data.size() - tiled,
                     " bytes follow the last tensor; the file must end there");
  }
  return {};
}

}  // namespace

Result<SafetensorsHeader> parse_safetensors(std::span<const std::byte> bytes, std::string_view where) {
  ASSAY_ASSIGN(const FileParts file, cut_file(bytes, where));
  HeaderPieces pieces;
  ASSAY_TRY(read_json_pieces(file.header, where, kSafetensorsLengthBytes, pieces));
  ASSAY_TRY(place_entries(pieces.entries, file, where));

  SafetensorsHeader header;
  header.metadata = std::move(pieces.metadata);
  header.tensors.reserve(pieces.entries.size());
  for (Entry& entry : pieces.entries) header.tensors.push_back(std::move(entry.tensor));
  return header;
}

SafetensorsFile::SafetensorsFile(MappedFile file, SafetensorsHeader header)
    : file_(std::move(file)), header_(std::move(header)) {
  for (std::size_t i = 0; i < header_.tensors.size(); ++i) by_name_.emplace(header_.tensors[i].name, i);
}

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  ASSAY_ASSIGN(MappedFile file, MappedFile::open(path));
  ASSAY_ASSIGN(SafetensorsHeader header, parse_safetensors(file.bytes(), path.string()));
  return SafetensorsFile(std::move(file), std::move(header));
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &header_.tensors[found->second];
}

}  // namespace assay::runners
