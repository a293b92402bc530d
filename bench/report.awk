# SPDX-License-Identifier: GPL-2.0
#
# Tables of the report, in reStructuredText:
#
#	report.awk -v mode=config FILE		what the figures were taken on
#	report.awk -v mode=table -v threads=N [-v what=COLUMN] FILE
#	report.awk -v mode=completed FILE	runs of many threads
#	report.awk -v mode=userspace FILE	the bars, and whether they are met
#	report.awk -v mode=kernel FILE
#
# The kernel's data has no threads; its figures are in the column "ns" too.

function bytes(size)
{
	if (size >= 1048576)
		return size / 1048576 " MiB"
	return size >= 1024 ? size / 1024 " KiB" : size " B"
}

function number(x)
{
	if (x == "")
		return "-"
	return x >= 100 ? sprintf("%.0f", x) : sprintf("%.1f", x)
}

function figure(candidate, size, pattern, threads)
{
	return ns[candidate, size, pattern, threads]
}

# The least of the candidates in the list that have the cell.
function best(list, size, pattern, threads,	names, i, n, x, least)
{
	n = split(list, names, " ")
	for (i = 1; i <= n; i++) {
		x = figure(names[i], size, pattern, threads)
		if (x != "" && (least == "" || x < least))
			least = x
	}
	return least
}

function ratio(x, y)
{
	return x == "" || !y ? "" : x / y
}

# Takes one comparison into the bar that is being judged.
function judge(x, peer, cell)
{
	if (x == "" || peer == "" || peer == 0)
		return
	nr_cells++
	if (x / peer <= limit)
		nr_met++
	if (x / peer > worst) {
		worst = x / peer
		worst_cell = cell
		worst_text = number(x) " against " number(peer)
	}
}

function begin_bar(what, at_most)
{
	bar = what
	limit = at_most
	nr_cells = nr_met = worst = 0
	worst_text = worst_cell = ""
}

function end_bar()
{
	if (!nr_cells) {
		printf "   \"%s\", %.2f, \"not measured here\", \"\", \"\"\n",
			bar, limit
		return
	}
	printf "   \"%s\", %.2f, \"%.2f: %s (%s)\", \"%d of %d\", \"%s\"\n",
		bar, limit, worst, worst_cell, worst_text, nr_met, nr_cells,
		nr_met == nr_cells ? "met" : "**not met**"
}

function head_bars(unit)
{
	print ".. csv-table::"
	printf "   :header: \"what\", \"bar\", \"worst cell (%s)\", " \
		"\"cells\", \"verdict\"\n\n", unit
}

function cell_name(i, thread)
{
	return (cell_size[i] ? bytes(cell_size[i]) " " : "") cell_pattern[i] \
		(thread ? ", " thread " thr." : "")
}

function is_held(pattern)
{
	return pattern == "hot" || pattern == "16" || pattern == "128"
}

# mbuf has no large sizes: there its figure at 4 KiB is what counts.
function mbuf(size, pattern, threads,	x)
{
	x = figure("mbuf", size, pattern, threads)
	if (x == "")
		x = figure("mbuf", 4096, pattern, threads)
	return x == "" ? figure("mbuf", 4096, "16", threads) : x
}

