/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instrumented. No other thread runs on this thread's CPU, so there is
 * nothing to disable; but a section without preemption is an RCU reader, as it
 * has been in kernels since 5.0, and that is real. The checking builds count
 * sections, so that sleeping in one is caught. The fast build does not: its
 * preempt_count has the interrupt context alone.
 */
#ifndef _LINUX_PREEMPT_H
#define _LINUX_PREEMPT_H

#include <asm/preempt.h>
#include <linux/rcu_reader.h>
#include <linux/thread_info.h>

/*
 * The CPU lock, as kernel/host.h has it for kernels. No kernel's names: what
 * is one word here, in the fast build, is two there.
 */
#ifdef SHIM_STRICT
void preempt_disable(void);
void preempt_enable(void);

/* As in the fast build: see shim_section_nest_marked(). */
static inline bool cpu_trylock(void)
{
	preempt_disable();
	if (!shim_thread.marked && !in_nmi() &&
	    shim_thread.cpu != SHIM_NO_CPU) {
		shim_thread.marked = true;
		barrier();
		return true;
	}
	preempt_enable();
	return false;
}

static inline void __cpu_unlock(void)
{
	barrier();
	shim_thread.marked = false;
}

static inline void cpu_unlock(void)
{
	__cpu_unlock();
	preempt_enable();
}

#define cpu_lock_assert_held() ((void)WARN_ON(!shim_thread.marked))

/* As strict as the fast build. */
static inline bool cpu_trylock_fast(void)
{
	return !preempt_count() && !shim_thread.irqs_off &&
	       !shim_thread.rcu_nesting && cpu_trylock();
}

static inline void cpu_unlock_fast(void)
{
	cpu_unlock();
}
#else
#define cpu_lock_assert_held() ((void)0)

static __always_inline bool cpu_trylock(void)
{
	return shim_reader_enter_marked();
}

static __always_inline void __cpu_unlock(void)
{
	shim_reader_unmark();
}

static __always_inline void cpu_unlock(void)
{
	shim_reader_leave_marked();
}

static __always_inline bool cpu_trylock_fast(void)
{
	return shim_reader_enter_outermost();
}

static __always_inline void cpu_unlock_fast(void)
{
	shim_reader_leave_outermost();
}

static __always_inline void preempt_disable(void)
{
	shim_reader_enter();
}

static __always_inline void preempt_enable(void)
{
	shim_reader_leave();
}

#endif

/* On PREEMPT_RT soft interrupts are threads, which anything may preempt. */
#ifdef CONFIG_PREEMPT_RT
#define preemptible() \
	(!(preempt_count() & ~SOFTIRQ_MASK) && !shim_thread.irqs_off)
#else
#define preemptible() (!preempt_count() && !shim_thread.irqs_off)
#endif

#endif /* _LINUX_PREEMPT_H */
