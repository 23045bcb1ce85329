#!/usr/bin/env bash
# Installs the programs that tests start, if they are missing and this is root on Debian. Elsewhere the tests that need them are skipped.
# What they need of npm's, a test gets by itself, once.
# A server that DATABASE_URL or REDIS_URL names is enough, unless KAHU_REQUIRE_SERVERS=1: tests that stop a server need one of their own.
# With --complete nothing is installed, and the code tells whether all servers' programs are there.
set -euo pipefail

missing=()

# need PACKAGES PROGRAM…: the packages are missing unless one of the programs is there.
need() {
	local packages=$1 program
	shift
	for program; do
		if command -v "$program" >/dev/null; then return; fi
	done
	read -ra packages <<<"$packages"
	missing+=("${packages[@]}")
}

# One line for each program.
servers() {
	[ "$1" = own ] || [ -z "${DATABASE_URL:-}" ] && need postgresql initdb /usr/lib/postgresql/*/bin/initdb
	[ "$1" = own ] || [ -z "${REDIS_URL:-}" ] && need redis-server redis-server
	need pgbouncer pgbouncer /usr/sbin/pgbouncer
	need 'chromium fonts-dejavu-core' chromium chromium-browser google-chrome
	need nodejs node
	need npm npm
	return 0
}

if [ "${1:-}" = --complete ]; then
	servers own
	[ ${#missing[@]} -eq 0 ]
	exit
fi

if [ "${KAHU_REQUIRE_SERVERS:-}" = 1 ]; then servers own; else servers any; fi
need 'gcc libc6-dev' "${CC:-gcc}" # for the race detector

if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
if [ "$(id -u)" -ne 0 ] || ! [ -e /etc/debian_version ]; then
	echo "not installed: ${missing[*]}" >&2
	exit 0
fi

# Debian starts a server when its package is installed, unless this file forbids it. One that is there already is somebody else's, and stays.
policy=/usr/sbin/policy-rc.d
if ! [ -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

echo "installing: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >&2
apt-get -q install -y --no-install-recommends "${missing[@]}" >&2

# Nor do they start with the machine.
if [ -d /run/systemd/system ]; then
	for package in "${missing[@]}"; do
		systemctl disable --now "$package" >/dev/null 2>&1 || true
	done
fi
