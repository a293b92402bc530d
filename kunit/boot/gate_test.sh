#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of bench/gate.awk: what it refuses, and what it writes anew.

# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nr_failed=0

complain()
{
	echo "$*"
	nr_failed=$((nr_failed + 1))
}

gate()
{
	# shellcheck disable=SC2154 # common.sh says where things are
	awk -v where=kernel "$@" -f "$top/bench/gate.awk" "$work/gate" \
		"$work/measured"
}

# $1 are lines of the gate, $2 what was measured: formats, for their tabs.
write_files()
{
	# shellcheck disable=SC2059
	{
		printf '# SPDX\nwhere\tcandidate\tsize\tpattern\tcount\n'
		printf 'userspace\traw\t128\thot\t50.0\n'
		printf "$1"
	} >"$work/gate"
	# shellcheck disable=SC2059
	printf "$2" >"$work/measured"
}

# $2 is "passes", or what a refusal has to say.
expect()
{
	local name=$1 wanted=$2 status=0 text

	write_files "$3" "$4"
	text=$(gate) || status=$?
	if [ "$wanted" = passes ]; then
		if [ $status != 0 ] || grep -q '^not ok' <<<"$text"; then
			complain "$name is refused: $text"
		fi
	elif [ $status = 0 ] || ! grep -q '^not ok' <<<"$text" ||
		! grep -qF -- "$wanted" <<<"$text"; then
		complain "$name is not refused with \"$wanted\": $text"
	fi
}

# One cell, $3, that is committed as $4 and reads $5.
expect_cell()
{
	expect "$1" "$2" "kernel\t$3\t$4\n" "${3}\t$5\n"
}

hot='buffer\t128\thot'
noise='buffer\t128\thot\t84.0\t1.0\taddresses'

expect_cell 'the same' passes "$hot" 84.0 84.0
expect_cell 'growth by 0.1' 'grew from 84.0 to 84.1' "$hot" 84.0 84.1
expect_cell 'growth by 2' 'grew' "$hot" 84.0 86.0
expect_cell 'a fall by 0.1' 'stale' "$hot" 84.0 83.9

expect 'growth as allowed' passes "kernel\t$noise\n" "$hot\t85.0\n"
expect 'growth beyond it' 'grew from 84.0 to 85.1' "kernel\t$noise\n" \
	"$hot\t85.1\n"
expect 'a fall where growth is allowed' 'stale' "kernel\t$noise\n" \
	"$hot\t83.9\n"
expect 'an allowance for no reason' 'need each other' \
	"kernel\t$hot\t84.0\t1.0\n" "$hot\t84.0\n"

expect 'a cell that is missing' 'no longer measured' \
	"kernel\t$hot\t84.0\nkernel\traw\t128\thot\t93.0\n" "$hot\t84.0\n"
expect 'a cell that is unknown' 'no committed figure' \
	"kernel\t$hot\t84.0\n" "$hot\t84.0\nraw\t128\thot\t93.0\n"
expect 'nothing measured' 'no longer measured' "kernel\t$hot\t84.0\n" ''

expect_cell 'a miss with 2 more' passes 'buffer\t128\tmiss' 412.0 414.0
expect_cell 'a miss with 2.1 more' 'grew' 'buffer\t128\tmiss' 412.0 414.1
expect_cell 'a miss with 2.1 less' 'stale' 'buffer\t128\tmiss' 412.0 409.9
expect_cell 'kmem_cache, 2 %' passes 'kmem_cache\t128\thot' 200.0 204.0
expect_cell 'kmem_cache, more' 'grew' 'kmem_cache\t128\thot' 200.0 204.1
expect_cell 'thousands, 2 %' passes 'raw\t1048576\t128' 5000.0 5100.0
expect_cell 'thousands, more' 'grew' 'raw\t1048576\t128' 5000.0 5100.1
expect_cell 'just below a thousand' 'grew' 'raw\t1048576\t128' 999.9 1000.0

# Lines $2 should be $4 after an update with what was measured, $3.
expect_update()
{
	local name=$1

	write_files "$2" "$3"
	gate -v update=1 >"$work/updated"
	write_files "$4" ''
	diff "$work/gate" "$work/updated" ||
		complain "$name is not written as it should be"
}

before='kernel\traw\t1\thot\t7.0\nkernel\tgone\t1\thot\t1.0\n'
after='kernel\traw\t1\thot\t6.9\nkernel\tnew\t1\thot\t2.0\n'
other='other\ta\t1\thot\t3.0\n'

expect_update 'what fell, is gone, is new' "$before$other" \
	'raw\t1\thot\t6.9\nnew\t1\thot\t2.0\n' "$after$other"
expect_update 'what passes' "kernel\t$noise\n" "$hot\t85.0\n" \
	"kernel\t$noise\n"
expect_update 'an allowance' "kernel\t$noise\n" "$hot\t82.0\n" \
	"kernel\t${noise/84.0/82.0}\n"

[ $nr_failed = 0 ]
