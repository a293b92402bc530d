// SPDX-License-Identifier: GPL-2.0
/*
 * Memory in the fast build: an arena that never calls the C library.
 *
 * A signal handler of the application's may allocate and free. It may have
 * interrupted malloc(), or this file: so all memory comes from a range of
 * addresses of our own, and the locks tell who holds them. Where a handler
 * meets a lock that its own thread holds, an allocation fails, and a free
 * leaves the memory on a list that the holder, or the next one, empties.
 *
 * The arena is cut into blocks. Runs of 1, 2, 4 ... 64 blocks are slabs of one
 * cache, or large pieces of memory, or free and merged with their buddies. A
 * table by block says which, and another one whose slab it is, so that any
 * pointer at all can be asked about in constant time. Free runs that have been
 * used are preferred, since their pages are there; when there are many of them,
 * the pages go back.
 *
 * A cache has a few shards, and a thread allocates from the one of its CPU: what
 * lies side by side is mostly one thread's, and no other waits for its lock.
 *
 * Locking: shard.lock, then arena_lock.
 */
#include <linux/bitops.h>
#include <linux/align.h>
#include <linux/bug.h>
#include <linux/cache.h>
#include <linux/kernel.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <shim.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define BLOCK_SIZE (1UL << SHIM_BLOCK_SHIFT)

/* A chunk is the largest run, and what KMALLOC_MAX_SIZE is. */
#define CHUNK_ORDER  6
#define CHUNK_BLOCKS (1UL << CHUNK_ORDER)
#define CHUNK_SIZE   (CHUNK_BLOCKS << SHIM_BLOCK_SHIFT)

/* Addresses are cheap, unless the process has a limit on them. */
#define MAX_RESERVE (1UL << 40)
#define MIN_RESERVE (CHUNK_SIZE * 16)

/* Objects are at multiples of this: a block has at most so many of them. */
#define MIN_STRIDE  64UL
#define MAX_OBJECTS (BLOCK_SIZE / MIN_STRIDE)

/* When so many bytes of free runs have pages, half of them give these back. */
#define MAX_DIRTY (32UL << 20)

enum block_state {
	BLOCK_NONE, /* not made yet */
	BLOCK_TAIL, /* not the first of its run */
	BLOCK_CLEAN, /* free, without pages */
	BLOCK_DIRTY, /* free, perhaps with pages */
	BLOCK_HELD, /* on its way from one of these to another */
	BLOCK_SLAB,
	BLOCK_LARGE,
};

/**
 * struct block - an entry of the table: a run, if it is the first of one
 * @head: the first block of the run
 * @state: enum block_state
 * @order: of the run: 1 << @order blocks
 * @stride: from one object to the next
 * @nr_objects: how many a slab has
 * @nr_used: of these, in use
 * @shard: of the cache whose slab it is
 * @next: in the list that it is in
 * @prev: likewise
 * @map: which objects are in use
 */
struct block {
	struct block *head;
	u8 state;
	u8 order;
	u32 stride;
	u32 nr_objects;
	u32 nr_used;
	struct shard *shard;
	struct block *next;
	struct block *prev;
	u64 map[MAX_OBJECTS / 64];
};

/* How many shards a cache has. */
#define NR_SHARDS 4

/**
 * struct shard - a part of a slab cache
 * @lock: protects @partial, @full, @nr_empty, and the slabs
 * @partial: slabs with room
 * @full: slabs without
 * @nr_empty: of @partial, how many have nothing in use
 * @parked: freed where the lock could not be taken
 * @refused: freed, and nothing that was in use; to be reported
 */
struct shard {
	raw_spinlock_t lock;
	struct block *partial;
	struct block *full;
	unsigned int nr_empty;
	struct llist_head parked;
	void *refused;
} ____cacheline_aligned;

/**
 * struct kmem_cache - a slab cache
 * @shard: by CPU
 * @name: its name
 * @size: of an object, in bytes
 * @stride: from one object to the next
 * @order: of a slab
 * @flags: SLAB_*
 * @ctor: constructor, or NULL
 * @next: in the list of all
 */
