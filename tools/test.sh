#!/usr/bin/env bash
# Runs go vet and every test under the race detector, and says at the end which tests were skipped and why.
#
# The modules of their own are tested where all packages are: those beside the example, which drive it
# in a browser and hold it against openapi.yaml, and interop, which has us beside the packages of others.
#
#   DATABASE_URL, REDIS_URL   servers to use; otherwise throwaway ones are started from installed programs
#   KAHU_REQUIRE_SERVERS=1    a missing server, browser or node is a failure, not a skipped test
#   KAHU_FORBID_SKIPS=1       so is any skipped test
set -uo pipefail
cd "$(dirname "$0")/.."
packages=${PACKAGES:-./...}

tools/install.sh || exit
if tools/install.sh --complete; then
	export KAHU_REQUIRE_SERVERS=1
fi
race=-race
if ! command -v "${CC:-gcc}" >/dev/null; then
	race=
	echo 'no C compiler: without the race detector' >&2
fi

modules='examples/koa-style/browser examples/koa-style/openapi interop'

tests() {
	local code=0
	# shellcheck disable=SC2086 # several patterns are several words
	go test -json -count=1 $race -timeout 30m $packages || code=$?
	if [ "$packages" = ./... ]; then
		for module in $modules; do
			go test -C "$module" -json -count=1 -timeout 10m ./... || code=$?
		done
	fi
	return "$code"
}

# shellcheck disable=SC2086 # several patterns are several words
go vet $packages || exit
for module in $modules; do
	go vet -C "$module" ./... || exit
done
tests | go run -C tools ./testreport ${KAHU_FORBID_SKIPS:+-forbid-skips}
codes=("${PIPESTATUS[@]}")
[ "${codes[0]}" -eq 0 ] || exit "${codes[0]}"
exit "${codes[1]}"
