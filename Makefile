# Everything here also works without make: each target is one or two commands.
SHELL := /bin/sh
BINARY := bin/cloudfront-hosting-toolkit
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/cloudfront-hosting-toolkit/toolkit/internal/cli.version=$(VERSION)
PACKED := amd64 arm64
PACKED_DIR := internal/awstarget/binary/packed
TOOLS := .cache/tools
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# The linters, pinned; they are built from the Go module proxy into .cache/tools.
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.DEFAULT_GOAL := help
.PHONY: FORCE help build plain demo test race lint vuln cross conformance h2spec e2e-browser e2e-systemd e2e-frameworks soak fuzz bench update dist clean

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(PACKED:%=$(PACKED_DIR)/linux-%.gz) ## Build the tool into bin/, with the Linux programs for AWS inside
	CGO_ENABLED=0 go build -trimpath -tags embed -ldflags '$(LDFLAGS)' -o $(BINARY) ./cmd/cloudfront-hosting-toolkit

plain: ## Build the tool into bin/, quicker: without the Linux programs (on Linux, it is one itself)
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BINARY) ./cmd/cloudfront-hosting-toolkit

# The program for Linux that the release step on AWS runs: compressed, to be embedded in the build for any platform. It is
# built each time, and go's cache makes that cheap; gzip -n keeps the same program the same file.
$(PACKED_DIR)/linux-%.gz: FORCE
	@mkdir -p $(PACKED_DIR)
	CGO_ENABLED=0 GOOS=linux GOARCH=$* go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(PACKED_DIR)/linux-$* ./cmd/release-step
	gzip -9 -n -f $(PACKED_DIR)/linux-$*

demo: plain ## Take a small site from a folder to a URL, in demo/
	@sh scripts/demo.sh '$(CURDIR)/$(BINARY)' demo

test: ## Run all tests: needs Go and git, nothing else
	go test ./...

RACE := $(addsuffix /...,$(addprefix ./internal/,buildspec cfjs detect doctor edge explain functiontest localtarget publish term wizard))
# Of the AWS target's own room the stories, deletions, and whatever is cut off: a minute of processor time, where all is three and a half.
AWSRACE := Story|Stops|CutOff|TestOvertaken|TestLost|TestDelete|TestPreview|TestDoctor$$/fresh|TestDoctor$$/healthy
race: ## Run the tests of the packages that have goroutines, with the race detector
	go test -race $(RACE) $$(go list ./internal/awstarget/... | grep /awstarget/)
	go test -race -run '$(AWSRACE)' ./internal/awstarget

lint: $(TOOLS)/golangci-lint ## gofmt, vet, staticcheck, and the one-way imports of the rooms (depguard)
	$(TOOLS)/golangci-lint run ./...
	go vet -tags aws ./internal/awstarget/live

vuln: $(TOOLS)/govulncheck ## Look for known vulnerabilities in what is linked
	sh scripts/vuln.sh $(TOOLS)/govulncheck

cross: ## Compile for every platform that is supported
	@for p in $(PLATFORMS); do \
	  echo "build $$p"; \
	  CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} go build -trimpath -o /dev/null ./cmd/cloudfront-hosting-toolkit || exit 1; \
	done

conformance: ## Run a public test suite for HTTP caches against the edge: needs node and npm; TEST=id shows one test
	sh scripts/conformance.sh .cache/conformance $(TEST)

h2spec: build ## Run the HTTP/2 conformance tests against serve --https (bench/h2spec.md)
	@sh bench/h2spec.sh $(BINARY)

e2e-browser: build ## Open a site in headless Chromium over HTTP/2 and HTTP/3
	@sh scripts/e2e-browser.sh $(BINARY)

e2e-systemd: plain ## Follow docs/self-hosting.md on an empty Debian with its systemd: needs root, mmdebstrap, systemd-container
	@sh scripts/e2e-systemd.sh $(BINARY)

FRAMEWORKS ?= ci
e2e-frameworks: ## Build and serve real starters from npm: FRAMEWORKS=ci, all, or names (docs/init.md); needs node, npm, network
	FRAMEWORKS=$(FRAMEWORKS) go test -count=1 -tags e2e -timeout 90m -v ./e2e/frameworks

SOAKTIME ?= 10m
soak: build ## Serve, flip, build and be misused for SOAKTIME (10m), and see that memory stays flat
	go run ./bench/soak -binary $(BINARY) -duration $(SOAKTIME)

FUZZTIME ?= 30s
fuzz: ## Run every fuzz target for FUZZTIME (30s)
	sh scripts/fuzz.sh $(FUZZTIME)

bench: plain ## Measure what bench/README.md tells
	sh bench/run.sh '$(CURDIR)/$(BINARY)'

update: ## Write the golden files anew, to be read in the diff
	go test $$(git grep -l '/internal/golden"' -- '*_test.go' | xargs -n 1 dirname | sort -u | sed 's|^|./|') -update

# The programs for all platforms, as they are released: each carries the Linux programs.
dist: $(PACKED:%=$(PACKED_DIR)/linux-%.gz) ## Build for every platform into dist/
	@for p in $(PLATFORMS); do \
	  echo "build $$p"; ext=; [ $${p%/*} = windows ] && ext=.exe; \
	  CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} go build -trimpath -tags embed -ldflags '$(LDFLAGS)' \
	    -o dist/cloudfront-hosting-toolkit-$${p%/*}-$${p#*/}$$ext ./cmd/cloudfront-hosting-toolkit || exit 1; \
	done

clean: ## Remove what was built, and the demo
	@[ ! -x demo/cloudfront-hosting-toolkit ] || demo/cloudfront-hosting-toolkit serve --stop || true
	rm -rf bin dist demo .cache $(PACKED_DIR)

$(TOOLS)/golangci-lint: Makefile
	GOBIN='$(CURDIR)/$(TOOLS)' go install $(GOLANGCI_LINT)
	@touch $@

$(TOOLS)/govulncheck: Makefile
	GOBIN='$(CURDIR)/$(TOOLS)' go install $(GOVULNCHECK)
	@touch $@
