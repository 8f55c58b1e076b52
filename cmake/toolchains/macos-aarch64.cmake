# Debian's packages: npm llvm, and zig: npm ci --prefix cmake/zig
set(system Darwin)
set(processor aarch64)
set(target aarch64-macos.11.0)
include("${CMAKE_CURRENT_LIST_DIR}/zig.cmake")
