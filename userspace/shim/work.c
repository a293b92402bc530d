// SPDX-License-Identifier: GPL-2.0
/*
 * Work items, and RCU callbacks, which are one.
 *
 * Queueing takes no lock: the work item goes on a list that anyone may push
 * to, and a semaphore tells the workers. Before a worker runs anything, it
 * makes sure that another one waits for the semaphore, so that whatever a work
 * item waits for can happen. Threads are only made where a thread may sleep:
 * never by queueing, which may be in a signal handler. Where none is to be had,
 * those who wait for a work item run it, and whoever may sleep runs what is due.
 */
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <shim.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000ULL

/**
 * struct workqueue_struct - where work items are queued
 * @name: for people
 * @nr_queued: work items that have not begun; atomic
 */
struct workqueue_struct {
	char name[32];
	unsigned int flags;
	int nr_queued;
};

/**
 * struct worker - a thread that runs work items
 * @list: in the list of all
 * @thread: the thread
 * @work: what it runs; the work item itself may be freed by then
 * @wq: where that was queued
 * @borrowed: it is somebody else's, on his stack, for a while
 */
struct worker {
	struct list_head list;
	pthread_t thread;
	struct work_struct *work;
	struct workqueue_struct *wq;
	bool borrowed;
};

/* Someone who waits for a work item to be done, or for all of a queue's. */
struct waiter {
	struct list_head list;
	sem_t done;
};

/* What has been queued and not seen by a worker. */
static LLIST_HEAD(incoming);
static sem_t wakeups;

/* Protects what follows, and work_struct.entry. */
static DEFINE_MUTEX(work_mutex);
static LIST_HEAD(queued);
static LIST_HEAD(workers);
static LIST_HEAD(waiters);
static unsigned int nr_workqueues;
static unsigned int nr_idle;
static unsigned int nr_running;
static u64 next_expiry = U64_MAX;
static bool workers_exist;

/* When to try again to make a thread, where that has failed; or 0. */
static u64 next_attempt;
#define ATTEMPT_INTERVAL NSEC_PER_SEC

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static __attribute__((__constructor__(101))) void work_init(void)
{
	sem_init(&wakeups, 0, 0);
}

/* === The tick === */

#ifndef SHIM_STRICT
/* So long does the tick go on before it has to be asked for again. */
#define TICK_SPAN NSEC_PER_SEC

struct shim_tick shim_tick;

/* Somebody has looked at jiffies while it was at rest. */
static int tick_wanted;

/* When to rest again; protected by work_mutex. */
static u64 tick_end;

/* Any context: the time by the clock, and from now on by the tick. */
__attribute__((__used__)) u64 shim_tick_wake(void)
{
	if (!READ_ONCE(tick_wanted) && !xchg(&tick_wanted, 1))
		sem_post(&wakeups);
	return get_jiffies_64();
}

DEFINE_THUNK(shim_tick_wake);

/* Nobody is sure to come back for the next tick. */
static void tick_stop(void)
{
	lockdep_assert_held(&work_mutex);
	tick_end = 0;
	WRITE_ONCE(shim_tick.now, 0);
}

/* Whom the parent has woken is not here: the next look has to ask again. */
static void tick_fork_child(void)
{
	tick_stop();
	WRITE_ONCE(tick_wanted, 0);
}

/* Called before a worker waits. Returns when it has to be back, in ns. */
static u64 tick(void)
{
	u64 now = now_ns();

	lockdep_assert_held(&work_mutex);
	if (READ_ONCE(tick_wanted) && xchg(&tick_wanted, 0))
		tick_end = now + TICK_SPAN;
	if (now >= tick_end) {
		tick_stop();
		return U64_MAX;
	}
	WRITE_ONCE(shim_tick.now, get_jiffies_64());
	return now + NSEC_PER_SEC / HZ;
}

/* There are free pages that might go back. */
static int trim_wanted;

/* When to look at them; protected by work_mutex. */
static u64 trim_at = U64_MAX;

/**
 * shim_trim_later() - have shim_trim() called by a worker
 *
 * Context: any.
 */
void shim_trim_later(void)
{
	if (!READ_ONCE(trim_wanted) && !xchg(&trim_wanted, 1))
		sem_post(&wakeups);
}

