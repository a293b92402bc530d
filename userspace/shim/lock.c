// SPDX-License-Identifier: GPL-2.0
/*
 * Locks, RCU, and the way through fork() for both.
 *
 * fork() takes one thread along. Whatever another one was changing under a
 * lock would stay half changed for ever, so that no lock may be held while it
 * happens, but by the thread that forks: every thread is counted at a gate
 * while it holds locks, and fork() closes the gate and waits until nobody is
 * inside. Who holds a mutex may wait for others, for readers most of all, which
 * may stand before the gate in the middle of what he waits for: so the gate is
 * closed for mutexes first, and for all locks when nobody has one any more. What
 * he waits for may need a mutex, too, so a fork that takes too long opens the
 * gate again and has another try.
 *
 * In the fast build what a thread tells others it writes to a word of its own:
 * the read-side section that it is in, the locks that it holds. Whoever wants
 * to know makes all threads execute a barrier first, by membarrier(2).
 */
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <shim.h>
#include <linux/membarrier.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <urcu/arch.h>

#ifdef SHIM_TSAN
#include <sanitizer/tsan_interface.h>
#else
#define __tsan_acquire(addr) ((void)(addr))
#define __tsan_release(addr) ((void)(addr))
#endif

/* <urcu/urcu-bp.h> has a struct rcu_head that is not the kernel's. */
void urcu_bp_read_lock(void);
void urcu_bp_read_unlock(void);
void urcu_bp_synchronize_rcu(void);
void urcu_bp_before_fork(void);
void urcu_bp_after_fork_parent(void);
void urcu_bp_after_fork_child(void);

#ifdef SHIM_TSAN
/*
 * What a fence is about: the loads before it, and the stores after it. A few
 * are enough for how fences are used, and few hide little. The fence itself is
 * out of sight of the compilers, which warn that the checker does not know it.
 */
static __thread struct {
	const volatile void *loads[4];
	unsigned int nr_loads;
	unsigned int nr_stores;
} fence;

void shim_loaded(const volatile void *ptr)
{
	fence.loads[fence.nr_loads++ % ARRAY_SIZE(fence.loads)] = ptr;
}

bool shim_store_releases(void)
{
	if (!fence.nr_stores)
		return false;
	fence.nr_stores--;
	return true;
}

void shim_fence(bool acquire, bool release)
{
	unsigned int i;

	__sync_synchronize();
	for (i = 0; acquire && i < ARRAY_SIZE(fence.loads); i++)
		if (fence.loads[i])
			__tsan_acquire((void *)fence.loads[i]);
	if (release)
		fence.nr_stores = 2;
}
#endif

static unsigned long self(void)
{
	return (unsigned long)&shim_thread;
}

/*
 * thread_info.locks_held: how many locks the thread holds, whether it is
 * counted at a gate for them, and above that how often it is just about to
 * pass the gate, in or out: an interrupt may be, too.
 */
#define LOCKS_COUNTED 0x8000U
#define LOCKS_GATE    0x10000U
#define LOCKS_MASK    (LOCKS_GATE - 1)

/* Holders of mutexes may move to another CPU, those of other locks may not. */
bool shim_spinlock_is_held(void)
{
	const struct thread_info *t = &shim_thread;

	return (t->locks_held & LOCKS_MASK & ~LOCKS_COUNTED) != t->mutexes_held;
}

/*
 * The holder may need this very processor to go on, and have a lower priority,
 * which sched_yield() does nothing for. What glibc calls nanosleep() would be a
 * cancellation point.
 */
static void pause_cpu(unsigned int *spins)
{
	const struct timespec a_while = { .tv_nsec = 50 * 1000 };
	int before;

	if (++*spins % 64) {
		caa_cpu_relax();
	} else if (*spins < 1024) {
		sched_yield();
	} else {
		before = errno;
		syscall(__NR_nanosleep, &a_while, NULL);
		errno = before;
	}
}

