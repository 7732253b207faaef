#pragma once
// An endpoint on loopback that answers at once: what a client measures on it is its own cost.

#include <memory>
#include <string>

#include "harness/base/result.h"

namespace assay::bench {

/// Speaks as much of OpenAI's protocol as the endpoint runner asks of a server: GET lists the model "m", every POST is
/// answered by a stream of so many one-token events, all written as soon as the request is there. One thread, plain
/// HTTP on a free port of 127.0.0.1.
class InstantServer {
 public:
  /// Error{environment} if no port can be had.
  static Result<InstantServer> start(int n_events);
  InstantServer(InstantServer&&) noexcept;
  InstantServer& operator=(InstantServer&&) noexcept;
  ~InstantServer();  ///< hangs up on everybody

  std::string reference() const;  ///< "http://127.0.0.1:PORT/v1#m"

 private:
  struct State;
  explicit InstantServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::bench
