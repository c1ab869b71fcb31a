#!/bin/bash
# SPDX-License-Identifier: MIT
# Fail when a C or C++ file is not laid out as .clang-format says. Layout differs between major
# versions of clang-format, so one is pinned.
set -eu
cd "$(dirname "$0")/../.."
if ! command -v clang-format-14 >/dev/null; then
  echo "clang-format-14 is not installed"
  exit 77
fi
find engine ingest query persist tools tests bench \
  \( -name '*.c' -o -name '*.h' -o -name '*.cc' \) -print0 2>/dev/null |
  xargs -0 clang-format-14 --dry-run -Werror || {
  echo "to lay a file out: clang-format-14 -i FILE"
  exit 1
}
