# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced: which stock kernels of Debian the tests know, and, by prepare.sh,
# how one gets into the cache: image, headers, and the compiler it wants.
# Nothing of it is installed.

# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# A kernel's name here, its suite, its architecture, what its packages' names
# end in, and the suite of the compiler: -, if this machine's own will do.
debian_kernels()
{
	cat <<-END
	debian12-rt		bookworm		amd64	rt-amd64	-
	debian12-backports	bookworm-backports	amd64	amd64		-
	debian13		trixie			amd64	amd64		trixie
	debian13-rt		trixie			amd64	rt-amd64	trixie
	newest			trixie-backports	amd64	amd64		trixie
	newest-rt		trixie-backports	amd64	rt-amd64	trixie
	debian12-i386		bookworm		i386	686-pae		-
	debian12-arm64		bookworm		arm64	arm64		-
	END
}

# One field of the table, or nothing.
debian_field()
{
	debian_kernels | awk -v kernel="$1" -v field="$2" \
		'$1 == kernel { print $field }'
}

# What the cross compilers' names begin with.
triple_of()
{
	case $1 in
	i386) echo i686-linux-gnu- ;;
	arm64) echo aarch64-linux-gnu- ;;
	esac
}

# === Packages ===

# apt for one suite and architecture, as if nothing was installed.
apt_suite()
{
	local suite=$1 arch=$2 tool=$3 dir=$cache/apt/$1-$2
	shift 3

	"$tool" -q -o Dir::Etc::SourceList="$dir/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null \
		-o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache" \
		-o Dir::State::status=/dev/null \
		-o APT::Architecture="$arch" -o APT::Architectures="$arch" \
		-o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}

update_suite()
{
	local suite=$1 arch=$2 dir=$cache/apt/$1-$2 uri

	uri=$(mirror)
	[ -n "$uri" ] || die "no mirror of Debian in this machine's apt sources"
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
		"$uri $suite main" >"$dir/sources.list"
	apt_suite "$suite" "$arch" apt-get update --error-on=any
}

# The first package that $3 depends on whose name begins with $4.
needed_by()
{
	apt_suite "$1" "$2" apt-cache depends "$3" |
		sed -n "s/^ *Depends: \($4.*\)/\1/p" | head -n 1
}

candidate_of()
{
	apt_suite "$1" "$2" apt-cache policy "$3" |
		sed -n 's/^ *Candidate: //p'
}

# === A folder of it ===

