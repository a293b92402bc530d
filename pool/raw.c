// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - raw memory
 *
 * Raw memory has no handle. A put finds the tier by the slab cache that the
 * memory is an object of. The fast path, raw_class_of(), goes by the address of
 * the cache; the slow path, raw_tier(), by its object size. Memory that is no
 * object of a tier's cache is tracked by its address (track.c), and so is all
 * raw memory of a pool with BYTEPOOL_CHECK, or of all pools on a kernel whose
 * slab caches cannot be found.
 *
 * Idle raw memory is marked: see raw_mark_of(). Typed objects, which share
 * these functions, are not: their content is their user's while they are idle.
 */

#include <linux/instruction_pointer.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "pool.h"

u64 raw_mark_key __ro_after_init;

void raw_module_init(void)
{
	raw_mark_key = get_random_u64();
}

/* === Raw memory === */

/* Find the tier whose slab cache memory is an object of. Returns -1 if none. */
static __always_inline int raw_tier(const struct bytepool *pool,
				    const void *mem)
{
	struct kmem_cache *slab = slab_cache_of(mem);
	unsigned int i;
	size_t size;

	if (unlikely(!slab))
		return -1;
	size = kmem_cache_size(slab);
	if (unlikely(size - 1 >= pool->largest))
		return -1;
	i = tier_index(pool, size);
	if (unlikely(pool->tier[i].slab != slab) ||
	    unlikely((unsigned long)mem & pool->tier[i].align_mask))
		return -1;
	return i;
}

/*
 * Track memory by an entry that was allocated before the memory, so that a get
 * without memory for the entry has served nothing.
 */
static void track_raw(struct track *track, struct bytepool *pool, void *mem,
		      size_t len, size_t size, int tier, bool slab,
		      unsigned long site)
{
	track->mem = mem;
	track->pool = pool;
	track->len = len;
	track->size = size;
	track->tier = tier;
	track->slab = slab;
	track->site = site;
	track->put_by = 0;
	track_add(track);
}

static void *raw_get_fallback(struct bytepool *pool, unsigned int tier,
			      size_t len, gfp_t gfp, unsigned long site)
{
	size_t size = pool->tier[tier].size;
	struct track *track;
	void *mem;

	if (!may_fall_back(pool, &pool->tier[tier], gfp) ||
	    READ_ONCE(pool->objects.dead) ||
	    !objcache_start(&pool->objects, gfp))
		return NULL;
	track = track_alloc(gfp);
	mem = track ? big_vmalloc(size, gfp) : NULL;
	if (!mem) {
		kfree(track);
		return NULL;
	}
	track_raw(track, pool, mem, len, size, tier, false, site);
	/* The pool is alive: all gets end before bytepool_destroy(). */
	objcache_count_miss(&pool->objects, class_raw(tier), len, gfp);
	if (has_red_zones(pool))
		red_zone_set(mem, len, size);
	return mem;
}

static void *raw_get_oversize(struct bytepool *pool, size_t len, gfp_t gfp,
			      unsigned long site)
{
	size_t size = oversize_capacity(len);
	struct track *track;
	void *mem;

	if (!len)
		return NULL;
	if (!oversize_charge(pool, len))
		return get_failed_oversize(pool, site);
	track = track_alloc(gfp);
	mem = track ? oversize_alloc(pool, len, gfp) : NULL;
	if (!mem) {
		kfree(track);
		limit_uncharge_unserved(pool, size);
		return get_failed_oversize(pool, site);
	}
	track_raw(track, pool, mem, len, size, -1, false, site);
	oversize_count(pool, len);
	if (has_red_zones(pool))
		red_zone_set(mem, len, size);
	return mem;
}

/**
 * payload_construct() - make raw memory of a tier
 * @pool: the pool
 * @tier: which tier
 * @gfp: for the allocator
 *
 * Return: the memory, or NULL.
 */
