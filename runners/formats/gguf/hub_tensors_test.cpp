#include "runners/formats/gguf/hub_tensors.h"

#include "harness/base/sha256.h"
#include "runners/formats/gguf/test_gguf_models.h"
#include "runners/formats/test_folder.h"
#include "runners/formats/validate_checkpoint.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;
using Catch::Matchers::Contains;

namespace {

std::string refusal(const TestGguf& file) {
  const TestFolder folder;
  const auto checkpoint = Checkpoint::open(folder.write("x.gguf", file.bytes()));
  return checkpoint ? "accepted" : checkpoint.error().message;
}

std::string refusal_with(TestGguf file, const TestTensor& tensor) {
  file.tensors.push_back(tensor);
  return refusal(file);
}

/// What validate_checkpoint says of a file.
std::string verdict(const TestGguf& file) {
  const TestFolder folder;
  const auto path = folder.write("x.gguf", file.bytes());
  const auto config = read_model_config(path);
  REQUIRE(config);
  const auto checkpoint = Checkpoint::open(path);
  REQUIRE(checkpoint);
  const auto valid = validate_checkpoint(*config, *checkpoint);
  return valid ? "valid" : valid.error().message;
}

/// A tiny llama in two parts, as llama.cpp's splitting tool writes them: the first has the metadata.
std::pair<TestGguf, TestGguf> split_llama() {
  TestGguf first = tiny_llama_gguf();
  TestGguf second;
  second.tensors.assign(first.tensors.begin() + 4, first.tensors.end());
  first.tensors.resize(4);
  for (TestGguf* part : {&first, &second}) {
    part->set("split.no", raw(2u) + raw(static_cast<std::uint16_t>(part == &first ? 0 : 1)));
    part->set("split.count", raw(2u) + raw(std::uint16_t{2}));
    part->set("split.tensors.count", raw(5u) + raw(std::int32_t{11}));
  }
  return {first, second};
}

constexpr const char* kFirst = "m-00001-of-00002.gguf";
constexpr const char* kSecond = "m-00002-of-00002.gguf";

std::string split_refusal(const TestGguf& first, const TestGguf& second) {
  const TestFolder folder;
  const auto path = folder.write(kFirst, first.bytes());
  folder.write(kSecond, second.bytes());
  const auto checkpoint = Checkpoint::open(path);
  return checkpoint ? "accepted" : checkpoint.error().message;
}

}  // namespace

TEST_CASE("gguf checkpoint: a llama has the hub's names and passes the same checks", "[gguf]") {
  CHECK(verdict(tiny_llama_gguf()) == "valid");
  const TestFolder folder;
  const std::string bytes = tiny_llama_gguf().bytes();
  const auto path = folder.write("x.gguf", bytes);
  const auto checkpoint = Checkpoint::open(path);
  REQUIRE(checkpoint);
  CHECK(checkpoint->tensors().size() == 11);
  CHECK(checkpoint->files() == std::vector{path});
  CHECK(checkpoint->folder() == path);
  CHECK(checkpoint->total_bytes() == 34 * (5 + 32 + 16 + 16 + 32 + 32 + 32 + 32) + 4 * 3 * 32);
  CHECK(*checkpoint->weights_sha256() == sha256_hex(bytes));
  const TensorView* down = checkpoint->find("model.layers.0.mlp.down_proj.weight");
  REQUIRE(down != nullptr);
  CHECK(down->dtype == DType::q8_0);
  CHECK(down->shape == std::vector<std::int64_t>{32, 32});
  CHECK(down->interleaved_head_dim == 0);
  CHECK(checkpoint->find("blk.0.ffn_down.weight") == nullptr);
}

