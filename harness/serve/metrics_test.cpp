#include "harness/serve/metrics.h"

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::serve;
using Catch::Matchers::Contains;

TEST_CASE("metrics: what links that are held back carried, by size, and nothing of links that are not", "[serve]") {
  const Metrics metrics;
  const std::string without = metrics.text({});
  CHECK_THAT(without, !Contains("link"));
  runners::LinkReport links;
  links.link_gb_per_s = 165;
  links.sizes = {{16384, 100, 1638400, 500'000}, {1048576, 2, 2097152, 2'000'000}};
  const std::string with = metrics.text(links);
  CHECK(with.starts_with(without.substr(0, without.size() - 6)));
  CHECK(with.ends_with("# EOF\n"));
  for (const char* line : {"# TYPE assay_link_gb_per_s gauge\n", "\nassay_link_gb_per_s 165\n",
                           "\nassay_link_messages_total{bytes_from=\"16384\"} 100\n", "# UNIT assay_link_bytes bytes\n",
                           "\nassay_link_bytes_total{bytes_from=\"1048576\"} 2097152\n",
                           "\nassay_link_seconds_total{bytes_from=\"16384\"} 0.5\n",
                           "\nassay_link_seconds_total{bytes_from=\"1048576\"} 2\n"}) {
    CHECK_THAT(with, Contains(line));
  }
}
