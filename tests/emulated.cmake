# Of a cross build: the unit and the stress tests, which qemu-user runs. That proves the instructions and their operands; memory orders are
# proved elsewhere. (The rest is the same on every machine: the model checker, and what the compiler and CMake say.)
#
# A program is one test here: qemu takes a quarter of a second to start it, and would for each of its test cases.

# In ./dev test three targets, compiled and run, are to take no more than 8 minutes of two cores. So
# - they are compiled with -O1, as the host's are (CMakePresets.json): with -O0 no operand of an instruction would ever be a constant;
# - seam.cpp is left out: what the containers ask of the seams doesn't depend on the machine; it would be a minute of each target;
# - membarrier.cpp, too: what it does, fence.cpp and the stress tests do in a tenth of the time;
# - cuda.cpp, warp.cpp and warp_containers.cpp, which are about no CPU;
# - allocation_failure.cpp, half a minute of each target: what a container does without memory is no matter of the machine.
if(NOT PAWL_TESTS_SOAK)
  set(left_out seam.cpp|membarrier.cpp|cuda.cpp|warp.cpp|warp_containers.cpp|allocation_failure.cpp)
endif()
pawl_test_program(unit 0)
unset(left_out)
pawl_test_program(stress 0)
target_compile_definitions(stress PRIVATE PAWL_TESTS_EMULATED)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL riscv64)
  # For std::atomic of 1 and 2 bytes, with which the tests compare, and for their own backends. (Nothing of pawl's calls it: see codegen.)
  target_link_libraries(unit PRIVATE atomic)
  target_link_libraries(stress PRIVATE atomic)
endif()

# (A map of a million elements takes a long time, too, and is no matter of the machine.)
if(NOT PAWL_TESTS_SOAK)
  set(not_emulated_unit "~a hash_map grows to a million elements*")
endif()
add_test(NAME unit COMMAND unit --warn NoTests ${not_emulated_unit})
# Until 8.0 at least, qemu makes plain moves of stlr and ldar with fences on their outer sides only, so that on x86 an ldar may be done before
# the stlr that stands before it. (Tried with std::atomic: 4 of 100 rounds.) The machine's ldar is not.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64)
  set(not_emulated_stress "~sequentially consistent accesses don't both read the old value*")
endif()
add_test(NAME stress COMMAND stress --warn NoTests ${not_emulated_stress})
math(EXPR seconds "300 * ${times}")
foreach(name unit stress)
  set_tests_properties(${name} PROPERTIES LABELS ${name} PROCESSORS 2 TIMEOUT ${seconds})
endforeach()