// By hand: with heads of width 8 the file has the hub's rows in the order 0, 4, 1, 5, 2, 6, 3, 7; of width 4: 0, 2,
// 1, 3.
TEST_CASE("gguf checkpoint: a llama's query and key rows are put in order", "[gguf]") {
  const TestFolder folder;
  const auto checkpoint = Checkpoint::open(folder.write("x.gguf", tiny_llama_gguf().bytes()));
  REQUIRE(checkpoint);
  const TensorView* query = checkpoint->find("model.layers.0.self_attn.q_proj.weight");
  const TensorView* key = checkpoint->find("model.layers.0.self_attn.k_proj.weight");
  REQUIRE(query != nullptr);
  REQUIRE(key != nullptr);
  CHECK(query->interleaved_head_dim == 8);
  CHECK(key->interleaved_head_dim == 8);
  CHECK(checkpoint->find("model.layers.0.self_attn.v_proj.weight")->interleaved_head_dim == 0);
  CHECK(checkpoint->find("model.layers.0.self_attn.o_proj.weight")->interleaved_head_dim == 0);

  const int in_file[] = {0, 4, 1, 5, 2, 6, 3, 7};
  const auto values = read_floats(*query);
  REQUIRE(values);
  const std::vector<std::byte> ordered = ordered_bytes(*query);
  for (int head = 0; head < 4; ++head) {
    for (int place = 0; place < 8; ++place) {
      const int row = 8 * head + in_file[place];
      CHECK(stored_row(*query, row) == 8 * head + place);
      CHECK((*values)[static_cast<std::size_t>(32 * row)] == static_cast<float>(8 * head + place));
      CHECK(ordered[static_cast<std::size_t>(34 * row + 2)] == static_cast<std::byte>(8 * head + place));
    }
  }

  const std::string four = raw(0.0f) + raw(2.0f) + raw(1.0f) + raw(3.0f);
  TensorView bias{"b", DType::f32, {4}, std::as_bytes(std::span(four))};
  bias.interleaved_head_dim = 4;
  CHECK(*read_floats(bias) == std::vector<float>{0, 1, 2, 3});
}

TEST_CASE("gguf checkpoint: a deepseek2 has the hub's names, and a view for each expert", "[gguf]") {
  CHECK(verdict(tiny_deepseek_gguf()) == "valid");
  TestGguf file = tiny_deepseek_gguf();
  for (TestTensor& tensor : file.tensors) {
    if (tensor.name != "blk.1.ffn_up_exps.weight") continue;
    tensor.data.clear();
    for (int i = 0; i < 4 * 5 * 8; ++i) tensor.data += raw(static_cast<float>(i));
  }
  const TestFolder folder;
  const auto checkpoint = Checkpoint::open(folder.write("x.gguf", file.bytes()));
  REQUIRE(checkpoint);
  const TensorView* expert = checkpoint->find("model.layers.1.mlp.experts.2.up_proj.weight");
  REQUIRE(expert != nullptr);
  CHECK(expert->shape == std::vector<std::int64_t>{5, 8});
  CHECK(expert->n_elements() == 40);
  CHECK(read_floats(*expert)->front() == 80.0f);
  CHECK(checkpoint->find("model.layers.1.mlp.experts.4.up_proj.weight") == nullptr);
  CHECK(checkpoint->find("model.layers.1.self_attn.kv_a_proj_with_mqa.weight") != nullptr);
  for (const auto& [name, tensor] : checkpoint->tensors()) CHECK(tensor->interleaved_head_dim == 0);
}

TEST_CASE("gguf checkpoint: qwen's rows are in order, and its biases and norms are known", "[gguf]") {
  TestGguf file = tiny_llama_gguf();
  const std::string architecture = GENERATE("qwen2", "qwen3");
  for (auto& [key, value] : file.metadata) {
    if (key.starts_with("llama.")) key = architecture + key.substr(5);
  }
  file.set("general.architecture", gguf_text(architecture));
  if (architecture == "qwen2") {
    for (const auto& [name, width] : {std::pair("q", 32u), std::pair("k", 16u), std::pair("v", 16u)}) {
      file.tensors.push_back(f32_tensor("blk.0.attn_" + std::string(name) + ".bias", {width}));
    }
  } else {
    file.tensors.push_back(f32_tensor("blk.0.attn_q_norm.weight", {8}));
    file.tensors.push_back(f32_tensor("blk.0.attn_k_norm.weight", {8}));
  }
  CHECK(verdict(file) == "valid");
  const TestFolder folder;
  const auto checkpoint = Checkpoint::open(folder.write("x.gguf", file.bytes()));
  REQUIRE(checkpoint);
  CHECK(checkpoint->find("model.layers.0.self_attn.q_proj.weight")->interleaved_head_dim == 0);
}

