#pragma once
// For tests alone: GGUF files made field by field, so that each can be made wrong.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace assay::runners {

/// The bytes of a number, little-endian on the machines that the tests run on.
template <class T>
std::string raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(T));
}

inline std::string gguf_string(std::string_view text) { return raw(std::uint64_t{text.size()}) + std::string(text); }

// Values as they stand behind a key: their type's code, then their bytes.
inline std::string gguf_u32(std::uint32_t value) { return raw(4u) + raw(value); }
inline std::string gguf_u64(std::uint64_t value) { return raw(10u) + raw(value); }
inline std::string gguf_f32(float value) { return raw(6u) + raw(value); }
inline std::string gguf_bool(bool value) { return raw(7u) + (value ? '\1' : '\0'); }
inline std::string gguf_text(std::string_view text) { return raw(8u) + gguf_string(text); }

inline std::string gguf_texts(const std::vector<std::string>& texts) {
  std::string value = raw(9u) + raw(8u) + raw(std::uint64_t{texts.size()});
  for (const std::string& text : texts) value += gguf_string(text);
  return value;
}

template <class T>
std::string gguf_numbers(std::uint32_t element_type, const std::vector<T>& numbers) {
  std::string value = raw(9u) + raw(element_type) + raw(std::uint64_t{numbers.size()});
  for (const T number : numbers) value += raw(number);
  return value;
}

/// A tensor as the file lists it: dimensions fastest first.
struct TestTensor {
  std::string name;
  std::vector<std::uint64_t> dims;
  std::uint32_t type = 0;
  std::string data;
};

/// What a file is made of. `bytes` puts the tensors one behind the other.
struct TestGguf {
  std::uint32_t version = 3;
  std::vector<std::pair<std::string, std::string>> metadata;  ///< key and value, as the functions above write it
  std::vector<TestTensor> tensors;
  std::uint64_t alignment = 32;

  void set(const std::string& key, const std::string& value) {
    for (auto& [known, old] : metadata) {
      if (known == key) {
        old = value;
        return;
      }
    }
    metadata.emplace_back(key, value);
  }
  void remove(const std::string& key) {
    std::erase_if(metadata, [&](const auto& pair) { return pair.first == key; });
  }

  static std::string info(const TestTensor& tensor, std::uint64_t offset) {
    std::string text = gguf_string(tensor.name) + raw(static_cast<std::uint32_t>(tensor.dims.size()));
    for (const std::uint64_t extent : tensor.dims) text += raw(extent);
    return text + raw(tensor.type) + raw(offset);
  }

  std::string bytes() const {
    std::string file = "GGUF" + raw(version) + raw(std::uint64_t{tensors.size()}) + raw(std::uint64_t{metadata.size()});
    for (const auto& [key, value] : metadata) file += gguf_string(key) + value;
    std::string data;
    for (const TestTensor& tensor : tensors) {
      pad(data);
      file += info(tensor, data.size());
      data += tensor.data;
    }
    pad(file);
    return file + data;
  }

 private:
  void pad(std::string& text) const { text.resize((text.size() + alignment - 1) / alignment * alignment, '\0'); }
};

}  // namespace assay::runners
