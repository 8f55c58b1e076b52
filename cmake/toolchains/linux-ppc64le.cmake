# Debian's packages: gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross qemu-user
set(processor ppc64le)
set(triple powerpc64le-linux-gnu)
include("${CMAKE_CURRENT_LIST_DIR}/linux-gnu.cmake")
