# Prints what the core's jar is and what each library in it is, and fails unless it carries the
# libraries that were built and no others, each as look_at_native.cmake wants it, and is small.
# Usage: cmake -DJAR=<jar> -DNATIVES=<folder with natives/> -P look_at_jar.cmake
cmake_minimum_required(VERSION 3.21)

# Bytes, with all platforms. It was 300,000 before budgets, parts, hand-offs and contexts that move: their
# classes are 40 kB, and the libraries of nine platforms 152. Npz's are 24, and DLPack's 12 in libraries and 2.
set(most 410000)

include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

set(unpacked "${JAR}.unpacked")
file(REMOVE_RECURSE "${unpacked}")
file(ARCHIVE_EXTRACT INPUT "${JAR}" DESTINATION "${unpacked}")

file(GLOB_RECURSE classes "${unpacked}/*.class")
list(LENGTH classes count)
file(GLOB_RECURSE others LIST_DIRECTORIES false RELATIVE "${unpacked}" "${unpacked}/*")
list(FILTER others EXCLUDE REGEX "[.]class$|^natives/")
list(JOIN others " " others)
file(SIZE "${JAR}" size)
message(STATUS "${JAR}: ${size} bytes, ${count} classes, ${others}")
if(size GREATER most)
  message(SEND_ERROR "The jar has ${size} bytes, more than ${most}")
endif()

file(GLOB_RECURSE built RELATIVE "${NATIVES}" "${NATIVES}/natives/*")
file(GLOB_RECURSE carried RELATIVE "${unpacked}" "${unpacked}/natives/*")
if(NOT carried STREQUAL built)
  message(FATAL_ERROR "The jar carries ${carried}, and built were ${built}")
endif()
foreach(library IN LISTS carried)
  file(SHA256 "${NATIVES}/${library}" hash_built)
  file(SHA256 "${unpacked}/${library}" hash_carried)
  if(NOT hash_carried STREQUAL hash_built)
    message(FATAL_ERROR "${library} in the jar is another than the one in ${NATIVES}")
  endif()
  run("${CMAKE_COMMAND}" "-DLIBRARY=${unpacked}/${library}"
    "-DEXPORTS=${CMAKE_CURRENT_LIST_DIR}/../exports.txt"
    -P "${CMAKE_CURRENT_LIST_DIR}/look_at_native.cmake")
endforeach()
file(REMOVE_RECURSE "${unpacked}")
