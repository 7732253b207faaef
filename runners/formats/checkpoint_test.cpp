#include "runners/formats/checkpoint.h"

#include <stdlib.h>

#include "harness/base/sha256.h"
#include "runners/formats/shard_index.h"
#include "runners/formats/test_folder.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;
using Catch::Matchers::Contains;

namespace {

/// A file with one U8 tensor of `data`'s bytes.
std::string one_tensor(const std::string& name, const std::string& data) {
  std::string header = "{\"";
  header += name + R"(":{"dtype":"U8","shape":[)" + std::to_string(data.size()) + R"(],"data_offsets":[0,)" +
            std::to_string(data.size()) + "]}}";
  return hand_made_file(header, data);
}

constexpr const char* kIndex = "model.safetensors.index.json";

std::string error_of_index(const std::string& text) {
  const auto parsed = parse_shard_index(text, "i.json");
  return parsed ? "accepted" : parsed.error().message;
}

/// Sets $XDG_CACHE_HOME for one test.
class CacheHome {
 public:
  explicit CacheHome(const std::string& path) { ::setenv("XDG_CACHE_HOME", path.c_str(), 1); }
  ~CacheHome() { ::unsetenv("XDG_CACHE_HOME"); }
  CacheHome(const CacheHome&) = delete;
  CacheHome& operator=(const CacheHome&) = delete;
};

}  // namespace

TEST_CASE("checkpoint: a lone file", "[checkpoint]") {
  const TestFolder folder;
  folder.write("model.safetensors", one_tensor("a", "12345"));
  const auto checkpoint = Checkpoint::open(folder.path());
  REQUIRE(checkpoint);
  REQUIRE(checkpoint->find("a") != nullptr);
  CHECK(checkpoint->find("a")->shape == std::vector<std::int64_t>{5});
  CHECK(checkpoint->find("b") == nullptr);
  CHECK(checkpoint->total_bytes() == 5);
  CHECK(checkpoint->warnings().empty());
}

TEST_CASE("checkpoint: shards are found through the index, whatever their names", "[checkpoint]") {
  const TestFolder folder;
  folder.write("z-part", one_tensor("a", "12345"));
  folder.write("model-00002-of-000163.safetensors", one_tensor("b", "67"));
  folder.write(kIndex, R"({"metadata":{"total_size":7,"more":[{"x":null}]},"other":true,
                           "weight_map":{"a":"z-part","b":"model-00002-of-000163.safetensors"}})");
  auto opened = Checkpoint::open(folder.path());
  REQUIRE(opened);
  const TensorView* a = opened->find("a");
  const Checkpoint checkpoint = std::move(*opened);
  CHECK(checkpoint.find("a") == a);
  CHECK(a->bytes[0] == std::byte{'1'});
  CHECK(checkpoint.tensors().size() == 2);
  CHECK(checkpoint.total_bytes() == 7);
  CHECK(checkpoint.warnings().empty());
  REQUIRE(checkpoint.files().size() == 2);
  CHECK(checkpoint.files()[0].filename() == "model-00002-of-000163.safetensors");
}

TEST_CASE("checkpoint: what is odd but harmless is a warning", "[checkpoint]") {
  const TestFolder folder;
  folder.write("one", hand_made_file(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                     R"("b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                                     "ab"));
  folder.write(kIndex, R"({"metadata":{"total_size":2},"weight_map":{"a":"one"}})");
  const auto checkpoint = Checkpoint::open(folder.path());
  REQUIRE(checkpoint);
  CHECK(checkpoint->find("b") == nullptr);
  REQUIRE(checkpoint->warnings().size() == 2);
  CHECK_THAT(checkpoint->warnings()[0], Contains("tensor b is not named by the index"));
  CHECK_THAT(checkpoint->warnings()[1], Contains("total_size is 2, but the tensors have 1 bytes"));
}