TEST_CASE("gguf checkpoint: quantised types are for matrices", "[gguf]") {
  TestGguf file = tiny_llama_gguf();
  file.tensors[1] = {"blk.0.attn_norm.weight", {32}, 8, std::string(34, '\0')};
  CHECK_THAT(verdict(file), Contains("input_layernorm.weight: has type Q8_0, must be BF16, F16, F32"));
  file = tiny_llama_gguf();
  file.tensors.pop_back();
  CHECK_THAT(verdict(file), Contains("model.norm.weight: is missing"));
}

// The tiny model: 2 heads, nope 4, v 4, kv_lora_rank 3.
TEST_CASE("gguf checkpoint: kv_b in parts, alone or beside the whole", "[gguf]") {
  TestGguf file = tiny_deepseek_gguf();
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    file.tensors.push_back(f32_tensor(layer + "attn_k_b.weight", {4, 3, 2}));
    file.tensors.push_back(f32_tensor(layer + "attn_v_b.weight", {3, 4, 2}));
  }
  CHECK(verdict(file) == "valid");
  std::erase_if(file.tensors, [](const TestTensor& tensor) { return tensor.name == "blk.0.attn_kv_b.weight"; });
  CHECK_THAT(verdict(file), Contains("model.layers.1.self_attn.kv_b_proj.weight"));  // layers differ
  std::erase_if(file.tensors, [](const TestTensor& tensor) { return tensor.name == "blk.1.attn_kv_b.weight"; });
  CHECK(verdict(file) == "valid");
  TestGguf without = file;
  std::erase_if(without.tensors, [](const TestTensor& tensor) { return tensor.name == "blk.1.attn_v_b.weight"; });
  CHECK_THAT(verdict(without), Contains("model.layers.1.self_attn.v_b_proj.weight: is missing"));
  for (TestTensor& tensor : file.tensors) {
    if (tensor.name == "blk.0.attn_k_b.weight") tensor = f32_tensor(tensor.name, {3, 4, 2});
  }
  CHECK_THAT(verdict(file), Contains("has shape [8, 3], must be [6, 4]"));
}

TEST_CASE("gguf checkpoint: tensors that can't be placed are refused by name", "[gguf]") {
  CHECK(refusal_with(tiny_llama_gguf(), f32_tensor("rope_freqs.weight", {4})) == "accepted");
  for (const std::string name :
       {"blk.0.attn_qkv.weight", "blk.0.attn_q.scale", "blk.0.attn_q", "blk.x.attn_q.weight", "blk.00.attn_q.weight",
        "blk.-1.attn_q.weight", "blk.0.weight", "position_embd.weight", "output.bias", "blk.0.exp_probs_b.weight"}) {
    CHECK_THAT(refusal_with(tiny_llama_gguf(), f32_tensor(name, {4})),
               Contains("\"" + name + "\" has a name that is not known here"));
  }
  CHECK_THAT(refusal_with(tiny_deepseek_gguf(), f32_tensor("blk.2.attn_k_b.weight", {4, 3})),
             Contains("has shape [3, 4], must be [heads, out, in]"));
  CHECK_THAT(refusal_with(tiny_deepseek_gguf(), f32_tensor("blk.0.ffn_up_exps.weight", {4, 3})),
             Contains("has shape [3, 4], must be [experts, out, in]"));
  CHECK_THAT(refusal_with(tiny_deepseek_gguf(), f32_tensor("blk.0.ffn_up_exps.weight", {1, 1, 4097})),
             Contains("at most 4096 experts"));
  CHECK_THAT(refusal_with(tiny_llama_gguf(), f32_tensor("blk.1.attn_q.weight", {32, 12})),
             Contains("has 12 rows, must be a multiple of the width of a head, 8"));
  CHECK_THAT(refusal_with(tiny_llama_gguf(), {"blk.1.attn_q.bias", {32}, 8, std::string(34, '\0')}),
             Contains("has type Q8_0, must be F32"));
  TestGguf odd = tiny_llama_gguf();
  odd.set("llama.attention.key_length", gguf_u32(7));
  CHECK_THAT(refusal(odd), Contains("the width of a head is 7, must be even"));
}

