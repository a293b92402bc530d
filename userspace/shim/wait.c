// SPDX-License-Identifier: GPL-2.0
/* Threads that sleep until somebody wakes them. */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/swait.h>
#include <shim.h>
#include <errno.h>
#include <semaphore.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000L

unsigned int shim_nr_sleeps;

/* What the thread is about to sleep on. */
static __thread struct swait_queue_head *sleeps_on;

void init_swait_queue_head(struct swait_queue_head *q)
{
	sem_init(&q->woken, 0, 0);
}

void swake_up_one(struct swait_queue_head *q)
{
	int saved = errno;

	sem_post(&q->woken);
	errno = saved;
}

long prepare_to_swait_event(struct swait_queue_head *q,
			    struct swait_queue *wait, int state)
{
	wait->head = q;
	sleeps_on = q;
	/* As set_current_state(): what the thread reads next is not older. */
	smp_mb();
	return 0;
}

void finish_swait(struct swait_queue_head *q, struct swait_queue *wait)
{
	wait->head = NULL;
	sleeps_on = NULL;
}

/* Returns false if the time was over first. */
static bool sleep_until(struct swait_queue_head *q,
			const struct timespec *deadline)
{
	int saved = shim_libc_enter(), ret;

	do {
		ret = deadline ? sem_clockwait(&q->woken, CLOCK_MONOTONIC,
					       deadline) :
				 sem_wait(&q->woken);
	} while (ret && errno == EINTR);
	shim_libc_leave(saved);
	__atomic_fetch_add(&shim_nr_sleeps, 1, __ATOMIC_RELAXED);
	return !ret;
}

long schedule_timeout(long timeout)
{
	unsigned long until = jiffies + timeout;
	struct timespec deadline;

	might_sleep();
	if (timeout == MAX_SCHEDULE_TIMEOUT) {
		sleep_until(sleeps_on, NULL);
		return timeout;
	}
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += timeout / HZ;
	deadline.tv_nsec += timeout % HZ * (NSEC_PER_SEC / HZ);
	if (deadline.tv_nsec >= NSEC_PER_SEC) {
		deadline.tv_nsec -= NSEC_PER_SEC;
		deadline.tv_sec++;
	}
	if (!sleep_until(sleeps_on, &deadline))
		return 0;
	return time_before(jiffies, until) ? until - jiffies : 0;
}
