# Fails when the shared library needs a symbol of a newer glibc than 2.17, the oldest that is still
# in use (and the first on AArch64).
# Usage: cmake -DNM=<nm> -DLIBRARY=<library> -P glibc_versions.cmake
set(NEWEST 2.17)
execute_process(
  COMMAND "${NM}" --dynamic --undefined-only --with-symbol-versions "${LIBRARY}"
  OUTPUT_VARIABLE listing
  RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${NM} could not read ${LIBRARY}: ${result}")
endif()
string(REGEX MATCHALL "[^ \n]+@+GLIBC_[0-9.]+" needed "${listing}")
if(NOT needed)
  message(FATAL_ERROR "no versioned symbol of glibc in:\n${listing}")
endif()
foreach(symbol IN LISTS needed)
  string(REGEX REPLACE ".*GLIBC_" "" version "${symbol}")
  if(version VERSION_GREATER NEWEST)
    message(SEND_ERROR "${symbol} needs a newer glibc than ${NEWEST}")
  endif()
endforeach()
list(LENGTH needed count)
message(STATUS "${count} symbols of glibc, none newer than ${NEWEST}")