/* Threads that nobody looks at are counted, by address. */
#define NR_GATES 16

/**
 * struct gate - what is known of them
 * @inside: how many hold locks
 * @sections: fast build: how many are in read-side sections, by phase
 */
static struct gate {
	unsigned int inside;
	unsigned int sections[2];
} __aligned(64) gates[NR_GATES];

static struct gate *own_gate(void)
{
	return &gates[self() / sizeof(struct thread_info) % NR_GATES];
}

/* === Threads that others look at === */

#ifndef SHIM_STRICT
/* Protects the table: a thread in it does not go away meanwhile. */
static DEFINE_MUTEX(threads_mutex);
/* By CPU. */
static struct thread_info *threads[CONFIG_NR_CPUS];
static bool has_membarrier;

u64 shim_grace_period = SECTION_STEP + 1;
u64 shim_grace_period_marked = SECTION_STEP + SECTION_MARK + 1;

static long membarrier(int cmd)
{
	return syscall(__NR_membarrier, cmd, 0, 0);
}

static __attribute__((__constructor__(101))) void membarrier_init(void)
{
	has_membarrier = !membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

/*
 * A sandbox may refuse after a while what it has allowed before. To unmap a page
 * that is there interrupts each processor that runs a thread of the process,
 * which is a barrier there: what was done before there was membarrier(2).
 */
#ifdef __x86_64__
static bool barrier_by_unmapping(void)
{
	char *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return false;
	WRITE_ONCE(*page, 1);
	return !munmap(page, PAGE_SIZE);
}
#else
static bool barrier_by_unmapping(void)
{
	return false;
}
#endif

/* Without membarrier(2) the table is empty, and nobody is looked at. */
static void barrier_everywhere(void)
{
	int before = errno;

	smp_mb();
	if (has_membarrier && membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) &&
	    !barrier_by_unmapping())
		BUG();
	errno = before;
}

/**
 * shim_thread_attach() - from now on others look at this thread
 * @cpu: its CPU
 * @wait: where the table cannot be had at once
 *
 * Its sections and its locks are no longer counted at a gate.
 *
 * Return: false if that is not so.
 */
bool shim_thread_attach(unsigned int cpu, bool wait)
{
	if (!has_membarrier)
		return false;
	if (wait)
		mutex_lock(&threads_mutex);
	else if (!mutex_trylock(&threads_mutex))
		return false;
	WRITE_ONCE(threads[cpu], &shim_thread);
	shim_thread.section = 0;
	mutex_unlock(&threads_mutex);
	return true;
}

static void gate_count(void);
static void locks_add(unsigned int n);

/**
 * shim_thread_detach() - the inverse, before the thread goes
 * @cpu: its CPU, or that of a thread that a fork has left behind
 *
 * Context: holding a lock, which is counted at a gate from now on.
 */
void shim_thread_detach(unsigned int cpu)
{
	if (threads[cpu] != &shim_thread)
		return;
	mutex_lock(&threads_mutex);
	/* Counted already: it could not become a CPU, and holds the lock since. */
	if (!(shim_thread.locks_held & LOCKS_COUNTED)) {
		gate_count();
		locks_add(LOCKS_COUNTED);
	}
	shim_thread.section = SECTION_SHARED;
	WRITE_ONCE(threads[cpu], NULL);
	mutex_unlock(&threads_mutex);
}

static unsigned int *sections_in(unsigned int phase)
{
	return &own_gate()->sections[phase];
}

static void threads_fork_child(void)
{
	u64 section = shim_thread.section;
	unsigned int cpu;

	if (shim_section_is_shared(&shim_thread) && section & SECTION_COUNTED)
		*sections_in(!(section & SECTION_STEP)) = 1;
	for_each_possible_cpu(cpu)
		if (threads[cpu] != &shim_thread)
			threads[cpu] = NULL;
}

