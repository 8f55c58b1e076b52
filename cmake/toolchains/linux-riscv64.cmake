# Debian's packages: gcc-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-user
set(processor riscv64)
set(triple riscv64-linux-gnu)
include("${CMAKE_CURRENT_LIST_DIR}/linux-gnu.cmake")
