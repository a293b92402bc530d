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
 * are no CPU, and all of them where the system has no membarrier(2), are
 * counted together: see section_count().
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
 * thread_info.section: how deep the thread is in sections, whether its CPU lock
 * is taken, and above that the number of the grace period that was the
 * last to begin before the outermost.
 */
#define SECTION_DEPTH	0xffffULL
#define SECTION_STEP	(SECTION_DEPTH + 1)
#define SECTION_MARK	(1ULL << 14)
/* Instead of that number, where they are counted: deep, so that it is noticed. */
#define SECTION_SHARED	(1ULL << 63 | 1ULL << 15)
/* And where it is counted, if it is: a bit for each phase. */
#define SECTION_COUNTED (3 * SECTION_STEP)

/* What a section that begins now is to note: a depth of one; and the mark. */
extern u64 shim_grace_period;
extern u64 shim_grace_period_marked;

void shim_section_nest(void);
u64 shim_section_nest_marked(void);
void shim_section_leave_shared(void);

/* Where the thread's sections are counted. */
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
 * The same with the mark set, by the one store where the thread is in no
 * section; false, and nothing done, where shim_section_nest_marked() says so. An
 * interrupt that comes before it is finds none, and leaves the word as it was.
 */
static __always_inline bool shim_reader_enter_marked(void)
{
	struct thread_info *t = &shim_thread;

	if (unlikely(t->section & SECTION_DEPTH)) {
		if (!call_thunk(shim_section_nest_marked))
			return false;
	} else { /* Pairs with the store in grace_period_number(). */
		t->section = smp_load_acquire(&shim_grace_period_marked);
	}
	/* As in shim_reader_enter(), and for interrupts. */
	barrier();
	return true;
}

/* The same; false in any section, as all are of a thread nobody looks at. */
static __always_inline bool shim_reader_enter_outermost(void)
{
	struct thread_info *t = &shim_thread;

	if (unlikely(t->section & SECTION_DEPTH))
		return false;
	/* Pairs with the store in grace_period_number(). */
	t->section = smp_load_acquire(&shim_grace_period_marked);
	/* As in shim_reader_enter(), and for interrupts. */
	barrier();
	return true;
}

/* The inverse: a number of no grace period is as good as an old one. */
static __always_inline void shim_reader_leave_outermost(void)
{
	barrier();
	shim_thread.section = 0;
}

static __always_inline void shim_reader_unmark(void)
{
	barrier();
	shim_thread.section -= SECTION_MARK;
}

/*
 * Ends a section; returns whether it was counted, by the word as it was: once
 * it is written, a signal handler may make the thread one that others look at.
 */
static __always_inline bool shim_section_end(struct thread_info *t, int by)
{
#ifdef __x86_64__
	bool shared;

	__asm__ volatile("subq %2, %0"
			 : "+m"(t->section), "=@ccs"(shared)
			 : "i"(by));
	return shared;
#else
	u64 section = t->section - by;

	t->section = section;
	return (s64)section < 0;
#endif
}

static __always_inline void shim_reader_leave(void)
{
	barrier();
	if (unlikely(shim_section_end(&shim_thread, 1)))
		call_thunk(shim_section_leave_shared);
}

static __always_inline void shim_reader_leave_marked(void)
{
	barrier();
	if (unlikely(shim_section_end(&shim_thread, SECTION_MARK + 1)))
		call_thunk(shim_section_leave_shared);
}
#endif

#endif /* _LINUX_RCU_READER_H */
