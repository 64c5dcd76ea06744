# Programs that must not compile, and the sentence that must tell their author why: the first line of each file of unit/misuse
# says it after `// expect:`. Included by the build it makes a test of each file; run by such a test it checks one.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  # Without source lines in the diagnostics: there the sentence would be found in a static_assert that did not fire.
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    set(no_source_lines -fno-caret-diagnostics)
  else()
    set(no_source_lines -fno-diagnostics-show-caret)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS unit/misuse/*.cpp)
  foreach(source IN LISTS sources)
    cmake_path(GET source STEM name)
    string(REPLACE "_" " " name ${name})
    add_test(NAME "misuse/${name}" COMMAND ${CMAKE_COMMAND} -Dcompiler=${CMAKE_CXX_COMPILER} -Dflag=${no_source_lines}
      -Dinclude=${PROJECT_SOURCE_DIR}/include -Dsource=${source} -P ${CMAKE_CURRENT_LIST_FILE})
    set_tests_properties("misuse/${name}" PROPERTIES LABELS misuse)
  endforeach()
  return()
endif()

file(STRINGS ${source} first_line LIMIT_COUNT 1)
if(NOT first_line MATCHES "^// expect: (.+)$")
  message(FATAL_ERROR "${source} doesn't begin with '// expect: <part of the sentence>'")
endif()
set(sentence "${CMAKE_MATCH_1}")

execute_process(COMMAND ${compiler} -std=c++20 -fsyntax-only ${flag} -I ${include} ${source}
  RESULT_VARIABLE status ERROR_VARIABLE diagnostics OUTPUT_VARIABLE diagnostics)
if(status EQUAL 0)
  message(FATAL_ERROR "${source} compiles")
endif()
string(FIND "${diagnostics}" "${sentence}" found)
if(found EQUAL -1)
  message(FATAL_ERROR "no diagnostic says: ${sentence}\n${diagnostics}")
endif()
