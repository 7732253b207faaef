#include "harness/run/world.h"

#include <fstream>
#include <iterator>
#include <map>

#include "harness/run/world_file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::run;
using Catch::Matchers::Contains;

namespace {

EnvironmentLookup variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) -> std::optional<std::string> {
    const auto at = values.find(name);
    return at == values.end() ? std::nullopt : std::optional(at->second);
  };
}

EnvironmentLookup array_task(const std::string& id, const std::string& count, const std::string& least,
                             const std::string& most) {
  return variables({{"SLURM_ARRAY_TASK_ID", id},
                    {"SLURM_ARRAY_TASK_COUNT", count},
                    {"SLURM_ARRAY_TASK_MIN", least},
                    {"SLURM_ARRAY_TASK_MAX", most}});
}

}  // namespace

TEST_CASE("find_world: nobody says anything, and a process is alone", "[run]") {
  const auto world = find_world({}, {}, variables({}));
  REQUIRE(world);
  CHECK(world->ranks == 1);
  CHECK(world->said_by.empty());
}

TEST_CASE("find_world: options come before the environment, both or neither", "[run]") {
  const auto environment = array_task("5", "8", "0", "7");
  const auto world = find_world(2, 4, environment);
  REQUIRE(world);
  CHECK(world->rank == 2);
  CHECK(world->ranks == 4);
  CHECK(find_world({}, 1, environment)->ranks == 1);
  CHECK(find_world(0, 1, environment)->ranks == 1);
  CHECK_THAT(find_world(2, {}, environment).error().message, Contains("--ranks is missing"));
  CHECK_THAT(find_world({}, 4, environment).error().message, Contains("--rank is missing"));
  CHECK_THAT(find_world(4, 4, environment).error().message, Contains("rank 4 of 4; ranks count from 0 to 3"));
  CHECK(find_world(1, 1, environment).error().kind == ErrorKind::bad_input);
}

TEST_CASE("find_world: a Slurm array counts from its first task", "[run]") {
  const auto world = find_world({}, {}, array_task("3", "8", "1", "8"));
  REQUIRE(world);
  CHECK(world->rank == 2);
  CHECK(world->ranks == 8);
  CHECK_FALSE(world->starts_together);
  CHECK(world->said_by == "SLURM_ARRAY_TASK_ID 3 (1 to 8)");
  CHECK(find_world({}, {}, array_task("3", "1", "3", "3"))->ranks == 1);  // how one task is repeated
  CHECK_THAT(find_world({}, {}, array_task("7", "3", "1", "7")).error().message, Contains("3 tasks from 1 to 7"));
  CHECK_THAT(find_world({}, {}, array_task("x", "3", "1", "7")).error().message, Contains("must be an integer"));
  CHECK(find_world({}, {}, array_task("9", "3", "1", "3")).error().kind == ErrorKind::bad_input);
  CHECK(find_world({}, {}, array_task("1", "99999999999", "0", "99999999998")).error().kind == ErrorKind::bad_input);
}

TEST_CASE("find_world: launchers say it, and come before arrays that start them", "[run]") {
  const auto world = find_world({}, {},
                                variables({{"OMPI_COMM_WORLD_RANK", "1"},
                                           {"OMPI_COMM_WORLD_SIZE", "2"},
                                           {"SLURM_ARRAY_TASK_ID", "5"},
                                           {"SLURM_ARRAY_TASK_COUNT", "6"}}));
  REQUIRE(world);
  CHECK(world->rank == 1);
  CHECK(world->ranks == 2);
  CHECK(find_world({}, {}, variables({{"PMI_RANK", "0"}, {"PMI_SIZE", "3"}}))->ranks == 3);
  CHECK(find_world({}, {}, variables({{"OMPI_COMM_WORLD_RANK", "1"}}))->ranks == 1);
  CHECK(find_world({}, {}, variables({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}))->ranks == 1);
}

TEST_CASE("world.json: comes back as it was written, and in any other form is refused with its field", "[run]") {
  test_support::TemporaryFolder folder;
  const std::filesystem::path path = folder / "world.json";
  CHECK_FALSE(read_world_file(path)->has_value());
  WorldFile world;
  world.ranks = 3;
  world.origin = {RunId("abc"), 17};
  world.terms = {{{"--seed", "7"}}, {{"s", "h"}}, "run x"};
  REQUIRE(write_world_file(path, world));
  auto read = read_world_file(path);
  REQUIRE(read);
  REQUIRE(read->has_value());
  CHECK((*read)->ranks == 3);
  CHECK((*read)->origin.run_id == RunId("abc"));
  CHECK((*read)->terms == world.terms);
  CHECK_FALSE((*read)->model);
  world.model = RankModel{{"m", "ref", "w", "t", {{"n_layers", 6}}}, "id", "cuda hopper", "00ff"};
  world.is_merged = true;
  REQUIRE(write_world_file(path, world));
  read = read_world_file(path);
  REQUIRE(read);
  CHECK((*read)->is_merged);
  REQUIRE((*read)->model);
  CHECK((*read)->model->model.details == world.model->model.details);
  CHECK(first_difference(*(*read)->model, *world.model).empty());

  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const std::size_t at = changed.find(from);
    REQUIRE(at != std::string::npos);
    folder.write("world.json", changed.replace(at, from.size(), to));
    const auto result = read_world_file(path);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::bad_input);
    return result.error().message;
  };
  CHECK_THAT(with("assay ranks 1", "assay ranks 2"), Contains("\"format\""));
  CHECK_THAT(with("\"ranks\": 3", "\"ranks\": 0"), Contains("\"ranks\""));
  CHECK_THAT(with("\"ranks\": 3", "\"ranks\": \"3\""), Contains("\"ranks\""));
  CHECK_THAT(with("\"run_id\": \"abc\"", "\"run_id\": \"\""), Contains("\"run_id\""));
  CHECK_THAT(with("\"--seed\": \"7\"", "\"--seed\": 7"), Contains("\"options\""));
  for (std::size_t length = 0; length < text.size() - 2; length += 7) {
    folder.write("world.json", text.substr(0, length));
    CHECK_FALSE(read_world_file(path));
  }
}

TEST_CASE("first_difference: names what two ranks were told differently", "[run]") {
  const RankTerms there{{{"--model", "m"}, {"--seed", "1"}}, {{"s", "hash"}}, "run --device cuda:0"};
  RankTerms here = there;
  here.command_line = "run --device cuda:1";
  CHECK(first_difference(there, here).empty());
  here.options["--seed"] = "2";
  CHECK(first_difference(there, here) == "--seed is \"1\" there, \"2\" here");
  here.options.erase("--seed");
  CHECK(first_difference(there, here) == "--seed is \"1\" there, not given here");
  here = there;
  here.options["--dummy-weights"] = "";
  CHECK(first_difference(there, here) == "--dummy-weights is not given there, given here");
  here = there;
  here.suites["s"] = "other";
  CHECK_THAT(first_difference(there, here), Contains("the content of suite s"));
}
