#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# First process of the machines that tests boot, stock kernel and user-mode
# kernel alike: does the jobs named on the kernel's command line (jobs=a,b).
# With the first argument "host" it does them on the machine it is started on,
# with modules and programs from the folder in the second.
#
# What it reports goes to a channel of its own, not to the console: sections
# between "@begin NAME" and "@end NAME STATUS", and at last "@done".

# The kernel makes environment variables of these words on its command line.
jobs=${jobs:-} report=${report:-} file=${file:-} bench=${bench:-}
idle_trim=${idle_trim:-6}

debugfs=/sys/kernel/debug
pool=$debugfs/bytepool/bytecast

section()
{
	name=$1
	shift
	echo "@begin $name"
	"$@"
	echo "@end $name $?"
}

# What the kernel says from here on belongs to this job.
mark_log()
{
	mark="begin of $1 $(cut -d ' ' -f 1 /proc/uptime)"
	echo "<6>bytepool tests: $mark" >/dev/kmsg
}

log_since_mark()
{
	dmesg -r | sed -n "/bytepool tests: $mark/,\$p"
}

# Memory that nothing refers to is called leaked once it is 5 s old.
scan_for_leaks()
{
	sleep 6
	echo scan >$debugfs/kmemleak
	leaks=$(cat $debugfs/kmemleak)
	[ -z "$leaks" ] || echo "$leaks"
	[ -z "$leaks" ]
}

# === Jobs ===

# Work items free what was destroyed last, and hold the module meanwhile.
unload_bytepool()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rmmod bytepool 2>/dev/null && return
		sleep 1
	done
	rmmod bytepool
	return 1
}

# KUnit leaves its verdict to who reads the log.
all_passed()
{
	failed=/sys/module/$1/parameters/failed
	[ ! -f "$failed" ] || [ "$(cat "$failed")" = 0 ]
}

load_and_unload()
{
	insmod "$dir/bytepool.ko" "idle_trim=$idle_trim" || return
	insmod "$dir/$1" && all_passed "${1%.ko}"
	status=$?
	rmmod "${1%.ko}" || [ $status != 0 ] || status=1
	unload_bytepool && return $status
}

# KUnit where the kernel has it, else the runner that comes with the tests.
job_unit()
{
	mark_log unit
	test=bytepool_selftest.ko
	[ -f "$dir/$test" ] || test=bytepool_kunit.ko
	section unit load_and_unload $test
	section unit-log log_since_mark
}

load_driver()
{
	insmod "$dir/bytepool.ko" && insmod "$dir/bytecast.ko"
}

unload_driver()
{
	rmmod bytecast && rmmod bytepool
}

job_driver()
{
	mark_log driver
	section driver-load load_driver
	section driver "$dir/bytecast_test" all
	section driver-unload unload_driver
	section driver-log log_since_mark
}

# README's first module gets its buffer in a function that is gone by now.
load_hello()
{
	insmod "$dir/bytepool.ko" && insmod "$dir/hello.ko" || return
	cat $debugfs/bytepool/hello/outstanding
	grep -q 'hello_init.*\[hello\]' $debugfs/bytepool/hello/outstanding
	status=$?
	rmmod hello && unload_bytepool && return $status
}

# Releases a buffer as it goes that its init function has released.
load_late()
{
	insmod "$dir/bytepool.ko" && insmod "$dir/bytepool_late.ko" &&
		rmmod bytepool_late || return
	dmesg | grep 'released last by late_init.*\[bytepool_late\]'
	status=$?
	unload_bytepool && return $status
}

job_sites()
{
	section sites load_hello
	section sites-late load_late
}

# It does not load if a pattern of Documentation/patterns.rst is not as it is told.
load_patterns()
{
	insmod "$dir/bytepool.ko" || return
	insmod "$dir/patterns.ko" && insmod "$dir/patterns_wake.ko"
	status=$?
	log_since_mark | grep "patterns[a-z_]*: "
	rmmod patterns_wake patterns && unload_bytepool && return $status
}

job_patterns()
{
	mark_log patterns
	section patterns load_patterns
	section patterns-log log_since_mark
}

# KiB that the kernel has free, those on the lists of its CPUs included, and KiB
# that slab has for good.
free_and_slab()
{
	awk '
		$1 == "KernelPageSize:" { page = $2 }
		$1 == "MemFree:" { free += $2 }
		$1 == "SUnreclaim:" { slab = $2 }
		$1 == "count:" { free += $2 * page }
		END { print free, slab }' \
		/proc/self/smaps /proc/meminfo /proc/zoneinfo
}

