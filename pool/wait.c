// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - who waits for buffers: sleepers and waiters
 *
 * A sleeper is a thread that sleeps in a get. It is in the queue of its tier,
 * and in pool_wait.limited too until its bytes are charged to the limit. A waiter
 * is a struct bytepool_waiter of the user's, which a worker wakes. What comes
 * back reaches them so:
 *
 *	limit	Who uncharges bytes charges them for the first sleeper of
 *		pool_wait.limited, if there is room for all it wants.
 *	reserve	A buffer that refills the reserve is promised to the first
 *		sleeper of its tier, once the reserve has as many as it wants.
 *	memory	The first sleeper of each tier tries the allocator again. The
 *		others sleep until they are the first.
 *
 * Waiters are woken at each of these, all of them.
 *
 * Nothing is lost:
 *
 *	limit	limit_uncharge() lowers bytepool.used by a compare-and-exchange,
 *		which is a full barrier, and then reads pool_wait.nr. Who begins
 *		to wait raises pool_wait.nr, executes smp_mb(), and then reads
 *		bytepool.used. So one of the two sees what the other has written:
 *		who uncharges takes handles_lock and serves, or who waits finds
 *		the room.
 *	reserve	Both sides hold handles_lock. Whether a buffer that comes back
 *		is the reserve's is told without it: see the head of reserve.c.
 *	memory	Memory may become idle in the magazines of another CPU, and a hit
 *		asks nobody. So who waits for memory tries again ten times a
 *		second. Beyond that, objcache_put_slow() and drops tell of memory
 *		that reaches a depot or slab; they read objcache.awaited without a
 *		barrier, so that at most one tenth of a second is lost.
 *
 * What was charged for a sleeper that gives up is uncharged, and so goes to the
 * next one. Promised buffers go back to the reserve, and to the next one.
 */

#include <linux/instruction_pointer.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/swait.h>
#include <linux/workqueue.h>

#include "pool.h"

/* How often who waits for memory tries again. */
#define RETRY_INTERVAL (HZ / 10)

/* So many sleepers are served at once with interrupts off. */
#define SERVE_BATCH 64

/* === Serving === */

static void tell(struct sleeper *s)
{
	swake_up_one(&s->wake);
}

static struct sleeper *first_sleeper(struct tier_queue *queue)
{
	return list_first_entry_or_null(&queue->sleepers, struct sleeper,
					queued);
}

static void tell_first(struct tier_queue *queue)
{
	struct sleeper *s = first_sleeper(queue);

	if (s)
		tell(s);
}

/* Charge for the first sleeper that waits for the limit. */
static bool serve_limited(struct bytepool *pool)
{
	struct sleeper *s;

	lockdep_assert_held(&pool->handles_lock);
	s = list_first_entry_or_null(&pool->wait.limited, struct sleeper,
				     limited);
	if (!s)
		return false;
	/* The reserve may have grown since: that of its tier may still serve it. */
	if (s->bytes > pool->limit - pool->wait.reserved)
		WRITE_ONCE(s->hopeless, !s->queue->want);
	else if (limit_charge(pool, s->bytes))
		s->charged = true;
	else
		return false;
	list_del_init(&s->limited);
	WRITE_ONCE(s->retry, true);
	tell(s);
	return true;
}

/* Serve who waits for the limit. Returns whether there may be more to serve. */
static bool serve_limit(struct bytepool *pool)
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	for (i = 0; i < SERVE_BATCH && serve_limited(pool); i++)
		;
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	return i == SERVE_BATCH;
}

/**
 * wait_serve_queue() - promise buffers of the reserve to sleepers
 * @pool: the pool, its handles_lock held
 * @queue: the tier's queue
 */
