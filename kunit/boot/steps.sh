# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced: steps, each with a log, a limit and a verdict.

# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

results=$logs/results

# Several times what any step takes on a machine that does other things, too;
# and all of them together.
step_seconds=2000
total_seconds=3000
# So long has a step after it was asked to end.
grace=10

# The step that runs, and what watches it: process groups.
job=
watch=

start_steps()
{
	: >"$results"
	deadline=$((SECONDS + total_seconds))
}

# === Reports ===

# One line, and what else there is to say, at once: lanes print side by side.
report()
{
	local verdict=$1 name=$2 passed=$3 failed=$4 seconds=$5 text=$6 counts=

	echo "$passed $failed" >>"$results"
	if [ "$((passed + failed))" -gt 1 ]; then
		counts="$passed passed"
		[ "$failed" = 0 ] || counts+=", $failed failed"
	fi
	{
		flock 7
		printf '%-6s %-26s %-24s %4d s\n' "$verdict" "$name" "$counts" \
			"$seconds"
		if [ -n "$text" ]; then
			printf '%s\n' "$text" | sed 's/^/    /'
		fi
	} 7>"$logs/.print"
}

announce()
{
	printf '%-6s %s\n' "..." "$1"
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

# Ends the process group $1 after $2 seconds, and says so: first with the file
# $3.late, then in the log $3.
watch_group()
{
	sleep "$2"
	: >"$3.late"
	show_threads >>"$3" 2>&1
	end_group "$1"
	echo "error: no end after $2 s, ended by force" >>"$3"
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

# How long the next step may take.
time_left()
{
	local left=$((deadline - SECONDS))

	echo $((left < step_seconds ? left : step_seconds))
}

# Runs the rest into the log of step $1, and leaves its status and time. The
# status is 124 if there was not time enough.
run_logged()
{
	local log left
	log=$(log_of "$1")
	left=$(time_left)
	shift

	seconds=$SECONDS
	status=0
	if [ "$left" -le 0 ]; then
		echo "error: not begun, no time is left" >"$log"
		status=124
	else
		run_watched "$left" "$log" "$@"
	fi
	seconds=$((SECONDS - seconds))
	[ -z "${V:-}" ] || cat "$log"
}

# Each in a process group of its own; both write to the log's end. What Bash has
# to say of those that are killed, nobody needs to know.
run_watched()
{
	local left=$1 log=$2
	shift 2

	: >"$log"
	rm -f "$log.late"
	set -m
	# In the background "set -e" holds inside functions, after || it does not.
	"$@" >>"$log" 2>&1 </dev/null &
	job=$!
	# It must not keep the lock of the tree, should it be left over.
	watch_group "$job" "$left" "$log" </dev/null >/dev/null 2>&1 8>&- &
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
