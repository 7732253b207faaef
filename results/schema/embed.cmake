# Writes a .cpp that holds the migrations as text. Run as a script:
#   cmake -DOUT=migrations.cpp "-DSQL=0001_init.sql;0002_….sql" -P embed.cmake
# The order of SQL is the order of versions: the first is version 1.
set(entries "")
foreach(file IN LISTS SQL)
  file(READ "${file}" text)
  get_filename_component(name "${file}" NAME)
  string(APPEND entries "    {\"${name}\", R\"assay_sql(${text})assay_sql\"},\n")
endforeach()
file(WRITE "${OUT}" "// Generated from results/schema.
#include \"results/migrations.h\"

namespace assay::results {

std::vector<Migration> migrations() {
  return {
${entries}  };
}

}  // namespace assay::results
")
