// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - buffers and views
 *
 * A buffer is a small handle with a reference count, and a payload of exactly
 * the tier's size, apart from the handle.
 *
 * The life of a buffer: buf_construct() makes handle and payload one object;
 * bytepool_get_buf() issues it with a count of 1; holders retain and release;
 * the release that takes the count to 0 owns the object and puts it back idle,
 * or buf_destruct() takes it apart.
 *
 * The count is the arbiter. It is 0 while a handle is idle, and only the get
 * that issues the handle again writes to a dead count: a second release and a
 * retain of a dead buffer are refused and reported. Once the handle is issued
 * again, no count can tell them from the new owner's calls: they hit the new
 * owner's buffer. So a late release is never safe, even if most are refused.
 *
 * count_batch() in outstanding.c walks bytepool.live_list. It holds
 * handles_lock, so that no handle on the list is freed, but takes no reference:
 * it meets handles in any state. It may read of a handle that is
 *
 *	alive	ref, class, capacity and site, which are written by WRITE_ONCE()
 *		before the count is set
 *	idle	ref, which is 0
 *	parked	ref, which is 0: struct parked overlays data, site, class and
 *		capacity of a spare handle on its way to the worker
 *
 * It reads the count before and after the other fields, and skips a handle whose
 * count is 0 at either time: the handle may die, and even be parked, while the
 * walker reads it. A handle that is issued again in between has valid fields, if
 * not all of one moment.
 *
 * Mixed sizes: count and flags are one aligned 64-bit word. A get and the last
 * release write the word as a whole, so that a processor that reads it next
 * need not wait for two stores. Other references are taken and dropped by a
 * 32-bit compare-and-exchange of the count. This is correct because
 *
 * - an aligned 64-bit access is single-copy atomic on 64-bit machines.
 * - x86 locks the cache line for a compare-and-exchange of either size.
 * - on LL/SC machines such as arm64, the exclusive monitor covers the whole
 *   word: any store to it makes a store-exclusive of either size fail.
 * - the plain 64-bit stores come from the one owner of the word: buf_begin()
 *   owns an idle handle, and buf_unref() has the only reference of a buffer
 *   that nobody can look up.
 *
 * LKMM does not model mixed sizes. On 32-bit machines a plain 64-bit store is
 * two stores, and buf_unref_last_atomic() exchanges the count alone.
 *
 * Tail calls: buf_get_miss() and raw_get_miss() call their continuations
 * (buf_get_miss_slow(), buf_get_miss_handle(), raw_get_miss_slow()) last, and
 * a get calls each of the two last. So the calling function saves few registers.
 * Folding the continuations into their callers costs a miss 22 (buffer) or 10
 * (raw memory) of about 412 instructions.
 */

#include <linux/bug.h>
#include <linux/instruction_pointer.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "pool.h"

/*
 * Number of dead handles that a pool keeps if it bypasses magazines, so that a
 * late release is recognised. Other pools keep spare handles in magazines.
 */
#define RETIRED_HANDLES 1024

/* === Handles === */

/*
 * Enter a new handle in live_list. It stays there until it is freed, retired or
 * quarantined.
 */
static void handle_link(struct bytepool *pool, struct bytepool_buf *buf)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	list_add(&buf->link, &pool->live_list);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
}

static void handle_unlink(struct bytepool *pool, struct bytepool_buf *buf)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	list_del(&buf->link);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
}

static noinline struct bytepool_buf *handle_create(struct bytepool *pool,
						   gfp_t gfp)
{
	struct bytepool_buf *buf;

	if (!slab_allowed())
		return NULL;
	buf = kmem_cache_alloc(pool->handles->slab, gfp & ~__GFP_ZERO);
	if (!buf)
		return NULL;
	/*
	 * Under BYTEPOOL_RCU a late reader may look at the count even now.
	 * It is 0 if this was a handle before, and stays 0.
	 */
	refcount_set(&buf->ref, 0);
	WRITE_ONCE(buf->rcu, pool->flags & BYTEPOOL_RCU ? 1 : 0);
	buf->cpu = pool->objects.cpu;
	buf->cpu_ofs = 0;
	buf->site = 0;
	handle_link(pool, buf);
	return buf;
}

/*
 * Tell whether a spare handle is alive, and report one that is. Two releases
 * that raced on a count of 1 may have put the handle twice, and a get has
 * issued it in between.
 */
static bool handle_is_taken(struct bytepool_buf *buf)
{
	if (likely(!refcount_read(&buf->ref)))
		return false;
	report_misuse(buf_pool(buf), MISUSE_CORRUPT, buf, 0,
		      READ_ONCE(buf->site));
	return true;
}

static struct bytepool_buf *handle_alloc(struct bytepool *pool, gfp_t gfp)
{
	struct bytepool_buf *buf;

	do {
		buf = objcache_get_uncounted(&pool->objects, class_spare(pool));
	} while (unlikely(buf) && handle_is_taken(buf));
	return buf ?: handle_create(pool, gfp);
}

/**
 * handle_destroy() - free a dead handle
 * @pool: the pool
 * @buf: the handle, without payload
 */
void handle_destroy(struct bytepool *pool, struct bytepool_buf *buf)
{
	handle_unlink(pool, buf);
	cache_free(pool->handles, buf);
}

/*
 * Retire a dead handle of a pool that bypasses magazines. If there are too many,
 * free the oldest.
 */
static void handle_retire(struct bytepool *pool, struct bytepool_buf *buf)
{
	struct bytepool_buf *oldest = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	list_del(&buf->link);
	list_add_tail(&buf->link, &pool->retired);
	if (++pool->nr_retired > RETIRED_HANDLES) {
		oldest = list_first_entry(&pool->retired, struct bytepool_buf,
					  link);
		list_del(&oldest->link);
		pool->nr_retired--;
	}
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	if (oldest)
		kmem_cache_free(pool->handles->slab, oldest);
}

/* Keep a dead handle without payload, so that a late release is recognised. */
void handle_free(struct bytepool *pool, struct bytepool_buf *buf)
{
	struct objcache *oc = &pool->objects;

	if (oc->bypass)
		handle_retire(pool, buf);
	else if (!objcache_put_uncounted(oc, class_spare(pool), buf))
		handle_destroy(pool, buf);
}

/* === Construction === */

/* WRITE_ONCE() pairs with READ_ONCE() of the walkers of live_list. */
static void handle_set(struct bytepool_buf *buf, u16 class, u32 capacity)
{
	WRITE_ONCE(buf->class, class);
	WRITE_ONCE(buf->capacity, capacity);
	buf->cpu_ofs = class_to_ofs(class);
}

