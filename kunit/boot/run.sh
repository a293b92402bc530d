#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Shows what the pool is for, in a kernel. The sample driver sends a real file
# from one writer to four readers; a driver with faults is caught; a get is
# measured beside kmalloc(). Then come the verdicts:
#
#   run.sh		in the stock Debian kernel, booted in a machine of its own
#   run.sh host		in the kernel that runs here

# shellcheck source=vm.sh
. "$(dirname "${BASH_SOURCE[0]}")/vm.sh"

nr_failed=0

# The statistics cannot tell whether all is well; these lines do.
verdict()
{
	local what=$1 why=${3:-}

	if [ "$2" = 0 ]; then
		printf '  %-6s %s\n' ok "$what"
		return
	fi
	printf '  %-6s %s\n' FAILED "$what"
	[ -z "$why" ] || printf '%s\n' "$why" | sed 's/^/    | /'
	nr_failed=$((nr_failed + 1))
}

section_verdict()
{
	local status

	status=$(status_of run "$2")
	verdict "$1" "${status:-1}" "$([ "$status" = 0 ] || section_of run "$2")"
}

# The lines of the kernel log from the driver with faults that match $1, without
# their level and time.
fault_line()
{
	section_of run faults-log |
		sed -n "s|^<[0-9]*>\(\[[^]]*\] *\)*\(bytepool: faulty: $1\)|\2|p"
}

# Where bytepool names a function of the driver with faults.
in_faulty()
{
	echo "faulty_$1+0x[0-9a-f]*/0x[0-9a-f]* \[faulty\]"
}

# What bytepool had to say of them.
find_reports()
{
	double=$(fault_line "release of a dead buffer: .* by $(
		)$(in_faulty timeout), released last by $(in_faulty transmit_done)")
	leak=$(fault_line "3 buf of 1024 got by $(in_faulty event)")
}

show_reports()
{
	echo "A driver with a double release and a leak; the kernel log:"
	printf '%s\n' "$double" "$leak" | fold -s -w 78 |
		sed 's/^/  /; s/ *$//'
}

# What a get costs, for each size a line; $1 is the unit, $2 the machine.
show_cost()
{
	echo "$1 for a get and a release, one at a time, clearing nothing:"
	section_of "$2" bench | awk '
		$3 != "hot" { next }
		!($2 in seen) { seen[$2]; sizes[++nr] = $2 }
		{ cost[$1, $2] = $4 }
		END {
			printf "%10s %10s %10s\n", "size", "bytepool", "kmalloc"
			for (i = 1; i <= nr; i++)
				printf "%10d %10.0f %10.0f\n", sizes[i],
					cost["buffer", sizes[i]],
					cost["kmalloc", sizes[i]]
		}'
}

judge_faults()
{
	local status=0

	section_of run faults | grep -qx 'misuse 1' && [ -n "$double" ] ||
		status=1
	verdict "planted double release: refused, both parties named" $status \
		"$(section_of run faults-log)"
	status=0
	section_of run faults |
		grep -qx "buf *1024 *3 *3072 $(in_faulty event)" &&
		[ -n "$leak" ] || status=1
	verdict "planted leak: named in debugfs, and when the pool goes" $status \
		"$(section_of run faults)"
}

judge_transfer()
{
	local why status=0

	section_verdict "bytepool.ko and bytecast.ko load" transfer-load
	section_verdict "four readers got what was sent, every tier served" \
		transfer
	section_verdict "most gets were served from what had been released" \
		transfer-after
	section_verdict "no buffer is left in use" transfer-in-use
	section_verdict "both modules unload" transfer-unload
	section_of run transfer-log >"$logs/run.klog"
	why=$(awk -v strict=1 -f "$here/klog.awk" "$logs/run.klog") || status=1
	verdict "no warning and no error in the kernel log" $status "$why"
}

# Figures first, with unit $1 and out of the report of machine $2.
judge_run()
{
	local why machine status

	local double leak

	echo
	section_of run transfer
	echo
	section_of run transfer-after
	echo
	show_cost "$1" "$2"
	find_reports
	echo
	show_reports
	echo
	for machine in run $([ "$2" = run ] || echo "$2"); do
		status=0
		why=$(check_done "$machine") || status=1
		verdict "machine \"$machine\" did all it was told" $status "$why"
	done
	judge_transfer
	judge_faults
	section_verdict "the driver with the faults unloads" faults
	verdict "a get was measured" "$(status_of "$2" bench)" \
		"$(section_of "$2" bench)"
	echo
	if [ $nr_failed != 0 ]; then
		echo "FAILED: more in $logs/run.console, $logs/run.report"
		exit 1
	fi
	echo "Everything arrived, the faults were caught, nothing was left behind."
}

# Beside kmalloc, without the clearing of all memory that Debian has switched on.
costs="only=buffer,kmalloc+patterns=hot+sizes=128,4096,65536,1048576"

run_stock()
{
	local dir counting

	"$here/prepare.sh" packages modules stock
	dir=$("$here/prepare.sh" stock)
	echo "Building the modules for $(basename "$dir")"
	quietly "$logs/run-modules.log" build_stock
	ln -sf "$(echo "$dir"/vmlinuz-*)" "$build/stock/file"
	echo "Booting that kernel in QEMU, two CPUs, $(accelerator_text);" \
		"sending it its own image."
	echo "Booting it once more, where the clock ticks once an instruction."
	boot_counting stock count bench init_on_alloc=0 "bench=$costs" &
	counting=$!
	boot_stock run transfer,faults "$build/stock/file"
	wait "$counting"
	judge_run Instructions count
}

# === Without a machine of its own ===

# A file for all sizes of messages: the kernel's image, or else whatever there
# is that is large enough, the compiler if nothing else.
large_file()
{
	local file

	file=$(find "/boot/vmlinuz-$(uname -r)" /usr/lib /usr/bin -type f \
		-size +7M -size -64M -print -quit 2>/dev/null || true)
	[ -n "$file" ] || die "this machine has no large file to send"
	echo "$file"
}

unload_host()
{
	rmmod bytepool_bench faulty bytecast bytepool 2>/dev/null || true
}

run_host()
{
	local kdir=${KDIR:-/lib/modules/$(uname -r)/build}

	[ "$(id -u)" = 0 ] || die "only root can load modules"
	command -v gcc make insmod >/dev/null || need_packages host
	if [ ! -d "$kdir" ]; then
		(need_packages host-headers) ||
			die "the kernel that runs here, $(uname -r), has no" \
				"headers here: name them with KDIR"
	fi
	grep -qE '^(bytepool|bytecast|faulty)' /proc/modules &&
		die "bytepool or a driver of it is loaded already: rmmod it first"
	echo "Building the modules for the kernel that runs here, $(uname -r)"
	quietly "$logs/run-modules.log" build_modules host "$kdir"
	quietly "$logs/run-programs.log" build_programs host
	cp "$build"/host/{samples,bench}/*.ko "$build/host"
	mountpoint -q /sys/kernel/debug ||
		mount -t debugfs debugfs /sys/kernel/debug
	file=$(large_file)
	echo "Loading them into it, and sending $file"
	trap unload_host EXIT
	jobs=transfer,faults,bench file=$file bench=$costs \
		sh "$here/guest.sh" host "$build/host" >"$logs/run.report" 2>&1 || true
	: >"$logs/run.console"
	judge_run Nanoseconds run
}

lock_tree
case ${1:-} in
'')
	run_stock
	;;
host)
	run_host
	;;
*)
	sed -n 's/^# \?//; 4,9p' "$0"
	exit 2
	;;
esac
