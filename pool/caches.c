// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - slab caches shared by the pools, and memory beyond the tiers
 *
 * A cache belongs to the module and serves every pool that needs its size:
 * 256 devices with 15 tiers each do not make 3840 caches, and a pool's name
 * is free again at once. A work item destroys a cache without users after a
 * while: destroying waits for grace periods, and a device that is removed often
 * comes back. Until then cache_get() can take the cache up again.
 *
 * Slab keeps what is freed to it: 50 to 150 MiB were measured, in no number of
 * ours, and out of reach of its own shrinkers. kmem_cache_shrink() alone gives
 * it back. A work item calls it for every cache to which objects were freed, at
 * most once a second, and under no lock: it takes the CPU hotplug lock and one
 * of slab's. Frees on the fast path do not tell: the trim counts them.
 */

#include <linux/cache.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/poison.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "pool.h"

/* How long a cache without users is kept. */
#define CACHE_LINGER (2 * HZ)

/* How often a cache may be shrunk, and how soon after a free it is. */
#define SHRINK_INTERVAL HZ
#define SHRINK_DELAY	(HZ / 4)

/*
 * Protects both lists, and keeps shared_cache.users from leaving 0; held while a
 * cache is made.
 */
static DEFINE_MUTEX(caches_mutex);
static LIST_HEAD(caches);

/* Caches that are being destroyed, and still have their names. */
static LIST_HEAD(dying_caches);

/* Memory whose freeing may sleep, on its way to the worker. */
static LLIST_HEAD(parked_mem);

static struct shared_cache *next_dying(void)
{
	struct shared_cache *cache, *next;

	lockdep_assert_held(&caches_mutex);
	list_for_each_entry_safe(cache, next, &caches, list)
		if (!atomic_read(&cache->users))
			list_move(&cache->list, &dying_caches);
	return list_first_entry_or_null(&dying_caches, struct shared_cache,
					list);
}

static void caches_work_fn(struct work_struct *work)
{
	struct shared_cache *cache;

	mutex_lock(&caches_mutex);
	while ((cache = next_dying())) {
		/* Unlocked: cache_get() must not wait for grace periods. */
		mutex_unlock(&caches_mutex);
		kmem_cache_destroy(cache->slab);
		mutex_lock(&caches_mutex);
		list_del(&cache->list);
		kfree(cache);
	}
	mutex_unlock(&caches_mutex);
}

static DECLARE_DELAYED_WORK(caches_work, caches_work_fn);

static void shrink_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(shrink_work, shrink_work_fn);

/* Find a cache to shrink. *later is set if there is one that was just shrunk. */
static struct shared_cache *next_freed(bool *later)
{
	struct shared_cache *cache;

	lockdep_assert_held(&caches_mutex);
	*later = false;
	list_for_each_entry(cache, &caches, list) {
		if (!READ_ONCE(cache->freed))
			continue;
		if (jiffies - cache->shrunk >= SHRINK_INTERVAL)
			return cache;
		*later = true;
	}
	return NULL;
}

/* Take a cache that is to be shrunk, as its user. */
static struct shared_cache *take_freed(bool *later)
{
	struct shared_cache *cache;

	/* Never wait: who makes a cache may wait for memory. */
	*later = true;
	if (!mutex_trylock(&caches_mutex))
		return NULL;
	cache = next_freed(later);
	if (cache) {
		atomic_inc(&cache->users);
		cache->shrunk = jiffies;
		/* Before the call: what is freed during the call comes later. */
		WRITE_ONCE(cache->freed, false);
	}
	mutex_unlock(&caches_mutex);
	return cache;
}

static void shrink_work_fn(struct work_struct *work)
{
	struct shared_cache *cache;
	bool later;

	while ((cache = take_freed(&later))) {
		kmem_cache_shrink(cache->slab);
		cache_put(cache);
	}
	if (later)
		queue_delayed_work(bytepool_wq, &shrink_work, SHRINK_DELAY);
}

/**
 * cache_freed_slow() - have a cache shrunk soon
 * @cache: the cache
 *
 * Context: any but NMI.
 */
void cache_freed_slow(struct shared_cache *cache)
{
	WRITE_ONCE(cache->freed, true);
	queue_delayed_work(bytepool_wq, &shrink_work, SHRINK_DELAY);
}

static void free_parked_fn(struct work_struct *work)
{
	struct llist_node *mem, *next;

	llist_for_each_safe(mem, next, llist_del_all(&parked_mem)) {
		kvfree(mem);
		cond_resched();
	}
}

static DECLARE_WORK(free_parked_work, free_parked_fn);

/**
 * payload_align() - find the alignment of a tier's payloads
 * @size: of the tier, in bytes
 *
 * Return: bytes.
 */
size_t payload_align(size_t size)
{
	if (size >= PAGE_SIZE && is_power_of_2(size))
		return PAGE_SIZE;
	return max_t(size_t, BYTEPOOL_GRAIN, ARCH_DMA_MINALIGN);
}