/* Size of the payload, which a checked pool gives a part of. */
static size_t payload_size(const struct bytepool *pool,
			   const struct bytepool_buf *buf)
{
	if (buf->class == CLASS_OVERSIZE)
		return oversize_capacity(buf->capacity);
	return pool->tier[buf->class / 2].size;
}

static void payload_free(struct bytepool *pool, struct bytepool_buf *buf)
{
	u32 flags = READ_ONCE(buf->flags);

	if (flags & BUF_RESTING)
		return;
	if (flags & BUF_VMALLOC)
		big_free(buf->data);
	else
		payload_free_idle(pool->tier[buf->class / 2].payload,
				  buf->data);
}

/**
 * buf_construct() - make an idle buffer
 * @pool: the pool
 * @tier_nr: index of the tier
 * @gfp: for the allocator
 * @data: payload from the tier's slab cache; NULL if slab had no memory
 *
 * Return: the handle; NULL without memory, and the payload is freed.
 */
struct bytepool_buf *buf_construct(struct bytepool *pool, unsigned int tier_nr,
				   gfp_t gfp, void *data)
{
	const struct tier *tier = &pool->tier[tier_nr];
	u32 flags = READ_ONCE(pool->handle_flags);
	struct bytepool_buf *buf;

	if (!data && may_fall_back(pool, tier, gfp)) {
		data = big_vmalloc(tier->size, gfp);
		flags |= BUF_VMALLOC;
	}
	if (!data)
		return NULL;
	buf = handle_alloc(pool, gfp);
	if (likely(buf)) {
		handle_set(buf, class_buf(tier_nr), tier->size);
		buf->data = data;
		WRITE_ONCE(buf->flags, flags);
	} else if (flags & BUF_VMALLOC) {
		big_free(data);
	} else {
		kmem_cache_free(tier->slab, data);
	}
	return buf;
}

/* Construct a buffer, and count the get as a miss. */
static struct bytepool_buf *buf_get_fresh(struct bytepool *pool,
					  unsigned int tier, size_t len,
					  gfp_t gfp, void *data)
{
	struct bytepool_buf *buf = buf_construct(pool, tier, gfp, data);

	if (unlikely(!buf) ||
	    likely(objcache_count_miss(&pool->objects, class_buf(tier), len,
				       gfp)))
		return buf;
	payload_free(pool, buf);
	handle_free(pool, buf);
	return NULL;
}

/**
 * buf_free_idle() - free an idle buffer, and its handle
 * @pool: the pool
 * @buf: the handle, which has its payload
 */
void buf_free_idle(struct bytepool *pool, struct bytepool_buf *buf)
{
	payload_free(pool, buf);
	handle_destroy(pool, buf);
}

/* Free a dead buffer larger than the largest tier. */
static void buf_free_oversize(struct bytepool *pool, struct bytepool_buf *buf)
{
	struct objcache *oc = &pool->objects;

	/* The worker calls this function again. */
	if (!slab_allowed()) {
		objcache_park(oc, class_buf(0), buf, false);
		return;
	}
	rcu_read_lock();
	payload_clear(pool, buf->data, payload_size(pool, buf));
	big_free(buf->data);
	if (oversize_uncharge(pool, -1, payload_size(pool, buf))) {
		handle_free(pool, buf);
	} else {
		handle_destroy(pool, buf);
		objcache_unpin(oc);
	}
	rcu_read_unlock();
}

/**
 * buf_destruct() - take a dead buffer apart
 * @pool: the pool
 * @buf: the handle
 * @late: the buffer came back after the pool was destroyed
 */
void buf_destruct(struct bytepool *pool, struct bytepool_buf *buf, bool late)
{
	if (READ_ONCE(buf->flags) & BUF_OVERSIZE) {
		buf_free_oversize(pool, buf);
		return;
	}
	if (READ_ONCE(buf->flags) & BUF_WRAPPED) {
		wrap_end(pool, buf, late);
		return;
	}
	/* The buffer was put twice, and is alive or already taken apart. */
	if (unlikely(!(READ_ONCE(buf->flags) & BUF_IDLE))) {
		report_misuse(pool, MISUSE_CORRUPT, buf, 0,
			      READ_ONCE(buf->site));
		return;
	}
	if (late) {
		buf_free_idle(pool, buf);
		return;
	}
	if (!(READ_ONCE(buf->flags) & BUF_RESTING) && reserve_keep(pool, buf))
		return;
	payload_free(pool, buf);
	handle_free(pool, buf);
}

/* === Buffers === */

/* In a checked pool, give a buffer the capacity that is asked for. */
static void buf_begin_checked(struct bytepool *pool, struct bytepool_buf *buf,
			      size_t len)
{
	if (!has_red_zones(pool))
		return;
	WRITE_ONCE(buf->capacity, len);
	red_zone_set(buf->data, len, payload_size(pool, buf));
}

/*
 * Look at a dead buffer of a checked pool, and let its payload rest if it can.
 * Returns flags for the handle.
 */
static u32 buf_end_checked(struct bytepool *pool, struct bytepool_buf *buf,
			   u32 flags, unsigned long site)
{
	unsigned long got_by = READ_ONCE(buf->site);

	red_zone_check(pool, buf->data, buf->capacity, payload_size(pool, buf),
		       got_by, site);
	if (flags & (BUF_VMALLOC | BUF_OVERSIZE) ||
	    READ_ONCE(pool->objects.dead) || reserve_is_short(pool, buf) ||
	    !rest_begin(pool, pool->tier[buf->class / 2].payload, buf->data,
			got_by, site))
		return 0;
	return BUF_RESTING;
}

/*
 * Refuse to issue an idle handle whose state is wrong. If two releases that
 * raced on a count of 1 have put the handle twice, it is alive, and is left to
 * its owner. If the handle was written to while it was idle, it is quarantined.
 */
static void buf_refuse(struct bytepool *pool, struct bytepool_buf *buf,
		       unsigned long site)
{
	unsigned long flags;

	report_misuse(pool, MISUSE_CORRUPT, buf, site, READ_ONCE(buf->site));
	/* Do not judge by the count: a get in progress sets it last. */
	if (!(READ_ONCE(buf->flags) & BUF_IDLE))
		return;
	atomic64_inc(&counts_of(&pool->objects, buf->class)->quarantined);
	/* An NMI may have interrupted the holder of the lock: leak the memory. */
	if (in_nmi())
		return;
	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	list_move(&buf->link, &pool->quarantine_list);
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
}

