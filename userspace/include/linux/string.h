/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: the C library's, and what only the kernel has. */
#ifndef _LINUX_STRING_H
#define _LINUX_STRING_H

#include <linux/types.h>
#include <string.h>

ssize_t strscpy(char *dst, const char *src, size_t size);
int __sysfs_match_string(const char *const *array, size_t n, const char *s);
void *memchr_inv(const void *mem, int c, size_t size);

/* The compiler must not take it away, though nobody reads the memory. */
static inline void memzero_explicit(void *mem, size_t size)
{
	memset(mem, 0, size);
	__asm__ volatile("" : : "r"(mem) : "memory");
}

#define sysfs_match_string(array, s) \
	__sysfs_match_string(array, ARRAY_SIZE(array), s)

#endif /* _LINUX_STRING_H */
