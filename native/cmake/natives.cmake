# Builds the library for each platform whose compiler is found, twice and alike, tests it by what
# this machine has for that, and lays it into <folder>/natives/<os>-<arch>, in place of those that an
# earlier run has left there. What is left out is said.
# What is in it is looked at in the jar, see look_at_jar.cmake.
# Usage, in the project's folder: cmake -DFOLDER=<folder> -DJNI_INCLUDE=<a JDK's include>
#   -DHOST=<folder with the host's own natives/> [-DPLATFORMS=linux-aarch64;windows-x86_64]
#   -P native/cmake/natives.cmake
cmake_minimum_required(VERSION 3.21)

set(known linux-aarch64 linux-riscv64 linux-ppc64le linux-s390x windows-x86_64 linux-x86_64-musl
  windows-aarch64 macos-aarch64 macos-x86_64)
if(NOT PLATFORMS)
  set(PLATFORMS ${known})
endif()
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
set(root "${CMAKE_CURRENT_LIST_DIR}/../..")

include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

# The toolchain's file says by itself what it needs.
function(read_toolchain platform)
  set(TA_EMULATOR "")
  include("${root}/cmake/toolchains/${platform}.cmake")
  list(GET CMAKE_C_COMPILER 0 compiler)
  set(compiler "${compiler}" PARENT_SCOPE)
  set(emulator "${TA_EMULATOR}" PARENT_SCOPE)
  set(untested "${TA_UNTESTED}" PARENT_SCOPE)
  file(STRINGS "${root}/cmake/toolchains/${platform}.cmake" packages REGEX "^# Debian's package")
  string(REGEX REPLACE "^# |: It is for.*" "" packages "${packages}")
  set(packages "${packages}" PARENT_SCOPE)
endfunction()

# compare_with_another_build(platform library arguments...): of CMake, by which it is configured. The
# second build lies elsewhere, so that no folder's name in the library goes unseen.
function(compare_with_another_build platform library)
  set(again "${root}/build/${platform}/again")
  file(REMOVE_RECURSE "${again}")
  run("${CMAKE_COMMAND}" ${ARGN} -B "${again}" --log-level=WARNING
    -DBUILD_TESTING=OFF "-DTA_JNI_INCLUDE=${JNI_INCLUDE}")
  run("${CMAKE_COMMAND}" --build "${again}" --parallel ${cores} -- --quiet)
  file(GLOB_RECURSE second "${again}/jar/*tensorarena*")
  file(SHA256 "${library}" first_hash)
  file(SHA256 "${second}" second_hash)
  if(NOT first_hash STREQUAL second_hash)
    message(FATAL_ERROR "${platform}: two builds differ: ${library} and ${second}")
  endif()
endfunction()

file(REMOVE_RECURSE "${FOLDER}/natives")
if(HOST)
  file(COPY "${HOST}/natives" DESTINATION "${FOLDER}")
  file(GLOB_RECURSE own "${HOST}/natives/*tensorarena*")
  compare_with_another_build(host "${own}" -S "${root}" -DCMAKE_BUILD_TYPE=Release)
  file(GLOB shipped "${HOST}/natives/linux-x86_64/*")
endif()

foreach(platform IN LISTS PLATFORMS)
  if(NOT platform IN_LIST known)
    message(FATAL_ERROR "${platform} is none of ${known}")
  endif()
  read_toolchain(${platform})
  find_program(found_${platform} "${compiler}")
  if(NOT found_${platform})
    message(STATUS "${platform}: left out, there is no ${compiler}. ${packages}")
    continue()
  endif()
  string(TIMESTAMP begun "%s")
  run("${CMAKE_COMMAND}" --preset ${platform} --log-level=WARNING "-DTA_JNI_INCLUDE=${JNI_INCLUDE}"
    "-DTA_SHIPPED=${shipped}")
  run("${CMAKE_COMMAND}" --build --preset ${platform} --parallel ${cores} -- --quiet)
  file(GLOB_RECURSE library "${root}/build/${platform}/jar/*tensorarena*")
  compare_with_another_build(${platform} "${library}" --preset ${platform})
  if(NOT platform MATCHES "musl")
    file(COPY "${root}/build/${platform}/jar/natives" DESTINATION "${FOLDER}")
  endif()
  if(untested)
    message(STATUS "${platform}: built, and not tested: nothing here runs it")
    continue()
  endif()
  if(emulator)
    find_program(found_${emulator} NAMES ${emulator} PATHS /usr/lib/wine)
  endif()
  if(emulator AND NOT found_${emulator})
    message(STATUS "${platform}: built and not tested, there is no ${emulator}. ${packages}")
    continue()
  endif()
  run("${CMAKE_CTEST_COMMAND}" --preset ${platform} --parallel ${cores})
  string(TIMESTAMP ended "%s")
  math(EXPR seconds "${ended} - ${begun}")
  message(STATUS "${platform}: built and tested in ${seconds} s")
endforeach()
