// user MODEL DATABASE: one reply of a model, graded, and a results database opened: each installed library at work.

#include <iostream>

#include "results/store.h"
#include "runners/engine/native_runner.h"
#include "suites/suite.h"

namespace {

assay::suites::Suite one_question() {
  assay::suites::Suite suite;
  suite.name = "one";
  suite.kind = assay::suites::ItemKind::choice;
  assay::suites::Item item;
  item.id = assay::ItemId("q");
  item.record = {{"id", "q"}, {"question", "?"}, {"choices", {"x", "y"}}, {"answer", "B"}};
  suite.items = {item};
  return suite;
}

assay::Result<int> run(const char* model, const char* database) {
  assay::runners::NativeOptions options;
  options.model = model;
  options.path = model;
  options.device = "cpu";
  ASSAY_ASSIGN(const std::unique_ptr<assay::runners::Runner> runner, assay::runners::open_native_runner(options));

  const assay::suites::Suite suite = one_question();
  const assay::suites::Grade grade =
      assay::suites::grade(suite, suite.items.front(), {"So it is y.\nAnswer: B", false}, {});

  ASSAY_ASSIGN(const assay::results::Store store, assay::results::Store::open_or_create(database));
  ASSAY_ASSIGN(const std::vector<assay::results::RunRecord> runs, store.list_runs());

  std::cout << "verdict " << to_string(grade.verdict) << ", " << runs.size() << " runs, model "
            << runner->model_facts().name << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const assay::Result<int> done = run(argv[1], argv[2]);
  if (!done) std::cerr << done.error().message << '\n';
  return done ? 0 : 1;
}
