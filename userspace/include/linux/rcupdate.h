/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful, on liburcu-bp, and in the fast build on what rcu_reader.h has
 * beside it: grace periods and callbacks are real, callbacks run
 * where they may not sleep. The checking builds report a wait inside a
 * read-side section. ThreadSanitizer does not see into liburcu: a reader's end
 * releases what a grace period acquires, and a grace period's start releases
 * what a reader acquires, which is RCU's guarantee and no more.
 */
#ifndef _LINUX_RCUPDATE_H
#define _LINUX_RCUPDATE_H

#include <linux/atomic.h>
#include <linux/preempt.h>
#include <linux/rcu_reader.h>
#include <linux/types.h>

#ifdef SHIM_STRICT
void rcu_read_lock(void);
void rcu_read_unlock(void);
bool rcu_read_lock_held(void);
#else
static __always_inline void rcu_read_lock(void)
{
	shim_reader_enter();
}

static __always_inline void rcu_read_unlock(void)
{
	shim_reader_leave();
}
#endif

void synchronize_rcu(void);
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void rcu_barrier(void);

/* As in the kernel, the place of the head in what is freed stands for it. */
#define RCU_FREE_MAX 4096
#define kfree_rcu(ptr, head)                                                  \
	do {                                                                  \
		__typeof__(ptr) freed = (ptr);                                \
                                                                              \
		static_assert(offsetof(__typeof__(*freed), head) <            \
			      RCU_FREE_MAX);                                  \
		call_rcu(&freed->head, (void (*)(struct rcu_head *))offsetof( \
					       __typeof__(*freed), head));    \
	} while (0)

/* A hurry that only a scheduler could show. */
#define synchronize_rcu_expedited() synchronize_rcu()

#define rcu_assign_pointer(p, v)	   smp_store_release(&(p), v)
#define rcu_dereference(p)		   __atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_dereference_protected(p, cond) (p)

#endif /* _LINUX_RCUPDATE_H */
