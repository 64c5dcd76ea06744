# Cross builds by Debian's g++-riscv64-linux-gnu, run by qemu-user. Statically linked, so that qemu needs no folder of the target's libraries.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(CMAKE_CXX_COMPILER riscv64-linux-gnu-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
# Which processor is emulated is the preset's to say.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-riscv64 CACHE STRING "What runs the target's programs")
