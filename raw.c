// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - raw memory, and memory larger than the largest tier
 *
 * Raw memory has no handle: a put finds the tier by the slab cache's object
 * size, as kfree() finds a cache. What no tier's cache has served is known by
 * its address (report.c).
 */

#include <linux/instruction_pointer.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "internal.h"

/* === Raw memory === */

/* The tier that memory is a slab object of; -1 if it is none of them. */
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
 * Enters memory by its address. The entry is made beforehand, so that a get
 * that fails for it has served nothing. False only where a signal handler has
 * interrupted one who holds the table's lock.
 */
static bool raw_know(struct record *record, struct bytepool *pool, void *mem,
		     size_t size, int tier, bool slab, unsigned long site)
{
	record->mem = mem;
	record->pool = pool;
	record->size = size;
	record->tier = tier;
	record->slab = slab;
	record->site = site;
	return record_add(record);
}

static void *raw_get_fallback(struct bytepool *pool, unsigned int tier,
			      size_t len, gfp_t gfp, unsigned long site)
{
	size_t size = pool->tier[tier].size;
	struct record *record;
	void *mem;

	if (!may_fall_back(pool, &pool->tier[tier], gfp) ||
	    READ_ONCE(pool->objects.dead) ||
	    !objpool_start(&pool->objects, gfp))
		return NULL;
	record = record_new(gfp);
	mem = record ? big_vmalloc(size, gfp) : NULL;
	if (!mem || !raw_know(record, pool, mem, size, tier, false, site)) {
		big_free(mem);
		kfree(record);
		return NULL;
	}
	/* The pool is alive, as all gets have ended when it is destroyed. */
	objpool_count_miss(&pool->objects, class_raw(tier), len, gfp);
	return mem;
}

static void *raw_get_oversize(struct bytepool *pool, size_t len, gfp_t gfp,
			      unsigned long site)
{
	size_t size = oversize_capacity(len);
	struct record *record;
	void *mem;

	if (!len)
		return NULL;
	record = size ? record_new(gfp) : NULL;
	mem = record ? oversize_alloc(pool, len, gfp) : NULL;
	if (!mem)
		goto err_free_record;
	if (!raw_know(record, pool, mem, size, -1, false, site))
		goto err_free_mem;
	oversize_count(pool, len);
	return mem;

err_free_mem:
	big_free(mem);
	limit_uncharge(pool, size);
err_free_record:
	kfree(record);
	return get_failed_oversize(pool, site);
}

/* Makes an object of a typed pool; NULL without memory, or if init fails. */
static void *typed_construct(struct bytepool *pool, gfp_t gfp)
{
	struct kmem_cache *slab = pool->tier[0].slab;
	void *obj;

	/* Not known before it is counted, but init is not to be called then. */
	if (READ_ONCE(pool->objects.dead) || !objpool_started(&pool->objects))
		return NULL;
	/* Objects keep their content, so a get cannot have them zeroed. */
	obj = kmem_cache_alloc(slab, gfp & ~__GFP_ZERO);
	if (!obj || !pool->type.init ||
	    !pool->type.init(typed_functions(pool), obj, gfp))
		return obj;
	kmem_cache_free(slab, obj);
	return NULL;
}

/* Constructs a tier's memory, or an object, and counts it as a miss. */
static void *raw_get_fresh(struct bytepool *pool, unsigned int tier, size_t len,
			   gfp_t gfp)
{
	void *mem;

	if (!slab_allowed())
		return NULL;
	if (pool->flags & POOL_TYPED)
		mem = typed_construct(pool, gfp);
	else
		mem = payload_alloc(&pool->tier[tier], gfp);
	if (!mem || likely(objpool_count_miss(&pool->objects, class_raw(tier),
					      len, gfp)))
		return mem;
	kmem_cache_free(pool->tier[tier].slab, mem);
	return NULL;
}

/* A tier's memory, its capacity charged already. */
static void *raw_get_tier(struct bytepool *pool, unsigned int tier, size_t len,
			  gfp_t gfp, unsigned long site)
{
	size_t size = pool->tier[tier].size;
	struct record *record = NULL;
	unsigned int class = class_raw(tier);
	bool fresh = false;
	void *mem;

	if (pool->flags & BYTEPOOL_CHECK) {
		record = record_new(gfp);
		if (!record)
			return NULL;
	}
	mem = objpool_get(&pool->objects, class, len, gfp);
	if (!mem) {
		mem = raw_get_fresh(pool, tier, len, gfp);
		fresh = true;
	}
	if (!mem) {
		kfree(record);
		return raw_get_fallback(pool, tier, len, gfp, site);
	}
	if (record && !raw_know(record, pool, mem, size, tier, true, site)) {
		objpool_put(&pool->objects, class, mem);
		kfree(record);
		return NULL;
	}
	if (!fresh && gfp & __GFP_ZERO)
		memset(mem, 0, size);
	return mem;
}

