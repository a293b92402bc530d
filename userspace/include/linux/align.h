/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful. */
#ifndef _LINUX_ALIGN_H
#define _LINUX_ALIGN_H

/* The bits that are clear in a multiple of a, in the type of x. */
#define SHIM_LOW_BITS(x, a) ((__typeof__(x))(-1 + (a)))

#define ALIGN(x, a)	 (((x) + SHIM_LOW_BITS(x, a)) & ~SHIM_LOW_BITS(x, a))
#define ALIGN_DOWN(x, a) ((x) & ~SHIM_LOW_BITS(x, a))
#define IS_ALIGNED(x, a) (!((x)&SHIM_LOW_BITS(x, a)))

#endif /* _LINUX_ALIGN_H */
