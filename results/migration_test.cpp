#include "harness/base/archive.h"
#include "harness/base/file.h"
#include "results/migrations.h"
#include "results/schema.h"
#include "results/summary.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;

// Databases of every version since the first, each as the program of that time wrote it.
TEST_CASE("schema: stored databases of every version migrate to a fresh one's schema and keep their facts",
          "[results]") {
  TemporaryFolder folder;
  const auto fresh = open_for_writing(folder / "fresh.db");
  REQUIRE(ok(fresh));
  const auto expected = read_schema(**fresh);
  REQUIRE(ok(expected));
  CHECK(expected->size() > 10);
  CHECK(*(*fresh)->query_integer("PRAGMA user_version") == static_cast<std::int64_t>(migrations().size()));
  for (std::size_t version = 1; version <= migrations().size(); ++version) {
    const std::string name = std::string("v").append(std::to_string(version)).append(".sqlite");
    CAPTURE(name);
    const auto copy = folder / name;
    const auto stored = read_packed_file(std::filesystem::path(ASSAY_SOURCE_DIR) / "results/testdata" / (name + ".gz"));
    REQUIRE(ok(stored));
    REQUIRE(write_file(copy, *stored));
    {
      const auto migrated = open_for_writing(copy);
      REQUIRE(ok(migrated));
      CHECK(*read_schema(**migrated) == *expected);
      CHECK(*(*migrated)->query_integer("PRAGMA user_version") == static_cast<std::int64_t>(migrations().size()));
    }
    // What was put in: the run "stored" of two items with two samples each, three of the four correct.
    const auto store = Store::open_read_only(copy);
    REQUIRE(ok(store));
    const auto summary = summarise(*store, *store->find_run("stored"));
    REQUIRE(ok(summary));
    CHECK(summary->suites[0].accuracy == 0.75);
    CHECK(summary->n_output_tokens == 20);
    CHECK(summary->wall_s == 4);
    // From version 2 on a segment has its device's times.
    REQUIRE(summary->device_time.has_value() == (version >= 2));
    if (version >= 2) CHECK(summary->device_time->decode_ms == 3000);
    // From version 3 on it has samples of its GPU: two, 1000 J apart.
    REQUIRE(summary->gpu.has_value() == (version >= 3));
    if (version >= 3) CHECK(summary->gpu->energy_joules == 1000);
  }
}
