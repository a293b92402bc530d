/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: in place, no allocation. */
#ifndef _LINUX_SORT_H
#define _LINUX_SORT_H

#include <linux/types.h>

void sort(void *base, size_t num, size_t size,
	  int (*cmp)(const void *a, const void *b),
	  void (*swap_fn)(void *a, void *b, int size));

#endif /* _LINUX_SORT_H */
