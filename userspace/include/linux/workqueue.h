/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful: a work item never runs twice at once, different ones do, and as
 * many threads as it takes make sure that a work item which waits for another
 * gets it. Queueing is legal wherever it is in the kernel, and in signal
 * handlers. On which CPU a work item runs is left open: no thread can be made
 * to run it, and the kernel does not promise it either once a CPU is offline.
 */
#ifndef _LINUX_WORKQUEUE_H
#define _LINUX_WORKQUEUE_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/types.h>

struct workqueue_struct;
struct work_struct;

typedef void (*work_func_t)(struct work_struct *work);

#define WQ_UNBOUND     (1U << 0)
#define WQ_MEM_RECLAIM (1U << 2)

/**
 * struct work_struct - a work item
 * @pending: queued and not yet begun; while a timer runs, too
 * @func: what to do
 * @wq: where it is queued
 * @expires: when it is due, in nanoseconds
 * @node: on the way from whoever queued it to the workers
 * @entry: in the workers' list
 */
struct work_struct {
	int pending;
	work_func_t func;
	struct workqueue_struct *wq;
	u64 expires;
	struct llist_node node;
	struct list_head entry;
};

struct delayed_work {
	struct work_struct work;
};

#define SHIM_WORK(name, f)                                          \
	{                                                           \
		.func = (f), .entry = LIST_HEAD_INIT((name).entry), \
	}
#define DECLARE_WORK(name, f) struct work_struct name = SHIM_WORK(name, f)
#define DECLARE_DELAYED_WORK(name, f) \
	struct delayed_work name = { .work = SHIM_WORK((name).work, f) }
#define INIT_WORK(work, f)	    shim_init_work(work, f)
#define INIT_DELAYED_WORK(dwork, f) shim_init_work(&(dwork)->work, f)
#define INIT_WORK_ONSTACK(work, fn) INIT_WORK(work, fn)
#define destroy_work_on_stack(work) ((void)(work))

void shim_init_work(struct work_struct *work, work_func_t func);

__printf(1, 4) struct workqueue_struct *alloc_workqueue(const char *fmt,
							unsigned int flags,
							int max_active, ...);
void destroy_workqueue(struct workqueue_struct *wq);

bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
bool flush_work(struct work_struct *work);
bool cancel_work_sync(struct work_struct *work);

bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
			unsigned long delay);
bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
		      unsigned long delay);
bool cancel_delayed_work(struct delayed_work *dwork);
bool cancel_delayed_work_sync(struct delayed_work *dwork);
bool flush_delayed_work(struct delayed_work *dwork);

static inline struct delayed_work *to_delayed_work(struct work_struct *work)
{
	return container_of(work, struct delayed_work, work);
}

#define work_pending(work)	    READ_ONCE((work)->pending)
#define delayed_work_pending(dwork) work_pending(&(dwork)->work)

#endif /* _LINUX_WORKQUEUE_H */
