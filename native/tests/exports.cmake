# Fails unless the shared library exports the functions that native/exports.txt lists, and JNI_On*,
# unless a header declares each, and unless the header's TA_ABI_VERSION is the one of that file. So
# neither changes by accident: who adds a function lists it, who removes one or changes what the
# header's rules name counts TA_ABI_VERSION up, in both files.
# Usage: cmake -DNM=<nm> -DLIBRARY=<library> -DHEADERS=<include> -DEXPORTS=<exports.txt>
#   -P exports.cmake
cmake_minimum_required(VERSION 3.16)
execute_process(
  COMMAND "${NM}" --dynamic --defined-only --format=posix "${LIBRARY}"
  OUTPUT_VARIABLE listing
  RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${NM} could not read ${LIBRARY}: ${result}")
endif()

file(STRINGS "${EXPORTS}" listed)
list(POP_FRONT listed version)
file(READ "${HEADERS}/tensorarena.h" header)
file(READ "${HEADERS}/tensorarena_dlpack.h" header_of_dlpack)
string(APPEND header "${header_of_dlpack}")
string(REGEX MATCH "#define (TA_ABI_VERSION [0-9]+)" declared_version "${header}")
if(NOT version STREQUAL CMAKE_MATCH_1)
  message(SEND_ERROR "${EXPORTS} is of ${version}, the header of ${CMAKE_MATCH_1}")
endif()

set(exported "")
string(REGEX MATCHALL "[^\n]+" lines "${listing}")
foreach(line IN LISTS lines)
  string(REGEX REPLACE " .*" "" symbol "${line}")
  if(NOT symbol MATCHES "^JNI_On(Load|Unload)$")
    list(APPEND exported "${symbol}")
    if(NOT symbol IN_LIST listed)
      message(SEND_ERROR "${symbol} is exported, but not listed in ${EXPORTS}")
    endif()
  endif()
endforeach()
foreach(symbol IN LISTS listed)
  if(NOT symbol IN_LIST exported)
    message(SEND_ERROR "${symbol} is listed in ${EXPORTS}, but not exported")
  endif()
  if(NOT header MATCHES "TA_API [^;]*[ *\n]${symbol}\\(")
    message(SEND_ERROR "${symbol} is listed in ${EXPORTS}, but no header declares it")
  endif()
endforeach()
if(NOT exported)
  message(FATAL_ERROR "${LIBRARY} exports nothing: are the declarations in ${HEADERS} marked?")
endif()
list(LENGTH exported count)
message(STATUS "${count} functions exported, ${version}")
