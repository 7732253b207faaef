#include "runners/formats/gguf/gguf_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <unordered_set>

#include "harness/base/text.h"
#include "runners/formats/gguf/gguf_bytes.h"
#include "runners/formats/gguf/gguf_types.h"

namespace assay::runners {

namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::string_view kAlignmentKey = "general.alignment";
constexpr std::int64_t kDefaultAlignment = 32;
constexpr std::int64_t kMaxAlignment = 65536;
constexpr std::size_t kMaxKeyBytes = 65535;
constexpr std::size_t kMaxTensorNameBytes = 63;  // 64 with the terminator that ggml keeps
constexpr std::uint32_t kMaxDimensions = 4;
constexpr std::uint64_t kMaxExtent = std::uint64_t{1} << 53;

// The shortest forms: what a count is held against before memory is taken for it.
constexpr std::size_t kLeastPairBytes = 8 + 1 + 4 + 1;            // a key of one letter, its type, a u8
constexpr std::size_t kLeastTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;  // a name of one letter, one dimension
constexpr std::size_t kLeastStringBytes = 8;

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

std::uint64_t rounded_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

/// A tensor's entry in the list; its bytes are placed when the list has ended.
struct Entry {
  TensorView tensor;
  std::uint64_t size_bytes = 0;
  std::uint64_t offset = 0;
  std::size_t byte = 0;  ///< where it stands, for errors
};

class HeaderReader {
 public:
  HeaderReader(std::span<const std::byte> file, std::string_view where) : file_(file), bytes_(file), where_(where) {}

  Result<GgufHeader> read() {
    ASSAY_ASSIGN(const std::uint32_t version, read_version());
    ASSAY_ASSIGN(const auto n_tensors, number<std::uint64_t>("the number of tensors"));
    ASSAY_ASSIGN(const auto n_pairs, number<std::uint64_t>("the number of metadata pairs"));
    ASSAY_TRY(check_count(n_pairs, kLeastPairBytes, "metadata pairs"));
    std::map<std::string_view, GgufValue> values;
    for (std::uint64_t i = 0; i < n_pairs; ++i) ASSAY_TRY(read_pair(values));
    GgufMetadata metadata(std::string(where_), std::move(values));

    ASSAY_TRY(check_count(n_tensors, kLeastTensorBytes, "tensors"));
    std::vector<Entry> entries;
    std::unordered_set<std::string_view> names;
    for (std::uint64_t i = 0; i < n_tensors; ++i) {
      ASSAY_ASSIGN(Entry entry, read_entry(names));
      entries.push_back(std::move(entry));
    }
    ASSAY_ASSIGN(const std::uint64_t alignment, read_alignment(metadata));
    ASSAY_ASSIGN(std::vector<TensorView> tensors, place(entries, alignment));
    return GgufHeader{version, std::move(metadata), std::move(tensors)};
  }

 private:
  template <class... Parts>
  Error error_at(std::size_t byte, const Parts&... parts) const {
    return bad_input(where_, ": byte ", byte, ": ", parts...);
  }

  template <class T>
  Result<T> number(std::string_view what) {
    const auto value = bytes_.number<T>();
    if (!value) return error_at(file_.size(), "the file ends within ", what);
    return *value;
  }

  Result<std::string_view> string(const std::string& what) {
    const std::size_t byte = bytes_.position();
    const std::size_t n_left = bytes_.n_left();
    const auto text = bytes_.string();
    if (text) return *text;
    if (n_left < sizeof(std::uint64_t)) return error_at(file_.size(), "the file ends within the length of ", what);
    const auto length = read_little_endian<std::uint64_t>(file_.data() + byte);
    return error_at(byte, what, " has the length ", length, ", but only ", n_left - sizeof length, " bytes follow");
  }

  /// Refuses a number of things that each take `least_bytes` or more, if they can't all be in the file.
  Result<> check_count(std::uint64_t n, std::size_t least_bytes, std::string_view what) const {
    if (n <= bytes_.n_left() / least_bytes) return {};
    return error_at(bytes_.position(), "the file announces ", n, " ", what, ", but only ", bytes_.n_left(),
                    " bytes follow");
  }

  Result<std::uint32_t> read_version() {
    if (file_.size() < kMagic.size()) return error_at(file_.size(), "the file ends within its first word, \"GGUF\"");
    const auto magic = bytes_.take(kMagic.size());
    if (!std::equal(kMagic.begin(), kMagic.end(), reinterpret_cast<const char*>(magic.data()))) {
      return error_at(0, "the file must begin with \"GGUF\"");
    }
    ASSAY_ASSIGN(const auto version, number<std::uint32_t>("the version"));
    if (version == 2 || version == 3) return version;
    if (version != 0 && (version & 0xFFFF) == 0) {
      return error_at(kMagic.size(), "the file is big-endian; only little-endian files can be read");
    }
    return error_at(kMagic.size(), "the version is ", version, ", must be 2 or 3");
  }

