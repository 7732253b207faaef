#pragma once
// A message between the processes of one engine, over a connection.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "runners/engine/parts/part_socket.h"

namespace assay::runners {

/// What one process tells another.
enum class PartMessageKind : std::uint32_t {
  hello,  ///< who connects
  welcome,
  refuse,  ///< why somebody is turned away
  alive,
  start,   ///< part 0: load the model
  ready,   ///< it is loaded
  pages,   ///< how many fit, and how many shall be
  run,     ///< part 0: a call of the executor
  answer,  ///< what came of it
  close,   ///< part 0: the engine is no longer needed
  failed,  ///< why a part can't go on
  end,     ///< part 0: nothing is to come
};

struct PartMessage {
  PartMessageKind kind = PartMessageKind::alive;
  std::vector<std::byte> bytes;

  std::string text() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

/// What a message begins with.
struct PartMessageHead {
  std::uint32_t kind = 0;
  std::uint32_t mark = 0x59415341;
  std::uint64_t n_bytes = 0;  ///< behind it
};

/// The next message. Each of its pieces must come within `silence`, and one is so small that a slow network brings it
/// in that time. Error{environment} if none does, for more than `most_bytes`, and for what is no message.
Result<PartMessage> receive_message(const PartSocket& socket, std::chrono::milliseconds silence,
                                    std::size_t most_bytes);
Result<> send_message(const PartSocket& socket, PartMessageKind kind, std::span<const std::byte> bytes);

}  // namespace assay::runners