/* Whether a thread but this one holds locks, or may: false is for sure. */
static bool others_hold_locks(void)
{
	unsigned int cpu;
	bool found = false;

	if (!mutex_trylock(&threads_mutex))
		return true;
	for_each_possible_cpu(cpu)
		found |= threads[cpu] && threads[cpu] != &shim_thread &&
			 smp_load_acquire(&threads[cpu]->locks_held);
	mutex_unlock(&threads_mutex);
	return found;
}

/*
 * Sections of threads that nobody looks at are counted, in one of two phases. A
 * grace period begins the other one and waits for those of this one, twice: a
 * thread may have been about to be counted in the phase before. liburcu would
 * have to be told of each thread, for which it needs memory, or aborts.
 */
static unsigned int section_phase;
static DEFINE_MUTEX(phase_mutex);

/* A handler above this, in the same section, may have been first. */
static void section_count(struct thread_info *t)
{
	unsigned int phase;
	u64 before;

	if (t->section & SECTION_COUNTED)
		return;
	phase = READ_ONCE(section_phase);
	__atomic_fetch_add(sections_in(phase), 1, __ATOMIC_RELAXED);
	/* Pairs with the one in phase_wait(): count first, then read. */
	smp_mb__after_atomic();
	before = __atomic_fetch_or(&t->section, SECTION_STEP << phase,
				   __ATOMIC_RELAXED);
	if (before & SECTION_COUNTED)
		__atomic_fetch_sub(sections_in(phase), 1, __ATOMIC_RELAXED);
}

/* One that comes before the bits are cleared is in the section that ends. */
static void section_uncount(struct thread_info *t)
{
	const u64 outside = SECTION_SHARED & SECTION_DEPTH;
	u64 before;

	if ((t->section & SECTION_DEPTH) > outside)
		return;
	before = __atomic_fetch_and(&t->section, ~SECTION_COUNTED,
				    __ATOMIC_RELAXED);
	/* Pairs with the load in phase_wait(). */
	if (before & SECTION_COUNTED)
		__atomic_fetch_sub(sections_in(!(before & SECTION_STEP)), 1,
				   __ATOMIC_RELEASE);
}

static void phase_wait(unsigned int phase)
{
	unsigned int i, spins = 0;

	/* Pairs with the one in section_count(). */
	smp_mb();
	for (i = 0; i < NR_GATES; i++)
		while (smp_load_acquire(&gates[i].sections[phase]))
			pause_cpu(&spins);
}

static void counted_sections_wait(void)
{
	unsigned int phase, i;

	mutex_lock(&phase_mutex);
	for (i = 0; i < 2; i++) {
		phase = section_phase;
		WRITE_ONCE(section_phase, !phase);
		phase_wait(phase);
	}
	mutex_unlock(&phase_mutex);
}

/*
 * A section inside of another, or one of a thread that nobody looks at. What a
 * signal handler finds here may change in it, hence the order.
 */
__attribute__((__used__)) void shim_section_nest(void)
{
	struct thread_info *t = &shim_thread;

	if (t->section == SECTION_SHARED)
		shim_thread_join();
	t->section++;
	if (shim_section_is_shared(t))
		section_count(t);
}

DEFINE_THUNK(shim_section_nest);

/*
 * The same with the mark. Returns false if it is set, in an NMI, which has come
 * inside of a section, and where the thread shares its CPU with others.
 */
__attribute__((__used__)) u64 shim_section_nest_marked(void)
{
	struct thread_info *t = &shim_thread;

	if (t->section & SECTION_MARK || in_nmi())
		return false;
	shim_section_nest();
	if (t->cpu == SHIM_NO_CPU) {
		shim_reader_leave();
		return false;
	}
	t->section += SECTION_MARK;
	return true;
}

DEFINE_THUNK(shim_section_nest_marked);

__attribute__((__used__)) void shim_section_leave_shared(void)
{
	section_uncount(&shim_thread);
}

DEFINE_THUNK(shim_section_leave_shared);

