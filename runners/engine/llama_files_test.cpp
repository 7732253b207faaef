// Two small trained Llama models that others published (tests/data/models): the engine against a forward pass written
// again here in float64, position by position and without a cache.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "runners/engine/test_executor.h"
#include "runners/formats/safetensors.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/unpacked_folder.h"

using namespace assay;
using namespace assay::runners;
using assay::tests::relative_error;

namespace {

const std::filesystem::path kModels = std::filesystem::path(ASSAY_SOURCE_DIR) / "tests/data/models";

struct Matrix {
  int n_out = 0, n_in = 0;
  std::vector<float> values;
  std::vector<double> times(const std::vector<double>& x) const {
    std::vector<double> y(static_cast<std::size_t>(n_out));
    for (std::size_t i = 0; i < y.size(); ++i) {
      for (std::size_t j = 0; j < x.size(); ++j) y[i] += static_cast<double>(values[i * x.size() + j]) * x[j];
    }
    return y;
  }
};

struct Layer {
  std::vector<float> attention_norm, ffn_norm;
  Matrix q, k, v, o, gate, down, up;
};

struct Llama {
  int dim, heads, kv_heads;
  double theta = 10000, eps = 1e-5;
  bool rotates_neighbours;  ///< pairs (2i, 2i+1) instead of (i, i + d/2)
  Matrix embedding, head;
  std::vector<Layer> layers;
  std::vector<float> norm;
};

std::vector<double> normed(const std::vector<double>& x, const std::vector<float>& weight, double eps) {
  double squares = 0;
  for (const double value : x) squares += value * value;
  const double factor = 1 / std::sqrt(squares / static_cast<double>(x.size()) + eps);
  std::vector<double> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * factor * static_cast<double>(weight[i]);
  return y;
}

void rotate(const Llama& m, std::vector<double>& heads, int position) {
  const std::size_t d = static_cast<std::size_t>(m.dim / m.heads);
  for (std::size_t start = 0; start < heads.size(); start += d) {
    for (std::size_t i = 0; i < d / 2; ++i) {
      const double angle = position * std::pow(m.theta, -2.0 * static_cast<double>(i) / static_cast<double>(d));
      double& a = heads[start + (m.rotates_neighbours ? 2 * i : i)];
      double& b = heads[start + (m.rotates_neighbours ? 2 * i + 1 : i + d / 2)];
      const double x = a, y = b;
      a = x * std::cos(angle) - y * std::sin(angle);
      b = x * std::sin(angle) + y * std::cos(angle);
    }
  }
}

void add(std::vector<double>& x, const std::vector<double>& part) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += part[i];
}

std::vector<float> reference_logits(const Llama& m, const std::vector<std::int32_t>& tokens) {
  const std::size_t d = static_cast<std::size_t>(m.dim / m.heads),
                    group = static_cast<std::size_t>(m.heads / m.kv_heads);
  std::vector<std::vector<std::vector<double>>> keys(m.layers.size()), values(m.layers.size());
  std::vector<float> out;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const float* row = m.embedding.values.data() + static_cast<std::ptrdiff_t>(tokens[t]) * m.dim;
    std::vector<double> x(row, row + m.dim);
    for (std::size_t l = 0; l < m.layers.size(); ++l) {
      const Layer& layer = m.layers[l];
      const auto a = normed(x, layer.attention_norm, m.eps);
      auto q = layer.q.times(a), k = layer.k.times(a);
      rotate(m, q, static_cast<int>(t));
      rotate(m, k, static_cast<int>(t));
      keys[l].push_back(k);
      values[l].push_back(layer.v.times(a));
      std::vector<double> mixed(q.size());
      for (std::size_t h = 0; h < static_cast<std::size_t>(m.heads); ++h) {
        const std::size_t kv = h / group * d;
        std::vector<double> weight(t + 1);
        double total = 0;
        for (std::size_t s = 0; s <= t; ++s) {
          double score = 0;
          for (std::size_t i = 0; i < d; ++i) score += q[h * d + i] * keys[l][s][kv + i];
          weight[s] = std::exp(score / std::sqrt(static_cast<double>(d)));
          total += weight[s];
        }
        for (std::size_t s = 0; s <= t; ++s) {
          for (std::size_t i = 0; i < d; ++i) mixed[h * d + i] += weight[s] / total * values[l][s][kv + i];
        }
      }
      add(x, layer.o.times(mixed));
      const auto b = normed(x, layer.ffn_norm, m.eps);
      auto gate = layer.gate.times(b);
      const auto up = layer.up.times(b);
      for (std::size_t i = 0; i < gate.size(); ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
      add(x, layer.down.times(gate));
    }
    for (const double logit : m.head.times(normed(x, m.norm, m.eps))) out.push_back(static_cast<float>(logit));
  }
  return out;
}

