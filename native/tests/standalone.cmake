# Builds the library as a C programmer does, with no JVM in sight, twice, from two copies of the
# source in differently named folders, and installs it. Fails unless both give the same bytes and
# nothing of JNI is in them.
# Usage: cmake -DSOURCE=<root> -DWORK=<folder> -DGENERATOR=<name> -DCC=<compiler> -DNM=<nm>
#   -P standalone.cmake
# Leaves the installed tree in <folder>/prefix.

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    string(JOIN " " command ${ARGV})
    message(FATAL_ERROR "${command}\nended with ${result}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE "${WORK}")
# A build type with debug information, which is where the names of folders would lie.
foreach(copy first the/second/copy)
  file(COPY "${SOURCE}/CMakeLists.txt" "${SOURCE}/native" DESTINATION "${WORK}/${copy}"
    PATTERN "target" EXCLUDE PATTERN "build" EXCLUDE)
  run("${CMAKE_COMMAND}" -S "${WORK}/${copy}" -B "${WORK}/build-of/${copy}" -G "${GENERATOR}"
    "-DCMAKE_C_COMPILER=${CC}" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTA_JNI_INCLUDE=
    -DBUILD_TESTING=OFF)
  run("${CMAKE_COMMAND}" --build "${WORK}/build-of/${copy}" --config RelWithDebInfo)
  run("${CMAKE_COMMAND}" --install "${WORK}/build-of/${copy}" --config RelWithDebInfo
    --prefix "${WORK}/prefix-of/${copy}")
endforeach()

file(GLOB_RECURSE installed RELATIVE "${WORK}/prefix-of/first" "${WORK}/prefix-of/first/*")
if(NOT installed MATCHES "libtensorarena\\." OR NOT installed MATCHES "tensorarena\\.pc")
  message(FATAL_ERROR "not all was installed: ${installed}")
endif()
foreach(file IN LISTS installed)
  foreach(copy first the/second/copy)
    file(SHA256 "${WORK}/prefix-of/${copy}/${file}" hash)
    list(APPEND hashes_of_${file} "${hash}")
  endforeach()
  list(REMOVE_DUPLICATES hashes_of_${file})
  list(LENGTH hashes_of_${file} different)
  if(NOT different EQUAL 1)
    message(SEND_ERROR "${file} depends on where it was built: ${hashes_of_${file}}")
  endif()
endforeach()

foreach(file IN LISTS installed)
  if(file MATCHES "libtensorarena\\.(a|so)")
    run("${NM}" "${WORK}/prefix-of/first/${file}")
    if(output MATCHES "JNI_|jni_")
      message(SEND_ERROR "${file} has JNI entry points, built without a JDK")
    endif()
  endif()
endforeach()
file(RENAME "${WORK}/prefix-of/first" "${WORK}/prefix")
