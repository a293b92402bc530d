# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced: builds modules for a kernel, boots them in a machine, and takes its
# report apart.

# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# One run at a time in one tree.
lock_tree()
{
	mkdir -p "$logs"
	exec 8>"$build/.lock"
	if ! flock -n 8; then
		say "Waiting for another run in this tree ..."
		flock 8
	fi
}

# === Modules ===

# Builds all modules against the headers in $2, in a folder build/$1 that has
# links to the sources: one tree, as many kernels as there are folders.
build_modules()
{
	local dir=$build/$1 kdir=$2
	shift 2

	link_sources "$dir"
	make -C "$kdir" M="$dir" -j"$(nproc)" "$@" modules
}

link_sources()
{
	local dir=$1

	mkdir -p "$dir"
	# A source that was renamed or removed must not stay behind.
	find "$dir" -type l -delete
	(cd "$top" && find Kbuild ./*.c ./*.h pool objcache kernel kunit samples bench \
		-path kunit/boot -prune -o -type f -name 'Kbuild' -print -o \
		-type f -name '*.[ch]' ! -name '*.mod.c' \
		! -path 'bench/user_*' -print) |
		while read -r file; do
			mkdir -p "$dir/$(dirname "$file")"
			ln -sf "$top/$file" "$dir/$file"
		done
}

# Static, because the machines that it runs in have no libraries.
build_programs()
{
	local source

	for source in samples/bytecast_test.c samples/bounce_test.c \
		kunit/boot/to_port.c; do
		"${CC:-gcc}" -static -O2 -Wall -Wextra -Werror \
			-o "$build/$1/$(basename "$source" .c)" "$top/$source" || return
	done
}

build_stock()
{
	build_modules stock "$("$here/prepare.sh" headers)" &&
		build_programs stock
}

build_x86()
{
	build_modules x86 "$("$here/prepare.sh" x86)" &&
		build_programs x86
}

build_uml()
{
	build_modules uml "$("$here/prepare.sh" uml)" ARCH=um &&
		build_programs uml
}

# === Machines ===

# A root file system: busybox, what was built in build/$2, files in the rest.
# For another architecture $guest_busybox and $guest_strip say with what.
make_root()
{
	local root=$1 modules=$build/$2 applet
	shift 2

	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,modules,proc,sys,tmp}
	cp "${guest_busybox:-$(command -v busybox)}" "$root/bin/busybox"
	for applet in $(busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
	done
	install -m 755 "$here/guest.sh" "$root/init"
	cp "$modules"/*.ko "$modules"/*/*.ko "$modules"/*_test \
		"$modules/to_port" "$@" "$root/modules"
	"${guest_strip:-strip}" --strip-debug "$root"/modules/*.ko
}

# /dev/kvm without these flags is there, and hangs.
accelerator()
{
	if grep -qE '^flags.*\b(vmx|svm)\b' /proc/cpuinfo &&
		[ -w /dev/kvm ] && echo quit |
		timeout 10 qemu-system-x86_64 -accel kvm -machine none \
			-display none -monitor stdio >/dev/null 2>&1; then
		echo kvm
	else
		echo tcg,thread=multi
	fi
}

accelerator_text()
{
	case $(accelerator) in
	kvm) echo "with KVM" ;;
	*) echo "emulated, as there is no KVM here" ;;
	esac
}

# Kills the machine $1 when it has printed nothing for too long.
watch_machine()
{
	local name=$1 pid=

	while sleep "$pause"; do
		[ -n "$pid" ] || pid=$(cat "$logs/$name.pid" 2>/dev/null || true)
		[ -n "$pid" ] || continue
		kill -0 "$pid" 2>/dev/null || return 0
		# A user-mode kernel that is asked to end may not.
		[ "$(quiet_seconds "$logs/$name.console" \
			"$logs/$name.report")" -lt "$silence" ] ||
			kill -KILL "$pid"
	done
}

# Runs a machine; whatever happens to it, its end is in logs/$1.report.
run_machine()
{
	local name=$1 status=0 watcher
	shift

	rm -f "$logs/$name.pid"
	# It must keep neither a lock nor a pipe.
	watch_machine "$name" </dev/null >/dev/null 2>&1 8>&- 9>&- &
	watcher=$!
	# In the foreground, so that what ends this script reaches the machine.
	# shellcheck disable=SC2016 # variables of the shell that is started
	sh -c 'echo $$ >"$1" && shift && exec "$@"' sh "$logs/$name.pid" "$@" \
		</dev/null >"$logs/$name.console" 2>&1 || status=$?
	kill "$watcher" 2>/dev/null || true
	wait "$watcher" 2>/dev/null || true
	rm -f "$logs/$name.pid"
	sed -i 's/\r$//' "$logs/$name.console" "$logs/$name.report"
	grep -qx '@done' "$logs/$name.report" && return
	if [ $status = 137 ]; then
		echo "@dead killed, as after $silence s without a word" \
			>>"$logs/$name.report"
	else
		echo "@dead it stopped before it was done" \
			>>"$logs/$name.report"
	fi
}

# The image of the stock kernel, or of that which was built for a machine.
image_of()
{
	case $1 in
	stock) echo "$("$here/prepare.sh" stock)"/vmlinuz-* ;;
	x86) echo "$("$here/prepare.sh" x86)/arch/x86/boot/bzImage" ;;
	esac
}

# What the kernel of a machine is told. Without no_timer_check the kernel tries
# whether the timer ticks in time. On a busy computer an emulated one may not,
# and the kernel panics.
kernel_line="no_timer_check panic=-1 oops=panic"

# QEMU's options for a port that takes the report. It needs no driver and no
# interrupt: that of a serial port was "nobody cared" once on PREEMPT_RT, where a
# thread handles it, and was disabled.
debug_console()
{
	echo "-chardev file,id=report,path=$1" \
		"-device isa-debugcon,iobase=0xe9,chardev=report"
}

# Boots the stock kernel with jobs $2; the rest are files.
boot_stock()
{
	local name=$1 jobs=$2 root=$build/vm/$1 image accel report
	shift 2

	mkdir -p "$logs"
	image=$(image_of stock)
	accel=$(accelerator)
	make_root "$root" stock "$@"
	(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) \
		>"$root.cpio.gz"
	: >"$logs/$name.report"
	read -ra report < <(debug_console "$logs/$name.report")
	run_machine "$name" qemu-system-x86_64 -accel "$accel" \
		-cpu max -smp 2 -m "${memory:-1024}" -display none \
		-monitor none -nodefaults -no-reboot -serial stdio "${report[@]}" \
		-kernel "$image" -initrd "$root.cpio.gz" -append "console=ttyS0 $kernel_line \
		log_buf_len=4M jobs=$jobs report=/dev/port"
}

# The same in a machine with 300 MB of memory.
boot_small()
{
	local memory=300

	boot_stock "$@"
}

# Boots kernel $1 with one CPU and a clock that ticks once an instruction.
# Arguments from the fourth on are for its command line.
boot_counting()
{
	local kernel=$1 name=$2 jobs=$3 root=$build/vm/$2 image
	shift 3

	mkdir -p "$logs"
	image=$(image_of "$kernel")
	make_root "$root" "$kernel"
	(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) \
		>"$root.cpio.gz"
	: >"$logs/$name.report"
	run_machine "$name" qemu-system-x86_64 -accel tcg \
		-icount shift=0,sleep=off -cpu max -smp 1 -m 2048 \
		-display none -monitor none -nodefaults -no-reboot \
		-serial stdio -serial "file:$logs/$name.report" \
		-kernel "$image" -initrd "$root.cpio.gz" \
		-append "console=ttyS0 $kernel_line jobs=$jobs report=/dev/ttyS1 $*"
}

# The same for the user-mode kernel; arguments from the third on are for its
# command line. It has a tick of 10 ms, so its grace periods may as well be
# looked for at each: destroying a slab cache waits for some.
boot_uml()
{
	local name=$1 jobs=$2 root=$build/vm/$1
	shift 2

	mkdir -p "$logs"
	make_root "$root" uml
	: >"$root/report"
	ln -sf "$root/report" "$logs/$name.report"
	# Its memory is a file there; /dev/shm may be as small as 64 MiB.
	TMPDIR=$build/vm run_machine "$name" \
		"$("$here/prepare.sh" uml)/linux" mem=1G seccomp=on ncpus=2 \
		root=none rootfstype=hostfs rootflags="$root" rw init=/init \
		con=null con0=fd:0,fd:1 rcutree.jiffies_till_first_fqs=0 \
		rcutree.jiffies_till_next_fqs=1 jobs="$jobs" report=/report "$@"
}

# === Reports ===

section_of()
{
	awk -v name="$2" '
		/^@end / && $2 == name { exit }
		inside { print }
		/^@begin / && $2 == name { inside = 1 }
	' "$logs/$1.report"
}

# Status that a section ended with; nothing if it did not.
status_of()
{
	awk -v name="$2" '/^@end / && $2 == name { print $3 }' \
		"$logs/$1.report"
}

# Says why, and fails, unless the machine did all its jobs.
check_done()
{
	local why line

	why=$(sed -n 's/^@dead //p' "$logs/$1.report")
	[ -n "$why" ] || return 0
	echo "The machine failed: $why."
	line=$(grep -nE 'cut here|BUG:|Oops|panic - ' "$logs/$1.console" |
		head -n 1 | cut -d : -f 1)
	if [ -n "$line" ]; then
		tail -n "+$line" "$logs/$1.console" | head -n 40
	else
		echo "The end of its console:"
		tail -n 40 "$logs/$1.console"
	fi
	echo "All of it: $logs/$1.console"
	return 1
}
