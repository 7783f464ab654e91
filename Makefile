# make help lists the targets.

GO      ?= go

# The version is in one file; the commit and its date say which build of it this is. The
# date is the commit's, so that the same source always gives the same binary.
VERSION := $(shell cat VERSION)
COMMIT  := $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || echo unknown)
DATE    := $(shell git log -1 --format=%cI 2>/dev/null || echo unknown)
LDFLAGS  = -s -w -X farmproxy/proxy.commit=$(COMMIT) -X farmproxy/proxy.date=$(DATE)

# Where install puts things; DESTDIR comes before all of them, for packaging.
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR    ?=

# Fuzzing time per target: the codec's, which parse untrusted input; and the others.
FUZZTIME       ?= 30s
FUZZTIME_OTHER ?= 10s

# Tests of one package at a time: those with sockets wait more than they compute.
AT_ONCE ?= 6

# Passed to the harness, for example BENCHFLAGS="-miners 1000". With RECORD=1 a run
# of bench, bench-long or bench-sweep is kept in bench/results.
BENCHFLAGS ?=
RECORD     ?=
RESULTS     = bench/results
BENCHING    = -commit '$(COMMIT)' $(if $(RECORD),-record $(RESULTS)) $(BENCHFLAGS)

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
BENCHSTAT   = golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da

.DEFAULT_GOAL := build
.PHONY: build test postgres race lint fuzz allocs demo bench bench-long bench-sweep bench-compare install clean help

build: ## build the static binary ./farmproxy
	@command -v $(GO) >/dev/null || { echo "No Go in the PATH of $$(id -un): install Go 1.26, or set GO=/path/to/bin/go"; exit 1; }
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o farmproxy ./cmd/farmproxy

test: ## all tests, quick; at the end those that were skipped, and why
	@GO='$(GO)' $(GO) run .ci/tests.go -parallel $(AT_ONCE) ./...

postgres: ## the store's tests on a PostgreSQL of their own (needs Debian's postgresql, or FARMPROXY_TEST_POSTGRES)
	store/testdata/postgres.sh $(GO) test -count=1 ./store

race: ## all tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race ./...

lint: ## gofmt, vet, staticcheck, import directions
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) test -count=1 -run TestImportDirections .

fuzz: ## every fuzz target: the codec's 30 s each, others 10 s
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			case $$package in */codec | */codec/*) time=$(FUZZTIME) ;; *) time=$(FUZZTIME_OTHER) ;; esac; \
			echo "== $$package $$target $$time"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $$time -fuzzminimizetime 10x $$package; \
		done; \
	done

demo: build ## two pools, the proxy and miners on this machine; Ctrl-C stops it all
	@exec ./farmproxy bench demo

allocs: ## benchmarks of everything that must not allocate; fails if one does
	GO='$(GO)' .ci/allocs

bench: build ## a table of every cost that has a budget; RECORD=1 stores every figure
	./farmproxy bench budget $(BENCHING)

bench-long: build ## memory over 10 million shares, or an hour
	./farmproxy bench long $(BENCHING)

bench-sweep: build ## costs by number of miners and share rate, for farmproxy bench plot
	./farmproxy bench sweep $(BENCHING)

bench-compare: build ## benchstat of OLD=FILE and NEW=FILE: recorded runs (.json), or outputs of go test -bench
	@test -n "$(OLD)" -a -n "$(NEW)" || { echo "make bench-compare OLD=$(RESULTS)/A.json NEW=$(RESULTS)/B.json"; exit 1; }
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	lines() { case $$1 in *.json) ./farmproxy bench gobench "$$1" ;; *) cat "$$1" ;; esac; } && \
	lines "$(OLD)" >"$$dir/old" && lines "$(NEW)" >"$$dir/new" && \
	$(GO) run $(BENCHSTAT) old="$$dir/old" new="$$dir/new"

# Install what the source says now, not what was built last. Under
# sudo the user builds: root often has no Go in its PATH, and would leave
# root's files behind.
install: ## build, then install binary, unit, kernel settings, docs, and an example configuration if there is none
	@if [ "$$(id -u)" = 0 ] && [ -n "$(SUDO_USER)" ] && [ "$(SUDO_USER)" != root ]; then \
		sudo -u '$(SUDO_USER)' -i -- $(MAKE) -C '$(CURDIR)' build GO='$(GO)' COMMIT='$(COMMIT)' DATE='$(DATE)'; \
	else \
		$(MAKE) build; \
	fi
	install -D -m 0755 farmproxy $(DESTDIR)$(PREFIX)/bin/farmproxy
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(SYSCONFDIR)/farmproxy
	sed -e 's#/usr/local/#$(PREFIX)/#' -e 's#/etc/farmproxy/#$(SYSCONFDIR)/farmproxy/#' systemd/farmproxy.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/farmproxy.service
	chmod 0644 $(DESTDIR)$(PREFIX)/lib/systemd/system/farmproxy.service
	install -D -m 0644 systemd/99-farmproxy.conf $(DESTDIR)$(PREFIX)/lib/sysctl.d/99-farmproxy.conf
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/doc/farmproxy docs/configuration.md docs/migrating.md docs/algorithms.md LICENSE
	@config=$(DESTDIR)$(SYSCONFDIR)/farmproxy/farmproxy.toml; \
	if [ -e $$config ]; then echo "kept $$config"; else install -v -m 0644 systemd/farmproxy.toml $$config; fi
	@echo "Next: set the pool in $(SYSCONFDIR)/farmproxy/farmproxy.toml, then"
	@echo "  sysctl --system; systemctl daemon-reload; systemctl enable --now farmproxy"

clean: ## remove what build has written
	rm -f farmproxy

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile
