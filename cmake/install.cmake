# Installs the headers, the package that find_package(pawl) reads, and pawl.pc. All of it is text for any architecture.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/pawl)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

install(TARGETS pawl EXPORT pawl)
install(EXPORT pawl NAMESPACE pawl:: FILE pawlTargets.cmake DESTINATION ${package_dir})

# 0.x may break with any minor version.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pawlConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/pawlConfig.cmake ${PROJECT_BINARY_DIR}/pawlConfigVersion.cmake
  DESTINATION ${package_dir})

# The prefix is found from where pawl.pc lies, so that an install may be moved.
file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_DATADIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
if(PAWL_BACKEND)
  set(pc_backend " -DPAWL_BACKEND=${PAWL_BACKEND}")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/pawl.pc.in ${PROJECT_BINARY_DIR}/pawl.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pawl.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
