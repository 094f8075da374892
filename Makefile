# The few commands that a person types. Each one is a line that could be typed by hand; what is
# compiled and how is in meson.build, what a test run consists of in tools/test.sh.
# SPDX-License-Identifier: Apache-2.0

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
JOBS    ?= 2
WERROR  ?= false
# Debian's own Python has pytest as a package; the first one in PATH may be another.
PYTHON  ?= /usr/bin/python3

export BUILD JOBS WERROR PYTHON

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS)

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo "meson is missing; run: make deps" >&2; exit 1; }
	meson setup $(BUILD) --buildtype=debugoptimized --prefix=$(PREFIX) -Dwerror=$(WERROR)

# What `make run` needs: the program without its tests.
server: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS) gitsync

deps:
	@tools/deps.sh

run: deps-run server
	@exec $(PYTHON) tools/demo.py run

demo: deps-run server
	@exec $(PYTHON) tools/demo.py play

test:
	@exec tools/test.sh all

test-unit:
	@exec tools/test.sh unit

test-api:
	@exec tools/test.sh api

# The tests in which hosts misbehave, servers die and disks are full.
test-faults:
	@exec tools/test.sh faults

# FUZZ_SECONDS for each reader of strangers' bytes, with clang's libFuzzer.
fuzz:
	@exec tools/test.sh fuzz

lint:
	@exec tools/test.sh lint

# Slower than the rest of the checks together, so not part of `make test`.
tidy:
	@exec tools/test.sh tidy

# Rewrites the sources in the layout of .clang-format.
format:
	@find src tests tools -name '*.[ch]' -exec clang-format -i {} +

bench: all
	$(PYTHON) tests/bench/bench.py

install: all
	meson configure $(BUILD) --prefix=$(PREFIX)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD)

clean:
	rm -rf build build-*

deps-run:
	@tools/deps.sh build run

# The order of prerequisites matters above; ninja does what can be done at the same time.
.NOTPARALLEL:
.PHONY: all server deps deps-run run demo test test-unit test-api test-faults fuzz lint tidy format bench install clean
