// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - buffers whose memory is not the pool's
 *
 * A wrapped buffer is a handle over memory that somebody else has allocated.
 * What ends the memory is in an entry of the table of tracked memory, by the
 * address of the handle, which has no room for it. The entry has no pool, so
 * that nobody else takes it for raw memory.
 *
 * The last release, in any context, leaves the entry to a worker, which calls
 * the user's function. The end of the pool waits for the worker; what comes
 * back later is not ended, since the function's module may be gone.
 */

#include <linux/instruction_pointer.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "pool.h"

/**
 * struct wrapped - how wrapped memory ends
 * @track: entry in the table of tracked memory, by the handle's address
 * @mem: the memory
 * @len: its length, in bytes
 * @free_fn: ends the memory
 * @arg: for @free_fn
 */
struct wrapped {
	struct track track;
	void *mem;
	size_t len;
	void (*free_fn)(void *mem, size_t len, void *arg);
	void *arg;
};

static void unwrap_all(struct bytepool *pool)
{
	struct llist_node *list = llist_del_all(&pool->unwrapping);
	struct wrapped *wrapped, *next;

	llist_for_each_entry_safe(wrapped, next, list, track.parked) {
		wrapped->free_fn(wrapped->mem, wrapped->len, wrapped->arg);
		atomic_long_inc(&pool->unwrapped);
		kfree_rcu(wrapped, track.rcu);
		cond_resched();
	}
}

static void unwrap_work_fn(struct work_struct *work)
{
	unwrap_all(container_of(work, struct bytepool, unwrap_work));
}

/**
 * wrap_pool_init() - set up what a pool needs to wrap memory
 * @pool: the pool
 */
void wrap_pool_init(struct bytepool *pool)
{
	init_llist_head(&pool->unwrapping);
	INIT_WORK(&pool->unwrap_work, unwrap_work_fn);
}

/**
 * wrap_pool_flush() - end the memory that has come back to a pool
 * @pool: the pool, which is about to be killed
 *
 * A function that ends memory may hold the last reference of another wrapped
 * buffer of the pool, which then comes back in time as well.
 *
 * Context: may sleep.
 */
void wrap_pool_flush(struct bytepool *pool)
{
	long before;

	/* What was ended in a round, by whomever, may have released more. */
	do {
		before = atomic_long_read(&pool->unwrapped);
		objcache_unpark(&pool->objects);
		/* Not flush_work(): see objcache_kill(). */
		cancel_work_sync(&pool->unwrap_work);
		unwrap_all(pool);
	} while (atomic_long_read(&pool->unwrapped) != before);
}

/**
 * wrap_pool_kill() - end the memory that has come back to a killed pool
 * @pool: the pool
 *
 * Context: may sleep.
 */
void wrap_pool_kill(struct bytepool *pool)
{
	/* Not flush_work(): see objcache_kill(). */
	cancel_work_sync(&pool->unwrap_work);
	unwrap_all(pool);
}

/**
 * wrap_end() - take a dead wrapped buffer apart
 * @pool: the pool
 * @buf: the handle
 * @late: the buffer came back after the pool was destroyed
 *
 * Context: any in which slab is allowed, under RCU or in the pool's worker.
 */
void wrap_end(struct bytepool *pool, struct bytepool_buf *buf, bool late)
{
	struct wrapped *wrapped;

	rcu_read_lock();
	/* It is found: the handle is alive until its only entry is removed. */
	wrapped = container_of(track_find(buf), struct wrapped, track);
	rcu_read_unlock();
	track_remove(&wrapped->track);
	if (late) {
		handle_destroy(pool, buf);
		kfree_rcu(wrapped, track.rcu);
		return;
	}
	atomic_long_dec(&pool->wrapped);
	llist_add(&wrapped->track.parked, &pool->unwrapping);
	queue_work(bytepool_wq, &pool->unwrap_work);
	handle_free(pool, buf);
}

/**
 * wrap_release() - take a wrapped buffer back whose count is 0 now
 * @pool: the pool, which may be gone after this
 * @buf: the handle
 *
 * Context: any.
 */
void wrap_release(struct bytepool *pool, struct bytepool_buf *buf)
{
	bool late;

	/* objcache_kill() waits for this section after it has set the flag. */
	rcu_read_lock();
	late = READ_ONCE(pool->objects.dead);
	if (!slab_allowed()) {
		objcache_park(&pool->objects, class_buf(0), buf, late);
	} else {
		wrap_end(pool, buf, late);
		if (late)
			objcache_unpin(&pool->objects);
	}
	rcu_read_unlock();
}

static bool can_wrap(struct bytepool *pool, const void *mem, size_t len,
		     bool has_free_fn, gfp_t gfp, unsigned long site)
{
	if (!get_allowed(pool, gfp, site))
		return false;
	if (READ_ONCE(pool->objects.dead)) {
		report_misuse(pool, MISUSE_DEAD_POOL, NULL, site, 0);
		return false;
	}
	if (!mem || !len || len > U32_MAX || !has_free_fn) {
		report_misuse(pool, MISUSE_WRAP, mem, site, 0);
		return false;
	}
	return slab_allowed();
}

/**
 * bytepool_wrap() - make a buffer of memory that is not the pool's
 * @pool: the pool
 * @mem: the memory: from kmalloc(), vmalloc(), static, or whatever it is
 * @len: its length in bytes, at most U32_MAX; the buffer's length and capacity
 * @free_fn: called once with @mem, @len and @arg after the last release
 * @arg: for @free_fn
 * @gfp: as for bytepool_get()
 *
 * The buffer is retained, released and sliced as any other. It is never taken
 * for contiguous, and the pool never writes to its memory. It counts for no
 * total, limit or budget; ``outstanding`` and ``wrapped`` in ``stats`` have it.
 *
 * @free_fn runs in a worker with a rescuer, in process context: it may sleep,
 * but must not wait for work of a queue without a rescuer, nor destroy the pool.
 * bytepool_destroy() waits for it. For a buffer that is still out then @free_fn
 * is never called: the buffer is reported, its holders may use and release it,
 * and the memory stays the caller's, who must know when nobody reads it any more.
 *
 * Context: any but NMI; sleeps only if @gfp allows it.
 * Return: the buffer, with one reference; NULL without memory for the handle,
 * and for no memory, a @len that cannot be, or no @free_fn, which is reported:
 * then @mem is still the caller's.
 */
struct bytepool_buf *bytepool_wrap(struct bytepool *pool, void *mem, size_t len,
				   void (*free_fn)(void *mem, size_t len,
						   void *arg),
				   void *arg, gfp_t gfp)
{
	struct bytepool_buf *buf;
	struct wrapped *wrapped;

	get_might_alloc(gfp);
	if (!can_wrap(pool, mem, len, free_fn, gfp, _RET_IP_))
		return NULL;
	wrapped = kzalloc(sizeof(*wrapped), gfp);
	if (!wrapped)
		return NULL;
	buf = buf_of_memory(pool, mem, len, gfp);
	if (!buf) {
		kfree(wrapped);
		return NULL;
	}
	wrapped->mem = mem;
	wrapped->len = len;
	wrapped->free_fn = free_fn;
	wrapped->arg = arg;
	wrapped->track.mem = buf;
	track_add(&wrapped->track);
	atomic_long_inc(&pool->wrapped);
	buf_issue_memory(buf, len, _RET_IP_);
	return buf;
}
EXPORT_SYMBOL_GPL(bytepool_wrap);