/**
 * raw_get() - raw memory, or an object, of a tier
 * @pool: the pool
 * @tier: which tier
 * @len: length asked for
 * @gfp: for the allocator
 * @site: the call site
 *
 * Return: the memory, or NULL.
 */
void *raw_get(struct bytepool *pool, unsigned int tier, size_t len, gfp_t gfp,
	      unsigned long site)
{
	size_t size = pool->tier[tier].size;
	void *mem = NULL;

	if (limit_charge(pool, size)) {
		mem = raw_get_tier(pool, tier, len, gfp, site);
		if (!mem)
			limit_uncharge(pool, size);
	}
	return mem ?: get_failed(pool, class_raw(tier), site);
}

/* What bytepool_get() does where there may be something in the depot. */
static noinline void *raw_get_shared(struct bytepool *pool, size_t len,
				     gfp_t gfp, unsigned long offset,
				     unsigned long site)
{
	void *mem =
		objpool_get_shared(&pool->objects, class_at(offset), len, gfp);

	return mem ?: raw_get(pool, tier_index(pool, len), len, gfp, site);
}

/* And where slab has none, or the pool is dead and has no block. */
static noinline void *raw_get_more(struct bytepool *pool, size_t len, gfp_t gfp,
				   unsigned long offset, void *mem,
				   unsigned long site)
{
	unsigned int class = class_at(offset);

	if (!mem)
		mem = raw_get_fallback(pool, class / 2, len, gfp, site);
	else if (!objpool_count_miss(&pool->objects, class, len, gfp))
		goto err_free;
	return mem ?: get_failed(pool, class, site);

err_free:
	kmem_cache_free(pool->tier[class / 2].slab, mem);
	return get_failed(pool, class, site);
}

/*
 * What bytepool_get() does where this CPU has nothing idle at hand. Mostly
 * there is nothing: what remains is to cost little more than slab.
 */
static noinline void *raw_get_empty(struct bytepool *pool, size_t len,
				    gfp_t gfp, unsigned long offset,
				    unsigned long site)
{
	const struct tier *tier = tier_at(pool, offset);
	void *mem;

	if (!slab_allowed())
		return raw_get(pool, tier_index(pool, len), len, gfp, site);
	if (!depot_is_empty(&pool->objects, offset))
		return raw_get_shared(pool, len, gfp, offset, site);
	mem = payload_alloc(tier, gfp);
	if (likely(mem) &&
	    likely(objpool_try_count_miss(&pool->objects, offset, len)))
		return mem;
	return raw_get_more(pool, len, gfp, offset, mem, site);
}

/* What bytepool_get() does off the fast path. */
static noinline void *raw_get_slow(struct bytepool *pool, size_t len, gfp_t gfp,
				   unsigned long site)
{
	if (!get_allowed(pool, gfp, site))
		return NULL;
	if (len - 1 >= pool->largest)
		return raw_get_oversize(pool, len, gfp, site);
	return raw_get(pool, tier_index(pool, len), len, get_gfp(pool, gfp),
		       site);
}

/**
 * bytepool_get() - raw memory
 * @pool: the pool
 * @len: length in bytes
 * @gfp: context, as for kmalloc(): GFP_KERNEL, GFP_NOIO, GFP_NOFS, GFP_NOWAIT
 *	or GFP_ATOMIC, with modifiers for zeroing and retries; zone and node
 *	flags, __GFP_ACCOUNT and __GFP_NOFAIL are refused and reported
 *
 * The memory is of the smallest tier that fits, and as large as
 * bytepool_size_roundup() tells. What is larger than the largest tier is
 * allocated for the purpose. Unless zeroing was asked for, the content is
 * unspecified.
 *
 * Context: any but NMI; sleeps only if @gfp allows it.
 * Return: the memory, for bytepool_put(); NULL if @len is 0, without memory,
 * or past the pool's limit.
 */
void *bytepool_get(struct bytepool *pool, size_t len, gfp_t gfp)
{
	unsigned long offset;
	enum pop pop;
	void *mem;

	if (unlikely(!ptr_valid(pool)) || unlikely(gfp & BYTEPOOL_GFP_SLOW) ||
	    unlikely(len - 1 >= pool->fast_max))
		return raw_get_slow(pool, len, gfp, _RET_IP_);
	offset = offsets_of(pool, len)->raw;
	pop = objpool_pop(&pool->objects, offset, len, &mem);
	if (unlikely(pop == POP_EMPTY))
		return raw_get_empty(pool, len, gfp, offset, _RET_IP_);
	/* Or tiers lie so close that it is the next one's. */
	if (unlikely(pop == POP_OTHER))
		return raw_get_slow(pool, len, gfp, _RET_IP_);
	return mem;
}
EXPORT_SYMBOL_GPL(bytepool_get);