/* Returns the number that sections which begin from now on have. */
static u64 grace_period_number(void)
{
	u64 number;

	mutex_lock(&threads_mutex);
	number = (shim_grace_period + SECTION_STEP) & ~SECTION_DEPTH;
	/* Pairs with shim_reader_enter(): who has it sees what was written. */
	smp_store_release(&shim_grace_period, number + 1);
	smp_store_release(&shim_grace_period_marked, number + SECTION_MARK + 1);
	mutex_unlock(&threads_mutex);
	return number;
}

/* A reader may wait for a thread to begin or end, hence one look at a time. */
static bool in_older_section(unsigned int cpu, u64 number)
{
	u64 section = 0;

	mutex_lock(&threads_mutex);
	if (threads[cpu])
		section = READ_ONCE(threads[cpu]->section);
	mutex_unlock(&threads_mutex);
	return section & SECTION_DEPTH && section < number;
}

/* Waits for the sections that there are, but for the program's own. */
static void sections_wait(void)
{
	unsigned int cpu, spins = 0;
	u64 number = grace_period_number();

	/*
	 * Pairs with the barrier() in shim_reader_enter(): a section that is
	 * not seen below sees all that was written before.
	 */
	barrier_everywhere();
	for_each_possible_cpu(cpu)
		while (READ_ONCE(threads[cpu]) && in_older_section(cpu, number))
			pause_cpu(&spins);
	/* Pairs with the one in shim_reader_leave(): what was done is seen. */
	barrier_everywhere();
	counted_sections_wait();
}
#else
#define shim_section_is_shared(t) true

static void barrier_everywhere(void)
{
	smp_mb();
}

bool shim_thread_attach(unsigned int cpu, bool wait)
{
	return false;
}

void shim_thread_detach(unsigned int cpu)
{
}

static void threads_fork_child(void)
{
}

static bool others_hold_locks(void)
{
	return false;
}
#endif

/* === The gate === */

/* So long does fork() try to close the gate, each time, and in all. */
#define CLOSE_JIFFIES (HZ / 4)
#define FORK_JIFFIES  (5 * HZ)
/* And so long for a moment when no work item runs. */
#define IDLE_JIFFIES (HZ / 20)

/* The thread that forks, or 0. */
static unsigned long forking;

/* For whom the gate is closed. */
static enum {
	GATE_OPEN,
	GATE_MUTEXES,
	GATE_ALL,
} gate_closed;

/* How many mutexes are held, or about to be if the gate is open for them. */
static unsigned int nr_mutexes;

/* Pairs with the release that opens it: what is forked is done. */
static bool gate_is_closed(unsigned int to)
{
	return smp_load_acquire(&gate_closed) >= to &&
	       READ_ONCE(forking) != self();
}

/*
 * Relaxed, with a fence: that two threads pass the gate orders nothing that
 * they do, and a checker of races must not be led to think so.
 */
static void gate_count(void)
{
	__atomic_fetch_add(&own_gate()->inside, 1, __ATOMIC_RELAXED);
	/* Pairs with the one in gate_close(). */
	smp_mb__after_atomic();
}

static void gate_uncount(void)
{
	__atomic_fetch_sub(&own_gate()->inside, 1, __ATOMIC_RELEASE);
}

/* What others look at; an interrupt leaves it as it was. */
static void locks_add(unsigned int n)
{
	struct thread_info *t = &shim_thread;

	/* Pairs with the load in others_hold_locks(). */
	smp_store_release(&t->locks_held, t->locks_held + n);
	barrier();
}

/*
 * The first lock: with it the thread is inside, unless the gate is closed.
 * Until it is, and once it is about to be outside again, it holds none, so that
 * an interrupt passes the gate by itself, in and out.
 */