/* Make a handle a live buffer, by one store of its state: see "Mixed sizes". */
static __always_inline void buf_begin(struct bytepool_buf *buf, u64 state,
				      size_t len, unsigned long site)
{
	WRITE_ONCE(buf->site, site);
	buf->len = len;
	/* Pairs with the acquire in bytepool_buf_tryretain(). */
	smp_wmb();
	WRITE_ONCE(buf->state, state);
}

/* Issue an idle handle with a count of 1. Returns false if it is not idle. */
static __always_inline bool buf_issue(struct bytepool_buf *buf, size_t len,
				      unsigned long site)
{
	u64 state = READ_ONCE(buf->state);

	if (unlikely(!(state & STATE_IDLE)))
		return false;
	buf_begin(buf, (state & ~STATE_IDLE) | STATE_LAST_REF, len, site);
	return true;
}

/* Issue a buffer of a tier that nobody else has. */
static void buf_issue_tier(struct bytepool *pool, struct bytepool_buf *buf,
			   unsigned int tier, size_t len, unsigned long site)
{
	u32 reserve = READ_ONCE(pool->handle_flags) & BUF_RESERVE;

	memory_in_use(buf->data, pool->tier[tier].size);
	/* A buffer that was made before the pool got its first reserve. */
	if (unlikely(reserve & ~READ_ONCE(buf->flags)))
		WRITE_ONCE(buf->flags, buf->flags | BUF_RESERVE);
	buf_begin_checked(pool, buf, len);
	memset(handle_priv(buf), 0, pool->priv_size);
	buf_issue(buf, len, site);
}

/**
 * buf_issue_idle() - issue a buffer that was idle outside of the objcache
 * @pool: the pool
 * @buf: the handle, with its payload
 * @tier: the tier
 * @len: length in bytes
 * @gfp: may have __GFP_ZERO
 * @site: the call site
 *
 * Return: false if it is not as it was left, and is withheld.
 */
bool buf_issue_idle(struct bytepool *pool, struct bytepool_buf *buf,
		    unsigned int tier, size_t len, gfp_t gfp,
		    unsigned long site)
{
	size_t size = pool->tier[tier].size;

	if (unlikely(refcount_read(&buf->ref) ||
		     !(READ_ONCE(buf->flags) & BUF_IDLE))) {
		buf_refuse(pool, buf, site);
		return false;
	}
	memory_in_use(buf->data, size);
	if (gfp & __GFP_ZERO)
		memset(buf->data, 0, size);
	buf_issue_tier(pool, buf, tier, len, site);
	return true;
}

/**
 * buf_get_tier() - get a buffer of a tier
 * @pool: the pool
 * @tier: the tier, whose capacity is charged to the limit already
 * @len: length in bytes
 * @gfp: for the allocator
 * @site: the call site
 *
 * Return: the buffer, or NULL.
 */
struct bytepool_buf *buf_get_tier(struct bytepool *pool, unsigned int tier,
				  size_t len, gfp_t gfp, unsigned long site)
{
	unsigned int class = class_buf(tier);
	struct bytepool_buf *buf;

	for (;;) {
		buf = objcache_get(&pool->objects, class, len, gfp);
		if (!buf) {
			if (!slab_allowed())
				return NULL;
			buf = buf_get_fresh(pool, tier, len, gfp,
					    payload_alloc(&pool->tier[tier],
							  gfp));
			if (!buf)
				return NULL;
			buf_issue_tier(pool, buf, tier, len, site);
			return buf;
		}
		if (buf_issue_idle(pool, buf, tier, len, gfp, site))
			return buf;
	}
}

/**
 * buf_get_charged_oversize() - get a buffer larger than the largest tier
 * @pool: the pool
 * @len: length in bytes, whose capacity is charged to the limit already
 * @gfp: for the allocator
 * @site: the call site
 *
 * Return: the buffer, or NULL.
 */
struct bytepool_buf *buf_get_charged_oversize(struct bytepool *pool, size_t len,
					      gfp_t gfp, unsigned long site)
{
	struct bytepool_buf *buf;
	u32 flags;

	buf = slab_allowed() ? handle_alloc(pool, gfp) : NULL;
	if (!buf) {
		note_starved(pool);
		return NULL;
	}
	buf->data = oversize_alloc(pool, len, gfp);
	if (!buf->data) {
		handle_free(pool, buf);
		return NULL;
	}
	flags = READ_ONCE(pool->handle_flags) | BUF_OVERSIZE;
	if (is_vmalloc_addr(buf->data))
		flags |= BUF_VMALLOC;
	WRITE_ONCE(buf->flags, flags);
	handle_set(buf, CLASS_OVERSIZE, oversize_capacity(len));
	buf_begin_checked(pool, buf, len);
	oversize_count(pool, len);
	memset(handle_priv(buf), 0, pool->priv_size);
	/* This cannot fail: the handle was set to idle above. */
	buf_issue(buf, len, site);
	return buf;
}

static struct bytepool_buf *buf_get_oversize(struct bytepool *pool, size_t len,
					     gfp_t gfp, unsigned long site)
{
	struct bytepool_buf *buf = NULL;

	if (!len)
		return NULL;
	if (oversize_charge(pool, len)) {
		buf = buf_get_charged_oversize(pool, len, gfp, site);
		if (!buf)
			limit_uncharge_unserved(pool, oversize_capacity(len));
	}
	return buf ?: get_failed_oversize(pool, site);
}

/**
 * buf_of_memory() - make an idle handle over memory that is not the pool's
 * @pool: the pool
 * @mem: the memory
 * @len: its length, in bytes
 * @gfp: for the allocator
 *
 * Return: the handle, for buf_issue_memory(); or NULL.
 */
struct bytepool_buf *buf_of_memory(struct bytepool *pool, void *mem, size_t len,
				   gfp_t gfp)
{
	struct bytepool_buf *buf = handle_alloc(pool, gfp);

	if (!buf)
		return NULL;
	buf->data = mem;
	/* Whether it is contiguous is not known. */
	WRITE_ONCE(buf->flags,
		   (READ_ONCE(pool->handle_flags) &
		    ~(BUF_CHECK | BUF_LIMIT | BUF_WATCHED | BUF_RESERVE)) |
			   BUF_WRAPPED | BUF_VMALLOC);
	handle_set(buf, CLASS_WRAPPED, len);
	memset(handle_priv(buf), 0, pool->priv_size);
	return buf;
}

