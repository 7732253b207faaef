#include "gui/models/view_state.h"

#include "gui/models/navigator.h"
#include "tests/support/catch.h"

namespace assay::gui {

namespace {

ViewState full_state() {
  ViewState state;
  state.page = "items";
  state.databases = {"/tmp/a b.db", QString::fromUtf8("/tmp/ä&=+%#?.db")};
  state.runs = {"01ab", "02cd"};
  state.baseline = "02cd";
  state.suite = "zebra:3x4:seed=7";
  state.item = "item/1?x=y&z";
  state.sample = 7;
  state.search = "\"two words\" + more";
  state.facets = {{"model", {"a", "b=c"}}, {"tag.team", {""}}};
  state.sort_column = "accuracy";
  state.sort_descending = true;
  state.settings = {{"x", "output_tokens_per_s"}};
  return state;
}

}  // namespace

TEST_CASE("view state: a link holds all of it") {
  const ViewState state = full_state();
  const auto back = parse_link(to_link(state));
  REQUIRE(back.has_value());
  CHECK(*back == state);
  CHECK(to_link(ViewState{}) == "assay://runs");
  CHECK(*parse_link("assay://runs/") == ViewState{});
}

TEST_CASE("view state: links from elsewhere are refused with what is wrong") {
  const auto message = [](const char* link) {
    const auto state = parse_link(link);
    REQUIRE_FALSE(state.has_value());
    return state.error().message;
  };
  CHECK(message("http://runs") == "link: \"http://runs\" must begin with assay://");
  CHECK_THAT(message("assay://nowhere"), Catch::Matchers::Contains("unknown page \"nowhere\""));
  CHECK(message("assay://runs?color=red") == "link: unknown key \"color\"");
  CHECK_THAT(message("assay://items?sample=-1"), Catch::Matchers::Contains("must be a number from 0"));
  CHECK_THAT(message("assay://items?sample"), Catch::Matchers::Contains("must be key=value"));
  CHECK_THAT(message("assay://runs?only.=x"), Catch::Matchers::Contains("unknown key"));
}

TEST_CASE("view state: the command is one word a part for a shell") {
  ViewState state;
  state.databases = {"/tmp/it's.db"};
  CHECK(to_command(state) == "assay-gui --db '/tmp/it'\\''s.db' assay://runs");
}

TEST_CASE("navigator: undo and redo go through the steps, a typed letter is none") {
  Navigator navigator;
  int n_changes = 0;
  QObject::connect(&navigator, &Navigator::changed, [&] { ++n_changes; });
  ViewState state = navigator.state();
  state.page = "compare";
  navigator.go(state);
  navigator.go(state);  // where it is already
  state.search = "a";
  navigator.replace(state);
  state.page = "items";
  navigator.go(state);
  CHECK(n_changes == 3);
  navigator.undo();
  CHECK(navigator.state().page == "compare");
  CHECK(navigator.state().search == "a");
  navigator.undo();
  CHECK(navigator.state() == ViewState{});
  CHECK_FALSE(navigator.can_undo());
  navigator.redo();
  navigator.redo();
  CHECK(navigator.state().page == "items");
  CHECK_FALSE(navigator.can_redo());
  navigator.undo();
  state.page = "cost";
  navigator.go(state);
  CHECK_FALSE(navigator.can_redo());
}

}  // namespace assay::gui
