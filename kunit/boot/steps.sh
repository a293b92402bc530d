# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced: steps, each with a log, a limit and a verdict. A step is ended when
# neither it nor what runs beside it in its lane has printed anything for
# $silence seconds. The lane is the first part of its name.

# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

results=$logs/results
# The first lines of what each failed step had to say.
failures=$logs/failures

# So long has a step after it was asked to end: some have to remove files first.
grace=30
# How many steps there are, and where the times of the last run are: lines of
# name, seconds, and seconds from the start to the end of the step.
nr_steps=
last_times=

# The step that runs, and what watches it: process groups.
job=
watch=

start_steps()
{
	last_times=${1:-}
	nr_steps=${2:-}
	start=$SECONDS
	deadline=${LIMIT:+$((SECONDS + LIMIT * 60))}
	: >"$results"
	: >"$failures"
	: >"$logs/.times"
	[ -n "$nr_steps" ] || return 0
	printf '%d steps' "$nr_steps"
	if [ -s "$last_times" ]; then
		printf '; they took %s last time; "to go" is what the rest took' \
			"$(sort -nk 3 "$last_times" | tail -n 1 | minutes_of 3)"
	fi
	echo
}

is_late()
{
	[ -n "$deadline" ] && [ "$SECONDS" -ge "$deadline" ]
}

# For the next run. One with less steps, or more, would be no guide, nor one that
# had no time for some.
keep_times()
{
	if ! is_late && [ "$(wc -l <"$logs/.times")" = "$nr_steps" ]; then
		mv "$logs/.times" "$last_times"
	fi
}

# === Reports ===

# Column $1 of the line, which is seconds, in minutes.
minutes_of()
{
	awk -v "column=$1" '{ printf "%d:%02d", $column / 60, $column % 60 }'
}

# Which step of how many has just ended.
position()
{
	[ -z "$nr_steps" ] ||
		printf '%2d of %d  ' "$(wc -l <"$results")" "$nr_steps"
}

# How long the rest took last time after the step $1 had ended.
to_go()
{
	[ -s "$last_times" ] || return 0
	awk -v "name=$1" '
		$1 == name { end = $3; known = 1 }
		$3 > last { last = $3 }
		END { if (known) print last - end }' "$last_times" |
		minutes_of 1 | sed 's/..*/, & to go/'
}

# One line, and what else there is to say, at once: lanes print side by side.
report()
{
	local verdict=$1 name=$2 passed=$3 failed=$4 seconds=$5 text=$6 counts=

	if [ "$((passed + failed))" -gt 1 ]; then
		counts="$passed passed"
		[ "$failed" = 0 ] || counts+=", $failed failed"
	fi
	{
		flock 7
		echo "$passed $failed" >>"$results"
		echo "$name $seconds $((SECONDS - start))" >>"$logs/.times"
		printf '%s%-6s %-26s %-12s %4d s%s\n' "$(position)" "$verdict" \
			"$name" "$counts" "$seconds" "$(to_go "$name")"
		if [ -n "$text" ]; then
			printf '%s\n' "$text" | sed 's/^/    /'
		fi
		if [ "$failed" != 0 ]; then
			printf '%s: %s\n' "$name" "$failed failed"
			printf '%s\n' "$text" | head -n 8 | sed 's/^/    /'
		fi >>"$failures"
	} 7>"$logs/.print"
}

# What failed, once more at the end: the lines above may be hundreds.
show_failures()
{
	[ -s "$failures" ] || return 0
	echo "What failed:"
	cat "$failures"
	echo
}

