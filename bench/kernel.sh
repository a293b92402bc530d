#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Counts what a get and a put cost in Debian's stock kernel and in the newest
# one, in a machine whose clock ticks once an instruction: the same figures each
# time, on any machine.
#
#	kernel.sh		all of it, with init_on_alloc off and on, and
#				what memory it takes: Documentation/performance/data
#	kernel.sh stock		the stock kernel's share of that
#	kernel.sh newest	the newest kernel's
#	kernel.sh gate		a few cells, compared with bench/gate.tsv
#	kernel.sh pressure	the longest passes of the shrinker, with 256 pools
#	kernel.sh update	commits what these are now to that file

# shellcheck source=../kunit/boot/vm.sh
. "$(dirname "${BASH_SOURCE[0]}")/../kunit/boot/vm.sh"

bench=$top/bench
data=$top/Documentation/performance/data

# Boots kernel $1, and prints the section of its report that is wanted.
machine()
{
	local kernel=$1 name=$2 section=$3
	shift 3

	boot_counting "$kernel" "$name" "$section" "$@" >&2
	check_done "$name" >&2
	[ "$(status_of "$name" "$section")" = 0 ] ||
		die "the machine failed: $logs/$name.report"
	section_of "$name" "$section"
}

# === All of it ===

header()
{
	cat <<-END
	# SPDX-License-Identifier: GPL-2.0
	# bytepool: $(measured_version)
	# machine: QEMU $(qemu-system-x86_64 --version |
		sed -n 's/.*version \([0-9.]*\).*/\1/p'), -icount shift=0, one CPU
	# unit: instructions of a pair; an instruction with a rep prefix counts once for each round
	# options: $1
	END
}

measure()
{
	local kernel=$1 name=$2 options=$3
	shift 3

	say "Counting $name, with $options, about a minute ..."
	{
		header "$options"
		machine "$kernel" "$name" bench "$options" "$@"
	} >"$build/$name.tsv"
	mkdir -p "$data"
	mv "$build/$name.tsv" "$data/$name.tsv"
}

measure_both()
{
	measure "$1" "$2" init_on_alloc=0
	# Beyond these sizes it is clearing alone that counts, and takes long.
	measure "$1" "$2-init" init_on_alloc=1 \
		bench=sizes=128,256,512,1024,2048,4096,8192,16384,32768,65536
}

measure_memory()
{
	say "Measuring memory ..."
	{
		header "init_on_alloc=0"
		printf 'what\tbytes\n'
		# KiB for 64 MiB of payload: bytes for each byte of payload.
		machine stock memory memory init_on_alloc=0 | awk '
			/^hold=/ { printf "live buffer of %s, times its size\t%.3f\n",
				substr($1, 6), $2 / 65536 }
			/^pools=/ { printf "unused pool\t%d\n", $2 * 1024 / 100 }'
	} >"$build/memory.tsv"
	mv "$build/memory.tsv" "$data/memory.tsv"
}

# === Gate ===

# kmem_cache is there to tell a change of ours from one of the kernel. Of large
# tiers it is what is held that counts, and what of it the idle bound lets keep.
gate_cells()
{
	machine stock gate bench init_on_alloc=0 bench="only=buffer,rcu,raw,retain,bulk,typed,kmem_cache+sizes=128,4096,65536,262144,1048576,2097152+patterns=hot,16,128,miss,random" |
		awk -F '\t' -v OFS='\t' '
			/^#/ || $1 == "candidate" { next }
			$2 > 65536 && !($1 ~ /^(buffer|raw)$/ &&
				$3 ~ /^(16|128)$/) { next }
			$1 == "kmem_cache" && $3 == "miss" { next }
			{ print $1, $2, $3, $4 }'
}

gate()
{
	gate_cells >"$build/gate.stock.tsv"
	awk -v where=kernel "$@" -f "$bench/gate.awk" "$bench/gate.tsv" \
		"$build/gate.stock.tsv"
}

update()
{
	gate -v update=1 >"$build/gate.new"
	mv "$build/gate.new" "$bench/gate.tsv"
}

# === Pressure ===

# About a millisecond.
max_pass=1000000

# KTAP: no pass takes more, and three of them, a second apart, leave nothing.
pressure()
{
	machine stock pressure pressure init_on_alloc=0 >"$build/pressure.tsv"
	awk -F '\t' -v "max=$max_pass" '
		BEGIN { print "KTAP version 1" }
		{
			bad = $3 > ($2 == "idle" ? 0 : max)
			failed += bad
			printf "# %s: %s %d\n", $1, $2, $3
			printf "%s %d %s: %s\n", bad ? "not ok" : "ok", NR,
				$1, $2 == "idle" ? "nothing is left idle" : \
				$2 " in less than a millisecond"
		}
		# Three figures, where nothing is to be had two.
		END { print "1.." 8; exit failed || NR != 8 }' \
		"$build/pressure.tsv"
}

build_for()
{
	need_packages modules stock
	quietly "$logs/bench-$1-modules.log" "build_$1"
}

stock()
{
	build_for stock
	measure_both stock stock
	measure_memory
}

newest()
{
	build_for x86
	measure_both x86 newest
}

# These run inside a check, which holds the tree already.
[[ "${1:-all}" = @(gate|pressure) ]] || lock_tree
mkdir -p "$build"
case ${1:-all} in
all)
	stock
	newest
	;;
stock | newest)
	"$1"
	;;
gate | update | pressure)
	build_for stock
	"$1"
	;;
*)
	sed -n 's/^# \?//; 4,15p' "$0"
	exit 2
	;;
esac
