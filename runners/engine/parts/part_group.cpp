#include "runners/engine/parts/part_group.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "harness/base/json.h"
#include "harness/base/log.h"
#include "harness/base/text.h"

namespace assay::runners {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::string_view kMagic = "assay part 1";
constexpr std::size_t kMostHelloBytes = 4096;
constexpr std::size_t kMostBytes = std::size_t{1} << 40;  // what a message may say of itself; memory grows as it comes
constexpr std::size_t kMostWelcomeBytes = std::size_t{1} << 22;
constexpr auto kHelloPatience = std::chrono::seconds(5);
constexpr auto kLook = milliseconds(200);
constexpr auto kGoodbyePatience = std::chrono::seconds(3);
constexpr auto kReasonPatience = std::chrono::seconds(2);

Result<> send_text(const PartSocket& socket, PartMessageKind kind, const std::string& text) {
  return send_message(socket, kind, std::as_bytes(std::span(text)));
}

/// What is to be said of a part whose connection gave this.
template <class T>
Error gone(const Result<T>& result) {
  return environment_error("no longer takes part in the model's work: ", result.error().message);
}

Json failure_json(const Error& error) { return {{"kind", static_cast<int>(error.kind)}, {"message", error.message}}; }

/// Another part's failure_json(), which need not be one.
Error told_failure(const std::string& text) {
  Error told = environment_error("it can't go on");
  const Result<Json> document = parse_json(text, "a part's failure");
  if (!document) return told;
  const Result<JsonObject> fields = JsonObject::of(*document, "a part's failure");
  if (!fields) return told;
  if (const auto message = fields->string("message")) told.message = *message;
  const auto kind = fields->integer("kind");
  if (kind && *kind == static_cast<int>(ErrorKind::bad_input)) told.kind = ErrorKind::bad_input;
  return told;
}

/// What a process says first on each of its connections.
Json hello_json(int part, const char* channel, const PartOptions& options) {
  return {{"magic", kMagic}, {"program", options.program}, {"secret", options.secret},
          {"part", part},    {"channel", channel},         {"host", host_name()}};
}

}  // namespace

Result<std::unique_ptr<PartGroup>> PartGroup::lead(const PartSocket& listener, int n_parts, PartOptions options) {
  std::unique_ptr<PartGroup> group(new PartGroup(0, std::move(options)));
  group->hosts_.resize(static_cast<std::size_t>(n_parts));
  group->hosts_[0] = host_name();
  for (int part = 1; part < n_parts; ++part) {
    group->peers_.push_back(std::make_unique<Peer>());
    group->peers_.back()->part = part;
  }
  ASSAY_TRY(group->take_in(listener));
  ASSAY_TRY(group->welcome_all());
  group->begin();
  return group;
}

/// Until every other part has both of its connections.
Result<> PartGroup::take_in(const PartSocket& listener) {
  const auto deadline = Clock::now() + options_.patience.meeting;
  for (;;) {
    std::vector<std::string> missing;
    for (const auto& peer : peers_) {
      if (!peer->messages || !peer->data) missing.push_back(std::to_string(peer->part));
    }
    if (missing.empty()) return {};
    if (options_.stop.stop_requested()) return interrupted("interrupted while waiting for the other parts");
    if (Clock::now() >= deadline) {
      return environment_error("of ", n_parts(), " parts, ", join(missing, ", "), " did not come within ",
                               options_.patience.meeting.count() / 1000, " s; start a process with --part for each");
    }
    std::optional<PartSocket> socket = listener.accept(std::min(deadline, Clock::now() + kLook));
    if (!socket) continue;
    if (const auto introduced = introduce(std::move(*socket)); !introduced) log_detail(introduced.error().message);
  }
}

