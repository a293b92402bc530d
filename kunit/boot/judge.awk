# SPDX-License-Identifier: GPL-2.0
#
# The one judge of all KTAP output, from a program or out of a kernel log:
#
#	judge.awk [-v status=EXIT_STATUS] FILE
#
# Counts test cases, not their suites. What did not run did not pass: a case
# that was skipped, one that the plan promised and nobody reported, a result
# without a plan, no output at all, a run that ended badly. Prints each failure
# with what was said before it, then "N passed, N failed"; exits with 1 if any
# failed.

function fail(what,	i)
{
	nr_failed++
	print "failed: " what
	for (i = nr_said > 16 ? nr_said - 15 : 1; i <= nr_said; i++)
		print "    | " said[i]
	nr_said = 0
}

# The names of the suites around depth, and what.
function path(depth, what,	i, text)
{
	for (i = 1; i <= depth; i++)
		if (name[i] != "")
			text = text name[i] "/"
	return text what
}

function open_block(depth)
{
	is_open[depth] = 1
	plan[depth] = -1
	nr_seen[depth] = 0
	name[depth] = ""
	fails_before[depth] = nr_failed
	if (depth > deepest)
		deepest = depth
}

# Ends the block at depth, and what an abrupt end left open inside it.
function close_block(depth,	i)
{
	if (deepest > depth)
		close_block(depth + 1)
	if (is_open[depth]) {
		# The kernel does not count the parameters of a case before.
		if (plan[depth] < 0 && depth < 2)
			fail(path(depth, "no plan"))
		if (plan[depth] == 0)
			fail(path(depth, "nothing ran"))
		for (i = nr_seen[depth] + 1; i <= plan[depth]; i++)
			fail(path(depth, "case " i " of " plan[depth] \
				  " has no result"))
		is_open[depth] = 0
	}
	deepest = depth - 1
}

function result(depth, text,	is_ok, number, has_cases, fails)
{
	is_ok = text !~ /^not /
	sub(/^(not )?ok /, "", text)
	number = text + 0
	sub(/^[0-9]+ *(- )?/, "", text)

	if (!is_open[depth])
		open_block(depth)
	has_cases = is_open[depth + 1]
	if (has_cases) {
		close_block(depth + 1)
		fails = nr_failed - fails_before[depth + 1]
	} else if (deepest > depth) {
		close_block(depth + 1)
	}

	nr_seen[depth]++
	if (number != nr_seen[depth]) {
		fail(path(depth, text " is number " number ", not " \
			  nr_seen[depth]))
		nr_seen[depth] = number
	}
	if (text ~ /# *[Ss][Kk][Ii][Pp]/) {
		fail(path(depth, text))
	} else if (!is_ok && !fails) {
		fail(path(depth, text))
	} else if (is_ok && !has_cases) {
		nr_passed++
	}
	nr_said = 0
}

{
	sub(/\r$/, "")
	# Level, time and CPU or thread, as the kernel log has them.
	sub(/^<[0-9]+>/, "")
	sub(/^\[ *[0-9]+\.[0-9]+\](\[ *[CT][0-9]+\])? /, "")
	match($0, /^ */)
	depth = int(RLENGTH / 4)
	text = substr($0, RLENGTH + 1)
}

text ~ /^K?TAP version [0-9]+$/ {
	if (deepest >= depth)
		close_block(depth)
	open_block(depth)
	has_output = 1
	next
}

text ~ /^1\.\.[0-9]+/ {
	if (!is_open[depth])
		open_block(depth)
	plan[depth] = substr(text, 4) + 0
	next
}

text ~ /^# Subtest: / {
	name[depth] = substr(text, 12)
	next
}

text ~ /^(not )?ok [0-9]+( |$)/ {
	result(depth, text)
	next
}

text ~ /^Bail out!/ {
	fail(text)
	next
}

{
	said[++nr_said] = text
}

BEGIN {
	deepest = -1
}

END {
	if (deepest >= 0)
		close_block(0)
	if (!has_output)
		fail("no test output")
	if (status && !nr_failed)
		fail("ended with status " status)
	printf "%d passed, %d failed\n", nr_passed, nr_failed
	exit nr_failed > 0
}
