/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful, but that a thread does not choose its CPU: to ask for another one
 * does nothing. In the checking builds preemption moves it, until it asks.
 */
#ifndef _LINUX_SCHED_H
#define _LINUX_SCHED_H

#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/thread_info.h>

#define TASK_INTERRUPTIBLE   0x00000001
#define TASK_UNINTERRUPTIBLE 0x00000002
#define TASK_WAKEKILL	     0x00000100
#define TASK_NOLOAD	     0x00000400
#define TASK_FREEZABLE	     0x00002000
#define TASK_KILLABLE	     (TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_IDLE	     (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)

#define MAX_SCHEDULE_TIMEOUT LONG_MAX

/* Sleeps on what prepare_to_swait_event() was called for. */
long schedule_timeout(long timeout);

struct task_struct;

struct task_struct *shim_current(void);
#define current shim_current()

struct task_struct *get_task_struct(struct task_struct *task);
void put_task_struct(struct task_struct *task);
int wake_up_process(struct task_struct *task);
void cond_resched(void);
void schedule(void);

/* For current alone, which stays where it is. */
static inline int set_cpus_allowed_ptr(struct task_struct *task,
				       const struct cpumask *mask)
{
	shim_thread.bound = true;
	return 0;
}

#endif /* _LINUX_SCHED_H */