/* Called before a worker waits. Returns when it has to be back, in ns. */
static u64 trim(void)
{
	u64 now = now_ns(), delay;

	lockdep_assert_held(&work_mutex);
	if (trim_at == U64_MAX && READ_ONCE(trim_wanted))
		trim_at = now;
	if (now < trim_at)
		return trim_at;
	/* What is freed from here on may wake a worker in vain, but is seen. */
	xchg(&trim_wanted, 0);
	delay = shim_trim();
	trim_at = delay == U64_MAX ? U64_MAX : now + delay;
	if (delay != U64_MAX)
		WRITE_ONCE(trim_wanted, 1);
	return trim_at;
}
#else
static void tick_stop(void)
{
}

static void tick_fork_child(void)
{
}

static u64 tick(void)
{
	return U64_MAX;
}

static u64 trim(void)
{
	return U64_MAX;
}
#endif

/* === Workers === */

static void take_incoming(void)
{
	struct work_struct *work, *next;
	struct llist_node *list;

	lockdep_assert_held(&work_mutex);
	list = llist_reverse_order(llist_del_all(&incoming));
	llist_for_each_entry_safe(work, next, list, node)
		list_add_tail(&work->entry, &queued);
}

static struct worker *worker_of(const struct work_struct *work)
{
	struct worker *worker;

	list_for_each_entry(worker, &workers, list)
		if (worker->work == work)
			return worker;
	return NULL;
}

/* The first work item that is due and does not run. */
static struct work_struct *first_due(void)
{
	struct work_struct *work;
	u64 now = now_ns();

	next_expiry = U64_MAX;
	list_for_each_entry(work, &queued, entry) {
		u64 expires = READ_ONCE(work->expires);

		if (expires > now)
			next_expiry = min(next_expiry, expires);
		else if (!worker_of(work))
			return work;
	}
	return NULL;
}

static void wake_waiters(void)
{
	struct waiter *waiter;

	list_for_each_entry(waiter, &waiters, list)
		sem_post(&waiter->done);
}

static void *worker_main(void *arg);

static void report_once(int error)
{
	static bool reported;

	if (!reported)
		pr_warn("bytepool: no thread can be made: %d\n", error);
	reported = true;
}

/* Returns the error of pthread_create(). */
static int worker_start(struct worker *worker)
{
	int saved = shim_libc_enter(), ret;
	sigset_t all, before;

	/* Signals are for the application's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&worker->thread, NULL, worker_main, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!ret)
		pthread_setname_np(worker->thread, "bytepool");
	shim_libc_leave(saved);
	return ret;
}

static void worker_create(void)
{
	struct worker *worker;
	int ret = ENOMEM;

	lockdep_assert_held(&work_mutex);
	if (next_attempt && now_ns() < next_attempt)
		return;
	shim_shield();
	worker = calloc(1, sizeof(*worker));
	if (worker)
		ret = worker_start(worker);
	if (ret) {
		free(worker);
	} else {
		list_add(&worker->list, &workers);
		/* It is about to look for work: one is enough. */
		nr_idle++;
	}
	shim_unshield();
	next_attempt = ret ? now_ns() + ATTEMPT_INTERVAL : 0;
	if (!ret)
		WRITE_ONCE(workers_exist, true);
	else
		report_once(ret);
}

static void run_work(struct worker *worker, struct work_struct *work)
{
	work_func_t func = work->func;

	list_del_init(&work->entry);
	worker->work = work;
	worker->wq = work->wq;
	WRITE_ONCE(nr_running, nr_running + 1);
	/* It may have been this worker's; another one takes over when asked. */
	tick_stop();
	if (!nr_idle)
		worker_create();
	__atomic_fetch_sub(&worker->wq->nr_queued, 1, __ATOMIC_RELAXED);
	/* From here on it can be queued again. */
	smp_store_release(&work->pending, 0);
	/* Last, as a fork waits for who holds it: no item is taken but marked. */
	mutex_unlock(&work_mutex);

	func(work);
	WARN(!shim_may_sleep(), "%pS left preemption or interrupts off\n",
	     func);

	mutex_lock(&work_mutex);
	WRITE_ONCE(nr_running, nr_running - 1);
	worker->work = NULL;
	worker->wq = NULL;
	wake_waiters();
}

