#include "harness/cli/across.h"

#include <random>
#include <utility>

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/cli/option_table.h"
#include "harness/run/build_facts.h"
#include "harness/run/load_view.h"
#include "harness/run/model_registry.h"
#include "runners/engine/parts/follow.h"

namespace assay::cli {

namespace {

using runners::PartAddress;
using runners::PartGroup;
using runners::PartOptions;
using runners::PartSocket;

constexpr std::string_view kMpi = "mpi";

std::string program_text() {
  const run::BuildFacts& build = run::build_facts();
  return "assay " + build.version + (build.git_commit.empty() ? "" : " " + build.git_commit.substr(0, 12));
}

/// Nobody guesses it.
std::string random_text() {
  std::random_device device;
  std::string text;
  for (int i = 0; i < 4; ++i) text += to_text(static_cast<std::int64_t>(device())) + ".";
  return text;
}

/// What part 0 tells by MPI: where it listens; without a port, why it does not.
struct Meeting {
  int port = 0;
  std::string secret;
  std::vector<std::string> addresses;
};

std::string meeting_text(const Meeting& meeting) {
  return to_json_text(Json{{"port", meeting.port}, {"secret", meeting.secret}, {"addresses", meeting.addresses}});
}

Result<Meeting> parse_meeting(const std::string& text) {
  ASSAY_ASSIGN(const Json document, parse_json(text, "part 0's address"));
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, "part 0's address"));
  Meeting meeting;
  ASSAY_ASSIGN(const std::int64_t port, fields.integer("port"));
  meeting.port = static_cast<int>(port);
  ASSAY_ASSIGN(meeting.secret, fields.string("secret"));
  ASSAY_ASSIGN(meeting.addresses, fields.strings("addresses"));
  return meeting;
}

Result<run::MpiGroup> join_mpi() {
  std::optional<run::MpiGroup> group = run::MpiGroup::join();
  if (group) return {std::move(*group)};
  if (!run::has_mpi()) return bad_input("--across mpi: this build has no MPI; give --across HOST:PORT");
  return bad_input("--across mpi: no mpirun started this process; give --across HOST:PORT, with --part for each");
}

Result<> check_spread(const run::RunnerOptions& runner) {
  if (run::reference_kind(runner.model) != run::ReferenceKind::model) {
    return bad_input("--across: spreads a model that runs here, not recorded outputs or an endpoint");
  }
  if (runner.parallel.n_ranks() == 1) {
    return bad_input("--across: over how many processes? Give --tensor-parallel or --expert-parallel");
  }
  if (runner.parallel.link_gb_per_s > 0) {
    return bad_input("--link-gb-s: holds back the links of GPUs in one process, not --across several");
  }
  if (runner.device.find(',') != std::string::npos) {
    return bad_input("--device ", runner.device, ": with --across each process has one GPU");
  }
  return {};
}

}  // namespace

void add_across_options(CLI::App& app, AcrossWords& words) {
  add_text(app, "--across", words.where, "mpi|HOST:PORT",
           "Spread the model over as many processes as --tensor-parallel or --expert-parallel says, on one host or "
           "many, with "
           "a GPU each, or with their processors: those that mpirun started (mpi), or any others, of which the first "
           "listens "
           "at HOST:PORT (default: one process)")
      ->check([](const std::string& word) {
        if (word == kMpi) return std::string();
        const auto address = runners::parse_part_address(word);
        return address ? std::string() : "mpi, or else " + address.error().message;
      });
  add_integer(
      app, "--part", words.part, 0, 7,
      "Which part of the model this process has, from 0, which is the command itself; the others take all their "
      "other words from it, but --device, --threads and where they have --model (default: what mpirun or srun "
      "says)");
}

Result<int> part_of(const AcrossWords& words, const run::EnvironmentLookup& environment) {
  if (words.where.empty()) {
    if (words.part) return bad_input("--part ", *words.part, ": takes --across mpi or --across HOST:PORT");
    return 0;
  }
  if (words.part) return static_cast<int>(*words.part);
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"}) {
    const std::optional<std::string> text = environment(name);
    if (!text || text->empty()) continue;
    const auto number = parse_integer(*text);
    if (!number || *number < 0 || *number > run::kMostRanks) {
      return bad_input(name, " is ", quoted_excerpt(*text), ", must be a number from 0; --part says it otherwise");
    }
    return static_cast<int>(*number);
  }
  return bad_input("--across ", words.where, ": which part is this? Give --part, or start it by mpirun or srun");
}

