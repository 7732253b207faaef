// The fuzz entry of the reader of ZebraLogic's records.

#include "harness/base/assert.h"
#include "suites/records.h"
#include "suites/zebra/zebralogic.h"
#include "tests/support/fuzz_entry.h"

using namespace assay;

ASSAY_FUZZ_ENTRY(zebralogic)(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const auto record = parse_json(text, "fuzz");
  if (!record || !suites::is_zebralogic_record(*record)) return;
  const auto grid = suites::from_zebralogic(*record, "fuzz");
  if (!grid) return;
  const auto fields = JsonObject::of(*grid, "fuzz");
  ASSAY_ASSERT(fields.has_value(), "what is accepted is an object");
  (void)suites::check_record(suites::ItemKind::grid, *fields);
}