/* Whether nobody but those who wait can run what is queued. */
static bool is_without_workers(void)
{
	lockdep_assert_held(&work_mutex);
	if (!nr_idle && next_attempt)
		worker_create();
	return !nr_idle && next_attempt;
}

static void run_as_caller(struct work_struct *work)
{
	struct worker self = { .thread = pthread_self(), .borrowed = true };

	list_add(&self.list, &workers);
	run_work(&self, work);
	list_del(&self.list);
}

static void wait_for_wakeup(u64 expiry)
{
	struct timespec until = {
		.tv_sec = expiry / NSEC_PER_SEC,
		.tv_nsec = expiry % NSEC_PER_SEC,
	};

	if (expiry == U64_MAX)
		sem_wait(&wakeups);
	else
		sem_clockwait(&wakeups, CLOCK_MONOTONIC, &until);
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct work_struct *work;
	u64 expiry;

	shim_thread.worker = true;
	mutex_lock(&work_mutex);
	nr_idle--;
	for (;;) {
		take_incoming();
		work = first_due();
		if (work) {
			run_work(worker, work);
			continue;
		}
		if (!nr_workqueues && list_empty(&queued))
			break;
		expiry = min(next_expiry, min(tick(), trim()));
		nr_idle++;
		mutex_unlock(&work_mutex);
		wait_for_wakeup(expiry);
		mutex_lock(&work_mutex);
		nr_idle--;
	}
	tick_stop();
	mutex_unlock(&work_mutex);
	/* The next one may go, too. */
	sem_post(&wakeups);
	return NULL;
}

/**
 * shim_workers_start() - see to it that there is a worker if one is needed
 *
 * Called where the thread may sleep, and in a forked child is the first to
 * notice that the workers have stayed behind.
 */
void shim_workers_start(void)
{
	struct work_struct *work;

	if (likely(READ_ONCE(workers_exist)) ||
	    (!READ_ONCE(nr_workqueues) && llist_empty(&incoming)))
		return;
	mutex_lock(&work_mutex);
	if (list_empty(&workers))
		worker_create();
	if (is_without_workers()) {
		take_incoming();
		while ((work = first_due()))
			run_as_caller(work);
		trim();
	}
	mutex_unlock(&work_mutex);
}

/* Called with all threads at the gate: nobody can begin or end one. */
bool shim_workers_idle(void)
{
	return !READ_ONCE(nr_running);
}

/* The other threads are gone, and with them what they ran or waited for. */
void shim_work_fork_child(void)
{
	struct worker *worker, *next;

	list_for_each_entry_safe(worker, next, &workers, list)
		if (!worker->borrowed)
			free(worker);
	INIT_LIST_HEAD(&workers);
	INIT_LIST_HEAD(&waiters);
	nr_idle = 0;
	nr_running = 0;
	workers_exist = false;
	tick_fork_child();
	sem_init(&wakeups, 0, 0);
}

/* With the last work queue the workers go, so that no thread is left over. */
static void workers_stop(void)
{
	struct worker *worker;

	for (;;) {
		mutex_lock(&work_mutex);
		worker =
			list_first_entry_or_null(&workers, struct worker, list);
		mutex_unlock(&work_mutex);
		if (!worker)
			return;
		sem_post(&wakeups);
		pthread_join(worker->thread, NULL);
		mutex_lock(&work_mutex);
		list_del(&worker->list);
		WRITE_ONCE(workers_exist, !list_empty(&workers));
		mutex_unlock(&work_mutex);
		shim_shield();
		free(worker);
		shim_unshield();
	}
}

/* === Work queues === */

struct workqueue_struct *alloc_workqueue(const char *fmt, unsigned int flags,
					 int max_active, ...)
{
	struct workqueue_struct *wq;
	va_list args;

	might_sleep();
	if (shim_should_fail(GFP_KERNEL))
		return NULL;
	shim_shield();
	wq = calloc(1, sizeof(*wq));
	shim_unshield();
	if (!wq)
		return NULL;
	wq->flags = flags;
	va_start(args, max_active);
	vsnprintf(wq->name, sizeof(wq->name), fmt, args);
	va_end(args);
	mutex_lock(&work_mutex);
	WRITE_ONCE(nr_workqueues, nr_workqueues + 1);
	mutex_unlock(&work_mutex);
	return wq;
}