Result<std::unique_ptr<PartGroup>> lead_parts(const AcrossWords& words, const run::RunnerOptions& runner,
                                              const run::StopSignals& signals) {
  if (words.where.empty()) return std::unique_ptr<PartGroup>();
  const Result<> spread = check_spread(runner);
  const int n_parts = runner.parallel.n_ranks();
  PartOptions options{.program = program_text(), .secret = "", .stop = signals.token()};
  std::unique_ptr<PartGroup> group;
  if (words.where != kMpi) {
    ASSAY_TRY(spread);
    ASSAY_ASSIGN(const PartAddress address, runners::parse_part_address(words.where));
    ASSAY_ASSIGN(const PartSocket listener, PartSocket::listen(address.port));
    log_note("part 0 of ", n_parts, " waits for the others at ", address.text());
    ASSAY_ASSIGN(group, PartGroup::lead(listener, n_parts, std::move(options)));
    return group;
  }
  ASSAY_ASSIGN(std::optional<run::MpiGroup> mpi, join_mpi());
  // Whatever is wrong, the others are told: they wait in MPI.
  Result<PartSocket> listener = PartSocket::listen(0);
  Result<> ready = spread;
  if (ready && mpi->ranks() != n_parts) {
    ready = bad_input("--across mpi: ", mpi->ranks(), " processes were started for a model in ", n_parts,
                      " parts; --tensor-parallel or --expert-parallel says how many");
  }
  if (ready && !listener) ready = listener.error();
  options.secret = random_text();
  Meeting meeting;
  if (ready) meeting = {listener->port(), options.secret, runners::interface_addresses()};
  mpi->gather(meeting_text(meeting));
  mpi.reset();
  ASSAY_TRY(ready);
  ASSAY_ASSIGN(group, PartGroup::lead(*listener, n_parts, std::move(options)));
  return group;
}

Result<int> follow_part(const AcrossWords& words, int part, const FollowWords& own) {
  const run::StopSignals signals;  // a first one is part 0's to act on
  if (words.where == kMpi && log_level() != LogLevel::verbose) set_log_level(LogLevel::quiet);  // part 0 speaks
  PartOptions options{.program = program_text(), .secret = "", .stop = signals.token()};
  std::vector<PartAddress> leader;
  if (words.where == kMpi) {
    ASSAY_ASSIGN(std::optional<run::MpiGroup> mpi, join_mpi());
    const std::string told = mpi->gather("").front();
    mpi.reset();
    ASSAY_ASSIGN(Meeting meeting, parse_meeting(told));
    if (meeting.port == 0) return static_cast<int>(ErrorKind::bad_input);  // part 0 has said why
    for (std::string& address : meeting.addresses) leader.push_back({std::move(address), meeting.port});
    options.secret = std::move(meeting.secret);
  } else {
    ASSAY_ASSIGN(PartAddress address, runners::parse_part_address(words.where));
    leader.push_back(std::move(address));
  }
  ASSAY_ASSIGN(const std::unique_ptr<PartGroup> group, PartGroup::follow(leader, part, std::move(options)));
  log_note("part ", part, " of ", group->n_parts(), " follows ", group->name_of(0));
  runners::FollowOptions follow;
  if (!own.model.empty()) {
    // A part's own words name the model where it has it; where they name none, part 0's place is as good.
    if (auto path = run::resolve_model(own.model)) {
      follow.path = *path;
    } else {
      log_note(path.error().message, "; the model is looked for where part 0 has it");
    }
  }
  follow.device = own.device;
  if (own.threads) follow.n_threads = static_cast<int>(*own.threads);
  const Result<> followed = runners::follow_leader(*group, follow);
  if (followed) return 0;
  Error error = followed.error();
  error.message = "part " + std::to_string(part) + ": " + error.message;
  if (error.kind == ErrorKind::environment) {
    error.message += "; part 0 has stored what is finished, and the same command goes on with it";
  }
  return error;
}

}  // namespace assay::cli
