/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful. */
#ifndef _LINUX_MATH_H
#define _LINUX_MATH_H

#include <linux/types.h>

#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define round_up(x, y)	   ((((x)-1) | ((__typeof__(x))(y)-1)) + 1)
#define round_down(x, y)   ((x) & ~((__typeof__(x))(y)-1))
#define roundup(x, y)	   (DIV_ROUND_UP(x, y) * (y))

static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}

#endif /* _LINUX_MATH_H */
