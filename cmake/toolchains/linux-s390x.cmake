# Debian's packages: gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user
set(processor s390x)
set(triple s390x-linux-gnu)
include("${CMAKE_CURRENT_LIST_DIR}/linux-gnu.cmake")
