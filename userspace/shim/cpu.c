// SPDX-License-Identifier: GPL-2.0
/*
 * Threads as CPUs: numbers, hotplug, and what a thread may do
 * where. A thread becomes a CPU where it does something that may sleep for the
 * first time, holding no lock: hotplug callbacks may sleep and take any. Where
 * there are none, as in the library, its first read-side section will do, in a
 * signal handler even: nothing waits there.
 */
#include <linux/cpu.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcu_reader.h>
#include <linux/sched.h>
#include <shim.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

__thread struct thread_info shim_thread = {
	.cpu = SHIM_NO_CPU,
#ifndef SHIM_STRICT
	.section = SECTION_SHARED,
#endif
};

/* Protects what follows, and is held while callbacks run. */
static DEFINE_MUTEX(hotplug_mutex);

/* In a forked child: CPUs whose threads do not exist any more. */
static bool orphans;

/**
 * struct cpu - an entry of the table of CPU numbers
 * @taken: a thread has the number, or is just getting it or giving it back
 * @online: between the callbacks of either
 */
static struct cpu {
	bool taken;
	bool online;
} cpus[CONFIG_NR_CPUS];

static unsigned int nr_taken;

/* A state that the module has set up callbacks for. */
static struct step {
	bool used;
	int (*startup)(unsigned int cpu, struct hlist_node *node);
	int (*teardown)(unsigned int cpu, struct hlist_node *node);
	struct hlist_head instances;
} steps[CPUHP_AP_ONLINE_DYN_END + 1];

#ifndef SHIM_STRICT
unsigned int shim_nr_processors = 1;

static __attribute__((__constructor__(101))) void count_processors(void)
{
	long nr = sysconf(_SC_NPROCESSORS_ONLN);

	shim_nr_processors = clamp_t(long, nr, 1, SHIM_LAST_CPU);
}
#endif

/* === Hotplug === */

bool cpu_online(unsigned int cpu)
{
	return cpu < nr_cpu_ids && READ_ONCE(cpus[cpu].online);
}

unsigned int num_online_cpus(void)
{
	unsigned int cpu, nr = 0;

	for_each_online_cpu(cpu)
		nr++;
	return nr;
}

void cpus_read_lock(void)
{
	mutex_lock(&hotplug_mutex);
}

bool cpus_read_trylock(void)
{
	return mutex_trylock(&hotplug_mutex);
}

void cpus_read_unlock(void)
{
	mutex_unlock(&hotplug_mutex);
}

static void step_teardown(struct step *step, unsigned int cpu)
{
	struct hlist_node *node;

	if (!step->teardown)
		return;
	for (node = step->instances.first; node; node = node->next)
		step->teardown(cpu, node);
}

static int step_startup(struct step *step, unsigned int cpu)
{
	struct hlist_node *node;

	if (!step->startup)
		return 0;
	for (node = step->instances.first; node; node = node->next) {
		/* What has been started is torn down with the rest. */
		if (step->startup(cpu, node)) {
			step_teardown(step, cpu);
			return -ENOMEM;
		}
	}
	return 0;
}

static void steps_down(int from, int to, unsigned int cpu)
{
	while (from > to)
		step_teardown(&steps[--from], cpu);
}

/* Returns the first step that has not been done. */
static int steps_up(int from, int to, unsigned int cpu)
{
	while (from < to && !step_startup(&steps[from], cpu))
		from++;
	return from;
}

static void thread_take_cpu(unsigned int cpu)
{
	shim_thread.cpu_offset = cpu * PCPU_STRIDE;
	shim_thread.cpu = cpu;
}

