// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - the reserve, and gets that take from it or sleep
 *
 * A tier may have a reserve: idle buffers apart from the objcache, which trim and
 * shrinker do not know. A get takes from it when the allocator fails, and a
 * buffer that comes back refills it before anything else is done with it. So a
 * get that may sleep is served as long as buffers come back: the guarantee, and
 * the order of attempts, of mempool_alloc().
 *
 * To the objcache the reserve is as the allocator: what is taken from it is
 * counted as a miss, and what refills it as a put that is not kept.
 *
 * Who releases a buffer tells without a lock whether the reserve is short, and
 * may see an old value of tier_queue.nr. That is as in mempool_free(): a buffer
 * that was taken from the reserve was got after reserve_claim() has lowered nr.
 * smp_wmb() there, and smp_rmb() in reserve_is_short(), order both as the buffer
 * goes from hand to hand, so that its own release sees the reserve short unless
 * another buffer has refilled it. A release that sees an old value is of another
 * buffer, and all that were taken are still to come.
 *
 * Every buffer of a pool with a reserve has BUF_RESERVE, so that its release
 * looks. A buffer that was out as the pool got its first reserve has not, and
 * becomes idle in some CPU's magazine. So who has slept for nothing drains the
 * magazines before it sleeps again, at most once a second.
 *
 * The limit: bytepool.used has all buffers that are out, and those of the
 * reserve. So what is taken from the reserve is not charged, and what refills it
 * is not uncharged.
 */

#include <linux/instruction_pointer.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "pool.h"

/* How often who waits for memory tries the allocator again. */
#define WAIT_INTERVAL (HZ / 10)

/* How often who waits for memory drains the magazines. */
#define DRAIN_INTERVAL HZ

/* === The reserve === */

/* Claim buffers of the reserve: all of them, or none. */
static bool reserve_claim(struct bytepool *pool, struct tier_queue *queue,
			  unsigned int nr)
{
	unsigned long flags;
	bool claimed;

	/* An NMI may have interrupted the holder of the lock. */
	if (READ_ONCE(queue->nr) < nr || in_nmi())
		return false;
	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	claimed = queue->nr >= nr;
	if (claimed)
		WRITE_ONCE(queue->nr, queue->nr - nr);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	/* Pairs with smp_rmb() in reserve_is_short(): see the head. */
	smp_wmb();
	return claimed;
}

/* Take a buffer that is claimed, or promised, off the reserve. */
static struct bytepool_buf *reserve_take(struct bytepool *pool,
					 struct tier_queue *queue)
{
	struct bytepool_buf *buf;
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	buf = list_first_entry(&queue->reserve, struct bytepool_buf, link);
	list_move(&buf->link, &pool->live_list);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	return buf;
}

/*
 * Put a dead buffer, whose capacity is charged, in the reserve, if that is short.
 * @comes_back: count a put, before the buffer may be somebody else's
 */
static bool reserve_add(struct bytepool *pool, struct bytepool_buf *buf,
			bool comes_back)
{
	struct tier_queue *queue = queue_of(pool, buf);
	unsigned long flags;
	bool added;

	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	added = queue->nr < queue->want;
	if (added) {
		if (comes_back)
			objcache_count_dropped(&pool->objects, buf->class);
		list_move_tail(&buf->link, &queue->reserve);
		WRITE_ONCE(queue->nr, queue->nr + 1);
		wait_serve_queue(pool, queue);
		wait_kick(pool);
	}
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	return added;
}

/**
 * reserve_refill_slow() - refill the reserve with a buffer that comes back
 * @pool: the pool
 * @buf: the buffer: dead, still charged to the limit, with its payload
 *
 * Context: any.
 * Return: true; the pool may be gone then. False: the buffer is the caller's.
 */