void *payload_construct(struct bytepool *pool, unsigned int tier, gfp_t gfp)
{
	return payload_alloc(&pool->tier[tier], gfp);
}

/* Construct memory of a tier, or an object, and count the get as a miss. */
static void *raw_get_fresh(struct bytepool *pool, unsigned int tier, size_t len,
			   gfp_t gfp, construct_fn construct)
{
	void *mem;

	if (!slab_allowed())
		return NULL;
	mem = construct(pool, tier, gfp);
	if (!mem || likely(objcache_count_miss(&pool->objects, class_raw(tier),
					       len, gfp)))
		return mem;
	kmem_cache_free(pool->tier[tier].slab, mem);
	return NULL;
}

/* Get memory of a tier; its capacity is charged to the limit already. */
static void *raw_get_tier(struct bytepool *pool, unsigned int tier, size_t len,
			  gfp_t gfp, unsigned long site, construct_fn construct)
{
	size_t size = pool->tier[tier].size;
	struct track *track = NULL;
	unsigned int class = class_raw(tier);
	bool fresh = false;
	void *mem;

	if (raw_is_tracked(pool)) {
		track = track_alloc(gfp);
		if (!track)
			return NULL;
	}
	mem = objcache_get(&pool->objects, class, len, gfp);
	if (!mem) {
		mem = raw_get_fresh(pool, tier, len, gfp, construct);
		fresh = true;
	}
	if (!mem) {
		kfree(track);
		return raw_get_fallback(pool, tier, len, gfp, site);
	}
	if (track)
		track_raw(track, pool, mem, len, size, tier, true, site);
	memory_in_use(mem, size);
	if (!fresh && gfp & __GFP_ZERO)
		memset(mem, 0, size);
	if (!pool_is_typed(pool))
		raw_unmark(mem);
	if (has_red_zones(pool))
		red_zone_set(mem, len, size);
	return mem;
}

/**
 * raw_get() - get raw memory, or an object, of a tier
 * @pool: the pool
 * @tier: index of the tier
 * @len: length that the user asks for, in bytes
 * @gfp: for the allocator
 * @site: the call site
 * @construct: called to make memory if the pool has no idle memory
 *
 * Return: the memory, or NULL.
 */
void *raw_get(struct bytepool *pool, unsigned int tier, size_t len, gfp_t gfp,
	      unsigned long site, construct_fn construct)
{
	size_t size = pool->tier[tier].size;
	void *mem = NULL;

	if (limit_charge(pool, size)) {
		mem = raw_get_tier(pool, tier, len, gfp, site, construct);
		if (!mem)
			limit_uncharge_unserved(pool, size);
	}
	return mem ?: get_failed(pool, class_raw(tier), site);
}

/* Tail call of raw_get_miss(), if the depot has objects. */
static noinline void *raw_get_depot(struct bytepool *pool, size_t len,
				    gfp_t gfp, unsigned long ofs,
				    unsigned long site)
{
	unsigned int class = ofs_to_class(ofs);
	void *mem = objcache_get_slow(&pool->objects, class, len, gfp);

	if (unlikely(!mem))
		return raw_get(pool, class / 2, len, gfp, site,
			       payload_construct);
	raw_unmark(mem);
	return mem;
}

/*
 * Tail call of raw_get_miss(), if slab had no memory, or if the CPU has no
 * cache to count the miss in: it is in use, or the pool is dead.
 */
static noinline void *raw_get_miss_slow(struct bytepool *pool, size_t len,
					gfp_t gfp, unsigned long ofs, void *mem,
					unsigned long site)
{
	unsigned int class = ofs_to_class(ofs);

	if (!mem)
		mem = raw_get_fallback(pool, class / 2, len, gfp, site);
	else if (!objcache_count_miss(&pool->objects, class, len, gfp))
		goto err_free;
	return mem ?: get_failed(pool, class, site);

err_free:
	kmem_cache_free(pool->tier[class / 2].slab, mem);
	return get_failed(pool, class, site);
}

