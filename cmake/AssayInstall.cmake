# What other programs link: find_package(Assay) gives Assay::results (reads a results database), Assay::suites (items, prompts,
# graders) and Assay::engine (the native runner), with all that these stand on.

include(CMakePackageConfigHelpers)

set(libraries assay_base assay_results assay_suites assay_runner assay_formats assay_tokenizer assay_kernels assay_engine)
if(TARGET assay_kernels_cuda)
  list(APPEND libraries assay_kernels_cuda)
endif()
foreach(library IN LISTS libraries)
  string(REGEX REPLACE "^assay_" "" exported_name ${library})
  set_target_properties(${library} PROPERTIES EXPORT_NAME ${exported_name})
endforeach()
set_target_properties(assay_options PROPERTIES EXPORT_NAME options)
install(TARGETS assay_options ${libraries} EXPORT AssayTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/Assay)
install(EXPORT AssayTargets NAMESPACE Assay:: DESTINATION ${package_folder})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/AssayConfig.cmake.in ${PROJECT_BINARY_DIR}/AssayConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/AssayConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/AssayConfig.cmake ${PROJECT_BINARY_DIR}/AssayConfigVersion.cmake DESTINATION ${package_folder})

# #include "results/store.h", as inside the project.
foreach(folder harness/base kernels results runners suites)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/assay/${folder}
    FILES_MATCHING PATTERN "*.h" PATTERN "test_*.h" EXCLUDE PATTERN "testdata" EXCLUDE)
endforeach()
