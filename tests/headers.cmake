# Each public header stands alone, may be included twice, and may be included by two translation units of one program: each is
# compiled by itself, `everything.cpp` includes them all, and all of it is linked into one program.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/include/*.hpp)
set(everything "")
set(header_sources "")
foreach(header IN LISTS headers)
  string(REPLACE "/" "." source ${header})
  set(source ${CMAKE_CURRENT_BINARY_DIR}/each_header/${source}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "#include <@header@>\n#include <@header@>\n" @ONLY)
  list(APPEND header_sources ${source})
  string(APPEND everything "#include <${header}>\n")
endforeach()
set(source ${CMAKE_CURRENT_BINARY_DIR}/each_header/everything.cpp)
file(CONFIGURE OUTPUT ${source} CONTENT "@everything@int main() {}\n" @ONLY)

add_executable(headers ${header_sources} ${source})
target_link_libraries(headers PRIVATE pawl::pawl)
pawl_warnings(headers)
add_test(NAME "headers/each stands alone, and all may be in two translation units" COMMAND headers)
set_tests_properties("headers/each stands alone, and all may be in two translation units" PROPERTIES LABELS headers)

# nvcc as a host compiler, as a .cu file of a user's gets it from pawl::pawl: no warning from it nor from g++ behind it.
find_program(PAWL_NVCC nvcc HINTS /usr/local/cuda/bin DOC "CUDA compiler that the headers are tried with; optional")
if(PAWL_NVCC)
  add_test(NAME "nvcc/the headers compile without a warning"
    COMMAND ${PAWL_NVCC} -std=c++20 --expt-relaxed-constexpr -x cu -Xcompiler=-Wall,-Wextra,-Wconversion,-Wshadow,-Werror
      -Werror all-warnings -I ${PROJECT_SOURCE_DIR}/include -c -o ${CMAKE_CURRENT_BINARY_DIR}/each_header/nvcc.o ${source})
else()
  add_test(NAME "nvcc/the headers compile without a warning" COMMAND ${CMAKE_COMMAND} -E echo "skipped: there is no nvcc")
  set_tests_properties("nvcc/the headers compile without a warning" PROPERTIES SKIP_REGULAR_EXPRESSION "skipped")
endif()
set_tests_properties("nvcc/the headers compile without a warning" PROPERTIES LABELS nvcc)
