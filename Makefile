# SPDX-License-Identifier: GPL-2.0
#
# What people type. The kernel's build system reads Kbuild instead, and needs
# nothing of this file: make -C $KDIR M=$PWD modules

tools := kunit/boot

# Headers of the running kernel, or else of Debian's stock kernel.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build))
DESTDIR ?=

modules module:
	@kdir=$(KDIR); \
	[ -n "$$kdir" ] || kdir=$$($(tools)/prepare.sh headers) || exit; \
	$(MAKE) -C $$kdir M=$(CURDIR) $(if $(filter module,$@),BYTEPOOL_ALONE=1) \
		modules

# For one kernel: that which the headers are of. A kernel that is not installed
# has no list of modules to bring up to date: its package makes one.
install: module
	@release=$$(modinfo -F vermagic bytepool.ko | cut -d ' ' -f 1) && \
	root=$(DESTDIR)/lib/modules/$$release sources=$(DESTDIR)/usr/src && \
	install -D -m 644 -t $$root/updates bytepool.ko && \
	install -D -m 644 -t $$sources/bytepool/$$release \
		bytepool.h Module.symvers && \
	{ [ ! -e $$root/modules.builtin ] || \
		depmod -b "$(or $(DESTDIR),/)" $$release; } && \
	echo "Installed for Linux $$release: $$root/updates/bytepool.ko" && \
	echo "For drivers: $$sources/bytepool/$$release" && \
	{ [ $$release = $$(uname -r) ] || \
		echo "Linux $$(uname -r), which runs here, does not have it."; }

lib:
	@$(tools)/prepare.sh packages userspace
	$(MAKE) -C userspace lib

run:
	@$(tools)/run.sh $(if $(filter-out 0,$(HOST)),host)

check:
	@$(tools)/check.sh

check-userspace:
	@$(tools)/check.sh userspace

check-uml:
	@$(tools)/check.sh uml

check-stock:
	@$(tools)/check.sh stock

check-kernels:
	@$(tools)/check.sh kernels

style:
	@$(tools)/check.sh style

docs:
	@$(tools)/docs.sh

# Each half writes its data, the report is made of what data there is.
bench:
	@bench/kernel.sh
	@bench/userspace.sh
	@bench/report.sh

bench-userspace:
	@bench/userspace.sh

bench-report:
	@bench/report.sh

# Works without headers of any kernel.
clean:
	@rm -rf build
	@find . -path ./.git -prune -o -type f \( -name '*.ko' -o -name '*.o' \
		-o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
		-o -name '.*.d' -o -name modules.order \
		-o -name Module.symvers \) -exec rm -f {} +
	$(MAKE) -C userspace clean

distclean: clean
	@$(tools)/prepare.sh forget

help:
	@echo 'Targets:'
	@echo '  modules          build bytepool.ko, sample, tests, benchmark (default)'
	@echo '  module           build bytepool.ko alone'
	@echo '  install          install bytepool.ko where modprobe finds it, and what'
	@echo '                   drivers build against to /usr/src/bytepool/RELEASE'
	@echo '  lib              build the userspace library: build/libbytepool.{a,so},'
	@echo '                   build/bytepool.pc; make -C userspace install installs it'
	@echo '  run              show what the pool is for, in the stock Debian kernel, in a'
	@echo '                   machine of its own: a file for four readers, faults, costs'
	@echo '  check            run all tests and all style checks'
	@echo '  check-userspace  the tests in userspace: strict, TSan, fast, library'
	@echo '  check-uml        KUnit and the driver in a user-mode kernel, newest source'
	@echo '  check-stock      self-test and driver in the stock Debian kernel, and in 6.12'
	@echo '  check-kernels    the same in the kernels that people run: Debian 12, 13 and'
	@echo '                   the newest, PREEMPT_RT, i386, arm64, NUMA, slub_debug, CPUs'
	@echo '                   that go; more than half an hour'
	@echo '  style            the style checks alone'
	@echo '  docs             HTML and man pages of the interface, in build/docs'
	@echo '  bench            measure against other allocators, in the kernel and in'
	@echo '                   userspace, and write Documentation/performance'
	@echo '  bench-userspace  measure in userspace alone'
	@echo '  bench-report     write tables and plots anew from the data that is there'
	@echo '  clean            remove what was built here; downloads and kernels stay'
	@echo '  distclean        remove those too'
	@echo '  help             this text'
	@echo
	@echo 'Variables:'
	@echo '  KDIR             headers to build modules and install against; default: those'
	@echo '                   of the running kernel, or else of the stock Debian kernel'
	@echo '  HOST=1           run: load into the running kernel instead (root)'
	@echo '  DESTDIR          install: below this folder'
	@echo '  LIMIT=MINUTES    check: what is not done by then has failed; default: none'
	@echo '  V=1              show what the tools say, and full commands'
	@echo '  BYTEPOOL_CACHE   where downloads and kernels are kept; default:'
	@echo '                   $$XDG_CACHE_HOME/bytepool or ~/.cache/bytepool'
	@echo
	@echo 'What is missing on the machine is installed with apt, if that is allowed.'

.PHONY: modules module install lib run check check-userspace check-uml check-stock \
	style docs bench bench-userspace bench-report clean distclean help