/// Takes a connection as the part's that it says it is, or turns it away. Error: what was wrong with it.
Result<> PartGroup::introduce(PartSocket socket) {
  const auto patience = std::chrono::duration_cast<milliseconds>(kHelloPatience);
  ASSAY_ASSIGN(const PartMessage message, receive_message(socket, patience, kMostHelloBytes));
  ASSAY_ASSIGN(const Json document, parse_json(message.text(), "a part's hello"));
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, "a part's hello"));
  ASSAY_ASSIGN(const std::string magic, fields.string("magic"));
  ASSAY_ASSIGN(const std::string secret, fields.string("secret"));
  if (message.kind != PartMessageKind::hello || magic != kMagic || secret != options_.secret) {
    return bad_input("a stranger connected");
  }
  ASSAY_ASSIGN(const std::string program, fields.string("program"));
  ASSAY_ASSIGN(const std::string channel, fields.string("channel"));
  ASSAY_ASSIGN(const std::string host, fields.string("host"));
  ASSAY_ASSIGN(const std::int64_t part, fields.integer("part"));
  const auto turn_away = [&](const std::string& why) -> Result<> {
    static_cast<void>(send_text(socket, PartMessageKind::refuse, why));
    return bad_input("part ", part, " of ", host, " is turned away: ", why);
  };
  if (program != options_.program) return turn_away("part 0 is " + options_.program + ", this one " + program);
  if (part < 1 || part >= n_parts()) {
    return turn_away("the model has parts 0 to " + std::to_string(n_parts() - 1) + ", there is no part " +
                     std::to_string(part));
  }
  Peer& peer = peer_of(static_cast<int>(part));
  std::optional<PartSocket>& place = channel == "data" ? peer.data : peer.messages;
  if (place) return turn_away("there is a part " + std::to_string(part) + " already");
  if (&place == &peer.messages) socket.set_patience(options_.patience.silence);
  place = std::move(socket);
  hosts_[static_cast<std::size_t>(part)] = host;
  return {};
}

Result<> PartGroup::welcome_all() {
  const std::string text = to_json_text(Json{{"hosts", hosts_}});
  for (const auto& peer : peers_) {
    if (const Result<> sent = send_text(*peer->messages, PartMessageKind::welcome, text); !sent) {
      return environment_error(name_of(peer->part), ": ", sent.error().message);
    }
  }
  return {};
}

Result<std::unique_ptr<PartGroup>> PartGroup::follow(std::span<const PartAddress> leader, int part,
                                                     PartOptions options) {
  std::unique_ptr<PartGroup> group(new PartGroup(part, std::move(options)));
  const PartPatience& patience = group->options_.patience;
  const auto deadline = Clock::now() + patience.meeting;
  group->peers_.push_back(std::make_unique<Peer>());
  Peer& peer = *group->peers_.front();
  for (auto [place, channel] : {std::pair(&peer.messages, "messages"), std::pair(&peer.data, "data")}) {
    ASSAY_ASSIGN(PartSocket socket, PartSocket::connect(leader, deadline));
    if (place == &peer.messages) socket.set_patience(patience.silence);
    ASSAY_TRY(send_text(socket, PartMessageKind::hello, to_json_text(hello_json(part, channel, group->options_))));
    *place = std::move(socket);
  }
  // Part 0 waits for all of them as long as this one did for it.
  Result<PartMessage> answer = receive_message(*peer.messages, patience.meeting + kHelloPatience, kMostWelcomeBytes);
  if (!answer) return environment_error("part 0 takes nobody in: ", answer.error().message);
  if (answer->kind == PartMessageKind::refuse) return bad_input("part 0 turned this one away: ", answer->text());
  if (answer->kind != PartMessageKind::welcome) return environment_error("what listens there is no part 0");
  ASSAY_ASSIGN(const Json document, parse_json(answer->text(), "part 0's welcome"));
  const Json hosts = document.value("hosts", Json());
  for (const Json& host : hosts) group->hosts_.push_back(host.is_string() ? host.get<std::string>() : "");
  if (part >= group->n_parts()) return environment_error("part 0's welcome has no part ", part);
  group->begin();
  return group;
}

