// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel threads, completions and time, for the test cases. The library has
 * no use for them.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <shim.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

/**
 * struct task_struct - a thread
 * @fn: what it does
 * @data: for @fn
 * @refs: the thread's own, and those of get_task_struct()
 * @woken: it may begin
 * @stop: kthread_stop() has been called
 * @code: what @fn returned
 * @exited: it has ended
 * @name: for people
 */
struct task_struct {
	int (*fn)(void *data);
	void *data;
	unsigned int refs;
	sem_t woken;
	bool stop;
	bool bound;
	int code;
	struct completion exited;
	char name[16];
};

/* What current is in a thread that is no kernel thread's. */
static struct task_struct plain_task = { .name = "main" };
static __thread struct task_struct *current_task;
static unsigned int nr_kthreads;

/* Waits like sem_wait(), whatever interrupts come. */
static void sem_wait_through(sem_t *sem)
{
	while (sem_wait(sem) && errno == EINTR)
		;
}

/* === Completions === */

void init_completion(struct completion *x)
{
	sem_init(&x->done, 0, 0);
	x->all = false;
}

void reinit_completion(struct completion *x)
{
	init_completion(x);
}

void complete(struct completion *x)
{
	sem_post(&x->done);
}

void complete_all(struct completion *x)
{
	WRITE_ONCE(x->all, true);
	sem_post(&x->done);
}

void wait_for_completion(struct completion *x)
{
	might_sleep();
	sem_wait_through(&x->done);
	/* Who goes on lets the next one. */
	if (READ_ONCE(x->all))
		sem_post(&x->done);
}

unsigned long wait_for_completion_timeout(struct completion *x,
					  unsigned long timeout)
{
	unsigned long until = jiffies + timeout;
	struct timespec deadline;
	int ret;

	might_sleep();
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += timeout / HZ;
	deadline.tv_nsec += timeout % HZ * (NSEC_PER_SEC / HZ);
	if (deadline.tv_nsec >= NSEC_PER_SEC) {
		deadline.tv_nsec -= NSEC_PER_SEC;
		deadline.tv_sec++;
	}
	do {
		ret = sem_timedwait(&x->done, &deadline);
	} while (ret && errno == EINTR);
	if (ret)
		return 0;
	if (READ_ONCE(x->all))
		sem_post(&x->done);
	return time_before(jiffies, until) ? until - jiffies : 1;
}

bool completion_done(struct completion *x)
{
	int value;

	sem_getvalue(&x->done, &value);
	return value;
}

/* === Threads === */

struct task_struct *shim_current(void)
{
	return current_task ?: &plain_task;
}

struct task_struct *get_task_struct(struct task_struct *task)
{
	__atomic_fetch_add(&task->refs, 1, __ATOMIC_RELAXED);
	return task;
}

void put_task_struct(struct task_struct *task)
{
	if (__atomic_fetch_sub(&task->refs, 1, __ATOMIC_ACQ_REL) > 1)
		return;
	shim_shield();
	free(task);
	shim_unshield();
}

int __cxa_thread_atexit_impl(void (*fn)(void *arg), void *arg, void *dso);
extern void *__dso_handle;

/* Registered first, so that it comes last: the CPU is offline by then. */
static void kthread_gone(void *arg)
{
	struct task_struct *task = arg;

	complete_all(&task->exited);
	put_task_struct(task);
	__atomic_fetch_sub(&nr_kthreads, 1, __ATOMIC_RELEASE);
}

static void check_exit(void)
{
	WARN(!shim_may_sleep(), "a thread ends where it may not sleep\n");
	WARN(shim_thread.locks_held, "a thread ends with %u locks held\n",
	     shim_thread.locks_held);
}

static void *kthread_main(void *arg)
{
	struct task_struct *task = arg;

	current_task = task;
	shim_shield();
	if (__cxa_thread_atexit_impl(kthread_gone, task, &__dso_handle))
		shim_bug(__FILE__, __LINE__);
	shim_unshield();
	shim_process_context();
	sem_wait_through(&task->woken);
	shim_thread.bound = task->bound;
	task->code = -EINTR;
	if (!READ_ONCE(task->stop))
		task->code = task->fn(task->data);
	check_exit();
	return NULL;
}

