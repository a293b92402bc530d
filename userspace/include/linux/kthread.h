/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful: a thread begins when it is woken, ends when its function returns,
 * and is a CPU of its own from the start, whichever it is bound to.
 */
#ifndef _LINUX_KTHREAD_H
#define _LINUX_KTHREAD_H

#include <linux/err.h>
#include <linux/sched.h>

struct completion;

__printf(3, 4) struct task_struct *kthread_create(int (*fn)(void *data),
						  void *data, const char *fmt,
						  ...);
void kthread_bind(struct task_struct *task, unsigned int cpu);
int kthread_stop(struct task_struct *task);
bool kthread_should_stop(void);
__attribute__((__noreturn__)) void
kthread_complete_and_exit(struct completion *done, long code);

#define kthread_run(fn, data, fmt, ...)                               \
	({                                                            \
		struct task_struct *run_task =                        \
			kthread_create(fn, data, fmt, ##__VA_ARGS__); \
		if (!IS_ERR(run_task))                                \
			wake_up_process(run_task);                    \
		run_task;                                             \
	})

#endif /* _LINUX_KTHREAD_H */
