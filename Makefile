# Hearth: what can be made here. `make help` lists it.

SHELL    := bash
GO       ?= go
BIN      := $(CURDIR)/bin
PKG      := ./...
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
BUILD    := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'

# Tools are pinned here and built from their own modules, so that go.mod knows only what the program needs.
GOLANGCI_VERSION    := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
COREDNS_VERSION     := v1.14.7

# How long: FUZZTIME for each fuzz target, SOAK rounds of the soak, BENCH flags of cmd/dnsbench.
FUZZTIME ?= 30s
SOAK     ?= 20
BENCH    ?=

# The platforms that every commit must build for: os/arch, with what the architecture needs.
PLATFORMS := linux/amd64 linux/arm64 linux/arm/GOARM=7 linux/mipsle/GOMIPS=softfloat \
             darwin/arm64 darwin/amd64 windows/amd64

.DEFAULT_GOAL := help
.PHONY: help build run test race lint vuln fuzz browser mutate soak bench cover cross unit clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/hearth: static, reproducible, with its version
	$(BUILD) -o $(BIN)/hearth ./cmd/hearth

run: build ## serve the example household on 127.0.0.1:5300, state in ./.hearth
	HEARTH__STATE=$(CURDIR)/.hearth $(BIN)/hearth serve

# Three packages at once, for tests wait more than they compute: 3.5 minutes on two cores, where two took 5.
test: ## run every test; needs no internet beyond the modules
	$(GO) test -p 3 -timeout 10m $(PKG)

race: ## run every test under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 15m $(PKG)

lint: $(BIN)/golangci-lint-$(GOLANGCI_VERSION) vuln ## check style and known mistakes
	$(BIN)/golangci-lint-$(GOLANGCI_VERSION) run --timeout 10m
	$(GO) vet -tags browser,mutate ./policy/... ./cmd/hearth/e2e
	@$(GO) test -count=1 -v -run '^TestStaleness$$' ./blocklists/help | sed -n 's/^.*warning/help: warning/p'

$(BIN)/golangci-lint-$(GOLANGCI_VERSION):
	CGO_ENABLED=0 GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(BIN)/golangci-lint $@

vuln: ## look up the modules' known weaknesses, where the database can be reached
	@if ! timeout 20 bash -c 'exec 3<>/dev/tcp/vuln.go.dev/443' 2>/dev/null; then \
		echo "vuln: the database vuln.go.dev cannot be reached from here; nothing was looked up"; \
	elif ! CGO_ENABLED=0 GOBIN=$(BIN) $(GO) install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION); then \
		echo "vuln: govulncheck $(GOVULNCHECK_VERSION) cannot be built here; nothing was looked up"; \
	else \
		timeout 300 $(BIN)/govulncheck $(PKG); \
	fi

fuzz: ## fuzz each target for FUZZTIME
	@set -e; for pkg in $$($(GO) list $(PKG)); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "== $$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg; \
		done; \
	done

# What apt and npm cannot give is left out, which the closing line says and names.
browser: ## walk through the pages with Chromium and axe-core, which are installed if they are missing
	@as() { if [ "$$(id -u)" = 0 ]; then "$$@"; else sudo -n "$$@"; fi; }; \
		have() { command -v "$$@" >/dev/null; }; lacking=; \
		have chromium chromium-browser google-chrome || lacking=chromium; have npm || lacking="$$lacking npm"; have ip || lacking="$$lacking iproute2"; \
		[ -z "$$lacking" ] || as apt-get -qq update || true; \
		for package in $$lacking; do \
			as env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$package >/dev/null || echo "browser: apt-get cannot install $$package"; \
		done
	@$(GO) test -count=1 -v -tags browser -timeout 30m -run '^TestBrowser' ./policy/portal/... ./cmd/hearth/e2e >browser.log 2>&1 && walks=passed || walks=failed; \
		[ $$walks = passed ] || grep -vE '^(=== |--- PASS|    --- PASS|PASS|ok)' browser.log | tail -n 100; \
		of() { grep -c "^--- $$1" browser.log; }; \
		left="$$(awk '/^--- SKIP/ { sub(/^[^:]*:[0-9]+: /, "", said); printf ", %s (%s)", $$3, said } { said = $$0 }' browser.log)"; \
		echo "browser: $$walks; $$(of PASS) walks passed, $$(of FAIL) failed, $$(of SKIP) left out$${left:+: $${left#, }}; browser.log has the rest"; \
		[ $$walks = passed ]

mutate: ## change each step, guard and cell of the policy, and see a scenario notice (5 to 10 minutes)
	$(GO) test -tags mutate -v -timeout 30m -run '^(TestMutants|TestFlippedCells)$$' ./policy

soak: ## repeat the tests of the data path SOAK times, shuffled, under the race detector
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -count=$(SOAK) -timeout 60m ./blocklists ./policy ./resolver/...

# CoreDNS is built as its own module, once, where the module proxy has it; no go.mod knows of it.
bench: build ## measure beside every other server found here, about a quarter of an hour
	@test -x $(BIN)/coredns || CGO_ENABLED=0 GOBIN=$(BIN) $(GO) install github.com/coredns/coredns@$(COREDNS_VERSION) || \
		echo "bench: CoreDNS cannot be built here; the others are measured without it"
	$(GO) run ./cmd/dnsbench -hearth $(BIN)/hearth -coredns $(BIN)/coredns $(BENCH)

cover: ## write coverage.out and coverage.html, print the total
	$(GO) test -timeout 10m -coverpkg=$(PKG) -coverprofile=coverage.out $(PKG)
	$(GO) tool cover -html=coverage.out -o coverage.html
	$(GO) tool cover -func=coverage.out | tail -n 1

cross: ## build for every platform into bin/cross
	@set -e; for platform in $(PLATFORMS); do \
		IFS=/ read -r os arch more <<< "$$platform"; \
		out=$(BIN)/cross/hearth-$$os-$$arch; \
		[ $$os != windows ] || out=$$out.exe; \
		echo "== $$os/$$arch $$more"; \
		env GOOS=$$os GOARCH=$$arch $$more CGO_ENABLED=0 \
			$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $$out ./cmd/hearth; \
	done

unit: ## score the systemd service: fails above 1.5
	systemd-analyze security --offline=true --threshold=15 deploy/systemd/hearth.service

clean: ## remove what was built
	rm -rf $(BIN) coverage.out coverage.html browser.log
