# SPDX-License-Identifier: GPL-2.0
# Makes the library's <bytepool.h> of the kernel's, without names of kernels'.
s,^#include <linux/types\.h>$,#include <bytepool_host.h>,
/^#include <linux\//d
/^\/\* === For kernels alone === \*\/$/,/^\/\* === End of .* === \*\/$/d
s/\<__must_check\>/__attribute__((__warn_unused_result__))/
s/\<__maybe_unused\>/__attribute__((__unused__))/
s/\<THIS_MODULE\>/((struct module *)0)/
s/\<KMALLOC_MAX_SIZE\>/(4UL << 20)/
$i\
#include <bytepool_tsan.h>\