bool reserve_refill_slow(struct bytepool *pool, struct bytepool_buf *buf)
{
	struct objcache *oc = &pool->objects;
	bool kept = false;

	/* objcache_kill() waits for this section after it has set the flag. */
	rcu_read_lock();
	if (in_nmi() && objcache_count_put(oc, buf->class)) {
		/* The worker calls reserve_keep(). */
		limit_uncharge(pool, pool->tier[buf->class / 2].size);
		objcache_park(oc, buf->class, buf, false);
		kept = true;
	} else if (!in_nmi() && !READ_ONCE(oc->dead)) {
		kept = reserve_add(pool, buf, true);
	}
	rcu_read_unlock();
	return kept;
}

/**
 * reserve_keep() - refill the reserve with a buffer that was idle
 * @pool: the pool
 * @buf: the buffer, about to be taken apart
 *
 * Return: false if the buffer is the caller's still.
 */
bool reserve_keep(struct bytepool *pool, struct bytepool_buf *buf)
{
	size_t size = pool->tier[buf->class / 2].size;

	if (!reserve_is_short(pool, buf) || READ_ONCE(pool->objects.dead) ||
	    in_nmi() || !limit_charge(pool, size))
		return false;
	if (reserve_add(pool, buf, false))
		return true;
	limit_uncharge(pool, size);
	return false;
}

static void reserve_free_one(struct bytepool *pool, struct tier_queue *queue)
{
	buf_free_idle(pool, reserve_take(pool, queue));
	limit_uncharge(pool, pool->tier[queue - pool->queues].size);
}

/* Give back what was promised to a sleeper that needs it no more. */
static void reserve_unclaim(struct bytepool *pool, struct tier_queue *queue,
			    unsigned int nr)
{
	unsigned int surplus = 0;
	unsigned long flags;

	if (!nr)
		return;
	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	/* It may have been refilled in between. */
	if (queue->nr + nr > queue->want)
		surplus = min(nr, queue->nr + nr - queue->want);
	WRITE_ONCE(queue->nr, queue->nr + nr - surplus);
	wait_serve_queue(pool, queue);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	while (surplus--)
		reserve_free_one(pool, queue);
}

/* As much as there is, but nobody is to be killed for it. */
#define RESERVE_GFP (GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* Construct a buffer for the reserve, its capacity charged. */
static struct bytepool_buf *reserve_construct(struct bytepool *pool,
					      unsigned int tier)
{
	const struct tier *t = &pool->tier[tier];
	struct bytepool_buf *buf;

	if (!limit_charge(pool, t->size))
		return NULL;
	buf = buf_construct(pool, tier, RESERVE_GFP,
			    payload_alloc(t, RESERVE_GFP));
	if (buf)
		memory_idle(buf->data, t->size);
	else
		limit_uncharge(pool, t->size);
	return buf;
}

/*
 * Make the releases of a pool look for a short reserve, and its gets for a
 * reserve: a get on the fast path takes no look. One that reads the old values
 * meanwhile gets as before there was a reserve.
 */
static void reserve_open(struct bytepool *pool)
{
	u32 flags = pool->handle_flags | BUF_RESERVE;

	if (pool->handle_flags & BUF_RESERVE)
		return;
	WRITE_ONCE(pool->handle_flags, flags);
	WRITE_ONCE(pool->last_ref_state, state_of(1, flags & ~BUF_IDLE));
	WRITE_ONCE(pool->fast_max, 0);
}

static int reserve_grow(struct bytepool *pool, unsigned int tier,
			unsigned int nr)
{
	struct tier_queue *queue = &pool->queues[tier];
	struct bytepool_buf *buf;
	unsigned int i;
	LIST_HEAD(list);

	for (i = 0; i < nr; i++) {
		buf = reserve_construct(pool, tier);
		if (!buf)
			break;
		raw_spin_lock_irq(&pool->handles_lock);
		list_move(&buf->link, &list);
		raw_spin_unlock_irq(&pool->handles_lock);
		cond_resched();
	}
	if (i < nr)
		goto err_free;
	reserve_open(pool);
	while (!list_empty(&list)) {
		raw_spin_lock_irq(&pool->handles_lock);
		list_move(list.next, &queue->reserve);
		WRITE_ONCE(pool->wait.reserved,
			   pool->wait.reserved + pool->tier[tier].size);
		WRITE_ONCE(queue->want, queue->want + 1);
		WRITE_ONCE(queue->nr, queue->nr + 1);
		wait_serve_queue(pool, queue);
		raw_spin_unlock_irq(&pool->handles_lock);
	}
	return 0;

err_free:
	while (!list_empty(&list)) {
		buf = list_first_entry(&list, struct bytepool_buf, link);
		buf_free_idle(pool, buf);
		limit_uncharge(pool, pool->tier[tier].size);
	}
	return -ENOMEM;
}

