#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Measures the library beside other allocators, and writes
# Documentation/performance/data/userspace.tsv:
#
#   userspace.sh		everything
#   userspace.sh quick	bytepool and DPDK alone, on standard output
#   userspace.sh count	instructions of bytepool's hot paths
#   userspace.sh gate	compares those with the committed ones in gate.tsv
#   userspace.sh update	writes them to gate.tsv
#
# Each candidate has a process of its own. They wait for each other, cell by
# cell, several rounds long, so that whatever else the machine does meets all of
# them; a figure is the median of its rounds.

# shellcheck source=../kunit/boot/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../kunit/boot/common.sh"

rounds=7
milliseconds=8
libs=/usr/lib/x86_64-linux-gnu
gate=$top/bench/gate.tsv
data=$top/Documentation/performance/data/userspace.tsv
programs=$build/bench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sizes="128 2048 4096 65536 262144 2097152"

# === Candidates ===

# Label, program, name in the program, library to load before.
all_candidates()
{
	cat <<-END
	raw user_bytepool raw
	buffer user_bytepool buffer
	rcu user_bytepool rcu
	retain user_bytepool retain
	buffer-static user_bytepool_static buffer
	glibc user_malloc malloc
	jemalloc user_malloc malloc $libs/libjemalloc.so.2
	mimalloc user_malloc malloc $libs/libmimalloc.so.2.0
	tcmalloc user_malloc malloc $libs/libtcmalloc_minimal.so.4
	mempool user_dpdk mempool
	mbuf user_dpdk mbuf
	END
}

# Those that are installed; says which are not.
candidates()
{
	local label program name preload

	all_candidates | while read -r label program name preload; do
		if [ ! -x "$programs/$program" ] ||
			[ -n "$preload" ] && [ ! -e "$preload" ]; then
			say "left out, not installed: $label"
			continue
		fi
		echo "$label $program $name $preload"
	done
}

# === Cells ===

# "SIZE PATTERN" for so many threads. 128 of 2 MiB are more than any idle bound.
cells()
{
	local threads=$1 size pattern

	for size in $sizes; do
		for pattern in hot 16 128; do
			[ "$size/$pattern" = 2097152/128 ] ||
				echo "$size $pattern"
		done
	done
	echo "65536 random"
	if [ "$threads" = 2 ]; then
		for size in 128 4096 65536; do
			echo "$size handover"
		done
	fi
}

# retain has one buffer, and hands nothing over.
has_cell()
{
	[ "$1" != retain ] || [[ $3 != random && $3 != handover ]]
}

# === Time ===

declare -A to from name_of

start_processes()
{
	local label program name preload in out

	to=() from=() name_of=()
	while read -r label program name preload; do
		mkfifo "$work/$label.in" "$work/$label.out"
		LD_PRELOAD=$preload "$programs/$program" \
			<"$work/$label.in" >"$work/$label.out" &
		exec {in}>"$work/$label.in" {out}<"$work/$label.out"
		rm "$work/$label.in" "$work/$label.out"
		to[$label]=$in from[$label]=$out name_of[$label]=$name
	done <"$work/candidates"
}

stop_processes()
{
	local label in out

	for label in "${!to[@]}"; do
		in=${to[$label]} out=${from[$label]}
		exec {in}>&- {out}<&-
	done
	wait
}

# One line "LABEL SIZE PATTERN THREADS NS".
ask()
{
	local label=$1 size=$2 pattern=$3 threads=$4 answer

	has_cell "$label" "$size" "$pattern" || return 0
	echo "${name_of[$label]} $size $pattern $threads $milliseconds" \
		>&"${to[$label]}"
	read -r answer <&"${from[$label]}" || die "$label ended"
	[ "$answer" != lost ] || die "$label $*: not all came back"
	[ "$answer" = - ] ||
		echo "$label $size $pattern $threads $answer"
}

measure_round()
{
	local threads=$1 size pattern label rest

	cells "$threads" | while read -r size pattern; do
		while read -r label rest; do
			ask "$label" "$size" "$pattern" "$threads"
		done <"$work/candidates"
	done
}

measure()
{
	local threads round

	for threads in 1 2; do
		start_processes
		for ((round = 1; round <= rounds; round++)); do
			say "threads: $threads, round $round of $rounds"
			measure_round "$threads"
		done
		stop_processes
	done
}

# More threads than processors: that they end, and that all came back.
complete()
{
	local label threads

	start_processes
	for threads in 4 16 64; do
		for label in raw buffer rcu; do
			say "threads: $threads, $label"
			ask "$label" 4096 16 "$threads"
		done
	done
	stop_processes
}

medians()
{
	sort -s -k 1,4 -k 5,5g | awk '
	function flush() {
		if (n)
			print key, n % 2 ? v[(n + 1) / 2] : \
				(v[n / 2] + v[n / 2 + 1]) / 2
		n = 0
	}
	{
		this = $1 " " $2 " " $3 " " $4
		if (this != key)
			flush()
		key = this
		v[++n] = $5
	}
	END { flush() }'
}

# === Instructions ===

