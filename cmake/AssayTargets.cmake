# The house's own targets: one function for a library, one for a test program. Flags are properties of assay_options.

add_library(assay_options INTERFACE)
target_compile_features(assay_options INTERFACE cxx_std_20)
# For our own sources alone: a program that uses the installed libraries chooses its own.
target_compile_options(assay_options INTERFACE
  "$<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow;-Wnon-virtual-dtor;-Wcast-qual;-Wno-restrict;-fno-math-errno;-ffp-contract=off>>"
  "$<BUILD_INTERFACE:$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${ASSAY_WERROR}>>:-Werror;-Wno-error=stringop-overflow>>")
# Files that are compiled together shadow each other's constants, and gcc 12 sees copies of short strings run over.
target_compile_options(assay_options INTERFACE
  "$<BUILD_INTERFACE:$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wno-shadow;-Wno-array-bounds;-Wno-stringop-overflow;-Wno-subobject-linkage>>")
if(ASSAY_CUDA)
  # As on the CPU, a product and a sum are fused only where the code says so: bits must not depend on a compiler's choice.
  # (The standard stands here because CMake 3.25 doesn't know that nvcc 13 has C++20.)
  target_compile_options(assay_options INTERFACE
    "$<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20;--fmad=false;--expt-relaxed-constexpr;-Xcompiler=-Wall,-Wextra>>"
    "$<BUILD_INTERFACE:$<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${ASSAY_WERROR}>>:--Werror=all-warnings>>")
endif()
target_include_directories(assay_options INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/assay>)
if(ASSAY_SANITIZE)
  target_compile_options(assay_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${ASSAY_SANITIZE};-fno-omit-frame-pointer>")
  target_link_options(assay_options INTERFACE -fsanitize=${ASSAY_SANITIZE})
endif()

# Makes the sources of TARGET compile for whether they compile: no code is generated, nothing precompiled is read.
function(assay_only_check target)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF AUTOMOC OFF DISABLE_PRECOMPILE_HEADERS ON
    CXX_COMPILER_LAUNCHER "${PROJECT_SOURCE_DIR}/cmake/only_check")
endfunction()

# assay_add_library(NAME SOURCES file… LINK target… [LINK_PRIVATE target…] [OWN_PRECOMPILED])
# The arrows of the house are the LINK lines. With the tests, NAME_alone checks each of its sources by itself, and with it
# the header that the source includes first: this is the judge of includes and of warnings.
function(assay_add_library name)
  cmake_parse_arguments(ARG "OWN_PRECOMPILED" "" "SOURCES;LINK;LINK_PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC assay_options ${ARG_LINK} PRIVATE ${ARG_LINK_PRIVATE})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF
    UNITY_BUILD ${ASSAY_UNITY} UNITY_BUILD_BATCH_SIZE 8)
  # The JSON library and the standard headers are read once, not in every file: half of the build on a small machine.
  if(name STREQUAL "assay_base")
    target_precompile_headers(${name} PRIVATE "${PROJECT_SOURCE_DIR}/harness/base/precompiled.h")
  elseif(NOT ARG_OWN_PRECOMPILED)
    target_precompile_headers(${name} REUSE_FROM assay_base)
  endif()
  if(ASSAY_TESTS)
    set_property(GLOBAL APPEND PROPERTY ASSAY_LIBRARIES ${name})
    set(written_sources "$<FILTER:$<FILTER:$<TARGET_PROPERTY:${name},SOURCES>,INCLUDE,[.]cpp$>,EXCLUDE,^${PROJECT_BINARY_DIR}>")
    add_library(${name}_alone OBJECT "${written_sources}")
    target_link_libraries(${name}_alone PRIVATE $<TARGET_PROPERTY:${name},LINK_LIBRARIES>)
    target_compile_definitions(${name}_alone PRIVATE $<TARGET_PROPERTY:${name},COMPILE_DEFINITIONS>)
    assay_only_check(${name}_alone)
  endif()
endfunction()

# assay_add_fuzzer(NAME SOURCES file… LINK target…)
# A libFuzzer program over the one entry that the sources define (tests/support/fuzz_entry.h); tests/fuzz/run runs it.
function(assay_add_fuzzer name)
  if(NOT ASSAY_FUZZ)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE assay_options ${ARG_LINK})
  target_compile_definitions(${name} PRIVATE ASSAY_FUZZER)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()

# assay_add_test(NAME SOURCES file… LINK target… [LABELS label…] [PROCESSORS n] [OWN_PRECOMPILED] [BOTH_CUDA_PATHS])
# One Catch2 program; each of its cases is a CTest test, which counts as n of those that `ctest -j` runs at a time. With
# BOTH_CUDA_PATHS a second one runs all but the cases tagged [hopper] with the portable kernels.
function(assay_add_test name)
  if(NOT ASSAY_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "OWN_PRECOMPILED;BOTH_CUDA_PATHS" "" "SOURCES;LINK;LABELS;PROCESSORS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE assay_options ${ARG_LINK} Catch2::Catch2WithMain)
  target_compile_definitions(${name} PRIVATE ASSAY_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # A test's own code is compiled more often than it runs. Less optimised, gcc 12 sees sums of short strings run over.
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-O1$<SEMICOLON>-Wno-array-bounds>)
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  if(name STREQUAL "assay_base_test")
    target_precompile_headers(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/precompiled.h")
  elseif(NOT ARG_OWN_PRECOMPILED)
    target_precompile_headers(${name} REUSE_FROM assay_base_test)
  endif()
  set(properties TIMEOUT 600 SKIP_RETURN_CODE 77)
  if(ARG_LABELS)
    list(APPEND properties LABELS ${ARG_LABELS})
  endif()
  if(NOT "gpu" IN_LIST ARG_LABELS)
    # What these tests compare with was recorded on CPUs: `--device auto` is the CPU in them.
    list(APPEND properties ENVIRONMENT CUDA_VISIBLE_DEVICES=-1)
  endif()
  if(ARG_PROCESSORS)
    list(APPEND properties PROCESSORS ${ARG_PROCESSORS})
  endif()
  # A name that CMake can't carry, as one with a semicolon, matches no test: that is a failure, not a pass.
  catch_discover_tests(${name} TEST_PREFIX "${name}: " EXTRA_ARGS --warn NoTests PROPERTIES ${properties})
  if(ARG_BOTH_CUDA_PATHS)
    catch_discover_tests(${name} TEST_SPEC "~[hopper]" TEST_PREFIX "${name} (portable): " TEST_LIST ${name}_PORTABLE_TESTS
      EXTRA_ARGS --warn NoTests
      PROPERTIES ${properties} ENVIRONMENT ASSAY_CUDA_PATH=portable)
  endif()
endfunction()