# Programs in $1 that run with the libraries below $2, whatever the machine has:
# each becomes a script. Both folders are going to be below $3.
wrap_programs()
{
	local dir=$1 libs=$2 final=$3 file

	find "$dir" -type f -perm -u+x ! -name '*.so*' | while read -r file; do
		[ "$(head -c 4 "$file" | tail -c 3)" = ELF ] || continue
		mv "$file" "$file.elf"
		cat >"$file" <<-END
		#!/bin/sh
		exec $libs/ld-linux-x86-64.so.2 --library-path $libs --argv0 "\$0" \
			$final/${file#"$tmp/tree/"}.elf "\$@"
		END
		chmod 755 "$file"
	done
}

unpack_all()
{
	local deb

	mkdir "$tmp/tree"
	for deb in "$tmp"/*.deb "$tmp"/archives/*.deb; do
		[ ! -f "$deb" ] || dpkg -x "$deb" "$tmp/tree" || return
	done
	# The modules are most of it.
	rm -rf "$tmp"/tree/usr/share/doc "$tmp"/tree/lib/modules \
		"$tmp"/tree/usr/lib/modules/*/kernel
}

# A compiler of suite $1, with what it needs; prints its folder.
debian_compiler()
{
	local suite=$1 dir libs

	dir=$cache/debian/gcc_$(candidate_of "$suite" amd64 gcc-14 | tr '~+' '--')
	libs=$dir/usr/lib/x86_64-linux-gnu
	if [ ! -d "$dir" ]; then
		mkdir -p "$tmp/archives/partial"
		apt_suite "$suite" amd64 apt-get -y -d --no-install-recommends \
			-o Dir::Cache::archives="$tmp/archives" \
			install gcc-14 libelf1t64 libssl3t64 >&2
		unpack_all
		wrap_programs "$tmp/tree/usr/bin" "$libs" "$dir"
		wrap_programs "$tmp/tree/usr/libexec" "$libs" "$dir"
		publish "$tmp/tree" "$dir"
		rm -rf "$tmp/archives"
	fi
	echo "$dir"
}

# Image, headers and kernel build tools; for another architecture busybox, too.
download_debian()
{
	local suite=$1 arch=$2 headers=$3 image packages
	packages=("$headers" "$(needed_by "$suite" "$arch" "$headers" \
		'linux-headers-.*-common')")

	# From 7.1 on the image is in a package of its own.
	image=linux-binary-${headers#linux-headers-}
	[ -n "$(candidate_of "$suite" "$arch" "$image")" ] ||
		image=linux-image-${headers#linux-headers-}
	packages+=("$image")
	[ "$arch" = amd64 ] || packages+=(busybox-static)
	(
		cd "$tmp" || exit
		apt_suite "$suite" "$arch" apt-get download "${packages[@]}"
		apt_suite "$suite" amd64 apt-get download \
			"$(needed_by "$suite" "$arch" "$headers" linux-kbuild)"
	)
}

fetch_debian()
{
	local suite=$1 arch=$2 headers=$3 dir=$4 compiler=$5 file

	download_debian "$suite" "$arch" "$headers"
	unpack_all
	for file in "$tmp/tree/usr/src/$headers"/{Makefile,.kernelvariables}; do
		sed -i "s,/usr/src/,$dir/usr/src/,g" "$file"
	done
	# Debugging information made of it needs pahole; modules load without.
	rm -f "$tmp/tree/usr/src/$headers/vmlinux"
	# From 7.1 on it is where modules are.
	find "$tmp/tree" -name 'vmlinuz*' -exec mv {} "$tmp/tree/vmlinuz" ';'
	test -f "$tmp/tree/vmlinuz"
	ln -s "usr/src/$headers" "$tmp/tree/headers"
	if [ "$compiler" != - ]; then
		wrap_programs "$tmp/tree/usr/lib" \
			"$compiler/usr/lib/x86_64-linux-gnu" "$dir"
		ln -s "$compiler/usr/bin" "$tmp/tree/compiler"
	fi
	publish "$tmp/tree" "$dir"
}

# The newest of its kind, in a folder of the cache that is printed.
update_debian()
{
	local name=$1 suite=$2 arch=$3 end=$4 gcc=$5 headers dir compiler=-

	update_suite "$suite" "$arch" >&2
	[ "$arch" = amd64 ] || update_suite "$suite" amd64 >&2
	headers=$(needed_by "$suite" "$arch" "linux-headers-$end" \
		'linux-headers-[0-9]')
	[ -n "$headers" ] || die "$suite has no linux-headers-$end"
	dir=$cache/debian/${headers#linux-headers-}_$(candidate_of "$suite" \
		"$arch" "$headers" | tr '~+' '--')
	if [ ! -d "$dir" ]; then
		if [ "$gcc" != - ]; then
			update_suite "$gcc" amd64 >&2
			compiler=$(debian_compiler "$gcc")
		fi
		fetch_debian "$suite" "$arch" "$headers" "$dir" "$compiler" >&2
	fi
	echo "$dir"
}

# Prints the folder of a kernel: vmlinuz, headers, compiler if it has one.
debian()
{
	local name=$1 current=$cache/debian/current-$1 dir row

	row=$(debian_kernels | grep "^${name}[[:space:]]") ||
		die "no kernel $name in debian.sh"
	# shellcheck disable=SC2154 # prepare.sh says for how long it is good
	if [ -n "$(find "$current" -mtime "-$max_age_days" 2>/dev/null)" ]; then
		cat "$current"
		return
	fi
	need_packages modules stock
	lock_cache
	say "Looking for the kernel $name of Debian"
	# In the background "set -e" holds inside functions, after || it does not.
	# shellcheck disable=SC2086 # the row's fields
	update_debian $row >"$tmp/current" 2>"$logs/debian-$name.log" &
	wait $! || {
		tail -n 5 "$logs/debian-$name.log" >&2
		die "no kernel $name, the log is $logs/debian-$name.log"
	}
	publish "$tmp/current" "$current"
	unlock_cache
	cat "$current"
}
