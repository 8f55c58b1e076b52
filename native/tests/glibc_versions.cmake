# Fails when the shared library needs a symbol of a newer glibc than 2.17, the oldest that is still
# in use (and the first on AArch64).
# Usage: cmake -DREADELF=<readelf> -DLIBRARY=<library> -P glibc_versions.cmake
set(NEWEST 2.17)
execute_process(
  COMMAND "${READELF}" -V "${LIBRARY}" # GNU's and LLVM's alike
  OUTPUT_VARIABLE listing
  RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${READELF} could not read ${LIBRARY}: ${result}")
endif()
string(REGEX MATCHALL "Name: GLIBC_[0-9.]+" needed "${listing}")
if(NOT needed)
  message(FATAL_ERROR "no version of glibc in:\n${listing}")
endif()
foreach(version IN LISTS needed)
  string(REPLACE "Name: GLIBC_" "" version "${version}")
  if(version VERSION_GREATER NEWEST)
    message(SEND_ERROR "glibc ${version} is needed, newer than ${NEWEST}")
  endif()
endforeach()
message(STATUS "none newer than ${NEWEST}: ${needed}")
