# Fails unless what the shared library exports is what its header declares, and JNI_On*.
# Usage: cmake -DNM=<nm> -DLIBRARY=<library> -DHEADER=<tensorarena.h> -P exported_symbols.cmake
execute_process(
  COMMAND "${NM}" --dynamic --defined-only --format=posix "${LIBRARY}"
  OUTPUT_VARIABLE listing
  RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${NM} could not read ${LIBRARY}: ${result}")
endif()

file(READ "${HEADER}" header)
string(REGEX MATCHALL "[^\n]+" lines "${listing}")
set(exported 0)
foreach(line IN LISTS lines)
  string(REGEX REPLACE " .*" "" symbol "${line}")
  if(symbol MATCHES "^ta_" AND header MATCHES "[^A-Za-z0-9_]${symbol}[^A-Za-z0-9_]")
    math(EXPR exported "${exported} + 1")
  elseif(NOT symbol MATCHES "^JNI_On(Load|Unload)$")
    message(SEND_ERROR "${symbol} is exported, but it is not part of the public API")
  endif()
endforeach()
if(exported EQUAL 0)
  message(FATAL_ERROR "${LIBRARY} exports nothing: are the declarations in ${HEADER} marked?")
endif()
message(STATUS "${exported} functions exported")
