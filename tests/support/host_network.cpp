#include "tests/support/host_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

namespace assay::test_support {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostPacketBytes = 2048;
constexpr int kFirstNumber = 1;  // host 0 is 10.77.0.1
constexpr auto kLook = std::chrono::milliseconds(50);

// ---- In the process that keeps a host. Steps give what failed, or nothing.

bool write_whole(const char* path, const std::string& text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool is_written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  return is_written;
}

/// Namespaces in which this process's user may do as it likes.
const char* enter_own_namespaces(const std::string& name) {
  const std::string user = std::to_string(::getuid()), group = std::to_string(::getgid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWUTS) != 0) return "namespaces";
  if (!write_whole("/proc/self/setgroups", "deny")) return "setgroups";
  if (!write_whole("/proc/self/uid_map", user + " " + user + " 1")) return "uid_map";
  if (!write_whole("/proc/self/gid_map", group + " " + group + " 1")) return "gid_map";
  return ::sethostname(name.data(), name.size()) == 0 ? nullptr : "sethostname";
}

sockaddr ipv4(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, text.c_str(), &address.sin_addr);
  sockaddr any;
  std::memcpy(&any, &address, sizeof any);
  return any;
}

const char* switch_on(int socket, const char* name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ::ioctl(socket, SIOCSIFFLAGS, &request) == 0 ? nullptr : "SIOCSIFFLAGS";
}

/// The host's interface, in `interface`.
const char* make_interface(const std::string& address, int& interface) {
  interface = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (interface < 0) return "/dev/net/tun";
  ifreq request{};
  std::strncpy(request.ifr_name, "net0", IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(interface, TUNSETIFF, &request) != 0) return "TUNSETIFF";
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  request.ifr_addr = ipv4(address);
  if (::ioctl(socket, SIOCSIFADDR, &request) != 0) return "SIOCSIFADDR";
  request.ifr_netmask = ipv4("255.255.255.0");
  if (::ioctl(socket, SIOCSIFNETMASK, &request) != 0) return "SIOCSIFNETMASK";
  if (const char* failed = switch_on(socket, "net0")) return failed;
  if (const char* failed = switch_on(socket, "lo")) return failed;
  ::close(socket);
  return nullptr;
}

/// A message of a text and a descriptor: all that a host's keeper ever says.
struct Word {
  std::array<char, 128> text{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec part{text.data(), text.size()};
  msghdr head{};

  Word() {
    head.msg_iov = &part;
    head.msg_iovlen = 1;
    head.msg_control = control.data();
    head.msg_controllen = control.size();
  }
};

void tell(int socket, const std::string& failure, int descriptor) {
  Word word;
  std::strncpy(word.text.data(), failure.c_str(), word.text.size() - 1);
  if (descriptor < 0) {
    word.head.msg_controllen = 0;
  } else {
    cmsghdr* const given = CMSG_FIRSTHDR(&word.head);
    given->cmsg_level = SOL_SOCKET;
    given->cmsg_type = SCM_RIGHTS;
    given->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(given), &descriptor, sizeof descriptor);
  }
  static_cast<void>(::sendmsg(socket, &word.head, 0));
}

[[noreturn]] void keep_host(int socket, const std::string& name, const std::string& address) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  int interface = -1;
  const char* failed = enter_own_namespaces(name);
  if (failed == nullptr) failed = make_interface(address, interface);
  tell(socket, failed == nullptr ? "" : std::string(failed) + ": " + std::strerror(errno),
       failed == nullptr ? interface : -1);
  for (;;) ::pause();
}

/// The interface that the keeper made.
Result<int> hear(int socket) {
  Word word;
  if (::recvmsg(socket, &word.head, MSG_CMSG_CLOEXEC) <= 0) return environment_error("a host's process ended");
  const cmsghdr* const given = CMSG_FIRSTHDR(&word.head);
  if (given == nullptr) return environment_error("this machine can't have a network of hosts: ", word.text.data());
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(given), sizeof descriptor);
  return descriptor;
}

