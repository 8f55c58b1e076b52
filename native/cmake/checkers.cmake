# Configures, builds and tests preset after preset, and stops at the first that fails.
# Usage, in the project's folder: cmake [-DPRESETS=asan-ubsan;tsan] [-DFUZZ_SECONDS=600] -P native/cmake/checkers.cmake
cmake_minimum_required(VERSION 3.21)

if(NOT PRESETS)
  set(PRESETS
    debug debug-clang release release-clang asan-ubsan asan-ubsan-clang tsan tsan-clang
    valgrind fuzz) # valgrind-clang on demand: it sees what valgrind sees, in as many minutes
endif()
if(NOT FUZZ_SECONDS)
  set(FUZZ_SECONDS 60)
endif()
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)

include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

foreach(preset IN LISTS PRESETS)
  message(STATUS "preset ${preset}")
  set(arguments "")
  if(preset STREQUAL "fuzz")
    set(arguments "-DTA_FUZZ_SECONDS=${FUZZ_SECONDS}")
  endif()
  run("${CMAKE_COMMAND}" --preset ${preset} --log-level=WARNING ${arguments})
  run("${CMAKE_COMMAND}" --build --preset ${preset} --parallel ${cores} -- --quiet)
  run("${CMAKE_CTEST_COMMAND}" --preset ${preset} --parallel ${cores})
endforeach()
