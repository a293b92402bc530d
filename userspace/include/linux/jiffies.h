/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful, at Debian's 250 ticks a second, from the coarse clock. */
#ifndef _LINUX_JIFFIES_H
#define _LINUX_JIFFIES_H

#include <linux/types.h>

#define HZ 250

u64 get_jiffies_64(void);

#define jiffies ((unsigned long)get_jiffies_64())

static inline unsigned long msecs_to_jiffies(unsigned int ms)
{
	return ((unsigned long)ms * HZ + 999) / 1000;
}

#define time_after(a, b)    ((long)((b) - (a)) < 0)
#define time_before(a, b)   time_after(b, a)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)

#endif /* _LINUX_JIFFIES_H */
