/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful in what may be asked for: bits that do not exist, and sleeping where
 * that is illegal, are reported by the checking builds. What the bits ask of
 * page reclaim has no counterpart in a process.
 */
#ifndef _LINUX_GFP_H
#define _LINUX_GFP_H

#include <asm/page.h>
#include <linux/gfp_types.h>
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return gfp & __GFP_DIRECT_RECLAIM;
}

#endif /* _LINUX_GFP_H */
