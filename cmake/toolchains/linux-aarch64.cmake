# Debian's packages: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
set(processor aarch64)
set(triple aarch64-linux-gnu)
include("${CMAKE_CURRENT_LIST_DIR}/linux-gnu.cmake")
