# Debian's packages: npm llvm, and zig: npm ci --prefix cmake/zig
set(system Darwin)
set(processor x86_64)
set(target x86_64-macos.11.0)
include("${CMAKE_CURRENT_LIST_DIR}/zig.cmake")
