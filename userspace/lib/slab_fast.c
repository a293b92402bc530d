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
 * Nothing of that range is reserved: a chunk is mapped when it is needed, and
 * where the program has something the arena has a hole. A chunk is cut into
 * blocks. Runs of 1, 2, 4 ... 64 blocks are slabs of one cache, or free and
 * merged with their buddies. A table by block says whose slab it is, so that any
 * pointer at all can be asked about in constant time. Free runs that have been
 * used are preferred, since their pages are there; when there are many of them,
 * or when they have not been needed for a while, the pages go back.
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
#include <linux/err.h>
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
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK_SIZE (1UL << SHIM_BLOCK_SHIFT)

/* A chunk is the largest run, and what KMALLOC_MAX_SIZE is. */
#define CHUNK_ORDER  6
#define CHUNK_BLOCKS (1UL << CHUNK_ORDER)
#define CHUNK_SIZE   (CHUNK_BLOCKS << SHIM_BLOCK_SHIFT)

/* So many addresses the range has for each byte of the machine's memory. */
#define ARENA_FACTOR 4
#define ARENA_MIN    (CHUNK_SIZE * 64)

/* Objects are at multiples of this: a block has at most so many of them. */
#define MIN_STRIDE  64UL
#define MAX_OBJECTS (BLOCK_SIZE / MIN_STRIDE)

/* When so many bytes of free runs have pages, half of them give these back. */
#define MAX_DIRTY (32UL << 20)
/* So many of them may keep theirs for ever. */
#define MIN_DIRTY (1UL << 20)
/* What is not needed for so long is given back, in ns. */
#define TRIM_INTERVAL 1000000000ULL

enum block_state {
	BLOCK_NONE, /* not made yet */
	BLOCK_TAIL, /* not the first of its run */
	BLOCK_CLEAN, /* free, without pages */
	BLOCK_DIRTY, /* free, perhaps with pages */
	BLOCK_HELD, /* on its way from one of these to another */
	BLOCK_SLAB,
};

/**
 * struct block - a block of a chunk: a run, if it is the first of one
 * @mem: its first byte
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
	char *mem;
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
 * @watched: objects are idle for detectors, until the module says otherwise
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
	bool watched;
	void (*ctor)(void *obj);
	struct kmem_cache *next;
};

bool shim_init_on_alloc;
bool shim_init_on_free;
bool shim_slab_cache_hidden;

/* The arena, and by chunk its blocks, or NULL where there is none. */
struct shim_arena shim_arena;
static struct block **chunks;
/* Chunks are made from the end of the range on: this is where it goes on. */
static unsigned long next_chunk;

/* Protects the runs that are free, and the making of chunks. */
static DEFINE_RAW_SPINLOCK(arena_lock);
static struct block *free_runs[CHUNK_ORDER + 1][2];
static size_t dirty_bytes;
/* The least that dirty_bytes has been since the last look. */
static size_t unneeded_bytes;

/* === Arena === */

/* Fresh pages, zeroed; errno is the program's. */
static void *map_pages(void *hint, size_t size, int prot, int flags)
{
	int before = errno;
	void *mem = mmap(hint, size, prot,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags,
			 -1, 0);

	if (mem == MAP_FAILED)
		mem = ERR_PTR(-errno);
	errno = before;
	return mem;
}

/* Returns ERR_PTR(-EEXIST) where something is there already. */
static void *map_pages_at(char *mem, size_t size)
{
	char *got = map_pages(mem, size, PROT_READ | PROT_WRITE,
			      MAP_FIXED_NOREPLACE);

	if (IS_ERR(got) || got == mem)
		return got;
	/* Kernels before 4.17, and checkers, take it for a hint. */
	munmap(got, size);
	return ERR_PTR(-EEXIST);
}

/*
 * Far from where kernels put programs, their heap, and what is mapped: between
 * a quarter and a half of all addresses. A mapping's place makes it random.
 */
