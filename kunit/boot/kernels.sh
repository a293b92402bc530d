# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced by check.sh: machines with the kernels that people run. Each is built
# for, with warnings as errors, booted, and given the self-test and the driver.

# shellcheck source=vm.sh
. "$(dirname "${BASH_SOURCE[0]}")/vm.sh"
# shellcheck source=debian.sh
. "$here/debian.sh"

# A machine's name, its kernel (of debian.sh, or "stock"), its jobs, and its
# hardware. debian12 is the one that "make check" boots, as lane "stock".
kernel_machines()
{
	cat <<-END
	debian12		stock			unit,driver,burst	two
	debian12-rt		debian12-rt		unit,driver,burst	two
	debian12-backports	debian12-backports	unit,driver,burst	two
	debian13		debian13		unit,driver,burst	two
	debian13-rt		debian13-rt		unit,driver,burst	two
	newest			newest			unit,driver,burst	two
	newest-rt		newest-rt		unit,driver,burst	two
	debian12-i386		debian12-i386		unit,driver,burst	two
	debian12-arm64		debian12-arm64		unit,driver,burst	two
	numa			stock			unit,driver,burst	numa
	slub-debug		stock			unit,driver,burst	debug
	swap			stock			swap,swap_mempool	small
	hotplug			stock			hotplug		four
	hotplug-rt		newest-rt		hotplug		four
	END
}

machine_field()
{
	kernel_machines | awk -v machine="$1" -v field="$2" \
		'$1 == machine { print $field }'
}

# The folder of a kernel: vmlinuz, headers, and perhaps a compiler.
kernel_dir()
{
	[ "$1" != stock ] || die "the stock kernel has a folder of another kind"
	"$here/prepare.sh" debian "$1"
}

kernel_image()
{
	case $1 in
	stock) echo "$("$here/prepare.sh" stock)"/vmlinuz-* ;;
	*) echo "$(kernel_dir "$1")/vmlinuz" ;;
	esac
}

kernel_headers()
{
	case $1 in
	stock) "$here/prepare.sh" headers ;;
	*) echo "$(kernel_dir "$1")/headers" ;;
	esac
}

kernel_arch()
{
	case $1 in
	stock) echo amd64 ;;
	*) debian_field "$1" 3 ;;
	esac
}

# Builds modules and programs for a kernel, in build/kernel-$1.
build_for_kernel()
{
	local kernel=$1 triple headers
	triple=$(triple_of "$(kernel_arch "$kernel")")
	headers=$(kernel_headers "$kernel")

	PATH=${headers%/headers}/compiler:$PATH build_modules "kernel-$kernel" \
		"$headers" W=1 KCFLAGS=-Werror \
		${triple:+CROSS_COMPILE="$triple"} &&
		CC=${triple}gcc build_programs "kernel-$kernel"
}

# === Booting ===

# QEMU's options for the hardware $1.
hardware()
{
	local node

	case $1 in
	small) echo -smp 2 -m 300 ;;
	two) echo -smp 2 -m 1024 ;;
	four) echo -smp 4 -m 1024 ;;
	debug) echo -smp 2 -m 2048 ;;
	numa)
		echo -smp 8 -m 2048
		for node in 0 1 2 3; do
			echo "-object memory-backend-ram,id=m$node,size=512M" \
				"-numa node,nodeid=$node,memdev=m$node,cpus=$((
				node * 2))-$((node * 2 + 1))"
		done
		;;
	esac
}

# What it adds to the kernel's command line.
hardware_words()
{
	[ "$1" != debug ] || echo slab_nomerge slub_debug=FZPU \
		init_on_free=1 page_poison=1 debug_pagealloc=on
}

# The machine of an architecture, whose report goes to the file $2.
emulator()
{
	local report=$2

	case $1 in
	arm64)
		echo qemu-system-aarch64 -M virt -cpu max \
			-accel tcg,thread=multi -serial stdio \
			-chardev "file,id=report,path=$report" \
			-device pci-serial,chardev=report
		;;
	*)
		echo qemu-system-x86_64 -cpu max -accel "$(accelerator)" \
			-serial stdio "$(debug_console "$report")"
		;;
	esac
}

console_of()
{
	case $1 in
	arm64) echo console=ttyAMA0 report=/dev/ttyS0 ;;
	*) echo console=ttyS0 report=/dev/port ;;
	esac
}

# Boots machine $1 with jobs $2; the same form as boot_stock().
boot_kernel()
{
	local name=$1 jobs=$2 root=$build/vm/$1 kernel arch kind image
	local qemu words

	kernel=$(machine_field "$name" 2)
	kind=$(machine_field "$name" 4)
	arch=$(kernel_arch "$kernel")
	image=$(kernel_image "$kernel")
	mkdir -p "$logs"
	if [ "$arch" != amd64 ]; then
		guest_busybox=$(kernel_dir "$kernel")/bin/busybox
		guest_strip=$(triple_of "$arch")strip
	fi
	make_root "$root" "kernel-$kernel"
	(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) \
		>"$root.cpio.gz"
	: >"$logs/$name.report"
	read -ra qemu < <(echo "$(emulator "$arch" "$logs/$name.report")" \
		"$(hardware "$kind" | tr '\n' ' ')")
	read -r words < <(echo "$(console_of "$arch")" \
		"$(hardware_words "$kind")")
	run_machine "$name" "${qemu[@]}" -display none \
		-monitor none -nodefaults -no-reboot -kernel "$image" \
		-initrd "$root.cpio.gz" -append "$words $kernel_line \
		log_buf_len=4M jobs=$jobs"
}

# === Steps ===

# Once for each kernel, however many machines have it.
kernel_build_steps()
{
	local kernel=$1

	[[ " ${kernels_built:-} " != *" $kernel "* ]] || return 0
	kernels_built="${kernels_built:-} $kernel"
	step "kernel-$kernel/kernel" kernel_image "$kernel"
	step "kernel-$kernel/modules" build_for_kernel "$kernel"
}

kernel_machine()
{
	local machine=$1 jobs
	jobs=$(machine_field "$machine" 3)

	kernel_build_steps "$(machine_field "$machine" 2)"
	if [[ $jobs = swap* ]]; then
		boot_and_swap kernel "$machine" "$jobs"
	elif [ "$jobs" = hotplug ]; then
		announce "$machine/boot"
		step "$machine/boot" boot_and_check kernel "$machine" hotplug
		judge_section "$machine/hotplug" "$machine" hotplug
		step "$machine/hotplug-unload" section_ok "$machine" \
			hotplug-unload
		step "$machine/hotplug-log" clean_log "$machine" hotplug-log 1
	else
		boot_and_judge kernel "$machine" "$jobs"
		step "$machine/burst" section_ok "$machine" burst
	fi
}

# All of them, or those that $BYTEPOOL_KERNELS names.
lane_kernels()
{
	local machine

	for machine in ${BYTEPOOL_KERNELS:-$(kernel_machines |
		awk '{ print $1 }')}; do
		kernel_machine "$machine"
	done
}
