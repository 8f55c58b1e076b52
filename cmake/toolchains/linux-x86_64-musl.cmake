# Debian's package: musl-tools. It is for the tests: a library that is built against glibc serves musl, too.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER musl-gcc)
set(TA_EMULATOR "")