function userspace_bars(	i, t, s, p, all, heaps)
{
	heaps = "glibc jemalloc mimalloc tcmalloc"
	all = heaps " mempool mbuf"
	head_bars("ns against ns")

	begin_bar("buffer, times DPDK's mbuf", 1)
	each_held("buffer", "mbuf")
	begin_bar("buffer, linked statically, times DPDK's mbuf", 1)
	each_held("buffer-static", "mbuf")
	begin_bar("buffer of an RCU pool, times DPDK's mbuf", 2)
	each_held("rcu", "mbuf")
	begin_bar("raw below 4 KiB, times the fastest peer", 1.5)
	each_held("raw", all, 0, 4095)
	begin_bar("raw from 4 KiB, times the fastest peer", 1)
	each_held("raw", all, 4096, 1e12)

	begin_bar("hand-over below 4 KiB, times the best allocator", 1.5)
	s = 128
	judge(figure("buffer", s, "handover", 2),
	      best(heaps, s, "handover", 2), bytes(s))
	end_bar()
	begin_bar("hand-over from 4 KiB, times the best allocator", 1)
	for (s = 4096; s <= 65536; s *= 16)
		judge(figure("buffer", s, "handover", 2),
		      best(heaps, s, "handover", 2), bytes(s))
	end_bar()

	begin_bar("two threads over one, times the same of mbuf", 1.05)
	for (i = 1; i <= nr_rows; i++) {
		s = cell_size[i]
		p = cell_pattern[i]
		if (is_held(p))
			judge(ratio(figure("buffer", s, p, 2),
				    figure("buffer", s, p, 1)),
			      ratio(mbuf(s, p, 2), mbuf(s, p, 1)),
			      cell_name(i))
	}
	end_bar()
}

function each_held(candidate, peers, from, to,	i, t, s, p, peer)
{
	for (i = 1; i <= nr_rows; i++) {
		s = cell_size[i]
		p = cell_pattern[i]
		if (!is_held(p) || to && (s < from || s > to))
			continue
		for (t = 1; t <= 2; t++) {
			peer = peers == "mbuf" ? mbuf(s, p, t) : \
				best(peers, s, p, t)
			judge(figure(candidate, s, p, t), peer, cell_name(i, t))
		}
	}
	end_bar()
}

# Whether the idle bound lets a pool keep what a pattern holds: by default a
# thirty-second of the memory.
function may_keep(size, pattern)
{
	return pattern != "miss" && size * pattern <= memory / 32
}

# The bar is a count here, so that each cell is over it by itself.
function kernel_bar(what, candidate, pattern, count,	i, s, p)
{
	begin_bar(what ", at most " count " instructions", 1)
	for (i = 1; i <= nr_rows; i++) {
		s = cell_size[i]
		p = cell_pattern[i]
		if (p ~ pattern && may_keep(s, p))
			judge(figure(candidate, s, p, 1), count, cell_name(i))
	}
	end_bar()
}

function slab_bar(what, candidate,	i, s, p)
{
	begin_bar(what ", times kmem_cache", 1)
	for (i = 1; i <= nr_rows; i++) {
		s = cell_size[i]
		p = cell_pattern[i]
		if (may_keep(s, p))
			judge(figure(candidate, s, p, 1),
			      figure("kmem_cache", s, p, 1), cell_name(i))
	}
	end_bar()
}

function miss_bar(what, candidate,	i, s, p, slab)
{
	begin_bar(what ", where it may not keep, " \
		"times kmem_cache and 200 instructions", 1)
	for (i = 1; i <= nr_rows; i++) {
		s = cell_size[i]
		p = cell_pattern[i]
		slab = figure("kmem_cache", s, p, 1)
		if (slab != "" && !may_keep(s, p))
			judge(figure(candidate, s, p, 1), slab + 200,
			      cell_name(i))
	}
	end_bar()
}

function growth_bar(what, candidate)
{
	begin_bar(what ", 1,000,000 out, times 1,000 out", 3)
	judge(figure(candidate, 128, "1000000-out", 1),
	      figure(candidate, 128, "1000-out", 1), "128 B")
	judge(figure(candidate, 128, "100000-out", 1),
	      figure(candidate, 128, "1000-out", 1), "128 B, 100,000")
	end_bar()
}