/* What is out of the reserve is let go as it comes back. */
static void reserve_cut(struct bytepool *pool, struct tier_queue *queue,
			unsigned int want)
{
	size_t size = pool->tier[queue - pool->queues].size;
	bool surplus;

	do {
		raw_spin_lock_irq(&pool->handles_lock);
		WRITE_ONCE(pool->wait.reserved,
			   pool->wait.reserved - (queue->want - want) * size);
		WRITE_ONCE(queue->want, want);
		surplus = queue->nr > want;
		if (surplus)
			WRITE_ONCE(queue->nr, queue->nr - 1);
		raw_spin_unlock_irq(&pool->handles_lock);
		if (surplus)
			reserve_free_one(pool, queue);
		cond_resched();
	} while (surplus);
}

/**
 * reserve_set() - set the reserve of a tier
 * @pool: the pool
 * @tier: which tier
 * @nr: how many buffers
 *
 * Context: may sleep.
 * Return: 0; -EINVAL past the limit; -ENOMEM, and nothing changed.
 */
int reserve_set(struct bytepool *pool, unsigned int tier, unsigned int nr)
{
	struct tier_queue *queue = &pool->queues[tier];
	size_t bytes, others;
	int ret = 0;

	mutex_lock(&pool->wait.reserve_lock);
	others = pool->wait.reserved - queue->want * pool->tier[tier].size;
	if (check_mul_overflow(pool->tier[tier].size, (size_t)nr, &bytes) ||
	    bytes > LONG_MAX - others ||
	    (pool->limit && others + bytes > pool->limit)) {
		ret = -EINVAL;
	} else if (nr > queue->want) {
		/* A get must not need memory for the counters. */
		ret = objcache_start(&pool->objects, GFP_KERNEL) ?
			      reserve_grow(pool, tier, nr - queue->want) :
			      -ENOMEM;
	} else {
		reserve_cut(pool, queue, nr);
	}
	mutex_unlock(&pool->wait.reserve_lock);
	return ret;
}

/**
 * reserve_free() - free the reserves of a pool
 * @pool: the pool: killed, or never published
 *
 * Context: may sleep.
 */
void reserve_free(struct bytepool *pool)
{
	unsigned int i;

	for (i = 0; i < pool->nr_tiers; i++)
		reserve_cut(pool, &pool->queues[i], 0);
}

/**
 * bytepool_reserve() - set how many buffers a tier has in reserve
 * @pool: the pool
 * @len: length that gets will ask for, in bytes
 * @nr: how many buffers; 0 gives the reserve back
 *
 * A bytepool_get_buf() that may sleep, of this tier, asks the allocator first for
 * what it has at once, then takes from the reserve, then asks the allocator with
 * the caller's own gfp, and then waits for a buffer to come back: it fails only for
 * a reason that is not memory. With __GFP_NORETRY or __GFP_RETRY_MAYFAIL it does
 * not wait, and neither does one that may not sleep. A buffer that comes back
 * refills the reserve before anything else.
 *
 * That is a promise as long as buffers do come back: who waits for a second buffer
 * while he holds the first may wait for ever. bytepool_get_bufs() has the promise
 * for as many as the reserve has, unless gets that do not wait take what comes back
 * all the time. Raw memory and typed objects have none.
 *
 * The reserve is apart from max_idle, trim and shrinker, and is charged to the
 * limit as a whole. All gets of a pool with a reserve take the slow path.
 *
 * Context: process; may sleep.
 * Return: 0; -EINVAL if @len is 0 or past the largest tier, or the reserves are
 * more than the limit; -ENOMEM if the memory, or the room in the limit, is not to
 * be had, and nothing was changed.
 */
