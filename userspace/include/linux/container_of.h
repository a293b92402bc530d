/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful, type check included. */
#ifndef _LINUX_CONTAINER_OF_H
#define _LINUX_CONTAINER_OF_H

#include <linux/build_bug.h>
#include <linux/stddef.h>

#define container_of(ptr, type, member)                                    \
	({                                                                 \
		_Static_assert(__same_type(*(ptr), ((type *)0)->member) || \
				       __same_type(*(ptr), void),          \
			       "pointer type mismatch in container_of()"); \
		(type *)((char *)(ptr)-offsetof(type, member));            \
	})

#endif /* _LINUX_CONTAINER_OF_H */
