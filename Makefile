# SPDX-License-Identifier: Apache-2.0
# secgate: `make run` starts a gateway, `make test` runs every test, `make help` lists the rest.

BUILD   ?= build
CC      ?= cc
PREFIX  ?= /usr/local
DESTDIR ?=
SAN     ?=
OPT     ?= -O2 -g
VERSION := 0.1.0

# Each library is one folder of gateway/ (or certs/), and sees only the headers of the folders named here:
# a forbidden dependency does not compile.
LIBS         := base tlog sigfmt package channel ipc certs store core http api
DIR_base     := gateway/base
DIR_tlog     := gateway/tlog
DIR_sigfmt   := gateway/sigfmt
DIR_package  := gateway/package
DIR_channel  := gateway/channel
DIR_ipc      := gateway/ipc
DIR_certs    := certs
DIR_keyring  := gateway/keyring
DIR_store    := gateway/store
DIR_core     := gateway/core
DIR_http     := gateway/http
DIR_api      := gateway/api
DIR_app      := gateway/app
DIR_cli      := cli

SEES_base    := base
SEES_tlog    := base tlog
SEES_sigfmt  := base tlog sigfmt
SEES_package := base package
SEES_channel := base channel
SEES_ipc     := base sigfmt ipc
SEES_certs   := base certs
SEES_keyring := base tlog sigfmt channel ipc certs keyring
SEES_store   := base store
SEES_core    := base tlog sigfmt package channel ipc certs store core
SEES_http    := base http
SEES_api     := base tlog sigfmt channel ipc store core http api
SEES_app     := base tlog sigfmt channel ipc certs store core http api app
SEES_cli     := base tlog sigfmt package channel cli

PKGS_tlog    := gnutls nettle
PKGS_sigfmt  := gnutls libsodium
PKGS_package := libarchive
PKGS_channel := gnutls nettle hogweed
PKGS_certs   := gnutls
PKGS_keyring := gnutls nettle hogweed libsodium libargon2 libjwt-gnutls
PKGS_store   := sqlite3 gnutls
PKGS_core    := gnutls nettle libargon2 gio-2.0 glib-2.0 libcurl libsodium liboath libqrencode libfido2
PKGS_http    := libmicrohttpd gnutls
PKGS_api     := json-c
PKGS_app     := inih gnutls
PKGS_cli     := libcurl json-c gnutls libedit

GATEWAY_PKGS := gnutls nettle hogweed libsodium libarchive libcurl libjwt-gnutls sqlite3 libargon2 gio-2.0 glib-2.0 libmicrohttpd json-c inih liboath libqrencode libfido2
GATEWAY_LIBS := $(shell pkg-config --libs $(GATEWAY_PKGS) 2>/dev/null) -lunistring
KEYRING_LIBS := $(shell pkg-config --libs $(PKGS_keyring) 2>/dev/null)
CLI_LIBS     := $(shell pkg-config --libs $(PKGS_cli) nettle hogweed libsodium libarchive 2>/dev/null)
TEST_LIBS    := $(shell pkg-config --libs cmocka 2>/dev/null)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
        -Wformat=2 -Wswitch-enum -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings -Werror
HARD := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE
LINK := -pie -Wl,-z,relro -Wl,-z,now -pthread
# The fortified libc only works with optimisation and gets in the sanitizers' way.
ifneq ($(SAN),)
HARD := -fPIE -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK += -fsanitize=$(SAN)
OPT  := -O1 -g
endif
CFLAGS  ?=
LDFLAGS ?=
# V=1 shows the commands.
ifeq ($(V),)
Q := @
endif
say = $(if $(V),,@echo '  $(1) $(2)')

ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -DSG_VERSION='"$(VERSION)"' $(OPT) $(WARN) $(HARD) -pthread -MMD -MP $(CFLAGS)

PROGRAMS := $(BUILD)/secgated $(BUILD)/secgated-keyring $(BUILD)/secctl

.PHONY: all
all: $(PROGRAMS)

# -- compiling ----------------------------------------------------------------------------------
# $(BUILD)/include/X/X is a link to folder X, so that -I$(BUILD)/include/X allows "X/file.h" and nothing else.
ALL_MODULES := base tlog sigfmt package channel ipc certs keyring store core http api app cli
LINKS := $(foreach m,$(ALL_MODULES),$(BUILD)/include/$(m)/$(m))
$(LINKS):
	@mkdir -p $(dir $@)
	@ln -sfn $(CURDIR)/$(DIR_$(notdir $@)) $@

