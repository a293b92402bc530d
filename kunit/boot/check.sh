#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs all tests and checks, or those of the lanes named:
#
#   check.sh [style] [userspace] [uml] [stock]
#   check.sh kernels		the kernels that people run, half an hour and more
#
# Lanes that boot kernels run beside the others. Every step prints one line when
# it ends, and if it failed what its log has on that; all of the log is in
# build/logs. A step that prints KTAP counts as its test cases, any other as one
# test. One that prints nothing for 15 minutes is ended, and has failed; with
# LIMIT=MINUTES whatever is not done by then has. The last line is
# "N passed, N failed".

# shellcheck source=vm.sh
. "$(dirname "${BASH_SOURCE[0]}")/vm.sh"
# shellcheck source=steps.sh
. "$here/steps.sh"
# shellcheck source=kernels.sh
. "$here/kernels.sh"

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

# What both kinds of machine do, after "boot_KIND MACHINE JOBS ...".
boot_and_judge()
{
	local kind=$1 machine=$2
	shift 2

	announce "$machine/boot"
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

# A small machine that swaps on the sample's disk, after "boot_KIND MACHINE JOBS".
boot_and_swap()
{
	local kind=$1 machine=$2 jobs=$3

	announce "$machine/boot"
	step "$machine/boot" boot_and_check "$kind" "$machine" "$jobs"
	step "$machine/waiter" section_ok "$machine" swap-waiter
	step "$machine/sleep" section_ok "$machine" swap-sleep
	step "$machine/log" clean_log "$machine" swap-log 1
	[[ $jobs = *mempool* ]] || return 0
	step "$machine/mempool" section_ok "$machine" mempool-no-waiter
	step "$machine/mempool-sleep" section_ok "$machine" mempool-sleep
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
	# So slow that what a case has idle would be trimmed in the middle of it.
	boot_and_judge uml uml unit,driver,leaks idle_trim=600
	step uml/leaks section_ok uml leaks
}

lane_stock()
{
	step stock/modules build_stock
	step stock/readme-module "$here/users.sh" readme-module
	boot_and_judge stock stock unit,driver,faults,sites,patterns,burst,oom
	step stock/faults section_ok stock faults
	step stock/sites section_ok stock sites
	step stock/sites-late section_ok stock sites-late
	step stock/patterns section_ok stock patterns
	step stock/patterns-log clean_log stock patterns-log 1
	step stock/burst section_ok stock burst
	step stock/oom section_ok stock oom
	boot_and_swap small swap swap
	ktap stock/pressure "$top/bench/kernel.sh" pressure
	ktap stock/bench "$top/bench/kernel.sh" gate
	kernel_machine debian12-backports
}

# === All of it ===

# In a process group of their own, so that all of it can be ended.
start_kernel_lanes()
{
	local lane

	set -m
	{
		end_steps_on_exit
		for lane in uml stock kernels; do
			if has_lane $lane; then
				"lane_$lane"
			fi
		done
	} </dev/null &
	kernel_lanes=$!
	set +m
}

has_lane()
{
	[[ " $lanes " = *" $1 "* ]]
}

stop_lanes()
{
	[ -z "$kernel_lanes" ] || kill -- "-$kernel_lanes" 2>/dev/null || true
	end_step
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
		groups+=(uml userspace docs)
	fi
	step prepare/packages need_packages "${groups[@]}"
	step prepare/judge "$here/judge_test.sh"
	step prepare/gate "$here/gate_test.sh"
	if has_lane stock || has_lane kernels; then
		step prepare/stock-kernel "$here/prepare.sh" stock
	fi
	if has_lane uml || has_lane style; then
		step prepare/kernel-source "$here/prepare.sh" source
	fi
}

# The names of all steps.
# shellcheck disable=SC2317 # the lanes call these functions
list_steps()
(
	step() { echo "$1"; }
	ktap() { echo "$1"; }
	judge_section() { echo "$1"; }
	announce() { :; }

	prepare
	for lane in $lanes; do
		"lane_$lane"
	done
)

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
	[[ " style userspace uml stock kernels " = *" $lane "* ]] || {
		sed -n 's/^# \?//; 4,13p' "$0"
		exit 2
	}
done

lock_tree
start_steps "$build/steps-${lanes// /-}" "$(list_steps | wc -l)"
rm -f "$logs/verdict"

kernel_lanes=
end_steps_on_exit
trap stop_lanes EXIT

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
keep_times

echo
show_failures
total