void PartGroup::begin() {
  n_listening_ = static_cast<int>(peers_.size());
  for (const auto& peer : peers_) peer->listener = std::jthread([this, &peer = *peer] { listen_to(peer); });
  signs_ = std::jthread([this](std::stop_token stop) { give_signs(std::move(stop)); });
}

PartGroup::~PartGroup() {
  signs_ = {};  // joined
  bool is_failed = false;
  {
    const std::scoped_lock lock(mutex_);
    is_failed = failure_.has_value();
    is_ending_ = true;
  }
  if (leads() && !is_failed) {
    static_cast<void>(tell(PartMessageKind::end));
    // They close; closed here before, the word might be lost.
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kGoodbyePatience, [&] { return n_listening_ == 0; });
  }
  { const std::scoped_lock told(telling_); }  // the others know why
  for (const auto& peer : peers_) {
    if (peer->messages) peer->messages->shut_down();
    if (peer->data) peer->data->shut_down();
  }
  for (const auto& peer : peers_) peer->listener = {};
}

int PartGroup::n_before_on_host() const {
  return static_cast<int>(std::count(hosts_.begin(), hosts_.begin() + part_, hosts_[static_cast<std::size_t>(part_)]));
}

std::string PartGroup::name_of(int part) const { return "part " + std::to_string(part) + " (" + host_of(part) + ")"; }

// ---- messages

Result<> PartGroup::send_to(Peer& peer, PartMessageKind kind, std::span<const std::byte> bytes) {
  const std::scoped_lock lock(peer.sending);
  return send_message(*peer.messages, kind, bytes);
}

Result<> PartGroup::tell(PartMessageKind kind, std::span<const std::byte> bytes) {
  ASSAY_TRY(check());
  for (const auto& peer : peers_) {
    if (const Result<> sent = send_to(*peer, kind, bytes); !sent) return data_failed(peer->part, sent);
  }
  return {};
}

Result<> PartGroup::tell_one(int part, PartMessageKind kind, std::span<const std::byte> bytes) {
  ASSAY_TRY(check());
  if (const Result<> sent = send_to(peer_of(part), kind, bytes); !sent) return data_failed(part, sent);
  return {};
}

Result<PartMessage> PartGroup::hear_any(int part) {
  Peer& peer = peer_of(part);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || is_ending_ || !peer.heard.empty(); });
  if (peer.heard.empty()) return failure_.value_or(environment_error(name_of(part), " has ended"));
  PartMessage message = std::move(peer.heard.front());
  peer.heard.pop_front();
  return message;
}

Result<PartMessage> PartGroup::hear(int part, PartMessageKind kind) {
  ASSAY_ASSIGN(PartMessage message, hear_any(part));
  if (message.kind == kind) return message;
  const bool is_end = message.kind == PartMessageKind::end;
  fail(part, environment_error(is_end ? "has ended" : "is at another place of the work"));
  ASSAY_TRY(check());
  return environment_error(name_of(part), " has ended");
}

void PartGroup::listen_to(Peer& peer) {
  for (;;) {
    Result<PartMessage> message = receive_message(*peer.messages, options_.patience.silence, kMostBytes);
    if (message && message->kind == PartMessageKind::alive) continue;
    if (message && message->kind == PartMessageKind::failed) {
      Error why = told_failure(message->text());
      why.message = "can't go on: " + why.message;
      fail(peer.part, std::move(why));
      break;
    }
    if (!message) {
      fail(peer.part, gone(message));
      break;
    }
    const bool is_end = message->kind == PartMessageKind::end;
    const std::scoped_lock lock(mutex_);
    peer.heard.push_back(std::move(*message));
    is_ending_ = is_ending_ || is_end;
    changed_.notify_all();
  }
  const std::scoped_lock lock(mutex_);
  --n_listening_;
  changed_.notify_all();
}

