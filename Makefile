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

# What build makes. A package for another architecture takes its manual from a binary that
# runs here.
BINARY ?= farmproxy
MANUAL ?= ./$(BINARY)
ARCHES ?= amd64 arm64

UNITS           = $(DESTDIR)$(PREFIX)/lib/systemd/system
SHARED          = $(DESTDIR)$(PREFIX)/share/farmproxy
MAN             = $(DESTDIR)$(PREFIX)/share/man/man8
BASH_COMPLETION = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSH_COMPLETION  = $(DESTDIR)$(PREFIX)/share/zsh/site-functions

# Packages bear the commit's time. A source without git has that of its VERSION.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y VERSION)
MAINTAINER        ?= farmproxy maintainers <maintainers@farmproxy.invalid>
PACKAGING          = GO='$(GO)' VERSION='$(VERSION)' MAINTAINER='$(MAINTAINER)' SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' packaging/package

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
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
BENCHSTAT   = golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da

.DEFAULT_GOAL := build
.PHONY: build test postgres race lint vulnerabilities fuzz allocs demo bench bench-long bench-sweep bench-upgrade bench-compare install files stage deb rpm tarball packages test-packages page test-page clean help

build: ## build the static binary ./farmproxy
	@command -v $(GO) >/dev/null || { echo "No Go in the PATH of $$(id -un): install Go 1.26, or set GO=/path/to/bin/go"; exit 1; }
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BINARY) ./cmd/farmproxy

test: ## all tests, quick; at the end those that were skipped, and why
	@GO='$(GO)' $(GO) run .ci/tests.go -parallel $(AT_ONCE) ./...

page: ## build the page from web/src (needs Node 20 or newer); commit what changes in web/dist
	cd web && npm ci --no-audit --no-fund && npm run build

test-page: build ## the page in a browser, against a farm of 2,000 (needs Node and Debian's chromium)
	.ci/page

postgres: ## the store's tests on a PostgreSQL of their own (needs Debian's postgresql, or FARMPROXY_TEST_POSTGRES)
	store/testdata/postgres.sh $(GO) test -count=1 ./store

race: ## all tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race ./...

lint: ## gofmt, vet, staticcheck, import directions
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) test -count=1 -run TestImportDirections .

vulnerabilities: ## known vulnerabilities of the code that is used; needs the network
	$(GO) run $(GOVULNCHECK) ./...

fuzz: ## every fuzz target: the codec's 30 s each, others 10 s
	GO='$(GO)' FUZZTIME=$(FUZZTIME) FUZZTIME_OTHER=$(FUZZTIME_OTHER) .ci/fuzz

demo: build ## three pools, the proxy and miners on this machine; Ctrl-C stops it all
	@exec ./farmproxy bench demo

allocs: ## benchmarks of everything that must not allocate; fails if one does
	GO='$(GO)' .ci/allocs

bench: build ## a table of every cost that has a budget; RECORD=1 stores every figure
	./farmproxy bench budget $(BENCHING)

bench-long: build ## memory over 10 million shares, or an hour
	./farmproxy bench long $(BENCHING)

bench-sweep: build ## costs by number of miners and share rate, for farmproxy bench plot
	./farmproxy bench sweep $(BENCHING)

bench-upgrade: build ## the proxy replaced under load, by itself and by programs that fail; SIGSTOP for a minute
	./farmproxy bench run -scenario upgrade $(BENCHFLAGS)

bench-compare: build ## benchstat of OLD=FILE and NEW=FILE: recorded runs (.json), or outputs of go test -bench
	@test -n "$(OLD)" -a -n "$(NEW)" || { echo "make bench-compare OLD=$(RESULTS)/A.json NEW=$(RESULTS)/B.json"; exit 1; }
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	lines() { case $$1 in *.json) ./farmproxy bench gobench "$$1" ;; *) cat "$$1" ;; esac; } && \
	lines "$(OLD)" >"$$dir/old" && lines "$(NEW)" >"$$dir/new" && \
	$(GO) run $(BENCHSTAT) old="$$dir/old" new="$$dir/new"