/// What a host sends next; empty if there is nothing now.
std::vector<char> next_packet(int interface) {
  std::vector<char> bytes(kMostPacketBytes);
  const ssize_t n = ::read(interface, bytes.data(), bytes.size());
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

/// The number of the host that an IPv4 packet is for; nothing for other packets.
std::optional<std::size_t> receiver_of(const std::vector<char>& packet) {
  constexpr std::size_t kHeaderBytes = 20, kLastOfDestination = 19;
  if (packet.size() < kHeaderBytes || (packet[0] & 0xf0) != 0x40) return {};
  return static_cast<unsigned char>(packet[kLastOfDestination]) - std::size_t{kFirstNumber};
}

struct Packet {
  Clock::time_point due;
  std::size_t to = 0;  // a host
  std::vector<char> bytes;
};

}  // namespace

std::string HostNetwork::name_of(int host) { return "host" + std::to_string(host); }
std::string HostNetwork::address_of(int host) { return "10.77.0." + std::to_string(host + kFirstNumber); }

Result<std::unique_ptr<HostNetwork>> HostNetwork::create(int n_hosts) {
  std::unique_ptr<HostNetwork> network(new HostNetwork());
  for (int host = 0; host < n_hosts; ++host) ASSAY_TRY(network->add_host(host));
  network->carrier_ = std::jthread([&network = *network](std::stop_token stop) { network.carry(std::move(stop)); });
  return network;
}

HostNetwork::~HostNetwork() {
  carrier_ = {};  // joined
  for (const Host& host : hosts_) {
    ::kill(host.keeper, SIGKILL);
    ::waitpid(host.keeper, nullptr, 0);
    if (host.interface >= 0) ::close(host.interface);
  }
}

Result<> HostNetwork::add_host(int host) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return environment_error("socketpair: ", std::strerror(errno));
  }
  const pid_t keeper = ::fork();
  if (keeper == 0) keep_host(ends[1], name_of(host), address_of(host));
  ::close(ends[1]);
  const Result<int> interface = keeper < 0 ? environment_error("fork: ", std::strerror(errno)) : hear(ends[0]);
  ::close(ends[0]);
  if (keeper > 0) hosts_.push_back({keeper, interface ? *interface : -1, true});
  return interface ? Result<>() : interface.error();
}

std::vector<std::string> HostNetwork::on(int host) const {
  return {"nsenter",
          "--target",
          std::to_string(hosts_.at(static_cast<std::size_t>(host)).keeper),
          "--user",
          "--net",
          "--uts",
          "--preserve-credentials"};
}

void HostNetwork::set_quality(const LinkQuality& quality) {
  const std::scoped_lock lock(mutex_);
  quality_ = quality;
}

void HostNetwork::set_reachable(int host, bool is_reachable) {
  const std::scoped_lock lock(mutex_);
  hosts_.at(static_cast<std::size_t>(host)).is_reachable = is_reachable;
}

/// Takes each packet to the host that it is for, when its time has come.
void HostNetwork::carry(std::stop_token stop) {
  std::deque<Packet> under_way;  // in the order in which they came
  std::vector<pollfd> waited;
  for (const Host& host : hosts_) waited.push_back({host.interface, POLLIN, 0});
  while (!stop.stop_requested()) {
    auto left = kLook;
    if (!under_way.empty()) {
      left = std::min(left, std::chrono::ceil<std::chrono::milliseconds>(under_way.front().due - Clock::now()));
    }
    ::poll(waited.data(), waited.size(), std::max(0, static_cast<int>(left.count())));
    const std::scoped_lock lock(mutex_);
    for (std::size_t from = 0; from < hosts_.size(); ++from) {
      const int interface = hosts_[from].interface;
      for (auto bytes = next_packet(interface); !bytes.empty(); bytes = next_packet(interface)) {
        const std::optional<std::size_t> to = receiver_of(bytes);
        const bool is_lost = std::uniform_real_distribution<>()(generator_) < quality_.loss_ratio;
        if (!to || *to >= hosts_.size() || is_lost || !hosts_[from].is_reachable) continue;
        under_way.push_back({Clock::now() + quality_.delay, *to, std::move(bytes)});
      }
    }
    for (; !under_way.empty() && under_way.front().due <= Clock::now(); under_way.pop_front()) {
      const Packet& packet = under_way.front();
      const Host& host = hosts_[packet.to];
      if (host.is_reachable) static_cast<void>(::write(host.interface, packet.bytes.data(), packet.bytes.size()));
    }
  }
}

}  // namespace assay::test_support
