# Everything comes from the distribution's packages. What is missing and optional is switched off with one status line,
# unless it was asked for by name (-DASSAY_TESTS=ON on the command line): then it is an error.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(LibArchive 3.6 REQUIRED)
find_package(CURL 7.85 REQUIRED)  # protocols by name
find_package(SQLite3 3.37 REQUIRED)  # STRICT tables
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
find_package(CLI11 2.1 REQUIRED)

# Settles an option that is AUTO or ON. `found` names the variable that says whether its need is met; `missing` is what
# to tell where it is not.
macro(assay_settle option found what missing)
  if(${found})
    set(${option} ON)
  elseif(${option} STREQUAL "AUTO")
    message(STATUS "Assay: ${what} off (${missing})")
    set(${option} OFF)
  else()
    message(FATAL_ERROR "Assay: ${option}=${${option}}, but ${missing}")
  endif()
endmacro()

if(ASSAY_CUDA)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT CMAKE_CUDA_ARCHITECTURES)
      # What every kernel runs on: sm_80 and, by its PTX, later ones; Hopper without waiting for the driver's compiler. The
      # kernels with Hopper's own instructions are built for it alone (kernels/CMakeLists.txt).
      set(CMAKE_CUDA_ARCHITECTURES 80 90a-real)
    endif()
    enable_language(CUDA)
    find_package(CUDAToolkit 12.3 QUIET)
  endif()
  assay_settle(ASSAY_CUDA CUDAToolkit_FOUND "CUDA is" "nvcc of CUDA 12.3 or later not found; set CUDACXX to it")
endif()

if(ASSAY_SERVE)
  pkg_check_modules(HTTPLIB QUIET IMPORTED_TARGET cpp-httplib)
  assay_settle(ASSAY_SERVE HTTPLIB_FOUND "assay serve is" "cpp-httplib not found; Debian: libcpp-httplib-dev")
endif()

if(ASSAY_GUI)
  find_package(Qt6 6.4 QUIET COMPONENTS Widgets Svg Test)
  assay_settle(ASSAY_GUI Qt6_FOUND "the dashboard is" "Qt 6.4 or later not found; Debian: qt6-base-dev libqt6svg6-dev")
endif()

if(ASSAY_PARQUET)
  find_package(Arrow 14 QUIET)
  find_package(Parquet QUIET)
  if(Arrow_FOUND AND Parquet_FOUND)
    set(Assay_ARROW_FOUND ON)
  endif()
  assay_settle(ASSAY_PARQUET Assay_ARROW_FOUND "export to Parquet is" "Apache Arrow 14 or later with Parquet not found; not in Debian 12, see arrow.apache.org/install")
endif()

if(ASSAY_MPI)
  set(MPI_CXX_SKIP_MPICXX ON)  # its C interface is all that is used
  find_package(MPI QUIET COMPONENTS CXX)
  assay_settle(ASSAY_MPI MPI_CXX_FOUND "MPI is" "no MPI library found; Debian: libopenmpi-dev")
endif()

if(ASSAY_TESTS)
  find_package(Catch2 QUIET)
  assay_settle(ASSAY_TESTS Catch2_FOUND "tests are" "Catch2 not found; Debian: catch2")
endif()
if(ASSAY_TESTS)
  include(Catch)
endif()

if(ASSAY_BENCH)
  find_package(benchmark QUIET)
  assay_settle(ASSAY_BENCH benchmark_FOUND "benchmarks are" "Google Benchmark not found; Debian: libbenchmark-dev")
endif()