/**
 * buf_issue_memory() - issue a handle of buf_of_memory()
 * @buf: the handle
 * @len: length of the memory, in bytes
 * @site: call site
 */
void buf_issue_memory(struct bytepool_buf *buf, size_t len, unsigned long site)
{
	/* This cannot fail: the handle is idle. */
	buf_issue(buf, len, site);
}

static noinline struct bytepool_buf *buf_get_reserved(struct bytepool *pool,
						      unsigned int tier,
						      size_t len, gfp_t gfp,
						      unsigned long site)
{
	struct bytepool_buf *buf = NULL;
	struct buf_request rq = {
		.tier = tier,
		.len = len,
		.gfp = gfp,
		.site = site,
		.nr = 1,
		.bufs = &buf,
	};

	get_reserved(pool, &rq);
	return buf;
}

/*
 * Serve bytepool_get_buf() off the fast path. @refused is an idle handle that
 * was popped and cannot be issued, or NULL.
 */
static noinline struct bytepool_buf *buf_get_slow(struct bytepool *pool,
						  size_t len, gfp_t gfp,
						  struct bytepool_buf *refused,
						  unsigned long site)
{
	struct bytepool_buf *buf = NULL;
	unsigned int tier;

	if (unlikely(refused))
		buf_refuse(pool, refused, site);
	if (!get_allowed(pool, gfp, site))
		return NULL;
	if (len - 1 >= pool->largest)
		return buf_get_oversize(pool, len, gfp, site);
	tier = tier_index(pool, len);
	/* The pool may be gone after this, and a failure is counted. */
	if (unlikely(tier_has_reserve(pool, tier)))
		return buf_get_reserved(pool, tier, len, gfp, site);
	if (limit_charge(pool, pool->tier[tier].size)) {
		buf = buf_get_tier(pool, tier, len, get_gfp(pool, gfp), site);
		if (!buf)
			limit_uncharge_unserved(pool, pool->tier[tier].size);
	}
	return buf ?: get_failed(pool, class_buf(tier), site);
}

/* Tail call of buf_get_miss(), if the depot has objects. */
static noinline struct bytepool_buf *buf_get_depot(struct bytepool *pool,
						   size_t len, gfp_t gfp,
						   unsigned long ofs,
						   unsigned long site)
{
	struct bytepool_buf *buf;

	buf = objcache_get_slow(&pool->objects, ofs_to_class(ofs), len, gfp);
	if (likely(buf) && likely(buf_issue(buf, len, site)))
		return buf;
	return buf_get_slow(pool, len, gfp, buf, site);
}

/*
 * Tail call of buf_get_miss(), if slab had no payload, or if the miss was not
 * counted: see objcache_count_miss_and_take().
 */
static noinline struct bytepool_buf *
buf_get_miss_slow(struct bytepool *pool, size_t len, gfp_t gfp,
		  unsigned long ofs, void *data, unsigned long site)
{
	unsigned int class = ofs_to_class(ofs);
	struct bytepool_buf *buf;

	buf = buf_get_fresh(pool, class / 2, len, gfp, data);
	if (unlikely(!buf))
		return get_failed(pool, class, site);
	buf_issue(buf, len, site);
	return buf;
}

/*
 * Tail call of buf_get_miss(), if the spare handle needs its class changed, or
 * is alive. The miss is counted: if there is no other handle, count a put to
 * undo it.
 */
static noinline struct bytepool_buf *
buf_get_miss_handle(struct bytepool *pool, struct bytepool_buf *buf, void *data,
		    size_t len, unsigned long ofs, unsigned long site)
{
	const struct tier *tier = tier_at(pool, ofs);

	if (unlikely(handle_is_taken(buf)))
		buf = handle_alloc(pool, GFP_NOWAIT | __GFP_NOWARN);
	if (unlikely(!buf)) {
		rcu_read_lock();
		objcache_count_put(&pool->objects, ofs_to_class(ofs));
		kmem_cache_free(tier->slab, data);
		rcu_read_unlock();
		return get_failed(pool, ofs_to_class(ofs), site);
	}
	handle_set(buf, ofs_to_class(ofs), tier->size);
	buf->data = data;
	/* Racy: see reserve_open(). */
	buf_begin(buf, data_race(pool->last_ref_state), len, site);
	return buf;
}

/*
 * Serve bytepool_get_buf() after POP_EMPTY. In most cases the pool has no idle
 * buffer at all, and the get must cost little more than slab. Rare cases are in
 * tail calls: see the head of this file.
 */
static noinline struct bytepool_buf *buf_get_miss(struct bytepool *pool,
						  size_t len, gfp_t gfp,
						  unsigned long ofs,
						  unsigned long site)
{
	const struct tier *tier = tier_at(pool, ofs);
	void *data, *handle;
	struct bytepool_buf *buf;

	if (slab_sleeps())
		return buf_get_slow(pool, len, gfp, NULL, site);
	if (!depot_is_empty(&pool->objects, ofs))
		return buf_get_depot(pool, len, gfp, ofs, site);
	data = payload_alloc(tier, gfp);
	if (unlikely(!data) ||
	    unlikely(!objcache_count_miss_and_take(&pool->objects, ofs, len,
						   pool->spare_ofs, &handle)))
		return buf_get_miss_slow(pool, len, gfp, ofs, data, site);
	buf = handle;
	if (unlikely(buf->cpu_ofs != ofs) || unlikely(refcount_read(&buf->ref)))
		return buf_get_miss_handle(pool, buf, data, len, ofs, site);
	buf->data = data;
	/* Racy: see reserve_open(). */
	buf_begin(buf, data_race(pool->last_ref_state), len, site);
	return buf;
}

/**
 * bytepool_get_buf() - get a buffer with one reference
 * @pool: the pool
 * @len: length in bytes
 * @gfp: as for bytepool_get()
 *
 * A holder may retain the buffer for others. The last release recycles it.
 *
 * Context: any but NMI; sleeps only if @gfp allows it.
 * Return: the buffer, for bytepool_buf_release(); NULL if @len is 0, without
 * memory, or past the pool's limit.
 */