/*
 * Serve bytepool_get() after POP_EMPTY. In most cases the pool has no idle
 * memory at all, and the get must cost little more than slab. Rare cases are in
 * tail calls: see the head of buf.c.
 */
static noinline void *raw_get_miss(struct bytepool *pool, size_t len, gfp_t gfp,
				   unsigned long ofs, unsigned long site)
{
	const struct tier *tier = tier_at(pool, ofs);
	void *mem;

	if (slab_sleeps())
		return raw_get(pool, ofs_to_class(ofs) / 2, len, gfp, site,
			       payload_construct);
	if (!depot_is_empty(&pool->objects, ofs))
		return raw_get_depot(pool, len, gfp, ofs, site);
	mem = payload_alloc(tier, gfp);
	if (unlikely(!mem))
		return raw_get_miss_slow(pool, len, gfp, ofs, mem, site);
	/* Slab leaves the mark in memory that was freed with it. */
	raw_unmark(mem);
	if (likely(objcache_try_count_miss(&pool->objects, ofs, len)))
		return mem;
	return raw_get_miss_slow(pool, len, gfp, ofs, mem, site);
}

/* Serve bytepool_get() off the fast path. */
static noinline void *raw_get_slow(struct bytepool *pool, size_t len, gfp_t gfp,
				   unsigned long site)
{
	if (!get_allowed(pool, gfp, site))
		return NULL;
	if (len - 1 >= pool->largest)
		return raw_get_oversize(pool, len, gfp, site);
	return raw_get(pool, tier_index(pool, len), len, get_gfp(pool, gfp),
		       site, payload_construct);
}

/**
 * bytepool_get() - get raw memory
 * @pool: the pool
 * @len: length in bytes
 * @gfp: context, as for kmalloc(): GFP_KERNEL, GFP_NOIO, GFP_NOFS, GFP_NOWAIT
 *	or GFP_ATOMIC, with modifiers for zeroing and retries; zone and node
 *	flags, __GFP_ACCOUNT and __GFP_NOFAIL are refused and reported
 *
 * The memory is of the smallest tier that fits, and as large as
 * bytepool_size_roundup() tells. Memory larger than the largest tier comes from
 * the kernel's allocator, and is not recycled. Unless zeroing was asked for,
 * the content is unspecified.
 *
 * Context: any but NMI; sleeps only if @gfp allows it.
 * Return: the memory, for bytepool_put(); NULL if @len is 0, without memory,
 * or past the pool's limit.
 */
void *bytepool_get(struct bytepool *pool, size_t len, gfp_t gfp)
{
	unsigned long ofs;
	enum pop pop;
	void *mem;

	get_might_alloc(gfp);
	if (unlikely(!ptr_valid(pool)) || unlikely(gfp & BYTEPOOL_GFP_SLOW) ||
	    /* Racy: see reserve_open(). */
	    unlikely(len - 1 >= data_race(pool->fast_max)))
		return raw_get_slow(pool, len, gfp, _RET_IP_);
	ofs = ofs_of_len(pool, len)->raw;
	pop = objcache_pop(&pool->objects, ofs, len, &mem);
	if (unlikely(pop == POP_EMPTY))
		return raw_get_miss(pool, len, gfp, ofs, _RET_IP_);
	if (unlikely(pop != POP_DONE))
		return raw_get_slow(pool, len, gfp, _RET_IP_);
	raw_unmark(mem);
	return mem;
}
EXPORT_SYMBOL_GPL(bytepool_get);

/* Free tracked memory that is no object of a tier's cache. */
static void raw_free_tracked(struct bytepool *pool, const struct track *track)
{
	bool late;

	rcu_read_lock();
	late = !oversize_uncharge(pool, track->tier, track->size);
	payload_clear(pool, track->mem, track->size);
	big_free(track->mem);
	if (late)
		objcache_unpin(&pool->objects);
	rcu_read_unlock();
}