/* The CPU whose part this thread plays goes away, for whatever reason. */
static void cpu_down(void)
{
	unsigned int cpu = shim_thread.cpu;

	lockdep_assert_held(&hotplug_mutex);
	steps_down(CPUHP_AP_ONLINE_DYN_END, CPUHP_AP_ONLINE_DYN, cpu);
	WRITE_ONCE(cpus[cpu].online, false);
	shim_thread_detach(cpu);
	thread_take_cpu(SHIM_NO_CPU);
	steps_down(CPUHP_BP_PREPARE_DYN_END, CPUHP_BP_PREPARE_DYN, cpu);
	cpus[cpu].taken = false;
	WRITE_ONCE(nr_taken, nr_taken - 1);
}

static bool cpu_up(unsigned int cpu)
{
	int step;

	lockdep_assert_held(&hotplug_mutex);
	step = steps_up(CPUHP_BP_PREPARE_DYN, CPUHP_BP_PREPARE_DYN_END, cpu);
	if (step < CPUHP_BP_PREPARE_DYN_END) {
		steps_down(step, CPUHP_BP_PREPARE_DYN, cpu);
		return false;
	}
	cpus[cpu].taken = true;
	WRITE_ONCE(nr_taken, nr_taken + 1);
	thread_take_cpu(cpu);
	shim_thread_attach(cpu, true);
	WRITE_ONCE(cpus[cpu].online, true);
	step = steps_up(CPUHP_AP_ONLINE_DYN, CPUHP_AP_ONLINE_DYN_END, cpu);
	if (step < CPUHP_AP_ONLINE_DYN_END) {
		cpu_down();
		return false;
	}
	return true;
}

/**
 * shim_thread_exit() - give the thread's CPU back, for good
 *
 * Called early by a kernel thread: its CPU is offline before anyone is told
 * that it ends.
 */
void shim_thread_exit(void)
{
	shim_thread.exiting = true;
	/* No interrupt any more: the thread's timers have been stopped. */
	shim_thread.shielded++;
	if (shim_thread.cpu == SHIM_NO_CPU)
		return;
	mutex_lock(&hotplug_mutex);
	cpu_down();
	mutex_unlock(&hotplug_mutex);
}

/*
 * Runs before the destructors of any pthread key, liburcu's and the
 * application's, and after it the thread is none of the CPUs. What these call
 * works all the same.
 */
static void thread_exit(void *unused)
{
	shim_thread_exit();
}

int __cxa_thread_atexit_impl(void (*fn)(void *arg), void *arg, void *dso);
extern void *__dso_handle;

/*
 * The C library ends the program if it has no memory for the entry. So ask it for
 * more than the entry takes, and hand that back: more than a thread's cache of
 * freed memory holds, from which calloc() takes nothing.
 */
#define EXIT_PROBE 4096

static int exit_register(void)
{
	/* The compiler knows malloc() and free(), and would drop both. */
	void *volatile probe = malloc(EXIT_PROBE);

	if (!probe)
		return -ENOMEM;
	free(probe);
	return __cxa_thread_atexit_impl(thread_exit, NULL, &__dso_handle);
}

/* Returns SHIM_NO_CPU if the table is full. */
static unsigned int first_free_cpu(void)
{
	unsigned int cpu;

	lockdep_assert_held(&hotplug_mutex);
	for (cpu = SHIM_NO_CPU + 1; cpu <= SHIM_LAST_CPU; cpu++)
		if (!cpus[cpu].taken)
			return cpu;
	return SHIM_NO_CPU;
}

#ifndef SHIM_STRICT
/*
 * For threads that join: setting it is all that can be done in a signal
 * handler, as long as the C library has room for it without allocating. Its
 * destructor is one of the first. And for those that do their first work in
 * another one: what is registered at exit by then is not called any more.
 */
#define FIRST_KEYS 32
static pthread_key_t exit_key;
static bool has_exit_key, threads_join;

static __attribute__((__constructor__(101))) void exit_key_init(void)
{
	has_exit_key = !pthread_key_create(&exit_key, thread_exit);
	threads_join = has_exit_key && exit_key < FIRST_KEYS;
}

static int exit_key_set(void)
{
	return has_exit_key ? pthread_setspecific(exit_key, &shim_thread) : 0;
}
#else
static int exit_key_set(void)
{
	return 0;
}
#endif

