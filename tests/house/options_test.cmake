# What is missing is switched off with one status line, except when it was asked for by name: then it is an error.
# Called with source, build, generator and compiler; Catch2 stands for every optional need.

function(configure asked expected_result expected_text)
  file(REMOVE_RECURSE "${build}")
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -S "${source}" -B "${build}" -G "${generator}" -D "CMAKE_CXX_COMPILER=${compiler}"
      -D ASSAY_CUDA=OFF -D CMAKE_DISABLE_FIND_PACKAGE_Catch2=ON ${asked}
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  file(REMOVE_RECURSE "${build}")
  string(REGEX REPLACE "[ \n]+" " " output "${output}")  # CMake breaks the lines of an error
  string(FIND "${output}" "${expected_text}" at)
  if(at EQUAL -1 OR NOT result EQUAL expected_result)
    message(FATAL_ERROR "configure ${asked}: result ${result}, expected ${expected_result} and \"${expected_text}\":\n${output}")
  endif()
endfunction()

configure("" 0 "-- Assay: tests are off (Catch2 not found; Debian: catch2)")
configure("-DASSAY_TESTS=ON" 1 "Assay: ASSAY_TESTS=ON, but Catch2 not found; Debian: catch2")
