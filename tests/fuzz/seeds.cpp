// fuzz_seeds FOLDER: writes what the fuzzers start from, FOLDER/ENTRY/N for each: small files that the tests read too.

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "runners/formats/gguf/test_gguf_models.h"
#include "runners/formats/test_configs.h"
#include "runners/formats/test_folder.h"

using namespace assay;
using namespace assay::runners;

namespace {

const std::filesystem::path kSource = ASSAY_SOURCE_DIR;

std::vector<std::string> safetensors_files() {
  const std::string types =
      R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"__metadata__":{"format":"pt"},)"
      R"("b":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[16,19]},"c":{"dtype":"I64","shape":[],"data_offsets":[19,27]}} )";
  const std::string more =
      R"({"h":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]},)"
      R"("i":{"dtype":"I32","shape":[1],"data_offsets":[8,12]},"u":{"dtype":"U8","shape":[0,7],"data_offsets":[12,12]}})";
  return {hand_made_file(types, "0123456789abcdefxyz01234567"), hand_made_file(more, "0123456789ab"),
          hand_made_file("{}", "")};
}

std::vector<std::string> shard_indexes() {
  return {R"({"metadata":{"total_size":27},"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}})",
          *read_file(kSource / "models/reference/model.safetensors.index.json")};
}

std::vector<std::string> replies() {
  const std::string usage = R"("usage":{"prompt_tokens":3,"completion_tokens":2,"prompt_cache_hit_tokens":1})";
  const std::string end = R"("finish_reason":"stop"}],)" + usage;
  return {
      ": hello\ndata: {\"choices\":[{\"delta\":{\"reasoning_content\":\"Hm\"}}]}\n\ndata: {\"choices\":[{\"delta\":{"
      "\"content\":\"4\"}," +
          end + "}\n\ndata: [DONE]\n\n",
      R"({"choices":[{"message":{"content":"4"},)" + end + "}", R"({"error":{"message":"busy","code":503}})"};
}

std::vector<std::string> canaries() {
  return {
      R"({"weights_sha256":"aa","n_prompt_tokens":1,"tokens":[1,3],"top_logprobs":[[[2,-0.5],[3,-9]],[[2,-0.5]]]})"};
}

std::vector<std::string> model_configs() {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "tests/data/golden")) {
    if (const auto text = read_file(entry.path() / "config.json")) texts.push_back(*text);
  }
  const std::string generation = R"({"bos_token_id":0,"eos_token_id":[1,2],"temperature":0.6})";
  texts.push_back(to_json_text(deepseek_v3_config()) + std::string(1, '\0') + generation);
  texts.push_back(to_json_text(tiny_config()));
  return texts;
}

std::vector<std::string> gguf_files() {
  return {every_kind_gguf().bytes(), tiny_llama_gguf().bytes(), tiny_deepseek_gguf().bytes(), qwen3_moe_gguf().bytes()};
}

std::vector<std::string> gguf_tokenizers() {
  TestGguf gpt2;
  gpt2.metadata = {{"general.architecture", gguf_text("llama")},
                   {"tokenizer.ggml.model", gguf_text("gpt2")},
                   {"tokenizer.ggml.pre", gguf_text("qwen2")},
                   {"tokenizer.ggml.tokens", gguf_texts({"a", "b", "ab", "<e>"})},
                   {"tokenizer.ggml.token_type", gguf_numbers<std::int32_t>(5, {1, 1, 1, 3})},
                   {"tokenizer.ggml.merges", gguf_texts({"a b"})},
                   {"tokenizer.ggml.bos_token_id", gguf_u32(3)},
                   {"tokenizer.ggml.add_bos_token", gguf_bool(true)},
                   {"tokenizer.chat_template", gguf_text("{{ messages }}")}};
  TestGguf llama;
  llama.metadata = {{"general.architecture", gguf_text("llama")},
                    {"tokenizer.ggml.model", gguf_text("llama")},
                    {"tokenizer.ggml.tokens", gguf_texts({"<unk>", "<0x41>", "\xE2\x96\x81", "a",
                                                          "\xE2\x96\x81"
                                                          "a"})},
                    {"tokenizer.ggml.scores", gguf_numbers<float>(6, {0, 0, -1, -2, -3})},
                    {"tokenizer.ggml.token_type", gguf_numbers<std::int32_t>(5, {2, 6, 1, 1, 1})}};
  return {gpt2.bytes(), llama.bytes()};
}

