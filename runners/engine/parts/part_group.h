#pragma once
// The processes of one engine, on one host or several: a model's parts. Part 0 leads: it has the scheduler, and all
// others follow what it tells them (leading_executor.h, follow.h). Each has a connection to part 0 for messages, and
// one for data.
//   Every process gives a sign of life every few seconds. A process that ends, whose host is gone or that stands still
//   for longer than the patience is noticed by the others, which then end: nobody waits for it without bound. Signs
//   come from a thread of their own: they prove that host and process are there, and say nothing of how fast its work
//   is. The network is trusted, as MPI's and NCCL's is: nothing is encrypted. A stranger who connects is turned away.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/result.h"
#include "runners/engine/parts/part_message.h"
#include "runners/engine/parts/part_socket.h"

namespace assay::runners {

/// How long is waited.
struct PartPatience {
  std::chrono::milliseconds meeting = std::chrono::minutes(2);  ///< until all are there
  std::chrono::milliseconds silence = std::chrono::seconds(30);
  std::chrono::milliseconds between_signs = std::chrono::seconds(2);
};

struct PartOptions {
  std::string program;      ///< its version, which must be the same everywhere
  std::string secret = {};  ///< that all were given on another way; may be empty
  PartPatience patience = {};
  std::stop_token stop = {};  ///< of the waiting until all are there
};

/// One thread uses it, but for check() and fail().
class PartGroup {
 public:
  /// Part 0 of n_parts: waits for the others at `listener`. Error{environment} names those that did not come.
  static Result<std::unique_ptr<PartGroup>> lead(const PartSocket& listener, int n_parts, PartOptions options);
  /// Another part: goes to where part 0 listens, which may have several addresses. Error{bad_input} if part 0 turns it
  /// away, with its reason; Error{environment} if it can't be reached.
  static Result<std::unique_ptr<PartGroup>> follow(std::span<const PartAddress> leader, int part, PartOptions options);
  /// Part 0 tells the others that nothing is to come.
  ~PartGroup();
  PartGroup(const PartGroup&) = delete;
  PartGroup& operator=(const PartGroup&) = delete;

  int part() const { return part_; }
  int n_parts() const { return static_cast<int>(hosts_.size()); }
  bool leads() const { return part_ == 0; }
  const std::string& host_of(int part) const { return hosts_[static_cast<std::size_t>(part)]; }
  /// Parts with a lower number on this part's host: which of its GPUs is this one's.
  int n_before_on_host() const;
  /// "part 1 (node2)".
  std::string name_of(int part) const;

  /// Part 0 to all others; another part to part 0.
  Result<> tell(PartMessageKind kind, std::span<const std::byte> bytes = {});
  Result<> tell(PartMessageKind kind, std::string_view text) { return tell(kind, std::as_bytes(std::span(text))); }
  /// To one other part, by part 0.
  Result<> tell_one(int part, PartMessageKind kind, std::span<const std::byte> bytes);
  /// The next message of `part`. What is not of `kind` is a failure of that part.
  Result<PartMessage> hear(int part, PartMessageKind kind);
  /// The next message of part 0, whatever it is.
  Result<PartMessage> hear_leader() { return hear_any(0); }

  /// Data of all parts, on all of them: of[r] is filled with what part r gave as `own`, but for the own part. All parts
  /// know the sizes. Over part 0.
  Result<> all_gather(std::span<const std::byte> own, std::span<const std::span<std::byte>> of);

  /// Error if a part can't go on, with its reason; any thread.
  Result<> check() const;
  /// The same, but if all seem well, a moment later: what failed here may come of another part that has just gone.
  Result<> check_again();
  /// Says that a part can't go on, to other parts too where only this one may know it, and ends all waiting; the first
  /// one counts. Any thread.
  void fail(int part, Error why);
  /// What ends waiting elsewhere, on a GPU, when a part is gone, or is so already: called once, on a thread of the
  /// group. False if it could not be done: then the process says why, and ends. Empty: nothing; once this returns, the
  /// one before is not being called.
  void set_release(std::function<bool()> new_release);

 private:
  using Clock = std::chrono::steady_clock;

  /// Another process, as this one sees it.
  struct Peer {
    int part = 0;
    std::optional<PartSocket> messages, data;
    std::mutex sending;
    std::deque<PartMessage> heard;
    std::jthread listener;
  };

  PartGroup(int part, PartOptions options) : part_(part), options_(std::move(options)) {}
  Result<> take_in(const PartSocket& listener);
  Result<> introduce(PartSocket socket);
  Result<> welcome_all();
  void begin();
  void listen_to(Peer& peer);
  void give_signs(std::stop_token stop);
  void release();
  Result<PartMessage> hear_any(int part);
  Result<> send_to(Peer& peer, PartMessageKind kind, std::span<const std::byte> bytes);
  Result<> data_failed(int part, const Result<>& result);
  Peer& peer_of(int part) { return *peers_[static_cast<std::size_t>(leads() ? part - 1 : 0)]; }

  const int part_;
  PartOptions options_;
  std::vector<std::string> hosts_;            // by part
  std::vector<std::unique_ptr<Peer>> peers_;  // of part 0: parts 1, 2, …; of another one: part 0

  mutable std::mutex mutex_;  // of what follows, and of what is heard
  std::condition_variable changed_;
  std::optional<Error> failure_;
  bool is_ending_ = false;
  int n_listening_ = 0;
  std::mutex telling_;  // the others that a part can't go on; taken before mutex_
  std::mutex releasing_;
  std::function<bool()> release_;
  std::jthread releaser_;
  std::condition_variable_any sign_time_;
  std::jthread signs_;
};

}  // namespace assay::runners
