/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - the kernel's names that programs which use the library need
 *
 * Included by <bytepool.h> there. No others of the kernel's names are defined,
 * and none of its headers has a namesake here, so that they go with the kernel's
 * UAPI headers and with what a program calls its own.
 */
#ifndef _BYTEPOOL_HOST_H
#define _BYTEPOOL_HOST_H

#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include <bytepool_debugfs.h>

/* GFP_KERNEL anywhere but in signal handlers, GFP_ATOMIC there. */
typedef unsigned int gfp_t;

#include <bytepool_gfp.h>

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline long PTR_ERR(const void *ptr)
{
	return (long)ptr;
}

static inline bool IS_ERR(const void *ptr)
{
	/* The last page: no allocation lies there. */
	return (unsigned long)ptr >= -4095UL;
}

static inline bool IS_ERR_OR_NULL(const void *ptr)
{
	return !ptr || IS_ERR(ptr);
}

#endif /* _BYTEPOOL_HOST_H */
