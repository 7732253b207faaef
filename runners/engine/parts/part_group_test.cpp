// The processes of one engine, here threads: who is taken in, and who is given up and when. What a real network does to
// them: tests/cli/across_network_test.cpp.

#include "runners/engine/parts/part_group.h"

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

PartOptions options_of(const std::string& program = "test 1") {
  PartOptions options;
  options.program = program;
  options.secret = "s";
  options.patience = {.meeting = 20s, .silence = 20s, .between_signs = 50ms};
  return options;
}

std::vector<PartAddress> at(const PartSocket& listener) { return {{"127.0.0.1", listener.port()}}; }

PartSocket listen_somewhere() {
  auto listener = PartSocket::listen(0);
  if (!listener) FAIL(listener.error().message);
  return std::move(*listener);
}

/// A connection of part 1 to part 0, which has said hello on it.
PartSocket connect_as_part_1(const PartSocket& listener, const std::string& channel) {
  auto socket = PartSocket::connect(at(listener), std::chrono::steady_clock::now() + 10s);
  if (!socket) FAIL(socket.error().message);
  const std::string hello =
      R"({"magic":"assay part 1","program":"test 1","secret":"s","part":1,"host":"h","channel":")" + channel + "\"}";
  REQUIRE(send_message(*socket, PartMessageKind::hello, std::as_bytes(std::span(hello))));
  return std::move(*socket);
}

}  // namespace

TEST_CASE("parts: who is taken in", "[engine][parts]") {
  const PartSocket listener = listen_somewhere();
  PartOptions lead = options_of();
  lead.patience.meeting = 1500ms;
  const auto follow = [&](int part, PartOptions options) {
    return PartGroup::follow(at(listener), part, std::move(options));
  };
  std::string why;
  const auto while_leading = [&](int n_parts, const auto& others) {
    std::jthread other(others);
    const auto group = PartGroup::lead(listener, n_parts, lead);
    REQUIRE_FALSE(group);
    return group.error().message;
  };
  // Nobody comes, or not all.
  CHECK_THAT(while_leading(3, [] {}), Contains("of 3 parts, 1, 2 did not come"));
  CHECK_THAT(while_leading(2, [&] { why = follow(2, options_of()).error().message; }), Contains("1 did not come"));
  CHECK_THAT(why, Contains("parts 0 to 1, there is no part 2"));
  while_leading(2, [&] { why = follow(1, options_of("test 2")).error().message; });
  CHECK_THAT(why, Contains("part 0 is test 1, this one test 2"));
  // A stranger: wrong secret, or no part at all.
  while_leading(2, [&] {
    PartOptions stranger = options_of();
    stranger.secret = "";
    CHECK_FALSE(follow(1, stranger));
    const auto deadline = std::chrono::steady_clock::now() + 1s;
    auto socket = PartSocket::connect(at(listener), deadline);
    REQUIRE(socket);
    CHECK(socket->send(std::as_bytes(std::span("GET / HTTP/1.1\r\n\r\n................................"))));
  });
  // Two of one number: the first one is taken in.
  std::string other_why;
  while_leading(3, [&] {
    std::jthread other([&] { other_why = follow(1, options_of()).error().message; });
    why = follow(1, options_of()).error().message;
  });
  CHECK_THAT(why + other_why, Contains("there is a part 1 already"));
}

TEST_CASE("parts: a part that ends, fails or stands still is noticed, and nobody waits on", "[engine][parts]") {
  const PartSocket listener = listen_somewhere();
  PartOptions options = options_of();
  options.patience.silence = 1500ms;
  const std::string how = GENERATE("ends", "fails", "is silent");
  PartOptions others = options;
  if (how == "is silent") others.patience.between_signs = 20s;
  std::atomic<bool> may_end = false;
  std::jthread other([&] {
    auto group = PartGroup::follow(at(listener), 1, others);
    REQUIRE(group);
    if (how == "fails") (*group)->fail(1, bad_input("no such thing"));
    while (how != "ends" && !may_end) std::this_thread::sleep_for(5ms);
  });
  auto group = PartGroup::lead(listener, 2, options);
  REQUIRE(group);
  std::atomic<int> n_released = 0;
  const auto release = [&] {
    ++n_released;
    return true;
  };
  (*group)->set_release(release);
  // In the middle of a product, or waiting for an answer.
  std::vector<std::byte> bytes(16);
  const std::vector<std::span<std::byte>> of = {bytes, bytes};
  const auto began = std::chrono::steady_clock::now();
  const auto gathered = (*group)->all_gather(bytes, of);
  REQUIRE_FALSE(gathered);
  CHECK_THAT(gathered.error().message, Contains("part 1 ("));
  CHECK_THAT(gathered.error().message,
             Contains(how == "fails" ? "can't go on: no such thing" : "no longer takes part"));
  if (how == "is silent") CHECK_THAT(gathered.error().message, Contains("it sends nothing"));
  CHECK_FALSE((*group)->hear(1, PartMessageKind::answer));
  CHECK_FALSE((*group)->tell(PartMessageKind::close));
  CHECK(std::chrono::steady_clock::now() - began < 10s);
  const auto wait_for_releases = [&](int n) {
    while (n_released < n && std::chrono::steady_clock::now() - began < 10s) std::this_thread::sleep_for(5ms);
    CHECK(n_released == n);
  };
  wait_for_releases(1);
  (*group)->set_release(release);  // of who begins to wait when all is lost already
  wait_for_releases(2);
  may_end = true;
  other.join();
  group->reset();
}