void wait_serve_queue(struct bytepool *pool, struct tier_queue *queue)
{
	struct sleeper *s;

	lockdep_assert_held(&pool->handles_lock);
	/* One buffer more serves one sleeper at most. */
	s = first_sleeper(queue);
	if (!s || queue->nr < s->nr)
		return;
	WRITE_ONCE(queue->nr, queue->nr - s->nr);
	list_del_init(&s->queued);
	list_del_init(&s->limited);
	WRITE_ONCE(s->promised, s->nr);
	tell(s);
}

/* Let the first sleeper of a queue try the allocator again. */
static void retry_first(struct tier_queue *queue)
{
	struct sleeper *s = first_sleeper(queue);

	if (!s || !s->charged || READ_ONCE(s->retry))
		return;
	WRITE_ONCE(s->retry, true);
	tell(s);
}

/**
 * wait_kick() - have the waiters woken
 * @pool: the pool, its handles_lock held: wait_pool_end() cancels the work
 */
void wait_kick(struct bytepool *pool)
{
	lockdep_assert_held(&pool->handles_lock);
	if (!pool->wait.ending && !list_empty(&pool->wait.armed))
		mod_delayed_work(bytepool_wq, &pool->wait.work, 0);
}

/**
 * wait_came_back() - serve who waits, because something came back
 * @pool: the pool
 *
 * Context: any.
 */
void wait_came_back(struct bytepool *pool)
{
	unsigned long flags;
	unsigned int i;

	/* An NMI may have interrupted the holder of the lock. */
	if (in_nmi()) {
		irq_work_queue(&pool->wait.irq);
		return;
	}
	while (serve_limit(pool))
		;
	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	for (i = 0; i <= pool->nr_tiers; i++)
		retry_first(&pool->queues[i]);
	wait_kick(pool);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
}

static void wait_irq_fn(struct irq_work *irq)
{
	wait_came_back(container_of(irq, struct bytepool, wait.irq));
}

/* One more, or one less, waits. */
static void wait_add(struct bytepool *pool, int nr)
{
	lockdep_assert_held(&pool->handles_lock);
	WRITE_ONCE(pool->wait.nr, pool->wait.nr + nr);
	if (pool->objects.awaited != !!pool->wait.nr)
		objcache_set_awaited(&pool->objects, pool->wait.nr);
}

/* === Sleepers === */

/**
 * sleeper_enter() - begin to wait
 * @pool: the pool
 * @s: the sleeper; sleeper_leave() after this
 * @queue: the queue of the tier that it wants
 * @nr: how many buffers it wants
 * @size: capacity of each, in bytes
 * @timeout: how long it may wait, in jiffies; %MAX_SCHEDULE_TIMEOUT: for ever
 *
 * Return: 0; -ESHUTDOWN, and nothing done, if the pool ends.
 */
int sleeper_enter(struct bytepool *pool, struct sleeper *s,
		  struct tier_queue *queue, unsigned int nr, size_t size,
		  long timeout)
{
	unsigned long flags;

	*s = (struct sleeper){
		.queue = queue,
		.nr = nr,
		.bytes = nr * size,
		.charged = !pool->limit,
		.timeout = timeout,
		.deadline = jiffies + timeout,
	};
	INIT_LIST_HEAD(&s->limited);
	init_swait_queue_head(&s->wake);
	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	if (pool->wait.ending) {
		raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
		return -ESHUTDOWN;
	}
	list_add_tail(&s->queued, &queue->sleepers);
	/* What never fits beside the reserve stands in nobody's way. */
	if (pool->limit && s->bytes <= pool->limit - pool->wait.reserved)
		list_add_tail(&s->limited, &pool->wait.limited);
	pool->wait.nr_sleepers++;
	WRITE_ONCE(pool->wait.slept, pool->wait.slept + 1);
	wait_add(pool, 1);
	/* Pairs with the exchange in limit_uncharge(): see the head. */
	smp_mb();
	serve_limited(pool);
	wait_serve_queue(pool, queue);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	return 0;
}

