/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful, at Debian's 250 ticks a second, from the coarse clock. In the fast
 * build jiffies is a load, as in the kernel: a worker keeps it up to date while
 * somebody looks at it, and who looks when it is at rest asks the clock.
 */
#ifndef _LINUX_JIFFIES_H
#define _LINUX_JIFFIES_H

#include <asm/thunk.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/types.h>

#define HZ 250

u64 get_jiffies_64(void);

#ifdef SHIM_STRICT
#define jiffies ((unsigned long)get_jiffies_64())
#else
/**
 * struct shim_tick - jiffies in the fast build; a cache line, which is read by
 * all and written at ticks
 * @now: the time; 0: nobody keeps it up to date
 */
struct shim_tick {
	u64 now;
} ____cacheline_aligned;

extern struct shim_tick shim_tick;

u64 shim_tick_wake(void);

static __always_inline unsigned long shim_jiffies(void)
{
	u64 now = READ_ONCE(shim_tick.now);

	return likely(now) ? now : call_thunk(shim_tick_wake);
}

#define jiffies shim_jiffies()
#endif

static inline unsigned long msecs_to_jiffies(unsigned int ms)
{
	return ((unsigned long)ms * HZ + 999) / 1000;
}

#define time_after(a, b)    ((long)((b) - (a)) < 0)
#define time_before(a, b)   time_after(b, a)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)

#endif /* _LINUX_JIFFIES_H */