static char *arena_place(const void *mapping, size_t *size)
{
	unsigned long space = roundup_pow_of_two((unsigned long)&size);
	unsigned long any = (unsigned long)mapping * (CHUNK_SIZE / PAGE_SIZE);
	unsigned long base = space / 4 + (any & (space / 8 - 1));
	char *place, *probe;

	*size = min(*size, space / 8);
	place = (char *)ALIGN(base, CHUNK_SIZE);
	probe = map_pages(place + *size - CHUNK_SIZE, CHUNK_SIZE, PROT_NONE, 0);
	if (IS_ERR(probe))
		return place;
	munmap(probe, CHUNK_SIZE);
	/* A checker of the program's may have uses of its own for the place. */
	if (probe != place + *size - CHUNK_SIZE)
		place = (char *)(ALIGN((unsigned long)probe, CHUNK_SIZE) -
				 min(*size, (unsigned long)probe / 2));
	return (char *)ALIGN((unsigned long)place, CHUNK_SIZE);
}

/*
 * Who asks about an address reads any of the table: it is all there, as pages
 * of zeros. Without it there is no arena: nothing is in it.
 */
static __attribute__((__constructor__(101))) void arena_init(void)
{
	size_t size = max(roundup_pow_of_two(totalram_pages()) * PAGE_SIZE *
				  ARENA_FACTOR,
			  ARENA_MIN);
	size_t entry = sizeof(struct kmem_cache *);
	void *table;

	for (; size >= ARENA_MIN; size /= 2) {
		table = map_pages(NULL,
				  size / BLOCK_SIZE * entry +
					  size / CHUNK_SIZE * entry,
				  PROT_READ | PROT_WRITE, 0);
		if (!IS_ERR(table))
			break;
	}
	if (IS_ERR(table))
		return;
	shim_arena.base = arena_place(table, &size);
	shim_arena.cache_of = table;
	shim_arena.nr_blocks = size / BLOCK_SIZE;
	next_chunk = size / CHUNK_SIZE;
	chunks = (struct block **)(shim_arena.cache_of + shim_arena.nr_blocks);
}

static unsigned long run_size(const struct block *run)
{
	return BLOCK_SIZE << run->order;
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
		WRITE_ONCE(dirty_bytes, dirty_bytes + run_size(run));
}

static void free_run_remove(struct block *run)
{
	bool dirty = run->state == BLOCK_DIRTY;

	list_remove(&free_runs[run->order][dirty], run);
	if (dirty)
		WRITE_ONCE(dirty_bytes, dirty_bytes - run_size(run));
}

static struct block *chunk_create(char *mem)
{
	struct block *chunk = map_pages(NULL, CHUNK_BLOCKS * sizeof(*chunk),
					PROT_READ | PROT_WRITE, 0);
	unsigned int i;

	if (IS_ERR(chunk))
		return NULL;
	for (i = 0; i < CHUNK_BLOCKS; i++)
		chunk[i].mem = mem + i * BLOCK_SIZE;
	set_run(chunk, CHUNK_ORDER);
	return chunk;
}

static bool grow_arena(void)
{
	struct block *chunk;
	char *mem = NULL;

	while (next_chunk) {
		mem = shim_arena.base + (next_chunk - 1) * CHUNK_SIZE;
		mem = map_pages_at(mem, CHUNK_SIZE);
		if (mem != ERR_PTR(-EEXIST))
			break;
		next_chunk--;
	}
	if (!next_chunk || IS_ERR(mem))
		return false;
	chunk = chunk_create(mem);
	if (!chunk) {
		munmap(mem, CHUNK_SIZE);
		return false;
	}
	free_run_add(chunk, false);
	/* Pairs with the load in run_of(): the blocks first. */
	smp_store_release(&chunks[--next_chunk], chunk);
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
	unneeded_bytes = min(unneeded_bytes, dirty_bytes);
	set_run(run, order);
	/* No longer free: its buddy must not be merged with it. */
	set_state(run, BLOCK_HELD);
	return run;
}

static struct block *buddy_of(struct block *run)
{
	bool second = shim_block_of(run->mem) >> run->order & 1;

	return second ? run - (1L << run->order) : run + (1L << run->order);
}

