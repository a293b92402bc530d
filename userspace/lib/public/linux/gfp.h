/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For programs that use the library: GFP_KERNEL anywhere but in signal
 * handlers, GFP_ATOMIC there.
 */
#ifndef _LINUX_GFP_H
#define _LINUX_GFP_H

typedef unsigned int gfp_t;

#include <linux/gfp_types.h>

#endif /* _LINUX_GFP_H */