/* Puts memory that is no object of a tier's cache. */
static void raw_free_known(struct bytepool *pool, const struct record *record)
{
	bool late;

	rcu_read_lock();
	late = !count_back(pool, record->tier, record->size);
	payload_clear(record->mem, record->size);
	big_free(record->mem);
	if (late)
		objpool_unpin(&pool->objects);
	rcu_read_unlock();
}

static void raw_put_tier(struct bytepool *pool, unsigned int tier, void *mem)
{
	limit_uncharge(pool, pool->tier[tier].size);
	/* An object keeps its content until it is destructed. */
	if (!(pool->flags & POOL_TYPED))
		payload_clear(mem, pool->tier[tier].size);
	objpool_put(&pool->objects, class_raw(tier), mem);
}

/* Puts memory that is known by its address, or refuses what is not. */
static void raw_put_known(struct bytepool *pool, void *mem, bool tier,
			  unsigned long site)
{
	struct record record;

	switch (record_remove(pool, mem, &record)) {
	case RECORD_FOUND:
		if (record.slab)
			raw_put_tier(pool, record.tier, mem);
		else
			raw_free_known(pool, &record);
		break;
	case RECORD_BUSY:
		/*
		 * A signal handler in userspace, that has interrupted one who
		 * holds the table's lock.
		 */
		rcu_read_lock();
		objpool_park(&pool->objects, CLASS_PUT, mem, false);
		rcu_read_unlock();
		break;
	case RECORD_OTHER_POOL:
		report_misuse(pool, MISUSE_PUT_OTHER_POOL, mem, site,
			      record.site);
		break;
	case RECORD_NONE:
		report_misuse(pool,
			      tier ? MISUSE_PUT_UNKNOWN : MISUSE_PUT_FOREIGN,
			      mem, site, 0);
		break;
	}
}

/**
 * raw_put() - the inverse of raw_get()
 * @pool: the pool
 * @mem: what the caller takes for the pool's memory
 * @site: the call site
 */
noinline void raw_put(struct bytepool *pool, void *mem, unsigned long site)
{
	int tier;

	/* All memory of a checked pool is known: nothing else is looked at. */
	if (pool->flags & BYTEPOOL_CHECK) {
		raw_put_known(pool, mem, true, site);
		return;
	}
	/* Nor is there any of a pool that has served none. */
	tier = objpool_started(&pool->objects) ? raw_tier(pool, mem) : -1;
	if (tier >= 0)
		raw_put_tier(pool, tier, mem);
	else
		raw_put_known(pool, mem, false, site);
}

/* What bytepool_put() does where there may be room somewhere. */
static noinline void raw_put_shared(struct bytepool *pool, void *mem,
				    unsigned long offset, unsigned long site)
{
	/* What belongs to a pool that has served nothing is another one's. */
	if (likely(objpool_started(&pool->objects)))
		objpool_put_slow(&pool->objects, class_at(offset), mem);
	else
		raw_put(pool, mem, site);
}

/*
 * What bytepool_put() does where this CPU has no room, still inside its
 * section: as buf_put_full().
 */
static noinline void raw_put_full(struct cpu_block *block, unsigned long offset,
				  void *mem, struct bytepool *pool,
				  unsigned long site)
{
	if (cpu_can_exchange_full(block, offset)) {
		cpu_push_other(block, offset, mem);
		return;
	}
	if (IS_ENABLED(CONFIG_PREEMPT_RT) ||
	    !objpool_may_drop(&pool->objects, block, offset)) {
		mark_leave();
		raw_put_shared(pool, mem, offset, site);
		return;
	}
	cpu_drop(block, offset);
	kmem_cache_free(tier_at(pool, offset)->slab, mem);
	preempt_enable();
}

/* What bytepool_put() does off the fast path. */
static noinline void raw_put_slow(struct bytepool *pool, void *mem,
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
 * Finds the tier itself. What is not the pool's is refused and reported as
 * far as it can be known: static, stack and vmalloc addresses and objects of
 * slab caches that are no tier's always; an interior pointer, a second put and
 * another pool's memory in pools with %BYTEPOOL_CHECK.
 *
 * Context: any but NMI.
 */
void bytepool_put(struct bytepool *pool, void *mem)
{
	struct cpu_block *block;
	unsigned long offset;
	enum push push;

	if (unlikely(!ptr_valid(pool)) ||
	    unlikely(!raw_find(pool, mem, &offset))) {
		raw_put_slow(pool, mem, _RET_IP_);
		return;
	}
	push = objpool_push_inside(pool->objects.cpu, offset, mem, &block);
	if (unlikely(push == PUSH_FULL))
		raw_put_full(block, offset, mem, pool, _RET_IP_);
	else if (unlikely(push == PUSH_BUSY))
		raw_put_shared(pool, mem, offset, _RET_IP_);
}
EXPORT_SYMBOL_GPL(bytepool_put);