static struct shared_cache *cache_find(struct list_head *list,
				       enum cache_kind kind, size_t size,
				       size_t align)
{
	struct shared_cache *cache;

	lockdep_assert_held(&caches_mutex);
	list_for_each_entry(cache, list, list)
		if (cache->kind == kind && cache->size == size &&
		    cache->align == align)
			return cache;
	return NULL;
}

/*
 * Set the window of an object that copy_to_user() may touch on hardened
 * kernels: all of it, or the user's own bytes of a handle. The window is never
 * empty, because it keeps slab from merging the cache with other caches.
 */
static void user_window(enum cache_kind kind, size_t size, size_t *start,
			size_t *window)
{
	*start = 0;
	*window = size;
	if (kind != CACHE_HANDLE && kind != CACHE_HANDLE_RCU)
		return;
	*start = HANDLE_SIZE;
	*window = size - *start;
	if (*window)
		return;
	*start = offsetof(struct bytepool_buf, len);
	*window = sizeof_field(struct bytepool_buf, len);
}

static struct kmem_cache *slab_create(enum cache_kind kind, size_t size,
				      size_t align)
{
	static const char *const names[] = {
		[CACHE_PAYLOAD] = "payload",
		[CACHE_HANDLE] = "handle",
		[CACHE_HANDLE_RCU] = "handle_rcu",
		[CACHE_OBJECT] = "object",
	};
	slab_flags_t flags = kind == CACHE_HANDLE_RCU ? SLAB_TYPESAFE_BY_RCU :
							0;
	static unsigned int serial;
	size_t start, window;
	char name[64];
	int len;

	len = snprintf(name, sizeof(name), "bytepool_%s_%zu_%zu", names[kind],
		       size, align);
	/* On some kernels, making a second cache of one name fails. */
	if (cache_find(&dying_caches, kind, size, align))
		snprintf(name + len, sizeof(name) - len, "_%u", ++serial);
	/* With slub_debug= the red zones would take it past the largest slab. */
	if (size > KMALLOC_MAX_SIZE - PAGE_SIZE)
		flags |= SLAB_NO_USER_FLAGS;
	user_window(kind, size, &start, &window);
	return kmem_cache_create_usercopy(name, size, align, flags, start,
					  window, NULL);
}

/*
 * Tell whether slab poisons what is freed to a cache, as slub_debug=P on the
 * command line has it: no kernel tells modules. Zero an object and free it: if
 * the next one is not zero but poisoned, slab did it.
 */
static bool slab_poisons(struct kmem_cache *slab)
{
	/* The last byte of an object is another one. */
	const size_t size = BYTEPOOL_GRAIN / 2;
	bool poisoned = false;
	unsigned int i;
	void *obj;

	for (i = 0; i < 2; i++) {
		obj = kmem_cache_alloc(slab, GFP_KERNEL | __GFP_NOWARN |
						     __GFP_NORETRY);
		if (!obj)
			return false;
		memory_in_use(obj, size);
		poisoned = !memchr_inv(obj, POISON_FREE, size);
		memset(obj, 0, size);
		memory_idle(obj, size);
		kmem_cache_free(slab, obj);
	}
	return poisoned;
}

static struct shared_cache *cache_create(enum cache_kind kind, size_t size,
					 size_t align)
{
	struct shared_cache *cache;

	lockdep_assert_held(&caches_mutex);
	cache = kzalloc(sizeof(*cache), GFP_KERNEL);
	if (!cache)
		return NULL;
	cache->slab = slab_create(kind, size, align);
	if (!cache->slab) {
		kfree(cache);
		return NULL;
	}
	cache->poisoned = kind == CACHE_PAYLOAD && slab_poisons(cache->slab);
	cache->kind = kind;
	cache->size = size;
	cache->align = align;
	cache->shrunk = jiffies - SHRINK_INTERVAL;
	list_add(&cache->list, &caches);
	/* slab_poisons() has left a slab. */
	if (kind == CACHE_PAYLOAD)
		cache_freed(cache);
	return cache;
}

/**
 * cache_get() - find or make a slab cache
 * @kind: kind of its objects
 * @size: of an object, in bytes
 * @align: of an object, in bytes
 *
 * Context: may sleep.
 * Return: the cache, for cache_put(); NULL without memory.
 */
struct shared_cache *cache_get(enum cache_kind kind, size_t size, size_t align)
{
	struct shared_cache *cache;

	mutex_lock(&caches_mutex);
	cache = cache_find(&caches, kind, size, align);
	if (!cache)
		cache = cache_create(kind, size, align);
	if (cache)
		atomic_inc(&cache->users);
	mutex_unlock(&caches_mutex);
	return cache;
}

/**
 * cache_put() - drop a user of a slab cache
 * @cache: the cache, which may be gone after this; NULL is accepted
 *
 * Without caches_mutex: its holder may wait for memory that the caller frees.
 *
 * Context: any but NMI.
 */
void cache_put(struct shared_cache *cache)
{
	if (cache && atomic_dec_and_test(&cache->users))
		queue_delayed_work(bytepool_idle_wq, &caches_work,
				   CACHE_LINGER);
}

