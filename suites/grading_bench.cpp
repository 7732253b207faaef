// Verdicts a second on one core, for every grader that needs no sandbox. Limit aimed at: 20,000 verdicts a second. The
// replies are real ones where testdata/ has them: Qwen2.5's to mathematics, Llama 2's to XSTest, Reasoning Gym's
// zebras.

#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/archive.h"
#include "harness/base/text.h"
#include "suites/csv.h"
#include "suites/suite.h"

namespace {

using namespace assay;
using namespace assay::suites;

struct Task {
  Item item;
  std::string reply;
};

std::string read_test_data(const std::string& path) {
  const auto text = read_packed_file(std::filesystem::path(ASSAY_SOURCE_DIR) / "suites" / path);
  return text ? *text : std::string();
}

Task task_of(Json record, std::string reply) {
  Task task;
  task.item.id = ItemId("1");
  task.item.prompt = record.value("question", "?");
  task.item.record = std::move(record);
  task.reply = std::move(reply);
  return task;
}

/// `make` turns a stored record into a task.
template <class Make>
std::vector<Task> tasks_from_lines(const std::string& path, Make make) {
  std::vector<Task> tasks;
  for (const std::string& line : split(read_test_data(path), '\n')) {
    if (!trim(line).empty()) tasks.push_back(make(Json::parse(line)));
  }
  return tasks;
}

std::vector<Task> math_tasks() {
  return tasks_from_lines("math/testdata/qwen25-math.jsonl.gz", [](const Json& record) {
    return task_of({{"question", record.at("question")}, {"answer", record.at("answer")}}, record.at("reply"));
  });
}

std::vector<Task> integer_tasks() {
  return tasks_from_lines("math/testdata/qwen25-math.jsonl.gz", [](const Json& record) {
    return task_of({{"question", record.at("question")}, {"answer", "204"}}, record.at("reply"));
  });
}

std::vector<Task> choice_tasks() {
  const Json choices = {"red", "green", "blue", "dark blue"};
  return tasks_from_lines("math/testdata/qwen25-math.jsonl.gz", [&](const Json& record) {
    const std::string reply = record.at("reply").get<std::string>() + "\n\nAnswer: C";
    return task_of({{"question", record.at("question")}, {"choices", choices}, {"answer", "C"}}, reply);
  });
}

std::vector<Task> text_tasks() {
  return tasks_from_lines("text/testdata/reasoning-gym-zebra.jsonl.xz", [](const Json& record) {
    return task_of({{"question", "?"}, {"answer", Json::array({record.at("expected")})}}, record.at("output"));
  });
}

/// A grid of 5 × 4 behind some reasoning, as ZebraLogic's prompt asks for it.
std::vector<Task> grid_tasks() {
  Json solution = Json::object();
  for (int house = 1; house <= 5; ++house) {
    solution["House " + std::to_string(house)] = {
        {"Name", "Arnold"}, {"Pet", "cat"}, {"Drink", "tea"}, {"Colour", "red"}};
  }
  std::string reasoning;
  for (int step = 1; step <= 10; ++step) reasoning += "From clue " + std::to_string(step) + " the cat is not here. ";
  const Json reply = {{"reasoning", reasoning}, {"solution", solution}};
  return {task_of({{"question", "?"}, {"solution", solution}}, "```json\n" + reply.dump(2) + "\n```")};
}

std::vector<Task> tasks_from_xstest(const Json& record) {
  const std::string text = read_test_data("refusal/testdata/xstest_llama2orig.csv.gz");
  std::vector<Task> tasks;
  const auto table = parse_csv(text, "xstest");
  if (!table) return tasks;
  const std::size_t completion = *table->column("completion", "xstest");
  for (const auto& row : table->rows) tasks.push_back(task_of(record, row[completion]));
  return tasks;
}

std::vector<Task> refusal_tasks() { return tasks_from_xstest({{"question", "?"}, {"expected", "comply"}}); }
std::vector<Task> language_tasks() { return tasks_from_xstest({{"question", "?"}, {"language", "en"}}); }

void grading(benchmark::State& state, ItemKind kind, const std::string& profile, std::vector<Task> (*make_tasks)()) {
  const std::vector<Task> tasks = make_tasks();
  if (tasks.empty()) return state.SkipWithError("the stored replies can't be read");
  Suite suite;
  suite.name = "bench";
  suite.kind = kind;
  GradeContext context;
  context.profile = profile;
  std::int64_t n_bytes = 0;
  for (auto _ : state) {
    for (const Task& task : tasks) {
      benchmark::DoNotOptimize(grade(suite, task.item, {task.reply}, context));
      n_bytes += static_cast<std::int64_t>(task.reply.size());
    }
  }
  const std::int64_t n_verdicts = state.iterations() * static_cast<std::int64_t>(tasks.size());
  state.SetItemsProcessed(n_verdicts);
  state.counters["bytes_per_reply"] = static_cast<double>(n_bytes) / static_cast<double>(n_verdicts);
}

BENCHMARK_CAPTURE(grading, text, ItemKind::text, "canonical", text_tasks);
BENCHMARK_CAPTURE(grading, integer, ItemKind::integer, "canonical", integer_tasks);
BENCHMARK_CAPTURE(grading, integer_lm_eval, ItemKind::integer, "lm-eval", integer_tasks);
BENCHMARK_CAPTURE(grading, math, ItemKind::math, "canonical", math_tasks);
BENCHMARK_CAPTURE(grading, math_lm_eval, ItemKind::math, "lm-eval", math_tasks);
BENCHMARK_CAPTURE(grading, choice, ItemKind::choice, "canonical", choice_tasks);
BENCHMARK_CAPTURE(grading, choice_simple_evals, ItemKind::choice, "simple-evals", choice_tasks);
BENCHMARK_CAPTURE(grading, choice_lm_eval, ItemKind::choice, "lm-eval", choice_tasks);
BENCHMARK_CAPTURE(grading, choice_inspect, ItemKind::choice, "inspect", choice_tasks);
BENCHMARK_CAPTURE(grading, grid, ItemKind::grid, "canonical", grid_tasks);
BENCHMARK_CAPTURE(grading, grid_zeroeval, ItemKind::grid, "zeroeval", grid_tasks);
BENCHMARK_CAPTURE(grading, language, ItemKind::language, "canonical", language_tasks);
BENCHMARK_CAPTURE(grading, refusal, ItemKind::refusal, "canonical", refusal_tasks);

}  // namespace
