#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "harness/base/text.h"
#include "results/browse/sample_index.h"
#include "results/test_facts.h"

namespace assay::results {

namespace {

using testing::ok;

GradedSample graded(const std::string& item, std::int64_t sample, std::string text, double e2e_ms, Verdict verdict) {
  GradedSample graded{testing::some_sample(item, sample), testing::some_verdict(verdict)};
  graded.sample.text = std::move(text);
  graded.sample.e2e_ms = e2e_ms;
  return graded;
}

/// Two runs of two items with two samples each; e2e_ms falls from sample to sample.
RunId add_run(Store& store, const std::string& name) {
  auto writer = store.begin_run(testing::some_run(name, 2, 2), testing::some_environment(), testing::kNowMs);
  REQUIRE(ok(writer));
  const std::vector<GradedSample> samples = {
      graded("i1", 0, "Zebras drink tea. " + name, 40, Verdict::correct),
      graded("i1", 1, "The NORWEGIAN lives next to the blue house", 30, Verdict::incorrect),
      graded("i0", 0, "Größe <b>bold</b> & \"quoted\" naïve", 20, Verdict::no_answer),
      graded("i0", 1, "tea, no zebras: they drink", 10, Verdict::correct)};
  REQUIRE(ok(writer->add_samples(samples, testing::kNowMs, 1)));
  return writer->run_id();
}

struct Fixture {
  testing::TemporaryFolder folder;
  std::filesystem::path database = folder.path() / "a.db";
  std::filesystem::path file = folder.path() / "cache" / "a.index";
  RunId first, second;
  Fixture() {
    auto store = Store::open_or_create(database);
    REQUIRE(ok(store));
    first = add_run(*store, "first");
    second = add_run(*store, "second");
  }
  SampleIndex filled() const {
    auto index = SampleIndex::open(database, file);
    REQUIRE(ok(index));
    CHECK(index->index_error().empty());
    while (true) {
      const auto has_more = index->add_next();
      REQUIRE(ok(has_more));
      if (!*has_more) return std::move(*index);
    }
  }
};

std::vector<std::int64_t> found(const SampleIndex& index, std::string_view words, std::vector<RunId> runs = {}) {
  const auto matches = index.search(words, runs, 100);
  INFO(words);
  REQUIRE(ok(matches));
  return matches->sample_keys;
}

using Keys = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("match_expression: words, phrases and beginnings of words, all else is text", "[browse]") {
  CHECK(match_expression("two words") == "\"two\" \"words\"");
  CHECK(match_expression("\"in this order\" pre*") == "\"in this order\" \"pre\" *");
  CHECK(match_expression("a* * \"\" - NOT") == "\"a\" \"NOT\"");
  CHECK(match_expression("unclosed \"phrase") == "\"unclosed\" \"phrase\"");
  CHECK(match_expression("  ,;\"").empty());
}

TEST_CASE("excerpt_around: the words' surroundings on one line, whole characters only", "[browse]") {
  CHECK(excerpt_around("short\ntext", "none") == "short text");
  std::string text;
  for (int i = 0; i < 100; ++i) text += "ä";
  text += " Needle ";
  for (int i = 0; i < 100; ++i) text += "ö";
  const std::string excerpt = excerpt_around(text, "needle");
  CHECK(excerpt.find("Needle") != std::string::npos);
  CHECK(is_valid_utf8(excerpt));
  CHECK(excerpt.starts_with("… ä"));
  CHECK(excerpt.ends_with("ö …"));
}

TEST_CASE("sample index: search finds words, phrases, beginnings, within runs, newest first", "[browse]") {
  const Fixture fixture;
  const SampleIndex index = fixture.filled();
  CHECK(found(index, "zebras tea") == Keys{8, 5, 4, 1});
  CHECK(found(index, "\"drink tea\"") == Keys{5, 1});
  CHECK(found(index, "norweg*") == Keys{6, 2});
  CHECK(found(index, "norwegian", {fixture.first}) == Keys{2});
  CHECK(found(index, "zebras", {RunId("unknown")}).empty());
  CHECK(found(index, "GRÖSSE").empty());
  CHECK(found(index, "grosse").empty());
  CHECK(found(index, "naive") == Keys{7, 3});
  const auto few = index.search("zebras", {}, 3);
  REQUIRE(ok(few));
  CHECK(few->sample_keys.size() == 3);
  CHECK(few->has_more);
  const auto hits = index.hits(Keys{2}, "norwegian");
  REQUIRE(ok(hits));
  CHECK(hits->front().run == fixture.first);
  CHECK(hits->front().key == SampleKey{"sums", ItemId("i1"), 1});
  CHECK(hits->front().excerpt == "The NORWEGIAN lives next to the blue house");
}

TEST_CASE("sample index: no text that is typed is an error", "[browse]") {
  const Fixture fixture;
  const SampleIndex index = fixture.filled();
  const std::string words[] = {"\"",
                               "\"\"\"",
                               "a\"b",
                               "text:zebra",
                               "NEAR(a b)",
                               "a AND",
                               "^a",
                               "(((",
                               "-a",
                               "{a b}:c",
                               "*",
                               "**",
                               "'; DROP TABLE words; --",
                               std::string("zeb\0ras", 7),
                               "\xff\xfe",
                               "a OR OR b",
                               std::string(100'000, 'x'),
                               std::string(5'000, '"'),
                               "a+b",
                               "\xE2\x80\xAE",
                               "%s%n"};
  for (const std::string& typed : words) {
    INFO(typed.substr(0, 40));
    CHECK(ok(index.search(typed, {}, 10)));
    SampleQuery query;
    query.words = typed;
    CHECK(ok(index.order_samples(query)));
  }
  std::string many;
  for (int i = 0; i < 500; ++i) many += "w" + std::to_string(i) + " ";
  CHECK(ok(index.search(many, {}, 10)));
}

TEST_CASE("sample index: sorted and filtered, the same with and without an index", "[browse]") {
  const Fixture fixture;
  // Half is indexed, half is not: the second run comes when the first is in the index.
  const bool is_indexed = GENERATE(true, false);
  const auto keys = [&](const SampleQuery& query) {
    auto index = SampleIndex::open(fixture.database, is_indexed ? fixture.file : "/dev/null/none");
    REQUIRE(ok(index));
    CHECK(index->index_error().empty() == is_indexed);
    if (is_indexed) REQUIRE(ok(index->add_next()));
    const auto result = index->order_samples(query);
    REQUIRE(ok(result));
    return result->keys;
  };
  CHECK(keys({}) == Keys{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(keys({.order = SampleOrder::stored, .descending = true}) == Keys{8, 7, 6, 5, 4, 3, 2, 1});
  CHECK(keys({.order = SampleOrder::e2e_ms}) == Keys{4, 8, 3, 7, 2, 6, 1, 5});
  CHECK(keys({.runs = {fixture.second}, .order = SampleOrder::e2e_ms, .descending = true}) == Keys{5, 6, 7, 8});
  CHECK(keys({.verdicts = {Verdict::incorrect, Verdict::no_answer}}) == Keys{2, 3, 6, 7});
  CHECK(keys({.runs = {fixture.first}, .order = SampleOrder::verdict}) == Keys{1, 4, 2, 3});
  CHECK(keys({.runs = {fixture.first}, .order = SampleOrder::item}) == Keys{3, 4, 1, 2});
  CHECK(keys({.runs = {fixture.first}, .words = "I0 BOXED"}) == Keys{3, 4});
  CHECK(keys({.suite = "another"}).empty());
  CHECK(keys({.runs = {RunId("unknown")}}).empty());
}

TEST_CASE("sample index: what isn't indexed yet is ordered up to a number, and the rest is counted", "[browse]") {
  const Fixture fixture;
  auto index = SampleIndex::open(fixture.database, fixture.file);
  REQUIRE(ok(index));
  const auto order = [](const SampleIndex& of, const SampleQuery& query) {
    const auto result = of.order_samples(query);
    REQUIRE(ok(result));
    return *result;
  };
  const SampleQuery first_three = {.order = SampleOrder::e2e_ms, .most_unindexed = 3};
  CHECK(order(*index, first_three).keys == Keys{3, 2, 1});
  CHECK(order(*index, first_three).n_left_out == 5);
  const SampleQuery of_second = {.runs = {fixture.second}, .order = SampleOrder::e2e_ms, .most_unindexed = 3};
  CHECK(order(*index, of_second).keys == Keys{7, 6, 5});
  CHECK(order(*index, of_second).n_left_out == 1);
  CHECK(order(*index, {.order = SampleOrder::item, .most_unindexed = 0}).keys.size() == 8);
  // Without an index there is nothing to wait for.
  const auto without = SampleIndex::open(fixture.database, "/dev/null/none");
  REQUIRE(ok(without));
  CHECK(order(*without, first_three).keys.size() == 8);

  // Figures come first: they are all in while no text is.
  CHECK(index->add_next().value());
  CHECK(index->progress()->n_indexed == 0);
  CHECK(found(*index, "zebras").empty());
  CHECK(order(*index, {.order = SampleOrder::e2e_ms, .most_unindexed = 0}).keys == Keys{4, 8, 3, 7, 2, 6, 1, 5});
  CHECK(order(*index, {.order = SampleOrder::e2e_ms, .most_unindexed = 0}).n_left_out == 0);
  CHECK_FALSE(index->add_next().value());
  CHECK(index->progress()->n_indexed == 8);
  CHECK(found(*index, "zebras").size() == 4);
}

TEST_CASE("sample index: texts of several batches are counted as they come", "[browse]") {
  const testing::TemporaryFolder folder;
  const std::filesystem::path database = folder.path() / "a.db";
  {
    auto store = Store::open_or_create(database);
    REQUIRE(ok(store));
    auto writer = store->begin_run(testing::some_run("long", 2, 2), testing::some_environment(), testing::kNowMs);
    REQUIRE(ok(writer));
    // Three of these are a batch. They have one word, so that this takes no time.
    const std::string text = "zebra" + std::string(4'000'000, ' ');
    const std::vector<GradedSample> samples = {
        graded("i0", 0, text, 1, Verdict::correct), graded("i0", 1, text, 2, Verdict::correct),
        graded("i1", 0, text, 3, Verdict::correct), graded("i1", 1, text, 4, Verdict::correct)};
    REQUIRE(ok(writer->add_samples(samples, testing::kNowMs, 1)));
  }
  auto index = SampleIndex::open(database, folder.path() / "a.index");
  REQUIRE(ok(index));
  std::vector<std::int64_t> n_indexed;
  bool has_more = true;
  while (has_more) {
    const auto added = index->add_next();
    REQUIRE(ok(added));
    has_more = *added;
    n_indexed.push_back(index->progress()->n_indexed);
  }
  CHECK(n_indexed == std::vector<std::int64_t>{0, 3, 4});
  CHECK(found(*index, "zebra") == Keys{4, 3, 2, 1});
}

TEST_CASE("merge_orderings: samples of several files in one order, unknown figures last, items by name", "[browse]") {
  const Fixture fixture, other;
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  using Refs = std::vector<SampleRef>;
  CHECK(merge_orderings({{{4, 2}, {1, unknown}, {}}, {{7, 9}, {0.5, 1}, {}}}, false) ==
        Refs{{1, 7}, {0, 4}, {1, 9}, {0, 2}});
  CHECK(merge_orderings({{{4, 2}, {1, unknown}, {}}, {{9, 7}, {1, 0.5}, {}}}, true) ==
        Refs{{0, 4}, {1, 9}, {1, 7}, {0, 2}});
  CHECK(merge_orderings({{{3, 5}, {}, {}}, {}, {{1}, {}, {}}}, false) == Refs{{0, 3}, {0, 5}, {2, 1}});
  CHECK(merge_orderings({{{1, 2}, {0, 1}, {"b", "d"}}, {{3, 4}, {0, 1}, {"a", "b"}}}, false) ==
        Refs{{1, 3}, {0, 1}, {1, 4}, {0, 2}});
  CHECK(merge_orderings({}, false).empty());
  // As queries give them: each file has the items i1 and i0, twice.
  const auto by_item = [](const Fixture& of, bool descending) {
    const SampleIndex index = of.filled();
    auto ordering = index.order_samples({.order = SampleOrder::item, .descending = descending});
    REQUIRE(ok(ordering));
    return *ordering;
  };
  const auto files_of = [](const Refs& samples) {
    std::string files;
    for (const SampleRef& sample : samples) files += static_cast<char>('0' + sample.file);
    return files;
  };
  const auto ascending = merge_orderings({by_item(fixture, false), by_item(other, false)}, false);
  CHECK(files_of(ascending) == "0000111100001111");
  CHECK(ascending.front() == SampleRef{0, 3});
  CHECK(merge_orderings({by_item(fixture, true), by_item(other, true)}, true).front() == SampleRef{0, 6});
}

TEST_CASE("sample index: filling ends when it is asked to stop or interrupted, and goes on later", "[browse]") {
  const Fixture fixture;
  std::stop_source stop;
  stop.request_stop();
  {
    auto index = SampleIndex::open(fixture.database, fixture.file);
    REQUIRE(ok(index));
    CHECK_FALSE(index->add_next(stop.get_token()).value());
    CHECK(index->progress()->n_indexed == 0);
  }
  // The full-text index keeps a handle open through the transaction that is to be rolled back.
  for (int i = 0; i < 20; ++i) {
    auto index = SampleIndex::open(fixture.database, fixture.folder.path() / ("cache" + std::to_string(i)));
    REQUIRE(ok(index));
    std::jthread meddler([&](std::stop_token end) {
      while (!end.stop_requested()) index->interrupt();
    });
    const auto added = index->add_next();
    if (!added) CHECK(added.error().kind == ErrorKind::interrupted);
  }
  CHECK(found(fixture.filled(), "zebras").size() == 4);
}

TEST_CASE("sample index: opened while another fills it, it waits for nobody", "[browse]") {
  const Fixture fixture;
  const SampleIndex first = fixture.filled();
  const auto writer = Database::open(fixture.file, Database::Mode::create);
  REQUIRE(ok(writer));
  const auto filling = Transaction::begin(**writer, Transaction::Kind::write);
  REQUIRE(ok(filling));
  const auto second = SampleIndex::open(fixture.database, fixture.file);  // half a minute, if it waited
  REQUIRE(ok(second));
  CHECK(second->index_error().empty());
  CHECK(found(*second, "zebras").size() == 4);
}

TEST_CASE("sample index: goes on where it stopped, and begins anew where it is another's or broken", "[browse]") {
  Fixture fixture;
  { CHECK(found(fixture.filled(), "zebras").size() == 4); }
  {
    auto store = Store::open_or_create(fixture.database);
    REQUIRE(ok(store));
    add_run(*store, "third");
    auto index = SampleIndex::open(fixture.database, fixture.file);
    REQUIRE(ok(index));
    const auto before = index->progress();
    REQUIRE(ok(before));
    CHECK(before->n_indexed == 8);
    CHECK(before->n_stored == 12);
  }
  CHECK(found(fixture.filled(), "zebras").size() == 6);

  SECTION("another database under the same name") {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(fixture.database.string() + suffix);
    auto store = Store::open_or_create(fixture.database);
    REQUIRE(ok(store));
    add_run(*store, "fourth");
    CHECK(found(fixture.filled(), "zebras").size() == 2);
    CHECK(found(fixture.filled(), "third").empty());
  }
  SECTION("a broken file") {
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(fixture.file.string() + suffix);
    std::ofstream(fixture.file, std::ios::trunc)
        << "not a database, but long enough to be one " << std::string(500, '?');
    CHECK(found(fixture.filled(), "zebras").size() == 6);
  }
}

TEST_CASE("store: one sample and one item", "[store]") {
  const Fixture fixture;
  const auto store = Store::open_read_only(fixture.database);
  REQUIRE(ok(store));
  const auto sample = store->read_sample(fixture.first, {"sums", ItemId("i1"), 1});
  REQUIRE(ok(sample));
  REQUIRE(sample->has_value());
  CHECK((*sample)->sample.text == "The NORWEGIAN lives next to the blue house");
  CHECK((*sample)->verdict.verdict == Verdict::incorrect);
  const auto none = store->read_sample(fixture.first, {"sums", ItemId("i1"), 2});
  REQUIRE(ok(none));
  CHECK_FALSE(none->has_value());
  CHECK_FALSE(store->read_sample(RunId("unknown"), {"sums", ItemId("i1"), 1}));
  const auto item = store->read_item(fixture.first, "sums", ItemId("i0"));
  REQUIRE(ok(item));
  REQUIRE(item->has_value());
  CHECK((*item)->expected == "2");
  const auto no_item = store->read_item(fixture.first, "other", ItemId("i0"));
  REQUIRE(ok(no_item));
  CHECK_FALSE(no_item->has_value());
}

TEST_CASE("sample index: samples with numbers far apart are refused, and no memory is taken for them", "[browse]") {
  const Fixture fixture;
  {
    const auto database = Database::open(fixture.database, Database::Mode::read_write);
    REQUIRE(ok(database));
    REQUIRE(
        ok((*database)->execute("PRAGMA foreign_keys = OFF;"
                                "UPDATE verdicts SET sample_key = 4611686018427387904 WHERE sample_key = 1;")));
  }
  const auto index = SampleIndex::open(fixture.database, fixture.file);
  REQUIRE(ok(index));
  // A verdict of no sample is none.
  const auto correct = index->order_samples({.verdicts = {Verdict::correct}});
  REQUIRE(ok(correct));
  CHECK(correct->keys == Keys{4, 5, 8});
  {
    const auto database = Database::open(fixture.database, Database::Mode::read_write);
    REQUIRE(ok(database));
    REQUIRE(
        ok((*database)->execute("PRAGMA foreign_keys = OFF;"
                                "UPDATE samples SET sample_key = 4611686018427387904 WHERE sample_key = 1;")));
  }
  const auto refused = index->order_samples({.verdicts = {Verdict::correct}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::bad_input);
  CHECK_THAT(refused.error().message, Catch::Matchers::Contains("4611686018427387904"));
}

}  // namespace assay::results
