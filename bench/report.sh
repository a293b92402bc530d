#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Writes tables and plots from what data is in Documentation/performance/data.
# The same data gives the same bytes. Prose is in notes.rst, by hand.

# shellcheck source=../kunit/boot/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../kunit/boot/common.sh"

bench=$top/bench
out=$top/Documentation/performance
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

heading()
{
	printf '\n%s\n%s\n\n' "$1" "$(printf '%*s' "${#1}" '' | tr ' ' "$2")"
}

report()
{
	local mode=$1 file=$2
	shift 2

	awk -v mode="$mode" "$@" -f "$bench/report.awk" "$file"
}

# === Plots ===

# Puts a plot in its place, with its license.
publish()
{
	sed '1a <!-- SPDX-License-Identifier: GPL-2.0 -->' "$work/$1.svg" \
		>"$out/$1.svg"
}

# "SIZE FIGURE" of a candidate, smallest first.
series()
{
	local file=$1 candidate=$2 pattern=$3 threads=$4

	awk -F '\t' -v c="$candidate" -v p="$pattern" -v t="$threads" '
	/^#/ { next }
	$1 == "candidate" {
		for (i = 1; i <= NF; i++)
			col[$i] = i
		next
	}
	$1 == c && $3 == p && $col["ns"] ~ /^[0-9]/ &&
	(!("threads" in col) || $col["threads"] == t) {
		print $2, $col["ns"]
	}' "$file" | sort -n
}

# One panel for each pattern, a line for each candidate that has data.
plot_lines()
{
	local file=$1 name=$2 unit=$3 title=$4 pattern candidate n line
	shift 4

	{
		echo "load '$bench/report.gp'"
		echo "set output '$work/$name.svg'"
		echo "set multiplot layout 1,3 title '$title'"
		echo "set ylabel '$unit a pair'"
		for pattern in hot 16 128; do
			case $pattern in
			hot) echo "set title 'one held'" ;;
			*) echo "set title '$pattern held'" ;;
			esac
			line="plot" n=0
			for candidate in "$@"; do
				n=$((n + 1))
				series "$file" "$candidate" "$pattern" 1 \
					>"$work/$name.$pattern.$candidate"
				[ -s "$work/$name.$pattern.$candidate" ] ||
					continue
				[ "$line" = plot ] || line+=,
				line+=" '$work/$name.$pattern.$candidate'"
				line+=" with linespoints ls $n"
				line+=" title '${candidate//_/\\_}'"
			done
			[ "$line" = plot ] || echo "$line"
			echo "unset ylabel"
		done
		echo "unset multiplot"
	} >"$work/$name.gp"
	gnuplot "$work/$name.gp"
	publish "$name"
}

plot_handover()
{
	local file=$1 candidate size

	for candidate in buffer raw glibc jemalloc mimalloc tcmalloc mempool mbuf
	do
		printf '%s' "$candidate"
		for size in 128 4096 65536; do
			printf ' %s' "$(series "$file" "$candidate" handover 2 |
				awk -v s="$size" '$1 == s { x = $2 }
					END { print x == "" ? "?" : x }')"
		done
		echo
	done >"$work/handover"
	cat >"$work/handover.gp" <<-END
	load '$bench/report.gp'
	set terminal svg size 900,420 dynamic background 'white' font 'sans,13'
	set output '$work/handover.svg'
	set title 'One thread gets, another puts'
	set style data histograms
	set style fill solid 0.9
	set datafile missing '?'
	unset logscale x
	set autoscale
	set bmargin 3
	set format x '%s'
	set xtics auto norotate
	unset xlabel
	set ylabel 'ns a buffer'
	set key top right outside
	plot '$work/handover' using 2:xtic(1) title '128 B' lc rgb '#0b5fa5', \
		'' using 3 title '4 KiB' lc rgb '#d9822b', \
		'' using 4 title '64 KiB' lc rgb '#6a994e'
	END
	gnuplot "$work/handover.gp"
	publish handover
}

# === Sections ===

userspace_section()
{
	local file=$1

	heading "Userspace" "="
	report config "$file"
	heading "What it must reach" "-"
	report userspace "$file"
	heading "ns a pair, one thread" "-"
	report table "$file" -v threads=1
	printf '\n.. image:: userspace.svg\n'
	heading "ns a pair, two threads at once; hand-over: ns a buffer" "-"
	report table "$file" -v threads=2
	printf '\n.. image:: handover.svg\n'
	heading "Instructions a pair, one thread, by callgrind" "-"
	report table "$file" -v threads=1 -v what=instructions
	heading "More threads than processors" "-"
	report completed "$file"
}

kernel_section()
{
	local file=$1 name=$2

	heading "Kernel: $name" "="
	report config "$file"
	heading "What it must reach ($name)" "-"
	report kernel "$file"
	heading "Figures ($name)" "-"
	report table "$file" -v threads=1
	printf '\n.. image:: kernel-%s.svg\n' "$name"
}

memory_section()
{
	local file=$1

	heading "Memory, by slab's and per-CPU memory's own counts" "="
	report config "$file"
	printf '\n.. csv-table::\n   :header: "what", "figure", "bar"\n\n'
	awk -F '\t' '
		/^#/ || $1 == "what" { next }
		/of 128,/ { bar = 1.75 }
		/of 1024,/ { bar = 1.1 }
		/of 4096,/ || /of 65536,/ { bar = 1.03 }
		/^unused/ { bar = 8192 + 512 }
		{ printf "   \"%s\", %s, %s\n", $1, $2, bar }' "$file"
	printf '\nAn unused pool is one of 15 tiers; about 4.2 KiB of it are'
	printf ' the inodes of its five files in debugfs.\n'
}

write_readme()
{
	local name

	echo ".. SPDX-License-Identifier: GPL-2.0"
	echo ".. Made by \"make bench-report\": edit notes.rst or the data instead."
	printf '\n===========\nPerformance\n===========\n\n'
	sed '/^\.\. SPDX/d' "$out/notes.rst"
	for name in stock stock-init newest newest-init; do
		[ ! -e "$out/data/$name.tsv" ] ||
			kernel_section "$out/data/$name.tsv" "$name"
	done
	[ ! -e "$out/data/memory.tsv" ] ||
		memory_section "$out/data/memory.tsv"
	[ ! -e "$out/data/userspace.tsv" ] ||
		userspace_section "$out/data/userspace.tsv"
}

need_packages report
for name in stock stock-init newest newest-init; do
	[ ! -e "$out/data/$name.tsv" ] ||
		plot_lines "$out/data/$name.tsv" "kernel-$name" "instructions" \
			"Kernel ($name): instructions for a get and a put" \
			buffer raw rcu kmalloc kmem_cache mempool page_pool \
			alloc_pages
done
if [ -e "$out/data/userspace.tsv" ]; then
	plot_lines "$out/data/userspace.tsv" userspace "ns" \
		"Userspace: ns for a get and a put, one thread" \
		buffer raw rcu glibc jemalloc mimalloc tcmalloc mempool mbuf
	plot_handover "$out/data/userspace.tsv"
fi
write_readme >"$work/README.rst"
cp "$work/README.rst" "$out/README.rst"
say "written: ${out#"$top/"}"