TEST_CASE("checkpoint: what is missing or stands twice is an error that names it", "[checkpoint]") {
  const TestFolder folder;
  const auto error = [&] { return Checkpoint::open(folder.path()).error(); };
  CHECK_THAT(error().message, Contains("has neither model.safetensors nor model.safetensors.index.json"));
  CHECK(error().kind == ErrorKind::bad_input);

  folder.write("one", one_tensor("a", "1"));
  folder.write(kIndex, R"({"weight_map":{"a":"one","b":"two"}})");
  CHECK_THAT(error().message, Contains("names the shard two, which is missing"));

  folder.write("two", one_tensor("c", "1"));
  CHECK_THAT(error().message, Contains("two: has no tensor b"));

  folder.write("two", hand_made_file(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                     R"("b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                                     "ab"));
  CHECK_THAT(error().message, Contains("two: holds tensor a, which the index places in one"));

  folder.write("two", "short");
  CHECK_THAT(error().message, Contains("two: byte 5: the file ends within"));
}

TEST_CASE("shard index: malformed ones are refused with their place", "[checkpoint]") {
  const auto [text, fault] = GENERATE(table<std::string, std::string>({
      {"", "i.json: byte 0: no valid JSON"},
      {"[]", "the index must be an object, is a list"},
      {"{}", "has no \"weight_map\""},
      {"{} x", "no valid JSON"},
      {R"({"weight_map":[]})", "weight_map must be an object, is a list"},
      {R"({"weight_map":"one"})", "weight_map must be an object, is text"},
      {R"({"weight_map":{"a":1}})", "tensor \"a\" must be mapped to a file name, is a number"},
      {R"({"weight_map":{"a":{}}})", "tensor \"a\" must be mapped to a file name, is an object"},
      {R"({"weight_map":{"a":["one"]}})", "tensor \"a\" must be mapped to a file name, is a list"},
      {R"({"weight_map":{"a":"one","a":"one"}})", "tensor \"a\" stands twice"},
      {R"({"weight_map":{},"weight_map":{}})", "member \"weight_map\" stands twice"},
      {R"({"weight_map":{"a":"../one"}})", "must be the name of a file in the same folder"},
      {R"({"weight_map":{"a":"/one"}})", "must be the name of a file in the same folder"},
      {R"({"weight_map":{"a":"b\\one"}})", "must be the name of a file in the same folder"},
      {R"({"weight_map":{"a":".."}})", "must be the name of a file in the same folder"},
      {R"({"weight_map":{"a":""}})", "must be the name of a file in the same folder"},
      {R"({"weight_map":{"a":"one\u0000"}})", "must be the name of a file in the same folder"},
      {R"({"metadata":7,"weight_map":{}})", "metadata must be an object, is a number"},
      {R"({"metadata":{"total_size":-1},"weight_map":{}})", "metadata.total_size must be a whole number"},
      {R"({"metadata":{"total_size":1.5},"weight_map":{}})", "metadata.total_size must be a whole number"},
      {R"({"metadata":{"total_size":"7"},"weight_map":{}})", "metadata.total_size must be a whole number"},
      {R"({"x":[[[[[[[[1]]]]]]]],"weight_map":{}})", "nested deeper than 8 levels"},
  }));
  CHECK_THAT(error_of_index(text), Catch::Matchers::StartsWith("i.json: ") && Contains(fault));
}

TEST_CASE("shard index: cut or changed anywhere, it is read or refused", "[checkpoint][fuzz]") {
  const std::string text = R"({"metadata":{"total_size":7},"weight_map":{"a":"one","b":"two"}})";
  REQUIRE(parse_shard_index(text, "i.json"));
  for (std::size_t at = 0; at < text.size(); ++at) {
    CHECK_FALSE(parse_shard_index(text.substr(0, at), "i.json"));
    for (int value = 0; value < 256; ++value) {
      std::string mutated = text;
      mutated[at] = static_cast<char>(value);
      const auto parsed = parse_shard_index(mutated, "i.json");
      if (!parsed) continue;
      for (const auto& [tensor, file] : parsed->weight_map) REQUIRE(file.find_first_of("/\\") == std::string::npos);
    }
  }
}

