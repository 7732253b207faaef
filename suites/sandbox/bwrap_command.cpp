#include "suites/sandbox/bwrap_command.h"

#include <filesystem>
#include <initializer_list>

#include "harness/base/text.h"

namespace assay::suites {
namespace {

namespace fs = std::filesystem;

class Arguments {
 public:
  void add(std::initializer_list<std::string> words) { words_.insert(words_.end(), words); }
  std::vector<std::string> take() { return std::move(words_); }

 private:
  std::vector<std::string> words_;
};

// /lib and the like: links into /usr on a merged system, folders on others.
void add_system_folders(Arguments& arguments) {
  arguments.add({"--ro-bind", "/usr", "/usr"});
  std::error_code ignored;
  for (const char* folder : {"/lib", "/lib64", "/lib32", "/bin"}) {
    if (fs::is_symlink(folder, ignored)) {
      arguments.add({"--symlink", fs::read_symlink(folder, ignored).string(), folder});
    } else {
      arguments.add({"--ro-bind-try", folder, folder});
    }
  }
}

}  // namespace

std::vector<std::string> bwrap_command(const BwrapSetup& setup, const SandboxLimits& limits) {
  Arguments arguments;
  arguments.add({setup.bwrap_path, "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534"});
  arguments.add({"--hostname", "sandbox", "--new-session", "--clearenv", "--cap-drop", "ALL"});
  const bool is_warm = setup.filter_fd < 0;
  if (is_warm) {
    // It makes namespaces for its programs, and ends when its control socket does, not with the thread that started it.
    arguments.add({"--cap-add", "CAP_SYS_ADMIN"});
  } else {
    arguments.add({"--die-with-parent"});
  }
  for (const std::string& variable : program_environment("/tmp")) {
    const std::size_t equals = variable.find('=');
    arguments.add({"--setenv", variable.substr(0, equals), variable.substr(equals + 1)});
  }

  add_system_folders(arguments);
  if (!setup.python_prefix.starts_with("/usr/") && setup.python_prefix != "/usr") {
    arguments.add({"--ro-bind", setup.python_prefix, setup.python_prefix});
  }
  arguments.add({"--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"});
  arguments.add({"--ro-bind-try", "/etc/localtime", "/etc/localtime"});
  // Single devices, not bubblewrap's --dev: that has a writable /dev/shm without a size. No /proc: it shows the
  // machine.
  for (const char* device : {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"}) {
    arguments.add({"--dev-bind", device, device});
  }
  arguments.add({"--size", to_text(limits.folder_bytes), "--tmpfs", "/tmp"});
  for (const auto& [name, fd] : setup.files) {
    arguments.add({"--perms", "0755", "--file", to_text(std::int64_t{fd}), "/tmp/" + name});
  }
  arguments.add({"--remount-ro", "/", "--chdir", "/tmp"});

  if (!is_warm) arguments.add({"--seccomp", to_text(std::int64_t{setup.filter_fd})});
  arguments.add({"--json-status-fd", to_text(std::int64_t{setup.status_fd}), "--"});
  std::vector<std::string> words = arguments.take();
  words.insert(words.end(), setup.command.begin(), setup.command.end());
  return words;
}

std::vector<std::string> program_environment(const std::string& home) {
  return {"PATH=/usr/bin:/bin", "HOME=" + home,     "TMPDIR=" + home,   "LANG=C.UTF-8",
          "PYTHONUTF8=1",       "PYTHONHASHSEED=0", "PYTHONSAFEPATH=1", "PYTHONDONTWRITEBYTECODE=1"};
}

}  // namespace assay::suites
