#include "runners/formats/gguf/gguf_file.h"

#include <limits>

#include "runners/formats/gguf/test_gguf.h"
#include "runners/formats/test_folder.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

/// Two tensors, the first of which ends between two multiples of the alignment, and a value of every kind.
TestGguf small_file() {
  TestGguf file;
  file.metadata = {
      {"general.architecture", gguf_text("llama")},
      {"a.u8", raw(0u) + raw(std::uint8_t{200})},
      {"a.i8", raw(1u) + raw(std::int8_t{-100})},
      {"a.u16", raw(2u) + raw(std::uint16_t{65535})},
      {"a.i16", raw(3u) + raw(std::int16_t{-2})},
      {"a.u32", gguf_u32(4'000'000'000u)},
      {"a.i32", raw(5u) + raw(-7)},
      {"a.u64", gguf_u64(1'000'000'000'000u)},
      {"a.i64", raw(11u) + raw(std::int64_t{-1'000'000'000'000})},
      {"a.huge", gguf_u64(std::numeric_limits<std::uint64_t>::max())},
      {"a.f32", gguf_f32(1e-6f)},
      {"a.f64", raw(12u) + raw(0.1)},
      {"a.yes", gguf_bool(true)},
      {"a.no", gguf_bool(false)},
      {"a.texts", gguf_texts({"one", "", "thr\xFF"})},
      {"a.ints", gguf_numbers<std::int32_t>(5, {3, -4})},
      {"a.floats", gguf_numbers<float>(6, {0.5f, -1.0f})},
      {"a.bools", raw(9u) + raw(7u) + raw(std::uint64_t{2}) + std::string("\1\0", 2)},
      {"a.nothing", gguf_texts({})},
  };
  file.tensors = {{"first.weight", {3, 2}, 0, std::string(24, 'x')}, {"second.weight", {32}, 8, std::string(34, 'y')}};
  return file;
}

std::string message_of(const std::string& bytes) {
  const auto parsed = parse_gguf(bytes_of(bytes), "x.gguf");
  if (!parsed) CHECK(parsed.error().kind == ErrorKind::bad_input);
  return parsed ? "accepted" : parsed.error().message;
}

std::string message_with(const std::string& key, const std::string& value) {
  TestGguf file = small_file();
  file.metadata.emplace_back(key, value);
  return message_of(file.bytes());
}

/// A file with this one tensor, whatever it is, and plenty of bytes behind the list.
std::string message_with_tensor(const TestTensor& tensor, std::uint64_t offset = 0) {
  return message_of("GGUF" + raw(3u) + raw(std::uint64_t{1}) + raw(std::uint64_t{0}) + TestGguf::info(tensor, offset) +
                    std::string(1000, '\0'));
}

}  // namespace

TEST_CASE("gguf: a hand-made file is read value by value", "[gguf]") {
  TestGguf made = small_file();
  made.version = GENERATE(2u, 3u);
  const TestFolder folder;
  const auto file = GgufFile::open(folder.write("x.gguf", made.bytes()));
  REQUIRE(file);
  CHECK(file->version() == made.version);
  const GgufMetadata& metadata = file->metadata();
  CHECK(metadata.values().size() == made.metadata.size());

  CHECK(*metadata.string("general.architecture") == "llama");
  CHECK(*metadata.integer("a.u8") == 200);
  CHECK(*metadata.integer("a.i8") == -100);
  CHECK(*metadata.integer("a.u16") == 65535);
  CHECK(*metadata.integer("a.i16") == -2);
  CHECK(*metadata.integer("a.u32") == 4'000'000'000);
  CHECK(*metadata.integer("a.i32") == -7);
  CHECK(*metadata.integer("a.u64") == 1'000'000'000'000);
  CHECK(*metadata.integer("a.i64") == -1'000'000'000'000);
  CHECK(*metadata.number("a.f32") == 1e-6);  // the double that config.json's 1e-6 is, and not that of the float
  CHECK(*metadata.number("a.f64") == 0.1);
  CHECK(*metadata.boolean("a.yes"));
  CHECK_FALSE(*metadata.boolean("a.no"));
  CHECK(*metadata.strings("a.texts") == std::vector<std::string_view>{"one", "", "thr\xFF"});
  CHECK(*metadata.integers("a.ints") == std::vector<std::int64_t>{3, -4});
  CHECK(*metadata.floats("a.floats") == std::vector<float>{0.5f, -1.0f});
  CHECK(metadata.strings("a.nothing")->empty());
  CHECK(metadata.find("a.bools")->n_elements == 2);
  CHECK(*metadata.integer_or("a.u8", 1) == 200);
  CHECK(*metadata.integer_or("absent", 1) == 1);
  CHECK(*metadata.number_or("absent", 0.25) == 0.25);
  CHECK(*metadata.boolean_or("absent", true));

  REQUIRE(file->tensors().size() == 2);
  const TensorView* first = file->find("first.weight");
  REQUIRE(first != nullptr);
  CHECK(first->dtype == DType::f32);
  CHECK(first->shape == std::vector<std::int64_t>{2, 3});
  CHECK(first->n_elements() == 6);
  CHECK(std::string(reinterpret_cast<const char*>(first->bytes.data()), first->bytes.size()) == std::string(24, 'x'));
  const TensorView* second = file->find("second.weight");
  REQUIRE(second != nullptr);
  CHECK(second->dtype == DType::q8_0);
  CHECK(second->n_elements() == 32);
  CHECK(std::string(reinterpret_cast<const char*>(second->bytes.data()), second->bytes.size()) == std::string(34, 'y'));
  CHECK(file->find("third.weight") == nullptr);
}

TEST_CASE("gguf: a getter names the key and the type it found", "[gguf]") {
  const std::string bytes = small_file().bytes();
  const auto header = parse_gguf(bytes_of(bytes), "x.gguf");
  REQUIRE(header);
  const GgufMetadata& metadata = header->metadata;
  CHECK(metadata.integer("absent").error().message == "x.gguf: key \"absent\" is missing");
  CHECK(metadata.string("a.u32").error().message == "x.gguf: key \"a.u32\" is of type u32, must be a string");
  CHECK(metadata.integer("a.f32").error().message == "x.gguf: key \"a.f32\" is of type f32, must be an integer");
  CHECK(metadata.integer("a.yes").error().message == "x.gguf: key \"a.yes\" is of type bool, must be an integer");
  CHECK_THAT(metadata.integer("a.huge").error().message, Contains("a.huge") && Contains("2^63"));
  CHECK_THAT(metadata.number("a.u32").error().message, Contains("a.u32") && Contains("must be f32 or f64"));
  CHECK_THAT(metadata.boolean("a.u8").error().message, Contains("a.u8") && Contains("must be a bool"));
  CHECK(metadata.strings("a.ints").error().message ==
        "x.gguf: key \"a.ints\" is of type array of i32, must be an array of strings");
  CHECK_THAT(metadata.integers("a.floats").error().message, Contains("must be an array of integers"));
  CHECK_THAT(metadata.floats("a.f32").error().message, Contains("is of type f32, must be an array of f32"));
  CHECK_FALSE(metadata.integer_or("a.f32", 1));
}

TEST_CASE("gguf: the file's beginning", "[gguf]") {
  const std::string rest = raw(std::uint64_t{0}) + raw(std::uint64_t{0});
  CHECK(message_of("GGUF" + raw(3u) + rest) == "accepted");
  CHECK_THAT(message_of(""), StartsWith("x.gguf: byte 0: the file ends"));
  CHECK(message_of("GGML" + raw(3u) + rest) == "x.gguf: byte 0: the file must begin with \"GGUF\"");
  CHECK(message_of("GGUF" + raw(1u) + rest) == "x.gguf: byte 4: the version is 1, must be 2 or 3");
  CHECK_THAT(message_of("GGUF" + raw(4u) + rest), Contains("version is 4"));
  CHECK_THAT(message_of("GGUF" + raw(0u) + rest), Contains("version is 0"));
  CHECK_THAT(message_of("GGUF" + raw(0x03000000u) + rest), Contains("big-endian"));
}

TEST_CASE("gguf: a count that can't fit is refused before memory is taken", "[gguf]") {
  const std::uint64_t huge = std::numeric_limits<std::uint64_t>::max() / GENERATE(1u, 8u, 1'000'000u);
  CHECK_THAT(message_of("GGUF" + raw(3u) + raw(huge) + raw(std::uint64_t{0})), Contains("tensors, but only 0 bytes"));
  CHECK_THAT(message_of("GGUF" + raw(3u) + raw(std::uint64_t{0}) + raw(huge)),
             Contains("metadata pairs, but only 0 bytes"));
  CHECK_THAT(message_with("k", raw(9u) + raw(8u) + raw(huge)), Contains("strings of key \"k\""));
  CHECK_THAT(message_with("k", raw(9u) + raw(10u) + raw(huge)), Contains("elements of key \"k\""));
  CHECK_THAT(message_with("k", raw(8u) + raw(huge)), Contains("key \"k\" has the length"));
  CHECK_THAT(
      message_of("GGUF" + raw(3u) + raw(std::uint64_t{0}) + raw(std::uint64_t{1}) + raw(huge) + std::string(50, 'k')),
      Contains("a metadata key has the length"));
}

TEST_CASE("gguf: metadata that is malformed", "[gguf]") {
  CHECK_THAT(message_with("k", raw(7u) + "\2"), Contains("key \"k\" has the bool 2, must be 0 or 1"));
  CHECK_THAT(message_with("k", raw(9u) + raw(7u) + raw(std::uint64_t{3}) + std::string("\0\1\3", 3)),
             Contains("bool 3"));
  CHECK_THAT(message_with("k", raw(13u)), Contains("key \"k\" has the unknown type 13"));
  CHECK_THAT(message_with("k", raw(9u) + raw(13u) + raw(std::uint64_t{0})), Contains("elements of key \"k\""));
  CHECK_THAT(message_with("k", raw(9u) + raw(9u) + raw(std::uint64_t{0})), Contains("array of arrays"));
  CHECK_THAT(message_with("a.u8", gguf_u32(1)), Contains("the key \"a.u8\" is given twice"));
  CHECK_THAT(message_with("", gguf_u32(1)), Contains("key is empty"));
  CHECK_THAT(message_with("a b", gguf_u32(1)), Contains("printable ASCII"));
  CHECK_THAT(message_with("a\xC3\xA9", gguf_u32(1)), Contains("printable ASCII"));
  CHECK(message_with(std::string(65535, 'k'), gguf_u32(1)) == "accepted");
  CHECK_THAT(message_with(std::string(65536, 'k'), gguf_u32(1)), Contains("65536 bytes"));
}

TEST_CASE("gguf: general.alignment", "[gguf]") {
  TestGguf file = small_file();
  const auto [alignment, value] =
      GENERATE(table<std::uint64_t, std::string>({{8, gguf_u32(8)}, {64, gguf_u32(64)}, {128, gguf_u64(128)}}));
  file.alignment = alignment;
  file.set("general.alignment", value);
  CHECK(message_of(file.bytes()) == "accepted");
  CHECK_THAT(message_with("general.alignment", gguf_u32(0)), Contains("general.alignment") && Contains("power of two"));
  CHECK_THAT(message_with("general.alignment", gguf_u32(3)), Contains("is 3, must be a power of two"));
  CHECK_THAT(message_with("general.alignment", gguf_u64(std::uint64_t{1} << 40)), Contains("power of two up to 65536"));
  CHECK_THAT(message_with("general.alignment", gguf_text("32")), Contains("must be an integer"));
}

TEST_CASE("gguf: tensors that are malformed", "[gguf]") {
  CHECK(message_with_tensor({"t", {4}, 0, ""}) == "accepted");
  CHECK_THAT(message_with_tensor({"", {4}, 0, ""}), Contains("name is empty"));
  CHECK(message_with_tensor({std::string(63, 't'), {4}, 0, ""}) == "accepted");
  CHECK_THAT(message_with_tensor({std::string(64, 't'), {4}, 0, ""}), Contains("has 64 bytes, at most 63"));
  CHECK_THAT(message_with_tensor({"t\n", {4}, 0, ""}), Contains("printable ASCII"));
  CHECK_THAT(message_with_tensor({"t", {}, 0, ""}), Contains("\"t\" has 0 dimensions, must have 1 to 4"));
  CHECK_THAT(message_with_tensor({"t", {1, 1, 1, 1, 1}, 0, ""}), Contains("has 5 dimensions"));
  CHECK_THAT(message_with_tensor({"t", {4, 0}, 0, ""}), Contains("dimension of 0"));
  CHECK_THAT(message_with_tensor({"t", {std::uint64_t{1} << 63}, 0, ""}), Contains("must be 1 to 2^53"));
  const std::uint64_t large = std::uint64_t{1} << 40;
  CHECK_THAT(message_with_tensor({"t", {large, large}, 0, ""}), Contains("is too large"));
  CHECK_THAT(message_with_tensor({"t", {large, 1 << 16, 1 << 16}, 0, ""}), Contains("is too large"));
  CHECK_THAT(message_with_tensor({"t", {48}, 2, ""}), Contains("rows of 48 elements, must be a multiple of 32"));
  CHECK_THAT(message_with_tensor({"t", {32}, 12, ""}), Contains("multiple of 256, the block of Q4_K"));
  CHECK_THAT(message_with_tensor({"t", {4}, 0, ""}, 8), Contains("offset is 8, must be a multiple of 32"));
  CHECK_THAT(message_with_tensor({"t", {4}, 0, ""}, 32), Contains("offset is 32, must be 0"));
  CHECK_THAT(message_with_tensor({"t", {4096}, 0, ""}),
             Contains("has 16384 bytes from offset 0, but the file has only"));
}

TEST_CASE("gguf: a type that can't be read is refused by its name", "[gguf]") {
  // The codes of ggml.h (ggml_type).
  const auto [code, name] = GENERATE(table<std::uint32_t, std::string>({{9, "Q8_1"},
                                                                        {10, "Q2_K"},
                                                                        {11, "Q3_K"},
                                                                        {15, "Q8_K"},
                                                                        {16, "IQ2_XXS"},
                                                                        {20, "IQ4_NL"},
                                                                        {23, "IQ4_XS"},
                                                                        {24, "I8"},
                                                                        {27, "I64"},
                                                                        {28, "F64"},
                                                                        {29, "IQ1_M"},
                                                                        {34, "TQ1_0"},
                                                                        {39, "MXFP4"},
                                                                        {4, "number 4"},
                                                                        {31, "number 31"},
                                                                        {40, "number 40"},
                                                                        {0xFFFFFFFF, "number 4294967295"}}));
  CHECK_THAT(message_with_tensor({"t", {256}, code, ""}),
             Contains("tensor \"t\" has type " + name + "; types that can be read: F32"));
}

// Bytes of one block: the structures of ggml-org/ggml, src/ggml-common.h.
TEST_CASE("gguf: the size of a tensor follows from its type", "[gguf]") {
  const auto [code, elements, n_bytes] = GENERATE(table<std::uint32_t, std::uint64_t, std::size_t>({{0, 1, 4},
                                                                                                    {1, 1, 2},
                                                                                                    {30, 1, 2},
                                                                                                    {2, 32, 18},
                                                                                                    {3, 32, 20},
                                                                                                    {6, 32, 22},
                                                                                                    {7, 32, 24},
                                                                                                    {8, 32, 34},
                                                                                                    {12, 256, 144},
                                                                                                    {13, 256, 176},
                                                                                                    {14, 256, 210}}));
  TestGguf file;
  file.tensors = {{"t", {2 * elements, 3, 2}, code, std::string(12 * n_bytes, 'x')}};
  const std::string bytes = file.bytes();
  const auto header = parse_gguf(bytes_of(bytes), "x.gguf");
  REQUIRE(header);
  CHECK(header->tensors[0].bytes.size() == 12 * n_bytes);
  CHECK(header->tensors[0].n_elements() == static_cast<std::int64_t>(12 * elements));
  CHECK(header->tensors[0].shape == std::vector<std::int64_t>{2, 3, static_cast<std::int64_t>(2 * elements)});
  CHECK_THAT(message_of(bytes.substr(0, bytes.size() - 1)), Contains("but the file has only"));
}

TEST_CASE("gguf: tensors that overlap, leave a hole or have one name", "[gguf]") {
  const auto two = [](const TestTensor& first, const TestTensor& second, std::uint64_t second_offset) {
    return message_of("GGUF" + raw(3u) + raw(std::uint64_t{2}) + raw(std::uint64_t{0}) + TestGguf::info(first, 0) +
                      TestGguf::info(second, second_offset) + std::string(1000, '\0'));
  };
  CHECK(two({"a", {9}, 0, ""}, {"b", {4}, 0, ""}, 64) == "accepted");
  CHECK_THAT(two({"a", {9}, 0, ""}, {"b", {4}, 0, ""}, 32), Contains("\"b\": the offset is 32, must be 64"));
  CHECK_THAT(two({"a", {9}, 0, ""}, {"b", {4}, 0, ""}, 96), Contains("\"b\": the offset is 96, must be 64"));
  CHECK_THAT(two({"a", {9}, 0, ""}, {"a", {4}, 0, ""}, 64), Contains("tensor \"a\" is given twice"));
}

TEST_CASE("gguf: a vocabulary of 150,000 is not copied", "[gguf]") {
  TestGguf made;
  std::vector<std::string> tokens;
  for (int i = 0; i < 150'000; ++i) tokens.push_back("token" + std::to_string(i));
  made.set("tokenizer.ggml.tokens", gguf_texts(tokens));
  const std::string bytes = made.bytes();
  const auto header = parse_gguf(bytes_of(bytes), "x.gguf");
  REQUIRE(header);
  const auto read = header->metadata.strings("tokenizer.ggml.tokens");
  REQUIRE(read);
  REQUIRE(read->size() == tokens.size());
  CHECK(read->back() == "token149999");
  CHECK(read->front().data() >= bytes.data());
  CHECK(read->back().data() < bytes.data() + bytes.size());
}
