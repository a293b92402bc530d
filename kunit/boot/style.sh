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
mapfile -t core < <(find ./*.c ./*.h -type f ! -name '*.mod.c')
mapfile -t cases < <(find kunit -type f -name '*.[ch]' ! -name '*.mod.c')
mapfile -t shim < <(find userspace -type f -name '*.[ch]')

# All files that are, or would be, in the repository.
all_files()
{
	{
		git ls-files --cached --others --exclude-standard 2>/dev/null ||
			find . -name .git -prune -o -path ./build -prune -o \
				-type f -print
	} | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# Fails if the rest prints anything, whatever its status is.
silent()
{
	! { "$@" 2>&1 || true; } | grep .
}

# === Checks ===

run_checkpatch()
{
	local source
	source=$("$here/prepare.sh" source)

	# ALLOC_WITH_SIZEOF asks for kzalloc_obj(), which 6.1 does not have. From
	# the build folder, because it leaves a file where it is started.
	cd "$build"
	printf '%s\n' "$@" | sed 's,^\./,,; s,^,../,' |
		xargs perl "$source/scripts/checkpatch.pl" --no-tree \
			--no-summary --quiet --strict --show-types \
			--ignore ALLOC_WITH_SIZEOF -f
}

check_checkpatch()
{
	run_checkpatch "${core[@]}" "${cases[@]}" samples/bytecast.c
}

# Userspace has no kernel's macros to be told to use.
check_checkpatch-userspace()
{
	run_checkpatch "${shim[@]}" samples/bytecast_test.c
}

check_clang-format()
{
	clang-format --dry-run -Werror "${core[@]}" "${cases[@]}" "${shim[@]}" \
		samples/*.c
}

check_clang-tidy()
{
	local flags

	read -ra flags < <(make -s -C userspace print-flags)
	printf '%s\n' "${core[@]}" userspace/*.c | grep '\.c$' |
		xargs -P "$(nproc)" -I{} clang-tidy --quiet \
			--warnings-as-errors='*' {} -- "${flags[@]}"
}

check_warnings()
{
	build_modules style "$("$here/prepare.sh" headers)" W=1 \
		KCFLAGS=-Werror >"$build/style.out" 2>&1 || {
		cat "$build/style.out"
		return 1
	}
	silent grep -i 'warning:' "$build/style.out"
}

check_sparse()
{
	local out=$build/style.out

	build_modules style "$("$here/prepare.sh" headers)" W=1 \
		KCFLAGS=-Werror C=2 CF=-D__CHECK_ENDIAN__ >"$out" 2>&1 || {
		cat "$out"
		return 1
	}
	grep -q 'CHECK .*/core.o\|CHECK .*bytepool.c' "$out"
	silent grep -E '(warning|error):' "$out"
}

# The documentation is complete: every exported symbol has some.
check_kernel-doc()
{
	local source name
	source=$("$here/prepare.sh" source)

	python3 "$source/scripts/kernel-doc" -none -Werror "${core[@]}"
	sed -n 's/^EXPORT_SYMBOL_GPL(\(.*\));/\1/p' "${core[@]}" |
		while read -r name; do
			cat "${core[@]}" | grep -qE "^ \* $name(\(\))? - " ||
				echo "$name is exported without kernel-doc"
		done | silent cat
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
	printf '%s\n' "${core[@]}" "${cases[@]}" | grep -v '/compat\.h$' |
		silent xargs grep -nE \
		'__KERNEL__|LINUX_VERSION_CODE|BYTEPOOL_USERSPACE|#if 0'
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

mkdir -p "$build"
case ${1:-} in
list)
	echo checkpatch checkpatch-userspace warnings sparse clang-format \
		clang-tidy kernel-doc codespell spdx one-source no-todo version
	;;
*)
	"check_${1:?see the head of this file}"
	;;
esac
