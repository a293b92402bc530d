/* SPDX-License-Identifier: GPL-2.0 */
/* Instrumented: a flag that sleeping is allowed is believed nowhere else. */
#ifndef _LINUX_SCHED_MM_H
#define _LINUX_SCHED_MM_H

#include <linux/gfp.h>
#include <linux/kernel.h>

#define might_alloc(gfp)                          \
	do {                                      \
		if (gfpflags_allow_blocking(gfp)) \
			might_sleep();            \
	} while (0)

/* No allocation waits for I/O here. */
static inline unsigned int memalloc_noio_save(void)
{
	return 0;
}

static inline void memalloc_noio_restore(unsigned int flags)
{
}

#endif /* _LINUX_SCHED_MM_H */
