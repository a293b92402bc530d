#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One check of style, or of what tools can see without running anything:
#
#   style.sh list		their names
#   style.sh NAME

# shellcheck source=vm.sh
. "$(dirname "${BASH_SOURCE[0]}")/vm.sh"

# === What is checked ===

cd "$top"
# C sources below the paths named, without what the kernel's build generates.
sources_in()
{
	find "$@" -type f -name '*.[ch]' ! -name '*.mod.c' | sort
}

mapfile -t core < <(sources_in ./*.c ./*.h pool objcache kernel)
mapfile -t cases < <(sources_in kunit)
mapfile -t shim < <(sources_in userspace)
mapfile -t others < <(sources_in samples bench)

# How userspace compiles the core.
shim_flags=(
	-std=gnu11 -D_GNU_SOURCE -pthread
	-DSHIM_STRICT -DCONFIG_NR_CPUS=64 -D__this_module=shim_module
	"-I$top/userspace/include" "-I$top/kunit/standalone"
	-include "$top/userspace/include/linux/kconfig.h"
	'-DKBUILD_MODNAME="bytepool"'
)

# All files that are, or would be, in the repository. Without a repository
# .gitignore tells what was built here.
all_files()
{
	local ignored

	mapfile -t ignored < <(sed -n 's/^[*A-Za-z.].*/!\n-name\n&/p' .gitignore)
	{
		git -c safe.directory='*' ls-files --cached --others \
			--exclude-standard 2>/dev/null ||
			find . -name .git -prune -o -path ./build -prune -o \
				-type f "${ignored[@]}" -print
	} | sed 's,^\./,,' | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# Fails if the rest prints anything, whatever its status is.
silent()
{
	! { "$@" 2>&1 || true; } | grep .
}

# === Checks ===

# $1: types of complaints that do not apply to the files in the rest.
run_checkpatch()
{
	local ignored=ALLOC_WITH_SIZEOF,$1 source
	source=$("$here/prepare.sh" source)
	shift

	# ALLOC_WITH_SIZEOF asks for kzalloc_obj(), which 6.1 does not have. From
	# the build folder, because it leaves a file where it is started.
	cd "$build"
	perl "$source/scripts/checkpatch.pl" --no-tree --no-summary --quiet \
		--strict --show-types --ignore "$ignored" \
		-f "${@/#/$top/}"
}

check_checkpatch()
{
	# LINUX_VERSION_CODE is compat.h's business, and compat.h is here too.
	run_checkpatch LINUX_VERSION_CODE,CONSTANT_COMPARISON \
		"${core[@]}" "${cases[@]}" \
		samples/bytecast.c samples/faulty.c samples/bounce.c
	# A macro that makes two functions names their callbacks in both.
	run_checkpatch MACRO_ARG_REUSE bench/bytepool_bench.c
}

# Userspace does without the kernel's macros that some types ask for, or it is
# the one that defines them, which is what others complain of. Where the two
# differ, clang-format has the last word on layout.
check_checkpatch-userspace()
{
	local ignored=(
		AVOID_BUG AVOID_EXTERNS BIT_MACRO CAMELCASE COMPLEX_MACRO
		CONSTANT_COMPARISON DATA_RACE EMBEDDED_FUNCTION_NAME
		EXPORT_SYMBOL IS_ENABLED_CONFIG LINUX_VERSION_CODE
		LOGGING_CONTINUATION MACRO_ARG_PRECEDENCE MACRO_ARG_REUSE
		MACRO_ARG_UNUSED MACRO_WITH_FLOW_CONTROL MEMORY_BARRIER MSLEEP
		NEW_TYPEDEFS PREFER_DEFINED_ATTRIBUTE_MACRO PREFER_PR_LEVEL
		PRINTK_WITHOUT_KERN_LEVEL STRCPY UNCOMMENTED_DEFINITION
		USLEEP_RANGE VOLATILE VSPRINTF_SPECIFIER_PX
		ARRAY_SIZE CODE_INDENT LEADING_SPACE LINE_SPACING
		OPEN_ENDED_LINE PARENTHESIS_ALIGNMENT POINTER_LOCATION SPACING
		TABSTOP TRAILING_STATEMENTS
	)

	run_checkpatch "$(IFS=,; echo "${ignored[*]}")" "${shim[@]}" \
		samples/bytecast_test.c samples/bounce_test.c
}

check_clang-format()
{
	clang-format --dry-run -Werror "${core[@]}" "${cases[@]}" "${shim[@]}" \
		"${others[@]}"
}

# The core as userspace compiles it, and the shim. Not its tests: they misuse
# on purpose.
check_clang-tidy()
{
	printf '%s\n' "${core[@]}" userspace/*/*.c |
		grep '\.c$' | grep -v '^kernel/\|_test\.c$\|/test/lib_[a-z]*\.c$' |
		xargs -P "$(nproc)" -I{} sh -c 'echo "$0" && exec clang-tidy --quiet "$@"' \
		{} {} -- "${shim_flags[@]}"
}

check_warnings()
{
	build_modules style "$("$here/prepare.sh" headers)" W=1 \
		KCFLAGS=-Werror >"$logs/style.out" 2>&1 || {
		cat "$logs/style.out"
		return 1
	}
	silent grep -i 'warning:' "$logs/style.out"
}

check_sparse()
{
	local out=$logs/style.out

	build_modules style "$("$here/prepare.sh" headers)" W=1 \
		KCFLAGS=-Werror C=2 CF=-D__CHECK_ENDIAN__ >"$out" 2>&1 || {
		cat "$out"
		return 1
	}
	grep -q 'CHECK .*/core.o\|CHECK .*bytepool.c' "$out"
	silent grep -E '(warning|error):' "$out"
}

# Every function and every macro that looks like one is described, too.
check_kernel-doc()
{
	local source
	source=$("$here/prepare.sh" source)

	python3 "$source/scripts/kernel-doc" -none -Werror "${core[@]}"
	grep -oE '\b(bytepool_[a-z_]+|[A-Z_]+BYTEPOOL[A-Z_]*)\(' bytepool.h |
		tr -d '(' | sort -u |
		while read -r name; do
			grep -qE "^ \* (__)?$name(\(\))? - " "${core[@]}" ||
				echo "there is no kernel-doc on $name"
		done | silent cat
}

check_docs()
{
	"$here/docs.sh"
}

check_codespell()
{
	all_files | grep -v '^COPYING$' | xargs codespell -q 3
}

check_spdx()
{
	all_files | grep -v '^COPYING$' | while read -r file; do
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' ||
			echo "no SPDX line: $file"
	done | silent cat
}

# What the kernel is, and how old, is known to compat.h alone.
check_one-source()
{
	printf '%s\n' "${core[@]}" "${cases[@]}" | grep -v '^kernel/compat[_a-z]*\.h$' |
		silent xargs grep -nE \
		'__KERNEL__|LINUX_VERSION_CODE|BYTEPOOL_USERSPACE|#if 0'
}

# The floors of the core, lowest first. A file includes, and calls, what stands
# on its own floor or below, and of headers only what stands below.
floors=(
	"objcache/types.h"
	"objcache/cpu.h objcache/depot.h objcache/counts.h objcache/reclaim.h \
	 objcache/shrink.h"
	"objcache/depot.c objcache/counts.c"
	"objcache/reclaim.c"
	"objcache/shrink.c"
	"objcache/objcache.h"
	"objcache/objcache.c"
	"bytepool.h"
	"pool/pool.h"
	"$(echo pool/*.c)"
	"bytepool.c"
)

floor_of()
{
	local i file

	for i in "${!floors[@]}"; do
		for file in ${floors[$i]}; do
			[ "$file" != "$1" ] || echo "$i"
		done
	done
}

# Names each include of what does not stand below.
climbing_includes()
{
	local file name target floor

	for file in ${floors[*]}; do
		floor=$(floor_of "$file")
		sed -n 's/^#include "\(.*\)"$/\1/p' "$file" | while read -r name; do
			target=$(realpath -m --relative-to=. \
				"$(dirname "$file")/$name")
			[ "$(floor_of "$target")" -lt "$floor" ] ||
				echo "$file includes $target, which is not below it"
		done
	done
}

# Names each call, and each use of data, of what stands above.
climbing_calls()
{
	local dir=$build/floors file floor

	mkdir -p "$dir"
	for file in ${floors[*]}; do
		[[ $file = *.c ]] || continue
		floor=$(floor_of "$file")
		gcc "${shim_flags[@]}" -w -c "$file" -o "$dir/object.o"
		nm -g "$dir/object.o" | awk -v file="$file" -v floor="$floor" '
			{ print ($(NF - 1) == "U"), $NF, floor, file }'
	done | sort -n | awk '
		!$1 { floor[$2] = $3; where[$2] = $4 }
		$1 && $2 in floor && floor[$2] > $3 {
			print $4 " uses " $2 " of " where[$2] ", above it"
		}'
}

# The objcache stands alone: a file with its header and nothing else compiles.
objcache_alone()
{
	echo '#include "objcache/objcache.h"' |
		gcc "${shim_flags[@]}" "-I$top" -Werror -x c -fsyntax-only -
}

check_floors()
{
	silent climbing_includes
	silent climbing_calls
	objcache_alone
}

check_no-todo()
{
	all_files | grep -v '^COPYING$\|kunit/boot/style\.sh$' |
		silent xargs grep -nwE 'TODO|FIXME|XXX|HACK'
}

check_version()
{
	local module dkms

	module=$(sed -n 's/^MODULE_VERSION("\(.*\)");/\1/p' bytepool.c)
	dkms=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
	echo "MODULE_VERSION $module, PACKAGE_VERSION $dkms"
	[ -n "$module" ] && [ "$module" = "$dkms" ]
}

mkdir -p "$logs"
case ${1:-} in
list)
	echo checkpatch checkpatch-userspace warnings sparse clang-format \
		clang-tidy kernel-doc docs codespell spdx one-source floors no-todo version
	;;
*)
	"check_${1:?see the head of this file}"
	;;
esac
