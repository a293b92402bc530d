/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inside of RCU read-side sections: no kernel header. In the checking
 * builds a section is one of liburcu's, instrumented.
 *
 * In the fast build a thread that is a CPU notes its sections in a word of its
 * own, as preempt_count is one in the kernel: a grace period makes the others
 * execute a barrier, by membarrier(2), and then looks at each word. So a
 * section takes no barrier, no call and no pointer, which is what liburcu-bp's
 * cost: two of them were two fifths of a get and put. The scheme is its, with
 * a count of grace periods in place of two phases (Desnoyers et al.,
 * "User-Level Implementations of Read-Copy Update", TPDS 2012). Threads that
 * are no CPU, and all of them where the system has no membarrier(2), are in
 * liburcu's sections here, too.
 */
#ifndef _LINUX_RCU_READER_H
#define _LINUX_RCU_READER_H

#include <asm/barrier.h>
#include <asm/thunk.h>
#include <linux/thread_info.h>

#ifdef SHIM_STRICT
void shim_reader_enter(void);
void shim_reader_leave(void);
#else
/*
 * thread_info.section: how deep the thread is in sections, and above that the
 * number of the grace period that was the last to begin before the outermost.
 */
#define SECTION_DEPTH  0xffffULL
#define SECTION_STEP   (SECTION_DEPTH + 1)
/* Instead of that number, where liburcu counts: deep, so that it is noticed. */
#define SECTION_SHARED (1ULL << 63 | 1ULL << 15)

/* What a section that begins now is to note: a depth of one. */
extern u64 shim_grace_period;

void shim_section_nest(void);
void shim_section_leave_shared(void);

/* Where the thread's sections are liburcu's. */
static __always_inline bool shim_section_is_shared(const struct thread_info *t)
{
	return (s64)t->section < 0;
}

/*
 * Plain accesses of the thread's own word: an interrupt leaves it as it was,
 * and barrier() keeps them where they are.
 */
static __always_inline void shim_reader_enter(void)
{
	struct thread_info *t = &shim_thread;

	if (unlikely(t->section & SECTION_DEPTH))
		call_thunk(shim_section_nest);
	else /* Pairs with the store in grace_period_number(). */
		t->section = smp_load_acquire(&shim_grace_period);
	/* Pairs with membarrier(2) in sections_wait(). */
	barrier();
}

/*
 * Ends a section; returns whether it was liburcu's, by the word as it was: once
 * it is written, a signal handler may make the thread one that others look at.
 */
static __always_inline bool shim_section_end(struct thread_info *t)
{
#ifdef __x86_64__
	bool shared;

	__asm__ volatile("subq $1, %0" : "+m"(t->section), "=@ccs"(shared));
	return shared;
#else
	u64 section = t->section - 1;

	t->section = section;
	return (s64)section < 0;
#endif
}

static __always_inline void shim_reader_leave(void)
{
	barrier();
	if (unlikely(shim_section_end(&shim_thread)))
		call_thunk(shim_section_leave_shared);
}
#endif

#endif /* _LINUX_RCU_READER_H */
