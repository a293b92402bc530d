#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs all tests and checks, or those of the lanes named:
#
#   check.sh [style] [userspace] [uml] [stock]
#
# Lanes that boot kernels run beside the others. Every step prints one line when
# it ends, and if it failed what its log has on that; all of the log is in
# build/logs. A step that prints KTAP counts as its test cases, any other as one
# test. The last line is "N passed, N failed".

# shellcheck source=vm.sh
. "$(dirname "${BASH_SOURCE[0]}")/vm.sh"

results=$logs/results

# === Steps ===

# One line, and what else there is to say, at once: lanes print side by side.
report()
{
	local verdict=$1 name=$2 passed=$3 failed=$4 seconds=$5 text=$6 counts=

	echo "$passed $failed" >>"$results"
	if [ "$((passed + failed))" -gt 1 ]; then
		counts="$passed passed"
		[ "$failed" = 0 ] || counts+=", $failed failed"
	fi
	{
		flock 7
		printf '%-6s %-26s %-24s %4d s\n' "$verdict" "$name" "$counts" \
			"$seconds"
		if [ -n "$text" ]; then
			printf '%s\n' "$text" | sed 's/^/    /'
		fi
	} 7>"$logs/.print"
}

announce()
{
	printf '%-6s %s\n' "..." "$1"
}

log_of()
{
	echo "$logs/${1//\//-}.log"
}

# Runs the rest into the log of step $1, and leaves its status and time.
run_logged()
{
	local log
	log=$(log_of "$1")
	shift

	seconds=$SECONDS
	status=0
	# In the background "set -e" holds inside functions, after || it does not.
	"$@" >"$log" 2>&1 </dev/null &
	wait $! || status=$?
	seconds=$((SECONDS - seconds))
	[ -z "${V:-}" ] || cat "$log"
}

# What a log has to say on why a step failed: all of it if it is short, or its
# complaints, or its end.
relevant()
{
	local log=$1 lines=

	if [ "$(wc -l <"$log")" -gt 40 ]; then
		lines=$(grep -A 2 -iE '\b(error|warning|check|fatal)\b.*:' "$log" |
			head -n 40 || true)
	fi
	[ -n "$lines" ] || lines=$(tail -n 40 "$log")
	echo "$lines"
	echo "all of it: $log"
}

# One test: passed if the command succeeds.
step()
{
	local name=$1 status seconds
	shift

	run_logged "$name" "$@"
	if [ "$status" = 0 ]; then
		report ok "$name" 1 0 "$seconds" ""
	else
		report FAILED "$name" 0 1 "$seconds" \
			"$(relevant "$(log_of "$name")")"
	fi
}

