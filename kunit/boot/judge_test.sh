#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the judge: what it has to say of output that it must not believe. And
# of steps that do not end.

# shellcheck source=steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

logs=$(mktemp -d)
results=$logs/results
# What others download now is not what the steps here do.
cache=$logs
end_steps_on_exit
trap 'end_step; rm -rf "$logs"' EXIT

nr_failed=0

complain()
{
	echo "$*"
	nr_failed=$((nr_failed + 1))
}

# === Verdicts ===

# Judges the output in $3, with the status in $4, and expects the verdict in $2.
expect()
{
	# shellcheck disable=SC2059 # the output is a format, for its newlines
	verdict=$(printf "$3" |
		awk -v status="${4:-0}" -f "$here/judge.awk" | tail -n 1) || true
	[ "$verdict" = "$2" ] || complain "$1: \"$verdict\", not \"$2\""
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

# === Time ===

start_steps
grace=1

# Says something, and leaves it to be killed.
hang()
{
	printf '%b' "$@"
	(
		trap '' TERM
		echo $BASHPID >"$logs/hanging"
		exec sleep 1000
	)
}

# A process that was killed is gone a little later.
expect_gone()
{
	local i

	for ((i = 0; i < 100; i++)); do
		grep -qs '^State:[[:space:]]*[^XZ[:space:]]' "/proc/$2/status" ||
			return 0
		sleep 0.1
	done
	complain "$1: $2 still runs"
}

# Expects what was printed to have the text of the rest.
expect_text()
{
	local name=$1 text
	shift

	for text in "$@"; do
		grep -qF -- "$text" "$logs/printed" || {
			complain "$name: no \"$text\" in this:"
			cat "$logs/printed"
		}
	done
}

expect_results()
{
	[ "$(tail -n 1 "$results")" = "$2" ] ||
		complain "$1: \"$(tail -n 1 "$results")\", not \"$2\""
}

pause=1
silence=5
step hangs hang 'error: the first of many\n' "$(seq 50)" '\nthe last\n' \
	>"$logs/printed"
expect_text 'a step that hangs' 'FAILED hangs' 'the last' \
	'nothing printed for 5 s'
expect_results 'a step that hangs' '0 1'
expect_gone 'a step that hangs' "$(cat "$logs/hanging")"

ktap hangs hang "${ktap}1..1\n${suite}    1..3\n${case_ok}    # b runs\n" \
	>"$logs/printed"
expect_text 'cases that hang' 'FAILED hangs' 's/case 2 of 3 has no result' \
	'# b runs' 'nothing printed for 5 s'
expect_results 'cases that hang' '1 3'

# A step that goes on printing is not ended.
goes_on()
{
	local i

	for ((i = 0; i < 8; i++)); do
		echo "line $i"
		sleep 1
	done
}

step goes-on goes_on >"$logs/printed"
expect_text 'a step that goes on' 'ok     goes-on'

# Processes that sleep for as long as who watches does. Others come and go
# meanwhile.
sleepers()
{
	{ grep -lsz "^$pause\$" /proc/[0-9]*/cmdline || true; } |
		cut -d / -f 3
}

until_watched()
{
	while [ -z "$(sleepers)" ]; do
		sleep 0.1
	done
}

# Nothing is left of what watched it. The number is this script's alone.
pause=$((1000000000 + $$))
step ends until_watched >"$logs/printed"
expect_text 'a step that ends' 'ok     ends'
expect_results 'a step that ends' '1 0'
while read -r sleeper; do
	expect_gone 'what watched a step' "$sleeper"
done < <(sleepers)

step fails false >"$logs/printed"
expect_text 'a step that fails' 'FAILED fails'

# Who ends the script ends the step.
rm "$logs/hanging"
(
	end_steps_on_exit
	step interrupted hang
) &
until [ -s "$logs/hanging" ]; do
	sleep 0.1
done
kill $!
wait $! || true
expect_gone 'a step of a script that was ended' "$(cat "$logs/hanging")"

pause=1
deadline=$SECONDS
step late touch "$logs/begun" >"$logs/printed"
expect_text 'a step that is late' 'FAILED late' 'no time is left'
[ ! -e "$logs/begun" ] || complain "a step that is late has begun"

# === Progress ===

printf 'one 5 10\ntwo 7 100\n' >"$logs/last"
start_steps "$logs/last" 2 >"$logs/printed"
expect_text 'the steps' '2 steps; they took 1:40 last time'
step one true >"$logs/printed"
expect_text 'the first step' ' 1 of 2  ok     one' '1:30 to go'
step new true >"$logs/printed"
expect_text 'the second step' ' 2 of 2  ok     new'
keep_times
grep -q '^new ' "$logs/last" || complain "the times of this run are not kept"

[ $nr_failed = 0 ]