std::vector<std::string> tokenizers() {
  return {
      R"json({"version":"1.0","added_tokens":[{"id":3,"content":"<e>","special":true}],"normalizer":null,)json"
      R"json("pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},"post_processor":null,)json"
      R"json("decoder":{"type":"ByteLevel"},"model":{"type":"BPE","dropout":null,"unk_token":null,"fuse_unk":false,)json"
      R"json("vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})json",
      R"json({"added_tokens":[{"id":3,"content":"<e>","special":false,"single_word":true,"lstrip":true,"rstrip":true,)json"
      R"json("normalized":true}],"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"}]},"pre_tokenizer":)json"
      R"json({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"(?i:'s)|\\p{N}{1,3}|[^\\s\\p{L}]+|\\s+(?!\\S)"},)json"
      R"json("behavior":"Isolated","invert":false},{"type":"Digits","individual_digits":true},)json"
      R"json({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]},"post_processor":)json"
      R"json({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<e>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]},)json"
      R"json("decoder":{"type":"Sequence","decoders":[{"type":"ByteLevel"}]},)json"
      R"json("model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]],"ignore_merges":true}})json"};
}

std::vector<std::string> zebralogic_records() {
  return {
      R"json({"id":"lgp-test-2x2-33","puzzle":" - Names: `Eric`, `Arnold`\n - Pets: `dog`, `cat`\n\n1. Eric is somewhere to the left of )json"
      R"json(Arnold.\n2. The person who owns a dog is not in the first house.\n","solution":{"header":["House","Name","Pet"],)json"
      R"json("rows":[["___","___","___"],["___","___","___"]]}})json"};
}

std::vector<std::string> math_answers() {
  const std::string end(1, '\0');
  return {R"(\left(-\infty, \frac{3}{5}\right] \cup \{1\pm\sqrt[3]{2}\})" + end + R"(\boxed{x \le \tfrac35})",
          R"(\begin{pmatrix} 1 & e^{i\pi} \\ |x|! & \log_{2} 8 \end{pmatrix})" + end + "The answer is $52_8$.",
          R"(x=1 \text{ or } x=2, 5\text{ cm}^2, 10\%)" + end + R"({"answer": "0.1\\overline{6}"})"};
}

std::vector<std::string> baselines() {
  return {
      R"json({"format":"assay-baseline","format_version":1,"run_id":"a","name":"n","state":"finished","provenance":"measured",)json"
      R"json("model":"m","weights_sha256":"","seed":0,"started_at_ms":0,"tags":{"commit":"c"},"environments":[{"device_name":"d"}],)json"
      R"json("method_versions":{"ttft_ms":1},"wall_s":2,"output_tokens_per_s":5,"usd_total":1,"joules_total":null,)json"
      R"json("output_tokens_per_s_parts":[4,6],"suites":[{"suite":"s","version":"1","sha256":"0","grader_profile":"canonical",)json"
      R"json("grader_version":"1","sampling":{"temperature":0.6},"n_items":2,"samples":2,"items":[{"item":"i","tag":"t",)json"
      R"json("content_sha256":"1","verdicts":["correct","truncated"],"answers":[0,null],"n_output_tokens":[7,9],"ttft_ms":[1,2],)json"
      R"json("itl_ms":[1,1],"e2e_ms":[5,6]},{"item":"j","tag":"","content_sha256":"2","verdicts":["no_answer","error"]}]}]})json",
      R"json({"level":0.05,"metrics":{"accuracy":{"margin":0.02},"output_tokens":{"margin_below":null},"e2e_ms_p50":null},)json"
      R"json("suites":{"s":{"accuracy":{"margin":0.1}}},"fail_under":{"s":0.5},"max_errors_ratio":0.1,"inconclusive":"pass",)json"
      R"json("ignore_environment":["device_name"],"waivers":[{"metric":"accuracy","reason":"r","expires":"2026-12-31"}]})json"};
}

}  // namespace

int main(int n_words, char** words) {
  if (n_words != 2) {
    std::fputs("usage: fuzz_seeds FOLDER\n", stderr);
    return 2;
  }
  const std::vector<std::pair<std::string, std::vector<std::string>>> corpora = {{"safetensors", safetensors_files()},
                                                                                 {"shard_index", shard_indexes()},
                                                                                 {"model_config", model_configs()},
                                                                                 {"gguf", gguf_files()},
                                                                                 {"tokenizer_json", tokenizers()},
                                                                                 {"gguf_tokenizer", gguf_tokenizers()},
                                                                                 {"canary", canaries()},
                                                                                 {"zebralogic", zebralogic_records()},
                                                                                 {"math_answer", math_answers()},
                                                                                 {"baseline", baselines()},
                                                                                 {"endpoint_reply", replies()}};
  for (const auto& [entry, files] : corpora) {
    const std::filesystem::path folder = std::filesystem::path(words[1]) / entry;
    std::filesystem::create_directories(folder);
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (const auto written = write_file(folder / std::to_string(i), files[i]); !written) {
        std::fprintf(stderr, "fuzz_seeds: %s\n", written.error().message.c_str());
        return 3;
      }
    }
  }
}
