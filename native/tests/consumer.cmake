# Configures, builds and runs the project in consumer/ against the installed tree.
# Usage: cmake -DSOURCE=<tests folder> -DPREFIX=<installed tree> -DWORK=<folder> -DVERSION=<x.y.z>
#   -DGENERATOR=<name> -DCC=<C compiler> -DCXX=<C++ compiler> -P consumer.cmake
file(REMOVE_RECURSE "${WORK}")
file(GLOB pkgconfig_folder "${PREFIX}/lib*/pkgconfig" "${PREFIX}/lib/*/pkgconfig")
set(ENV{PKG_CONFIG_PATH} "${pkgconfig_folder}")
foreach(command
    "-S;${SOURCE}/consumer;-B;${WORK};-G;${GENERATOR};-DCMAKE_C_COMPILER=${CC};-DCMAKE_CXX_COMPILER=${CXX};-DCMAKE_PREFIX_PATH=${PREFIX};-DEXPECTED_VERSION=${VERSION}"
    "--build;${WORK}")
  execute_process(COMMAND "${CMAKE_COMMAND}" ${command} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "cmake ${command} ended with ${result}")
  endif()
endforeach()
execute_process(
  COMMAND "${CMAKE_CTEST_COMMAND}" --output-on-failure --no-tests=error
  WORKING_DIRECTORY "${WORK}"
  RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the consumer's tests ended with ${result}")
endif()
