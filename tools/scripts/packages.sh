# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the build and the tests need from the system, and how to get it. Sourced, not run.

CHEK_PACKAGES_BUILD=(
  gcc libc6-dev binutils cmake ninja-build pkg-config python3
  liburing-dev libjemalloc-dev libxxhash-dev libzstd-dev libsodium-dev libyajl-dev libinih-dev
  libprotobuf-c-dev protobuf-c-compiler
)
CHEK_PACKAGES_BENCH=(g++ libbenchmark-dev)
CHEK_PACKAGES_TEST=(libcmocka-dev clang-14 libclang-rt-14-dev llvm-14 clang-format-14)

# Print those of the packages given that are not installed, one a line.
packages_missing() {
  local package
  for package in "$@"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      echo "$package"
    fi
  done
}

# Run apt-get as root, by sudo when we are not root. Fails when neither is possible.
packages_apt_get() {
  if [ "$(id -u)" = 0 ]; then
    DEBIAN_FRONTEND=noninteractive apt-get -q "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo DEBIAN_FRONTEND=noninteractive apt-get -q "$@"
  else
    return 1
  fi
}

# Install those of the packages given that are missing, and nothing else. The lists are fetched
# only when something is missing. On failure say what a person can do, and return 1.
packages_install() {
  local -a missing
  if ! command -v dpkg-query >/dev/null; then
    echo "This is not a Debian system; wanted are the equivalents of: $*" >&2
    return 0
  fi
  mapfile -t missing < <(packages_missing "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0
  echo "Installing: ${missing[*]}"
  # Lists that could not be fetched may still be good enough: installing decides.
  packages_apt_get update || true
  if packages_apt_get install -y --no-install-recommends "${missing[@]}"; then
    return 0
  fi
  echo "These packages are missing and could not be installed: ${missing[*]}" >&2
  echo "As root: apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
  return 1
}
