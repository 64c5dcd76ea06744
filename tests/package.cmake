# The project in package/ is a stranger's: it takes pawl from an install (find_package, pkg-config) and from the source tree. Included
# by the build it makes the tests; run by one of them, with `task` set, it checks the install or goes the way of pkg-config.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(place ${CMAKE_CURRENT_BINARY_DIR}/package)

  function(pawl_package_test name)
    add_test(NAME package/${name} COMMAND ${ARGN})
    set_tests_properties(package/${name} PROPERTIES LABELS package TIMEOUT 120 FIXTURES_REQUIRED installed)
  endfunction()
  function(pawl_package_script task)
    pawl_package_test(${task} ${CMAKE_COMMAND} -Dtask=${task} -Dsource=${PROJECT_SOURCE_DIR} -Dbuild=${PROJECT_BINARY_DIR}
      -Dplace=${place} -Dcompiler=${CMAKE_CXX_COMPILER} -Dversion=${PROJECT_VERSION} -P ${CMAKE_CURRENT_LIST_FILE})
  endfunction()
  function(pawl_package_project name)
    pawl_package_test(${name} ${CMAKE_CTEST_COMMAND}
      --build-and-test ${CMAKE_CURRENT_SOURCE_DIR}/package ${place}/${name} --build-generator ${CMAKE_GENERATOR}
      --build-options -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} ${ARGN} --test-command consumer)
  endfunction()

  pawl_package_script(install)
  set_tests_properties(package/install PROPERTIES FIXTURES_REQUIRED "" FIXTURES_SETUP installed)
  pawl_package_project(find_package -DCMAKE_PREFIX_PATH=${place}/prefix -DPAWL_WANTED=${PROJECT_VERSION})
  pawl_package_project(add_subdirectory -DPAWL_SOURCE=${PROJECT_SOURCE_DIR})
  pawl_package_project(add_subdirectory_with_a_backend -DPAWL_SOURCE=${PROJECT_SOURCE_DIR} -DPAWL_BACKEND=builtin)
  pawl_package_script(pkg-config)
  return()
endif()

if(task STREQUAL "install")
  file(REMOVE_RECURSE ${place})
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${build} --prefix ${place}/prefix COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB_RECURSE wanted RELATIVE ${source} ${source}/include/*)
  list(APPEND wanted share/cmake/pawl/pawlConfig.cmake share/cmake/pawl/pawlConfigVersion.cmake
    share/cmake/pawl/pawlTargets.cmake share/pkgconfig/pawl.pc)
  file(GLOB_RECURSE installed RELATIVE ${place}/prefix ${place}/prefix/*)
  list(SORT wanted)
  list(SORT installed)
  if(NOT installed STREQUAL wanted)
    list(JOIN wanted "\n  " wanted)
    list(JOIN installed "\n  " installed)
    message(FATAL_ERROR "the install holds\n  ${installed}\nand should hold\n  ${wanted}")
  endif()
elseif(task STREQUAL "pkg-config")
  set(ENV{PKG_CONFIG_PATH} ${place}/prefix/share/pkgconfig)
  execute_process(COMMAND pkg-config --modversion pawl
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  if(NOT found STREQUAL version)
    message(FATAL_ERROR "pawl.pc says version ${found}, not ${version}")
  endif()
  execute_process(COMMAND pkg-config --cflags --libs pawl OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  set(project ${CMAKE_CURRENT_LIST_DIR}/package)
  execute_process(COMMAND ${compiler} -std=c++20 ${project}/main.cpp ${project}/other.cpp ${flags} -o ${place}/by_pkg_config
    COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${place}/by_pkg_config COMMAND_ERROR_IS_FATAL ANY)
endif()
