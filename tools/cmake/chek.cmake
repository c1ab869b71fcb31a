# SPDX-License-Identifier: MIT
# The whole build in a few functions, and who may use whom.
#
#   chek_module(NAME room [SOURCES ..] HEADERS .. [DEPENDS room ..] [LIBRARIES name ..]
#     [GENERATED file ..])
#   chek_program(NAME program SOURCES .. [MODULES room ..] [LIBRARIES name ..])
#   chek_test(NAME test SOURCES .. LABELS .. [MODULES room ..] [LIBRARIES name ..]
#     [ARGUMENTS ..] [TIMEOUT s])
#   chek_test_library(NAME name SOURCES .. HEADERS .. [MODULES room ..] [LIBRARIES name ..])
#   chek_fuzz(NAME noun SOURCES .. [MODULES room ..] [DICTIONARY file])
#   chek_bench(NAME noun SOURCES .. [MODULES room ..] [LIBRARIES name ..])
#   chek_script_test(NAME test COMMAND .. LABELS .. [TIMEOUT s])
#
# LIBRARIES are names of tools/cmake/libraries.cmake: uring, zstd, sodium, protobuf_c. GENERATED are files made
# at build time below ${CHEK_GENERATED_DIR}, in the folder of their room; the caller adds the
# command that makes them.
#
# An arrow between rooms is checked twice: DEPENDS against the list below, and every #include of
# every file against the same list. Linking alone proves nothing, since a program links all rooms.

set(CHEK_GENERATED_DIR ${PROJECT_BINARY_DIR}/generated)

# ---- rooms: where they are, and what they may use. A new arrow is a decision (DECISIONS.md). ----

set(CHEK_FOLDER_base engine/base)
set(CHEK_FOLDER_io engine/io)
set(CHEK_FOLDER_wire engine/wire)
set(CHEK_FOLDER_store engine/store)
set(CHEK_FOLDER_ledger engine/ledger)
set(CHEK_FOLDER_registry engine/registry)
set(CHEK_FOLDER_directory engine/directory)
set(CHEK_FOLDER_fiscal engine/fiscal)
set(CHEK_FOLDER_program engine/program)
set(CHEK_FOLDER_partition engine/partition)
set(CHEK_FOLDER_session engine/session)
set(CHEK_FOLDER_ingest ingest)
set(CHEK_FOLDER_query query)
set(CHEK_FOLDER_client query/client)
set(CHEK_FOLDER_persist persist)
set(CHEK_FOLDER_server tools/server)
set(CHEK_FOLDER_naive tools/verify/naive)
set(CHEK_FOLDER_verify tools/verify)
set(CHEK_FOLDER_load tools/load)
set(CHEK_FOLDER_kkm tools/kkm)
set(CHEK_FOLDER_tools tools)
set(CHEK_FOLDER_bench bench)
set(CHEK_FOLDER_tests tests)

set(CHEK_ROOMS base io wire store ledger registry directory fiscal program partition session
  ingest query client persist server naive verify load kkm)

set(CHEK_ALLOWED_base)
set(CHEK_ALLOWED_io base)
set(CHEK_ALLOWED_wire base)
set(CHEK_ALLOWED_store base wire)
set(CHEK_ALLOWED_ledger base)
set(CHEK_ALLOWED_registry base)
set(CHEK_ALLOWED_directory base wire)
set(CHEK_ALLOWED_fiscal base wire store)
set(CHEK_ALLOWED_program base ledger fiscal)
set(CHEK_ALLOWED_partition base wire store fiscal directory registry ledger program)
set(CHEK_ALLOWED_session base io wire directory)
set(CHEK_ALLOWED_ingest base io wire session partition store fiscal directory)
set(CHEK_ALLOWED_query base io wire session partition store fiscal directory)
set(CHEK_ALLOWED_persist base io wire session partition store fiscal directory)
set(CHEK_ALLOWED_client base wire)
set(CHEK_ALLOWED_server ${CHEK_ROOMS} tools)
set(CHEK_ALLOWED_naive base wire)
set(CHEK_ALLOWED_verify base io wire partition store fiscal directory ingest persist naive)
set(CHEK_ALLOWED_load base wire client)
set(CHEK_ALLOWED_kkm base wire client load)
set(CHEK_ALLOWED_tools ${CHEK_ROOMS})
set(CHEK_ALLOWED_bench ${CHEK_ROOMS} tests)
set(CHEK_ALLOWED_tests ${CHEK_ROOMS} tools bench)

# Set `ret` to the room whose folder holds `path` (the innermost one), or to nothing.
function(chek__room_of path ret)
  set(found "")
  set(found_length 0)
  foreach(room IN LISTS CHEK_ROOMS ITEMS tools bench tests)
    string(FIND "${path}" "${CHEK_FOLDER_${room}}/" at)
    string(LENGTH "${CHEK_FOLDER_${room}}" length)
    if(at EQUAL 0 AND length GREATER found_length)
      set(found ${room})
      set(found_length ${length})
    endif()
  endforeach()
  set(${ret} "${found}" PARENT_SCOPE)
