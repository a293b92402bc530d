#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Loads bytepool and the sample driver into a kernel, sends a real file from one
# writer to four readers, shows the statistics, unloads both, and judges:
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

judge_run()
{
	local why status=0

	echo
	section_of run transfer
	section_of run transfer-after
	echo
	why=$(check_done run) || status=1
	verdict "the machine did all it was told" $status "$why"
	section_verdict "bytepool.ko and bytecast.ko load" transfer-load
	section_verdict "four readers got what was sent, every tier served" \
		transfer
	section_verdict "no buffer is left in use" transfer-in-use
	section_verdict "both modules unload" transfer-unload
	status=0
	section_of run transfer-log >"$logs/run.klog"
	why=$(awk -v strict=1 -f "$here/klog.awk" "$logs/run.klog") || status=1
	verdict "no warning and no error in the kernel log" $status "$why"
	echo
	if [ $nr_failed != 0 ]; then
		echo "FAILED: more in $logs/run.console, $logs/run.report"
		exit 1
	fi
	echo "Everything arrived, and nothing was left behind."
}

run_stock()
{
	local dir

	"$here/prepare.sh" packages modules stock
	dir=$("$here/prepare.sh" stock)
	echo "Building the modules for $(basename "$dir")"
	quietly "$logs/run-modules.log" build_stock
	ln -sf "$(echo "$dir"/vmlinuz-*)" "$build/stock/file"
	echo "Booting that kernel in QEMU, two CPUs, $(accelerator_text);" \
		"sending it its own image, thirty times"
	boot_stock run transfer 300 "$build/stock/file"
	judge_run
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
	rmmod bytecast bytepool 2>/dev/null || true
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
	grep -qwE '^(bytepool|bytecast)' /proc/modules &&
		die "bytepool or bytecast is loaded already: rmmod it first"
	echo "Building the modules for the kernel that runs here, $(uname -r)"
	quietly "$logs/run-modules.log" build_modules host "$kdir"
	quietly "$logs/run-programs.log" build_programs host
	cp "$build/host/samples/bytecast.ko" "$build/host"
	mountpoint -q /sys/kernel/debug ||
		mount -t debugfs debugfs /sys/kernel/debug
	file=$(large_file)
	echo "Loading them into it, and sending $file"
	trap unload_host EXIT
	jobs=transfer file=$file sh "$here/guest.sh" host "$build/host" \
		>"$logs/run.report" 2>&1 || true
	: >"$logs/run.console"
	judge_run
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
	sed -n 's/^# \?//; 4,8p' "$0"
	exit 2
	;;
esac
