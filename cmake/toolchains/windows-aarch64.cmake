# Debian's packages: npm llvm, and zig: npm ci --prefix cmake/zig
set(system Windows)
set(processor aarch64)
set(target aarch64-windows-gnu)
include("${CMAKE_CURRENT_LIST_DIR}/zig.cmake")