  Result<> read_pair(std::map<std::string_view, GgufValue>& values) {
    const std::size_t byte = bytes_.position();
    ASSAY_ASSIGN(const std::string_view key, string("a metadata key"));
    if (key.empty()) return error_at(byte, "a metadata key is empty");
    if (key.size() > kMaxKeyBytes) {
      return error_at(byte, "a metadata key has ", key.size(), " bytes, at most ", kMaxKeyBytes, " are allowed");
    }
    if (!is_printable_ascii(key)) {
      return error_at(byte, "the key ", quoted_excerpt(key), " must be printable ASCII without spaces");
    }
    ASSAY_ASSIGN(const GgufValue value, read_value("key " + quoted_excerpt(key)));
    if (!values.emplace(key, value).second) return error_at(byte, "the key ", quoted_excerpt(key), " is given twice");
    return {};
  }

  Result<GgufType> read_type(const std::string& what) {
    const std::size_t byte = bytes_.position();
    ASSAY_ASSIGN(const auto code, number<std::uint32_t>("the type of " + what));
    if (code <= static_cast<std::uint32_t>(GgufType::f64)) return static_cast<GgufType>(code);
    return error_at(byte, what, " has the unknown type ", code, "; known are 0 to 12");
  }

  Result<GgufValue> read_value(const std::string& what) {
    GgufValue value;
    ASSAY_ASSIGN(value.type, read_type(what));
    value.element_type = value.type;
    if (value.type == GgufType::array) {
      const std::size_t byte = bytes_.position();
      ASSAY_ASSIGN(value.element_type, read_type("the elements of " + what));
      if (value.element_type == GgufType::array) {
        return error_at(byte, what, " is an array of arrays; other readers refuse those too");
      }
      ASSAY_ASSIGN(value.n_elements, number<std::uint64_t>("the number of elements of " + what));
    }
    ASSAY_ASSIGN(value.bytes, value.element_type == GgufType::string ? read_strings(value.n_elements, what)
                                                                     : read_numbers(value, what));
    return value;
  }

  Result<std::span<const std::byte>> read_strings(std::uint64_t n, const std::string& what) {
    ASSAY_TRY(check_count(n, kLeastStringBytes, "strings of " + what));
    const std::size_t begin = bytes_.position();
    for (std::uint64_t i = 0; i < n; ++i) {
      const auto text = string(what);
      if (!text) return text.error();
    }
    return file_.subspan(begin, bytes_.position() - begin);
  }

  Result<std::span<const std::byte>> read_numbers(const GgufValue& value, const std::string& what) {
    const std::size_t size = size_bytes(value.element_type);
    if (value.type != GgufType::array && bytes_.n_left() < size) {
      return error_at(file_.size(), "the file ends within the value of ", what);
    }
    ASSAY_TRY(check_count(value.n_elements, size, "elements of " + what));
    const std::size_t begin = bytes_.position();
    const auto numbers = bytes_.take(value.n_elements * size);
    if (value.element_type != GgufType::boolean) return numbers;
    const auto wrong = std::find_if(numbers.begin(), numbers.end(), [](std::byte b) { return b > std::byte{1}; });
    if (wrong == numbers.end()) return numbers;
    return error_at(begin + static_cast<std::size_t>(wrong - numbers.begin()), what, " has the bool ",
                    std::to_integer<int>(*wrong), ", must be 0 or 1");
  }

  Result<Entry> read_entry(std::unordered_set<std::string_view>& names) {
    Entry entry;
    entry.byte = bytes_.position();
    ASSAY_ASSIGN(const std::string_view name, string("a tensor's name"));
    if (name.empty()) return error_at(entry.byte, "a tensor's name is empty");
    if (name.size() > kMaxTensorNameBytes) {
      return error_at(entry.byte, "a tensor's name has ", name.size(), " bytes, at most ", kMaxTensorNameBytes,
                      " are allowed");
    }
    const std::string what = "tensor " + quoted_excerpt(name);
    if (!is_printable_ascii(name)) return error_at(entry.byte, what, " must have a name of printable ASCII");
    if (!names.insert(name).second) return error_at(entry.byte, what, " is given twice");
    entry.tensor.name = name;
    ASSAY_TRY(read_shape(entry.tensor.shape, what));
    ASSAY_TRY(read_size(entry, what));
    ASSAY_ASSIGN(entry.offset, number<std::uint64_t>("the offset of " + what));
    return entry;
  }