#ifdef SHIM_STRICT
/* A CPU that is online without a thread, for one that moves to it. */
static unsigned int vacant_cpu = SHIM_NO_CPU;

static void make_vacant_cpu(void)
{
	unsigned int cpu = first_free_cpu();

	if (READ_ONCE(vacant_cpu) != SHIM_NO_CPU || cpu == SHIM_NO_CPU ||
	    !cpu_up(cpu))
		return;
	thread_take_cpu(SHIM_NO_CPU);
	/* Pairs with the exchange in preempt_here(). */
	smp_store_release(&vacant_cpu, cpu);
}

static bool may_move(const struct thread_info *t)
{
	return preemptible() && !t->bound && !t->bringing_up && !t->exiting &&
	       t->cpu != SHIM_NO_CPU && !shim_spinlock_is_held();
}

/*
 * Preemption was off until now. As the scheduler might, swap the thread's CPU
 * for the vacant one, in one of eight cases of a sequence that is the thread's.
 */
static void preempt_here(void)
{
	struct thread_info *t = &shim_thread;

	if (!may_move(t))
		return;
	t->moves = t->moves * 1664525 + 1013904223;
	if (t->moves >> 29)
		return;
	shim_shield();
	/* Pairs with itself in the thread that was the CPU before. */
	thread_take_cpu(
		__atomic_exchange_n(&vacant_cpu, t->cpu, __ATOMIC_ACQ_REL));
	shim_unshield();
}
#else
static void make_vacant_cpu(void)
{
}

static void preempt_here(void)
{
}
#endif

static void thread_bring_up(void)
{
	unsigned int cpu;
	bool up = false;
	int ret;

	mutex_lock(&hotplug_mutex);
	make_vacant_cpu();
	cpu = first_free_cpu();
	if (cpu != SHIM_NO_CPU && shim_percpu_reach(cpu, true))
		up = cpu_up(cpu);
	if (up) {
		shim_shield();
		ret = exit_register() ?: exit_key_set();
		shim_unshield();
		if (ret)
			cpu_down();
	}
	mutex_unlock(&hotplug_mutex);
}

#ifndef SHIM_STRICT
static bool steps_start_nothing(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].startup)
			return false;
	return true;
}

static void thread_join_as(unsigned int cpu)
{
	lockdep_assert_held(&hotplug_mutex);
	if (cpu == SHIM_NO_CPU || !steps_start_nothing() ||
	    !shim_percpu_reach(cpu, false) || exit_key_set() ||
	    !shim_thread_attach(cpu, false))
		return;
	cpus[cpu].taken = true;
	WRITE_ONCE(nr_taken, nr_taken + 1);
	thread_take_cpu(cpu);
	WRITE_ONCE(cpus[cpu].online, true);
}

/**
 * shim_thread_join() - make this thread a CPU, if that can be done right here
 *
 * Threads that only ever put what others get have no better occasion.
 *
 * Context: any, a signal handler's too, outside of read-side sections.
 */
void shim_thread_join(void)
{
	struct thread_info *t = &shim_thread;

	if (t->cpu != SHIM_NO_CPU || t->bringing_up || t->exiting ||
	    in_interrupt() || READ_ONCE(nr_taken) == SHIM_LAST_CPU || orphans ||
	    !threads_join)
		return;
	t->bringing_up = true;
	/* Whoever holds it may wait for what this thread was doing. */
	if (mutex_trylock(&hotplug_mutex)) {
		thread_join_as(first_free_cpu());
		mutex_unlock(&hotplug_mutex);
	}
	t->bringing_up = false;
}
#endif

/*
 * In a forked child the threads of the other CPUs do not exist: this one goes
 * through their exits for them, before it gets a number or another thread does.
 */
