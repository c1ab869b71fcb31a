# SPDX-License-Identifier: MIT
# Write a header with the commit that is built; only when it changes. cmake -DSOURCE=.. -DOUT=.. -P
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT
"/* Made at build time. */\n#ifndef CHEK_LOAD_COMMIT_H\n#define CHEK_LOAD_COMMIT_H\n#define CHEK_COMMIT \"@commit@\"\n#endif\n")
