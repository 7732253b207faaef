# Writes OUTPUT, a source with the commit of SOURCE_DIR, if it differs from what is there. Runs at every build, so that the
# commit is that of the build and not of the last configuration.
set(commit "")
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} describe --always --abbrev=40 --exclude=* --dirty
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set(text "namespace assay::run {\nconst char* built_git_commit();\nconst char* built_git_commit() { return \"${commit}\"; }\n}\n")
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT text STREQUAL old)
  file(WRITE ${OUTPUT} "${text}")
endif()
