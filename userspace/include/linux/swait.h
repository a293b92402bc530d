/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful for a queue that one thread waits on. Waking is legal anywhere, and
 * who is woken before he sleeps does not sleep. No signal ends a wait: a
 * signal is an interrupt here.
 */
#ifndef _LINUX_SWAIT_H
#define _LINUX_SWAIT_H

#include <linux/sched.h>
#include <semaphore.h>

/**
 * struct swait_queue_head - where a thread waits
 * @woken: how often it was woken and has not slept since
 */
struct swait_queue_head {
	sem_t woken;
};

struct swait_queue {
	struct swait_queue_head *head;
};

#define DECLARE_SWAITQUEUE(name) struct swait_queue name = {}

void init_swait_queue_head(struct swait_queue_head *q);
void swake_up_one(struct swait_queue_head *q);
long prepare_to_swait_event(struct swait_queue_head *q,
			    struct swait_queue *wait, int state);
void finish_swait(struct swait_queue_head *q, struct swait_queue *wait);

#endif /* _LINUX_SWAIT_H */
