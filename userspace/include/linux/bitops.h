/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful. */
#ifndef _LINUX_BITOPS_H
#define _LINUX_BITOPS_H

#include <linux/bits.h>
#include <linux/types.h>

static inline int fls(unsigned int x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

/*
 * The number of the highest bit set; there has to be one. An unsigned
 * difference: it needs no instruction to become long, so that bsr is all.
 */
static inline unsigned long __fls(unsigned long x)
{
	return 63U - __builtin_clzl(x);
}

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static inline int fls_long(unsigned long x)
{
	return fls64(x);
}

#define hweight32(w) __builtin_popcount(w)

#endif /* _LINUX_BITOPS_H */