static void gate_enter(void)
{
	unsigned int spins = 0;

	for (;;) {
		unsigned int first = 1;

		locks_add(LOCKS_GATE);
		if (shim_section_is_shared(&shim_thread)) {
			first = 1 + LOCKS_COUNTED;
			gate_count();
		}
		/* Else pairs with membarrier(2) in gate_close(). */
		barrier();
		if (likely(!gate_is_closed(GATE_ALL))) {
			locks_add(first - LOCKS_GATE);
			return;
		}
		if (first != 1)
			gate_uncount();
		locks_add(-LOCKS_GATE);
		while (gate_is_closed(GATE_ALL))
			pause_cpu(&spins);
	}
}

static void lock_enter(void)
{
	if (!(shim_thread.locks_held & LOCKS_MASK))
		gate_enter();
	else
		locks_add(1);
}

static void lock_leave(void)
{
	if (likely((shim_thread.locks_held & LOCKS_MASK) !=
		   1 + LOCKS_COUNTED)) {
		locks_add(-1);
		return;
	}
	locks_add(LOCKS_GATE - LOCKS_COUNTED - 1);
	gate_uncount();
	locks_add(-LOCKS_GATE);
}

/**
 * shim_gate_enter() - have fork() wait until what begins here is whole
 *
 * As with a lock, of which others need not wait to be given up.
 *
 * Context: any.
 */
void shim_gate_enter(void)
{
	lock_enter();
}

/* shim_gate_leave() - the inverse. */
void shim_gate_leave(void)
{
	lock_leave();
}

/* Whom others wait for, or who has one already, is let through. */
static bool mutexes_are_shut(void)
{
	return shim_thread.mutexes_held == 1 && !shim_thread.locks_held &&
	       !shim_thread.worker && gate_is_closed(GATE_MUTEXES);
}

/* Returns false, and nothing done, if that would have to wait. */
static bool mutex_try_enter(void)
{
	shim_thread.mutexes_held++;
	__atomic_fetch_add(&nr_mutexes, 1, __ATOMIC_RELAXED);
	/* Pairs with the one in mutexes_wait(). */
	smp_mb__after_atomic();
	if (!mutexes_are_shut()) {
		lock_enter();
		return true;
	}
	__atomic_fetch_sub(&nr_mutexes, 1, __ATOMIC_RELEASE);
	shim_thread.mutexes_held--;
	return false;
}

static void mutex_enter(void)
{
	unsigned int spins = 0;

	while (!mutex_try_enter())
		while (gate_is_closed(GATE_MUTEXES))
			pause_cpu(&spins);
}

static void mutex_leave(void)
{
	lock_leave();
	__atomic_fetch_sub(&nr_mutexes, 1, __ATOMIC_RELEASE);
	shim_thread.mutexes_held--;
}

/* Waits until nobody else holds a mutex, with the gate closed for them. */
static bool mutexes_wait(void)
{
	u64 end = get_jiffies_64() + CLOSE_JIFFIES;
	unsigned int spins = 0;

	/* Pairs with the one in mutex_try_enter(). */
	smp_mb();
	while (smp_load_acquire(&nr_mutexes) != shim_thread.mutexes_held) {
		if ((s64)(get_jiffies_64() - end) > 0)
			return false;
		pause_cpu(&spins);
	}
	return true;
}

static bool gate_is_empty(void)
{
	unsigned int own = shim_thread.locks_held & LOCKS_COUNTED ? 1 : 0;
	unsigned int i, inside = 0;

	/* First: a thread that others no longer look at is counted by then. */
	if (others_hold_locks())
		return false;
	for (i = 0; i < NR_GATES; i++)
		inside += __atomic_load_n(&gates[i].inside, __ATOMIC_ACQUIRE);
	return inside == own;
}

static bool gate_close_all(bool want_idle)
{
	unsigned int i;

	WRITE_ONCE(gate_closed, GATE_ALL);
	/* Pairs with the barriers in gate_count() and gate_enter(). */
	barrier_everywhere();
	for (i = 0; i < 1000; i++) {
		if (gate_is_empty() && (!want_idle || shim_workers_idle()))
			return true;
		sched_yield();
	}
	return false;
}