static void give_run(struct block *run, bool dirty)
{
	while (run->order < CHUNK_ORDER) {
		struct block *buddy = buddy_of(run);

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

/* The run that an address is in, whatever it is; NULL outside of the arena. */
static __always_inline struct block *run_of(const void *mem)
{
	unsigned long block = shim_block_of(mem);
	struct block *chunk;

	if (block >= shim_arena.nr_blocks)
		return NULL;
	/* Pairs with the store in grow_arena(). */
	chunk = smp_load_acquire(&chunks[block / CHUNK_BLOCKS]);
	return chunk ? READ_ONCE(chunk[block % CHUNK_BLOCKS].head) : NULL;
}

/* Takes the largest free run that has pages out of the free ones. */
static struct block *take_dirty_run(void)
{
	struct block *run = NULL;
	int order;

	for (order = CHUNK_ORDER; order >= 0 && !run; order--)
		run = free_runs[order][true];
	if (run) {
		free_run_remove(run);
		set_state(run, BLOCK_HELD);
	}
	return run;
}

/*
 * Gives pages of free runs back until so many bytes of them are left. Of those
 * that the program has locked the system keeps the pages.
 */
static void trim_arena(size_t limit)
{
	struct block *run = NULL;
	unsigned long flags;
	int before = errno;

	do {
		if (run)
			madvise(run->mem, run_size(run), MADV_DONTNEED);
		if (!lock_unless_held(&arena_lock, &flags)) {
			/* With a run it cannot be: it was free a moment ago. */
			WARN_ON(run);
			break;
		}
		if (run)
			give_run(run, false);
		run = dirty_bytes > limit ? take_dirty_run() : NULL;
		raw_spin_unlock_irqrestore(&arena_lock, flags);
	} while (run);
	errno = before;
}

/* Called wherever runs have been freed, without a lock. */
static void trim_if_large(void)
{
	size_t dirty = READ_ONCE(dirty_bytes);

	if (unlikely(dirty > MAX_DIRTY))
		trim_arena(MAX_DIRTY / 2);
	if (dirty > MIN_DIRTY)
		shim_trim_later();
}

/**
 * shim_trim() - give back what has not been needed since the last call
 *
 * Return: in how many ns to be called again; U64_MAX: not before the next
 * shim_trim_later().
 */
u64 shim_trim(void)
{
	size_t keep = 0;
	unsigned long flags;

	if (!lock_unless_held(&arena_lock, &flags))
		return TRIM_INTERVAL;
	keep = dirty_bytes - unneeded_bytes;
	raw_spin_unlock_irqrestore(&arena_lock, flags);
	trim_arena(max(keep, MIN_DIRTY));
	if (!lock_unless_held(&arena_lock, &flags))
		return TRIM_INTERVAL;
	unneeded_bytes = dirty_bytes;
	raw_spin_unlock_irqrestore(&arena_lock, flags);
	return unneeded_bytes > MIN_DIRTY ? TRIM_INTERVAL : U64_MAX;
}

static struct block *alloc_run(unsigned int order)
{
	struct block *run;
	unsigned long flags;

	if (!lock_unless_held(&arena_lock, &flags))
		return NULL;
	run = take_run(order);
	raw_spin_unlock_irqrestore(&arena_lock, flags);
	return run;
}

/* Tells slab_cache_of() whose a run is. */
static void set_cache(const struct block *run, struct kmem_cache *cache)
{
	struct kmem_cache **cache_of =
		shim_arena.cache_of + shim_block_of(run->mem);
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
	raw_spin_unlock_irqrestore(&arena_lock, flags);
	return true;
}

/* === Slabs, under the shard's lock === */

/*
 * Objects that are free are idle; and who takes one comes after the last use of
 * the run, as who makes the slab does.
 */
static void slab_watch(struct block *slab)
{
	unsigned int i;

	shim_runs_acquire();
	shim_memory_idle(slab->mem, run_size(slab));
	for (i = 1; i < slab->nr_objects; i++)
		shim_memory_idle(slab->mem + (size_t)i * slab->stride,
				 slab->stride);
}

/* What has been done with the objects comes before the next use of the run. */
static void slab_unwatch(struct block *slab)
{
	unsigned int i;

	shim_memory_in_use(slab->mem, run_size(slab));
	for (i = 1; i < slab->nr_objects; i++)
		shim_memory_in_use(slab->mem + (size_t)i * slab->stride,
				   slab->stride);
	shim_runs_release();
}

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
	if (unlikely(cache->watched))
		slab_watch(slab);
	return slab;
}

static bool slab_destroy(struct shard *shard, struct block *slab)
{
	list_remove(&shard->partial, slab);
	shard->nr_empty--;
	if (memory_is_watched())
		slab_unwatch(slab);
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
	return slab->mem + (size_t)(i * 64 + bit) * slab->stride;
}

/* Returns false if there is no object in use at the address. */
static bool slab_give(struct shard *shard, struct block *slab, void *obj)
{
	unsigned long offset = (char *)obj - slab->mem;
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
 * One empty slab may stay, for the next object, if it is a small one. Those of a
 * type-safe cache do in any case, until kmem_cache_destroy() waits for their
 * readers.
 */
static void shard_give(struct kmem_cache *cache, struct shard *shard, void *obj)
{
	struct block *slab = run_of(obj);

	if (!slab_give(shard, slab, obj)) {
		shard->refused = obj;
		return;
	}
	if (!slab->nr_used && (slab->order || shard->nr_empty > 1) &&
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
	/* So that what is behind an object is not another one. */
	if (cache->watched && stride + MIN_STRIDE <= CHUNK_SIZE)
		stride += MIN_STRIDE;
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
	cache = kzalloc(sizeof(*cache) + strlen(name) + 1, GFP_KERNEL);
	if (!cache)
		return NULL;
	strcpy((char *)(cache + 1), name);
	/* Where all of an object is the user's. */
	cache->watched = usersize == size && memory_is_watched();
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
	trim_if_large();
	kfree(cache);
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

/*
 * ThreadSanitizer sees a memset(), but not what orders it after the last use of
 * memory of the library's own.
 */
static void zero_object(void *obj, size_t size)
{
	u64 *word = obj, *end = obj + ALIGN_DOWN(size, sizeof(*word));

	if (!memory_is_watched()) {
		memset(obj, 0, size);
		return;
	}
	shim_memory_in_use(obj, size);
	while (word < end)
		WRITE_ONCE(*word++, 0);
	while (size % sizeof(*word))
		WRITE_ONCE(((char *)obj)[--size], 0);
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
		zero_object(obj, cache->size);
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
	trim_if_large();
}

/* === kmalloc === */

#define KMALLOC_MIN_SHIFT 6
#define KMALLOC_MAX_SHIFT 22

static struct kmem_cache kmalloc_caches[KMALLOC_MAX_SHIFT + 1];

static __attribute__((__constructor__(101))) void kmalloc_init(void)
{
	unsigned int i;

	for (i = KMALLOC_MIN_SHIFT; i <= KMALLOC_MAX_SHIFT; i++)
		cache_init(&kmalloc_caches[i], "kmalloc", 1UL << i,
			   min(1UL << i, PAGE_SIZE), 0);
}

void *kmalloc(size_t size, gfp_t gfp)
{
	unsigned int shift;

	if (size > KMALLOC_MAX_SIZE) {
		WARN(!(gfp & __GFP_NOWARN), "kmalloc() of %zu bytes\n", size);
		return NULL;
	}
	shift = max(size > 1 ? fls_long(size - 1) : 0, KMALLOC_MIN_SHIFT);
	return kmem_cache_alloc(&kmalloc_caches[shift], gfp);
}

void kfree(const void *mem)
{
	struct kmem_cache *cache = slab_cache_of(mem);

	if (!mem)
		return;
	if (cache)
		kmem_cache_free(cache, (void *)mem);
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

/* === kvmalloc === */

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
	if (mem && is_vmalloc_addr(mem))
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
	unsigned int nr = 0, i;
	struct kmem_cache *cache;

	for (i = KMALLOC_MIN_SHIFT; i <= KMALLOC_MAX_SHIFT; i++)
		nr += cache_in_use(&kmalloc_caches[i]);
	mutex_lock(&caches_mutex);
	for (cache = caches; cache; cache = cache->next)
		nr += 1 + cache_in_use(cache);
	mutex_unlock(&caches_mutex);
	return nr + shim_nr_vm_areas();
}