  /// Dimensions stand fastest first in the file.
  Result<> read_shape(std::vector<std::int64_t>& shape, const std::string& what) {
    const std::size_t byte = bytes_.position();
    ASSAY_ASSIGN(const auto n_dims, number<std::uint32_t>("the number of dimensions of " + what));
    if (n_dims < 1 || n_dims > kMaxDimensions) {
      return error_at(byte, what, " has ", n_dims, " dimensions, must have 1 to ", kMaxDimensions);
    }
    for (std::uint32_t i = 0; i < n_dims; ++i) {
      const std::size_t extent_byte = bytes_.position();
      ASSAY_ASSIGN(const auto extent, number<std::uint64_t>("the dimensions of " + what));
      if (extent < 1 || extent > kMaxExtent) {
        return error_at(extent_byte, what, " has a dimension of ", extent, ", must be 1 to 2^53");
      }
      shape.insert(shape.begin(), static_cast<std::int64_t>(extent));
    }
    return {};
  }

  Result<> read_size(Entry& entry, const std::string& what) {
    const std::size_t byte = bytes_.position();
    ASSAY_ASSIGN(const auto code, number<std::uint32_t>("the type of " + what));
    const auto dtype = gguf_dtype(code);
    if (!dtype) {
      return error_at(byte, what, " has type ", gguf_type_name(code),
                      "; types that can be read: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K");
    }
    entry.tensor.dtype = *dtype;
    const std::vector<std::int64_t>& shape = entry.tensor.shape;
    if (shape.back() % block_elements(*dtype) != 0) {
      return error_at(byte, what, " has rows of ", shape.back(), " elements, must be a multiple of ",
                      block_elements(*dtype), ", the block of ", name(*dtype));
    }
    entry.size_bytes = static_cast<std::uint64_t>(shape.back() / block_elements(*dtype));
    bool overflows = __builtin_mul_overflow(entry.size_bytes, bits(*dtype) / 8, &entry.size_bytes);
    for (std::size_t i = 0; i + 1 < shape.size(); ++i) {
      overflows |= __builtin_mul_overflow(entry.size_bytes, shape[i], &entry.size_bytes);
    }
    if (overflows) return error_at(byte, what, " of shape ", shape_text(shape), " is too large");
    return {};
  }

  Result<std::uint64_t> read_alignment(const GgufMetadata& metadata) const {
    ASSAY_ASSIGN(const std::int64_t alignment, metadata.integer_or(kAlignmentKey, kDefaultAlignment));
    if (alignment >= 1 && alignment <= kMaxAlignment && std::has_single_bit(static_cast<std::uint64_t>(alignment))) {
      return static_cast<std::uint64_t>(alignment);
    }
    return metadata.key_error(kAlignmentKey,
                              "is " + to_text(alignment) + ", must be a power of two up to " + to_text(kMaxAlignment));
  }

  /// Checks that the tensors lie one behind the other, and gives each its bytes.
  Result<std::vector<TensorView>> place(std::vector<Entry>& entries, std::uint64_t alignment) const {
    std::vector<TensorView> tensors;
    if (entries.empty()) return tensors;
    const std::uint64_t begin = rounded_up(bytes_.position(), alignment);
    if (begin > file_.size()) return error_at(file_.size(), "the file ends before the tensors' bytes at ", begin);
    const auto data = file_.subspan(begin);
    std::uint64_t expected = 0;
    for (Entry& entry : entries) {
      const auto fail = [&](const auto&... parts) {
        return error_at(entry.byte, "tensor ", quoted_excerpt(entry.tensor.name), ": ", parts...);
      };
      if (entry.offset % alignment != 0) {
        return fail("the offset is ", entry.offset, ", must be a multiple of ", alignment);
      }
      if (entry.offset != expected) {
        return fail("the offset is ", entry.offset, ", must be ", expected, ", where the tensor before ends");
      }
      if (entry.offset > data.size() || entry.size_bytes > data.size() - entry.offset) {
        return fail("has ", entry.size_bytes, " bytes from offset ", entry.offset, ", but the file has only ",
                    data.size(), " bytes for all tensors");
      }
      entry.tensor.bytes = data.subspan(entry.offset, entry.size_bytes);
      expected = rounded_up(entry.offset + entry.size_bytes, alignment);
      tensors.push_back(std::move(entry.tensor));
    }
    return tensors;
  }

  std::span<const std::byte> file_;
  GgufBytes bytes_;
  std::string_view where_;
};

}  // namespace

Result<GgufHeader> parse_gguf(std::span<const std::byte> bytes, std::string_view where) {
  return HeaderReader(bytes, where).read();
}

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
  ASSAY_ASSIGN(MappedFile file, MappedFile::open(path));
  ASSAY_ASSIGN(GgufHeader header, parse_gguf(file.bytes(), path.string()));
  return GgufFile(std::move(file), std::move(header));
}

const TensorView* GgufFile::find(std::string_view name) const {
  const auto found = std::find_if(header_.tensors.begin(), header_.tensors.end(),
                                  [&](const TensorView& tensor) { return tensor.name == name; });
  return found == header_.tensors.end() ? nullptr : &*found;
}

}  // namespace assay::runners