static void gate_open(void)
{
	smp_store_release(&gate_closed, GATE_OPEN);
	smp_store_release(&forking, 0);
}

static bool gate_close(bool want_idle)
{
	unsigned int spins = 0;
	unsigned long none = 0;

	while (!try_cmpxchg(&forking, &none, self())) {
		none = 0;
		pause_cpu(&spins);
	}
	WRITE_ONCE(gate_closed, GATE_MUTEXES);
	if (mutexes_wait() && gate_close_all(want_idle))
		return true;
	gate_open();
	return false;
}

/**
 * shim_lock_fork_prepare() - wait until no other thread holds a lock
 *
 * Nor should a work item be half done in the child; but one that waits for
 * something may take for ever, so that this is only tried for a while. And a
 * parent that hangs, because it forks in a signal handler that has interrupted
 * it at the gate itself, would be worse than a child that may.
 */
void shim_lock_fork_prepare(void)
{
	u64 begin = get_jiffies_64(), elapsed = 0;
	unsigned int spins = 1024;

	while (elapsed <= FORK_JIFFIES && !gate_close(elapsed < IDLE_JIFFIES)) {
		pause_cpu(&spins);
		elapsed = get_jiffies_64() - begin;
	}
	urcu_bp_before_fork();
}

void shim_lock_fork_done(bool child)
{
	if (child) {
		urcu_bp_after_fork_child();
		/* Others may have been about to see that it is closed. */
		memset(gates, 0, sizeof(gates));
		own_gate()->inside =
			shim_thread.locks_held & LOCKS_COUNTED ? 1 : 0;
		nr_mutexes = shim_thread.mutexes_held;
		threads_fork_child();
	} else {
		urcu_bp_after_fork_parent();
	}
	if (READ_ONCE(forking) == self())
		gate_open();
}

/* === Spinlocks === */

/*
 * Nothing that holds a raw lock calls the module's functions. In the library,
 * who finds his own thread inside of one is a signal handler of the
 * application's, which must not wait for it: he is in an NMI.
 */
#ifdef SHIM_LIB
#define RAW_LOCK_OFFSET NMI_OFFSET
#else
#define RAW_LOCK_OFFSET 0U
#endif

static void raw_lock_enter(void)
{
	preempt_disable();
	preempt_count() += RAW_LOCK_OFFSET;
	barrier();
}

static void raw_lock_leave(void)
{
	barrier();
	preempt_count() -= RAW_LOCK_OFFSET;
	preempt_enable();
}

#ifdef SHIM_STRICT
bool shim_lock_is_held(const struct lockdep_map *map)
{
	return READ_ONCE(map->owner) == self();
}

void shim_lockdep_assert(bool ok, const char *what, const char *file, int line)
{
	if (!ok)
		shim_warn(file, line, "%s\n", what);
}

/* How a lock is used here, as a bit of lockdep_map.usage. */
static unsigned int usage_here(void)
{
	unsigned int usage = 0;

	if (in_hardirq())
		usage |= LOCKDEP_HARDIRQ;
	else if (!irqs_disabled())
		usage |= LOCKDEP_HARDIRQS_ON;
	if (in_serving_softirq())
		usage |= LOCKDEP_SOFTIRQ;
	else if (!irqs_disabled() && !in_interrupt())
		usage |= LOCKDEP_SOFTIRQS_ON;
	return usage;
}

static void check_usage(struct lockdep_map *map)
{
	const unsigned int hard = LOCKDEP_HARDIRQ | LOCKDEP_HARDIRQS_ON;
	const unsigned int soft = LOCKDEP_SOFTIRQ | LOCKDEP_SOFTIRQS_ON;
	unsigned int usage = usage_here(), before;

	if ((READ_ONCE(map->usage) & usage) == usage)
		return;
	before = __atomic_fetch_or(&map->usage, usage, __ATOMIC_RELAXED);
	usage |= before;
	if (((usage & hard) == hard && (before & hard) != hard) ||
	    ((usage & soft) == soft && (before & soft) != soft))
		WARN(1,
		     "a lock taken in interrupts is also held with interrupts on\n");
}
#else
static void check_usage(struct lockdep_map *map)
{
}
#endif

