/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the shim's files share, and the knobs that tests turn. Nothing of the
 * module includes this.
 */
#ifndef _SHIM_H
#define _SHIM_H

#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/llist.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/thread_info.h>
#include <linux/types.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>

struct task_struct;

/* === Contexts (cpu.c) === */

#define SHIM_NR_IRQS 32

/**
 * struct shim_irq - what an interrupt is about, on all CPUs
 * @soft: it is a soft interrupt
 * @fn: what it does; gets its number
 *
 * Whether it waits is the matter of each CPU: see struct thread_info.
 */
struct shim_irq {
	bool soft;
	void (*fn)(unsigned int irq);
};

extern struct shim_irq shim_irqs[SHIM_NR_IRQS];

void shim_raise_irq(unsigned int irq);
void shim_run_irqs(void);
bool shim_may_sleep(void);
void shim_process_context(void);
void shim_thread_exit(void);
void shim_thread_join(void);

/* === Per-CPU memory (percpu_debug.c or percpu_fast.c) === */

bool shim_percpu_reach(unsigned int cpu, bool wait);
unsigned int shim_nr_percpu(void);

/* === Around the C library === */

/*
 * The C library's locks are none that an interrupt's function may meet: while
 * a thread is inside, interrupts wait, though irqs_disabled() is still false.
 */
static inline void shim_shield(void)
{
	shim_thread.shielded++;
	barrier();
}

static inline void shim_unshield(void)
{
	barrier();
	if (!--shim_thread.shielded &&
	    unlikely(shim_thread.hardirqs | shim_thread.softirqs))
		shim_run_irqs();
}

/*
 * The module is no cancellation point, whatever the shim calls: a thread that
 * ends inside takes locks with it, and leaves what is on its stack in lists. An
 * interrupt leaves both as they were.
 */
static inline void shim_cancel_disable(void)
{
	int before;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	if (!shim_thread.uncancelled++)
		shim_thread.cancel_state = before;
}

static inline void shim_cancel_enable(void)
{
	if (!--shim_thread.uncancelled)
		pthread_setcancelstate(shim_thread.cancel_state, NULL);
}

/* Around calls that wait, or fail: errno is the program's, too. */
static inline int shim_libc_enter(void)
{
	int before = errno;

	shim_cancel_disable();
	return before;
}

static inline void shim_libc_leave(int before)
{
	shim_cancel_enable();
	errno = before;
}

void shim_cpu_fork_child(void);

/* === Locks and read-side sections (lock.c) === */

bool __must_check lock_unless_held(raw_spinlock_t *lock, unsigned long *flags);
bool shim_spinlock_is_held(void);
bool shim_thread_attach(unsigned int cpu, bool wait);
void shim_thread_detach(unsigned int cpu);
void shim_gate_enter(void);
void shim_gate_leave(void);
void shim_lock_fork_prepare(void);
void shim_lock_fork_done(bool child);

/* === Sleep (wait.c) === */

/* How often a thread has slept, or could have, for tests of one thread. */
extern unsigned int shim_nr_sleeps;

/* === Work items (work.c) === */

void shim_workers_start(void);
bool shim_workers_idle(void);
void shim_work_fork_child(void);
void shim_trim_later(void);
unsigned int shim_nr_workqueues(void);

/* === Threads (thread.c) === */

unsigned int shim_nr_kthreads(void);
bool shim_kthread_exited(struct task_struct *task);

/* === Reports (print.c) === */

extern int shim_console_loglevel;
extern bool shim_secure;
extern unsigned int shim_warnings;

void shim_forget_once(void);
const char *shim_symbol(unsigned long addr, unsigned long *offset,
			unsigned long *size);

/* === Memory (slab_debug.c or slab_fast.c) === */

unsigned int shim_report_leaks(void);
unsigned int shim_nr_vm_areas(void);
u64 shim_trim(void);

/*
 * Checking builds: of the allocations that this thread makes from now on, the
 * n-th fails, unless __GFP_NOFAIL forbids it; 0: none; -1: all. Returns what is left of
 * the count: not above 0 once one has failed.
 */
long shim_fail_nth(long n);
bool shim_should_fail(gfp_t gfp);

/* === What detectors are told (watch.c) === */

void shim_runs_acquire(void);
void shim_runs_release(void);

/* === Files (fs.c) === */

/* An open file, from open to close. */
struct shim_file {
	struct dentry *dentry;
	struct file file;
	loff_t pos;
};

struct shim_file *shim_debugfs_open(const char *path);
ssize_t shim_debugfs_read_file(struct shim_file *file, void *buf, size_t size);
void shim_debugfs_close(struct shim_file *file);
ssize_t shim_debugfs_read(const char *path, void *buf, size_t size);
unsigned int shim_nr_dentries(void);

/* === Test programs (main.c) === */

/* The case that runs is about to cause so many warnings. */
void shim_expect_warnings(unsigned int nr);

/* === Modules (module.c) === */

extern struct module shim_module;
extern struct module shim_user_module;

int shim_set_parameters(void);
int shim_load_module(void);
int shim_unload_module(void);
unsigned long shim_shrink_count(void);
unsigned long shim_shrink_all(unsigned long nr_to_scan);
unsigned long shim_out_of_memory(void);
unsigned int shim_nr_shrinkers(void);

#endif /* _SHIM_H */