int bytepool_reserve(struct bytepool *pool, size_t len, unsigned int nr)
{
	might_sleep();
	if (!pool_usable(pool, _RET_IP_) || len - 1 >= pool->largest)
		return -EINVAL;
	if (READ_ONCE(pool->objects.dead)) {
		report_misuse(pool, MISUSE_DEAD_POOL, NULL, _RET_IP_, 0);
		return -EINVAL;
	}
	return reserve_set(pool, tier_index(pool, len), nr);
}
EXPORT_SYMBOL_GPL(bytepool_reserve);

/* === Gets === */

static size_t request_size(const struct bytepool *pool,
			   const struct buf_request *rq)
{
	return rq->tier < pool->nr_tiers ? pool->tier[rq->tier].size :
					   oversize_capacity(rq->len);
}

/* Ask the allocator for what a request lacks, which is charged already. */
static bool request_alloc_charged(struct bytepool *pool, struct buf_request *rq,
				  gfp_t gfp)
{
	struct bytepool_buf *buf;

	for (; rq->got < rq->nr; rq->got++) {
		if (rq->tier < pool->nr_tiers)
			buf = buf_get_tier(pool, rq->tier, rq->len,
					   get_gfp(pool, gfp), rq->site);
		else
			buf = buf_get_charged_oversize(pool, rq->len, gfp,
						       rq->site);
		if (!buf) {
			note_starved(pool);
			return false;
		}
		rq->bufs[rq->got] = buf;
	}
	return true;
}

static bool request_alloc(struct bytepool *pool, struct buf_request *rq,
			  gfp_t gfp)
{
	size_t size = request_size(pool, rq);

	if (!limit_charge(pool, (rq->nr - rq->got) * size))
		return false;
	if (request_alloc_charged(pool, rq, gfp))
		return true;
	limit_uncharge(pool, (rq->nr - rq->got) * size);
	return false;
}

/* Issue buffers of the reserve that are claimed, or promised. */
static void request_issue(struct bytepool *pool, struct buf_request *rq,
			  unsigned int nr)
{
	struct tier_queue *queue = &pool->queues[rq->tier];
	struct bytepool_buf *buf;

	while (nr--) {
		buf = reserve_take(pool, queue);
		/* This cannot fail: who gets keeps the pool alive. */
		objcache_count_miss(&pool->objects, buf->class, rq->len,
				    GFP_NOWAIT | __GFP_NOWARN);
		/* Withheld: it was written to while it was idle. */
		if (!buf_issue_idle(pool, buf, rq->tier, rq->len,
				    get_gfp(pool, rq->gfp), rq->site)) {
			limit_uncharge(pool, pool->tier[rq->tier].size);
			continue;
		}
		atomic_long_inc(&queue->served);
		rq->bufs[rq->got++] = buf;
	}
}

/* Release what a request that fails has got, and count the get. */
static void request_fail(struct bytepool *pool, struct buf_request *rq)
{
	while (rq->got) {
		bytepool_buf_release(rq->bufs[--rq->got]);
		rq->bufs[rq->got] = NULL;
	}
	if (rq->tier < pool->nr_tiers)
		get_failed(pool, class_buf(rq->tier), rq->site);
	else
		get_failed_oversize(pool, rq->site);
}

/* Serve what a request lacks from the reserve: all of it, or nothing. */
static bool request_take(struct bytepool *pool, struct buf_request *rq)
{
	unsigned int nr = rq->nr - rq->got;

	if (READ_ONCE(pool->objects.dead) ||
	    !reserve_claim(pool, &pool->queues[rq->tier], nr))
		return false;
	request_issue(pool, rq, nr);
	return rq->got == rq->nr;
}

/*
 * Sleep and try in turn. Who is the first of its tier, and charged, tries the
 * allocator ten times a second; the others sleep until they are told.
 */