struct bytepool_buf *bytepool_get_buf(struct bytepool *pool, size_t len,
				      gfp_t gfp)
{
	unsigned long ofs;
	enum pop pop;
	void *obj;

	get_might_alloc(gfp);
	if (unlikely(!ptr_valid(pool)) || unlikely(gfp & BYTEPOOL_GFP_SLOW) ||
	    /* Racy: see reserve_open(). */
	    unlikely(len - 1 >= data_race(pool->fast_max)))
		return buf_get_slow(pool, len, gfp, NULL, _RET_IP_);
	ofs = ofs_of_len(pool, len)->buf;
	pop = objcache_pop(&pool->objects, ofs, len, &obj);
	if (unlikely(pop == POP_EMPTY))
		return buf_get_miss(pool, len, gfp, ofs, _RET_IP_);
	if (unlikely(pop != POP_DONE))
		return buf_get_slow(pool, len, gfp, NULL, _RET_IP_);
	if (unlikely(!buf_issue(obj, len, _RET_IP_)))
		return buf_get_slow(pool, len, gfp, obj, _RET_IP_);
	return obj;
}
EXPORT_SYMBOL_GPL(bytepool_get_buf);

/* Recycle a buffer whose count is 0 now. The pool may be gone after this. */
static void buf_recycle(struct bytepool_buf *buf, unsigned long site)
{
	struct bytepool *pool = buf_pool(buf);
	u32 flags = READ_ONCE(buf->flags);

	/* This is the later of two releases that raced on a count of 1. */
	if (unlikely(flags & BUF_IDLE)) {
		report_misuse(pool, MISUSE_RELEASE, buf, site,
			      READ_ONCE(buf->site));
		return;
	}
	if (unlikely(flags & BUF_CHECK))
		flags |= buf_end_checked(pool, buf, flags, site);
	if (flags & BUF_CLEAR)
		memzero_explicit(handle_priv(buf), pool->priv_size);
	WRITE_ONCE(buf->flags, flags | BUF_IDLE);
	WRITE_ONCE(buf->site, site);
	if (flags & BUF_OVERSIZE) {
		buf_free_oversize(pool, buf);
		return;
	}
	if (flags & BUF_WRAPPED) {
		wrap_release(pool, buf);
		return;
	}
	if (!(flags & BUF_RESTING)) {
		payload_clear(pool, buf->data, payload_size(pool, buf));
		memory_idle(buf->data, payload_size(pool, buf));
		if (reserve_refill(pool, buf))
			return;
	}
	limit_uncharge(pool, payload_size(pool, buf));
	objcache_put(&pool->objects, buf->class, buf);
}

/* Release a buffer that is shared, dead, or not of the plain kind. */
static noinline void buf_release_slow(struct bytepool_buf *buf,
				      unsigned long site)
{
	int refs = refcount_read(&buf->ref);

	/*
	 * Not refcount_dec_and_test(), which writes to a dead count and WARNs:
	 * the report here names both call sites.
	 */
	do {
		if (unlikely(refs <= 0)) {
			report_misuse(buf_pool(buf), MISUSE_RELEASE, buf, site,
				      READ_ONCE(buf->site));
			return;
		}
	} while (!atomic_try_cmpxchg_release(&buf->ref.refs, &refs, refs - 1));
	if (refs > 1)
		return;
	/* Pairs with the release in buf_unref_atomic(), buf_release_slow(). */
	smp_acquire__after_ctrl_dep();
	buf_recycle(buf, site);
}

/* Not inline: loading the arguments would cost its callers' hits. */
static noinline void buf_put_slow(struct bytepool *pool,
				  struct bytepool_buf *buf)
{
	objcache_put_slow(&pool->objects, buf->class, buf);
}

/* Free the payload, and keep the handle as a spare one. */
static __always_inline bool buf_drop(struct cpu_cache *cache, unsigned long ofs,
				     void *obj, struct objcache *oc)
{
	struct bytepool *pool = pool_of(oc);
	struct bytepool_buf *buf = obj;
	void *data = buf->data;

	/* The handle is the CPU's after this. */
	if (!cpu_drop_keep_handle(cache, ofs, pool->spare_ofs, buf))
		return false;
	kmem_cache_free(tier_at(pool, ofs)->slab, data);
	preempt_enable();
	return true;
}

/* Continue a release after PUSH_FULL_LOCKED. The payload is a slab object. */
static noinline void buf_put_full(struct cpu_cache *cache, unsigned long ofs,
				  struct bytepool_buf *buf,
				  struct bytepool *pool)
{
	if (!objcache_put_full(cache, ofs, buf, &pool->objects, buf_drop))
		buf_put_slow(pool, buf);
}

/* Result of dropping a reference on the fast path. */
enum unref {
	UNREF_LAST, /* the count is 0, and the caller owns the handle */
	UNREF_SHARED, /* other references are left */
	UNREF_SLOW, /* not handled: nothing was changed */
};

/*
 * Drop the last reference of a buffer of the atomic kind. Returns false if it
 * was not the last. Late readers read the count alone; the flags are exchanged
 * with the count for the sake of the next read: see "Mixed sizes". KCSAN takes
 * a failing exchange for an access of the flags, so holders must read the flags
 * by READ_ONCE().
 */
static __always_inline bool buf_unref_last_atomic(struct bytepool_buf *buf,
						  u64 state)
{
	int refs = 1;

	if (IS_ENABLED(CONFIG_64BIT))
		return try_cmpxchg_release(&buf->state, &state,
					   STATE_IDLE_ATOMIC);
	if (!atomic_try_cmpxchg_release(&buf->ref.refs, &refs, 0))
		return false;
	WRITE_ONCE(buf->flags, BUF_ATOMIC | BUF_IDLE);
	return true;
}

/* Drop a reference of a buffer that is shared or of the atomic kind. */
static __always_inline enum unref buf_unref_atomic(struct bytepool_buf *buf,
						   u64 state)
{
	int refs = state_refs(state);

	if (likely(refs > 1))
		return atomic_try_cmpxchg_release(&buf->ref.refs, &refs,
						  refs - 1) ?
			       UNREF_SHARED :
			       UNREF_SLOW;
	/* The compare-and-exchange picks one winner among racing releases. */
	if (state != STATE_LAST_REF_ATOMIC ||
	    !buf_unref_last_atomic(buf, state))
		return UNREF_SLOW;
	/* Pairs with the release in buf_unref_atomic(), buf_release_slow(). */
	smp_acquire__after_ctrl_dep();
	return UNREF_LAST;
}

/*
 * Drop a reference. The only holder needs no locked instruction, as in
 * skb_unref(), unless late readers may retain the buffer.
 */
static __always_inline enum unref buf_unref(struct bytepool_buf *buf)
{
	u64 state = READ_ONCE(buf->state);

	if (unlikely(state != STATE_LAST_REF))
		return buf_unref_atomic(buf, state);
	/* Pairs with the release in buf_unref_atomic(), buf_release_slow(). */
	smp_acquire__after_ctrl_dep();
	WRITE_ONCE(buf->state, STATE_IDLE);
	return UNREF_LAST;
}

