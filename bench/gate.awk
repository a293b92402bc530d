# SPDX-License-Identifier: GPL-2.0
#
# Compares instructions that were counted with those that are committed:
#
#	gate.awk -v where=WHERE [-v update=1] GATE_TSV MEASURED
#
# GATE_TSV has "where candidate size pattern count", and perhaps "allow reason",
# between tabs; MEASURED has the first five without where. Prints KTAP, a case
# for each cell; or, to update, GATE_TSV as it should be, in which what passes
# stays.
#
# A cell has to read what is committed, to the decimal that is printed. Growth
# is a loss. A fall is a gain that has to be committed, or the next loss would
# hide in it. Three kinds of cells have a slack, in both directions, because the
# kernel's own allocators are in them:
#
#	miss			2 instructions
#	kmem_cache		2 %, and it is not ours
#	1000 and more		2 %
#
# A cell may read more by what its line allows, in instructions, and for the
# reason that is beside it; its count is then the least that was seen. That
# takes the place of a slack, too.

function result(is_ok, what)
{
	printf "%s %d %s\n", is_ok ? "ok" : "not ok", ++nr, what
	if (!is_ok)
		bad = 1
}

# Counts are compared in tenths, which are whole.
function tenths(count)
{
	return int(count * 10 + 0.5)
}

function slack(cell)
{
	if (cell ~ /\/miss$/)
		return 20
	if (cell ~ /^kmem_cache\// || committed[cell] >= 1000)
		return int(tenths(committed[cell]) * 0.02)
	return 0
}

# Positive if the cell has grown by more than it may, negative if it has fallen.
function change(cell,	diff, up, down)
{
	diff = tenths(measured[cell]) - tenths(committed[cell])
	up = down = slack(cell)
	if (allow[cell] != "") {
		up = tenths(allow[cell])
		down = 0
	}
	return diff > up || -diff > down ? diff : 0
}

function compare(cell,	old, new, diff)
{
	if (!(cell in measured)) {
		print "# no longer measured"
		result(0, cell)
		return
	}
	if ((allow[cell] == "") != (reason[cell] == "")) {
		print "# an allowance and a reason need each other"
		result(0, cell)
		return
	}
	old = committed[cell]
	new = measured[cell]
	diff = change(cell)
	if (diff > 0)
		printf "# grew from %.1f to %.1f instructions (%+.1f)\n",
			old, new, diff / 10
	else if (diff < 0)
		printf "# fell from %.1f to %.1f instructions: " \
			"the committed figure is stale; " \
			"bench/%s.sh update writes it anew\n", old, new, where
	result(!diff, cell)
}

function compare_all(	i)
{
	print "KTAP version 1"
	print "1.." n + nr_unknown
	for (i = 1; i <= n; i++)
		compare(cells[i])
	for (i = 1; i <= nr_unknown; i++) {
		printf "# %.1f instructions, and no committed figure\n",
			measured[unknown[i]]
		result(0, unknown[i])
	}
	if (!(n + nr_unknown))
		bad = 1
}

# In the order in which they were measured, where the first of them was.
function write_cells(	i, cell, columns, count)
{
	for (i = 1; i <= nr_measured; i++) {
		cell = columns = order[i]
		gsub("/", FS, columns)
		count = measured[cell]
		if ((cell in committed) && !change(cell))
			count = committed[cell]
		printf "%s\t%s\t%.1f", where, columns, count
		if (allow[cell] != "")
			printf "\t%s\t%s", allow[cell], reason[cell]
		printf "\n"
	}
	nr_measured = 0
}

function write_all(	i)
{
	for (i = 1; i <= nr_lines; i++) {
		if (index(lines[i], where FS) == 1)
			write_cells()
		else
			print lines[i]
	}
	write_cells()
}

BEGIN {
	FS = "\t"
}

FILENAME == ARGV[1] {
	lines[++nr_lines] = $0
	if ($1 == where) {
		cell = $2 "/" $3 "/" $4
		cells[++n] = cell
		committed[cell] = $5
		allow[cell] = $6
		reason[cell] = $7
	}
	next
}

/^#/ || $1 == "candidate" {
	next
}

{
	cell = $1 "/" $2 "/" $3
	measured[cell] = $4
	order[++nr_measured] = cell
	if (!(cell in committed))
		unknown[++nr_unknown] = cell
}

END {
	if (update)
		write_all()
	else
		compare_all()
	exit bad
}