/**
 * big_vmalloc() - allocate memory by vmalloc()
 * @size: in bytes
 * @gfp: must allow to sleep
 *
 * Return: the memory, for big_free(); or NULL.
 */
void *big_vmalloc(size_t size, gfp_t gfp)
{
	/* vmalloc() warns about these flags. */
	gfp &= ~(__GFP_NORETRY | __GFP_MEMALLOC | __GFP_NOMEMALLOC);
	return __vmalloc(size, gfp | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
}

static bool want_vmalloc(size_t size, gfp_t gfp, bool contig)
{
	return !contig && size > PAGE_SIZE && gfpflags_allow_blocking(gfp);
}

/**
 * big_alloc() - allocate memory that no tier's cache can give
 * @size: in bytes, a multiple of %BYTEPOOL_GRAIN
 * @gfp: vmalloc() is used only if this allows to sleep
 * @contig: the memory must be physically contiguous
 *
 * Like kvmalloc(), but a length that cannot be served is answered by NULL, not
 * by a warning or the OOM killer.
 *
 * Return: the memory, aligned to %BYTEPOOL_GRAIN at least; or NULL.
 */
void *big_alloc(size_t size, gfp_t gfp, bool contig)
{
	gfp_t kmalloc_gfp = gfp | __GFP_NOWARN;
	void *mem = NULL;

	if (!slab_allowed())
		return NULL;
	if (want_vmalloc(size, gfp, contig))
		kmalloc_gfp |= __GFP_NORETRY;
	/* kmalloc() aligns powers of two to their size, other sizes not. */
	if (size <= PAGE_SIZE)
		mem = kmalloc(roundup_pow_of_two(size), kmalloc_gfp);
	else if (size <= KMALLOC_MAX_SIZE)
		mem = kmalloc(size, kmalloc_gfp);
	if (mem || !want_vmalloc(size, gfp, contig))
		return mem;
	return big_vmalloc(size, gfp);
}

/**
 * big_free() - free memory of big_alloc()
 * @mem: the memory, of which the first bytes are used; NULL is accepted
 *
 * Context: any but NMI. A work item frees vmalloc() memory, and on PREEMPT_RT
 * all memory where slab is off limits.
 */
void big_free(void *mem)
{
	if (!mem)
		return;
	if (!is_vmalloc_addr(mem) && slab_allowed()) {
		kfree(mem);
		return;
	}
	llist_add(mem, &parked_mem);
	queue_work(bytepool_wq, &free_parked_work);
}

/* === Memory larger than the largest tier === */

/**
 * oversize_charge() - charge for memory larger than the largest tier
 * @pool: the pool
 * @len: length in bytes
 *
 * Return: false, and nothing charged, for a length that cannot be, and past the
 * limit.
 */
bool oversize_charge(struct bytepool *pool, size_t len)
{
	size_t size = oversize_capacity(len);

	return size && limit_charge(pool, size);
}

/**
 * oversize_alloc() - allocate memory larger than the largest tier
 * @pool: the pool
 * @len: length in bytes, whose capacity is charged to the limit already
 * @gfp: for the allocator
 *
 * Return: the memory, or NULL.
 */
void *oversize_alloc(struct bytepool *pool, size_t len, gfp_t gfp)
{
	if (READ_ONCE(pool->objects.dead))
		return NULL;
	return big_alloc(oversize_capacity(len), get_gfp(pool, gfp),
			 pool->flags & BYTEPOOL_CONTIG);
}

/**
 * oversize_count() - count memory larger than the largest tier as served
 * @pool: the pool
 * @len: length in bytes
 */
void oversize_count(struct bytepool *pool, size_t len)
{
	atomic64_inc(&pool->discarded);
	atomic64_inc(&pool->oversize);
	atomic64_add(oversize_capacity(len), &pool->oversize_bytes);
	objcache_note_length(&pool->objects, len);
}

/**
 * oversize_uncharge() - uncharge and count a put of big_alloc() memory
 * @pool: the pool
 * @tier: tier of the memory, if it is from vmalloc(); -1: larger than the
 *	largest
 * @size: capacity of the memory in bytes
 *
 * Context: as for objcache_count_put().
 * Return: false if the pool is dead: then the caller must unpin it.
 */
bool oversize_uncharge(struct bytepool *pool, int tier, size_t size)
{
	limit_uncharge(pool, size);
	if (tier >= 0)
		return objcache_count_put(&pool->objects, class_raw(tier));
	if (READ_ONCE(pool->objects.dead))
		return false;
	atomic64_sub(size, &pool->oversize_bytes);
	atomic64_dec(&pool->oversize);
	return true;
}

void payload_module_exit(void)
{
	/* All pools are gone: free their last memory and caches. */
	flush_work(&free_parked_work);
	cancel_delayed_work_sync(&shrink_work);
	mod_delayed_work(bytepool_idle_wq, &caches_work, 0);
	flush_delayed_work(&caches_work);
	WARN_ON(!list_empty(&caches));
}
