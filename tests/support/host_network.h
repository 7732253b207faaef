#pragma once
// A network of several hosts on this machine, as slow, lossy and broken as a test wants it: each host is a network
// namespace with a name and one interface, whose packets are carried here, or not. Takes no rights but those to make
// user namespaces and to open /dev/net/tun.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/result.h"

namespace assay::test_support {

/// How packets travel, from any host to any other.
struct LinkQuality {
  std::chrono::milliseconds delay{0};  ///< one way
  double loss_ratio = 0;
};

/// IPv4 alone. Any thread.
class HostNetwork {
 public:
  /// Hosts 0, 1, …, at most 100. Error{environment} says why this machine can't have them.
  static Result<std::unique_ptr<HostNetwork>> create(int n_hosts);
  ~HostNetwork();
  HostNetwork(const HostNetwork&) = delete;
  HostNetwork& operator=(const HostNetwork&) = delete;

  /// "host1", as the host itself calls itself; nothing resolves it.
  static std::string name_of(int host);
  /// "10.77.0.2"
  static std::string address_of(int host);
  /// What starts a program on the host: words to stand before the program's own.
  std::vector<std::string> on(int host) const;

  void set_quality(const LinkQuality& quality);
  /// Not reachable: nothing comes to the host and nothing leaves it, and nobody is told so, as if its power had gone.
  void set_reachable(int host, bool is_reachable);

 private:
  struct Host {
    pid_t keeper = -1;   // the process that its namespaces live by
    int interface = -1;  // its packets
    bool is_reachable = true;
  };

  HostNetwork() = default;
  Result<> add_host(int host);
  void carry(std::stop_token stop);

  std::vector<Host> hosts_;
  std::mutex mutex_;  // of what follows, and of is_reachable
  LinkQuality quality_;
  std::mt19937 generator_{20};
  std::jthread carrier_;
};

}  // namespace assay::test_support
