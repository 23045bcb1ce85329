#!/usr/bin/env bash
# The checks that need no test run. The tools' versions are pinned in tools/go.mod.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=${PACKAGES:-./...}

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	printf 'gofmt -w is due for:\n%s\n' "$unformatted" >&2
	exit 1
fi
# shellcheck disable=SC2086 # several patterns are several words
go vet $packages
go vet -C tools ./...
# shellcheck disable=SC2086
go tool -modfile=tools/go.mod staticcheck $packages
# shellcheck disable=SC2086
go tool -modfile=tools/go.mod errcheck -ignoretests -exclude tools/errcheck.txt $packages
echo 'lint: nothing found'
