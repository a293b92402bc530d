# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced by the scripts beside it: where things are, how they complain, and
# how packages get installed.

set -euo pipefail
shopt -s inherit_errexit
umask 022
# A make that started this must not reach into those that this starts.
unset MAKEFLAGS MFLAGS MAKELEVEL ARCH CROSS_COMPILE KCFLAGS
# Tools are asked in English, so that what they say can be read by a script.
export LC_ALL=C.UTF-8

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$top/build
logs=$build/logs

# Kernels live outside the work tree: a fresh clone finds them built.
: "${HOME:=/root}"
cache=${BYTEPOOL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bytepool}
case $cache in
/*) ;;
*) cache=$PWD/$cache ;;
esac

say()
{
	printf '%s\n' "$*" >&2
}

die()
{
	say "error: $*"
	exit 1
}

# Whatever runs is ended when it has printed nothing for so many seconds. How
# long it takes depends on the machine, so that has no limit of its own.
silence=900
# So often, in seconds, somebody looks.
pause=5

# Seconds since one of the files was written.
quiet_seconds()
{
	local written

	written=$({ stat -L -c %Y "$@" 2>/dev/null || true; } | sort -n |
		tail -n 1)
	echo $(($(date +%s) - ${written:-0}))
}

# Runs a command quietly; if it fails, shows the end of what it said.
quietly()
{
	local log=$1
	shift

	mkdir -p "$(dirname "$log")"
	if [ -n "${V:-}" ]; then
		"$@" 2>&1 | tee "$log" >&2
		return
	fi
	if ! "$@" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		die "$1 failed, the whole log is $log"
	fi
}

# What figures are of: the commit, and whether the sources are those of it. What
# has been measured just now is among the files, and none of them.
measured_version()
{
	local git=(git -c safe.directory='*' -C "$top") dirty=

	"${git[@]}" diff --quiet HEAD -- . ':!Documentation/performance' \
		2>/dev/null || dirty=-dirty
	echo "$("${git[@]}" rev-parse --short HEAD 2>/dev/null ||
		echo unknown)$dirty"
}

# === Packages ===

# What each part of the project needs on top of Debian's essential packages.
packages_of()
{
	local group

	for group in "$@"; do
		case $group in
		modules)
			echo gcc kmod libc6-dev make linux-headers-amd64
			;;
		userspace)
			# The gate counts with valgrind.
			echo gcc libc6-dev make liburcu-dev pkg-config valgrind
			;;
		bench)
			echo gcc libc6-dev make liburcu-dev pkg-config valgrind \
				libjemalloc2 libmimalloc2.0 \
				libtcmalloc-minimal4 libdpdk-dev
			;;
		report)
			echo gnuplot-nox
			;;
		stock)
			echo qemu-system-x86 busybox-static cpio gzip
			;;
		kernels)
			# The rest comes with their own packages.
			echo gcc libc6-dev make qemu-system-x86 qemu-system-arm \
				gcc-i686-linux-gnu libc6-dev-i386-cross \
				gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
				busybox-static cpio gzip
			;;
		uml)
			echo gcc libc6-dev make bc bison flex perl-base \
				python3-minimal xz-utils busybox-static
			;;
		x86)
			echo gcc libc6-dev make bc bison flex perl-base \
				python3-minimal xz-utils libelf-dev
			;;
		host)
			echo gcc libc6-dev kmod make
			;;
		host-headers)
			echo "linux-headers-$(uname -r)"
			;;
		docs)
			echo python3-sphinx
			;;
		style)
			echo clang-format clang-tidy codespell perl python3 \
				sparse
			;;
		*)
			die "no package group $group"
			;;
		esac
	done
}

is_installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = \
		installed ]
}

has_candidate()
{
	apt-cache policy "$1" 2>/dev/null |
		grep -q '^  Candidate: [^(]'
}

apt_get()
{
	DEBIAN_FRONTEND=noninteractive apt-get -q \
		-o DPkg::Lock::Timeout=300 -o APT::Get::Assume-Yes=true "$@"
}

# Brings the named groups of packages onto the machine, if it has not got them.
need_packages()
{
	local missing=() stale=false package

	command -v apt-get >/dev/null ||
		die "this needs Debian: there is no apt-get"
	[ "$(dpkg --print-architecture)" = amd64 ] ||
		die "this needs Debian on amd64"

	for package in $(packages_of "$@" | tr ' ' '\n' | sort -u); do
		is_installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0

	[ "$(id -u)" = 0 ] ||
		die "not installed, and only root can do that:" \
			"apt-get install --no-install-recommends ${missing[*]}"

	say "Installing with apt: ${missing[*]}"
	for package in "${missing[@]}"; do
		has_candidate "$package" || stale=true
	done
	if $stale; then
		quietly "$logs/apt-update.log" apt_get update
	fi
	mkdir -p "$logs"
	# A package list of last month names files that are gone from the mirror.
	if ! apt_get install --no-install-recommends "${missing[@]}" \
		>"$logs/apt-install.log" 2>&1; then
		quietly "$logs/apt-update.log" apt_get update
		quietly "$logs/apt-install.log" \
			apt_get install --no-install-recommends "${missing[@]}"
	fi
}