/* Finish a release that was not UNREF_SHARED. */
static __always_inline void buf_unref_done(struct bytepool_buf *buf,
					   enum unref unref, unsigned long site)
{
	struct cpu_cache *cache;
	unsigned long ofs;
	enum push push;

	if (unlikely(unref == UNREF_SLOW)) {
		buf_release_slow(buf, site);
		return;
	}
	WRITE_ONCE(buf->site, site);
	ofs = buf->cpu_ofs;
	push = objcache_push_locked(buf->cpu, ofs, buf, &cache);
	if (unlikely(push == PUSH_FULL_LOCKED))
		buf_put_full(cache, ofs, buf, buf_pool(buf));
	else if (unlikely(push == PUSH_BUSY))
		buf_put_slow(buf_pool(buf), buf);
}

static __always_inline void buf_release(struct bytepool_buf *buf,
					unsigned long site)
{
	enum unref unref = buf_unref(buf);

	if (unref != UNREF_SHARED)
		buf_unref_done(buf, unref, site);
}

/**
 * bytepool_buf_release() - drop a reference
 * @buf: the buffer; NULL is accepted
 *
 * The last release recycles the buffer. A release of a dead buffer is refused
 * and reported with both call sites, unless the handle was issued again: then
 * it drops the new owner's reference.
 *
 * Context: any but NMI.
 */