endfunction()

# Refuse to configure when a file of `room` includes a header of a room that it may not use.
function(chek__scan_includes room)
  foreach(file IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(STRINGS ${file} lines REGEX "^[ \t]*#[ \t]*include[ \t]*[\"<]")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^[ \t]*#[ \t]*include[ \t]*([\"<])([^\">]*).*$" "\\1;\\2" parts "${line}")
      list(GET parts 0 bracket)
      list(GET parts 1 path)
      chek__room_of("${path}" target)
      if(target STREQUAL "")
        if(bracket STREQUAL "\"")
          message(FATAL_ERROR "${file}: \"${path}\" is not written from the root of the project")
        endif()
      elseif(bracket STREQUAL "<")
        message(FATAL_ERROR "${file}: <${path}> is ours; write it in quotes")
      elseif(NOT target STREQUAL room AND NOT target IN_LIST CHEK_ALLOWED_${room})
        message(FATAL_ERROR "${file}: room '${room}' may not include \"${path}\" of room '${target}'")
      endif()
    endforeach()
  endforeach()
endfunction()

# Link `target`, code of `room`, with other rooms and with libraries, if it may.
function(chek__link target scope room)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "" "DEPENDS;LIBRARIES")
  foreach(dep IN LISTS arg_DEPENDS)
    if(NOT dep IN_LIST CHEK_ALLOWED_${room})
      message(FATAL_ERROR "room '${room}' may not depend on '${dep}'")
    endif()
    target_link_libraries(${target} ${scope} chek_${dep})
  endforeach()
  foreach(library IN LISTS arg_LIBRARIES)
    target_link_libraries(${target} ${scope} chek_lib_${library})
  endforeach()
endfunction()

# ---- what the CMakeLists.txt of the rooms call ----