static void map_lock(struct lockdep_map *map)
{
	unsigned long owner = READ_ONCE(map->owner);
	unsigned int spins = 0;

	if (unlikely(owner == self())) {
		WARN(1, "a lock taken twice by one thread: a deadlock\n");
		BUG();
	}
	check_usage(map);
	lock_enter();
	owner = 0;
	while (!try_cmpxchg_acquire(&map->owner, &owner, self())) {
		owner = 0;
		while (READ_ONCE(map->owner))
			pause_cpu(&spins);
	}
}

static bool map_trylock(struct lockdep_map *map)
{
	unsigned long owner = 0;

	lock_enter();
	if (try_cmpxchg_acquire(&map->owner, &owner, self()))
		return true;
	lock_leave();
	return false;
}

static void map_unlock(struct lockdep_map *map)
{
	WARN(READ_ONCE(map->owner) != self(),
	     "a lock released that is not held\n");
	smp_store_release(&map->owner, 0);
	lock_leave();
}

void raw_spin_lock_init(raw_spinlock_t *lock)
{
	*lock = (raw_spinlock_t)SHIM_UNLOCKED;
}

void raw_spin_lock(raw_spinlock_t *lock)
{
	raw_lock_enter();
	map_lock(&lock->dep_map);
}

bool raw_spin_trylock(raw_spinlock_t *lock)
{
	raw_lock_enter();
	if (map_trylock(&lock->dep_map))
		return true;
	raw_lock_leave();
	return false;
}

void raw_spin_unlock(raw_spinlock_t *lock)
{
	map_unlock(&lock->dep_map);
	raw_lock_leave();
}

unsigned long shim_raw_spin_lock_irqsave(raw_spinlock_t *lock)
{
	unsigned long flags = shim_irq_save();

	raw_spin_lock(lock);
	return flags;
}

void raw_spin_unlock_irqrestore(raw_spinlock_t *lock, unsigned long flags)
{
	raw_spin_unlock(lock);
	shim_irq_restore(flags);
}

/* For the shim's own files. Returns false if this thread holds the lock. */
bool lock_unless_held(raw_spinlock_t *lock, unsigned long *flags)
{
#ifndef SHIM_STRICT
	/*
	 * Nothing but a signal handler of the application's can be above a
	 * holder. In the checking builds there is none: it is a deadlock.
	 */
	if (unlikely(READ_ONCE(lock->dep_map.owner) == self()))
		return false;
#endif
	*flags = shim_raw_spin_lock_irqsave(lock);
	return true;
}

void spin_lock_init(spinlock_t *lock)
{
	*lock = (spinlock_t)SHIM_UNLOCKED;
}

