# SPDX-License-Identifier: GPL-2.0
#
# Compares instructions that were counted with those that are committed:
#
#	gate.awk -v where=WHERE GATE_TSV MEASURED
#
# GATE_TSV has "where candidate size pattern count" between tabs, MEASURED the
# same without where. Prints KTAP, a case for each cell. A cell may differ by 2
# instructions or 2 %, whichever is more: what is below is a gain, but one that
# has to be committed, or the next loss would hide in it.

function result(is_ok, what)
{
	printf "%s %d %s\n", is_ok ? "ok" : "not ok", ++nr, what
	if (!is_ok)
		bad = 1
}

function compare(cell, old, new,	slack)
{
	slack = old * 0.02 > 2 ? old * 0.02 : 2
	if (new == "") {
		print "# no longer measured"
		result(0, cell)
	} else if (new > old + slack) {
		printf "# grew from %.1f to %.1f instructions (%+.1f)\n",
			old, new, new - old
		result(0, cell)
	} else if (new < old - slack) {
		printf "# fell from %.1f to %.1f instructions: " \
			"the committed figure is stale; " \
			"bench/%s.sh update writes it anew\n", old, new, where
		result(0, cell)
	} else {
		result(1, cell)
	}
}

BEGIN {
	FS = "\t"
}

/^#/ || $1 == "where" {
	next
}

FILENAME == ARGV[1] {
	if ($1 == where) {
		cells[++n] = $2 "/" $3 "/" $4
		committed[cells[n]] = $5
	}
	next
}

{
	cell = $1 "/" $2 "/" $3
	measured[cell] = $4
	if (!(cell in committed))
		unknown[++nr_unknown] = cell
}

END {
	print "KTAP version 1"
	print "1.." n + nr_unknown
	for (i = 1; i <= n; i++)
		compare(cells[i], committed[cells[i]], measured[cells[i]])
	for (i = 1; i <= nr_unknown; i++) {
		printf "# %.1f instructions, and no committed figure\n",
			measured[unknown[i]]
		result(0, unknown[i])
	}
	exit bad
}
