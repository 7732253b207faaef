# cmake -D … -P installed_test.cmake: installs the build, then configures, builds and runs user/ against it alone.
file(REMOVE_RECURSE "${folder}")
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${code}:\n${said}")
  endif()
  set(said "${said}" PARENT_SCOPE)
endfunction()

set(flags "${flags}")
if(sanitize)
  string(APPEND flags " -fsanitize=${sanitize}")
endif()
run("${CMAKE_COMMAND}" --install "${assay_build}" --prefix "${folder}/prefix")
run("${CMAKE_COMMAND}" -S "${user}" -B "${folder}/build" -G "${generator}" "-DCMAKE_PREFIX_PATH=${folder}/prefix"
  "-DCMAKE_CXX_COMPILER=${compiler}" "-DCMAKE_CXX_FLAGS=${flags} -Wall -Wextra -Werror" -DCMAKE_BUILD_TYPE=Debug)
run("${CMAKE_COMMAND}" --build "${folder}/build")
run("${folder}/build/user" "${model}" "${folder}/results.db")
if(NOT said MATCHES "verdict correct, 0 runs, model reference")
  message(FATAL_ERROR "the program said: ${said}")
endif()

# The installed command line finds what it ships with.
run("${folder}/prefix/bin/assay" suites show zebra-smoke)
run("${folder}/prefix/bin/assay" models show reference)
file(REMOVE_RECURSE "${folder}")