/**
 * sleeper_may_try() - tell whether a sleeper may ask the allocator
 * @pool: the pool
 * @s: the sleeper
 *
 * Return: true if its bytes are charged, and it is the first of its queue.
 */
bool sleeper_may_try(struct bytepool *pool, struct sleeper *s)
{
	unsigned long flags;
	bool may;

	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	/* What comes back from now on tells it once more. */
	WRITE_ONCE(s->retry, false);
	may = s->charged && first_sleeper(s->queue) == s;
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	return may;
}

static bool sleeper_is_told(const struct bytepool *pool,
			    const struct sleeper *s)
{
	return READ_ONCE(s->promised) || READ_ONCE(s->retry) ||
	       READ_ONCE(pool->wait.ending);
}

/**
 * sleeper_sleep() - sleep until there may be something to be had
 * @pool: the pool
 * @s: the sleeper
 * @state: state of the thread
 * @interval: the longest that it sleeps at once, in jiffies
 *
 * Return: 0; -ETIMEDOUT, -ESHUTDOWN; -EINVAL if it can never be served any more;
 * -ERESTARTSYS for a signal that @state allows.
 */
int sleeper_sleep(struct bytepool *pool, struct sleeper *s, unsigned int state,
		  long interval)
{
	DECLARE_SWAITQUEUE(wait);
	long left = s->timeout, ret;

	/* By the clock: trying takes time, too. */
	if (left != MAX_SCHEDULE_TIMEOUT)
		left = s->deadline - jiffies;
	if (left <= 0) {
		/* What came back in time is tried for, but once. */
		if (s->late || !sleeper_is_told(pool, s))
			return -ETIMEDOUT;
		s->late = true;
		return 0;
	}
	ret = prepare_to_swait_event(&s->wake, &wait, state);
	/* Who tells writes first, and the state was set before this reads. */
	if (!ret && !sleeper_is_told(pool, s))
		schedule_timeout(min(left, interval));
	finish_swait(&s->wake, &wait);
	if (READ_ONCE(s->promised))
		return 0;
	if (READ_ONCE(s->hopeless))
		return -EINVAL;
	return READ_ONCE(pool->wait.ending) ? -ESHUTDOWN : ret;
}

/**
 * sleeper_withdraw() - leave the queue
 * @pool: the pool
 * @s: the sleeper
 *
 * What it is charged and promised is final after this. The pool stays until
 * sleeper_leave(), to be called once the promised buffers are taken.
 */
void sleeper_withdraw(struct bytepool *pool, struct sleeper *s)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	list_del_init(&s->queued);
	list_del_init(&s->limited);
	/* The next one is the first now. */
	retry_first(s->queue);
	wait_serve_queue(pool, s->queue);
	if (pool->wait.ending)
		tell_first(s->queue);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	/* It may have wanted more than is there, and others less. */
	while (serve_limit(pool))
		;
}

/**
 * sleeper_leave() - end to wait
 * @pool: the pool, which may be gone after this
 * @s: the sleeper, after sleeper_withdraw()
 * @used: how many of its buffers the allocator has served, from what is charged
 *	for it; the rest is uncharged
 */
void sleeper_leave(struct bytepool *pool, struct sleeper *s, unsigned int used)
{
	struct pool_wait *wait = &pool->wait;
	unsigned long flags;

	if (s->charged)
		limit_uncharge(pool, s->bytes / s->nr * (s->nr - used));
	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	wait_add(pool, -1);
	if (!--wait->nr_sleepers && wait->ending)
		swake_up_one(&wait->gone);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
}

/* === Waiters === */

static struct list_head *waiter_node(struct bytepool_waiter *waiter)
{
	BUILD_BUG_ON(sizeof(waiter->node) != sizeof(struct list_head));
	return (struct list_head *)waiter->node;
}

static struct bytepool_waiter *first_waiter(struct list_head *list)
{
	if (list_empty(list))
		return NULL;
	return (void *)list->next - offsetof(struct bytepool_waiter, node);
}

