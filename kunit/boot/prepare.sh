#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Brings what builds and tests need onto the machine, each thing once:
#
#   prepare.sh packages GROUP...	Debian packages: modules, userspace, stock,
#				uml, x86, style, docs, host, host-headers
#   prepare.sh headers		headers of Debian's stock kernel
#   prepare.sh stock		the same kernel itself, to boot in a machine of
#				its own: nothing is installed
#   prepare.sh debian NAME	a stock kernel of debian.sh, and its headers
#   prepare.sh source		the newest kernel source that Debian has
#   prepare.sh uml		the same, built as a user-mode kernel
#   prepare.sh x86		the same, built for a machine to boot
#   prepare.sh forget		removes what the others have put into the cache
#
# Those of a kernel print a folder. Kernels go to the cache: downloaded and
# unpacked in a temporary folder there, renamed when complete, under a lock. A
# kernel is built in the folder "building". A build that was interrupted goes on
# there the next time; all else that is incomplete is removed.

# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=debian.sh
. "$here/debian.sh"

# Debian's own name for the suite with the newest kernels.
suite=trixie-backports
# How old an answer to "which version is the newest" may be.
max_age_days=7

tmp=

# Leaves a new folder's name in tmp, and the lock with this process.
lock_cache()
{
	local seconds=0

	mkdir -p "$cache" "$logs"
	exec 9>"$cache/lock"
	# Said every minute: what says nothing for long is ended.
	until flock -w "$seconds" 9; do
		say "Waiting for another run that fills the cache ..."
		seconds=60
	done
	# Nobody else is here, so these are leftovers of runs that were killed.
	rm -rf "$cache"/tmp.*
	tmp=$(mktemp -d "$cache/tmp.XXXXXX")
	trap unlock_cache EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

unlock_cache()
{
	rm -rf "$tmp"
	exec 9>&-
	trap - EXIT INT TERM
}

publish()
{
	mkdir -p "$(dirname "$2")"
	mv -T "$1" "$2"
}

# === Debian's stock kernel ===

# Version in names, and version of the packages, of the headers installed.
headers_version()
{
	dpkg-query -W -f '${Depends}\n' linux-headers-amd64 | tr ',' '\n' |
		sed -n 's/^ *linux-headers-\([^ ]*\) (= \(.*\))$/\1 \2/p' |
		head -n 1
}

headers()
{
	local kver version

	need_packages modules
	read -r kver version <<<"$(headers_version)"
	[ -d "/lib/modules/$kver/build" ] ||
		die "linux-headers-$kver is installed, its files are missing"
	echo "/lib/modules/$kver/build"
}

download_image()
{
	local kver version

	read -r kver version <<<"$(headers_version)"
	(cd "$tmp" && apt-get -q -o APT::Sandbox::User=root download \
		"linux-image-$kver=$version")
}

# Modules built against these headers load into this image only.
fetch_image()
{
	say "Downloading the stock kernel"
	if download_image >"$logs/stock.log" 2>&1; then
		return
	fi
	[ "$(id -u)" = 0 ] || {
		tail -n 5 "$logs/stock.log" >&2
		die "apt has no kernel image for these headers: update them"
	}
	quietly "$logs/apt-update.log" apt_get update
	if download_image >"$logs/stock.log" 2>&1; then
		return
	fi
	# The mirror has moved on, and the headers have to move with it.
	quietly "$logs/apt-install.log" \
		apt_get install --no-install-recommends linux-headers-amd64
	quietly "$logs/stock.log" download_image
}

stock()
{
	local dir kver version

	need_packages modules stock
	read -r kver version <<<"$(headers_version)"
	dir=$cache/stock/${kver}_$version
	if [ ! -d "$dir" ]; then
		lock_cache
		if [ ! -d "$dir" ]; then
			fetch_image
			mkdir "$tmp/image"
			dpkg -x "$tmp"/linux-image-*.deb "$tmp/image"
			read -r kver version <<<"$(headers_version)"
			dir=$cache/stock/${kver}_$version
			# The package's modules stay behind: they are large.
			rm -rf "$dir"
			publish "$tmp/image/boot" "$dir"
		fi
		unlock_cache
	fi
	echo "$dir"
}

# === The newest kernel source ===

# The machine's own mirror of Debian. Security and other archives have other
# addresses, which is why this asks for the main one by the release's name.
mirror()
{
	local codename

	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	# shellcheck disable=SC2016 # apt's variables, not the shell's
	apt-get indextargets --no-release-info \
		--format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' |
		awk -v release="$codename" \
			'$1 == release && $2 == "main" { print $3; exit }'
}

# apt with a configuration of its own: nothing of the machine's set-up changes.
apt_private()
{
	local tool=$1 dir=$cache/apt
	shift

	"$tool" -q -o Dir::Etc::SourceList="$dir/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null \
		-o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache" \
		-o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}

update_private()
{
	local uri

	uri=$(mirror)
	[ -n "$uri" ] || {
		echo "no mirror of Debian in this machine's apt sources"
		return 1
	}
	mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
		"$uri $suite main" >"$cache/apt/sources.list"
	apt_private apt-get update --error-on=any
}

# Prints the package and its version, which is the newest there is.
newest_source()
{
	local package version

	package=$(apt_private apt-cache depends linux-source |
		sed -n 's/^ *Depends: //p' | head -n 1)
	version=$(apt_private apt-cache policy "$package" |
		sed -n 's/^ *Candidate: //p')
	[ -n "$version" ] || die "$suite has no linux-source"
	echo "$package $version"
}

unpack_source()
{
	local deb=$1 dir=$2

	mkdir "$dir"
	dpkg --fsys-tarfile "$deb" |
		tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		xz -T0 -d |
		tar -x --strip-components=1 -C "$dir" --checkpoint=.5000 >&2
}

fetch_source()
{
	local package=$1 version=$2 dir=$3

	say "Downloading the kernel source $version"
	(cd "$tmp" && quietly "$logs/source.log" \
		apt_private apt-get download "$package=$version")
	say "Unpacking it"
	unpack_source "$tmp"/*.deb "$tmp/tree"
	publish "$tmp/tree" "$dir"
}

source_tree()
{
	local current=$cache/source/current package version name

	if [ -n "$(find "$current" -mtime "-$max_age_days" 2>/dev/null)" ]; then
		echo "$cache/source/$(cat "$current")"
		return
	fi

	need_packages uml
	lock_cache
	if update_private >"$logs/source.log" 2>&1; then
		read -r package version <<<"$(newest_source)"
		name=${package}_$(echo "$version" | tr '~+' '--')
		if [ ! -d "$cache/source/$name" ]; then
			fetch_source "$package" "$version" \
				"$cache/source/$name"
		fi
		echo "$name" >"$tmp/current"
		publish "$tmp/current" "$current"
	elif [ -f "$current" ]; then
		say "Debian's mirror does not answer: going on with the source" \
			"in the cache"
	else
		tail -n 5 "$logs/source.log" >&2
		die "no kernel source, the log is $logs/source.log"
	fi
	unlock_cache
	echo "$cache/source/$(cat "$current")"
}

# === Kernels built of it ===

# An option that the new kernel has not got any more would be lost in silence.
check_config()
{
	local fragment=$1 config=$2

	if grep '^CONFIG_' "$fragment" | grep -vxF -f "$config"; then
		echo "the kernel did not take these options of $fragment"
		return 1
	fi
}

# Says what it does all the while: who waits for it sees that it goes on.
make_kernel()
{
	local arch=$1 fragment=$2 dir=$3

	make -s -C "$dir" ARCH="$arch" KCONFIG_ALLCONFIG="$fragment" \
		allnoconfig &&
		check_config "$fragment" "$dir/.config" &&
		make -C "$dir" ARCH="$arch" -j"$(nproc)"
}

# Goes on with the build in $4, if there is one that was interrupted. A signal
# ends this before what failed is removed.
build_kernel()
{
	local source=$1 arch=$2 fragment=$3 dir=$4

	if [ ! -d "$dir" ]; then
		# Hard links: the source is large, and a build only adds files.
		cp -al "$source" "$tmp/tree" && publish "$tmp/tree" "$dir" ||
			return
	fi
	make_kernel "$arch" "$fragment" "$dir" || {
		rm -rf "$dir"
		return 1
	}
	# Modules build without these, and they are most of what was built.
	find "$dir" -path "$dir/scripts" -prune -o -name '*.[ao]' -type f -exec rm {} +
}

# What was begun of another source, or with another configuration, is no use.
forget_other_builds()
{
	local build

	for build in "$cache/building/$1"_*; do
		[ "$build" = "$2" ] || rm -rf "$build"
	done
}

# The newest source as a kernel for $2, with the fragment $1.config.
built_kernel()
{
	local name=$1 arch=$2 minutes=$3 fragment=$here/$1.config
	local source key dir begun

	need_packages "$name"
	source=$(source_tree)
	key=$({ cat "$fragment" && gcc -dumpfullversion; } | sha256sum |
		cut -c 1-12)
	dir=$cache/$name/$(basename "$source")_$key
	if [ ! -d "$dir" ]; then
		lock_cache
		if [ ! -d "$dir" ]; then
			begun=$cache/building/${name}_$(basename "$dir")
			forget_other_builds "$name" "$begun"
			say "Building a kernel for $arch, once:" \
				"about $minutes minutes$([ ! -d "$begun" ] ||
					echo ", less what was done before")"
			quietly "$logs/$name-build.log" build_kernel \
				"$source" "$arch" "$fragment" "$begun"
			publish "$begun" "$dir"
			rmdir --ignore-fail-on-non-empty "$cache/building"
		fi
		unlock_cache
	fi
	echo "$dir"
}

forget()
{
	[ -d "$cache" ] || return 0
	lock_cache
	rm -rf "$cache"/{apt,building,source,stock,uml,x86}
	unlock_cache
	rm -f "$cache/lock"
	rmdir --ignore-fail-on-non-empty "$cache"
}

case ${1:-} in
packages)
	shift
	need_packages "$@"
	;;
headers | stock | forget)
	"$1"
	;;
debian)
	debian "${2:-}"
	;;
uml)
	built_kernel uml um 3
	;;
x86)
	built_kernel x86 x86 6
	;;
source)
	source_tree
	;;
*)
	sed -n 's/^# \?//; 4,18p' "$0"
	exit 2
	;;
esac
