#include "harness/cli/logits_file.h"

#include "runners/formats/safetensors.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::cli;
using Catch::Matchers::Contains;

namespace {

template <class T>
runners::TensorView view(const char* name, runners::DType dtype, const std::vector<T>& values) {
  return {name, dtype, {static_cast<std::int64_t>(values.size())}, std::as_bytes(std::span(values))};
}

}  // namespace

TEST_CASE("read_token_sequences: int32 and int64 sequences come in the order of their numbers", "[cli]") {
  const test_support::TemporaryFolder folder;
  const std::vector<std::int32_t> ten = {7, 8, 9};
  const std::vector<std::int64_t> two = {2147483647, 0};
  const runners::TensorView tensors[] = {view("tokens.10", runners::DType::i32, ten),
                                         view("tokens.2", runners::DType::i64, two),
                                         view("logits.2", runners::DType::i64, two)};
  REQUIRE(runners::write_safetensors(folder / "in", tensors));
  const auto sequences = read_token_sequences(folder / "in");
  REQUIRE(sequences);
  REQUIRE(sequences->size() == 2);
  CHECK((*sequences)[0].number == "2");
  CHECK((*sequences)[0].tokens == std::vector<std::int32_t>{2147483647, 0});
  CHECK((*sequences)[1].number == "10");
  CHECK((*sequences)[1].tokens == ten);
}

TEST_CASE("read_token_sequences: what is no token sequence is refused by name", "[cli]") {
  const test_support::TemporaryFolder folder;
  const auto refusal = [&](const runners::TensorView& tensor) {
    REQUIRE(runners::write_safetensors(folder / "in", std::span(&tensor, 1)));
    const auto sequences = read_token_sequences(folder / "in");
    REQUIRE_FALSE(sequences);
    return sequences.error().message;
  };
  const std::vector<std::int32_t> ids = {1};
  const std::vector<std::int64_t> negative = {-1};
  const std::vector<std::int64_t> huge = {std::int64_t{1} << 31};
  const std::vector<float> floats = {1};
  CHECK_THAT(refusal(view("ids.0", runners::DType::i32, ids)), Contains("tokens.N"));
  CHECK_THAT(refusal(view("tokens.x", runners::DType::i32, ids)), Contains("tokens.N"));
  CHECK_THAT(refusal(view("tokens.-1", runners::DType::i32, ids)), Contains("tokens.N"));
  CHECK_THAT(refusal(view("tokens.0", runners::DType::i64, negative)), Contains("-1"));
  CHECK_THAT(refusal(view("tokens.0", runners::DType::i64, huge)), Contains("2147483648"));
  CHECK_THAT(refusal(view("tokens.0", runners::DType::f32, floats)), Contains("F32"));
  CHECK_THAT(refusal(view("tokens.0", runners::DType::i32, std::vector<std::int32_t>{})), Contains("at least 1"));
}

TEST_CASE("write_output_tensors: names, shapes and values can be read back", "[cli]") {
  const test_support::TemporaryFolder folder;
  REQUIRE(write_output_tensors(folder / "out", {{"logits.0", {2, 3}, {1, 2, 3, 4, 5, 6.5f}}}));
  const auto file = runners::SafetensorsFile::open(folder / "out");
  REQUIRE(file);
  const runners::TensorView* logits = file->find("logits.0");
  REQUIRE(logits != nullptr);
  CHECK(logits->shape == std::vector<std::int64_t>{2, 3});
  CHECK(*runners::read_floats(*logits) == std::vector<float>{1, 2, 3, 4, 5, 6.5f});
}