static int request_wait(struct bytepool *pool, struct buf_request *rq,
			struct sleeper *s, unsigned int state)
{
	unsigned long drained = jiffies;
	int ret = 0;
	bool tries;

	while (!ret && !READ_ONCE(s->promised)) {
		tries = sleeper_may_try(pool, s);
		if (tries && request_alloc_charged(pool, rq, rq->gfp))
			return 0;
		if (tries && rq->tier == pool->nr_tiers)
			return -ENOMEM;
		/* See the head: some may be idle on other CPUs. */
		if (tries && time_after_eq(jiffies, drained + DRAIN_INTERVAL)) {
			objcache_drain(&pool->objects);
			drained = jiffies;
			if (request_alloc_charged(pool, rq, rq->gfp))
				return 0;
		}
		ret = sleeper_sleep(pool, s, state,
				    tries ? WAIT_INTERVAL :
					    MAX_SCHEDULE_TIMEOUT);
	}
	return ret;
}

/*
 * Sleep until a request is served, or is to be no more. Holds what it has already:
 * that is not of the reserve, of which it takes all it lacks or nothing. The pool
 * may be gone after this, if the request has failed.
 */
static int request_sleep(struct bytepool *pool, struct buf_request *rq,
			 unsigned int state, long timeout)
{
	unsigned int before = rq->got, served, lacks;
	struct tier_queue *queue = &pool->queues[rq->tier];
	struct sleeper s;
	int ret;

	/* Not for ever in the allocator: it may be promised a buffer meanwhile. */
	if (!(rq->gfp & __GFP_RETRY_MAYFAIL))
		rq->gfp |= __GFP_NORETRY;
	rq->gfp |= __GFP_NOWARN;
	ret = sleeper_enter(pool, &s, queue, rq->nr - before,
			    request_size(pool, rq), timeout);
	if (ret) {
		request_fail(pool, rq);
		return ret;
	}
	ret = request_wait(pool, rq, &s, state);
	served = rq->got - before;
	lacks = rq->nr - rq->got;
	sleeper_withdraw(pool, &s);
	if (s.promised) {
		request_issue(pool, rq, lacks);
		reserve_unclaim(pool, queue, s.promised - lacks);
	}
	if (rq->got == rq->nr)
		ret = 0;
	else
		request_fail(pool, rq);
	sleeper_leave(pool, &s, served);
	return ret;
}

/*
 * The order of mempool_alloc(): what the allocator has at once, the reserve, what
 * it has in the caller's own way, the reserve again, and sleep. Neither try of the
 * allocator takes what the kernel keeps for who frees memory, or goes on for
 * ever, since there is a reserve.
 */
static int get_reserved_at_once(struct bytepool *pool, struct buf_request *rq)
{
	gfp_t first = rq->gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_IO |
				  __GFP_RETRY_MAYFAIL | __GFP_MEMALLOC);
	gfp_t own = rq->gfp | __GFP_NOWARN;

	first |= __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN;
	if (request_alloc(pool, rq, first) || request_take(pool, rq))
		return 0;
	if (!gfpflags_allow_blocking(rq->gfp))
		return -ENOMEM;
	if (!(own & __GFP_RETRY_MAYFAIL))
		own |= __GFP_NORETRY;
	if (!(own & __GFP_MEMALLOC))
		own |= __GFP_NOMEMALLOC;
	if (request_alloc(pool, rq, own) || request_take(pool, rq))
		return 0;
	return -ENOMEM;
}

/**
 * get_reserved() - get buffers of a tier with a reserve
 * @pool: the pool
 * @rq: what is wanted
 *
 * Return: 0; an error, and the request has nothing, the get is counted as failed, and
 * the pool may be gone.
 */