TEST_CASE("shard index: a hundred thousand tensors are read in linear time", "[checkpoint]") {
  std::string text = R"({"weight_map":{"first":"one")";
  for (int i = 0; i < 100000; ++i) {
    text += ",\"model.layers." + std::to_string(i % 61) + ".mlp.experts." + std::to_string(i) + ".weight\":\"one\"";
  }
  text += "}}";
  const auto parsed = parse_shard_index(text, "i.json");
  REQUIRE(parsed);
  CHECK(parsed->weight_map.size() == 100001);
}

// The expected digest is that of the concatenated bytes, taken with the base's SHA-256 (tested with NIST's examples).
TEST_CASE("weights_sha256: what sha256sum says of all files in name order, remembered, and taken anew after a change",
          "[checkpoint]") {
  const TestFolder cache;
  const CacheHome home(cache.path().string());
  const TestFolder folder;
  const std::string a = one_tensor("a", "12345");
  const std::string b = one_tensor("b", "67");
  folder.write("y", a);
  folder.write("x", b);
  folder.write(kIndex, R"({"weight_map":{"a":"y","b":"x"}})");
  const auto digest = [&] { return *Checkpoint::open(folder.path())->weights_sha256(); };
  const auto sum_of = [&](const std::string& x, const std::string& y) {
    return sha256_hex(sha256_hex(x) + "  x\n" + sha256_hex(y) + "  y\n");
  };
  CHECK(digest() == sum_of(b, a));

  // What the cache says is believed for as long as the files stay, so an altered cache shows that it is used.
  const auto cache_files = cache.path() / "assay" / "weights-sha256";
  REQUIRE(std::filesystem::exists(cache_files));
  const auto cached = std::filesystem::directory_iterator(cache_files)->path();
  const std::string text = *read_file(cached);
  const std::string altered = std::string(64, 'e') + text.substr(64);
  REQUIRE(write_file(cached, altered));
  CHECK(digest() == std::string(64, 'e'));
  for (const std::string& broken : {std::string(), std::string(64, 'e'), text.substr(0, text.size() - 1),
                                    std::string(64, 'g') + text.substr(64), text + "x"}) {
    REQUIRE(write_file(cached, broken));
    CHECK(digest() == sum_of(b, a));
  }

  REQUIRE(write_file(cached, altered));
  const std::string other = one_tensor("a", "12346");
  folder.write("y", other);
  std::filesystem::last_write_time(folder.path() / "y", std::filesystem::file_time_type(std::chrono::hours(24)));
  CHECK(digest() == sum_of(b, other));
}

TEST_CASE("weights_sha256: a cache that can't be written costs nothing but time", "[checkpoint]") {
  const TestFolder folder;
  const std::string file = one_tensor("a", "12345");
  folder.write("model.safetensors", file);
  const auto not_a_folder = folder.write("occupied", "x");
  const CacheHome home(not_a_folder.string());
  CHECK(*Checkpoint::open(folder.path())->weights_sha256() == sha256_hex(file));
}

TEST_CASE("weights_sha256: a file that was replaced while it was open is an error", "[checkpoint]") {
  const TestFolder folder;
  const CacheHome home((folder.path() / "cache").string());
  folder.write("model.safetensors", one_tensor("a", "12345"));
  const auto checkpoint = Checkpoint::open(folder.path());
  REQUIRE(checkpoint);
  folder.write("new", one_tensor("a", "123456"));
  std::filesystem::rename(folder.path() / "new", folder.path() / "model.safetensors");
  const auto digest = checkpoint->weights_sha256();
  REQUIRE_FALSE(digest);
  CHECK(digest.error().kind == ErrorKind::environment);
  CHECK_THAT(digest.error().message, Contains("was changed or replaced"));
}
