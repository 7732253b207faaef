#include "suites/sandbox/warm_cell.h"

#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include "harness/base/json.h"
#include "harness/base/text.h"
#include "suites/sandbox/host_files.h"
#include "suites/sandbox/spawn.h"
#include "suites/sandbox/warm_source.h"

namespace assay::suites {
namespace {

constexpr int kLongestAnswerMs = 30'000;   // to a request; a busy machine takes its time
constexpr std::int64_t kOwnProcesses = 4;  // of a cell, counted with a program's threads
constexpr std::int64_t kOwnFolderBytes = std::int64_t{4} << 20;

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

/// The number of the process behind a descriptor, as this process sees it; 0 if it has ended.
pid_t number_of(const UniqueFd& process) {
  std::ifstream file("/proc/self/fdinfo/" + std::to_string(process.get()));
  for (std::string word; file >> word;) {
    pid_t number = 0;
    if (word == "Pid:" && file >> number) return number > 0 ? number : 0;
  }
  return 0;
}

bool send_with(int socket, std::string_view text, const std::vector<int>& fds) {
  iovec part{const_cast<char*>(text.data()), text.size()};  // iovec serves reading too
  std::array<char, CMSG_SPACE(8 * sizeof(int))> space{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  ssize_t n = 0;
  do n = sendmsg(socket, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n == static_cast<ssize_t>(text.size());
}

Json files_document(const std::vector<ProgramFile>& files) {
  Json list = Json::array();
  for (const ProgramFile& file : files) list.push_back(Json::array({file.name, file.text}));
  return list;
}

}  // namespace

Result<std::unique_ptr<WarmCell>> WarmCell::start(const BwrapHost& host, const std::string& python,
                                                  std::string_view library) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return environment_error("sandbox: socketpair: ", std::strerror(errno));
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  ASSAY_ASSIGN(ours, move_up(std::move(ours)));
  ASSAY_ASSIGN(theirs, move_up(std::move(theirs)));
  ASSAY_ASSIGN(UniqueFd words, memory_file(""));
  ASSAY_ASSIGN(Pipe status, open_pipe());
  UniqueFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing) return environment_error("sandbox: /dev/null: ", std::strerror(errno));
  ASSAY_ASSIGN(nothing, move_up(std::move(nothing)));

  Json config;
  config["clone"] = seccomp_syscall_resolve_name("clone");
  config["filter"] = hexadecimal(host.system_call_filter);
  config["library"] = library;
  ASSAY_ASSIGN(const UniqueFd config_file, memory_file(to_json_text(config)));
  ASSAY_ASSIGN(const UniqueFd source_file, memory_file(kWarmSource));

  SandboxLimits limits;
  limits.folder_bytes = kOwnFolderBytes + static_cast<std::int64_t>(library.size());
  BwrapSetup setup;
  setup.bwrap_path = host.bwrap_path;
  setup.python_prefix = host.python_prefix;
  setup.status_fd = status.write.get();
  setup.files = {{"warm.json", config_file.get()}, {"warm.py", source_file.get()}};
  setup.command = {python, "-s", "-S", "-B", "/tmp/warm.py"};

  SpawnRequest request;
  request.command = bwrap_command(setup, limits);
  request.kept_fds = {setup.status_fd, config_file.get(), source_file.get()};
  request.stdin_fd = nothing.get();
  request.stdout_fd = nothing.get();
  request.stderr_fd = words.get();
  request.channel_fd = theirs.get();
  // A thread's stack has the size that the limit had when its process began.
  request.rlimits = {{RLIMIT_STACK, static_cast<std::uint64_t>(limits.stack_bytes)}, {RLIMIT_CORE, 0}};
  request.as_nobody = host.as_nobody;
  request.outlives_thread = true;
  ASSAY_ASSIGN(const pid_t process, spawn(request));

  std::unique_ptr<WarmCell> cell(new WarmCell);
  cell->control_ = std::move(ours);
  cell->stderr_ = std::move(words);
  ASSAY_ASSIGN(cell->outer_, open_process(process));
  status.write.reset();
  theirs.reset();
  ASSAY_TRY(cell->receive(false));

