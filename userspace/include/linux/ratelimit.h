/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: so many in an interval, and the number of the rest afterwards. */
#ifndef _LINUX_RATELIMIT_H
#define _LINUX_RATELIMIT_H

#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/spinlock.h>

#define DEFAULT_RATELIMIT_INTERVAL (5 * HZ)
#define DEFAULT_RATELIMIT_BURST	   10

struct ratelimit_state {
	raw_spinlock_t lock;
	int interval;
	int burst;
	int printed;
	int missed;
	unsigned long begin;
};

#define RATELIMIT_STATE_INIT(name, time, count)                              \
	{                                                                    \
		.lock = SHIM_UNLOCKED, .interval = (time), .burst = (count), \
	}
#define DEFINE_RATELIMIT_STATE(name, time, count) \
	struct ratelimit_state name = RATELIMIT_STATE_INIT(name, time, count)

static inline void ratelimit_state_init(struct ratelimit_state *rs,
					int interval, int burst)
{
	*rs = (struct ratelimit_state)RATELIMIT_STATE_INIT(rs, interval, burst);
}

int shim_ratelimit(struct ratelimit_state *rs, const char *func);
#define __ratelimit(rs) shim_ratelimit(rs, __func__)

#define pr_err_ratelimited(fmt, ...)                                          \
	do {                                                                  \
		static DEFINE_RATELIMIT_STATE(rs, DEFAULT_RATELIMIT_INTERVAL, \
					      DEFAULT_RATELIMIT_BURST);       \
		if (__ratelimit(&rs))                                         \
			pr_err(fmt, ##__VA_ARGS__);                           \
	} while (0)

#endif /* _LINUX_RATELIMIT_H */