TEST_CASE("gguf checkpoint: parts are opened together, whichever is named", "[gguf]") {
  const auto [first, second] = split_llama();
  const TestFolder folder;
  const auto first_path = folder.write(kFirst, first.bytes());
  const auto second_path = folder.write(kSecond, second.bytes());
  const std::filesystem::path& named = GENERATE(true, false) ? first_path : second_path;
  const auto config = read_model_config(named);
  REQUIRE(config);
  const auto checkpoint = Checkpoint::open(named);
  REQUIRE(checkpoint);
  CHECK(validate_checkpoint(*config, *checkpoint));
  CHECK(checkpoint->tensors().size() == 11);
  CHECK(checkpoint->files() == std::vector{first_path, second_path});
  const auto line_of = [](const std::string& bytes, const std::filesystem::path& path) {
    return sha256_hex(bytes) + "  " + path.filename().string() + "\n";
  };
  CHECK(*checkpoint->weights_sha256() ==
        sha256_hex(line_of(first.bytes(), first_path) + line_of(second.bytes(), second_path)));
}

TEST_CASE("gguf checkpoint: parts that don't belong together", "[gguf]") {
  auto [first, second] = split_llama();
  CHECK(split_refusal(first, second) == "accepted");
  SECTION("count") {
    second.set("split.count", raw(2u) + raw(std::uint16_t{3}));
    CHECK_THAT(split_refusal(first, second), Contains(kSecond) && Contains("\"split.count\" is 3"));
  }
  SECTION("number") {
    second.set("split.no", raw(2u) + raw(std::uint16_t{0}));
    CHECK_THAT(split_refusal(first, second), Contains(kSecond) && Contains("\"split.no\" is 0, must be 1"));
  }
  SECTION("missing keys") {
    second.remove("split.count");
    CHECK_THAT(split_refusal(first, second), Contains("\"split.count\" is missing"));
  }
  SECTION("number of tensors") {
    second.tensors.pop_back();
    CHECK_THAT(split_refusal(first, second), Contains("\"split.tensors.count\" is 11, but the files have 10"));
  }
  SECTION("a tensor twice") {
    second.tensors.back() = first.tensors.front();
    CHECK_THAT(split_refusal(first, second), Contains("\"token_embd.weight\" is in a part before"));
  }
  SECTION("a part is missing") {
    const TestFolder folder;
    const auto checkpoint = Checkpoint::open(folder.write(kFirst, first.bytes()));
    REQUIRE_FALSE(checkpoint);
    CHECK_THAT(checkpoint.error().message, Contains(kSecond));
  }
  SECTION("a part under a name of its own") {
    const TestFolder folder;
    const auto checkpoint = Checkpoint::open(folder.write("m.gguf", first.bytes()));
    REQUIRE_FALSE(checkpoint);
    CHECK_THAT(checkpoint.error().message, Contains("\"split.count\" is 2, but the file is one of 1"));
  }
}

TEST_CASE("gguf parts: names", "[gguf]") {
  const auto names = [](const char* name) {
    std::vector<std::string> texts;
    const auto parts = gguf_parts(name);
    REQUIRE(parts);
    for (const auto& path : *parts) texts.push_back(path.string());
    return texts;
  };
  CHECK(names("d/m.gguf") == std::vector<std::string>{"d/m.gguf"});
  CHECK(names("d/m-1-of-2.gguf") == std::vector<std::string>{"d/m-1-of-2.gguf"});
  CHECK(names("d/m-00002-of-00002.gguf") ==
        std::vector<std::string>{"d/m-00001-of-00002.gguf", "d/m-00002-of-00002.gguf"});
  CHECK_FALSE(gguf_parts("m-00000-of-00002.gguf"));
  CHECK_FALSE(gguf_parts("m-00003-of-00002.gguf"));
  CHECK(is_gguf_path("a/b.gguf"));
  CHECK_FALSE(is_gguf_path("a/gguf"));
}