static void reap_orphans(void)
{
	unsigned int cpu, own = shim_thread.cpu;

	mutex_lock(&hotplug_mutex);
	orphans = false;
	for_each_possible_cpu(cpu) {
		if (!cpus[cpu].taken || cpu == own)
			continue;
		thread_take_cpu(cpu);
		cpu_down();
	}
	thread_take_cpu(own);
	mutex_unlock(&hotplug_mutex);
}

void shim_cpu_fork_child(void)
{
	orphans = true;
}

/**
 * shim_process_context() - do what waits for a context like this one
 *
 * Called wherever the module says that it may sleep.
 */
void shim_process_context(void)
{
	struct thread_info *t = &shim_thread;

	if (t->bringing_up || t->exiting || t->locks_held || !shim_may_sleep())
		return;
	t->bringing_up = true;
	if (unlikely(orphans))
		reap_orphans();
	if (t->cpu == SHIM_NO_CPU && READ_ONCE(nr_taken) < SHIM_LAST_CPU)
		thread_bring_up();
	shim_workers_start();
	t->bringing_up = false;
}

int cpuhp_setup_state_multi(enum cpuhp_state state, const char *name,
			    int (*startup)(unsigned int cpu,
					   struct hlist_node *node),
			    int (*teardown)(unsigned int cpu,
					    struct hlist_node *node))
{
	int first = state, last = CPUHP_BP_PREPARE_DYN_END, i;

	if (state == CPUHP_AP_ONLINE_DYN)
		last = CPUHP_AP_ONLINE_DYN_END;
	else if (state != CPUHP_BP_PREPARE_DYN)
		return -EINVAL;

	mutex_lock(&hotplug_mutex);
	for (i = first; i < last && steps[i].used; i++)
		;
	if (i < last)
		steps[i] = (struct step){
			.used = true,
			.startup = startup,
			.teardown = teardown,
		};
	mutex_unlock(&hotplug_mutex);
	return i < last ? i : -ENOSPC;
}

void cpuhp_remove_multi_state(enum cpuhp_state state)
{
	mutex_lock(&hotplug_mutex);
	WARN(!hlist_empty(&steps[state].instances),
	     "hotplug state removed with instances left\n");
	steps[state] = (struct step){ .used = false };
	mutex_unlock(&hotplug_mutex);
}

int cpuhp_state_add_instance_nocalls(enum cpuhp_state state,
				     struct hlist_node *node)
{
	mutex_lock(&hotplug_mutex);
	hlist_add_head(node, &steps[state].instances);
	mutex_unlock(&hotplug_mutex);
	return 0;
}

int cpuhp_state_remove_instance_nocalls(enum cpuhp_state state,
					struct hlist_node *node)
{
	mutex_lock(&hotplug_mutex);
	/* As the kernel does it: the node can tell that it is no instance. */
	hlist_del_init(node);
	mutex_unlock(&hotplug_mutex);
	return 0;
}

/* === Contexts === */

bool shim_may_sleep(void)
{
	struct thread_info *t = &shim_thread;

	return !t->preempt_count && !t->irqs_off && !t->rcu_nesting;
}

void shim_might_sleep(const char *file, int line)
{
#ifdef SHIM_STRICT
	if (!shim_may_sleep())
		shim_warn(
			file, line,
			"sleeps where it may not: preempt_count %#x, irqs_off %d, rcu %u\n",
			shim_thread.preempt_count, shim_thread.irqs_off,
			shim_thread.rcu_nesting);
#endif
	shim_process_context();
}

#ifdef SHIM_STRICT
void preempt_disable(void)
{
	shim_thread.preempt_count++;
	barrier();
	shim_reader_enter();
}

void preempt_enable(void)
{
	shim_reader_leave();
	barrier();
	WARN(!(shim_thread.preempt_count-- & PREEMPT_MASK),
	     "preemption enabled more often than disabled\n");
	barrier();
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && unlikely(shim_thread.softirqs))
		shim_run_irqs();
	preempt_here();
}

unsigned int smp_processor_id(void)
{
	WARN(preemptible(), "smp_processor_id() where it may change\n");
	return shim_thread.cpu;
}

