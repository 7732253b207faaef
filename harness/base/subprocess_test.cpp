#include "harness/base/subprocess.h"

#include <csignal>

#include "tests/support/catch.h"

using namespace assay;
using Catch::Matchers::Contains;

TEST_CASE("run_process: both outputs, whole, and how it ended", "[base]") {
  const auto ended = run_process({"sh", "-c", "echo out; echo err >&2; exit 7"});
  REQUIRE(ended);
  CHECK(ended->out == "out\n");
  CHECK(ended->err == "err\n");
  CHECK(ended->exit_code == 7);
  CHECK(ended->signal == 0);
  // More than a pipe holds, on both at a time.
  const auto much = run_process({"sh", "-c", "yes a | head -c 300000; yes b | head -c 300000 >&2"});
  REQUIRE(much);
  CHECK(much->out.size() == 300'000);
  CHECK(much->err.size() == 300'000);
}

TEST_CASE("run_process: words are passed as they are, and nothing is on standard input", "[base]") {
  const auto ended = run_process({"sh", "-c", "cat; printf '%s|' \"$@\"", "sh", "a b", "$HOME", "", "'"});
  REQUIRE(ended);
  CHECK(ended->out == "a b|$HOME||'|");
}

TEST_CASE("run_process: a program that can't be started is an error with the reason", "[base]") {
  const auto missing = run_process({"/nowhere/program"});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == ErrorKind::environment);
  CHECK_THAT(missing.error().message, Contains("/nowhere/program: No such file"));
  CHECK_THAT(run_process({"/tmp"}).error().message, Contains("Permission denied"));
}

TEST_CASE("run_process: a stop ends it by SIGTERM, even where this process blocks it", "[base]") {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  std::stop_source stop;
  stop.request_stop();
  const auto ended = run_process({"sleep", "60"}, stop.get_token());
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  REQUIRE(ended);
  CHECK(ended->signal == SIGTERM);
  CHECK(ended->exit_code == -1);
}