/* Waits until something is done; work_mutex is given up meanwhile. */
static void wait_for_workers(void)
{
	int before = shim_libc_enter();
	struct waiter waiter;

	sem_init(&waiter.done, 0, 0);
	list_add(&waiter.list, &waiters);
	mutex_unlock(&work_mutex);
	/* A worker's look may be what is wanting. */
	sem_post(&wakeups);
	while (sem_wait(&waiter.done) && errno == EINTR)
		;
	mutex_lock(&work_mutex);
	list_del(&waiter.list);
	sem_destroy(&waiter.done);
	shim_libc_leave(before);
}

/* Waits for a work item, or runs it; NULL: or any one that is due. */
static void wait_or_run(struct work_struct *work)
{
	struct work_struct *due = NULL;

	take_incoming();
	if (is_without_workers())
		due = work ? list_empty(&work->entry) ? NULL : work :
			     first_due();
	if (due && !worker_of(due))
		run_as_caller(due);
	else
		wait_for_workers();
}

static bool wq_is_busy(struct workqueue_struct *wq)
{
	struct worker *worker;

	if (READ_ONCE(wq->nr_queued))
		return true;
	list_for_each_entry(worker, &workers, list)
		if (worker->wq == wq)
			return true;
	return false;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	struct work_struct *work;
	bool last;

	shim_might_sleep(__FILE__, __LINE__);
	mutex_lock(&work_mutex);
	take_incoming();
	list_for_each_entry(work, &queued, entry)
		WARN(work->wq == wq && work->expires > now_ns(),
		     "work queue %s destroyed while a timer runs\n", wq->name);
	while (wq_is_busy(wq))
		wait_or_run(NULL);
	last = nr_workqueues == 1;
	WRITE_ONCE(nr_workqueues, nr_workqueues - 1);
	mutex_unlock(&work_mutex);
	if (last)
		workers_stop();
	shim_shield();
	free(wq);
	shim_unshield();
}

unsigned int shim_nr_workqueues(void)
{
	return READ_ONCE(nr_workqueues);
}

void shim_init_work(struct work_struct *work, work_func_t func)
{
	*work = (struct work_struct)SHIM_WORK(*work, func);
}

/* === Queueing: any context === */

static u64 expiry_of(unsigned long delay)
{
	return delay ? now_ns() + delay * (NSEC_PER_SEC / HZ) : 0;
}

static void push(struct workqueue_struct *wq, struct work_struct *work,
		 u64 expires)
{
	work->wq = wq;
	WRITE_ONCE(work->expires, expires);
	__atomic_fetch_add(&wq->nr_queued, 1, __ATOMIC_RELAXED);
	llist_add(&work->node, &incoming);
	sem_post(&wakeups);
}

static bool queue_at(struct workqueue_struct *wq, struct work_struct *work,
		     u64 expires)
{
	bool queued;

	WARN(in_nmi() && !in_hardirq(), "a work item queued in an NMI\n");
	/* A forked child would wait for ever for what is only marked. */
	shim_gate_enter();
	queued = !xchg(&work->pending, 1);
	if (queued)
		push(wq, work, expires);
	shim_gate_leave();
	return queued;
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	return queue_at(wq, work, 0);
}

bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
			unsigned long delay)
{
	return queue_at(wq, &dwork->work, expiry_of(delay));
}

bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
		      unsigned long delay)
{
	if (queue_delayed_work(wq, dwork, delay))
		return false;
	/* Whoever looks at it next finds the new time. */
	WRITE_ONCE(dwork->work.expires, expiry_of(delay));
	sem_post(&wakeups);
	return true;
}

/* === Waiting and cancelling: process context === */