struct task_struct *kthread_create(int (*fn)(void *data), void *data,
				   const char *fmt, ...)
{
	struct task_struct *task;
	pthread_attr_t attr;
	pthread_t thread;
	va_list args;
	int ret;

	might_sleep();
	if (shim_should_fail(GFP_KERNEL))
		return ERR_PTR(-ENOMEM);
	shim_shield();
	task = calloc(1, sizeof(*task));
	shim_unshield();
	if (!task)
		return ERR_PTR(-ENOMEM);
	task->fn = fn;
	task->data = data;
	task->refs = 1;
	sem_init(&task->woken, 0, 0);
	init_completion(&task->exited);
	va_start(args, fmt);
	vsnprintf(task->name, sizeof(task->name), fmt, args);
	va_end(args);

	__atomic_fetch_add(&nr_kthreads, 1, __ATOMIC_RELAXED);
	shim_shield();
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = pthread_create(&thread, &attr, kthread_main, task);
	pthread_attr_destroy(&attr);
	if (ret)
		free(task);
	shim_unshield();
	if (!ret)
		return task;
	__atomic_fetch_sub(&nr_kthreads, 1, __ATOMIC_RELAXED);
	return ERR_PTR(-ret);
}

void kthread_bind(struct task_struct *task, unsigned int cpu)
{
	task->bound = true;
}

int wake_up_process(struct task_struct *task)
{
	sem_post(&task->woken);
	return 1;
}

int kthread_stop(struct task_struct *task)
{
	int code;

	get_task_struct(task);
	__atomic_store_n(&task->stop, true, __ATOMIC_RELEASE);
	wake_up_process(task);
	wait_for_completion(&task->exited);
	code = task->code;
	put_task_struct(task);
	return code;
}

/* Like waiting for a process, which kernel threads have no parent for. */
bool shim_kthread_exited(struct task_struct *task)
{
	return completion_done(&task->exited);
}

bool kthread_should_stop(void)
{
	return __atomic_load_n(&current->stop, __ATOMIC_ACQUIRE);
}

void kthread_complete_and_exit(struct completion *done, long code)
{
	current->code = code;
	check_exit();
	shim_thread_exit();
	if (done)
		complete(done);
	pthread_exit(NULL);
}

unsigned int shim_nr_kthreads(void)
{
	return __atomic_load_n(&nr_kthreads, __ATOMIC_ACQUIRE);
}

void schedule(void)
{
	might_sleep();
	sched_yield();
}

/* === Time === */

u64 ktime_get_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/*
 * By the clock: what an interrupted nanosleep() says is left has the timer's
 * slack in it, and grows where interrupts come faster than that.
 */
static void sleep_us(unsigned long us)
{
	u64 now = ktime_get_ns(), until = now + us * NSEC_PER_USEC;

	do {
		struct timespec left = {
			.tv_sec = (until - now) / NSEC_PER_SEC,
			.tv_nsec = (until - now) % NSEC_PER_SEC,
		};

		nanosleep(&left, NULL);
		now = ktime_get_ns();
	} while (now < until);
}

void usleep_range(unsigned long min, unsigned long max)
{
	might_sleep();
	sleep_us(min);
}

void msleep(unsigned int ms)
{
	might_sleep();
	sleep_us(ms * 1000UL);
}

void udelay(unsigned long us)
{
	u64 until = ktime_get_ns() + us * NSEC_PER_USEC;

	while (ktime_get_ns() < until)
		;
}

void cpu_relax(void)
{
	static __thread unsigned int spins;

	if (++spins % 64)
		return;
	sched_yield();
	/* ThreadSanitizer holds signals back until a call that it knows. */
	if (IS_ENABLED(SHIM_TSAN))
		sleep_us(0);
}
