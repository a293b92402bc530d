/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful: the kernel's names, and combinations, on bits of our own. Programs
 * that use the library see this header too.
 */
#ifndef _LINUX_GFP_TYPES_H
#define _LINUX_GFP_TYPES_H

#define __GFP_DMA	     ((gfp_t)(1U << 0))
#define __GFP_HIGHMEM	     ((gfp_t)(1U << 1))
#define __GFP_DMA32	     ((gfp_t)(1U << 2))
#define __GFP_MOVABLE	     ((gfp_t)(1U << 3))
#define __GFP_RECLAIMABLE    ((gfp_t)(1U << 4))
#define __GFP_HIGH	     ((gfp_t)(1U << 5))
#define __GFP_IO	     ((gfp_t)(1U << 6))
#define __GFP_FS	     ((gfp_t)(1U << 7))
#define __GFP_ZERO	     ((gfp_t)(1U << 8))
#define __GFP_DIRECT_RECLAIM ((gfp_t)(1U << 9))
#define __GFP_KSWAPD_RECLAIM ((gfp_t)(1U << 10))
#define __GFP_WRITE	     ((gfp_t)(1U << 11))
#define __GFP_NOWARN	     ((gfp_t)(1U << 12))
#define __GFP_RETRY_MAYFAIL  ((gfp_t)(1U << 13))
#define __GFP_NOFAIL	     ((gfp_t)(1U << 14))
#define __GFP_NORETRY	     ((gfp_t)(1U << 15))
#define __GFP_MEMALLOC	     ((gfp_t)(1U << 16))
#define __GFP_COMP	     ((gfp_t)(1U << 17))
#define __GFP_NOMEMALLOC     ((gfp_t)(1U << 18))
#define __GFP_HARDWALL	     ((gfp_t)(1U << 19))
#define __GFP_THISNODE	     ((gfp_t)(1U << 20))
#define __GFP_ACCOUNT	     ((gfp_t)(1U << 21))

#define __GFP_BITS_MASK ((gfp_t)((1U << 22) - 1))
#define __GFP_RECLAIM	(__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)

#define GFP_ATOMIC (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_NOWAIT (__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_NOIO   (__GFP_RECLAIM)
#define GFP_NOFS   (__GFP_RECLAIM | __GFP_IO)
#define GFP_USER   (GFP_KERNEL | __GFP_HARDWALL)
#define GFP_DMA	   __GFP_DMA
#define GFP_DMA32  __GFP_DMA32

#endif /* _LINUX_GFP_TYPES_H */
