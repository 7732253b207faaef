# Writes a .cpp that holds data files as text. Run as a script:
#   cmake -DOUT=hardware_data.cpp "-DPROFILES=a.json;b.json" -DAPI_PRICES=api_prices.json -P embed.cmake
set(entries "")
foreach(file IN LISTS PROFILES)
  file(READ "${file}" text)
  get_filename_component(name "${file}" NAME)
  string(APPEND entries "    {\"${name}\", R\"assay_json(${text})assay_json\"},\n")
endforeach()
file(READ "${API_PRICES}" api_prices)
file(WRITE "${OUT}" "// Generated from results/hardware.
#include \"results/hardware/shipped_data.h\"

namespace assay::results {

std::vector<ShippedFile> shipped_hardware() {
  return {
${entries}  };
}

ShippedFile shipped_api_prices() { return {\"api_prices.json\", R\"assay_json(${api_prices})assay_json\"}; }

}  // namespace assay::results
")