define module
OBJS_$(1) := $$(patsubst %.c,$(BUILD)/obj/%.o,$$(wildcard $$(DIR_$(1))/*.c))
FLAGS_$(1) := $$(foreach m,$$(SEES_$(1)),-I$(BUILD)/include/$$(m)) \
    $$(if $$(PKGS_$(1)),$$(patsubst -I%,-isystem %,$$(shell pkg-config --cflags $$(PKGS_$(1)) 2>/dev/null)))
$$(OBJS_$(1)): $(BUILD)/obj/%.o: %.c $(BUILD)/flags | $$(LINKS)
	@mkdir -p $$(dir $$@)
	$$(call say,CC,$$<)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(FLAGS_$(1)) -c -o $$@ $$<
$(BUILD)/lib/$(1).a: $$(OBJS_$(1))
	@mkdir -p $$(dir $$@)
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach m,$(ALL_MODULES),$(eval $(call module,$(m))))

# Changes only when compiler or flags change, and then everything is built again.
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(LINK)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(LINK)' > $@
.PHONY: FORCE
FORCE:

ARCHIVES := $(foreach m,app api http core store ipc certs channel package sigfmt tlog base,$(BUILD)/lib/$(m).a)

$(BUILD)/secgated: $(ARCHIVES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(GATEWAY_LIBS)
$(BUILD)/secgated-keyring: $(foreach m,keyring ipc certs channel sigfmt tlog base,$(BUILD)/lib/$(m).a)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK) $(LDFLAGS) -o $@ $^ $(KEYRING_LIBS)
$(BUILD)/secctl: $(foreach m,cli channel package sigfmt tlog base,$(BUILD)/lib/$(m).a)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK) $(LDFLAGS) -o $@ $^ $(CLI_LIBS)

# -- unit tests: tests/unit/test_X.c is a program; the other files there are shared by all ----------
UNIT_FLAGS := -Wno-write-strings -Wno-cast-qual -Wno-string-concatenation $(foreach m,$(ALL_MODULES),-I$(BUILD)/include/$(m)) -Itests/unit \
    $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(GATEWAY_PKGS) libcurl 2>/dev/null))
UNIT_TESTS  := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
UNIT_SHARED := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
UNIT_LIBS   := $(foreach m,api http core store ipc certs channel package sigfmt tlog base,$(BUILD)/lib/$(m).a)
# Programs' own code without their main.
UNIT_APP     := $(filter-out %/main.o,$(OBJS_app))
UNIT_KEYRING := $(filter-out %/main.o,$(OBJS_keyring))
UNIT_CLI     := $(filter-out %/main.o,$(OBJS_cli))

$(BUILD)/obj/tests/%.o: tests/%.c $(BUILD)/flags | $(LINKS)
	@mkdir -p $(dir $@)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(UNIT_FLAGS) -c -o $@ $<
$(BUILD)/lib/unit_app.a: $(UNIT_APP)
$(BUILD)/lib/unit_keyring.a: $(UNIT_KEYRING)
$(BUILD)/lib/unit_cli.a: $(UNIT_CLI)
$(BUILD)/lib/unit_shared.a: $(UNIT_SHARED)
$(BUILD)/lib/unit_%.a:
	@mkdir -p $(dir $@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
.SECONDARY:
$(BUILD)/unit/test_cli%: $(BUILD)/obj/tests/unit/test_cli%.o $(BUILD)/obj/tests/unit/tempdir.o $(BUILD)/lib/unit_cli.a \
        $(foreach m,channel package sigfmt tlog base,$(BUILD)/lib/$(m).a)
	@mkdir -p $(dir $@)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(CLI_LIBS) $(TEST_LIBS)
$(BUILD)/unit/test_%: $(BUILD)/obj/tests/unit/test_%.o $(BUILD)/lib/unit_shared.a \
        $(BUILD)/lib/unit_app.a $(BUILD)/lib/unit_keyring.a $(UNIT_LIBS)
	@mkdir -p $(dir $@)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(GATEWAY_LIBS) $(TEST_LIBS)

.PHONY: unit
unit: $(UNIT_TESTS) $(BUILD)/secgated-keyring

# -- fuzzers: clang with libFuzzer -------------------------------------------------------------------
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/lib/unit_app.a $(BUILD)/lib/unit_keyring.a $(UNIT_LIBS)
	@mkdir -p $(dir $@)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK) $(LDFLAGS) -fsanitize=fuzzer -o $@ -Wl,--start-group $^ -Wl,--end-group $(GATEWAY_LIBS)
$(BUILD)/fuzz/fuzz_cli%: $(BUILD)/obj/tests/fuzz/fuzz_cli%.o $(BUILD)/lib/unit_cli.a \
        $(foreach m,channel package sigfmt tlog base,$(BUILD)/lib/$(m).a)
	@mkdir -p $(dir $@)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK) $(LDFLAGS) -fsanitize=fuzzer -o $@ -Wl,--start-group $^ -Wl,--end-group $(CLI_LIBS)
.PHONY: fuzzers
fuzzers: $(FUZZERS)

# -- clients of the benchmark -----------------------------------------------------------------------
$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o
	@mkdir -p $(dir $@)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs gnutls libargon2 libsodium)
.PHONY: bench-clients
bench-clients: $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))

include packaging/targets.mk

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