void PartGroup::give_signs(std::stop_token stop) {
  std::mutex unused;
  std::unique_lock lock(unused);
  while (!stop.stop_requested()) {
    for (const auto& peer : peers_) {
      // A message under way is a sign, too.
      const std::unique_lock sending(peer->sending, std::try_to_lock);
      if (sending) static_cast<void>(send_message(*peer->messages, PartMessageKind::alive, {}));
    }
    sign_time_.wait_for(lock, stop, options_.patience.between_signs, [] { return false; });
  }
}

// ---- data

Result<> PartGroup::all_gather(std::span<const std::byte> own, std::span<const std::span<std::byte>> of) {
  ASSAY_TRY(check());
  const auto at = [](int part) { return static_cast<std::size_t>(part); };
  if (!leads()) {
    const PartSocket& leader = *peers_.front()->data;
    if (const Result<> sent = leader.send(own); !sent) return data_failed(0, sent);
    for (int part = 0; part < n_parts(); ++part) {
      if (part == part_) continue;
      if (const Result<> got = leader.receive(of[at(part)]); !got) return data_failed(0, got);
    }
    return {};
  }
  for (const auto& peer : peers_) {
    if (const Result<> got = peer->data->receive(of[at(peer->part)]); !got) return data_failed(peer->part, got);
  }
  for (const auto& peer : peers_) {
    for (int part = 0; part < n_parts(); ++part) {
      if (part == peer->part) continue;
      const std::span<const std::byte> bytes = part == 0 ? own : std::span<const std::byte>(of[at(part)]);
      if (const Result<> sent = peer->data->send(bytes); !sent) return data_failed(peer->part, sent);
    }
  }
  return {};
}

// ---- failure

/// Why a connection is closed may be on its way as a message.
Result<> PartGroup::data_failed(int part, const Result<>& result) {
  ASSAY_TRY(check_again());
  fail(part, gone(result));
  ASSAY_TRY(check());
  return result;
}

Result<> PartGroup::check_again() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kReasonPatience, [&] { return failure_.has_value(); });
  if (failure_) return *failure_;
  return {};
}

Result<> PartGroup::check() const {
  const std::scoped_lock lock(mutex_);
  if (failure_) return *failure_;
  return {};
}

void PartGroup::fail(int part, Error why) {
  const bool is_own = part == part_;
  const std::scoped_lock telling(telling_);
  std::string told;
  {
    const std::scoped_lock lock(mutex_);
    if (failure_ || (is_ending_ && !is_own)) return;
    if (!is_own) why.message = name_of(part) + " " + why.message;
    told = to_json_text(failure_json(why));
    failure_ = std::move(why);
    changed_.notify_all();
    // On a thread of its own: what it ends may need this one to get on.
    releaser_ = std::jthread([this] { release(); });
  }
  for (const auto& peer : peers_) {
    // Parts that only hear part 0 learn from it which one is gone.
    if (peer->part != part && (is_own || leads())) {
      static_cast<void>(send_to(*peer, PartMessageKind::failed, std::as_bytes(std::span(told))));
    }
    if (peer->data) peer->data->shut_down();
  }
}

void PartGroup::release() {
  const std::scoped_lock lock(releasing_);
  if (!release_ || std::exchange(release_, {})()) return;
  log_line(LogLevel::quiet, check().error().message + "; what is finished is stored, and the same command goes on");
  std::_Exit(static_cast<int>(ErrorKind::environment));
}

void PartGroup::set_release(std::function<bool()> new_release) {
  const bool is_any = new_release != nullptr;
  {
    const std::scoped_lock lock(releasing_);
    release_ = std::move(new_release);
  }
  // A part that was gone before has called none.
  if (is_any && !check()) releaser_ = std::jthread([this] { release(); });
}

}  // namespace assay::runners
