# make test    every test on real servers, which are started, and on Debian installed, as needed
# make bench   the benchmarks
# make lint    gofmt, go vet, staticcheck, errcheck

.PHONY: test bench lint

# For one package: make test PACKAGES=./router/...
PACKAGES ?= ./...

test:
	@PACKAGES='$(PACKAGES)' tools/test.sh

bench:
	go test -run='^$$' -bench=. -benchmem $(PACKAGES)

lint:
	@PACKAGES='$(PACKAGES)' tools/lint.sh
