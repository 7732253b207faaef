#include "runners/engine/parts/part_message.h"

#include <algorithm>
#include <cstring>

namespace assay::runners {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPiece = std::size_t{1} << 16;

template <class T>
std::span<std::byte> bytes_of(T& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

}  // namespace

Result<PartMessage> receive_message(const PartSocket& socket, std::chrono::milliseconds silence,
                                    std::size_t most_bytes) {
  PartMessageHead head;
  ASSAY_TRY(socket.receive(bytes_of(head), Clock::now() + silence));
  if (head.mark != PartMessageHead().mark || head.n_bytes > most_bytes) {
    return environment_error("it sends what is no message");
  }
  PartMessage message{static_cast<PartMessageKind>(head.kind), {}};
  while (message.bytes.size() < head.n_bytes) {
    const std::size_t at = message.bytes.size(), n = std::min<std::size_t>(kPiece, head.n_bytes - at);
    message.bytes.resize(at + n);
    ASSAY_TRY(socket.receive(std::span(message.bytes).subspan(at), Clock::now() + silence));
  }
  return message;
}

Result<> send_message(const PartSocket& socket, PartMessageKind kind, std::span<const std::byte> bytes) {
  PartMessageHead head;
  head.kind = static_cast<std::uint32_t>(kind);
  head.n_bytes = bytes.size();
  constexpr std::size_t kTogether = 65536;
  if (bytes.size() > kTogether) {
    ASSAY_TRY(socket.send(bytes_of(head)));
    return socket.send(bytes);
  }
  std::vector<std::byte> all(sizeof head + bytes.size());
  std::memcpy(all.data(), &head, sizeof head);
  std::copy(bytes.begin(), bytes.end(), all.begin() + sizeof head);
  return socket.send(all);
}

}  // namespace assay::runners