static void raw_put_tier(struct bytepool *pool, unsigned int tier, void *mem,
			 unsigned long site)
{
	/* A typed object keeps its content until it is destructed. */
	bool marks = !pool_is_typed(pool);

	if (marks && unlikely(raw_is_marked(mem))) {
		report_misuse(pool, MISUSE_PUT_TWICE, mem, site, 0);
		return;
	}
	if (unlikely(!limit_uncharge(pool, pool->tier[tier].size))) {
		report_misuse(pool, MISUSE_PUT_UNKNOWN, mem, site, 0);
		return;
	}
	if (marks) {
		payload_clear(pool, mem, pool->tier[tier].size);
		raw_mark(mem);
	}
	memory_idle(mem, pool->tier[tier].size);
	objcache_put(&pool->objects, class_raw(tier), mem);
}

/* Put memory of a tier of a checked pool: let it rest, or free it. */
static void raw_put_checked(struct bytepool *pool, const struct track *track,
			    unsigned long site)
{
	struct shared_cache *payload = pool->tier[track->tier].payload;
	bool rests;

	/* Until the put is counted, and a pool that has died is unpinned. */
	rcu_read_lock();
	rests = has_red_zones(pool) && !READ_ONCE(pool->objects.dead) &&
		rest_begin(pool, payload, track->mem, track->site, site);
	if (rests) {
		limit_uncharge(pool, track->size);
		if (!objcache_count_put(&pool->objects, class_raw(track->tier)))
			objcache_unpin(&pool->objects);
	}
	rcu_read_unlock();
	if (!rests)
		raw_put_tier(pool, track->tier, track->mem, site);
}

/* Put memory whose entry is the caller's. The pool may be gone after this. */
static void raw_put_owned(struct track *track)
{
	struct bytepool *pool = track->pool;
	/* A put that is refused tries to exchange it. */
	unsigned long site = READ_ONCE(track->put_by);

	/* First: once the memory is back, another get may track it. */
	track_remove(track);
	if (has_red_zones(pool))
		red_zone_check(pool, track->mem, track->len, track->size,
			       track->site, site);
	if (track->slab)
		raw_put_checked(pool, track, site);
	else
		raw_free_tracked(pool, track);
	kfree_rcu(track, rcu);
}

/* Entries of memory that was put in an NMI. */
static LLIST_HEAD(parked_puts);

static void parked_puts_fn(struct work_struct *work)
{
	struct track *track, *next;

	llist_for_each_entry_safe(track, next, llist_del_all(&parked_puts),
				  parked) {
		raw_put_owned(track);
		cond_resched();
	}
}

static DECLARE_WORK(parked_puts_work, parked_puts_fn);

static void parked_puts_irq_fn(struct irq_work *irq)
{
	queue_work(bytepool_wq, &parked_puts_work);
}

static DEFINE_IRQ_WORK(parked_puts_irq, parked_puts_irq_fn);

void raw_module_exit(void)
{
	irq_work_sync(&parked_puts_irq);
	cancel_work_sync(&parked_puts_work);
}

/*
 * Own the entry of memory that is put. Returns NULL, and reports, if the memory
 * is not tracked, or if it is of another pool.
 */
static struct track *raw_own(struct bytepool *pool, void *mem, bool tier,
			     unsigned long site)
{
	struct track *track;

	rcu_read_lock();
	track = track_find(mem);
	if (track && track->pool != pool) {
		report_misuse(pool, MISUSE_PUT_OTHER_POOL, mem, site,
			      track->site);
		track = NULL;
	} else if (!track || cmpxchg(&track->put_by, 0, site)) {
		report_misuse(pool,
			      tier ? MISUSE_PUT_UNKNOWN : MISUSE_PUT_FOREIGN,
			      mem, site, 0);
		track = NULL;
	}
	rcu_read_unlock();
	return track;
}