std::vector<float> engine_logits(const std::filesystem::path& folder, const std::vector<std::int32_t>& tokens) {
  const Result<Model> model = load_model(folder);
  if (!model) FAIL(model.error().message);
  const auto logits = cpu_logits(*model, tokens, {.chunk_tokens = 16});
  if (!logits) FAIL(logits.error().message);
  return logits->logits;
}

/// The published checkpoint layout: matrices [out, in], rotation by halves.
Llama read_hub_llama(const std::filesystem::path& folder, int heads, double eps) {
  const auto checkpoint = Checkpoint::open(folder);
  REQUIRE(checkpoint.has_value());
  const auto matrix = [&](const std::string& name) {
    const TensorView* tensor = checkpoint->find(name);
    REQUIRE(tensor != nullptr);
    const int n_in = tensor->shape.size() == 2 ? static_cast<int>(tensor->shape[1]) : 1;
    return Matrix{static_cast<int>(tensor->shape[0]), n_in, *read_floats(*tensor)};
  };
  Llama m{.dim = matrix("model.embed_tokens.weight").n_in,
          .heads = heads,
          .kv_heads = heads,
          .eps = eps,
          .rotates_neighbours = false,
          .embedding = matrix("model.embed_tokens.weight"),
          .head = matrix("lm_head.weight"),
          .layers = {},
          .norm = matrix("model.norm.weight").values};
  for (int l = 0; checkpoint->find("model.layers." + std::to_string(l) + ".mlp.up_proj.weight") != nullptr; ++l) {
    const std::string p = "model.layers." + std::to_string(l) + ".";
    m.layers.push_back({matrix(p + "input_layernorm.weight").values,
                        matrix(p + "post_attention_layernorm.weight").values, matrix(p + "self_attn.q_proj.weight"),
                        matrix(p + "self_attn.k_proj.weight"), matrix(p + "self_attn.v_proj.weight"),
                        matrix(p + "self_attn.o_proj.weight"), matrix(p + "mlp.gate_proj.weight"),
                        matrix(p + "mlp.down_proj.weight"), matrix(p + "mlp.up_proj.weight")});
  }
  return m;
}

/// llama2.c's file, version 0: seven int32 (dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len), then
/// float32 arrays, each over all layers. The head is the embedding; neighbours are rotated.
Llama read_llama2c(const std::filesystem::path& file) {
  const auto bytes = read_file(file);
  REQUIRE(bytes.has_value());
  std::int32_t header[7];
  std::memcpy(header, bytes->data(), sizeof header);
  const auto [dim, hidden_dim, n_layers, heads, kv_heads, vocab, positions] = header;
  std::size_t at = sizeof header;
  const auto floats = [&](int n) {
    std::vector<float> values(static_cast<std::size_t>(n));
    REQUIRE(at + values.size() * sizeof(float) <= bytes->size());
    std::memcpy(values.data(), bytes->data() + at, values.size() * sizeof(float));
    at += values.size() * sizeof(float);
    return values;
  };
  const int kv_dim = dim / heads * kv_heads;
  Llama m{.dim = dim,
          .heads = heads,
          .kv_heads = kv_heads,
          .rotates_neighbours = true,
          .embedding = {vocab, dim, floats(vocab * dim)},
          .head = {},
          .layers = std::vector<Layer>(static_cast<std::size_t>(n_layers)),
          .norm = {}};
  m.head = m.embedding;
  for (Layer& l : m.layers) l.attention_norm = floats(dim);
  for (Layer& l : m.layers) l.q = {dim, dim, floats(dim * dim)};
  for (Layer& l : m.layers) l.k = {kv_dim, dim, floats(kv_dim * dim)};
  for (Layer& l : m.layers) l.v = {kv_dim, dim, floats(kv_dim * dim)};
  for (Layer& l : m.layers) l.o = {dim, dim, floats(dim * dim)};
  for (Layer& l : m.layers) l.ffn_norm = floats(dim);
  for (Layer& l : m.layers) l.gate = {hidden_dim, dim, floats(hidden_dim * dim)};
  for (Layer& l : m.layers) l.down = {dim, hidden_dim, floats(dim * hidden_dim)};
  for (Layer& l : m.layers) l.up = {hidden_dim, dim, floats(hidden_dim * dim)};
  m.norm = floats(dim);
  CHECK(at + static_cast<std::size_t>(positions) * static_cast<std::size_t>(dim / heads) * sizeof(float) ==
        bytes->size());
  return m;
}

