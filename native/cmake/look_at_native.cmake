# Prints what a library that goes into the jar is, and fails unless it exports the functions of
# exports.txt and JNI_On* only, needs no symbol but those listed here and no glibc that is newer than
# 2.17 (2.27 on RISC-V, which had none before), and says neither where nor when it was built. macOS
# must find no other library to be needed than its own, and on AArch64 a signature.
# Usage: cmake -DLIBRARY=<.../<os>-<arch>/library> -DEXPORTS=<exports.txt> -P look_at_native.cmake
cmake_minimum_required(VERSION 3.21)

find_program(readelf NAMES readelf llvm-readelf)
# Debian's package llvm has these two.
find_program(readobj NAMES llvm-readobj)
find_program(objdump NAMES llvm-objdump)

# What the library asks of the system. Whoever adds one makes sure that musl has it, too.
set(of_linux
  abort clock_gettime free malloc memcmp memcpy memmove memset mmap mprotect madvise munmap nanosleep
  pthread_mutex_lock pthread_mutex_unlock pthread_self pthread_setcancelstate sysconf getauxval
  __cxa_finalize __errno_location __stack_chk_fail __stack_chk_guard
  _ITM_deregisterTMCloneTable _ITM_registerTMCloneTable __gmon_start__)
# Below the dashes: what the compiler's own start-up code asks for, mingw-w64's and zig's.
set(of_windows
  AcquireSRWLockExclusive GetCurrentThreadId GetModuleHandleExW GetSystemInfo
  GetSystemTimeAsFileTime GlobalMemoryStatusEx ReleaseSRWLockExclusive SwitchToThread VirtualAlloc
  VirtualFree VirtualUnlock free malloc memcmp memcpy memmove memset
  # --
  DeleteCriticalSection EnterCriticalSection GetLastError InitializeCriticalSection
  LeaveCriticalSection Sleep TlsGetValue VirtualProtect VirtualQuery __iob_func _amsg_exit _initterm
  _lock _unlock abort calloc fwrite realloc strlen strncmp vfprintf
  __acrt_iob_func __daylight __p___argc __p___argv __p___wargv __p__environ __p__wenviron
  __stdio_common_vfprintf __stdio_common_vfwprintf __timezone __tzname _configure_narrow_argv
  _configure_wide_argv _crt_at_quick_exit _crt_atexit _execute_onexit_table _exit
  _initialize_narrow_environment _initialize_onexit_table _initialize_wide_environment
  _register_onexit_function _set_new_mode _tzset)
set(of_macos
  clock_gettime dladdr dlopen free madvise malloc memcpy memmove memset mmap mprotect munmap nanosleep
  pthread_mutex_lock pthread_mutex_unlock pthread_self pthread_setcancelstate sysconf
  # --
  __bzero __memcpy_chk bzero dyld_stub_binder)

cmake_path(GET LIBRARY PARENT_PATH folder)
cmake_path(GET folder FILENAME platform)

# read(command...): sets `listing` to what it prints.
function(read)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE listing RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGN}: ${result}")
  endif()
  set(listing "${listing}" PARENT_SCOPE)
endfunction()

# names_in(text before): sets `names` to the words that follow.
function(names_in text before)
  string(REGEX MATCHALL "${before}[A-Za-z_][A-Za-z_0-9]*" found "${text}")
  list(TRANSFORM found REPLACE ".* " "")
  set(names "${found}" PARENT_SCOPE)
endfunction()

set(exported "")
set(needed "")
set(newest "")
if(platform MATCHES "^windows")
  read("${readobj}" --file-headers --coff-exports --coff-imports "${LIBRARY}")
  names_in("${listing}" "Symbol: ")
  set(needed ${names})
  names_in("${listing}" "Ordinal: [0-9]+\n  Name: ")
  set(exported ${names})
  set(allowed ${of_windows})
