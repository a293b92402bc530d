#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the judge: what it has to say of output that it must not believe.

judge=$(dirname "$0")/judge.awk
nr_failed=0

# Judges the output in $3, with the status in $4, and expects the verdict in $2.
expect()
{
	# shellcheck disable=SC2059 # the output is a format, for its newlines
	verdict=$(printf "$3" | awk -v status="${4:-0}" -f "$judge" | tail -n 1)
	if [ "$verdict" != "$2" ]; then
		echo "$1: \"$verdict\", not \"$2\""
		nr_failed=$((nr_failed + 1))
	fi
}

ktap='KTAP version 1\n'
case_ok='    ok 1 a\n'
suite='    KTAP version 1\n    # Subtest: s\n'

expect 'all is well' '2 passed, 0 failed' \
	"${ktap}1..2\nok 1 a\nok 2 b\n"
expect 'no output' '0 passed, 1 failed' ''
expect 'no header' '0 passed, 2 failed' '1..1\nno result\n'
expect 'no plan' '1 passed, 1 failed' "${ktap}ok 1 a\n"
expect 'nothing planned' '0 passed, 1 failed' "${ktap}1..0\n"
expect 'too few' '1 passed, 2 failed' "${ktap}1..3\nok 1 a\n"
expect 'one left out' '2 passed, 1 failed' "${ktap}1..3\nok 1 a\nok 3 c\n"
expect 'not ok' '1 passed, 1 failed' "${ktap}1..2\nok 1 a\nnot ok 2 b\n"
expect 'skipped' '1 passed, 1 failed' "${ktap}1..2\nok 1 a\nok 2 b # SKIP c\n"
expect 'bad end' '1 passed, 1 failed' "${ktap}1..1\nok 1 a\n" 139
expect 'bail out' '1 passed, 1 failed' "${ktap}1..1\nok 1 a\nBail out! x\n"
expect 'cases, not suites' '1 passed, 0 failed' \
	"${ktap}1..1\n${suite}    1..1\n${case_ok}ok 1 s\n"
expect 'suite that failed by itself' '1 passed, 1 failed' \
	"${ktap}1..1\n${suite}    1..1\n${case_ok}not ok 1 s\n"
expect 'suite too short' '1 passed, 1 failed' \
	"${ktap}1..1\n${suite}    1..2\n${case_ok}ok 1 s\n"
expect 'end in the middle of a suite' '1 passed, 2 failed' \
	"${ktap}1..1\n${suite}    1..2\n${case_ok}"
expect 'parameters' '2 passed, 0 failed' \
	"${ktap}1..1\n${suite}    1..1\n        KTAP version 1\n$(
	)        ok 1 x\n        ok 2 y\n${case_ok}ok 1 s\n"
expect 'kernel log' '1 passed, 0 failed' \
	"<6>[    1.5] KTAP version 1\n<6>[    1.5] 1..1\n[ 1.6] ok 1 a\n"
expect 'two programs' '1 passed, 1 failed' \
	"${ktap}1..1\nok 1 a\n${ktap}1..1\nnot ok 1 a\n"

[ $nr_failed = 0 ]