int get_reserved(struct bytepool *pool, struct buf_request *rq)
{
	const gfp_t waits_not = __GFP_NORETRY | __GFP_RETRY_MAYFAIL;

	if (!get_reserved_at_once(pool, rq))
		return 0;
	if (!gfpflags_allow_blocking(rq->gfp) || rq->gfp & waits_not ||
	    READ_ONCE(pool->objects.dead) ||
	    rq->nr > READ_ONCE(pool->queues[rq->tier].want)) {
		request_fail(pool, rq);
		return -ENOMEM;
	}
	return request_sleep(pool, rq, TASK_UNINTERRUPTIBLE,
			     MAX_SCHEDULE_TIMEOUT);
}

static bool wait_state_valid(unsigned int state)
{
	switch (state & ~TASK_FREEZABLE) {
	case TASK_UNINTERRUPTIBLE:
	case TASK_INTERRUPTIBLE:
	case TASK_KILLABLE:
	case TASK_IDLE:
		return true;
	}
	return false;
}

static int get_waiting(struct bytepool *pool, struct buf_request *rq,
		       unsigned int state, long timeout)
{
	int ret = 0;

	if (rq->tier < pool->nr_tiers && tier_has_reserve(pool, rq->tier))
		ret = get_reserved_at_once(pool, rq);
	else if (!request_alloc(pool, rq, rq->gfp))
		ret = -ENOMEM;
	if (!ret)
		return 0;
	/* Memory that large is had at once, or not: only the limit is waited for. */
	if (rq->tier < pool->nr_tiers || pool->limit)
		ret = -ETIMEDOUT;
	if (ret == -ETIMEDOUT && timeout)
		return request_sleep(pool, rq, state, timeout);
	request_fail(pool, rq);
	return ret;
}

/**
 * bytepool_get_buf_wait() - get a buffer, and wait until there is one
 * @pool: the pool
 * @len: length in bytes
 * @gfp: for the allocator, as for bytepool_get()
 * @state: state of the thread while it waits: TASK_UNINTERRUPTIBLE,
 *	TASK_INTERRUPTIBLE, TASK_KILLABLE or TASK_IDLE, perhaps with TASK_FREEZABLE
 * @timeout: how long to wait, in jiffies; 0: try once; MAX_SCHEDULE_TIMEOUT: for
 *	ever
 *
 * Waits for room in the limit, for the reserve, and for memory. Who waits is served
 * first come first served, for the limit by all tiers, for the reserve and memory
 * by the tier; a get that does not wait may be served in between. Memory is
 * tried for again as it reaches a depot or slab, and ten times a second.
 *
 * bytepool_destroy() waits for who sleeps here, but nobody may be on the way in, as
 * for any get. -ERESTARTSYS is for system calls to return.
 *
 * Context: process; may sleep.
 * Return: the buffer; ERR_PTR(-ETIMEDOUT), ERR_PTR(-ERESTARTSYS) for a signal that
 * @state allows, ERR_PTR(-ESHUTDOWN) if the pool is destroyed, ERR_PTR(-EINVAL) for
 * a @state, @timeout, @gfp or @len that cannot be, a capacity that can never fit the
 * limit included, ERR_PTR(-ENOMEM) for memory larger than the largest tier.
 */
struct bytepool_buf *bytepool_get_buf_wait(struct bytepool *pool, size_t len,
					   gfp_t gfp, unsigned int state,
					   long timeout)
{
	struct bytepool_buf *buf = NULL;
	struct buf_request rq = {
		.len = len,
		.gfp = gfp,
		.site = _RET_IP_,
		.nr = 1,
		.bufs = &buf,
	};
	int ret;

	might_sleep();
	if (!get_allowed(pool, gfp, _RET_IP_) || !wait_state_valid(state) ||
	    timeout < 0 || !wait_capacity(pool, len, &rq.tier))
		return ERR_PTR(-EINVAL);
	if (READ_ONCE(pool->objects.dead)) {
		request_fail(pool, &rq);
		return ERR_PTR(-ESHUTDOWN);
	}
	ret = get_waiting(pool, &rq, state, timeout);
	return ret ? ERR_PTR(ret) : buf;
}
EXPORT_SYMBOL_GPL(bytepool_get_buf_wait);