/* Put tracked memory, or refuse memory that is not tracked. */
static void raw_put_tracked(struct bytepool *pool, void *mem, bool tier,
			    unsigned long site)
{
	struct track *track = raw_own(pool, mem, tier, site);

	if (!track)
		return;
	if (!in_nmi()) {
		raw_put_owned(track);
		return;
	}
	/* The entry waits for a worker, and its memory is out until then. */
	llist_add(&track->parked, &parked_puts);
	irq_work_queue(&parked_puts_irq);
}

/**
 * raw_put() - the inverse of raw_get()
 * @pool: the pool
 * @mem: memory that is the pool's, as the caller says
 * @site: the call site
 */
noinline void raw_put(struct bytepool *pool, void *mem, unsigned long site)
{
	int tier;

	if (raw_is_tracked(pool)) {
		raw_put_tracked(pool, mem, true, site);
		return;
	}
	/* A pool that never served a get owns no memory. */
	tier = objcache_started(&pool->objects) ? raw_tier(pool, mem) : -1;
	if (tier >= 0)
		raw_put_tier(pool, tier, mem, site);
	else
		raw_put_tracked(pool, mem, false, site);
}

/* Continue bytepool_put() after PUSH_BUSY, or without a free slot. */
static noinline void raw_put_shared(struct bytepool *pool, void *mem,
				    unsigned long ofs)
{
	objcache_put_slow(&pool->objects, ofs_to_class(ofs), mem);
}

/* Free raw memory, and end the section that objcache_put_full() is in. */
static __always_inline bool raw_drop(struct cpu_cache *cache, unsigned long ofs,
				     void *obj, struct objcache *oc)
{
	cpu_drop(cache, ofs);
	kmem_cache_free(tier_at(pool_of(oc), ofs)->slab, obj);
	preempt_enable();
	return true;
}

/* Continue bytepool_put() after PUSH_FULL_LOCKED. */
static noinline void raw_put_full(struct cpu_cache *cache, unsigned long ofs,
				  void *mem, struct bytepool *pool)
{
	if (!objcache_put_full(cache, ofs, mem, &pool->objects, raw_drop))
		raw_put_shared(pool, mem, ofs);
}

static noinline void raw_put_twice(struct bytepool *pool, void *mem,
				   unsigned long site)
{
	report_misuse(pool, MISUSE_PUT_TWICE, mem, site, 0);
}

/* Serve bytepool_put() off the fast path. */
static noinline void raw_put_check(struct bytepool *pool, void *mem,
				   unsigned long site)
{
	if (mem && pool_usable(pool, site))
		raw_put(pool, mem, site);
}

/**
 * bytepool_put() - give raw memory back
 * @pool: the pool it is from
 * @mem: the memory; NULL is accepted
 *
 * A put finds the tier itself. Memory that is not the pool's is refused and
 * reported as far as it can be known. Static, stack and vmalloc addresses,
 * objects of slab caches that are no tier's, and memory that was put already
 * and not served again are always refused. An interior pointer, another pool's
 * memory, a buffer's payload and two puts of the same memory that race are
 * refused in pools with %BYTEPOOL_CHECK.
 *
 * Context: any but NMI.
 */
void bytepool_put(struct bytepool *pool, void *mem)
{
	struct cpu_cache *cache;
	unsigned long ofs;
	enum push push;

	if (unlikely(!ptr_valid(pool)) ||
	    unlikely(!raw_class_of(pool, mem, &ofs))) {
		raw_put_check(pool, mem, _RET_IP_);
		return;
	}
	if (unlikely(raw_is_marked(mem))) {
		raw_put_twice(pool, mem, _RET_IP_);
		return;
	}
	raw_mark(mem);
	push = objcache_push_locked(pool->objects.cpu, ofs, mem, &cache);
	if (unlikely(push == PUSH_FULL_LOCKED))
		raw_put_full(cache, ofs, mem, pool);
	else if (unlikely(push == PUSH_BUSY))
		raw_put_shared(pool, mem, ofs);
}
EXPORT_SYMBOL_GPL(bytepool_put);
