#include "runners/formats/safetensors.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "runners/formats/test_folder.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

/// A tensor's entry, as the format's description writes it.
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

/// A header of these entries.
std::string object(const std::string& entries) {
  std::string text = "{";
  text += entries;
  text += "}";
  return text;
}

Result<SafetensorsHeader> parse(const std::string& header, const std::string& data = "") {
  const std::string file = hand_made_file(header, data);
  return parse_safetensors(bytes_of(file), "x.safetensors");
}

std::string message_of(const Result<SafetensorsHeader>& result) { return result ? "accepted" : result.error().message; }

}  // namespace

TEST_CASE("safetensors: a hand-made file is read tensor by tensor", "[safetensors]") {
  // Written out of order, with a scalar, an empty tensor between two others, metadata, padding, and data at an odd
  // place.
  const std::string header =
      object(entry("b", "U8", "[3]", "[0,3]") + "," + entry("a", "F32", "[1,2]", "[3,11]") + "," +
             R"("__metadata__":{"format":"pt","":"é"},)" + entry("empty", "F32", "[4,0,2]", "[3,3]") + "," +
             entry("scalar", "BF16", "[]", "[11,13]")) +
      "   ";
  const float values[] = {1.5f, -2.0f};
  std::string data = "xyz";
  data.append(reinterpret_cast<const char*>(values), sizeof values);
  data += std::string("\x80\x3f", 2);
  const std::string file = hand_made_file(header, data);
  const TestFolder folder;
  const auto opened = SafetensorsFile::open(folder.write("x.safetensors", file));
  REQUIRE(opened);
  CHECK(opened->metadata() == std::map<std::string, std::string>{{"format", "pt"}, {"", "é"}});
  REQUIRE(opened->tensors().size() == 4);

  REQUIRE(opened->find("a") != nullptr);
  CHECK(opened->find("a")->dtype == DType::f32);
  CHECK(opened->find("a")->shape == std::vector<std::int64_t>{1, 2});
  CHECK(*read_floats(*opened->find("a")) == std::vector<float>{1.5f, -2.0f});
  CHECK(opened->find("b")->bytes.size() == 3);
  CHECK(opened->find("empty")->n_elements() == 0);
  CHECK(opened->find("scalar")->shape.empty());
  CHECK(*read_floats(*opened->find("scalar")) == std::vector<float>{1.0f});
  CHECK(opened->find("c") == nullptr);
}

TEST_CASE("safetensors: a file without tensors is valid", "[safetensors]") {
  CHECK(message_of(parse("{}")) == "accepted");
  CHECK(message_of(parse("{}", "x")) ==
        "x.safetensors: byte 10: 1 bytes follow the last tensor; the file must end there");
}

TEST_CASE("safetensors: a header's length that can't be is refused", "[safetensors]") {
  const auto message = [](const std::string& file) {
    return message_of(parse_safetensors(bytes_of(file), "x.safetensors"));
  };
  const auto with_length = [](std::uint64_t length) {
    std::string file(8, '\0');
    for (int i = 0; i < 8; ++i) file[static_cast<std::size_t>(i)] = static_cast<char>(length >> (8 * i) & 0xFF);
    return file + "{}";
  };
  CHECK_THAT(message(""), StartsWith("x.safetensors: byte 0: the file ends within"));
  CHECK_THAT(message("1234567"), StartsWith("x.safetensors: byte 7: the file ends within"));
  CHECK_THAT(message(with_length(100'000'001)), Contains("is 100000001, at most 100000000 is allowed"));
  CHECK_THAT(message(with_length(std::numeric_limits<std::uint64_t>::max())),
             Contains("is 18446744073709551615, at most"));
  CHECK_THAT(message(with_length(3)), Contains("the header's length is 3, but only 2 bytes follow"));
  CHECK_THAT(message(with_length(0)), Contains("must begin with \"{\""));
  CHECK(message(with_length(2)) == "accepted");
}

