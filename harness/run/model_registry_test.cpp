#include "harness/run/model_registry.h"

#include <cstdlib>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::run;

namespace {

/// A folder of its own as $XDG_CONFIG_HOME, with a model folder in it.
class Home {
 public:
  Home() {
    ::setenv("XDG_CONFIG_HOME", folder_.path().c_str(), 1);
    std::filesystem::create_directory(model());
    std::ofstream(model() / "config.json") << "{}";
  }
  ~Home() { ::unsetenv("XDG_CONFIG_HOME"); }
  std::filesystem::path model() const { return folder_.path() / "model"; }
  std::filesystem::path registry() const { return folder_.path() / "assay" / "models.json"; }

 private:
  test_support::TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("model registry: a model is added, found by name, and replaced", "[run]") {
  const Home home;
  REQUIRE(*model_registry_file() == home.registry());
  CHECK(read_model_registry(home.registry())->empty());
  REQUIRE(add_model(home.registry(), "mine", home.model()));
  REQUIRE(add_model(home.registry(), "another.v1", home.model()));
  REQUIRE(add_model(home.registry(), "mine", home.model()));
  const auto models = read_model_registry(home.registry());
  REQUIRE(models);
  REQUIRE(models->size() == 2);
  CHECK((*models)[0].name == "another.v1");
  CHECK((*models)[1].path == std::filesystem::canonical(home.model()));
  CHECK(*resolve_model("mine") == std::filesystem::canonical(home.model()));
  CHECK(*resolve_model(home.model().string()) == home.model());
}

TEST_CASE("model registry: names and folders that can't be are refused", "[run]") {
  const Home home;
  CHECK_FALSE(add_model(home.registry(), "", home.model()));
  CHECK_FALSE(add_model(home.registry(), "a/b", home.model()));
  CHECK_FALSE(add_model(home.registry(), "reference", home.model()));
  CHECK_FALSE(add_model(home.registry(), "mine", home.model() / "config.json"));
  CHECK_FALSE(add_model(home.registry(), "mine", "/nonexistent"));
  CHECK_FALSE(resolve_model("mine"));
}

TEST_CASE("model registry: a broken file is refused by name", "[run]") {
  const Home home;
  std::filesystem::create_directories(home.registry().parent_path());
  for (const char* text : {"", "[]", "{}", R"({"models":[]})", R"({"models":{"a":7}})", R"({"models":{"a/b":"/x"}})",
                           R"({"models":{},"more":1})", R"({"models":{"a":"/x")"}) {
    std::ofstream(home.registry()) << text;
    const auto models = read_model_registry(home.registry());
    INFO(text);
    REQUIRE_FALSE(models);
    CHECK_THAT(models.error().message, Catch::Matchers::Contains(home.registry().string()));
  }
}
