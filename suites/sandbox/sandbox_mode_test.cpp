// What holds without bubblewrap: mode `none`, and how opening fails.

#include <unistd.h>
#include <algorithm>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "suites/sandbox/bwrap_command.h"
#include "suites/sandbox/sandbox.h"
#include "suites/sandbox/system_calls.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;
namespace fs = std::filesystem;
using Catch::Matchers::Contains;

namespace {

SandboxResult run_unprotected(const std::string& source, const SandboxLimits& limits) {
  const auto sandbox = Sandbox::open({.mode = SandboxMode::none});
  if (!sandbox) FAIL(sandbox.error().message);
  const auto result = sandbox->run({{"main.py"}, {{"main.py", source}}, "in"}, limits);
  if (!result) FAIL(result.error().message);
  return *result;
}

}  // namespace

TEST_CASE("sandbox: the mode is read from its name", "[sandbox]") {
  CHECK(*parse_sandbox_mode("bwrap") == SandboxMode::bwrap);
  CHECK(*parse_sandbox_mode(to_string(SandboxMode::none)) == SandboxMode::none);
  for (const char* text : {"", "None", "docker"}) {
    const auto mode = parse_sandbox_mode(text);
    REQUIRE_FALSE(mode);
    CHECK(mode.error().kind == ErrorKind::bad_input);
    CHECK_THAT(mode.error().message, Contains("bwrap or none"));
  }
}

TEST_CASE("sandbox: without bubblewrap, opening says what to install", "[sandbox]") {
  const auto sandbox = Sandbox::open({.bwrap_path = "/nonexistent/bwrap"});
  REQUIRE_FALSE(sandbox);
  CHECK(sandbox.error().kind == ErrorKind::environment);
  CHECK_THAT(sandbox.error().message, Contains("/nonexistent/bwrap") && Contains("--sandbox none"));
}

TEST_CASE("sandbox: a bubblewrap that fails is no sandbox", "[sandbox]") {
  const auto sandbox = Sandbox::open({.bwrap_path = "/bin/false"});
  REQUIRE_FALSE(sandbox);
  CHECK(sandbox.error().kind == ErrorKind::environment);
  CHECK_THAT(sandbox.error().message, Contains("user namespaces"));
}

TEST_CASE("sandbox: without Python, opening says so", "[sandbox]") {
  for (const char* path : {"/nonexistent/python3", "/bin/false", "/bin/echo"}) {
    const auto sandbox = Sandbox::open({.mode = SandboxMode::none, .python_path = path});
    REQUIRE_FALSE(sandbox);
    CHECK(sandbox.error().kind == ErrorKind::environment);
    CHECK_THAT(sandbox.error().message, Contains(path));
  }
}

TEST_CASE("sandbox none: programs run, marked as unprotected, and leave no folder", "[sandbox]") {
  SandboxLimits limits;
  const SandboxResult result =
      run_unprotected("import os, sys\nopen('x', 'w').close()\nprint(os.getcwd() + sys.stdin.read())\n", limits);
  INFO(result.stderr_text);
  CHECK_FALSE(result.is_protected);
  CHECK(result.exit_status == 0);
  REQUIRE(result.stdout_text.ends_with("in\n"));
  CHECK_FALSE(fs::exists(result.stdout_text.substr(0, result.stdout_text.size() - 3)));
}

TEST_CASE("sandbox none: the limits on time, memory, files and output hold", "[sandbox]") {
  SandboxLimits limits;
  limits.wall_s = 0.5;
  const SandboxResult endless = run_unprotected("while True:\n    pass\n", limits);
  CHECK(endless.timed_out);
  CHECK(endless.signal == SIGKILL);
  CHECK(endless.cpu_ms > 0);

  limits.wall_s = 5;
  limits.memory_bytes = std::int64_t{256} << 20;
  CHECK(run_unprotected("x = bytearray(1 << 30)\n", limits).out_of_memory);
  limits.output_bytes = 1000;
  CHECK(run_unprotected("print('x' * 5000)\n", limits).output_limit);
  limits.file_bytes = 1000;
  CHECK(run_unprotected("f = open('big', 'wb', buffering=0)\ntry:\n    print(f.write(bytes(5000)))\n    "
                        "f.write(b'x')\nexcept OSError:\n    print('no')\n",
                        limits)
            .stdout_text == "1000\nno\n");
}

TEST_CASE("sandbox none: what stays in the program's group is killed with it", "[sandbox]") {
  SandboxLimits limits;
  limits.wall_s = 5;
  const SandboxResult result = run_unprotected(
      "import os, time\nchild = os.fork()\nif child == 0:\n    time.sleep(60)\nprint(child, flush=True)\n", limits);
  CHECK(result.exit_status == 0);
  CHECK(result.wall_ms < 4000);  // does not wait for the child's end of the pipe
}

TEST_CASE("bwrap_command: all namespaces are new, all capabilities dropped, only what Python needs is there",
          "[sandbox]") {
  BwrapSetup setup;
  setup.bwrap_path = "/usr/bin/bwrap";
  setup.python_prefix = "/opt/python";
  setup.filter_fd = 11;
  setup.files = {{"main.py", 12}};
  setup.command = {"/opt/python/bin/python3", "main.py"};
  const std::vector<std::string> words = bwrap_command(setup, {});
  const auto has = [&](std::vector<std::string> part) {
    return std::search(words.begin(), words.end(), part.begin(), part.end()) != words.end();
  };
  CHECK(words.front() == "/usr/bin/bwrap");
  CHECK(has({"--unshare-all"}));
  CHECK(has({"--unshare-user"}));
  CHECK(has({"--cap-drop", "ALL"}));
  CHECK(has({"--new-session"}));
  CHECK(has({"--die-with-parent"}));
  CHECK(has({"--clearenv"}));
  CHECK(has({"--ro-bind", "/opt/python", "/opt/python"}));
  CHECK(has({"--file", "12", "/tmp/main.py"}));
  CHECK(has({"--remount-ro", "/"}));
  CHECK(has({"--", "/opt/python/bin/python3", "main.py"}));
  CHECK_FALSE(has({"--share-net"}));
  for (const char* shown : {"/", "/etc", "/home", "/root", "/var", "/proc", "/sys"})
    CHECK_FALSE(has({"--ro-bind", shown}));
}

TEST_CASE("build_system_call_filter: gives whole BPF instructions", "[sandbox]") {
  const auto filter = build_system_call_filter(false);
  REQUIRE(filter);
  CHECK(filter->size() % 8 == 0);     // struct sock_filter, linux/filter.h
  CHECK(filter->size() / 8 > 100);    // more instructions than system calls that Python needs
  CHECK(filter->size() / 8 <= 4096);  // BPF_MAXINSNS
}

TEST_CASE("bwrap_command: a warm sandbox may make namespaces, and lives as long as its socket", "[sandbox]") {
  BwrapSetup setup;
  setup.bwrap_path = "/usr/bin/bwrap";
  setup.python_prefix = "/usr";
  setup.status_fd = 12;
  setup.command = {"/usr/bin/python3"};
  const std::vector<std::string> words = bwrap_command(setup, {});
  const auto has = [&](const std::string& word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  CHECK(has("CAP_SYS_ADMIN"));
  CHECK_FALSE(has("--die-with-parent"));
  CHECK_FALSE(has("--seccomp"));
  setup.filter_fd = 11;
  const std::vector<std::string> cold = bwrap_command(setup, {});
  CHECK(std::find(cold.begin(), cold.end(), "CAP_SYS_ADMIN") == cold.end());
}
