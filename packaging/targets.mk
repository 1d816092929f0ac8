# SPDX-License-Identifier: Apache-2.0
# What people type: run, test, install and the rest. The rules for building are in ../Makefile.

.PHONY: help
help:
	@echo 'make            build the programs into build/'
	@echo 'make run        install what is missing, build, start a gateway on https://localhost:8443 (data in ./data)'
	@echo 'make test       install what is missing, run every test; last line: N passed, N failed'
	@echo 'make lint       formatting, includes, static analysis, scripts, OpenAPI document'
	@echo 'make bench      speed as ratios to nginx in the same run'
	@echo 'make asan       unit and end-to-end tests under AddressSanitizer + UndefinedBehaviorSanitizer'
	@echo 'make tsan       the threaded parts under ThreadSanitizer'
	@echo 'make fuzz       every fuzzer for FUZZ_SECONDS (60) each'
	@echo 'make install    into DESTDIR/PREFIX (/usr/local)'
	@echo 'make clean      remove build/'

.PHONY: clean
clean:
	rm -rf $(BUILD)