# "SIZE PATTERN" lines on standard input; "LABEL SIZE PATTERN 1 COUNT".
count()
{
	local label=$1 program=$2 name=$3 preload=${4:-} dir=$work/count.$1

	mkdir "$dir"
	# Twice the first: what a process does once is in the one that is left
	# out below.
	cat >"$dir/given"
	{
		head -n 1 "$dir/given"
		cat "$dir/given"
	} >"$dir/cells"
	while read -r size pattern; do
		echo "$name $size $pattern 1 1"
	done <"$dir/cells" >"$dir/asked"
	# What the library's own threads do meanwhile depends on the scheduler, and
	# what it does by the clock on how long the count takes.
	LD_PRELOAD=$programs/user_clock.so${preload:+:$preload} valgrind -q --tool=callgrind \
		--separate-threads=yes --callgrind-out-file="$dir/out" "$programs/$program" count \
		<"$dir/asked" >"$dir/answers" 2>"$dir/log" || {
		cat "$dir/log" >&2
		die "$label does not run under callgrind"
	}
	paste -d ' ' "$dir/cells" "$dir/answers" | awk -v label="$label" \
		-v out="$dir/out" '
	function totals(file,	line) {
		while ((getline line <file) > 0)
			if (sub(/^totals: /, "", line))
				return line
		print "no count in " file >"/dev/stderr"
		exit 1
	}
	$3 == "lost" { print label, $0 >"/dev/stderr"; exit 1 }
	$3 == "counted" {
		dump += 3
		if (NR == 1)
			next
		once = totals(out "." dump - 1 "-01")
		printf "%s %s %s 1 %.1f\n", label, $1, $2,
			(totals(out "." dump "-01") - once) / 4096
	}'
}

count_all()
{
	local label program name preload

	while read -r label program name preload; do
		say "instructions: $label"
		cells 1 | while read -r size pattern; do
			! has_cell "$label" "$size" "$pattern" ||
				echo "$size $pattern"
		done | count "$label" "$program" "$name" "$preload"
	done <"$work/candidates"
}

# What the gate has: what a machine's memory and processors, by which magazines
# are as deep as they are, do not change.
count_gate()
{
	local label size

	for label in raw buffer rcu; do
		{
			for size in 128 4096; do
				printf "$size %s\n" hot 16 128
			done
			printf '65536 %s\n' hot 16
			echo "2097152 hot"
		} | count "$label" user_bytepool "$label"
	done
	echo "4096 hot" | count retain user_bytepool retain
}

counted_for_gate()
{
	build_programs gate
	count_gate | cut -d ' ' -f 1-3,5 | tr ' ' '\t'
}

compare_gate()
{
	counted_for_gate >"$work/counted"
	awk -v where=userspace "$@" -f "$top/bench/gate.awk" "$gate" \
		"$work/counted"
}

update_gate()
{
	compare_gate -v update=1 >"$work/gate"
	cp "$work/gate" "$gate"
}

# === Output ===

version_of()
{
	dpkg-query -W -f '${Package} ${Version}\n' "$1" 2>/dev/null || true
}

header()
{
	local package

	echo "# SPDX-License-Identifier: GPL-2.0"
	echo "# command: make bench-userspace"
	echo "# machine: $(sed -n 's/^model name.*: //p' /proc/cpuinfo |
		head -n 1), $(nproc) processors"
	echo "# kernel: $(uname -r)"
	echo "# compiler: $(cc --version | head -n 1)"
	echo "# bytepool: $(measured_version)"
	for package in libc6 libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4 \
		libdpdk-dev liburcu8 valgrind; do
		version_of "$package" | sed 's/ /: /;s/^/# /'
	done
	echo "# rounds: $rounds of $milliseconds ms, medians"
	echo "# threads: each on a processor of its own up to $(nproc)"
	printf 'candidate\tsize\tpattern\tthreads\tns\tinstructions\n'
}

# Joins times and counts in the order of the candidates.
table()
{
	awk -v OFS='\t' '
	FILENAME ~ /counts$/ { count[$1, $2, $3, $4] = $5; next }
	{ c = count[$1, $2, $3, $4]; print $1, $2, $3, $4, $5,
		c == "" ? "-" : c }' "$work/counts" "$work/times" |
		sort -t $'\t' -k 4,4n -k 3,3 -k 2,2n -k 1,1
}

build_programs()
{
	quietly "$logs/bench-build.log" make -C "$top/bench" "$@"
}

case ${1:-all} in
count)
	counted_for_gate
	;;
gate)
	compare_gate
	;;
update)
	update_gate
	;;
quick)
	need_packages bench
	build_programs all
	candidates | grep -E '^(raw|buffer|rcu|mempool|mbuf) ' >"$work/candidates"
	measure | medians >"$work/times"
	: >"$work/counts"
	table | cut -f 1-5 | awk -F '\t' '
	{ key = $4 " " $3 " " $2; ns[key, $1] = $5
	  if (!(key in seen)) { seen[key] = 1; keys[++n] = key } }
	END {
		fmt = "%7s %-9s %8s %8s %8s %8s %8s %8s\n"
		printf fmt, "threads", "pattern", "size", "raw", "buffer",
			"rcu", "mempool", "mbuf"
		for (i = 1; i <= n; i++) {
			split(keys[i], k, " ")
			printf fmt, k[1], k[2], k[3], ns[keys[i], "raw"],
				ns[keys[i], "buffer"], ns[keys[i], "rcu"],
				ns[keys[i], "mempool"], ns[keys[i], "mbuf"]
		}
	}'
	;;
all)
	need_packages bench
	build_programs all
	candidates >"$work/candidates"
	measure | medians >"$work/times"
	complete >>"$work/times"
	count_all >"$work/counts"
	mkdir -p "$(dirname "$data")"
	{
		header
		table
	} >"$work/data"
	cp "$work/data" "$data"
	say "written: ${data#"$top/"}"
	;;
*)
	sed -n 's/^# \?//; 4,15p' "$0"
	exit 2
	;;
esac
