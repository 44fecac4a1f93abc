# SPDX-License-Identifier: Apache-2.0
# What a person types. Everything behind it is in hw/scripts; nothing else has to be set up.
SHELL := /bin/bash
scripts := hw/scripts

.DEFAULT_GOAL := help
.PHONY: help run test bench-vm lint build deb test-deb clean toolchain

help:
	@echo 'make run     build, then show a pair of gateways at work: the primary is killed half-way'
	@echo '             SECONDS_TO_RUN=10 RATE=20000 SESSIONS=8 DRIVER=auto|af_xdp|af_packet|udp'
	@echo '             COMMIT=mirrored|mirrored+durable; STANDBY=0: one alone, COMMIT=none|durable'
	@echo '             NEEDLETAIL_BIN=a folder with the executables: no build'
	@echo 'make test    build, then every test: unit, property, golden, end to end, threads, fuzz'
	@echo 'make bench-vm  build, then the gateway on a PCI NIC through vfio-pci, in a virtual machine'
	@echo 'make lint    formatting, import direction and the tidy rules'
	@echo 'make build   the executables only, optimised: .build/release/needletail, needletail-lab'
	@echo 'make deb     Debian packages of both, with service and man pages: .build/deb/*.deb'
	@echo 'make test-deb  the same, and the life of the service in a clean Debian with systemd'
	@echo 'make clean   remove what was built'
	@echo
	@echo 'Debian 12 or Ubuntu 24.04 with Swift 6.3 or later; missing Debian packages are installed.'

toolchain:
	@$(scripts)/check-toolchain

run: toolchain
	@$(scripts)/install-dependencies run
	@$(scripts)/run-demo

test: toolchain
	@$(scripts)/install-dependencies test
	@$(scripts)/run-tests

bench-vm: toolchain
	@$(scripts)/install-dependencies build
	@hw/bench-vm/run

lint: toolchain
	@$(scripts)/install-dependencies test
	@$(scripts)/run-lint

build: toolchain
	@$(scripts)/install-dependencies build
	@$(scripts)/build-release

deb: toolchain
	@$(scripts)/install-dependencies deb
	@hw/deb/build

test-deb: toolchain
	@$(scripts)/install-dependencies deb
	@$(scripts)/test-deb

clean:
	rm -rf .build