# As many tests as $2, which ended with status $3, has cases in it.
judge()
{
	local name=$1 log=$2 status=$3 seconds=$4 text counts passed failed

	text=$(awk -v status="$status" -f "$here/judge.awk" "$log" || true)
	counts=$(tail -n 1 <<<"$text")
	passed=${counts%% passed*}
	failed=${counts##*, }
	failed=${failed%% failed*}
	if [ "$failed" = 0 ]; then
		report ok "$name" "$passed" 0 "$seconds" ""
	else
		text=$(sed '$d' <<<"$text")
		if [ "$(wc -l <<<"$text")" -gt 80 ]; then
			text=$(head -n 80 <<<"$text")$'\n...'
		fi
		report FAILED "$name" "$passed" "$failed" "$seconds" \
			"$text"$'\n'"all of it: $log"
	fi
}

# The same for what a command prints.
ktap()
{
	local name=$1 status seconds
	shift

	run_logged "$name" "$@"
	judge "$name" "$(log_of "$name")" "$status" "$seconds"
}

# === Machines ===

# The cases that section $3 of a machine's report has; the kernel prints some.
judge_section()
{
	local name=$1 machine=$2 section=$3 log status
	log=$(log_of "$name")

	section_of "$machine" "$section" >"$log"
	# A kernel that died has not sent its log, but has printed it.
	if [ ! -s "$log" ] && [ "$section" != driver ]; then
		cp "$logs/$machine.console" "$log"
	fi
	status=$(status_of "$machine" "${section%-log}")
	judge "$name" "$log" "${status:-1}" 0
}

# A section that has to end well.
section_ok()
{
	section_of "$1" "$2"
	[ "$(status_of "$1" "$2")" = 0 ]
}

clean_log()
{
	local machine=$1 section=$2 strict=$3

	section_of "$machine" "$section" | awk -v "strict=$strict" \
		-f "$here/klog.awk"
}

# What both kinds of machine do, after "boot_KIND MACHINE JOBS SECONDS ...".
boot_and_judge()
{
	local kind=$1 machine=$2
	shift 2

	announce "$kind/boot"
	step "$machine/boot" boot_and_check "$kind" "$machine" "$@"
	judge_section "$machine/unit" "$machine" unit-log
	step "$machine/unit-log" clean_log "$machine" unit-log 0
	judge_section "$machine/driver" "$machine" driver
	step "$machine/driver-unload" section_ok "$machine" driver-unload
	step "$machine/driver-log" clean_log "$machine" driver-log 1
}

boot_and_check()
{
	local kind=$1
	shift

	"boot_$kind" "$@"
	check_done "$1"
}

# === Lanes ===

lane_style()
{
	local name

	for name in $("$here/style.sh" list); do
		step "style/$name" "$here/style.sh" "$name"
	done
}

lane_userspace()
{
	local target

	for target in strict tsan fast; do
		announce "userspace/$target"
		ktap "userspace/$target" make -s -C "$top/userspace" \
			-j"$(nproc)" "$target"
	done
	step userspace/lib make -s -C "$top/userspace" -j"$(nproc)" lib
	step userspace/lib-symbols only_our_symbols
	ktap userspace/bench "$top/bench/userspace.sh" gate
	step userspace/readme-program "$here/users.sh" readme-program
	step userspace/uapi "$here/users.sh" uapi
}

only_our_symbols()
{
	nm -D --defined-only "$build/libbytepool.so" |
		awk '$3 !~ /^(__)?bytepool_/ { print "exported:", $3; bad = 1 }
			END { exit bad || !NR }'
}

lane_uml()
{
	announce uml/kernel
	step uml/kernel "$here/prepare.sh" uml
	step uml/modules build_uml
	boot_and_judge uml uml unit,driver,leaks 600
	step uml/leaks section_ok uml leaks
}

lane_stock()
{
	step stock/modules build_stock
	step stock/readme-module "$here/users.sh" readme-module
	boot_and_judge stock stock unit,driver 600
	ktap stock/bench "$top/bench/kernel.sh" gate
}

# === All of it ===

# Each in a process group of its own, so that all of it can be ended.
start_kernel_lanes()
{
	local lane

	set -m
	for lane in uml stock; do
		if has_lane $lane; then
			"lane_$lane"
		fi
	done </dev/null &
	kernel_lanes=$!
	set +m
}

has_lane()
{
	[[ " $lanes " = *" $1 "* ]]
}

stop_kernel_lanes()
{
	[ -z "$kernel_lanes" ] || kill -- "-$kernel_lanes" 2>/dev/null || true
}

# One that ended in the middle has tests that nobody counted.
end_lane()
{
	[ "$1" = 0 ] || report FAILED "$2" 0 1 0 "ended in the middle"
}

prepare()
{
	local groups=(modules) lane

	for lane in $lanes; do
		groups+=("$lane")
	done
	if has_lane style; then
		groups+=(uml userspace)
	fi
	step prepare/packages need_packages "${groups[@]}"
	step prepare/judge "$here/judge_test.sh"
	if has_lane stock; then
		step prepare/stock-kernel "$here/prepare.sh" stock
	fi
	if has_lane uml || has_lane style; then
		step prepare/kernel-source "$here/prepare.sh" source
	fi
}

total()
{
	awk '{ passed += $1; failed += $2 }
		END {
			printf "%d passed, %d failed\n", passed, failed
			exit failed > 0 || !passed
		}' "$results" | tee "$logs/verdict"
}

lanes=${*:-style userspace uml stock}
for lane in $lanes; do
	[[ " style userspace uml stock " = *" $lane "* ]] || {
		sed -n 's/^# \?//; 4,12p' "$0"
		exit 2
	}
done

lock_tree
: >"$results"
rm -f "$logs/verdict"

kernel_lanes=
trap stop_kernel_lanes EXIT
trap 'exit 130' INT TERM

prepare
start_kernel_lanes
for lane in style userspace; do
	if has_lane $lane; then
		"lane_$lane"
	fi
done
status=0
wait "$kernel_lanes" || status=$?
kernel_lanes=
end_lane $status "kernel lanes"

echo
total
