# SPDX-License-Identifier: Apache-2.0
# What people type: run, test, install and the rest. The rules for building are in ../Makefile.

.PHONY: help
help:
	@echo 'make            build the programs into build/'
	@echo 'make run        install what is missing, build, start a gateway on https://localhost:8443 (data in ./data; ARGS=... adds options)'
	@echo 'make test       install what is missing, run every test; last line: N passed, N failed'
	@echo 'make lint       formatting, includes, static analysis, scripts, OpenAPI document'
	@echo 'make bench      speed as ratios to nginx in the same run'
	@echo 'make asan       unit and end-to-end tests under AddressSanitizer + UndefinedBehaviorSanitizer'
	@echo 'make tsan       the threaded parts under ThreadSanitizer'
	@echo 'make fuzz       every fuzzer for FUZZ_SECONDS (60) each'
	@echo 'make install    into DESTDIR/PREFIX (/usr/local)'
	@echo 'make clean      remove build/'

# Packages are looked at again when the list changes. Programs are built by a second make, which
# sees the pkg-config files that the first may just have installed.
DEPS := build/deps
$(DEPS)/%: packaging/debian-packages packaging/deps.sh
	@packaging/deps.sh $*
	@mkdir -p $(DEPS) && touch $@
$(DEPS)/node: tests/package-lock.json | $(DEPS)/test
	@cd tests && npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(DEPS) && touch $@
.PRECIOUS: $(DEPS)/%

.PHONY: run
run: $(DEPS)/run
	@$(MAKE) --no-print-directory -s $(JOBS) all
	@exec $(BUILD)/secgated --data ./data --listen localhost:8443 $(ARGS)

# The sanitized build is clang's, so that both compilers have seen every line.
ASAN_BUILD  := build/asan
ASAN_MAKE   := $(MAKE) --no-print-directory BUILD=$(ASAN_BUILD) CC=clang SAN=address,undefined \
    CFLAGS=-fsanitize=fuzzer-no-link
TSAN_BUILD  := build/tsan
TSAN_TESTS  := $(TSAN_BUILD)/secgated-keyring $(patsubst %,$(TSAN_BUILD)/unit/%,$(shell cat tests/tsan-tests))
TSAN_MAKE   := $(MAKE) --no-print-directory BUILD=$(TSAN_BUILD) CC=clang SAN=thread
JOBS        := -j$(shell nproc)
FUZZ_SECONDS ?= 60

.PHONY: test
test: $(DEPS)/test $(DEPS)/node
	@$(MAKE) --no-print-directory $(JOBS) all unit
	@$(ASAN_MAKE) $(JOBS) all unit fuzzers
	@$(TSAN_MAKE) $(JOBS) $(TSAN_TESTS)
	@tests/run unit e2e web system asan-unit tsan-unit fuzz-corpus

.PHONY: asan
asan: $(DEPS)/test $(DEPS)/node
	@$(ASAN_MAKE) $(JOBS) all unit
	@SECGATE_BUILD=$(CURDIR)/$(ASAN_BUILD) tests/run asan-unit e2e

.PHONY: tsan
tsan: $(DEPS)/test
	@$(TSAN_MAKE) $(JOBS) $(TSAN_TESTS)
	@tests/run tsan-unit

.PHONY: fuzz
fuzz: $(DEPS)/test
	@$(ASAN_MAKE) $(JOBS) fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run fuzz

.PHONY: lint
lint: $(DEPS)/test $(DEPS)/node
	@tests/lint

.PHONY: bench
bench: $(DEPS)/bench $(DEPS)/node
	@$(MAKE) --no-print-directory $(JOBS) all bench-clients
	@node tests/bench/bench.mjs

.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin \
	    $(DESTDIR)$(PREFIX)/share/secgate/web $(DESTDIR)$(PREFIX)/share/secgate/openapi \
	    $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/doc/secgate \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 755 $(BUILD)/secctl $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(BUILD)/secgated $(BUILD)/secgated-keyring $(DESTDIR)$(PREFIX)/sbin/
	install -m 644 $(filter-out %.md,$(wildcard web/*)) $(DESTDIR)$(PREFIX)/share/secgate/web/
	install -m 644 openapi/openapi.yaml $(DESTDIR)$(PREFIX)/share/secgate/openapi/
	install -m 644 docs/secctl.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 README.md LICENSE CHANGELOG.md docs/*.md packaging/secgate.ini \
	    $(DESTDIR)$(PREFIX)/share/doc/secgate/
	sed 's|@PREFIX@|$(PREFIX)|' packaging/secgate.service \
	    > $(DESTDIR)$(PREFIX)/lib/systemd/system/secgate.service

.PHONY: clean
clean:
	rm -rf build $(BUILD)