void spin_lock(spinlock_t *lock)
{
	/* There it sleeps, and it keeps its holder's preemption on. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		might_sleep();
	else
		preempt_disable();
	map_lock(&lock->dep_map);
}

void spin_unlock(spinlock_t *lock)
{
	map_unlock(&lock->dep_map);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_enable();
}

/* === Mutexes === */

#ifdef SHIM_STRICT
static bool mutex_take(struct mutex *lock, bool waited)
{
	return waited ? !pthread_mutex_lock(&lock->state) :
			!pthread_mutex_trylock(&lock->state);
}

static void mutex_give(struct mutex *lock)
{
	pthread_mutex_unlock(&lock->state);
}

/* ThreadSanitizer is to see that it waits. */
static void mutex_acquire(struct mutex *lock)
{
	mutex_enter();
	mutex_take(lock, true);
}
#else
/* As in Drepper, "Futexes Are Tricky". */
static bool mutex_take(struct mutex *lock, bool waited)
{
	unsigned int unlocked = 0;

	if (waited)
		return !xchg(&lock->state, 2);
	return try_cmpxchg_acquire(&lock->state, &unlocked, 1);
}

static void futex(struct mutex *lock, int op, unsigned int val)
{
	int before = errno;

	syscall(__NR_futex, &lock->state, op | FUTEX_PRIVATE_FLAG, val, NULL);
	errno = before;
}

static void mutex_give(struct mutex *lock)
{
	if (xchg(&lock->state, 0) == 2)
		futex(lock, FUTEX_WAKE, 1);
}

/* Who waits has no lock, and is outside of the gate: a fork need not wait. */
static void mutex_acquire(struct mutex *lock)
{
	bool waited = false;

	for (;;) {
		mutex_enter();
		if (mutex_take(lock, waited))
			return;
		mutex_leave();
		if (waited)
			futex(lock, FUTEX_WAIT, 2);
		waited = true;
	}
}
#endif

void mutex_init(struct mutex *lock)
{
	*lock = (struct mutex)__MUTEX_INITIALIZER(*lock);
}

void mutex_lock(struct mutex *lock)
{
	shim_might_sleep(__FILE__, __LINE__);
	if (unlikely(READ_ONCE(lock->dep_map.owner) == self())) {
		WARN(1, "a mutex taken twice by one thread: a deadlock\n");
		BUG();
	}
	/* Whoever calls back to the program under it may be cancelled there. */
	shim_cancel_disable();
	mutex_acquire(lock);
	WRITE_ONCE(lock->dep_map.owner, self());
}

bool mutex_trylock(struct mutex *lock)
{
	WARN(in_interrupt(), "mutex_trylock() in an interrupt\n");
	shim_cancel_disable();
	if (mutex_try_enter()) {
		if (mutex_take(lock, false)) {
			WRITE_ONCE(lock->dep_map.owner, self());
			return true;
		}
		mutex_leave();
	}
	shim_cancel_enable();
	return false;
}

void mutex_unlock(struct mutex *lock)
{
	WARN(READ_ONCE(lock->dep_map.owner) != self(),
	     "a mutex released by a thread that does not hold it\n");
	WRITE_ONCE(lock->dep_map.owner, 0);
	mutex_give(lock);
	mutex_leave();
	shim_cancel_enable();
}

/* === RCU === */

#ifdef SHIM_STRICT
/* What a grace period's start tells readers, and readers' ends tell it. */
static char grace_period, readers;
static __thread unsigned int reader_depth;

void shim_reader_enter(void)
{
	urcu_bp_read_lock();
	if (!reader_depth++)
		__tsan_acquire(&grace_period);
}

void shim_reader_leave(void)
{
	if (!--reader_depth)
		__tsan_release(&readers);
	urcu_bp_read_unlock();
}

void rcu_read_lock(void)
{
	shim_thread.rcu_nesting++;
	barrier();
	shim_reader_enter();
}

void rcu_read_unlock(void)
{
	shim_reader_leave();
	barrier();
	WARN(!shim_thread.rcu_nesting--,
	     "rcu_read_unlock() without rcu_read_lock()\n");
}

bool rcu_read_lock_held(void)
{
	return shim_thread.rcu_nesting;
}

static void grace_period_start(void)
{
	if (WARN(reader_depth, "a reader waits for readers: a deadlock\n"))
		BUG();
	__tsan_release(&grace_period);
}

static void sections_wait(void)
{
}

static void grace_period_end(void)
{
	__tsan_acquire(&readers);
}
#else
static void grace_period_start(void)
{
}

static void grace_period_end(void)
{
}
#endif

void synchronize_rcu(void)
{
	int before;

	shim_might_sleep(__FILE__, __LINE__);
	before = shim_libc_enter();
	grace_period_start();
	urcu_bp_synchronize_rcu();
	sections_wait();
	grace_period_end();
	shim_libc_leave(before);
}