TEST_CASE("safetensors: a malformed header is refused with its place", "[safetensors]") {
  const std::string deep(100000, '[');
  const auto [header, fault] = GENERATE_COPY(table<std::string, std::string>({
      {" {}", "byte 8: the header must begin with"},
      {"[]", "byte 8: the header must begin with"},
      {"{}\n", "byte 10: the header must end with"},
      {std::string("{}\0", 3), "byte 10: the header must end with"},
      {"{} {}", "no valid JSON"},
      {"{\"a\":}", "no valid JSON"},
      {"{\"\xff\":1}", "no valid JSON"},
      {"{\"\xed\xa0\x80\":1}", "no valid JSON"},
      {"{,}", "no valid JSON"},
      {"{\"a\":1}", "tensor \"a\" must be an object, is a number"},
      {"{\"a\":null}", "tensor \"a\" must be an object, is null"},
      {object("\"a\":" + deep), "tensor \"a\" must be an object, is a list"},
      {object(entry("a", "U8", "[0]", "[0,0]") + "," + entry("a", "U8", "[0]", "[0,0]")), "\"a\" stands twice"},
      {R"({"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})", "has \"dtype\" twice"},
      {R"({"a":{"shape":[0],"data_offsets":[0,0]}})", "has no \"dtype\""},
      {R"({"a":{"dtype":"U8","data_offsets":[0,0]}})", "has no \"shape\""},
      {R"({"a":{"dtype":"U8","shape":[0]}})", "has no \"data_offsets\""},
      {R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}})", "has the unknown field \"x\""},
      {R"({"a":{"dtype":8,"shape":[0],"data_offsets":[0,0]}})", "must have text as dtype, is a number"},
      {R"({"a":{"dtype":"U8","shape":3,"data_offsets":[0,0]}})", "must have a list as shape"},
      {R"({"a":{"dtype":"U8","shape":["3"],"data_offsets":[0,0]}})", "whole numbers in its shape, is text"},
      {R"({"a":{"dtype":"U8","shape":[[0]],"data_offsets":[0,0]}})", "whole numbers in its shape, is a list"},
      {R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}})", "in its shape, is a negative number"},
      {R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,0]}})", "in its shape, is the number 1.0"},
      {R"({"a":{"dtype":"U8","shape":[9007199254740993],"data_offsets":[0,0]}})", "9007199254740993, larger than 2^53"},
      {R"({"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,0]}})",
       "is the number 99999999999999999999"},
      {R"({"a":{"dtype":"U8","shape":[)" + std::string(1000, '9') + R"(],"data_offsets":[0,0]}})", "999…"},
      {R"({"a":{"dtype":"U8","shape":[0],"data_offsets":{}}})", "must have a list as data_offsets, is an object"},
      {R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0]}})", "must have two data_offsets"},
      {R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[]}})", "must have two data_offsets"},
      {R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}})", "must have two data_offsets"},
      {R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,true]}})", "whole numbers as data_offsets"},
      {object(entry("a", "F12", "[0]", "[0,0]")), "unknown dtype \"F12\""},
      {R"({"__metadata__":[]})", "__metadata__ must be an object, is a list"},
      {R"({"__metadata__":{"a":1}})", "__metadata__ \"a\" must be text, is a number"},
      {R"({"__metadata__":{"a":{}}})", "__metadata__ \"a\" must be text, is an object"},
      {R"({"__metadata__":{"a":"1","a":"2"}})", "__metadata__ has \"a\" twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", "\"__metadata__\" stands twice"},
      {object(entry("", "U8", "[0]", "[0,0]")), "name is empty"},
      {object(entry(std::string(513, 'n'), "U8", "[0]", "[0,0]")), "name has 513 bytes"},
      {object(entry("a\\u0007", "U8", "[0]", "[0,0]")), "control characters"},
      {object(entry("a\\u007f", "U8", "[0]", "[0,0]")), "control characters"},
      {object(entry("a\\u0085", "U8", "[0]", "[0,0]")), "control characters"},
  }));
  const auto parsed = parse(header);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().kind == ErrorKind::bad_input);
  CHECK_THAT(parsed.error().message, StartsWith("x.safetensors: byte ") && Contains(fault));
}

TEST_CASE("safetensors: sizes and offsets must agree and tile the data", "[safetensors]") {
  const std::string eight(8, 'd');
  const auto [entries, fault] = GENERATE(table<std::string, std::string>({
      {entry("a", "F32", "[4294967296,4294967296]", "[0,8]"), "too large"},
      {entry("a", "F32", "[4611686018427387904]", "[0,8]"), "larger than 2^53"},
      {entry("a", "F64", "[4503599627370496,4096]", "[0,8]"), "too large"},
      {entry("a", "F4", "[15]", "[0,8]"), "no whole number of bytes"},
      {entry("a", "F32", "[2]", "[8,0]"), "end at 0, before they begin at 8"},
      {entry("a", "F32", "[1]", "[0,8]"), "hold 8 bytes, but shape [1] of F32 takes 4"},
      {entry("a", "F32", "[4]", "[0,16]"), "end at 16, past the data's 8 bytes"},
      {entry("a", "F32", "[1]", "[4,8]"), "begin at 4, must begin at 0"},
      {entry("a", "F32", "[1]", "[0,4]"), "4 bytes follow the last tensor"},
      {entry("a", "U8", "[3]", "[0,3]") + "," + entry("b", "U8", "[4]", "[4,8]"), "begin at 4, must begin at 3"},
      {entry("a", "U8", "[5]", "[0,5]") + "," + entry("b", "U8", "[4]", "[4,8]"), "begin at 4, must begin at 5"},
      {entry("a", "U8", "[8]", "[0,8]") + "," + entry("b", "U8", "[0]", "[9,9]"), "end at 9, past the data's 8"},
  }));
  const auto parsed = parse(object(entries), eight);
  REQUIRE_FALSE(parsed);
  CHECK_THAT(parsed.error().message, StartsWith("x.safetensors: byte ") && Contains(fault));
}

