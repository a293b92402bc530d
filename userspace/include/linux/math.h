/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful. */
#ifndef _LINUX_MATH_H
#define _LINUX_MATH_H

#include <linux/align.h>
#include <linux/types.h>

#define DIV_ROUND_UP(n, d) ((-1 + (n) + (d)) / (d))
#define round_up(x, y)	   ALIGN(x, y)
#define round_down(x, y)   ALIGN_DOWN(x, y)
#define roundup(x, y)	   (DIV_ROUND_UP(x, y) * (y))

static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}

#endif /* _LINUX_MATH_H */
