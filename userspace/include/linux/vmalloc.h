/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: whole pages from an address range of its own; may sleep. */
#ifndef _LINUX_VMALLOC_H
#define _LINUX_VMALLOC_H

#include <linux/gfp.h>

void *__must_check __vmalloc(size_t size, gfp_t gfp);
void vfree(const void *mem);
bool is_vmalloc_addr(const void *mem);

static inline void *__must_check vmalloc(size_t size)
{
	return __vmalloc(size, GFP_KERNEL);
}

static inline void *__must_check vzalloc(size_t size)
{
	return __vmalloc(size, GFP_KERNEL | __GFP_ZERO);
}

#endif /* _LINUX_VMALLOC_H */
