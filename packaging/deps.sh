#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages of a level (run, test, bench) that are missing. Without root or sudo it prints the one
# command to run.
# usage: packaging/deps.sh LEVEL
set -eu

level=${1:?usage: deps.sh run|test|bench}
list=$(dirname "$0")/debian-packages

case $level in
run) levels="run" ;;
test) levels="run test" ;;
bench) levels="run test bench" ;;
*) echo "deps.sh: unknown level $level" >&2; exit 2 ;;
esac

missing=
while read -r kind package command; do
    case " $levels " in *" $kind "*) ;; *) continue ;; esac
    if [ -n "$command" ] && command -v "$command" >/dev/null 2>&1; then
        continue
    fi
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
    "install ok installed") ;;
    *) missing="$missing $package" ;;
    esac
done <"$list"

[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root=sudo
else
    echo "Some Debian packages are missing. Run this as root, then try again:" >&2
    echo "  apt-get update && $install" >&2
    exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # the command is a list of words
$as_root apt-get update -q && $as_root $install
