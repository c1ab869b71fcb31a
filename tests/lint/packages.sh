#!/bin/bash
# SPDX-License-Identifier: MIT
# tools/scripts/packages.sh asks the system for what is missing, for nothing else, and says what to
# do when it may not. The system's own commands are replaced by functions.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tools/scripts/packages.sh

calls=$(mktemp)
trap 'rm -f "$calls"' EXIT
failed=0
user=0 sudo_works=1 install_works=1

dpkg-query() { case ${*: -1} in there*) echo -n installed ;; removed*) echo -n config-files ;; *) return 1 ;; esac; }
id() { echo "$user"; }
apt-get() {
  echo "apt-get $*" >>"$calls"
  [[ $* != *install* ]] || [ "$install_works" = 1 ]
}
sudo() {
  [ "$sudo_works" = 1 ] || return 1
  [ "$1" = -n ] || echo "sudo ${*:2}" >>"$calls"
}

# expect NAME RESULT CALLS PACKAGE..: install the packages; compare the result and the calls.
expect() {
  local name=$1 want=$2 wanted_calls=$3 result=0
  shift 3
  : >"$calls"
  echo "[ RUN      ] $name"
  said=$(packages_install "$@" 2>&1) || result=$?
  if [ "$result" = "$want" ] && [ "$(cat "$calls")" = "$wanted_calls" ]; then
    echo "[       OK ] $name"
  else
    printf 'result %s, calls:\n%s\n%s\n[  FAILED  ] %s\n' "$result" "$(cat "$calls")" "$said" "$name"
    failed=1
  fi
}

expect nothing_missing_asks_nothing 0 "" there-a there-b
expect only_what_is_missing_is_installed 0 "apt-get -q update
apt-get -q install -y --no-install-recommends b" there-a b
expect a_removed_package_is_missing 0 "apt-get -q update
apt-get -q install -y --no-install-recommends removed-a" removed-a
user=1000
expect a_user_asks_sudo 0 "sudo apt-get -q update
sudo apt-get -q install -y --no-install-recommends b" b
sudo_works=0
expect a_user_without_sudo_fails 1 "" b there-a
echo "[ RUN      ] the_message_says_what_to_do"
if [[ $said == *"As root: apt-get update && apt-get install --no-install-recommends b"* ]]; then
  echo "[       OK ] the_message_says_what_to_do"
else
  printf '%s\n[  FAILED  ] the_message_says_what_to_do\n' "$said"
  failed=1
fi
user=0 install_works=0
expect a_failed_installation_fails 1 "apt-get -q update
apt-get -q install -y --no-install-recommends b" b
exit "$failed"