function kernel_bars()
{
	head_bars("instructions against instructions")
	kernel_bar("buffer, hot", "buffer", "^hot$", 95)
	kernel_bar("buffer, 16 or 128 held", "buffer", "^(16|128)$", 130)
	kernel_bar("buffer of the stream preset, hot", "stream", "^hot$", 95)
	kernel_bar("the same, 16 or 128 held", "stream", "^(16|128)$", 130)
	kernel_bar("buffer of an RCU pool, hot", "rcu", "^hot$", 105)
	kernel_bar("raw, hot", "raw", "^hot$", 100)
	kernel_bar("raw of the stream preset, hot", "stream-raw", "^hot$", 100)
	kernel_bar("retain and release", "retain", "^hot$", 28)
	slab_bar("buffer", "buffer")
	slab_bar("buffer of an RCU pool", "rcu")
	slab_bar("raw", "raw")
	slab_bar("buffer of the stream preset", "stream")
	slab_bar("raw of the stream preset", "stream-raw")
	miss_bar("buffer", "buffer")
	miss_bar("buffer of an RCU pool", "rcu")
	miss_bar("raw", "raw")
	growth_bar("raw memory known by its address", "tracked")
	growth_bar("raw memory of a checked pool", "checked")
}

# bytepool's own first, whatever the order of the data is.
function order_candidates(	names, n, i, c, first)
{
	n = split("buffer raw rcu stream stream-raw retain bulk typed " \
		  "buffer-static", names, " ")
	for (i = 1; i <= n; i++)
		if (names[i] in has_candidate) {
			ordered[++nr_ordered] = names[i]
			first[names[i]] = 1
		}
	for (i = 1; i <= nr_candidates; i++) {
		c = candidates[i]
		if (c in first)
			continue
		ordered[++nr_ordered] = c
		peers = peers " " c
	}
	for (i = 1; i <= nr_candidates; i++)
		candidates[i] = ordered[i]
}

function table(	i, j, s, p, x, line, some)
{
	order_candidates()
	print ".. csv-table::"
	printf "   :header: \"size\", \"pattern\""
	for (j = 1; j <= nr_candidates; j++)
		printf ", \"%s\"", candidates[j]
	print ", \"buffer / best peer\"\n"
	for (i = 1; i <= nr_rows; i++) {
		s = cell_size[i]
		p = cell_pattern[i]
		line = p == "random" ? "mixed" : bytes(s)
		line = "   \"" line "\", \"" p "\""
		some = 0
		for (j = 1; j <= nr_candidates; j++) {
			line = line ", " number(ns[candidates[j], s, p, threads])
			if (ns[candidates[j], s, p, threads] != "")
				some = 1
		}
		if (!some)
			continue
		x = ratio(figure("buffer", s, p, threads),
			  best(peers, s, p, threads))
		print line ", " (x == "" ? "-" : sprintf("%.2f", x))
	}
}

BEGIN {
	FS = "\t"
}

/^# SPDX/ {
	next
}

/^# / {
	sub(/^# /, "")
	if (split($0, parts, /[: ]+/) && parts[1] == "memory")
		memory = parts[2] * 1048576
	if (mode == "config") {
		split($0, parts, ": ")
		printf "* %s: %s\n", parts[1], substr($0, length(parts[1]) + 3)
	}
	next
}

$1 == "candidate" {
	for (i = 1; i <= NF; i++)
		column[$i] = i
	next
}

{
	t = "threads" in column ? $column["threads"] : 1
	value = $column[mode == "table" && what != "" ? what : "ns"]
	if (value == "completed") {
		nr_completed++
		next
	}
	if (value == "-" || value == "")
		next
	ns[$1, $2, $3, t] = value + 0
	if (!($1 in has_candidate)) {
		has_candidate[$1] = 1
		candidates[++nr_candidates] = $1
	}
	if (!(($2, $3) in has_row)) {
		has_row[$2, $3] = 1
		cell_size[++nr_rows] = $2
		cell_pattern[nr_rows] = $3
	}
}

END {
	if (mode == "table")
		table()
	else if (mode == "userspace")
		userspace_bars()
	else if (mode == "kernel")
		kernel_bars()
	else if (mode == "completed")
		printf "%d runs of 4, 16 and 64 threads completed, and what " \
			"was got came back.\n", nr_completed
}