announce()
{
	local last=

	[ ! -s "$last_times" ] || last=$(awk -v "name=$1" '
		$1 == name { print " took " $2 " s last time" }' "$last_times")
	printf '%-6s %s\n' "..." "$1$last"
}

log_of()
{
	echo "$logs/${1//\//-}.log"
}

# === Time ===

# Ends a process group, all of it.
end_group()
{
	local i

	kill -TERM -- "-$1" 2>/dev/null || return 0
	for ((i = 0; i < grace * 10; i++)); do
		kill -0 -- "-$1" 2>/dev/null || return 0
		sleep 0.1
	done
	kill -KILL -- "-$1" 2>/dev/null || true
}

# Where the test programs in userspace are, if there is a debugger to ask.
show_threads()
{
	local exe

	command -v gdb >/dev/null || return 0
	for exe in /proc/[0-9]*/exe; do
		[[ $(readlink "$exe" || true) = "$build"/userspace/* ]] ||
			continue
		timeout 60 gdb -batch -p "${exe//[!0-9]/}" \
			-ex 'thread apply all backtrace' || true
	done
}

# Why the step with log $1 has to be ended now; nothing if it has not. Tools that
# it starts have logs of their own, and downloads are seen in the cache.
why_end()
{
	local lane=${1#"$logs"/}

	lane=${lane%%[-.]*}
	if [ "$(quiet_seconds "$1" "$logs/$lane"[-.]* "$logs"/{apt,gate,source}* \
		"$cache"/tmp.*/*)" -ge "$silence" ]; then
		echo "nothing printed for $silence s"
	elif is_late; then
		echo "no time is left"
	fi
}

# Ends the process group $1 when it has to be, and says so: first with the file
# $2.late, then in the log $2.
watch_group()
{
	local why=

	while [ -z "$why" ]; do
		sleep "$pause"
		why=$(why_end "$2")
	done
	: >"$2.late"
	show_threads >>"$2" 2>&1
	end_group "$1"
	echo "error: $why, ended by force" >>"$2"
}

# A step that runs as this shell is ended.
end_step()
{
	[ -z "$watch" ] || kill -KILL -- "-$watch" 2>/dev/null || true
	[ -z "$job" ] || end_group "$job"
}

end_steps_on_exit()
{
	trap end_step EXIT
	trap 'exit 130' INT TERM
}

# Runs the rest into the log of step $1, and leaves its status and time. The
# status is 124 if there was not time enough.
run_logged()
{
	local log
	log=$(log_of "$1")
	shift

	seconds=$SECONDS
	status=0
	if is_late; then
		echo "error: not begun, no time is left" >"$log"
		status=124
	else
		run_watched "$log" "$@"
	fi
	seconds=$((SECONDS - seconds))
	[ -z "${V:-}" ] || cat "$log"
}

# Each in a process group of its own; both write to the log's end. What Bash has
# to say of those that are killed, nobody needs to know.
run_watched()
{
	local log=$1
	shift

	: >"$log"
	rm -f "$log.late"
	set -m
	# In the background "set -e" holds inside functions, after || it does not.
	"$@" >>"$log" 2>&1 </dev/null &
	job=$!
	# It must not keep the lock of the tree, should it be left over.
	watch_group "$job" "$log" </dev/null >/dev/null 2>&1 8>&- &
	watch=$!
	set +m
	{
		wait "$job" || status=$?
		if [ -e "$log.late" ]; then
			status=124
		else
			# A signal that Bash handles may meet the new process
			# while it still has this one's traps.
			kill -KILL -- "-$watch" || true
		fi
		wait "$watch" || true
	} 2>/dev/null
	rm -f "$log.late"
	job=
	watch=
}

# === Steps ===

# What a log has to say on why a step failed with status $2: all of it if it is
# short, or its complaints, or its end, which is where it hung.
relevant()
{
	local log=$1 status=$2 lines=

	if [ "$status" != 124 ] && [ "$(wc -l <"$log")" -gt 40 ]; then
		lines=$(grep -A 2 -iE '\b(error|warning|check|fatal)\b.*:' "$log" |
			head -n 40 || true)
	fi
	[ -n "$lines" ] || lines=$(tail -n 40 "$log")
	echo "$lines"
	echo "all of it: $log"
}

# One test: passed if the command succeeds.
step()
{
	local name=$1 status seconds
	shift

	run_logged "$name" "$@"
	if [ "$status" = 0 ]; then
		report ok "$name" 1 0 "$seconds" ""
	else
		report FAILED "$name" 0 1 "$seconds" \
			"$(relevant "$(log_of "$name")" "$status")"
	fi
}

# As many tests as $2, which ended with status $3, has cases in it.
judge()
{
	local name=$1 log=$2 status=$3 seconds=$4 text counts passed failed

	text=$(awk -v status="$status" -f "$here/judge.awk" "$log" || true)
	counts=$(tail -n 1 <<<"$text")
	passed=${counts%% passed*}
	failed=${counts##*, }
	failed=${failed%% failed*}
	if [ "$failed" = 0 ]; then
		report ok "$name" "$passed" 0 "$seconds" ""
	else
		text=$(sed '$d' <<<"$text")
		if [ "$(wc -l <<<"$text")" -gt 80 ]; then
			text=$(head -n 80 <<<"$text")$'\n...'
		fi
		report FAILED "$name" "$passed" "$failed" "$seconds" \
			"$text"$'\n'"all of it: $log"
	fi
}

# The same for what a command prints.
ktap()
{
	local name=$1 status seconds
	shift

	run_logged "$name" "$@"
	judge "$name" "$(log_of "$name")" "$status" "$seconds"
}