# Install what the source says now, not what was built last. Under
# sudo the user builds: root often has no Go in its PATH, and would leave
# root's files behind.
install: ## build, then install binary, units, kernel settings, manual, docs, and an example configuration if there is none
	@if [ "$$(id -u)" = 0 ] && [ -n "$(SUDO_USER)" ] && [ "$(SUDO_USER)" != root ]; then \
		sudo -u '$(SUDO_USER)' -i -- $(MAKE) -C '$(CURDIR)' build GO='$(GO)' COMMIT='$(COMMIT)' DATE='$(DATE)'; \
	else \
		$(MAKE) build; \
	fi
	@$(MAKE) --no-print-directory files
	@config=$(DESTDIR)$(SYSCONFDIR)/farmproxy/farmproxy.toml; \
	if [ -z '$(DESTDIR)' ]; then systemd-sysusers $(PREFIX)/lib/sysusers.d/farmproxy.conf; group='-g farmproxy'; fi; \
	install -d -m 0750 $$group $(DESTDIR)$(SYSCONFDIR)/farmproxy; \
	if [ -e $$config ]; then echo "kept $$config"; else install -v -m 0640 $$group systemd/farmproxy.toml $$config; fi
	@echo "Next: set the pool in $(SYSCONFDIR)/farmproxy/farmproxy.toml, then"
	@echo "  sysctl --system; systemctl daemon-reload; systemctl enable --now farmproxy"

# The files of an installation, whatever installs them. MANUAL is a farmproxy that runs on
# this machine: BINARY may be for another one.
files:
	install -D -m 0755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/farmproxy
	install -d $(UNITS) $(MAN) $(BASH_COMPLETION) $(ZSH_COMPLETION)
	for unit in farmproxy.service farmproxy-retry.service; do \
		sed -e 's#/usr/local/#$(PREFIX)/#g' -e 's#/etc/farmproxy/#$(SYSCONFDIR)/farmproxy/#g' systemd/$$unit >$(UNITS)/$$unit || exit 1; \
	done
	install -D -m 0644 systemd/99-farmproxy.conf $(DESTDIR)$(PREFIX)/lib/sysctl.d/99-farmproxy.conf
	install -D -m 0644 systemd/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/farmproxy.conf
	install -D -m 0644 systemd/farmproxy.toml $(SHARED)/farmproxy.toml
	install -D -m 0644 -t $(SHARED)/monitoring monitoring/*.yml monitoring/*.json
	install -D -m 0644 -t $(SHARED)/monitoring/box monitoring/box/*
	install -D -m 0644 -t $(SHARED)/monitoring/centre monitoring/centre/*
	$(MANUAL) man >$(MAN)/farmproxy.8
	$(MANUAL) completion bash >$(BASH_COMPLETION)/farmproxy
	$(MANUAL) completion zsh >$(ZSH_COMPLETION)/_farmproxy
	chmod 0644 $(UNITS)/farmproxy*.service $(MAN)/farmproxy.8 $(BASH_COMPLETION)/farmproxy $(ZSH_COMPLETION)/_farmproxy
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/doc/farmproxy docs/*.md CHANGELOG.md LICENSE

stage:
	@$(PACKAGING) stage $(ARCHES)

deb rpm tarball: stage ## packages of every architecture in ARCHES, below dist/
	@$(PACKAGING) $@ $(ARCHES)

packages: deb rpm tarball ## all packages, with their SBOMs and checksums
	cd dist && sha256sum farmproxy*.* >SHA256SUMS

test-packages: ## install, reload, upgrade, crash, purge on a systemd of its own (needs root); lintian; the same bytes twice
	GO='$(GO)' packaging/check

clean: ## remove what build has written
	rm -rf farmproxy dist

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' Makefile