void bytepool_buf_release(struct bytepool_buf *buf)
{
	enum unref unref;

	if (unlikely(!buf))
		return;
	/* _RET_IP_ is read only if it is needed. */
	unref = buf_unref(buf);
	if (unref != UNREF_SHARED)
		buf_unref_done(buf, unref, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_buf_release);

/* Report a retain of a dead buffer, or of one whose count would saturate. */
static noinline struct bytepool_buf *retain_refused(struct bytepool_buf *buf,
						    unsigned long site)
{
	report_misuse(buf_pool(buf),
		      refcount_read(&buf->ref) == INT_MAX ? MISUSE_SATURATED :
							    MISUSE_RETAIN,
		      buf, site, READ_ONCE(buf->site));
	return NULL;
}

static __always_inline bool buf_try_retain(struct bytepool_buf *buf)
{
	int refs = refcount_read(&buf->ref), next;

	do {
		/* False for a dead count, and for one that would wrap. */
		next = (int)((unsigned int)refs + 1);
		if (unlikely(next <= 1))
			return false;
	} while (!atomic_try_cmpxchg_relaxed(&buf->ref.refs, &refs, next));
	return true;
}

/**
 * bytepool_buf_retain() - take another reference
 * @buf: the buffer, of which the caller has a reference; NULL is accepted
 *
 * Context: any but NMI.
 * Return: @buf; NULL and a report if it is dead.
 */
struct bytepool_buf *bytepool_buf_retain(struct bytepool_buf *buf)
{
	if (unlikely(!buf))
		return NULL;
	if (unlikely(!buf_try_retain(buf)))
		return retain_refused(buf, _RET_IP_);
	return buf;
}
EXPORT_SYMBOL_GPL(bytepool_buf_retain);

/**
 * bytepool_buf_tryretain() - take a reference of a buffer found under RCU
 * @buf: the buffer, of a pool with %BYTEPOOL_RCU; NULL is accepted
 *
 * Success means that the buffer is alive, not that it is the one looked for:
 * re-read the pointer that it was found through, by smp_load_acquire(); if
 * that has changed, release and look again. The payload may be touched only
 * after that.
 *
 * Context: any but NMI, inside rcu_read_lock().
 * Return: whether there is a reference now. Without %BYTEPOOL_RCU always
 * false, and a report.
 */
bool bytepool_buf_tryretain(struct bytepool_buf *buf)
{
	int refs;

	if (!buf)
		return false;
	if (unlikely(!READ_ONCE(buf->rcu))) {
		report_misuse(buf_pool(buf), MISUSE_TRYRETAIN, buf, _RET_IP_,
			      READ_ONCE(buf->site));
		return false;
	}
	refs = refcount_read(&buf->ref);
	do {
		if (refs <= 0 || unlikely(refs == INT_MAX))
			return false;
	} while (!atomic_try_cmpxchg_acquire(&buf->ref.refs, &refs, refs + 1));
	return true;
}
EXPORT_SYMBOL_GPL(bytepool_buf_tryretain);

/**
 * bytepool_buf_refcount() - read the number of references
 * @buf: the buffer; NULL is accepted
 *
 * Context: any.
 * Return: the count; 0 if the buffer is dead. If others take and drop
 * references meanwhile, the count is of use only if it is 1 and the caller has
 * that reference.
 */
unsigned int bytepool_buf_refcount(const struct bytepool_buf *buf)
{
	return buf ? refcount_read(&buf->ref) : 0;
}
EXPORT_SYMBOL_GPL(bytepool_buf_refcount);

/**
 * bytepool_buf_data() - find a buffer's payload
 * @buf: the buffer; NULL is accepted
 *
 * Context: any.
 * Return: the first byte; NULL for NULL.
 */
void *bytepool_buf_data(const struct bytepool_buf *buf)
{
	return buf ? buf->data : NULL;
}
EXPORT_SYMBOL_GPL(bytepool_buf_data);

/**
 * bytepool_buf_priv() - find the user's own bytes with a buffer
 * @buf: the buffer; NULL is accepted
 *
 * Context: any.
 * Return: the first of bytepool_config.priv_size bytes, aligned to 64; NULL
 * if priv_size is 0.
 */
void *bytepool_buf_priv(const struct bytepool_buf *buf)
{
	if (!buf || !buf_pool(buf)->priv_size)
		return NULL;
	return handle_priv(buf);
}
EXPORT_SYMBOL_GPL(bytepool_buf_priv);

/**
 * bytepool_buf_from_priv() - find the buffer of the user's own bytes
 * @priv: what bytepool_buf_priv() returned; NULL is accepted
 *
 * Context: any.
 * Return: the buffer; NULL for NULL.
 */
struct bytepool_buf *bytepool_buf_from_priv(const void *priv)
{
	return priv ? (struct bytepool_buf *)(priv - HANDLE_SIZE) : NULL;
}
EXPORT_SYMBOL_GPL(bytepool_buf_from_priv);

/**
 * bytepool_buf_len() - read a buffer's length
 * @buf: the buffer; NULL is accepted
 *
 * Context: any.
 * Return: bytes, as asked for or as set.
 */
size_t bytepool_buf_len(const struct bytepool_buf *buf)
{
	return buf ? buf->len : 0;
}
EXPORT_SYMBOL_GPL(bytepool_buf_len);

/**
 * bytepool_buf_capacity() - read a buffer's capacity
 * @buf: the buffer; NULL is accepted
 *
 * Context: any.
 * Return: bytes.
 */
size_t bytepool_buf_capacity(const struct bytepool_buf *buf)
{
	return buf ? buf->capacity : 0;
}
EXPORT_SYMBOL_GPL(bytepool_buf_capacity);

/**
 * bytepool_buf_set_len() - set a buffer's length
 * @buf: the buffer, of which the caller has the only reference
 * @len: length in bytes, 1 to the capacity
 *
 * Success means that the caller is alone: what other holders wrote is seen.
 *
 * Context: any but NMI.
 * Return: 0; -EINVAL if @len is 0 or past the capacity, or the buffer NULL or
 * dead; -EBUSY if it is shared.
 */
int bytepool_buf_set_len(struct bytepool_buf *buf, size_t len)
{
	unsigned int refs;

	if (!buf || !len || len > buf->capacity)
		return -EINVAL;
	refs = refcount_read(&buf->ref);
	if (!refs) {
		report_misuse(buf_pool(buf), MISUSE_DEAD_BUFFER, buf, _RET_IP_,
			      READ_ONCE(buf->site));
		return -EINVAL;
	}
	if (refs > 1)
		return -EBUSY;
	/* Pairs with the release in buf_unref_atomic(), buf_release_slow(). */
	smp_acquire__after_ctrl_dep();
	buf->len = len;
	return 0;
}
EXPORT_SYMBOL_GPL(bytepool_buf_set_len);

/**
 * bytepool_buf_is_contig() - tell whether a payload is physically contiguous
 * @buf: the buffer; NULL is accepted
 *
 * Context: any.
 * Return: true if virt_to_page(), sg_init_one() and dma_map_single() are
 * legal on it.
 */
bool bytepool_buf_is_contig(const struct bytepool_buf *buf)
{
	/* READ_ONCE(): see buf_unref_last_atomic(). */
	return buf && !(READ_ONCE(buf->flags) & BUF_VMALLOC);
}
EXPORT_SYMBOL_GPL(bytepool_buf_is_contig);

/* === Views === */

static struct bytepool_view view_make(struct bytepool_buf *buf, void *data,
				      size_t len, unsigned long site)
{
	struct bytepool_view view = {};

	if (unlikely(!buf_try_retain(buf))) {
		retain_refused(buf, site);
		return view;
	}
	view.data = data;
	view.len = len;
	view.buf = buf;
	return view;
}

static bool range_valid(size_t off, size_t len, size_t of)
{
	return off <= of && len <= of - off;
}

/**
 * bytepool_buf_bytes() - make a view of a whole buffer
 * @buf: the buffer; NULL is accepted
 *
 * Context: any but NMI.
 * Return: the view, which has a reference of its own, for
 * bytepool_view_release(); with .buf NULL, and a report, if the buffer is
 * dead.
 */
struct bytepool_view bytepool_buf_bytes(struct bytepool_buf *buf)
{
	if (!buf)
		return (struct bytepool_view){};
	return view_make(buf, buf->data, buf->len, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_buf_bytes);

/**
 * bytepool_buf_slice() - make a view of a range of a buffer
 * @buf: the buffer; NULL is accepted
 * @off: where the range begins, in bytes
 * @len: how many bytes it has; 0 is valid
 *
 * Context: any but NMI.
 * Return: the view, which has a reference of its own, for
 * bytepool_view_release(); with .buf NULL and no reference if the range is not
 * within the buffer's length, or, with a report, if the buffer is dead.
 */
struct bytepool_view bytepool_buf_slice(struct bytepool_buf *buf, size_t off,
					size_t len)
{
	if (!buf || !range_valid(off, len, buf->len))
		return (struct bytepool_view){};
	return view_make(buf, buf->data + off, len, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_buf_slice);

/**
 * bytepool_view_slice() - make a view of a range of a view
 * @view: the view; one that holds nothing, and NULL, are accepted
 * @off: where the range begins, in bytes from the view's first
 * @len: how many bytes it has; 0 is valid
 *
 * The result has a reference of its own and may outlive @view.
 *
 * Context: any but NMI.
 * Return: the view, for bytepool_view_release(); with .buf NULL and no
 * reference if the range is not within the length of @view.
 */
struct bytepool_view bytepool_view_slice(const struct bytepool_view *view,
					 size_t off, size_t len)
{
	if (!view || !view->buf || !range_valid(off, len, view->len))
		return (struct bytepool_view){};
	return view_make(view->buf, view->data + off, len, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_view_slice);

/**
 * bytepool_view_release() - release a view
 * @view: the view; one that holds nothing, and NULL, are accepted
 *
 * Clears the view, so that a second call does nothing.
 *
 * Context: any but NMI.
 */
void bytepool_view_release(struct bytepool_view *view)
{
	struct bytepool_buf *buf;

	if (!view)
		return;
	buf = view->buf;
	*view = (struct bytepool_view){};
	if (buf)
		buf_release(buf, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_view_release);

/* === Many at once, and ahead of time === */

/* Undo a failed batch: uncharge @unused bytes, release @got buffers. */
static int bufs_failed(struct bytepool *pool, unsigned int class, size_t unused,
		       unsigned int nr, struct bytepool_buf **bufs,
		       unsigned int got, unsigned long site)
{
	limit_uncharge(pool, unused);
	while (got)
		buf_release(bufs[--got], site);
	memset(bufs, 0, array_size(nr, sizeof(*bufs)));
	get_failed(pool, class, site);
	return -ENOMEM;
}

static int get_bufs_oversize(struct bytepool *pool, size_t len, unsigned int nr,
			     struct bytepool_buf **bufs, gfp_t gfp,
			     unsigned long site)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		bufs[i] = buf_get_oversize(pool, len, gfp, site);
		if (!bufs[i])
			break;
	}
	if (i == nr)
		return 0;
	while (i)
		buf_release(bufs[--i], site);
	memset(bufs, 0, array_size(nr, sizeof(*bufs)));
	return -ENOMEM;
}

static bool limit_charge_many(struct bytepool *pool, size_t size,
			      unsigned int nr)
{
	size_t all;

	return !check_mul_overflow(size, (size_t)nr, &all) &&
	       limit_charge(pool, all);
}

static noinline int get_bufs_reserved(struct bytepool *pool, unsigned int tier,
				      size_t len, unsigned int nr,
				      struct bytepool_buf **bufs, gfp_t gfp,
				      unsigned long site)
{
	struct buf_request rq = {
		.tier = tier,
		.len = len,
		.gfp = gfp,
		.site = site,
		.nr = nr,
		.bufs = bufs,
	};
	size_t all;

	if (check_mul_overflow(pool->tier[tier].size, (size_t)nr, &all))
		return bufs_failed(pool, class_buf(tier), 0, nr, bufs, 0, site);
	return get_reserved(pool, &rq) ? -ENOMEM : 0;
}

/* Take buffers from the loaded magazine. Refuse those in a wrong state. */
static unsigned int get_bufs_idle(struct bytepool *pool, unsigned int class,
				  size_t len, unsigned int nr,
				  struct bytepool_buf **bufs,
				  unsigned long site)
{
	unsigned int i, got;

	got = objcache_pop_many(&pool->objects, class_to_ofs(class), len, nr,
				(void **)bufs);
	for (i = 0; i < got; i++) {
		if (likely(buf_issue(bufs[i], len, site)))
			continue;
		buf_refuse(pool, bufs[i], site);
		bufs[i--] = bufs[--got];
		bufs[got] = NULL;
	}
	return got;
}

/**
 * bytepool_get_bufs() - get many buffers of one length, or none
 * @pool: the pool
 * @len: length of each in bytes
 * @nr: how many
 * @bufs: where they go
 * @gfp: as for bytepool_get()
 *
 * The pool's limit is charged for all buffers at once, so that two callers
 * cannot hold half of their buffers each. Buffers larger than the largest tier
 * are charged one at a time.
 *
 * If memory runs out, the buffers that were served and taken back count as gets
 * and puts. If the charge for all would exceed the limit, no buffer is served.
 *
 * Context: any but NMI; sleeps only if @gfp allows it.
 * Return: 0; or -ENOMEM, and all entries are NULL.
 */
int bytepool_get_bufs(struct bytepool *pool, size_t len, unsigned int nr,
		      struct bytepool_buf **bufs, gfp_t gfp)
{
	unsigned int tier, class, i;
	size_t size;

	if (!nr)
		return 0;
	get_might_alloc(gfp);
	if (!bufs)
		return -ENOMEM;
	memset(bufs, 0, array_size(nr, sizeof(*bufs)));
	if (unlikely(!get_allowed(pool, gfp, _RET_IP_)) || !len)
		return -ENOMEM;
	if (unlikely(len > pool->largest))
		return get_bufs_oversize(pool, len, nr, bufs, gfp, _RET_IP_);
	tier = tier_index(pool, len);
	class = class_buf(tier);
	size = pool->tier[tier].size;
	i = 0;
	/* A pool with a reserve, or a limit, has no fast path. */
	if (unlikely(len > pool->fast_max)) {
		if (tier_has_reserve(pool, tier))
			return get_bufs_reserved(pool, tier, len, nr, bufs, gfp,
						 _RET_IP_);
		if (!limit_charge_many(pool, size, nr))
			return bufs_failed(pool, class, 0, nr, bufs, 0,
					   _RET_IP_);
	} else if (!(gfp & BYTEPOOL_GFP_SLOW)) {
		i = get_bufs_idle(pool, class, len, nr, bufs, _RET_IP_);
	}
	for (; i < nr; i++) {
		bufs[i] = buf_get_tier(pool, tier, len, get_gfp(pool, gfp),
				       _RET_IP_);
		if (!bufs[i]) {
			note_starved(pool);
			return bufs_failed(pool, class, (nr - i) * size, nr,
					   bufs, i, _RET_IP_);
		}
	}
	return 0;
}
EXPORT_SYMBOL_GPL(bytepool_get_bufs);

/**
 * bytepool_release_bufs() - release many buffers
 * @nr: how many
 * @bufs: the buffers; entries that are NULL are accepted
 *
 * Context: any but NMI.
 */
void bytepool_release_bufs(unsigned int nr, struct bytepool_buf **bufs)
{
	unsigned int i;

	for (i = 0; bufs && i < nr; i++)
		if (bufs[i])
			buf_release(bufs[i], _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_release_bufs);

/**
 * bytepool_prefill() - make buffers idle ahead of time
 * @pool: the pool
 * @len: length that gets will ask for, in bytes
 * @nr: how many buffers
 * @gfp: as for bytepool_get()
 *
 * The pool keeps these buffers as it keeps others that are idle: within the
 * idle budget, and until memory is short or the pool is unused for long.
 *
 * Context: any but NMI; sleeps only if @gfp allows it.
 * Return: how many were constructed and are idle now.
 */
unsigned int bytepool_prefill(struct bytepool *pool, size_t len,
			      unsigned int nr, gfp_t gfp)
{
	struct objcache *oc;
	unsigned int tier, i;
	void *buf;

	get_might_alloc(gfp);
	if (!get_allowed(pool, gfp, _RET_IP_) || len - 1 >= pool->largest)
		return 0;
	oc = &pool->objects;
	if (READ_ONCE(oc->dead)) {
		report_misuse(pool, MISUSE_DEAD_POOL, NULL, _RET_IP_, 0);
		return 0;
	}
	if (!slab_allowed())
		return 0;
	tier = tier_index(pool, len);
	for (i = 0; i < nr; i++) {
		buf = buf_construct(pool, tier, gfp,
				    payload_alloc(&pool->tier[tier], gfp));
		if (!buf)
			break;
		if (!objcache_fill(oc, class_buf(tier), buf)) {
			buf_destruct(pool, buf, false);
			break;
		}
	}
	return i;
}
EXPORT_SYMBOL_GPL(bytepool_prefill);

/**
 * bytepool_shrink() - give all idle memory back
 * @pool: the pool
 *
 * Makes the slab allocator give back its unused slabs of the pool's sizes, too.
 *
 * Context: process; may sleep.
 * Return: how many bytes of payload were idle, or rested in a checked pool.
 */
size_t bytepool_shrink(struct bytepool *pool)
{
	unsigned int i;
	size_t bytes;

	might_sleep();
	if (!pool_usable(pool, _RET_IP_))
		return 0;
	bytes = objcache_drain(&pool->objects) + rest_drain(pool);
	for (i = 0; i < pool->nr_tiers; i++)
		kmem_cache_shrink(pool->tier[i].slab);
	kmem_cache_shrink(pool->handles->slab);
	return bytes;
}
EXPORT_SYMBOL_GPL(bytepool_shrink);