  std::array<char, 512> text;  // bubblewrap's first line is there: what it runs has answered
  const ssize_t n = read(status.read.get(), text.data(), text.size());
  const std::string_view lines(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  const auto first = parse_json(lines.substr(0, lines.find('\n')), "bubblewrap's status");
  if (!first || !first->is_object() || !first->contains("child-pid")) {
    return environment_error("sandbox: bubblewrap did not tell its process");
  }
  ASSAY_ASSIGN(cell->inside_, open_process(first->at("child-pid").get<pid_t>()));
  return cell;
}

WarmCell::~WarmCell() {
  control_.reset();  // ends the interpreter, if nothing else does
  kill_process(inside_);
  kill_process(outer_);
  if (outer_) reap(outer_);
  if (inside_) reap(inside_);
}

Result<RunningProgram> WarmCell::launch(const std::string& entry, const std::vector<ProgramFile>& files,
                                        std::string stdin_text, int channel_fd, const SandboxLimits& given_limits) {
  const SandboxLimits limits = with_room_for(files, given_limits);
  ASSAY_ASSIGN(StandardPipes pipes, open_standard_pipes());
  ASSAY_ASSIGN(Pipe status, open_pipe());
  ASSAY_ASSIGN(const UniqueFd texts, memory_file(to_json_text(files_document(files))));

  Json request;
  request["entry"] = entry;
  request["folder_bytes"] = limits.folder_bytes;
  request["rlimits"] = Json::array();
  for (const auto& [kind, value] : resource_limits(limits)) request["rlimits"].push_back(Json::array({kind, value}));
  if (counts_processes_per_namespace()) {
    request["rlimits"].push_back(Json::array({static_cast<int>(RLIMIT_NPROC), limits.n_threads + kOwnProcesses}));
  }
  std::vector<int> fds = {pipes.in.read.get(), pipes.out.write.get(), pipes.err.write.get(), status.write.get(),
                          texts.get()};
  if (channel_fd >= 0) fds.push_back(channel_fd);
  if (!send_with(control_.get(), to_json_text(request), fds)) {
    return environment_error("sandbox: a warm interpreter ended: ", last_words());
  }
  ASSAY_ASSIGN(UniqueFd keeper, receive(true));
  ProgramPipes own;
  own.stdin_write = std::move(pipes.in.write);
  own.stdout_read = std::move(pipes.out.read);
  own.stderr_read = std::move(pipes.err.read);
  own.status_read = std::move(status.read);
  const pid_t number = number_of(keeper);
  return RunningProgram::adopt_warm(std::move(keeper), number, std::move(own), std::move(stdin_text), limits);
}

/// The next message; its descriptor, if it must have one.
Result<UniqueFd> WarmCell::receive(bool with_descriptor) {
  pollfd waiting{control_.get(), POLLIN, 0};
  int ready = 0;
  do ready = poll(&waiting, 1, kLongestAnswerMs);
  while (ready < 0 && errno == EINTR);
  if (ready <= 0) return environment_error("sandbox: a warm interpreter does not answer");

  std::array<char, 256> text;
  std::array<char, CMSG_SPACE(sizeof(int))> space{};
  iovec part{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  const ssize_t n = recvmsg(control_.get(), &message, MSG_CMSG_CLOEXEC);
  if (n <= 0) return environment_error("sandbox: a warm interpreter ended: ", last_words());
  UniqueFd descriptor;
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    descriptor = UniqueFd(fd);
  }
  if (with_descriptor && !descriptor) return environment_error("sandbox: a warm interpreter gave no process");
  return descriptor;
}

std::string WarmCell::last_words() {
  std::array<char, 4096> text;
  const off_t size = lseek(stderr_.get(), 0, SEEK_END);
  const off_t begin = std::max<off_t>(0, size - static_cast<off_t>(text.size()));
  const ssize_t n = pread(stderr_.get(), text.data(), text.size(), begin);
  return quoted_excerpt(trim(std::string_view(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0)), 600);
}

Result<std::unique_ptr<WarmCell>> WarmPool::take(const BwrapHost& host, const std::string& python,
                                                 const char* library) {
  {
    const std::lock_guard lock(mutex_);
    for (auto idle = idle_.begin(); idle != idle_.end(); ++idle) {
      if (idle->library != library) continue;
      std::unique_ptr<WarmCell> cell = std::move(idle->cell);
      idle_.erase(idle);
      return cell;
    }
  }
  return WarmCell::start(host, python, library);
}

void WarmPool::put_back(const char* library, std::unique_ptr<WarmCell> cell) {
  const std::lock_guard lock(mutex_);
  idle_.push_back({library, std::move(cell)});
}

}  // namespace assay::suites
