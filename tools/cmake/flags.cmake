# SPDX-License-Identifier: MIT
# How everything is compiled. One interface library carries it; no target has flags of its own.
add_library(chek_flags INTERFACE)

target_compile_definitions(chek_flags INTERFACE
  _GNU_SOURCE
  $<$<BOOL:${CHEK_SLOW_CHECKS}>:CHEK_SLOW_CHECKS>)

target_compile_options(chek_flags INTERFACE
  -march=${CHEK_MARCH}
  -fno-common
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wcast-qual -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>
  $<$<C_COMPILER_ID:Clang>:-Wno-string-conversion>) # CHEK_ASSERT(!"this cannot happen")

if(CHEK_SANITIZE)
  target_compile_options(chek_flags INTERFACE
    -fsanitize=${CHEK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(chek_flags INTERFACE
    -fsanitize=${CHEK_SANITIZE} -fno-sanitize-recover=all)
endif()

if(CHEK_HARDEN)
  target_compile_definitions(chek_flags INTERFACE _FORTIFY_SOURCE=2)
  target_compile_options(chek_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE)
  target_link_options(chek_flags INTERFACE -pie -Wl,-z,relro,-z,now)
endif()

# tools/train: the programs count which branches they take, and are then compiled again by the
# counts, in the same folder, for the counts of a file go by its place.
if(CHEK_TRAINING STREQUAL "COUNT")
  target_compile_options(chek_flags INTERFACE
    -fprofile-generate=${PROJECT_BINARY_DIR}/counts -fprofile-update=atomic)
  target_link_options(chek_flags INTERFACE -fprofile-generate=${PROJECT_BINARY_DIR}/counts)
elseif(CHEK_TRAINING STREQUAL "USE")
  # What no run came to is compiled as without counts, not for size. What gcc warns of depends on
  # what it inlines, and the release build has looked: warnings are no errors here (the preset).
  target_compile_options(chek_flags INTERFACE
    -fprofile-use=${PROJECT_BINARY_DIR}/counts -fprofile-partial-training -Wno-missing-profile)
endif()
