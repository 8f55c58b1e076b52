# What Debian's cross compilers for Linux have in common. The including file sets `triple` and
# `processor`, the latter as `uname -m` and Java's os.arch say it. The tests run under qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR "${processor}")
set(CMAKE_C_COMPILER "${triple}-gcc")
set(TA_EMULATOR "qemu-${processor}")
set(CMAKE_CROSSCOMPILING_EMULATOR "${TA_EMULATOR};-L;/usr/${triple}")
