/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful. */
#ifndef _LINUX_MATH_H
#define _LINUX_MATH_H

#include <linux/align.h>
#include <linux/types.h>

#define DIV_ROUND_UP(n, d) ((-1 + (n) + (d)) / (d))

/* Of what has no sign: the kernel's rounds negative numbers, too. */
#define DIV_ROUND_CLOSEST(n, d)                                        \
	({                                                             \
		_Static_assert((typeof(n))-1 > 0 && (typeof(d))-1 > 0, \
			       "unsigned");                            \
		((n) + (d) / 2) / (d);                                 \
	})

#endif /* _LINUX_MATH_H */