/* Takes a work item off the queue; false if it was not pending. */
static bool unqueue(struct work_struct *work)
{
	lockdep_assert_held(&work_mutex);
	while (smp_load_acquire(&work->pending)) {
		take_incoming();
		if (!list_empty(&work->entry)) {
			list_del_init(&work->entry);
			__atomic_fetch_sub(&work->wq->nr_queued, 1,
					   __ATOMIC_RELAXED);
			smp_store_release(&work->pending, 0);
			wake_waiters();
			return true;
		}
		/* Someone is between setting it and pushing. */
		if (worker_of(work))
			return false;
		sched_yield();
	}
	return false;
}

/* Whether it runs, or is going to without a timer. */
static bool is_under_way(struct work_struct *work)
{
	return worker_of(work) || (smp_load_acquire(&work->pending) &&
				   READ_ONCE(work->expires) <= now_ns());
}

static struct worker *own_worker(void)
{
	struct worker *worker;

	lockdep_assert_held(&work_mutex);
	list_for_each_entry(worker, &workers, list)
		if (pthread_equal(worker->thread, pthread_self()))
			return worker;
	return NULL;
}

static void check_waiter(struct work_struct *work)
{
	struct worker *own = own_worker();

	if (!own)
		return;
	WARN(worker_of(work) == own,
	     "a work item that waits for itself: a deadlock\n");
	/* What has a rescuer must not depend on what has none. */
	WARN(own->wq && own->wq->flags & WQ_MEM_RECLAIM && work->wq &&
		     !(work->wq->flags & WQ_MEM_RECLAIM),
	     "WQ_MEM_RECLAIM %s is flushing !WQ_MEM_RECLAIM %s\n",
	     own->wq->name, work->wq->name);
}

bool flush_work(struct work_struct *work)
{
	bool waited = false;

	shim_might_sleep(__FILE__, __LINE__);
	mutex_lock(&work_mutex);
	check_waiter(work);
	for (; is_under_way(work); waited = true)
		wait_or_run(work);
	mutex_unlock(&work_mutex);
	return waited;
}

bool flush_delayed_work(struct delayed_work *dwork)
{
	WRITE_ONCE(dwork->work.expires, 0);
	return flush_work(&dwork->work);
}

bool cancel_work_sync(struct work_struct *work)
{
	bool pending;

	shim_might_sleep(__FILE__, __LINE__);
	mutex_lock(&work_mutex);
	check_waiter(work);
	pending = unqueue(work);
	while (worker_of(work)) {
		wait_for_workers();
		/* It may have queued itself. */
		unqueue(work);
	}
	mutex_unlock(&work_mutex);
	return pending;
}

bool cancel_delayed_work(struct delayed_work *dwork)
{
	bool pending;

	mutex_lock(&work_mutex);
	pending = unqueue(&dwork->work);
	mutex_unlock(&work_mutex);
	return pending;
}

bool cancel_delayed_work_sync(struct delayed_work *dwork)
{
	return cancel_work_sync(&dwork->work);
}

/* === RCU callbacks === */

/* Of the kernel, RCU needs no worker: as good as one with a rescuer. */
static struct workqueue_struct rcu_wq = {
	.name = "rcu",
	.flags = WQ_MEM_RECLAIM,
};
static struct rcu_head *callbacks;

static void call_back(struct rcu_head *head)
{
	unsigned long offset = (unsigned long)head->func;

	if (offset < RCU_FREE_MAX)
		kfree((char *)head - offset);
	else
		head->func(head);
}

/* They run where the kernel runs them: in a soft interrupt. */
static void rcu_work_fn(struct work_struct *unused)
{
	struct rcu_head *head = xchg(&callbacks, NULL), *next;

	synchronize_rcu();
	preempt_count() += SOFTIRQ_OFFSET;
	for (; head; head = next) {
		next = head->next;
		call_back(head);
	}
	preempt_count() -= SOFTIRQ_OFFSET;
}

static DECLARE_WORK(rcu_work, rcu_work_fn);

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	struct rcu_head *old = READ_ONCE(callbacks);

	head->func = func;
	shim_gate_enter();
	do {
		head->next = old;
	} while (!try_cmpxchg(&callbacks, &old, head));
	queue_work(&rcu_wq, &rcu_work);
	shim_gate_leave();
}

void rcu_barrier(void)
{
	while (flush_work(&rcu_work))
		;
}