elseif(platform MATCHES "^macos")
  read("${objdump}" --macho --bind --lazy-bind "${LIBRARY}")
  names_in("${listing}" "libSystem +_")
  list(TRANSFORM names REPLACE "^_(.*)" "\\1")
  set(needed ${names})
  read("${objdump}" --macho --exports-trie "${LIBRARY}")
  names_in("${listing}" "0x[0-9A-F]+  _")
  list(TRANSFORM names REPLACE "^_(.*)" "\\1")
  list(REMOVE_ITEM names __dso_handle _mh_dylib_header) # zig's linker exports them
  set(exported ${names})
  read("${objdump}" --macho --private-headers "${LIBRARY}")
  string(REGEX MATCHALL "cmd LC_LOAD_[A-Z_]*DYLIB\n[^\n]*\n *name [^ \n]+" libraries "${listing}")
  list(TRANSFORM libraries REPLACE ".* " "")
  if(NOT libraries STREQUAL "/usr/lib/libSystem.B.dylib")
    message(SEND_ERROR "${LIBRARY} needs other libraries than macOS's own: ${libraries}")
  endif()
  if(platform MATCHES "aarch64" AND NOT listing MATCHES "cmd LC_CODE_SIGNATURE")
    message(SEND_ERROR "${LIBRARY} is not signed: macOS on AArch64 does not load it")
  endif()
  set(allowed ${of_macos})
else()
  read("${readelf}" --dyn-syms --wide "${LIBRARY}")
  string(REGEX MATCHALL "[^\n]+" lines "${listing}")
  foreach(line IN LISTS lines)
    if(line MATCHES " +(GLOBAL|WEAK) +DEFAULT .* (UND|[0-9]+|ABS) +([A-Za-z_][A-Za-z_0-9]*)(@+([A-Za-z]+)_([0-9.]+))?")
      set(name "${CMAKE_MATCH_3}")
      set(version "${CMAKE_MATCH_6}")
      if(CMAKE_MATCH_2 STREQUAL "UND")
        list(APPEND needed "${name}")
        if(version AND (NOT newest OR version VERSION_GREATER newest))
          set(newest "${version}")
        endif()
      elseif(NOT CMAKE_MATCH_2 STREQUAL "ABS")
        list(APPEND exported "${name}")
      endif()
    endif()
  endforeach()
  set(allowed ${of_linux})
endif()

file(STRINGS "${EXPORTS}" listed)
list(POP_FRONT listed)
foreach(name IN LISTS listed ITEMS JNI_OnLoad JNI_OnUnload)
  if(NOT name IN_LIST exported)
    message(SEND_ERROR "${LIBRARY} does not export ${name}")
  endif()
endforeach()
foreach(name IN LISTS exported)
  if(NOT name IN_LIST listed AND NOT name MATCHES "^JNI_On(Load|Unload)$")
    message(SEND_ERROR "${LIBRARY} exports ${name}")
  endif()
endforeach()
foreach(name IN LISTS needed)
  if(NOT name IN_LIST allowed)
    message(SEND_ERROR "${LIBRARY} needs ${name}, which is not listed in look_at_native.cmake")
  endif()
endforeach()
if(NOT needed)
  message(SEND_ERROR "${LIBRARY} needs nothing of the system: was it read?")
endif()

set(most 2.17)
if(platform MATCHES "riscv64")
  set(most 2.27)
endif()
if(newest VERSION_GREATER most)
  message(SEND_ERROR "${LIBRARY} needs glibc ${newest}, newer than ${most}")
endif()

get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
file(STRINGS "${LIBRARY}" strings)
string(FIND "${strings}" "${root}" trace)
if(NOT trace EQUAL -1)
  message(SEND_ERROR "${LIBRARY} says where it was built: ${root}")
endif()
if(platform STREQUAL "windows-x86_64" AND NOT listing MATCHES "TimeDateStamp: [^\n]*[(]0x0[)]")
  message(SEND_ERROR "${LIBRARY} says when it was built")
endif()

file(SIZE "${LIBRARY}" size)
list(LENGTH exported count)
list(REMOVE_DUPLICATES needed)
list(SORT needed)
list(JOIN needed " " needed)
if(newest)
  set(newest ", glibc ${newest}")
endif()
message(STATUS "${platform}: ${size} bytes, ${count} functions${newest}, needs ${needed}")
