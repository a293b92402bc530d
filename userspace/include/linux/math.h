/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful. */
#ifndef _LINUX_MATH_H
#define _LINUX_MATH_H

#include <linux/align.h>
#include <linux/types.h>

#define DIV_ROUND_UP(n, d) ((-1 + (n) + (d)) / (d))

#endif /* _LINUX_MATH_H */
