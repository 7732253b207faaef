# Everything comes from the distribution's packages. What is missing and optional is switched off with one status line,
# unless it was asked for by name (-DASSAY_TESTS=ON on the command line): then it is an error.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(SQLite3 3.37 REQUIRED)  # STRICT tables
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
find_package(CLI11 2.1 REQUIRED)

if(ASSAY_TESTS)
  find_package(Catch2 QUIET)
  if(Catch2_FOUND)
    include(Catch)
  else()
    message(STATUS "Assay: tests are off (Catch2 not found; Debian: catch2)")
    set(ASSAY_TESTS OFF)
  endif()
endif()

if(ASSAY_BENCH)
  find_package(benchmark QUIET)
  if(NOT benchmark_FOUND)
    message(STATUS "Assay: benchmarks are off (Google Benchmark not found; Debian: libbenchmark-dev)")
    set(ASSAY_BENCH OFF)
  endif()
endif()