/// Rows of each head from neighbours to halves: row 2i + half of the file is row half·d/2 + i of the hub's layout.
Matrix rotating_halves(const Matrix& w, int d) {
  Matrix out = w;
  for (int row = 0; row < w.n_out; ++row) {
    const int head = row / d * d, half = row % d / (d / 2), i = row % (d / 2);
    std::memcpy(out.values.data() + static_cast<std::ptrdiff_t>(row) * w.n_in,
                w.values.data() + static_cast<std::ptrdiff_t>(head + 2 * i + half) * w.n_in,
                sizeof(float) * static_cast<std::size_t>(w.n_in));
  }
  return out;
}

}  // namespace
namespace {

/// Writes a folder in the published checkpoint layout.
class HubFolder {
 public:
  void add(const std::string& name, const Matrix& w) {
    tensors_.push_back({name, DType::f32, {w.n_out, w.n_in}, std::as_bytes(std::span(w.values))});
  }
  void add(const std::string& name, const std::vector<float>& values) {
    tensors_.push_back(
        {name, DType::f32, {static_cast<std::int64_t>(values.size())}, std::as_bytes(std::span(values))});
  }
  void write(const std::filesystem::path& folder, const Json& config) const {
    const auto written = write_safetensors(folder / "model.safetensors", tensors_);
    if (!written) FAIL(written.error().message);
    std::ofstream(folder / "config.json") << to_json_text(config);
  }

 private:
  std::vector<TensorView> tensors_;
};

}  // namespace

TEST_CASE("engine: tiny-llama-arith agrees with a forward pass in float64", "[engine][llama]") {
  const test_support::UnpackedFolder unpacked(kModels / "tiny-llama-arith");
  const auto folder = unpacked.path();
  const Llama reference = read_hub_llama(folder, 4, 1e-6);
  std::mt19937 random(5);
  std::vector<std::int32_t> tokens(90);
  for (std::int32_t& token : tokens) token = std::uniform_int_distribution<std::int32_t>(0, 15)(random);
  CHECK(relative_error(engine_logits(folder, tokens), reference_logits(reference, tokens)) < 2e-5);
}

TEST_CASE("engine: stories260K, converted, agrees with a forward pass in float64", "[engine][llama]") {
  const Llama m = read_llama2c(kModels / "stories260K/stories260K.bin");
  HubFolder hub;
  std::vector<Matrix> turned;
  turned.reserve(2 * m.layers.size());
  hub.add("model.embed_tokens.weight", m.embedding);
  for (std::size_t l = 0; l < m.layers.size(); ++l) {
    const Layer& layer = m.layers[l];
    const std::string p = "model.layers." + std::to_string(l) + ".";
    hub.add(p + "input_layernorm.weight", layer.attention_norm);
    hub.add(p + "self_attn.q_proj.weight", turned.emplace_back(rotating_halves(layer.q, m.dim / m.heads)));
    hub.add(p + "self_attn.k_proj.weight", turned.emplace_back(rotating_halves(layer.k, m.dim / m.heads)));
    hub.add(p + "self_attn.v_proj.weight", layer.v);
    hub.add(p + "self_attn.o_proj.weight", layer.o);
    hub.add(p + "post_attention_layernorm.weight", layer.ffn_norm);
    hub.add(p + "mlp.gate_proj.weight", layer.gate);
    hub.add(p + "mlp.up_proj.weight", layer.up);
    hub.add(p + "mlp.down_proj.weight", layer.down);
  }
  hub.add("model.norm.weight", m.norm);
  const test_support::TemporaryFolder folder;
  hub.write(folder.path(), {{"architectures", {"LlamaForCausalLM"}},
                            {"model_type", "llama"},
                            {"vocab_size", m.embedding.n_out},
                            {"hidden_size", m.dim},
                            {"intermediate_size", m.layers[0].gate.n_out},
                            {"num_hidden_layers", m.layers.size()},
                            {"num_attention_heads", m.heads},
                            {"num_key_value_heads", m.kv_heads},
                            {"max_position_embeddings", 512},
                            {"rms_norm_eps", m.eps},
                            {"rope_theta", m.theta},
                            {"hidden_act", "silu"},
                            {"tie_word_embeddings", true},
                            {"bos_token_id", 1},
                            {"eos_token_id", 2}});

  std::mt19937 random(6);
  std::vector<std::int32_t> tokens = {1};
  while (tokens.size() < 80) {
    tokens.push_back(std::uniform_int_distribution<std::int32_t>(3, m.embedding.n_out - 1)(random));
  }
  CHECK(relative_error(engine_logits(folder.path(), tokens), reference_logits(m, tokens)) < 2e-5);
}