# Within ten seconds, and 4 MiB, both are as before the burst.
watch_figures()
{
	for second in 1 2 3 4 5 6 7 8 9 10; do
		sleep 1
		now=$(free_and_slab)
		taken=$((${1% *} - ${now% *})) slab=$((${now#* } - ${1#* }))
		echo "after $second s: $taken KiB not free, $slab KiB more in slab"
		[ $taken -gt 4096 ] || [ $slab -gt 4096 ] || return 0
	done
	grep bytepool /proc/slabinfo
	return 1
}

burst()
{
	insmod "$dir/bytepool.ko" || return
	figures=$(free_and_slab)
	insmod "$dir/bytepool_bench.ko" burst=16777216 || return
	grep '^bytepool_payload' /proc/slabinfo
	watch_figures "$figures"
	status=$?
	rmmod bytepool_bench && unload_bytepool && return $status
}

job_burst()
{
	section burst burst
}

# How long the longest passes of the shrinker were, in nanoseconds, and how much
# is idle in the end, with $1 for the benchmark's parameters. The second look can
# tell what rests.
shrinker_passes()
{
	insmod "$dir/bytepool_bench.ko" $1 || return
	echo function_graph >$debugfs/tracing/current_tracer || return
	for _ in 1 2 3; do
		sleep 1
		echo 2 >/proc/sys/vm/drop_caches
	done
	awk -v "what=$1" '
		match($0, /shrink_(count|scan)/) {
			pass = substr($0, RSTART + 7, RLENGTH - 7)
			sub(/ us .*/, "")
			if ($NF > most[pass])
				most[pass] = $NF
		}
		END {
			for (pass in most)
				printf "%s\t%s\t%d\n", what, pass,
					most[pass] * 1000
		}' $debugfs/tracing/trace
	echo nop >$debugfs/tracing/current_tracer
	sleep 1
	grep -h idle_bytes $debugfs/bytepool/bench*/stats | awk -v "what=$1" '
		{ sum += $2 }
		END { printf "%s\tidle\t%d\n", what, sum }'
	rmmod bytepool_bench
}

# Many pools that nobody uses, that have some memory in each small tier, and one
# with much of each size. The trim must not take it first.
pressure()
{
	insmod "$dir/bytepool.ko" idle_trim=0 || return
	echo "shrink_count shrink_scan" >$debugfs/tracing/set_ftrace_filter ||
		return
	for params in pools=256 "pools=256 burst=4096" burst=16777216; do
		shrinker_passes "$params" || return
	done
	unload_bytepool
}

job_pressure()
{
	section pressure pressure
}

# Until the kernel kills it.
fill_memory()
{
	awk 'BEGIN {
		mib = "x"
		while (length(mib) < 1048576)
			mib = mib mib
		while (1)
			line[n++] = mib n
	}'
}

# The kernel says what the pools had before it says whom it killed.
run_out_of_memory()
{
	insmod "$dir/bytepool.ko" &&
		insmod "$dir/bytepool_bench.ko" hold=4096 || return
	fill_memory
	log_since_mark | awk '
		/bytepool: oom: hold: in_use 67108864 / { named = 1 }
		/bytepool: oom: |Out of memory: / { print }
		/Out of memory: / { killed = named }
		END { exit !killed }'
	status=$?
	rmmod bytepool_bench && unload_bytepool && return $status
}

job_oom()
{
	mark_log oom
	section oom run_out_of_memory
}

# MiB that have gone to swap, and MiB that came back.
swap_traffic()
{
	awk '$1 == "pswpout" { out = $2 }
		$1 == "pswpin" { back = $2 }
		END { print int(out / 256), int(back / 256) }' /proc/vmstat
}

# Needs more memory than there is free. Fails if little of it went to swap, too.
need_swap()
{
	before=$(swap_traffic)
	"$dir/bounce_test" 3 48 || return
	now=$(swap_traffic)
	out=$((${now% *} - ${before% *})) back=$((${now#* } - ${before#* }))
	echo "$out MiB went to swap, $back MiB came back"
	[ $out -ge 16 ] && [ $back -ge 16 ]
}

# Loads the driver with the parameters given, and has the machine swap on it.
swap_on_driver()
{
	insmod "$dir/bytepool.ko" && insmod "$dir/bounce.ko" "$@" || return
	mkswap /dev/bounce >/dev/null && swapon /dev/bounce && need_swap
	status=$?
	swapoff /dev/bounce || status=1
	[ ! -e $debugfs/bytepool/bounce ] || cat $debugfs/bytepool/bounce/stats
	rmmod bounce && unload_bytepool || status=1
	log_since_mark | grep -o 'bounce: [0-9].*' | tail -n 1
	return $status
}

# Both ways to wait for memory, with half a MiB in reserve. A thread must not hang
# for 15 seconds.
job_swap()
{
	mark_log swap
	echo 15 >/proc/sys/kernel/hung_task_timeout_secs
	section swap-waiter swap_on_driver reserve=2
	section swap-sleep swap_on_driver reserve=2 blocking=1
	section swap-log log_since_mark
}

# The same with a mempool, to compare with.
job_swap_mempool()
{
	section mempool-no-waiter swap_on_driver reserve=4 mempool=1
	section mempool-sleep swap_on_driver reserve=4 mempool=1 blocking=1
}

# Takes each CPU but the first offline and back, again and again.
cpus_go_and_come()
{
	while [ -f /tmp/busy ]; do
		for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do
			echo 0 >"$cpu" && echo 1 >"$cpu" && echo "$cpu"
		done
	done >/tmp/came
}

# The driver's tests all the while. Says how often a CPU came back.
drive_while_cpus_go()
{
	: >/tmp/busy
	cpus_go_and_come &
	"$dir/bytecast_test" all
	status=$?
	rm /tmp/busy
	wait
	echo "# CPUs came back $(wc -l </tmp/came) times"
	[ -s /tmp/came ] && return $status
}

job_hotplug()
{
	mark_log hotplug
	section hotplug-load load_driver
	section hotplug drive_while_cpus_go
	section hotplug-unload unload_driver
	section hotplug-log log_since_mark
}

# Sums what was in use when all messages were queued, and nothing was read yet.
transfer()
{
	"$dir/bytecast_test" transfer "$file" 8 \
		--pause-cmd "cat $pool/outstanding >'$dir/queued'" || return
	awk 'NR > 1 { nr += $3; bytes += $4; site = $5 " " $6 }
		END { printf "queued at first: %d buffers, %.1f MB, got by %s\n",
			nr, bytes / 1000000, site }' "$dir/queued"
}

# The tiers, two on a line, and how many of all gets were served from what had
# been released before.
statistics_after()
{
	awk '
		function row(size, gets, hits) {
			printf "%10s %8s %8s%s", size, gets, hits,
				++nr % 2 ? "      " : "\n"
		}
		$1 == "size" { row($1, $2, $6); row($1, $2, $6) }
		$1 ~ /^[0-9]+$/ && $2 { row($1, $2, $6) }
		$1 == "total" { gets = $2; hits = $6 }
		$1 == "discarded" && $2 { row("larger", $2, "-") }
		END {
			if (nr % 2)
				print ""
			printf "recycled: %d of %d gets, %.1f%%\n", hits, gets,
				gets ? 100 * hits / gets : 0
			exit 2 * hits < gets || !gets
		}' $pool/stats
}

# Every count of what is in use now has to be back at zero.
nothing_in_use()
{
	sed 's/[,{}]/\n/g' $pool/stats.json |
		awk -F : '
			/^"(oversize_)?in_use"/ { seen++; left += $2 }
			END { exit !seen || left }
		'
}

# What a driver with faults leaves to be seen, before it is unloaded.
show_faults()
{
	grep -x 'misuse 1' $debugfs/bytepool/faulty/stats &&
		cat $debugfs/bytepool/faulty/outstanding
}

plant_faults()
{
	insmod "$dir/bytepool.ko" && insmod "$dir/faulty.ko" || return
	show_faults
	status=$?
	rmmod faulty && unload_bytepool && return $status
}

job_faults()
{
	mark_log faults
	section faults plant_faults
	section faults-log log_since_mark
}

# Loads the benchmark with what $bench has for its parameters.
measure()
{
	insmod "$dir/bytepool.ko" &&
		insmod "$dir/bytepool_bench.ko" $bench &&
		cat $debugfs/bytepool_bench/results &&
		rmmod bytepool_bench && unload_bytepool
}

job_bench()
{
	bench=$(echo "$bench" | tr '+' ' ')
	section bench measure
}

# Slab and per-CPU memory in KiB, all counters gathered.
memory_used()
{
	echo 1 >/proc/sys/vm/stat_refresh
	awk '/^(Slab|Percpu):/ { sum += $2 } END { print sum }' /proc/meminfo
}

# What loading the benchmark with parameter $1 adds, in KiB. The module itself
# is in memory of another kind.
memory_of()
{
	before=$(memory_used)
	insmod "$dir/bytepool_bench.ko" "$1" || return
	echo "$1 $(($(memory_used) - before))"
	rmmod bytepool_bench
}

measure_memory()
{
	insmod "$dir/bytepool.ko" || return
	for size in 128 1024 4096 65536; do
		memory_of hold=$size || return
		# What was released rests with slab until it is asked for.
		sleep 4
	done
	memory_of pools=100
}

job_memory()
{
	section memory measure_memory
}

job_leaks()
{
	section leaks scan_for_leaks
}

job_transfer()
{
	mark_log transfer
	section transfer-load load_driver
	section transfer transfer
	section transfer-after statistics_after
	section transfer-in-use nothing_in_use
	section transfer-unload unload_driver
	section transfer-log log_since_mark
}

# === Machine ===

boot()
{
	export PATH=/bin
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t devtmpfs devtmpfs /dev
	mount -t debugfs debugfs $debugfs
	mount -t tmpfs tmpfs /tmp
}

# Copies to the channel, and returns when everything has arrived: closing a
# serial port waits for that.
send_report()
{
	case $report in
	/dev/port) "$dir/to_port" ;;
	/dev/tty*) stty -F "$report" raw && cat >"$report" ;;
	*) cat >"$report" ;;
	esac
}

halt()
{
	sync
	poweroff -f
}

run_jobs()
{
	for job in $(echo "$jobs" | tr ',' ' '); do
		"job_$job"
	done
	echo "@done"
}

if [ "$1" = host ]; then
	dir=$2
	run_jobs
else
	dir=/modules
	file=/modules/file
	boot
	run_jobs 2>&1 | send_report
	halt
fi