void shim_check_this_cpu(void)
{
	WARN(preemptible(), "this_cpu_ptr() where the CPU may change\n");
}
#endif

void cond_resched(void)
{
	might_sleep();
}

unsigned long shim_irq_save(void)
{
	if (shim_thread.irqs_off)
		return 1;
	shim_thread.irqs_off = true;
	barrier();
	shim_reader_enter();
	return 0;
}

void shim_irq_restore(unsigned long flags)
{
	if (flags)
		return;
#ifdef SHIM_STRICT
	if (WARN(!shim_thread.irqs_off, "interrupts restored while on\n"))
		return;
#endif
	shim_reader_leave();
	barrier();
	shim_thread.irqs_off = false;
	barrier();
	if (unlikely(shim_thread.hardirqs | shim_thread.softirqs))
		shim_run_irqs();
	preempt_here();
}

struct shim_irq shim_irqs[SHIM_NR_IRQS];

static void run_waiting(unsigned long *irqs)
{
	/* From here on they can be raised again. */
	unsigned long waiting = __atomic_exchange_n(irqs, 0, __ATOMIC_RELAXED);
	unsigned int irq;

	for (irq = 0; irq < SHIM_NR_IRQS; irq++)
		if (waiting & BIT(irq))
			shim_irqs[irq].fn(irq);
}

static void run_hardirqs(void)
{
	struct thread_info *t = &shim_thread;

	t->irqs_off = true;
	t->preempt_count += HARDIRQ_OFFSET;
	barrier();
	shim_reader_enter();
	run_waiting(&t->hardirqs);
	shim_reader_leave();
	barrier();
	t->preempt_count -= HARDIRQ_OFFSET;
	t->irqs_off = false;
	barrier();
}

static void run_softirqs(void)
{
	struct thread_info *t = &shim_thread;

	t->preempt_count += SOFTIRQ_OFFSET;
	barrier();
	shim_reader_enter();
	run_waiting(&t->softirqs);
	shim_reader_leave();
	barrier();
	t->preempt_count -= SOFTIRQ_OFFSET;
	barrier();
}

/* On PREEMPT_RT a soft interrupt is a thread, which has to be switched to. */
static bool softirqs_may_run(void)
{
	if (in_interrupt())
		return false;
	return !IS_ENABLED(CONFIG_PREEMPT_RT) ||
	       !(preempt_count() & PREEMPT_MASK);
}

/**
 * shim_run_irqs() - run the interrupts that wait, if they may run here
 *
 * Hard interrupts first, with interrupts off; a soft one may be interrupted by
 * them, and by no other soft one.
 */
void shim_run_irqs(void)
{
	struct thread_info *t = &shim_thread;

	while (!t->shielded && !t->irqs_off) {
		if (READ_ONCE(t->hardirqs))
			run_hardirqs();
		else if (READ_ONCE(t->softirqs) && softirqs_may_run())
			run_softirqs();
		else
			return;
	}
}

/* Called by signal handlers: runs the interrupt, or leaves it for later. */
void shim_raise_irq(unsigned int irq)
{
	struct thread_info *t = &shim_thread;

	__atomic_fetch_or(shim_irqs[irq].soft ? &t->softirqs : &t->hardirqs,
			  BIT(irq), __ATOMIC_RELAXED);
	shim_run_irqs();
}

/**
 * irq_work_queue() - have an interrupt call a function
 * @work: the function
 *
 * Context: any, an NMI's too.
 * Return: true.
 */
bool irq_work_queue(struct irq_work *work)
{
	preempt_count() += HARDIRQ_OFFSET;
	barrier();
	work->func(work);
	barrier();
	preempt_count() -= HARDIRQ_OFFSET;
	return true;
}

/* === Time === */

u64 get_jiffies_64(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (u64)now.tv_sec * HZ + now.tv_nsec / (1000000000 / HZ);
}
