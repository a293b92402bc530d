/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful, for the machines with lines of 64 bytes that Debian runs on. */
#ifndef _LINUX_CACHE_H
#define _LINUX_CACHE_H

#include <linux/compiler.h>

#define L1_CACHE_BYTES	  64
#define ARCH_DMA_MINALIGN __alignof__(unsigned long long)

/* Nothing is made read-only here. */
#define __ro_after_init

#define ____cacheline_aligned __aligned(L1_CACHE_BYTES)

#endif /* _LINUX_CACHE_H */