TEST_CASE("safetensors: elements smaller than a byte are listed when they fill whole bytes", "[safetensors]") {
  const auto parsed = parse(object(entry("a", "F4", "[4,4]", "[0,8]")), std::string(8, 'd'));
  REQUIRE(parsed);
  CHECK(parsed->tensors[0].n_elements() == 16);
  CHECK_FALSE(read_floats(parsed->tensors[0]));
  CHECK_FALSE(read_integers(parsed->tensors[0]));
}

TEST_CASE("safetensors: a shape of more dimensions than any tensor has is refused", "[safetensors]") {
  std::string shape = "[0";
  for (int i = 0; i < 40; ++i) shape += ",0";
  CHECK_THAT(message_of(parse(object(entry("a", "U8", shape + "]", "[0,0]")))), Contains("more than 32 dimensions"));
}

TEST_CASE("safetensors: missing files and folders are refused", "[safetensors]") {
  const TestFolder folder;
  CHECK_THAT(SafetensorsFile::open(folder.path() / "none").error().message, Contains("none"));
  CHECK_THAT(SafetensorsFile::open(folder.path()).error().message, Contains("is no regular file"));
}

// The values are those written; the file's own bytes are compared with the format's description.
TEST_CASE("write_safetensors: the reader gives back what was written", "[safetensors]") {
  const std::vector<float> floats = {0.0f, -0.0f, 1e-40f, std::numeric_limits<float>::infinity(), 3.25f, -7.0f};
  const std::vector<std::int64_t> integers = {-1, 1LL << 40};
  const std::vector<TensorView> tensors = {
      {"logits.0", DType::f32, {2, 3}, std::as_bytes(std::span(floats))},
      {"quote \" and é", DType::i64, {2}, std::as_bytes(std::span(integers))},
      {"nothing", DType::f16, {0, 7}, {}},
  };
  const TestFolder folder;
  const auto path = folder.path() / "out.safetensors";
  REQUIRE(write_safetensors(path, tensors, {{"made_by", "a test"}}));
  const auto file = SafetensorsFile::open(path);
  REQUIRE(file);
  CHECK(file->metadata().at("made_by") == "a test");
  REQUIRE(file->tensors().size() == 3);
  for (const TensorView& tensor : tensors) {
    const TensorView* read = file->find(tensor.name);
    REQUIRE(read != nullptr);
    CHECK(read->dtype == tensor.dtype);
    CHECK(read->shape == tensor.shape);
    CHECK(std::equal(read->bytes.begin(), read->bytes.end(), tensor.bytes.begin(), tensor.bytes.end()));
  }
  CHECK(*read_integers(*file->find("quote \" and é")) == integers);
  CHECK((file->find("logits.0")->bytes.data() - file->file_bytes().data()) % 8 == 0);

  REQUIRE(write_safetensors(path, {}));
  CHECK(*read_file(path) == hand_made_file("{}      ", ""));
}

TEST_CASE("write_safetensors: what the reader would refuse is not written", "[safetensors]") {
  const std::vector<float> floats = {1, 2};
  const auto bytes = std::as_bytes(std::span(floats));
  const TestFolder folder;
  const auto write = [&](const std::vector<TensorView>& tensors) {
    return write_safetensors(folder.path() / "out.safetensors", tensors).error().message;
  };
  CHECK_THAT(write({{"", DType::f32, {2}, bytes}}), Contains("name is empty"));
  CHECK_THAT(write({{"__metadata__", DType::f32, {2}, bytes}}), Contains("is no name for a tensor"));
  CHECK_THAT(write({{"\xff", DType::f32, {2}, bytes}}), Contains("is no name for a tensor"));
  CHECK_THAT(write({{"a", DType::f32, {3}, bytes}}), Contains("has 8 bytes, which is not shape [3] of F32"));
  CHECK_THAT(write({{"a", DType::f32, {-2}, bytes}}), Contains("shape [-2]"));
  CHECK_THAT(write({{"a", DType::f32, {2}, bytes}, {"a", DType::f32, {2}, bytes}}), Contains("stands twice"));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "out.safetensors"));
  CHECK(write_safetensors(folder.path() / "no" / "x", {}).error().kind == ErrorKind::environment);
}
