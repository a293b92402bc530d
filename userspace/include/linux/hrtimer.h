/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful, in the test programs: a timer is a POSIX timer whose signal is
 * sent to the thread that has started it, and its function runs in a hard or
 * a soft interrupt of that thread's CPU, wherever the thread is.
 */
#ifndef _LINUX_HRTIMER_H
#define _LINUX_HRTIMER_H

#include <linux/ktime.h>
#include <time.h>

enum hrtimer_restart {
	HRTIMER_NORESTART,
	HRTIMER_RESTART,
};

#define HRTIMER_MODE_SOFT 4

enum hrtimer_mode {
	HRTIMER_MODE_REL = 1,
	HRTIMER_MODE_REL_PINNED = 3,
	HRTIMER_MODE_REL_SOFT = HRTIMER_MODE_REL | HRTIMER_MODE_SOFT,
	HRTIMER_MODE_REL_PINNED_SOFT = HRTIMER_MODE_REL_PINNED |
				       HRTIMER_MODE_SOFT,
	HRTIMER_MODE_REL_HARD = 9,
	HRTIMER_MODE_REL_PINNED_HARD = 11,
};

struct shim_timer;

/**
 * struct hrtimer - a timer
 * @function: called when it expires
 * @expires: when that is
 * @slot: what is armed; NULL before the first start, and once cancelled
 */
struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	ktime_t expires;
	struct shim_timer *slot;
};

void hrtimer_setup(struct hrtimer *timer,
		   enum hrtimer_restart (*function)(struct hrtimer *timer),
		   clockid_t clock, enum hrtimer_mode mode);
void hrtimer_start(struct hrtimer *timer, ktime_t delay,
		   enum hrtimer_mode mode);
int hrtimer_cancel(struct hrtimer *timer);
u64 hrtimer_forward_now(struct hrtimer *timer, ktime_t interval);

#endif /* _LINUX_HRTIMER_H */