/* Take a waiter off its list: from now on it may be armed again. */
static void waiter_remove(struct bytepool *pool, struct bytepool_waiter *waiter)
{
	lockdep_assert_held(&pool->handles_lock);
	list_del(waiter_node(waiter));
	WRITE_ONCE(waiter->pool, NULL);
	wait_add(pool, -1);
}

/*
 * Wake all waiters. A wake() that blocks holds up those behind it: that is why they
 * should not.
 */
static void wake_work_fn(struct work_struct *work)
{
	struct bytepool *pool =
		container_of(to_delayed_work(work), struct bytepool, wait.work);
	struct pool_wait *wait = &pool->wait;
	struct bytepool_waiter *waiter;

	raw_spin_lock_irq(&pool->handles_lock);
	/* Those that are armed from now on wait for the next time. */
	list_splice_tail_init(&wait->armed, &wait->due);
	while (!wait->ending && (waiter = first_waiter(&wait->due))) {
		waiter_remove(pool, waiter);
		wait->waking = waiter;
		raw_spin_unlock_irq(&pool->handles_lock);
		waiter->wake(waiter);
		cond_resched();
		raw_spin_lock_irq(&pool->handles_lock);
		wait->waking = NULL;
	}
	raw_spin_unlock_irq(&pool->handles_lock);
}

/*
 * A waiter that is not armed has in its node when, in jiffies, it was last told to
 * try again, and how often since. Who is told too often in a tick fails for another
 * reason than what is looked at here, and had better wait.
 */
#define MAX_TOLD 8

static bool may_tell(struct bytepool_waiter *waiter)
{
	void *now = (void *)jiffies;

	if (waiter->node[0] != now)
		waiter->node[1] = NULL;
	waiter->node[0] = now;
	waiter->node[1]++;
	return waiter->node[1] <= (void *)MAX_TOLD;
}

/*
 * Tell whether a get that fails now should be tried again at once, after
 * smp_mb(). Whether there is memory nobody knows but the allocator: a get that
 * failed a moment ago for want of it has said so.
 */
static bool has_room(struct bytepool *pool, unsigned int tier, size_t size)
{
	unsigned long starved = READ_ONCE(pool->wait.starved);

	if (READ_ONCE(pool->queues[tier].nr))
		return true;
	if (pool->limit &&
	    atomic_long_read(&pool->used) > (long)(pool->limit - size))
		return false;
	return time_after(jiffies, starved + RETRY_INTERVAL);
}

/*
 * Arm a waiter. Returns 1; 0 if there is room; -EBUSY if it is armed. A waiter that
 * has a pool is in one of its lists, or about to be: the other pool has claimed it
 * under its own lock.
 */
static int waiter_arm(struct bytepool *pool, struct bytepool_waiter *waiter,
		      unsigned int tier, size_t size)
{
	struct pool_wait *wait = &pool->wait;
	bool room = has_room(pool, tier, size);

	lockdep_assert_held(&pool->handles_lock);
	if (READ_ONCE(waiter->pool))
		return -EBUSY;
	if (wait->closed || (room && may_tell(waiter)))
		return 0;
	if (cmpxchg(&waiter->pool, NULL, pool))
		return -EBUSY;
	list_add_tail(waiter_node(waiter), &wait->armed);
	wait_add(pool, 1);
	/* Pairs with the exchange in limit_uncharge(): see the head. */
	smp_mb();
	if (!room && has_room(pool, tier, size))
		wait_kick(pool);
	else if (!wait->ending)
		queue_delayed_work(bytepool_wq, &wait->work, RETRY_INTERVAL);
	return 1;
}

/**
 * wait_capacity() - compute the capacity that a get waits for
 * @pool: the pool
 * @len: length in bytes
 * @tier: set to its tier; bytepool.nr_tiers: larger than the largest
 *
 * Return: bytes; 0 if it can never be had.
 */
