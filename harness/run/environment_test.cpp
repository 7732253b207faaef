#include "harness/run/environment.h"

#include "harness/run/build_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::run;

// Lines as Linux 6.1 writes them.
TEST_CASE("colon_field: the first line with the key, trimmed", "[run]") {
  const char* cpuinfo =
      "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) CPU @ 2.60GHz\nflags\t\t: fpu avx2\n\nprocessor\t: 1\n";
  CHECK(colon_field(cpuinfo, "model name") == "Intel(R) Xeon(R) CPU @ 2.60GHz");
  CHECK(colon_field(cpuinfo, "processor") == "0");
  CHECK(colon_field(cpuinfo, "model").empty());
  CHECK(colon_field("", "model name").empty());
}

TEST_CASE("kibibyte_field_bytes: kibibytes to bytes, nothing for anything else", "[run]") {
  CHECK(kibibyte_field_bytes("16316412 kB") == 16316412LL * 1024);
  CHECK_FALSE(kibibyte_field_bytes("16316412"));
  CHECK_FALSE(kibibyte_field_bytes("9223372036854775807 kB"));
  CHECK_FALSE(kibibyte_field_bytes("-1 kB"));
}

TEST_CASE("os_pretty_name: with and without quotes", "[run]") {
  CHECK(os_pretty_name("NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n") == "Debian GNU/Linux 12 (bookworm)");
  CHECK(os_pretty_name("PRETTY_NAME=Plain\n") == "Plain");
  CHECK(os_pretty_name("NAME=x\n").empty());
}

TEST_CASE("read_environment: the device is the runner's, the build is this one", "[run]") {
  const results::EnvironmentFacts facts = read_environment({"cpu", "two threads", {{"threads", 2}}});
  CHECK(facts.device_kind == "cpu");
  CHECK(facts.device_name == "two threads");
  CHECK(facts.details["device"]["threads"] == 2);
  CHECK(facts.n_cores.value_or(0) >= 1);
  CHECK(facts.build_version == build_facts().version);
  CHECK_FALSE(facts.compiler.empty());
}

TEST_CASE("read_environment: a GPU's own fields", "[run]") {
  const results::EnvironmentFacts facts =
      read_environment({"cuda", "NVIDIA H100 80GB HBM3", {{"runtime_cuda_version", 13000}, {"pci_bus_id", "none"}}});
  CHECK(facts.gpu_name == "NVIDIA H100 80GB HBM3");
  CHECK(facts.n_gpus == 1);
  const Json two = Json::array({{{"pci_bus_id", "none"}}, {{"pci_bus_id", "nor this"}}});
  CHECK(read_environment({"cuda", "a GPU", {{"pci_bus_id", "none"}, {"devices", two}}}).n_gpus == 2);
  CHECK(facts.cuda_version == "13.0");
  CHECK(facts.details["gpu_state"].is_object());
}
