/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reduced: an address is valid, which is to say that it has a page, where it
 * lies in memory that slab has handed out or could.
 */
#ifndef _LINUX_MM_H
#define _LINUX_MM_H

#include <asm/page.h>
#include <linux/align.h>
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#define PAGE_ALIGN(addr) ALIGN(addr, PAGE_SIZE)

bool virt_addr_valid(const void *mem);
unsigned long totalram_pages(void);

/* Like the init_on_alloc= and init_on_free= options of a kernel. */
extern bool shim_init_on_alloc;
extern bool shim_init_on_free;

static inline bool want_init_on_alloc(gfp_t gfp)
{
	return shim_init_on_alloc || (gfp & __GFP_ZERO);
}

static inline bool want_init_on_free(void)
{
	return shim_init_on_free;
}

#endif /* _LINUX_MM_H */