size_t wait_capacity(struct bytepool *pool, size_t len, unsigned int *tier)
{
	size_t size;

	if (len - 1 < pool->largest) {
		*tier = tier_index(pool, len);
		size = pool->tier[*tier].size;
	} else {
		*tier = pool->nr_tiers;
		size = oversize_capacity(len);
	}
	if (!pool->limit ||
	    (*tier < pool->nr_tiers && tier_has_reserve(pool, *tier)))
		return size;
	/* The reserve of other tiers is charged for good. */
	return size > pool->limit - READ_ONCE(pool->wait.reserved) ? 0 : size;
}

/**
 * bytepool_wait_async() - have a function called when a get may be tried again
 * @pool: the pool
 * @len: length that a get has failed for, in bytes
 * @waiter: zeroed before its first use, but for its field wake
 *
 * To be called after a get has failed. All waiters of a pool are woken when
 * something comes back to it, at the latest after a tenth of a second: a get that
 * fails again waits again. What comes back between that get and this call is not
 * lost: the answer is false, or wake() comes at once. A waiter is told to try again
 * a few times in a tick at most; then it is armed.
 *
 * The waiter's wake() is called once for each true, by a worker with a rescuer,
 * in process context and with no lock held. It may call every function of the
 * pool but bytepool_destroy(), bytepool_reserve() and bytepool_wait_cancel(), may
 * arm the waiter again, and may free it.
 *
 * Context: any but NMI.
 * Return: true: wake() will be called, and until then or until
 * bytepool_wait_cancel() the waiter has to live; false: try the get again now. For
 * a waiter that is armed already true, for one without wake() and a @len that can
 * never be had false, each with a report.
 */
bool bytepool_wait_async(struct bytepool *pool, size_t len,
			 struct bytepool_waiter *waiter)
{
	unsigned long flags;
	unsigned int tier;
	size_t size;
	int ret;

	if (!pool_usable(pool, _RET_IP_))
		return false;
	if (READ_ONCE(pool->objects.dead)) {
		report_misuse(pool, MISUSE_DEAD_POOL, NULL, _RET_IP_, 0);
		return false;
	}
	size = wait_capacity(pool, len, &tier);
	if (!size || !waiter || !waiter->wake) {
		report_misuse(pool, MISUSE_WAITER, waiter, _RET_IP_, 0);
		return false;
	}
	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	ret = waiter_arm(pool, waiter, tier, size);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	if (ret < 0)
		report_misuse(pool, MISUSE_WAITER, waiter, _RET_IP_, 0);
	return ret;
}
EXPORT_SYMBOL_GPL(bytepool_wait_async);

/**
 * bytepool_wait_cancel() - take a waiter off
 * @pool: the pool
 * @waiter: the waiter; one that is not armed, and NULL, are accepted
 *
 * When this returns, the waiter's wake() neither runs nor will, unless somebody
 * arms it again meanwhile. A waiter that is armed in another pool is left alone, and
 * reported.
 *
 * Context: process; may sleep; not in a wake() of the pool.
 * Return: true if it was taken off unserved.
 */
bool bytepool_wait_cancel(struct bytepool *pool, struct bytepool_waiter *waiter)
{
	bool armed, waking, elsewhere;
	unsigned long flags;

	might_sleep();
	if (!pool_usable(pool, _RET_IP_) || !waiter)
		return false;
	do {
		raw_spin_lock_irqsave(&pool->handles_lock, flags);
		armed = READ_ONCE(waiter->pool) == pool;
		elsewhere = !armed && READ_ONCE(waiter->pool);
		if (armed)
			waiter_remove(pool, waiter);
		waking = pool->wait.waking == waiter;
		raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
		if (waking)
			flush_work(&pool->wait.work.work);
	} while (waking && !armed);
	if (elsewhere)
		report_misuse(pool, MISUSE_WAITER, waiter, _RET_IP_, 0);
	return armed;
}
EXPORT_SYMBOL_GPL(bytepool_wait_cancel);

