/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: each argument is evaluated once and the types have to agree. */
#ifndef _LINUX_MINMAX_H
#define _LINUX_MINMAX_H

#include <linux/build_bug.h>
#include <linux/compiler.h>

/* Integer constants of another type are let through, as the kernel does. */
#define SHIM_AGREE(a, b)                                 \
	(__same_type(a, b) || __builtin_constant_p(a) || \
	 __builtin_constant_p(b))

#define SHIM_CMP(a, b, op)                       \
	({                                       \
		__typeof__(a) cmp_a = (a);       \
		__typeof__(b) cmp_b = (b);       \
		BUILD_BUG_ON(!SHIM_AGREE(a, b)); \
		cmp_a op cmp_b ? cmp_a : cmp_b;  \
	})

#define min(a, b) SHIM_CMP(a, b, <)
#define max(a, b) SHIM_CMP(a, b, >)

#define min_t(type, a, b)                      \
	({                                     \
		type min_a = (a);              \
		type min_b = (b);              \
		min_a < min_b ? min_a : min_b; \
	})

#define max_t(type, a, b)                      \
	({                                     \
		type max_a = (a);              \
		type max_b = (b);              \
		max_a > max_b ? max_a : max_b; \
	})

#define clamp(val, lo, hi)	   min(max(val, lo), hi)
#define clamp_t(type, val, lo, hi) min_t(type, max_t(type, val, lo), hi)

#define swap(a, b)                          \
	do {                                \
		__typeof__(a) swap_a = (a); \
		(a) = (b);                  \
		(b) = swap_a;               \
	} while (0)

#endif /* _LINUX_MINMAX_H */
