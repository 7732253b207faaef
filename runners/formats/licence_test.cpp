#include "runners/formats/licence.h"

#include "runners/formats/gguf/test_gguf_models.h"
#include "runners/formats/test_folder.h"
#include "tests/support/catch.h"

using namespace assay::runners;

// The forms that model cards on the hub have.
TEST_CASE("front_matter_value: a key at the top level, quoted or not, alone or a list", "[licence]") {
  const auto [text, value] = GENERATE(table<std::string, std::optional<std::string>>({
      {"---\nlicense: mit\n---\n# Model\n", "mit"},
      {"---\r\nlanguage: en\r\nlicense: \"apache-2.0\"\r\n---\r\n", "apache-2.0"},
      {"---\nlicense: 'llama3.1'\n", "llama3.1"},
      {"---\nlicense:\n- mit\n- apache-2.0\ntags:\n- x\n---\n", "mit, apache-2.0"},
      {"---\nlicense:\n---\n", std::nullopt},
      {"---\nmodel:\n  license: mit\n---\n", std::nullopt},
      {"---\nlicense_name: x\n---\nlicense: mit\n", std::nullopt},
      {"# license: mit\n", std::nullopt},
      {"license: mit\n", std::nullopt},
      {"---", std::nullopt},
      {"", std::nullopt},
  }));
  CAPTURE(text);
  CHECK(front_matter_value(text, "license") == value);
}

TEST_CASE("stated_licence: a folder's card, then its licence file", "[licence]") {
  const TestFolder folder;
  CHECK_FALSE(stated_licence(folder.path())->has_value());
  folder.write("LICENSE", "Permission is hereby granted");
  CHECK((*stated_licence(folder.path()))->text == "see LICENSE");
  folder.write("README.md", "---\nlicense: other\nlicense_name: deepseek\n---\n");
  CHECK((*stated_licence(folder.path()))->text == "deepseek");
  CHECK((*stated_licence(folder.path()))->source == "README.md");
  folder.write("README.md", "---\nlicense: other\n---\n");
  CHECK((*stated_licence(folder.path()))->text == "other");
  folder.write("README.md", "---\nlicense: a\xFF\n---\n");
  CHECK((*stated_licence(folder.path()))->text == "a\xEF\xBF\xBD");
}

TEST_CASE("stated_licence: a GGUF file's metadata", "[licence]") {
  const TestFolder folder;
  TestGguf file = tiny_llama_gguf();
  CHECK_FALSE(stated_licence(folder.write("m.gguf", file.bytes()))->has_value());
  file.set("general.license", gguf_text("apache-2.0"));
  CHECK((*stated_licence(folder.write("m.gguf", file.bytes())))->text == "apache-2.0");
  file.set("general.license", gguf_text("other"));
  file.set("general.license.name", gguf_text("gemma"));
  CHECK((*stated_licence(folder.write("m.gguf", file.bytes())))->text == "gemma");
  file.set("general.license", gguf_u32(7));
  CHECK_FALSE(stated_licence(folder.write("m.gguf", file.bytes()))->has_value());
  CHECK_FALSE(stated_licence(folder.write("m.gguf", "GGUF")));
}
