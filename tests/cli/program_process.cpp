#include "tests/cli/program_process.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "results/store.h"
#include "tests/support/catch.h"

namespace assay::program_test {

int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(socket >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  const bool is_bound = ::bind(socket, any, size) == 0 && ::getsockname(socket, any, &size) == 0;
  ::close(socket);
  REQUIRE(is_bound);
  return ntohs(address.sin_port);
}

void write_text(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Call::Call(const std::vector<std::string>& words, const std::map<std::string, std::string>& environment,
           const std::string& standard_input, const std::vector<std::string>& wrapper) {
  write_text(folder_ / "in", standard_input);
  std::vector<std::string> all = wrapper;
  all.push_back(ASSAY_PROGRAM);
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::string in = folder_ / "in", out = folder_ / "out", err = folder_ / "err";
  process_ = ::fork();
  REQUIRE(process_ >= 0);
  if (process_ > 0) return;
  ::dup2(::open(in.c_str(), O_RDONLY), STDIN_FILENO);
  ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
  ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
  ::unsetenv("ASSAY_DB");
  for (const auto& [name, value] : environment) {
    if (value.empty()) ::unsetenv(name.c_str());
    if (!value.empty()) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

Call::~Call() {
  if (reaped_) return;
  ::kill(process_, SIGKILL);
  (void)wait();
}

void Call::send(int signal_number) const { ::kill(process_, signal_number); }

void Call::stop() const {
  send(SIGSTOP);
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(process_), &info, WSTOPPED | WEXITED | WNOWAIT);
}

bool Call::has_ended() {
  if (!reaped_ && ::waitpid(process_, &status_, WNOHANG) == process_) reaped_ = true;
  return reaped_;
}

Ended Call::wait() {
  if (!reaped_) ::waitpid(process_, &status_, 0);
  reaped_ = true;
  Ended ended;
  if (WIFEXITED(status_)) ended.exit_code = WEXITSTATUS(status_);
  if (WIFSIGNALED(status_)) ended.signal = WTERMSIG(status_);
  ended.out = read_text(folder_ / "out");
  ended.err = read_text(folder_ / "err");
  return ended;
}

Ended call(const std::vector<std::string>& words, const std::map<std::string, std::string>& environment,
           const std::string& standard_input) {
  return Call(words, environment, standard_input).wait();
}

Ended call_under(const std::vector<std::string>& wrapper, const std::vector<std::string>& words) {
  return Call(words, {}, "", wrapper).wait();
}

Json json_of(const std::string& text) {
  INFO(text);
  auto document = parse_json(text, "standard output");
  if (!document) FAIL(document.error().message);
  return std::move(*document);
}

std::vector<Json> json_lines_of(const std::string& text) {
  std::vector<Json> lines;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    lines.push_back(json_of(text.substr(at, end - at)));
    at = end + 1;
  }
  return lines;
}

std::string write_suite(const TemporaryFolder& folder, const std::string& name, int n_items) {
  std::filesystem::create_directory(folder / name);
  write_text(folder / (name + "/suite.json"),
             R"({"name":")" + name +
                 R"(","version":"1","kind":"text","title":"Words","licence":"none","source":"made by a test"})");
  std::string items;
  for (int i = 0; i < n_items; ++i) {
    const std::string n = std::to_string(i);
    items += R"({"id":"q)" + n + R"(","question":"Say a)" + n + R"(","answer":["a)" + n + R"("],"tag":")" +
             (i % 2 == 0 ? "even" : "odd") + "\"}\n";
  }
  write_text(folder / (name + "/items.jsonl"), items);
  return folder / name;
}

std::string write_recording(const TemporaryFolder& folder, const std::string& name, int n_items, int n_samples) {
  std::string lines;
  for (int i = 0; i < n_items; ++i) {
    for (int k = 0; k < n_samples; ++k) {
      const std::string n = std::to_string(i);
      lines += R"({"id":"q)" + n + R"(","sample":)" + std::to_string(k) + R"(,"output":"Answer: )" +
               (i % 5 == 0 ? "no" : "a" + n) +
               R"(","prompt_tokens":10,"output_tokens":4,"ttft_ms":20,"e2e_ms":50,"finish_reason":"eos"})" + "\n";
    }
  }
  write_text(folder / name, lines);
  return "replay:" + (folder / name);
}

std::map<std::string, std::string> stored_content(const std::string& db) {
  const auto store = results::Store::open_read_only(db);
  REQUIRE(store);
  const auto run = store->find_run("latest");
  REQUIRE(run);
  std::map<std::string, std::string> content;
  REQUIRE(store->for_each_sample(
      *run, "", results::SampleParts::transcripts, [&](const results::SampleRecord& record) -> Result<> {
        const results::SampleFacts& sample = record.sample;
        const results::VerdictFacts& verdict = record.verdict;
        const Json all = {sample.rendered_prompt_sha256,
                          sample.tokens,
                          sample.text,
                          sample.finish_reason.value_or(""),
                          sample.failure.value_or(""),
                          results::to_string(verdict.verdict),
                          verdict.answer.value_or(""),
                          verdict.expected.value_or(""),
                          verdict.rule};
        const std::string key =
            sample.key.suite + "/" + sample.key.item.value + ":" + std::to_string(sample.key.sample);
        content[key] = to_json_text(all);
        return {};
      }));
  return content;
}

std::int64_t n_stored(const std::string& db) {
  const auto store = results::Store::open_read_only(db);
  if (!store) return 0;
  const auto run = store->find_run("latest");
  if (!run) return 0;
  const auto keys = store->stored_samples(*run);
  return keys ? static_cast<std::int64_t>(keys->size()) : 0;
}

void wait_for_samples(Call& running, const std::string& db, std::int64_t n) {
  while (!running.has_ended() && n_stored(db) < n) std::this_thread::yield();
}

std::vector<std::string> resume_words(const std::string& message) {
  const std::string before = "resume with: assay ";
  const std::size_t begin = message.find(before);
  REQUIRE(begin != std::string::npos);
  std::vector<std::string> words;
  std::string word;
  for (const char c : message.substr(begin + before.size())) {
    if (c != ' ' && c != '\n') {
      word += c;
      continue;
    }
    if (!word.empty()) words.push_back(word);
    word.clear();
  }
  return words;
}

std::string state_of_newest_run(const std::string& db) {
  const Ended ended = call({"runs", "--json", "--db", db});
  if (ended.exit_code != 0) return "";
  const Json runs = json_of(ended.out)["runs"];
  return runs.empty() ? "" : runs[0]["state"].get<std::string>();
}

}  // namespace assay::program_test
