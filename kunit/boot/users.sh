#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Compiles what others would write, as they would: from outside the tree.
#
#   users.sh readme-module	the README's drivers, for the stock kernel, against
#				what "make install" has installed
#   users.sh readme-program	the README's programs, which then run
#   users.sh uapi		bytepool.h beside the kernel's own headers for
#				userspace, before and after them
#
# In the README "<!-- compile: module NAME -->", program or Kbuild, marks the
# block of code that follows.

# shellcheck source=vm.sh
. "$(dirname "${BASH_SOURCE[0]}")/vm.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# Writes every block of kind $1 to NAME$2 here, and prints the names.
extract()
{
	awk -v kind="$1" -v suffix="$2" '
		$1 == "<!--" && $2 == "compile:" && $3 == kind { name = $4 }
		/^```/ && inside { inside = 0; name = ""; next }
		/^```(c|make)$/ && name { inside = 1; print name; next }
		inside { print >(name suffix) }
	' "$top/README.md" | grep .
}

# Installs for headers $1 into the folder root. What the tests are built in has
# the module already.
install_module()
{
	link_sources "$build/stock"
	ln -sf "$top/Makefile" "$build/stock/Makefile"
	make -C "$build/stock" install KDIR="$1" DESTDIR="$dir/root" |
		tee install.log
	grep -qx "Installed for Linux $(basename "$(dirname "$1")"): .*" install.log
}

# The README's Kbuild names the first driver, and has to build the others, too.
readme_module()
{
	local kdir name

	kdir=$("$here/prepare.sh" headers)
	install_module "$kdir"
	extract Kbuild "" >names
	sed -i "s,/usr/src/,$dir/root&," Kbuild
	grep -q "$dir/root" Kbuild
	extract module .c >names
	while read -r name; do
		grep -qx "obj-m += $name.o" Kbuild ||
			echo "obj-m += $name.o" >>Kbuild
	done <names
	make -C "$kdir" M="$dir" W=1 KCFLAGS=-Werror modules | tee build.log
	if grep -i warning build.log; then
		return 1
	fi
	while read -r name; do
		[ "$(modinfo -F depends "$name.ko")" = bytepool ]
	done <names
	# For a machine that looks how its call site is named.
	cp hello.ko "$build/stock"
}

# Compiles one file against the library, and runs it.
compile_and_run()
{
	local flags

	read -ra flags < <(PKG_CONFIG_PATH=$build pkg-config --cflags --libs \
		bytepool)
	gcc -O2 -g -Wall -Wextra -Werror -o "${1%.c}" "$1" "${flags[@]}"
	echo "$1:"
	LD_LIBRARY_PATH=$build "./${1%.c}"
}

readme_program()
{
	local name

	extract program .c >names
	while read -r name; do
		compile_and_run "$name.c"
	done <names
}

uapi_program()
{
	cat <<-END
		$1
		#include <linux/videodev2.h>
		#include <linux/if_packet.h>
		#include <linux/fs.h>
		$2
		#include <stdio.h>

		int main(void)
		{
			struct bytepool_config config = {
				.name = "uapi",
				.sizes = bytepool_sizes_stream,
				.nr_sizes = 7,
			};
			struct bytepool *pool = bytepool_create(&config);
			struct v4l2_format format = { .type = 1 };
			struct tpacket_hdr header = { .tp_len = 1 };
			void *mem;

			if (IS_ERR(pool))
				return 1;
			mem = bytepool_get(pool, sizeof(format), GFP_KERNEL);
			printf("%zu bytes for %zu\n",
			       bytepool_size_roundup(pool, sizeof(format)),
			       sizeof(header));
			bytepool_put(pool, mem);
			bytepool_destroy(pool);
			return !mem || BLOCK_SIZE != 1024;
		}
	END
}

uapi()
{
	uapi_program '#include <bytepool.h>' '' >before.c
	uapi_program '' '#include <bytepool.h>' >after.c
	compile_and_run before.c
	compile_and_run after.c
}

case ${1:-} in
readme-module | readme-program | uapi)
	"${1/-/_}"
	;;
*)
	sed -n 's/^# \?//; 4,13p' "$0"
	exit 2
	;;
esac