struct kmem_cache {
	struct shard shard[NR_SHARDS];
	const char *name;
	unsigned int size;
	unsigned int stride;
	unsigned int order;
	slab_flags_t flags;
	void (*ctor)(void *obj);
	struct kmem_cache *next;
};

bool shim_init_on_alloc;
bool shim_init_on_free;
bool shim_slab_cache_hidden;

/* The arena, its table, and how many of its chunks can be used. */
struct shim_arena shim_arena;
static struct block *blocks;
static unsigned long nr_chunks;

/* Protects the runs that are free, and the number of chunks. */
static DEFINE_RAW_SPINLOCK(arena_lock);
static struct block *free_runs[CHUNK_ORDER + 1][2];
static size_t dirty_bytes;
static LLIST_HEAD(parked_runs);
static unsigned long nr_large;

/* === Arena === */

/*
 * Reserves addresses, as many as can be had; sets *size. Of a limit on them
 * most is left to the program.
 */
static char *reserve(size_t *size)
{
	struct rlimit limit;
	char *base;

	*size = MAX_RESERVE;
	if (!getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur / 8 < *size)
		*size = rounddown_pow_of_two(limit.rlim_cur / 8 | 1);
	for (; *size >= MIN_RESERVE; *size /= 2) {
		base = mmap(NULL, *size + CHUNK_SIZE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (base != MAP_FAILED)
			return (char *)ALIGN((unsigned long)base, CHUNK_SIZE);
	}
	return NULL;
}

static void *reserve_table(size_t size, int prot)
{
	void *table = mmap(NULL, size, prot,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return table == MAP_FAILED ? NULL : table;
}

/* With less than all of it there is no arena: nothing is in it. */
static __attribute__((__constructor__(101))) void arena_init(void)
{
	struct kmem_cache **cache_of;
	unsigned long nr;
	size_t size;
	char *base;

	base = reserve(&size);
	if (!base)
		return;
	nr = size / BLOCK_SIZE;
	blocks = reserve_table(nr * sizeof(*blocks), PROT_NONE);
	/* Who asks reads any of it: what is not used yet has no cache. */
	cache_of = reserve_table(nr * sizeof(*cache_of), PROT_READ);
	if (blocks && cache_of)
		shim_arena = (struct shim_arena){ base, nr, cache_of };
}

static unsigned long run_size(const struct block *run)
{
	return BLOCK_SIZE << run->order;
}

static char *run_base(const struct block *run)
{
	return shim_arena.base + ((run - blocks) << SHIM_BLOCK_SHIFT);
}

static void list_push(struct block **list, struct block *block)
{
	block->prev = NULL;
	block->next = *list;
	if (block->next)
		block->next->prev = block;
	*list = block;
}

static void list_remove(struct block **list, struct block *block)
{
	if (block->prev)
		block->prev->next = block->next;
	else
		*list = block->next;
	if (block->next)
		block->next->prev = block->prev;
}

/* Whoever asks about a pointer reads this without the lock. */
static void set_state(struct block *run, enum block_state state)
{
	WRITE_ONCE(run->state, state);
}

static void set_run(struct block *run, unsigned int order)
{
	unsigned int i;

	run->order = order;
	WRITE_ONCE(run->head, run);
	for (i = 1; i < 1U << order; i++) {
		WRITE_ONCE(run[i].head, run);
		set_state(&run[i], BLOCK_TAIL);
	}
}

static void free_run_add(struct block *run, bool dirty)
{
	set_state(run, dirty ? BLOCK_DIRTY : BLOCK_CLEAN);
	list_push(&free_runs[run->order][dirty], run);
	if (dirty)
		dirty_bytes += run_size(run);
}

static void free_run_remove(struct block *run)
{
	bool dirty = run->state == BLOCK_DIRTY;

	list_remove(&free_runs[run->order][dirty], run);
	if (dirty)
		dirty_bytes -= run_size(run);
}

/* Makes the pages writable that something is in; they may be already. */
static bool make_writable(void *mem, size_t size)
{
	unsigned long start = (unsigned long)mem & PAGE_MASK;
	unsigned long end = (unsigned long)mem + size;

	return !mprotect((void *)start, end - start, PROT_READ | PROT_WRITE);
}

static bool grow_arena(void)
{
	unsigned long first = nr_chunks * CHUNK_BLOCKS;
	struct kmem_cache **cache_of = shim_arena.cache_of + first;
	struct block *run = blocks + first;

	if (first == shim_arena.nr_blocks ||
	    !make_writable(run_base(run), CHUNK_SIZE) ||
	    !make_writable(run, CHUNK_BLOCKS * sizeof(*run)) ||
	    !make_writable(cache_of, CHUNK_BLOCKS * sizeof(*cache_of)))
		return false;
	set_run(run, CHUNK_ORDER);
	free_run_add(run, false);
	/* Pairs with the load in run_of(): the table first. */
	smp_store_release(&nr_chunks, nr_chunks + 1);
	return true;
}

/* The smallest run that will do, used before if possible. */
static struct block *find_run(unsigned int order)
{
	unsigned int i;

	for (i = order; i <= CHUNK_ORDER; i++) {
		if (free_runs[i][true])
			return free_runs[i][true];
		if (free_runs[i][false])
			return free_runs[i][false];
	}
	return NULL;
}

static struct block *take_run(unsigned int order)
{
	struct block *run = find_run(order);
	bool dirty;

	if (!run && grow_arena())
		run = find_run(order);
	if (!run)
		return NULL;
	dirty = run->state == BLOCK_DIRTY;
	free_run_remove(run);
	while (run->order > order) {
		struct block *buddy;

		run->order--;
		buddy = run + (1U << run->order);
		set_run(buddy, run->order);
		free_run_add(buddy, dirty);
	}
	set_run(run, order);
	/* No longer free: its buddy must not be merged with it. */
	set_state(run, BLOCK_HELD);
	return run;
}

static void give_run(struct block *run, bool dirty)
{
	while (run->order < CHUNK_ORDER) {
		struct block *buddy = blocks + ((unsigned long)(run - blocks) ^
						(1UL << run->order));

		if ((buddy->state != BLOCK_CLEAN &&
		     buddy->state != BLOCK_DIRTY) ||
		    buddy->order != run->order)
			break;
		dirty |= buddy->state == BLOCK_DIRTY;
		free_run_remove(buddy);
		run = min(run, buddy);
		run->order++;
	}
	set_run(run, run->order);
	free_run_add(run, dirty);
}

static void arena_unlock(unsigned long flags)
{
	struct llist_node *node, *next;

	/* What a handler above this thread has freed meanwhile. */
	llist_for_each_safe(node, next, llist_del_all(&parked_runs)) {
		nr_large--;
		give_run(blocks + shim_block_of(node), true);
	}
	raw_spin_unlock_irqrestore(&arena_lock, flags);
}

/* Gives pages of free runs back until so many bytes of them are left. */
static void trim_arena(size_t limit)
{
	struct block *run;
	unsigned long flags;
	int order;

	while (READ_ONCE(dirty_bytes) > limit) {
		if (!lock_unless_held(&arena_lock, &flags))
			return;
		run = NULL;
		for (order = CHUNK_ORDER; order >= 0 && !run; order--)
			run = free_runs[order][true];
		if (run) {
			free_run_remove(run);
			set_state(run, BLOCK_HELD);
		}
		arena_unlock(flags);
		if (!run)
			return;
		madvise(run_base(run), run_size(run), MADV_DONTNEED);
		if (!lock_unless_held(&arena_lock, &flags)) {
			/* Cannot be: it was free a moment ago. */
			WARN_ON(1);
			return;
		}
		give_run(run, false);
		arena_unlock(flags);
	}
}

static struct block *alloc_run(unsigned int order)
{
	struct block *run;
	unsigned long flags;

	if (!lock_unless_held(&arena_lock, &flags))
		return NULL;
	run = take_run(order);
	arena_unlock(flags);
	return run;
}

/* Tells slab_cache_of() whose a run is. */
static void set_cache(const struct block *run, struct kmem_cache *cache)
{
	struct kmem_cache **cache_of = shim_arena.cache_of + (run - blocks);
	unsigned int i;

	for (i = 0; i < 1U << run->order; i++)
		WRITE_ONCE(cache_of[i], cache);
}

static bool free_run(struct block *run)
{
	unsigned long flags;

	if (!lock_unless_held(&arena_lock, &flags))
		return false;
	set_cache(run, NULL);
	give_run(run, true);
	arena_unlock(flags);
	return true;
}

/* The run that an address is in, whatever it is; NULL outside of the arena. */
static __always_inline struct block *run_of(const void *mem)
{
	unsigned long block = shim_block_of(mem);

	/* Pairs with the store in grow_arena(). */
	if (block / CHUNK_BLOCKS >= smp_load_acquire(&nr_chunks))
		return NULL;
	return READ_ONCE(blocks[block].head);
}

/* === Slabs, under the shard's lock === */

static struct block *slab_create(struct kmem_cache *cache, struct shard *shard)
{
	struct block *slab = alloc_run(cache->order);

	if (!slab)
		return NULL;
	slab->shard = shard;
	slab->stride = cache->stride;
	slab->nr_objects = min(run_size(slab) / cache->stride, MAX_OBJECTS);
	slab->nr_used = 0;
	memset(slab->map, 0, sizeof(slab->map));
	set_state(slab, BLOCK_SLAB);
	set_cache(slab, cache);
	list_push(&shard->partial, slab);
	shard->nr_empty++;
	return slab;
}

static bool slab_destroy(struct shard *shard, struct block *slab)
{
	list_remove(&shard->partial, slab);
	shard->nr_empty--;
	if (free_run(slab))
		return true;
	list_push(&shard->partial, slab);
	shard->nr_empty++;
	return false;
}

static void *slab_take(struct shard *shard, struct block *slab)
{
	unsigned int i = 0, bit;

	while (!~slab->map[i])
		i++;
	bit = __builtin_ctzll(~slab->map[i]);
	slab->map[i] |= 1ULL << bit;
	shard->nr_empty -= !slab->nr_used;
	if (++slab->nr_used == slab->nr_objects) {
		list_remove(&shard->partial, slab);
		list_push(&shard->full, slab);
	}
	return run_base(slab) + (size_t)(i * 64 + bit) * slab->stride;
}

/* Returns false if there is no object in use at the address. */
static bool slab_give(struct shard *shard, struct block *slab, void *obj)
{
	unsigned long offset = (char *)obj - run_base(slab);
	unsigned long i = offset / slab->stride;

	if (offset % slab->stride || i >= slab->nr_objects ||
	    !(slab->map[i / 64] >> i % 64 & 1))
		return false;
	slab->map[i / 64] &= ~(1ULL << i % 64);
	if (slab->nr_used-- == slab->nr_objects) {
		list_remove(&shard->full, slab);
		list_push(&shard->partial, slab);
	}
	shard->nr_empty += !slab->nr_used;
	return true;
}

/*
 * One empty slab may stay, for the next object. Those of a type-safe cache do
 * in any case, until kmem_cache_shrink() waits for their readers.
 */
static void shard_give(struct kmem_cache *cache, struct shard *shard, void *obj)
{
	struct block *slab = run_of(obj);

	if (!slab_give(shard, slab, obj)) {
		shard->refused = obj;
		return;
	}
	if (!slab->nr_used && shard->nr_empty > 1 &&
	    !(cache->flags & SLAB_TYPESAFE_BY_RCU))
		slab_destroy(shard, slab);
}

/* Where a parked object is linked: readers may look at a type-safe one. */
static struct llist_node *park_node(struct kmem_cache *cache, void *obj)
{
	if (cache->flags & SLAB_TYPESAFE_BY_RCU)
		obj += cache->stride - sizeof(struct llist_node);
	return obj;
}

static void *park_object(struct kmem_cache *cache, struct llist_node *node)
{
	void *obj = node;

	if (cache->flags & SLAB_TYPESAFE_BY_RCU)
		obj -= cache->stride - sizeof(struct llist_node);
	return obj;
}

/* What a handler above a holder of the lock has freed. */
static void shard_unpark(struct kmem_cache *cache, struct shard *shard)
{
	struct llist_node *node, *next;

	llist_for_each_safe(node, next, llist_del_all(&shard->parked))
		shard_give(cache, shard, park_object(cache, node));
}

static bool shard_lock(struct kmem_cache *cache, struct shard *shard,
		       unsigned long *flags)
{
	if (!lock_unless_held(&shard->lock, flags))
		return false;
	if (unlikely(!llist_empty(&shard->parked)))
		shard_unpark(cache, shard);
	return true;
}

static void shard_unlock(struct kmem_cache *cache, struct shard *shard,
			 unsigned long flags)
{
	void *refused;

	if (unlikely(!llist_empty(&shard->parked)))
		shard_unpark(cache, shard);
	refused = shard->refused;
	shard->refused = NULL;
	raw_spin_unlock_irqrestore(&shard->lock, flags);
	/* Not under the lock: reports take locks of the C library's. */
	WARN(refused, "%p freed, which is no object in use of %s\n", refused,
	     cache->name);
}

/* === Caches === */

static DEFINE_MUTEX(caches_mutex);
static struct kmem_cache *caches;

/* The smallest slab that wastes no more than an eighth, or the best one. */
static unsigned int slab_order(size_t stride)
{
	unsigned int order = max(fls_long((stride - 1) >> SHIM_BLOCK_SHIFT), 0);
	unsigned int best = order;
	size_t waste = SIZE_MAX;

	for (; order <= CHUNK_ORDER; order++) {
		size_t size = BLOCK_SIZE << order;
		size_t w = (size % stride) << (CHUNK_ORDER - order);

		if (w < waste) {
			waste = w;
			best = order;
		}
		if (size % stride <= size / 8)
			break;
	}
	return best;
}

static void cache_init(struct kmem_cache *cache, const char *name, size_t size,
		       size_t align, slab_flags_t flags)
{
	size_t stride = size;
	unsigned int i;

	if (flags & SLAB_TYPESAFE_BY_RCU)
		stride += sizeof(struct llist_node);
	for (i = 0; i < NR_SHARDS; i++)
		raw_spin_lock_init(&cache->shard[i].lock);
	cache->name = name;
	cache->size = size;
	cache->stride = ALIGN(stride, max(align, MIN_STRIDE));
	cache->order = slab_order(cache->stride);
	cache->flags = flags;
}

struct kmem_cache *
kmem_cache_create_usercopy(const char *name, unsigned int size,
			   unsigned int align, slab_flags_t flags,
			   unsigned int useroffset, unsigned int usersize,
			   void (*ctor)(void *obj))
{
	struct kmem_cache *cache;

	might_sleep();
	if (size > KMALLOC_MAX_SIZE || align > BLOCK_SIZE)
		return NULL;
	cache = aligned_alloc(__alignof__(*cache),
			      ALIGN(sizeof(*cache) + strlen(name) + 1,
				    __alignof__(*cache)));
	if (!cache)
		return NULL;
	memset(cache, 0, sizeof(*cache));
	strcpy((char *)(cache + 1), name);
	cache_init(cache, (char *)(cache + 1), size, align, flags);
	cache->ctor = ctor;
	mutex_lock(&caches_mutex);
	cache->next = caches;
	caches = cache;
	mutex_unlock(&caches_mutex);
	return cache;
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     unsigned int align, slab_flags_t flags,
				     void (*ctor)(void *obj))
{
	return kmem_cache_create_usercopy(name, size, align, flags, 0, 0, ctor);
}

static void shrink_shard(struct kmem_cache *cache, struct shard *shard)
{
	struct block *slab, *next;
	unsigned long flags;

	if (!shard_lock(cache, shard, &flags))
		return;
	for (slab = shard->partial; slab; slab = next) {
		next = slab->next;
		if (!slab->nr_used && !slab_destroy(shard, slab))
			break;
	}
	shard_unlock(cache, shard, flags);
}

static void shrink_cache(struct kmem_cache *cache)
{
	unsigned int i;

	for (i = 0; i < NR_SHARDS; i++)
		shrink_shard(cache, &cache->shard[i]);
}

static bool cache_is_empty(const struct kmem_cache *cache)
{
	unsigned int i;

	for (i = 0; i < NR_SHARDS; i++)
		if (cache->shard[i].partial || cache->shard[i].full)
			return false;
	return true;
}

int kmem_cache_shrink(struct kmem_cache *cache)
{
	/* An object may be freed meanwhile: those stay till the next time. */
	if (cache->flags & SLAB_TYPESAFE_BY_RCU)
		return 0;
	shrink_cache(cache);
	trim_arena(0);
	return 0;
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
	struct kmem_cache **pos = &caches;

	if (!cache)
		return;
	if (cache->flags & SLAB_TYPESAFE_BY_RCU)
		synchronize_rcu();
	shrink_cache(cache);
	if (!cache_is_empty(cache)) {
		/* It stays: whoever has an object can free it. */
		WARN(1, "slab cache %s still has objects\n", cache->name);
		return;
	}
	mutex_lock(&caches_mutex);
	while (*pos != cache)
		pos = &(*pos)->next;
	*pos = cache->next;
	mutex_unlock(&caches_mutex);
	free(cache);
}

unsigned int kmem_cache_size(struct kmem_cache *cache)
{
	return cache->size;
}

/* What readers may look at, or a constructor has made, is not zeroed. */
static bool cache_inits(const struct kmem_cache *cache, gfp_t gfp)
{
	if (cache->ctor || (cache->flags & SLAB_TYPESAFE_BY_RCU))
		return gfp & __GFP_ZERO;
	return want_init_on_alloc(gfp);
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	struct shard *shard;
	struct block *slab;
	unsigned long flags;
	void *obj = NULL;

	might_alloc(gfp);
	shard = &cache->shard[raw_smp_processor_id() % NR_SHARDS];
	if (!shard_lock(cache, shard, &flags))
		return NULL;
	slab = shard->partial ?: slab_create(cache, shard);
	if (slab)
		obj = slab_take(shard, slab);
	shard_unlock(cache, shard, flags);
	if (!obj)
		return NULL;
	if (cache_inits(cache, gfp))
		memset(obj, 0, cache->size);
	if (cache->ctor)
		cache->ctor(obj);
	return obj;
}

void kmem_cache_free(struct kmem_cache *cache, void *obj)
{
	struct shard *shard;
	unsigned long flags;

	if (!obj)
		return;
	if (slab_cache_of(obj) != cache) {
		WARN(1, "%p freed, which is no object of %s\n", obj,
		     cache->name);
		return;
	}
	shard = run_of(obj)->shard;
	if (!shard_lock(cache, shard, &flags)) {
		llist_add(park_node(cache, obj), &shard->parked);
		return;
	}
	shard_give(cache, shard, obj);
	shard_unlock(cache, shard, flags);
}

/* === kmalloc === */

#define KMALLOC_MIN_SHIFT 6
#define KMALLOC_MAX_SHIFT 15

static struct kmem_cache kmalloc_caches[KMALLOC_MAX_SHIFT + 1];

static __attribute__((__constructor__(101))) void kmalloc_init(void)
{
	unsigned int i;

	for (i = KMALLOC_MIN_SHIFT; i <= KMALLOC_MAX_SHIFT; i++)
		cache_init(&kmalloc_caches[i], "kmalloc", 1UL << i,
			   min(1UL << i, PAGE_SIZE), 0);
}

static void *alloc_large(size_t size)
{
	struct block *run;
	unsigned long flags;

	if (!lock_unless_held(&arena_lock, &flags))
		return NULL;
	run = take_run(fls_long((size - 1) >> SHIM_BLOCK_SHIFT));
	if (run) {
		set_state(run, BLOCK_LARGE);
		nr_large++;
	}
	arena_unlock(flags);
	return run ? run_base(run) : NULL;
}

static void free_large(struct block *run, const void *mem)
{
	unsigned long flags;

	if (WARN(run_base(run) != mem, "%p freed, where nothing begins\n", mem))
		return;
	if (!lock_unless_held(&arena_lock, &flags)) {
		llist_add((struct llist_node *)mem, &parked_runs);
		return;
	}
	nr_large--;
	give_run(run, true);
	arena_unlock(flags);
	if (READ_ONCE(dirty_bytes) > MAX_DIRTY)
		trim_arena(MAX_DIRTY / 2);
}

void *kmalloc(size_t size, gfp_t gfp)
{
	unsigned int shift;
	void *mem;

	might_alloc(gfp);
	if (size > KMALLOC_MAX_SIZE) {
		WARN(!(gfp & __GFP_NOWARN), "kmalloc() of %zu bytes\n", size);
		return NULL;
	}
	if (size <= 1UL << KMALLOC_MAX_SHIFT) {
		shift = max(size > 1 ? fls_long(size - 1) : 0,
			    KMALLOC_MIN_SHIFT);
		return kmem_cache_alloc(&kmalloc_caches[shift], gfp);
	}
	mem = alloc_large(size);
	if (mem && want_init_on_alloc(gfp))
		memset(mem, 0, size);
	return mem;
}

void kfree(const void *mem)
{
	struct kmem_cache *cache = slab_cache_of(mem);
	struct block *run = run_of(mem);

	if (!mem)
		return;
	if (cache)
		kmem_cache_free(cache, (void *)mem);
	else if (run && run->state == BLOCK_LARGE)
		free_large(run, mem);
	else
		WARN(1, "%p freed, which is no kmalloc memory\n", mem);
}

bool virt_addr_valid(const void *mem)
{
	return run_of(mem);
}

unsigned long totalram_pages(void)
{
	return sysconf(_SC_PHYS_PAGES);
}

/* === vmalloc: process context, with a page between two that faults === */

/**
 * struct vm_area - memory from vmalloc()
 * @next: the one with the next higher address
 * @start: its first byte
 * @size: whole pages
 */
struct vm_area {
	struct vm_area *next;
	char *start;
	size_t size;
};

/* Protects the list. */
static DEFINE_MUTEX(vm_mutex);
static struct vm_area *vm_areas;
static char *vm_base;
static size_t vm_size;

static __attribute__((__constructor__(101))) void vm_init(void)
{
	vm_base = reserve(&vm_size);
}

/* Finds the first gap that is large enough. */
static bool vm_insert(struct vm_area *area)
{
	struct vm_area **pos = &vm_areas;
	char *start = vm_base;

	for (; *pos; pos = &(*pos)->next) {
		if ((size_t)((*pos)->start - start) >= area->size + PAGE_SIZE)
			break;
		start = (*pos)->start + (*pos)->size + PAGE_SIZE;
	}
	if (!vm_base || start + area->size + PAGE_SIZE > vm_base + vm_size)
		return false;
	area->start = start;
	area->next = *pos;
	*pos = area;
	return true;
}

static struct vm_area *vm_remove(const void *mem)
{
	struct vm_area **pos = &vm_areas, *area;

	while (*pos && (*pos)->start != mem)
		pos = &(*pos)->next;
	area = *pos;
	if (area)
		*pos = area->next;
	return area;
}

void *__vmalloc(size_t size, gfp_t gfp)
{
	struct vm_area *area;
	bool ok;

	might_sleep();
	if (!size || size > (size_t)totalram_pages() << PAGE_SHIFT) {
		WARN(!(gfp & __GFP_NOWARN), "vmalloc() of %zu bytes\n", size);
		return NULL;
	}
	area = calloc(1, sizeof(*area));
	if (!area)
		return NULL;
	area->size = PAGE_ALIGN(size);
	mutex_lock(&vm_mutex);
	ok = vm_insert(area);
	if (ok && mprotect(area->start, area->size, PROT_READ | PROT_WRITE)) {
		vm_remove(area->start);
		ok = false;
	}
	mutex_unlock(&vm_mutex);
	if (ok)
		return area->start;
	free(area);
	return NULL;
}

void vfree(const void *mem)
{
	struct vm_area *area;

	if (!mem)
		return;
	mutex_lock(&vm_mutex);
	area = vm_remove(mem);
	/* Fresh pages are zeroed, and what is mapped here anew has none. */
	if (area &&
	    mmap(area->start, area->size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		pr_warn("vfree: %zu bytes stay resident\n", area->size);
	mutex_unlock(&vm_mutex);
	WARN(!area, "%p freed, which is no vmalloc memory\n", mem);
	free(area);
}

bool is_vmalloc_addr(const void *mem)
{
	return vm_base && (unsigned long)mem - (unsigned long)vm_base < vm_size;
}

void *kvmalloc(size_t size, gfp_t gfp)
{
	void *mem = kmalloc(size, gfp | __GFP_NOWARN);

	if (mem || size <= PAGE_SIZE || !gfpflags_allow_blocking(gfp))
		return mem;
	if (size > INT_MAX) {
		WARN(!(gfp & __GFP_NOWARN), "kvmalloc() of %zu bytes\n", size);
		return NULL;
	}
	return __vmalloc(size, gfp);
}

void kvfree(const void *mem)
{
	if (is_vmalloc_addr(mem))
		vfree(mem);
	else
		kfree(mem);
}

/* === For tests === */

long shim_fail_nth(long n)
{
	return 0;
}

bool shim_should_fail(gfp_t gfp)
{
	return false;
}

static unsigned int shard_in_use(struct kmem_cache *cache, struct shard *shard)
{
	struct block *slab;
	unsigned int nr = 0;
	unsigned long flags;

	if (!shard_lock(cache, shard, &flags))
		return 0;
	for (slab = shard->partial; slab; slab = slab->next)
		nr += slab->nr_used;
	for (slab = shard->full; slab; slab = slab->next)
		nr += slab->nr_used;
	shard_unlock(cache, shard, flags);
	return nr;
}

static unsigned int cache_in_use(struct kmem_cache *cache)
{
	unsigned int nr = 0, i;

	for (i = 0; i < NR_SHARDS; i++)
		nr += shard_in_use(cache, &cache->shard[i]);
	if (nr)
		printk(KERN_ERR "leak: %u objects of %s-%u\n", nr, cache->name,
		       cache->size);
	return nr;
}

unsigned int shim_report_leaks(void)
{
	unsigned int nr = nr_large, i;
	struct kmem_cache *cache;
	struct vm_area *area;

	for (i = KMALLOC_MIN_SHIFT; i <= KMALLOC_MAX_SHIFT; i++)
		nr += cache_in_use(&kmalloc_caches[i]);
	mutex_lock(&caches_mutex);
	for (cache = caches; cache; cache = cache->next)
		nr += 1 + cache_in_use(cache);
	mutex_unlock(&caches_mutex);
	mutex_lock(&vm_mutex);
	for (area = vm_areas; area; area = area->next)
		nr++;
	mutex_unlock(&vm_mutex);
	return nr;
}