TEST_CASE("parts: others learn from part 0 which part is gone", "[engine][parts]") {
  const PartSocket listener = listen_somewhere();
  PartOptions options = options_of();
  options.patience.silence = 1500ms;
  PartOptions silent = options;
  silent.patience.between_signs = 20s;
  std::atomic<bool> may_end = false;
  std::string told;
  std::jthread gone([&] {
    const auto group = PartGroup::follow(at(listener), 2, silent);
    REQUIRE(group);
    while (!may_end) std::this_thread::sleep_for(5ms);
  });
  std::jthread other([&] {
    const auto group = PartGroup::follow(at(listener), 1, options);
    REQUIRE(group);
    told = (*group)->hear_leader().error().message;
  });
  auto group = PartGroup::lead(listener, 3, options);
  REQUIRE(group);
  const auto heard = (*group)->hear(2, PartMessageKind::answer);
  REQUIRE_FALSE(heard);
  CHECK_THAT(heard.error().message, Contains("part 2 (") && Contains("it sends nothing"));
  group->reset();
  other.join();
  may_end = true;
  CHECK_THAT(told, Contains("part 0 (") && Contains("can't go on: part 2 (") && Contains("it sends nothing"));
}

TEST_CASE("parts: who gives signs may take as long for its work as it likes", "[engine][parts]") {
  const PartSocket listener = listen_somewhere();
  PartOptions options = options_of();
  options.patience.silence = 500ms;
  std::vector<std::byte> own(std::size_t{1} << 26), other_bytes(own.size());  // more than a connection holds
  const std::vector<std::span<std::byte>> of = {own, other_bytes};
  Result<> gathered;
  std::jthread other([&] {
    const auto group = PartGroup::follow(at(listener), 1, options);
    REQUIRE(group);
    std::vector<std::byte> bytes(own.size(), std::byte{7}), first(own.size());
    const std::vector<std::span<std::byte>> all = {first, bytes};
    gathered = (*group)->all_gather(bytes, all);
  });
  auto group = PartGroup::lead(listener, 2, options);
  REQUIRE(group);
  std::this_thread::sleep_for(1500ms);  // a product that takes thrice the patience
  const auto led = (*group)->all_gather(own, of);
  if (!led) FAIL(led.error().message);
  other.join();
  if (!gathered) FAIL(gathered.error().message);
  CHECK(other_bytes.back() == std::byte{7});
}

TEST_CASE("parts: a long message over a slow network is no silence", "[engine][parts]") {
  const PartSocket listener = listen_somewhere();
  PartOptions options = options_of();
  options.patience.silence = 800ms;
  constexpr std::size_t kPiece = 65536, kPieces = 32;
  std::jthread other([&] {
    const PartSocket messages = connect_as_part_1(listener, "messages"), data = connect_as_part_1(listener, "data");
    const PartMessageHead head{.kind = static_cast<std::uint32_t>(PartMessageKind::answer),
                               .n_bytes = kPieces * kPiece};
    REQUIRE(messages.send(std::as_bytes(std::span(&head, 1))));
    const std::vector<std::byte> piece(kPiece);
    for (std::size_t i = 0; i < kPieces; ++i) {
      std::this_thread::sleep_for(50ms);
      REQUIRE(messages.send(piece));
    }
    // Until part 0 has heard it.
    std::vector<std::byte> rest(std::size_t{1} << 20);
    static_cast<void>(messages.receive(rest));
  });
  auto group = PartGroup::lead(listener, 2, options);
  REQUIRE(group);
  const auto heard = (*group)->hear(1, PartMessageKind::answer);
  group->reset();
  other.join();
  if (!heard) FAIL(heard.error().message);
  CHECK(heard->bytes.size() == kPieces * kPiece);
}
