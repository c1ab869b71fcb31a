# SPDX-License-Identifier: MIT
# The libraries of other people, each as one target chek_lib_<name> for LIBRARIES of chek_module().
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# chek_library(NAME PACKAGE [ARCHIVE]): a target over a pkg-config package. With ARCHIVE the static
# archive is taken where there is one.
function(chek_library name package)
  pkg_check_modules(${name} REQUIRED QUIET IMPORTED_TARGET ${package})
  add_library(chek_lib_${name} INTERFACE)
  if(ARGC GREATER 2)
    find_library(CHEK_ARCHIVE_${name} NAMES ${ARGV2} HINTS ${${name}_LIBDIR})
    mark_as_advanced(CHEK_ARCHIVE_${name})
  endif()
  if(CHEK_ARCHIVE_${name})
    target_link_libraries(chek_lib_${name} INTERFACE ${CHEK_ARCHIVE_${name}} Threads::Threads)
    target_include_directories(chek_lib_${name} SYSTEM INTERFACE ${${name}_INCLUDE_DIRS})
  else()
    target_link_libraries(chek_lib_${name} INTERFACE PkgConfig::${name})
  endif()
endfunction()

# The shared liburing 2.3 does not export all that its header declares; the archive has everything.
chek_library(uring liburing liburing.a)
chek_library(xxhash libxxhash)
chek_library(zstd libzstd)
chek_library(sodium libsodium)
chek_library(yajl yajl)
chek_library(inih inih)
chek_library(protobuf_c libprotobuf-c)
find_program(CHEK_PROTOC_C protoc-c REQUIRED)
mark_as_advanced(CHEK_PROTOC_C)

if(CHEK_TESTS)
  chek_library(cmocka cmocka)
endif()
if(CHEK_JEMALLOC)
  chek_library(jemalloc jemalloc libjemalloc_pic.a)
  target_link_libraries(chek_lib_jemalloc INTERFACE m ${CMAKE_DL_LIBS})
endif()
