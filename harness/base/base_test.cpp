#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/large_memory.h"
#include "harness/base/result.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;

namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return bad_input("half: ", n, " is odd");
  return n / 2;
}

Result<int> quarter(int n) {
  ASSAY_ASSIGN(const int once, half(n));
  ASSAY_ASSIGN(const int twice, half(once));
  return twice;
}

}  // namespace

TEST_CASE("result: an error passes through ASSAY_ASSIGN with its message", "[base]") {
  CHECK(*quarter(12) == 3);
  REQUIRE_FALSE(quarter(6));
  CHECK(quarter(6).error().message == "half: 3 is odd");
  CHECK(quarter(6).error().kind == ErrorKind::bad_input);
}

// FIPS 180-4 examples, as given in NIST's "SHA256.pdf".
TEST_CASE("sha256: NIST's examples", "[base]") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  Sha256 parts;
  parts.update("a");
  parts.update("bc");
  CHECK(to_hex(parts.finish()) == sha256_hex("abc"));
}

TEST_CASE("text: numbers round-trip without locale", "[base]") {
  CHECK(to_text(0.1) == "0.1");
  CHECK(to_text(1e300) == "1e+300");
  CHECK(to_text(std::numeric_limits<double>::quiet_NaN()) == "null");
  CHECK(to_fixed(2.0 / 3, 3) == "0.667");
  CHECK(parse_integer("-7") == -7);
  CHECK_FALSE(parse_integer("7 "));
  CHECK_FALSE(parse_integer(""));
  CHECK_FALSE(parse_integer("99999999999999999999"));
  CHECK(parse_number("2.5e3") == 2500.0);
  CHECK_FALSE(parse_number("inf"));
}

// The ill-formed sequences of the Unicode Standard, section 3.9, tables 3-8 to 3-11 (maximal subparts).
TEST_CASE("text: ill-formed UTF-8 becomes U+FFFD once per maximal part", "[base]") {
  CHECK(is_valid_utf8("a\u00e9\u20ac\U0001F999"));
  CHECK_FALSE(is_valid_utf8("\xC0\xAF"));
  CHECK_FALSE(is_valid_utf8("\xED\xA0\x80"));
  CHECK_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));
  CHECK(to_valid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41") ==
        "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\x41");
  CHECK(to_valid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") == "\uFFFD\uFFFD\uFFFD\uFFFD\x41");
}

TEST_CASE("text: splitting, trimming, replacing, quoting", "[base]") {
  CHECK(split("a,,b", ',') == std::vector<std::string>{"a", "", "b"});
  CHECK(trim(" \t x y\r\n") == "x y");
  CHECK(replace_all("aXbX", "X", "YY") == "aYYbYY");
  CHECK(quoted_excerpt("a\nb\x1b[31m") == "\"a\\nb\\x1b[31m\"");
  CHECK(shown("abc\u202Efdp.exe \u2067x\u2028y, é") == "abc\\u202efdp.exe \\u2067x\\u2028y, é");
}

TEST_CASE("json: what the grammar or the rules forbid is refused with its place", "[base]") {
  struct Case {
    std::string text, message;
  };
  const auto [text, message] = GENERATE(values<Case>({
      {"{\"a\":1,\"a\":2}", "x.json: key \"a\" stands twice in one object"},
      {"{\"a\":", "x.json: byte 6: no valid JSON"},
      {"", "x.json: byte 1: no valid JSON"},
      {"{} {}", "x.json: byte 4: no valid JSON"},
      {"\"\xff\"", "x.json: byte 2: no valid JSON"},
      {"{\"a\":1e999}", "x.json: byte 10: no valid JSON near \"1e999\": number overflow"},
      {"[[[[[]]]]]", "x.json: nested deeper than 4 levels"},
  }));
  const auto parsed = parse_json(text, "x.json", 4);
  REQUIRE_FALSE(parsed);
  CHECK_THAT(parsed.error().message, Catch::Matchers::StartsWith(message));
}

TEST_CASE("json: typed fields name file, field and rule", "[base]") {
  const auto document =
      parse_json(R"({"n": 3, "t": "x", "l": ["a"], "null": null, "big": 18446744073709551615})", "i.jsonl:7");
  const auto object = JsonObject::of(*document, "i.jsonl:7");
  CHECK(*object->integer("n") == 3);
  CHECK(*object->strings("l") == std::vector<std::string>{"a"});
  CHECK(*object->integer_or("null", 5) == 5);
  CHECK(object->string("n").error().message == "i.jsonl:7: field \"n\" must be text, is number");
  CHECK(object->string("q").error().message == "i.jsonl:7: field \"q\" is missing; it must be text");
  CHECK(object->integer("big").error().message == "i.jsonl:7: field \"big\" is too large for a 64-bit integer");
  CHECK_THAT(object->refuse_unknown({"n", "t"}).error().message,
             Catch::Matchers::StartsWith("i.jsonl:7: unknown field \"l\""));
}

TEST_CASE("file: reading, replacing, mapping, and what is missing", "[base]") {
  const test_support::TemporaryFolder folder;
  const auto path = folder / "a.txt";
  REQUIRE(write_file(path, "one\r\n\ntwo"));
  CHECK(*read_file(path) == "one\r\n\ntwo");
  CHECK_FALSE(read_file(path, 3));
  CHECK(MappedFile::open(path)->bytes().size() == 9);
  CHECK_FALSE(MappedFile::open(folder / "none"));
  CHECK_FALSE(read_file(folder.path()));
  std::vector<std::pair<std::string, int>> lines;
  REQUIRE(for_each_line(*read_file(path), [&](std::string_view line, int n) -> Result<> {
    lines.emplace_back(line, n);
    return {};
  }));
  CHECK(lines == std::vector<std::pair<std::string, int>>{{"one", 1}, {"two", 3}});
  const std::string_view parts[] = {"one", "", "two"};
  REQUIRE(write_file(path, parts));
  CHECK(*read_file(path) == "onetwo");
  CHECK_FALSE(write_file(folder / "no/where", "x"));

  // A device or a pipe stays what it is.
  const auto pipe = folder / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const int reader = open(pipe.c_str(), O_RDWR | O_NONBLOCK);
  CHECK(write_file(pipe, "x"));
  CHECK(std::filesystem::is_fifo(pipe));
  char read_back = 0;
  CHECK(read(reader, &read_back, 1) == 1);
  CHECK(read_back == 'x');
  close(reader);
}

TEST_CASE("allocate_large: aligned to what its size asks for, and all of it may be used", "[base]") {
  const auto address = [](const LargeMemory& memory) { return reinterpret_cast<std::uintptr_t>(memory.get()); };
  constexpr std::size_t kLargePage = std::size_t{2} << 20;
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{65}, kLargePage - 1}) {
    const LargeMemory memory = allocate_large(n);
    CHECK(address(memory) % 64 == 0);
    std::memset(memory.get(), 1, n);
  }
  for (const std::size_t n : {kLargePage, 3 * kLargePage + 5}) {
    const LargeMemory memory = allocate_large(n);
    CHECK(address(memory) % kLargePage == 0);
    std::memset(memory.get(), 1, n);
    CHECK(memory[n - 1] == std::byte{1});
  }
}