/* === Pools === */

/**
 * wait_pool_init() - set up what a pool needs for those who wait
 * @pool: the pool
 */
void wait_pool_init(struct bytepool *pool)
{
	struct pool_wait *wait = &pool->wait;
	unsigned int i;

	for (i = 0; i <= pool->nr_tiers; i++) {
		INIT_LIST_HEAD(&pool->queues[i].reserve);
		INIT_LIST_HEAD(&pool->queues[i].sleepers);
	}
	INIT_LIST_HEAD(&wait->limited);
	INIT_LIST_HEAD(&wait->armed);
	INIT_LIST_HEAD(&wait->due);
	init_swait_queue_head(&wait->gone);
	INIT_DELAYED_WORK(&wait->work, wake_work_fn);
	init_irq_work(&wait->irq, wait_irq_fn);
	mutex_init(&wait->reserve_lock);
	/* No get has failed lately. */
	wait->starved = jiffies - RETRY_INTERVAL - 1;
}

/* Tell all sleepers that the pool ends: each one tells the next. */
static void tell_ending(struct bytepool *pool)
{
	unsigned int i;

	raw_spin_lock_irq(&pool->handles_lock);
	WRITE_ONCE(pool->wait.ending, true);
	for (i = 0; i <= pool->nr_tiers; i++)
		tell_first(&pool->queues[i]);
	raw_spin_unlock_irq(&pool->handles_lock);
}

static unsigned int read_sleepers(struct bytepool *pool)
{
	unsigned int nr;

	/* Who was the last has left the lock, too, once this has it. */
	raw_spin_lock_irq(&pool->handles_lock);
	nr = pool->wait.nr_sleepers;
	raw_spin_unlock_irq(&pool->handles_lock);
	return nr;
}

/* Let nobody wait any more. Returns false if somebody has just begun. */
static bool wait_close(struct bytepool *pool)
{
	raw_spin_lock_irq(&pool->handles_lock);
	pool->wait.closed = list_empty(&pool->wait.armed);
	raw_spin_unlock_irq(&pool->handles_lock);
	return pool->wait.closed;
}

/* Take off, and report, a waiter that is still armed. */
static bool drop_waiter(struct bytepool *pool)
{
	struct bytepool_waiter *waiter;

	raw_spin_lock_irq(&pool->handles_lock);
	waiter = first_waiter(&pool->wait.due) ?:
						 first_waiter(&pool->wait.armed);
	if (waiter)
		waiter_remove(pool, waiter);
	raw_spin_unlock_irq(&pool->handles_lock);
	if (waiter)
		report_misuse(pool, MISUSE_WAITER_LEFT, waiter, 0, 0);
	return waiter;
}

/**
 * wait_pool_end() - end all waiting for a pool
 * @pool: the pool, which is about to be killed
 *
 * Sleepers are woken, and have left when this returns. Waiters are taken off, and
 * no wake() runs any more.
 *
 * Context: may sleep.
 */
void wait_pool_end(struct bytepool *pool)
{
	DECLARE_SWAITQUEUE(wait);

	tell_ending(pool);
	for (;;) {
		prepare_to_swait_event(&pool->wait.gone, &wait,
				       TASK_UNINTERRUPTIBLE);
		if (!read_sleepers(pool))
			break;
		schedule_timeout(MAX_SCHEDULE_TIMEOUT);
	}
	finish_swait(&pool->wait.gone, &wait);
	/* A wake() that still runs may arm its waiter again. */
	do {
		cancel_delayed_work_sync(&pool->wait.work);
		while (drop_waiter(pool))
			cond_resched();
	} while (!wait_close(pool));
}

/**
 * wait_pool_exit() - wait for what an NMI has left behind
 * @pool: the pool, about to be freed
 *
 * Context: may sleep.
 */
void wait_pool_exit(struct bytepool *pool)
{
	irq_work_sync(&pool->wait.irq);
}