function(chek_module)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;HEADERS;DEPENDS;LIBRARIES;GENERATED")
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR}
    OUTPUT_VARIABLE folder)
  if(NOT folder STREQUAL CHEK_FOLDER_${arg_NAME})
    message(FATAL_ERROR "${folder}: room '${arg_NAME}' is not the one of this folder")
  endif()
  if(NOT arg_SOURCES AND NOT arg_GENERATED) # a room that has only headers so far
    add_library(chek_${arg_NAME} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(chek_${arg_NAME} STATIC ${arg_SOURCES} ${arg_GENERATED})
    target_link_libraries(chek_${arg_NAME} PRIVATE chek_flags)
    set_property(GLOBAL APPEND PROPERTY CHEK_OBJECT_LISTS
      "${arg_NAME} $<TARGET_FILE:chek_${arg_NAME}>")
    set(scope PUBLIC)
  endif()
  target_sources(chek_${arg_NAME} ${scope}
    FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
  target_include_directories(chek_${arg_NAME} ${scope} ${CHEK_GENERATED_DIR})
  chek__link(chek_${arg_NAME} ${scope} ${arg_NAME}
    DEPENDS ${arg_DEPENDS} LIBRARIES ${arg_LIBRARIES})
  chek__scan_includes(${arg_NAME} ${arg_SOURCES} ${arg_HEADERS})
endfunction()

function(chek_program)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;MODULES;LIBRARIES")
  add_executable(${arg_NAME} ${arg_SOURCES})
  set_target_properties(${arg_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  target_include_directories(${arg_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${arg_NAME} PRIVATE chek_flags)
  string(REPLACE "-" "_" prefix ${arg_NAME})
  set_property(GLOBAL APPEND PROPERTY CHEK_OBJECT_LISTS
    "${prefix} $<JOIN:$<TARGET_OBJECTS:${arg_NAME}>,$<SEMICOLON>>")
  chek__link(${arg_NAME} PRIVATE tools DEPENDS ${arg_MODULES} LIBRARIES ${arg_LIBRARIES})
  if(CHEK_JEMALLOC)
    target_link_libraries(${arg_NAME} PRIVATE chek_lib_jemalloc)
  endif()
  chek__scan_includes(tools ${arg_SOURCES})
endfunction()

# The properties that every test has. TIMEOUT is what a test may take on a machine of its own; only
# one that hangs takes ten times as long, however busy the machine is. A sanitizer gets more time.
# The tests that may take longest start first (COST), so that no processor waits for the last one.
function(chek__test_properties name labels timeout_s)
  if(NOT timeout_s)
    set(timeout_s 30)
  endif()
  math(EXPR timeout_s "${timeout_s} * 10")
  if(CHEK_SANITIZE)
    math(EXPR timeout_s "${timeout_s} * 3")
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS "${labels}" TIMEOUT ${timeout_s} COST ${timeout_s} SKIP_RETURN_CODE 77)
endfunction()

# Sources that several tests share are compiled once, with what the first of these may use.
function(chek__fixtures target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FIXTURES;MODULES;LIBRARIES")
  foreach(source IN LISTS arg_FIXTURES)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE name)
    string(MAKE_C_IDENTIFIER "chek_fixture_${name}" fixture)
    if(NOT TARGET ${fixture})
      add_library(${fixture} OBJECT ${source})
      target_include_directories(${fixture} PRIVATE ${PROJECT_SOURCE_DIR})
      target_link_libraries(${fixture} PRIVATE chek_flags chek_lib_cmocka)
      chek__link(${fixture} PRIVATE tests DEPENDS ${arg_MODULES} LIBRARIES ${arg_LIBRARIES})
      chek__scan_includes(tests ${source})
    endif()
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${fixture}>)
  endforeach()
endfunction()

function(chek_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;TIMEOUT"
    "SOURCES;FIXTURES;LABELS;MODULES;LIBRARIES;ARGUMENTS")
  if(NOT arg_LABELS)
    message(FATAL_ERROR "test '${arg_NAME}' has no label, so no preset would run it")
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  if("threads" IN_LIST arg_LABELS) # all that the thread sanitizer's preset builds
    if(NOT TARGET threads_tests)
      add_custom_target(threads_tests)
    endif()
    add_dependencies(threads_tests ${arg_NAME})
  endif()
  target_include_directories(${arg_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${arg_NAME} PRIVATE chek_flags chek_lib_cmocka)
  chek__link(${arg_NAME} PRIVATE tests DEPENDS ${arg_MODULES} LIBRARIES ${arg_LIBRARIES})
  chek__scan_includes(tests ${arg_SOURCES})
  chek__fixtures(${arg_NAME}
    FIXTURES ${arg_FIXTURES} MODULES ${arg_MODULES} LIBRARIES ${arg_LIBRARIES})
  add_test(NAME ${arg_NAME} COMMAND ${arg_NAME} ${arg_ARGUMENTS}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  chek__test_properties(${arg_NAME} "${arg_LABELS}" "${arg_TIMEOUT}")
endfunction()

# Code that several tests share; they name it in LIBRARIES.
function(chek_test_library)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;HEADERS;MODULES;LIBRARIES")
  set(target chek_lib_${arg_NAME})
  add_library(${target} STATIC ${arg_SOURCES})
  target_sources(${target} PUBLIC
    FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
  target_link_libraries(${target} PRIVATE chek_flags)
  chek__link(${target} PUBLIC tests DEPENDS ${arg_MODULES} LIBRARIES ${arg_LIBRARIES})
  chek__scan_includes(tests ${arg_SOURCES} ${arg_HEADERS})
endfunction()

# A decoder's fuzz target. The dev and the fuzz build replay tests/fuzz/corpus/<noun>/ through it; with
# CHEK_FUZZER it is a libFuzzer program as well, and listed in fuzz_targets.txt for tools/test.
function(chek_fuzz)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;DICTIONARY" "SOURCES;MODULES;LIBRARIES")
  set(target fuzz_${arg_NAME})
  set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${arg_NAME})
  if(NOT IS_DIRECTORY ${corpus})
    message(FATAL_ERROR "fuzz target '${arg_NAME}' has no corpus in tests/fuzz/corpus")
  endif()
  add_executable(${target} ${arg_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE chek_flags)
  chek__link(${target} PRIVATE tests DEPENDS ${arg_MODULES} LIBRARIES ${arg_LIBRARIES})
  chek__scan_includes(tests ${arg_SOURCES})
  if(CHEK_FUZZER)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    add_test(NAME ${target} COMMAND ${target} -runs=0 ${corpus})
    set_property(GLOBAL APPEND PROPERTY CHEK_FUZZ_TARGETS
      "${arg_NAME}\t$<TARGET_FILE:${target}>\t${arg_DICTIONARY}")
  else()
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
    add_test(NAME ${target} COMMAND ${target} ${corpus})
  endif()
  chek__test_properties(${target} fuzz "")
endfunction()

# A benchmark program, bench/bench_<noun> of the build; bench/harness.cc has its main.
function(chek_bench)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;MODULES;LIBRARIES")
  set(target bench_${arg_NAME})
  add_executable(${target} ${arg_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE chek_flags chek_bench_harness)
  chek__link(${target} PRIVATE bench DEPENDS ${arg_MODULES} LIBRARIES ${arg_LIBRARIES})
  chek__scan_includes(bench ${arg_SOURCES})
  if(CHEK_JEMALLOC)
    target_link_libraries(${target} PRIVATE chek_lib_jemalloc)
  endif()
endfunction()

# A test that is a script: COMMAND is the whole command line.
function(chek_script_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;TIMEOUT" "COMMAND;LABELS")
  if(NOT arg_LABELS)
    message(FATAL_ERROR "test '${arg_NAME}' has no label, so no preset would run it")
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  chek__test_properties(${arg_NAME} "${arg_LABELS}" "${arg_TIMEOUT}")
endfunction()
