// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool_bench - what a get and a release cost, beside the kernel's own
 *
 * Measures when it is loaded, and shows the figures in
 * /sys/kernel/debug/bytepool_bench/results: nanoseconds and cycles a pair, for
 * each candidate, size and pattern. The loop is measured empty, and what it
 * takes is subtracted, with the loading of what is passed; calls are not.
 *
 * In an emulator that makes the clock tick once an instruction, nanoseconds
 * are instructions, and the same each time.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/timex.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#if IS_ENABLED(CONFIG_PAGE_POOL)
#include PAGE_POOL_HEADER
#endif

#include "../bytepool.h"

/*
 * Pairs in one measurement, a multiple of whatever is held at once; fewer where
 * much memory may be cleared in each.
 */
#define MAX_PAIRS  2048
#define CLEAR_MOST (16UL << 20)
/* Of which the median counts. */
#define REPEATS	  5
#define MAX_HELD  128
#define BULK	  16
#define NR_SLOTS  64
#define MAX_CELLS 1024
/* What is out is exchanged in steps of so many, a prime. */
#define OUT_STEP 607
/* What a pool may keep that is to keep nothing more: a few large buffers. */
#define SPENT_BOUND (4UL << 20)

static char *only = "";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "Candidates to measure, between commas (default: all)");

static char *sizes = "";
module_param(sizes, charp, 0444);
MODULE_PARM_DESC(sizes, "Sizes to measure in bytes (default: 128 to 2097152)");

static char *patterns = "";
module_param(patterns, charp, 0444);
MODULE_PARM_DESC(patterns, "Patterns to measure (default: all)");

static unsigned long hold;
module_param(hold, ulong, 0444);
MODULE_PARM_DESC(hold, "Measure nothing, hold buffers of so many bytes each");

static unsigned int pools;
module_param(pools, uint, 0444);
MODULE_PARM_DESC(pools, "Measure nothing, have so many pools");

static unsigned long burst;
module_param(burst, ulong, 0444);
/* clang-format off */
MODULE_PARM_DESC(burst,
		 "Measure nothing, get and release so many bytes of each tier: of a pool, or of each of pools=");
/* clang-format on */

struct bench_object {
	u8 bytes[128];
};

DEFINE_BYTEPOOL_OBJECTS(bench_object, struct bench_object);

/**
 * struct bench - what a cell is measured with
 * @size: of what is allocated, in bytes; 0: of many lengths
 * @pairs: how many in one measurement
 * @softirq: as in struct candidate
 * @spent: as in struct pattern
 * @pool: of bytepool's candidates
 * @objects: of the typed one
 * @buf: what is retained and released
 * @slab: of kmem_cache and mempool
 * @mempool: over @slab
 * @slabs: the same of many lengths, by tier
 * @mempools: over @slabs
 * @page_pool: of pages
 * @out: what is out besides, by address known to the pool
 * @nr_out: how many
 * @out_pos: which of them comes next
 * @held: what is out
 * @lens: how long it is, of many lengths
 */
struct bench {
	size_t size;
	unsigned int pairs;
	bool softirq;
	bool spent;
	struct bytepool *pool;
	struct bench_object_pool *objects;
	struct bytepool_buf *buf;
	struct kmem_cache *slab;
	mempool_t *mempool;
	struct kmem_cache *slabs[BYTEPOOL_NR_POW2];
	mempool_t *mempools[BYTEPOOL_NR_POW2];
	struct page_pool *page_pool;
	void **out;
	unsigned int nr_out;
	unsigned int out_pos;
	void *held[MAX_HELD];
	u32 lens[NR_SLOTS];
};

/* A get of the random trace, which first puts what its slot has. */
struct step {
	u32 slot;
	u32 len;
};

static struct step trace[MAX_PAIRS];

typedef void *(*get_fn)(struct bench *b, size_t len, gfp_t gfp);
typedef void (*put_fn)(struct bench *b, void *mem, size_t len);

/*
 * The loops are inlined into a function for each candidate, so that no pair
 * pays for an indirect call. False: a get failed, and nothing is out.
 */
static __always_inline bool pairs_loop(struct bench *b, unsigned int nr,
				       gfp_t gfp, get_fn get, put_fn put)
{
	unsigned int i, j;

	for (i = 0; i < b->pairs; i += nr) {
		for (j = 0; j < nr; j++) {
			void *mem = get(b, READ_ONCE(b->size), gfp);

			if (unlikely(!mem))
				goto err_put;
			WRITE_ONCE(b->held[j], mem);
		}
		for (j = 0; j < nr; j++)
			put(b, READ_ONCE(b->held[j]), b->size);
	}
	return true;

err_put:
	while (j--)
		put(b, b->held[j], b->size);
	return false;
}

/* One at a time, which is never stored. */
static __always_inline bool hot_loop(struct bench *b, gfp_t gfp, get_fn get,
				     put_fn put)
{
	unsigned int i;
	void *mem;

	for (i = 0; i < b->pairs; i++) {
		mem = get(b, READ_ONCE(b->size), gfp);
		if (unlikely(!mem))
			return false;
		OPTIMIZER_HIDE_VAR(mem);
		put(b, mem, b->size);
	}
	return true;
}

static __always_inline bool trace_loop(struct bench *b, get_fn get, put_fn put)
{
	bool ok = true;
	unsigned int i;
	void *mem;

	for (i = 0; i < b->pairs; i++) {
		u32 slot = READ_ONCE(trace[i].slot);
		u32 len = READ_ONCE(trace[i].len);

		mem = READ_ONCE(b->held[slot]);
		if (mem)
			put(b, mem, READ_ONCE(b->lens[slot]));
		mem = get(b, len, GFP_KERNEL);
		WRITE_ONCE(b->held[slot], mem);
		WRITE_ONCE(b->lens[slot], len);
		if (unlikely(!mem)) {
			ok = false;
			break;
		}
	}
	for (i = 0; i < NR_SLOTS; i++) {
		mem = READ_ONCE(b->held[i]);
		if (mem)
			put(b, mem, READ_ONCE(b->lens[i]));
		WRITE_ONCE(b->held[i], NULL);
	}
	return ok;
}

/* The halves of a hand-over. False: a get failed, and nothing is out. */
static __always_inline bool gets_loop(struct bench *b, get_fn get, put_fn put)
{
	unsigned int i;

	for (i = 0; i < MAX_HELD; i++) {
		void *mem =
			get(b, READ_ONCE(b->size), GFP_KERNEL | __GFP_NOWARN);

		if (unlikely(!mem))
			goto err_put;
		WRITE_ONCE(b->held[i], mem);
	}
	return true;

err_put:
	while (i--)
		put(b, b->held[i], b->size);
	return false;
}

static __always_inline void puts_loop(struct bench *b, put_fn put)
{
	unsigned int i;

	for (i = 0; i < MAX_HELD; i++)
		put(b, READ_ONCE(b->held[i]), b->size);
}

/* A slot has its length from a driver's mix: small, a frame, pages, a block. */
static void make_random(void)
{
	static const u32 lengths[] = {
		64,   128,  256,  256,	1514,  1514,
		1514, 2048, 4096, 9000, 16384, 65536,
	};
	u32 x = 2463534242U;
	unsigned int i;

	for (i = 0; i < MAX_PAIRS; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		trace[i].slot = x % NR_SLOTS;
		trace[i].len = lengths[(x >> 8) % ARRAY_SIZE(lengths)];
	}
}

/* === Candidates === */

/* What the others pass is loaded here, too. */
static void *empty_get(struct bench *b, size_t len, gfp_t gfp)
{
	READ_ONCE(b->pool);
	return b;
}

static void empty_put(struct bench *b, void *mem, size_t len)
{
}

/* The smallest tier that a length fits in. */
static __always_inline unsigned int tier_of(size_t len)
{
	return len <= 128 ? 0 : fls(len - 1) - 7;
}

/* Has all that the pool may keep in buffers of another size. */
static int spend_bound(struct bench *b)
{
	unsigned int tier = BYTEPOOL_NR_POW2 - 1;
	unsigned int nr;
	size_t size;

	if (bytepool_sizes_pow2[tier] == b->size)
		tier--;
	size = bytepool_sizes_pow2[tier];
	nr = SPENT_BOUND / size;
	return bytepool_prefill(b->pool, size, nr, GFP_KERNEL) == nr ? 0 :
								       -ENOMEM;
}

static int pool_setup(struct bench *b, const size_t *tiers,
		      unsigned int nr_tiers, unsigned int flags)
{
	struct bytepool_config config = {
		.name = "bench",
		.sizes = tiers,
		.nr_sizes = nr_tiers,
		.flags = flags,
		.max_idle = b->spent ? SPENT_BOUND : 0,
	};
	int ret;

	b->pool = bytepool_create(&config);
	if (IS_ERR(b->pool))
		return PTR_ERR(b->pool);
	ret = b->spent ? spend_bound(b) : 0;
	if (ret)
		bytepool_destroy(b->pool);
	return ret;
}

static int plain_setup(struct bench *b)
{
	return pool_setup(b, bytepool_sizes_pow2, BYTEPOOL_NR_POW2, 0);
}

static int rcu_setup(struct bench *b)
{
	return pool_setup(b, bytepool_sizes_pow2, BYTEPOOL_NR_POW2,
			  BYTEPOOL_RCU);
}

static int stream_setup(struct bench *b)
{
	return pool_setup(b, bytepool_sizes_stream, BYTEPOOL_NR_STREAM, 0);
}

/* A reserve as large as what is held, and a limit, which is large or the same. */
static int limited_setup(struct bench *b, size_t limit, unsigned int reserve)
{
	struct bytepool_config config = {
		.name = "bench",
		.sizes = &b->size,
		.nr_sizes = 1,
		.limit = limit,
		.reserve = reserve,
	};

	b->pool = bytepool_create(&config);
	return PTR_ERR_OR_ZERO(b->pool);
}

static int limit_setup(struct bench *b)
{
	return limited_setup(b, MAX_HELD * b->size, 0);
}

static int reserve_setup(struct bench *b)
{
	return limited_setup(b, 0, 2);
}

/* All other allocation fails. */
static int reserve_only_setup(struct bench *b)
{
	return limited_setup(b, 2 * b->size, 2);
}

static void pool_teardown(struct bench *b)
{
	bytepool_destroy(b->pool);
}

static void *wait_get(struct bench *b, size_t len, gfp_t gfp)
{
	struct bytepool_buf *buf;

	buf = bytepool_get_buf_wait(b->pool, len, gfp, TASK_UNINTERRUPTIBLE, 0);
	return IS_ERR(buf) ? NULL : buf;
}

static void *buffer_get(struct bench *b, size_t len, gfp_t gfp)
{
	return bytepool_get_buf(b->pool, len, gfp);
}

static void buffer_put(struct bench *b, void *mem, size_t len)
{
	bytepool_buf_release(mem);
}

static void *raw_get(struct bench *b, size_t len, gfp_t gfp)
{
	return bytepool_get(b->pool, len, gfp);
}

static void raw_put(struct bench *b, void *mem, size_t len)
{
	bytepool_put(b->pool, mem);
}

/* Another piece is put, and one got in its place. */
static __always_inline void *swap_out(struct bench *b, size_t len, gfp_t gfp,
				      get_fn get, put_fn put)
{
	void *mem;

	b->out_pos += OUT_STEP;
	if (b->out_pos >= b->nr_out)
		b->out_pos -= b->nr_out;
	put(b, b->out[b->out_pos], len);
	mem = get(b, len, gfp);
	b->out[b->out_pos] = mem;
	return mem;
}

static void out_teardown(struct bench *b, put_fn put)
{
	unsigned int i;

	for (i = 0; i < b->nr_out; i++)
		if (b->out[i])
			put(b, b->out[i], b->size);
	vfree(b->out);
}

static int out_setup(struct bench *b, get_fn get, put_fn put)
{
	unsigned int i;

	b->out = vzalloc(array_size(b->nr_out, sizeof(*b->out)));
	if (!b->out)
		return -ENOMEM;
	for (i = 0; i < b->nr_out; i++) {
		b->out[i] = get(b, b->size, GFP_KERNEL);
		if (!b->out[i]) {
			out_teardown(b, put);
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

static int out_pool_setup(struct bench *b, const size_t *tiers,
			  unsigned int nr_tiers, unsigned int flags)
{
	int ret = pool_setup(b, tiers, nr_tiers, flags);

	if (ret)
		return ret;
	ret = out_setup(b, raw_get, raw_put);
	if (ret)
		bytepool_destroy(b->pool);
	return ret;
}

/* Larger than its only tier is all of it, and so is known by its address. */
static int tracked_setup(struct bench *b)
{
	static const size_t tier = 64;

	return out_pool_setup(b, &tier, 1, 0);
}

static int checked_setup(struct bench *b)
{
	return out_pool_setup(b, bytepool_sizes_pow2, BYTEPOOL_NR_POW2,
			      BYTEPOOL_CHECK);
}

static void tracked_teardown(struct bench *b)
{
	out_teardown(b, raw_put);
	bytepool_destroy(b->pool);
}

static void *tracked_get(struct bench *b, size_t len, gfp_t gfp)
{
	return swap_out(b, len, gfp, raw_get, raw_put);
}

static int retain_setup(struct bench *b)
{
	int ret = plain_setup(b);

	if (ret)
		return ret;
	b->buf = bytepool_get_buf(b->pool, b->size, GFP_KERNEL);
	if (b->buf)
		return 0;
	bytepool_destroy(b->pool);
	return -ENOMEM;
}

static void retain_teardown(struct bench *b)
{
	bytepool_buf_release(b->buf);
	bytepool_destroy(b->pool);
}

static void *retain_get(struct bench *b, size_t len, gfp_t gfp)
{
	return bytepool_buf_retain(b->buf);
}

static bool bulk_loop(struct bench *b, unsigned int nr, gfp_t gfp)
{
	struct bytepool_buf **bufs = (struct bytepool_buf **)b->held;
	unsigned int i;

	for (i = 0; i < b->pairs; i += BULK) {
		if (bytepool_get_bufs(b->pool, b->size, BULK, bufs, gfp))
			return false;
		bytepool_release_bufs(BULK, bufs);
	}
	return true;
}

static int typed_setup(struct bench *b)
{
	b->objects = bench_object_pool_create("bench", NULL, NULL);
	return PTR_ERR_OR_ZERO(b->objects);
}

static void typed_teardown(struct bench *b)
{
	bench_object_pool_destroy(b->objects);
}

static void *typed_get(struct bench *b, size_t len, gfp_t gfp)
{
	return bench_object_pool_get(b->objects, gfp);
}

static void typed_put(struct bench *b, void *mem, size_t len)
{
	bench_object_pool_put(b->objects, mem);
}

static void *kmalloc_get(struct bench *b, size_t len, gfp_t gfp)
{
	return kmalloc(len, gfp);
}

static void kmalloc_put(struct bench *b, void *mem, size_t len)
{
	kfree(mem);
}

static int kmalloc_out_setup(struct bench *b)
{
	return out_setup(b, kmalloc_get, kmalloc_put);
}

static void kmalloc_out_teardown(struct bench *b)
{
	out_teardown(b, kmalloc_put);
}

static void *kmalloc_out_get(struct bench *b, size_t len, gfp_t gfp)
{
	return swap_out(b, len, gfp, kmalloc_get, kmalloc_put);
}

/* Made as bytepool makes those of its payloads. */
static struct kmem_cache *make_slab(size_t size)
{
	char name[32];

	snprintf(name, sizeof(name), "bytepool_bench-%zu", size);
	return kmem_cache_create_usercopy(name, size,
					  size < PAGE_SIZE ? 64 : PAGE_SIZE, 0,
					  0, size, NULL);
}

static void slab_teardown(struct bench *b)
{
	unsigned int i;

	kmem_cache_destroy(b->slab);
	for (i = 0; i < ARRAY_SIZE(b->slabs); i++)
		kmem_cache_destroy(b->slabs[i]);
}

static int slab_setup(struct bench *b)
{
	unsigned int i;

	if (b->size) {
		b->slab = make_slab(b->size);
		return b->slab ? 0 : -ENOMEM;
	}
	for (i = 0; i < ARRAY_SIZE(b->slabs); i++) {
		b->slabs[i] = make_slab(bytepool_sizes_pow2[i]);
		if (!b->slabs[i]) {
			slab_teardown(b);
			return -ENOMEM;
		}
	}
	return 0;
}

static void *slab_get(struct bench *b, size_t len, gfp_t gfp)
{
	return kmem_cache_alloc(b->slab, gfp);
}

static void slab_put(struct bench *b, void *mem, size_t len)
{
	kmem_cache_free(b->slab, mem);
}

/* As a driver with a cache for each size, which knows how long what it has is. */
static void *slabs_get(struct bench *b, size_t len, gfp_t gfp)
{
	return kmem_cache_alloc(b->slabs[tier_of(len)], gfp);
}

static void slabs_put(struct bench *b, void *mem, size_t len)
{
	kmem_cache_free(b->slabs[tier_of(len)], mem);
}

static void mempool_teardown(struct bench *b)
{
	unsigned int i;

	mempool_destroy(b->mempool);
	for (i = 0; i < ARRAY_SIZE(b->mempools); i++)
		mempool_destroy(b->mempools[i]);
	slab_teardown(b);
}

static int mempool_setup(struct bench *b)
{
	unsigned int i;
	int ret;

	ret = slab_setup(b);
	if (ret)
		return ret;
	if (b->slab) {
		b->mempool = mempool_create_slab_pool(2, b->slab);
		if (!b->mempool)
			goto err_teardown;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(b->mempools); i++) {
		b->mempools[i] = mempool_create_slab_pool(2, b->slabs[i]);
		if (!b->mempools[i])
			goto err_teardown;
	}
	return 0;

err_teardown:
	mempool_teardown(b);
	return -ENOMEM;
}

static void *reserve_alloc(gfp_t gfp, void *slab)
{
	/* What mempool_create() asks for may sleep. */
	return gfpflags_allow_blocking(gfp) ? kmem_cache_alloc(slab, gfp) :
					      NULL;
}

/* All other allocation fails. */
static int mempool_only_setup(struct bench *b)
{
	int ret = slab_setup(b);

	if (ret)
		return ret;
	b->mempool =
		mempool_create(2, reserve_alloc, mempool_free_slab, b->slab);
	if (!b->mempool)
		slab_teardown(b);
	return b->mempool ? 0 : -ENOMEM;
}

static void *mempool_get(struct bench *b, size_t len, gfp_t gfp)
{
	return mempool_alloc(b->mempool, gfp);
}

static void mempool_put(struct bench *b, void *mem, size_t len)
{
	mempool_free(mem, b->mempool);
}

static void *mempools_get(struct bench *b, size_t len, gfp_t gfp)
{
	return mempool_alloc(b->mempools[tier_of(len)], gfp);
}

static void mempools_put(struct bench *b, void *mem, size_t len)
{
	mempool_free(mem, b->mempools[tier_of(len)]);
}

static int no_setup(struct bench *b)
{
	return 0;
}

static void no_teardown(struct bench *b)
{
}

static void *pages_get(struct bench *b, size_t len, gfp_t gfp)
{
	return alloc_pages(gfp, get_order(len));
}

static void pages_put(struct bench *b, void *mem, size_t len)
{
	__free_pages(mem, get_order(len));
}

#if IS_ENABLED(CONFIG_PAGE_POOL)
/* As a driver in its softirq, which recycles to the pool's own cache. */
static int recycler_setup(struct bench *b)
{
	struct page_pool_params params = {
		.order = get_order(b->size),
		.pool_size = 2 * MAX_HELD,
		.nid = NUMA_NO_NODE,
	};

	b->page_pool = page_pool_create(&params);
	return PTR_ERR_OR_ZERO(b->page_pool);
}

static void recycler_teardown(struct bench *b)
{
	page_pool_destroy(b->page_pool);
}

static void *recycler_get(struct bench *b, size_t len, gfp_t gfp)
{
	return page_pool_alloc_pages(b->page_pool, GFP_ATOMIC | __GFP_NOWARN);
}

static void recycler_put(struct bench *b, void *mem, size_t len)
{
	page_pool_put_full_page(b->page_pool, mem, true);
}
#endif

/**
 * struct loops - what a candidate is measured in, inlined into a function each
 * @pairs: a size, so many held at once
 * @random: the random trace; NULL: for candidates of one length
 * @gets: half of a hand-over
 * @puts: the other half
 */
struct loops {
	bool (*pairs)(struct bench *b, unsigned int nr, gfp_t gfp);
	bool (*random)(struct bench *b);
	bool (*gets)(struct bench *b);
	void (*puts)(struct bench *b);
};

/* clang-format off */
#define DEFINE_LOOPS(name, get, put, random_fn)				\
static noinline bool name##_pairs(struct bench *b, unsigned int nr,	\
				  gfp_t gfp)				\
{									\
	return nr == 1 ? hot_loop(b, gfp, get, put) :			\
			 pairs_loop(b, nr, gfp, get, put);		\
}									\
									\
static noinline bool name##_gets(struct bench *b)			\
{									\
	return gets_loop(b, get, put);					\
}									\
									\
static noinline void name##_puts(struct bench *b)			\
{									\
	puts_loop(b, put);						\
}									\
									\
static const struct loops name##_loops = {				\
	.pairs = name##_pairs,						\
	.random = random_fn,						\
	.gets = name##_gets,						\
	.puts = name##_puts,						\
}

#define DEFINE_RANDOM(name, get, put)					\
static noinline bool name##_random(struct bench *b)			\
{									\
	return trace_loop(b, get, put);					\
}

/* clang-format on */

DEFINE_RANDOM(empty, empty_get, empty_put)
DEFINE_RANDOM(buffer, buffer_get, buffer_put)
DEFINE_RANDOM(raw, raw_get, raw_put)
DEFINE_RANDOM(kmalloc, kmalloc_get, kmalloc_put)
DEFINE_RANDOM(slabs, slabs_get, slabs_put)
DEFINE_RANDOM(mempools, mempools_get, mempools_put)

DEFINE_LOOPS(empty, empty_get, empty_put, empty_random);
DEFINE_LOOPS(buffer, buffer_get, buffer_put, buffer_random);
DEFINE_LOOPS(wait, wait_get, buffer_put, NULL);
DEFINE_LOOPS(raw, raw_get, raw_put, raw_random);
DEFINE_LOOPS(retain, retain_get, buffer_put, NULL);
DEFINE_LOOPS(tracked, tracked_get, empty_put, NULL);
DEFINE_LOOPS(kmalloc_out, kmalloc_out_get, empty_put, NULL);
DEFINE_LOOPS(typed, typed_get, typed_put, NULL);
DEFINE_LOOPS(kmalloc, kmalloc_get, kmalloc_put, kmalloc_random);
DEFINE_LOOPS(slab, slab_get, slab_put, slabs_random);
DEFINE_LOOPS(mempool, mempool_get, mempool_put, mempools_random);
DEFINE_LOOPS(pages, pages_get, pages_put, NULL);
#if IS_ENABLED(CONFIG_PAGE_POOL)
DEFINE_LOOPS(recycler, recycler_get, recycler_put, NULL);
#endif

/* Nothing is subtracted from it: its loop is one for many. */
static const struct loops bulk_loops = {
	.pairs = bulk_loop,
};

/**
 * struct candidate - a row of the table
 * @name: of the candidate
 * @setup: makes what a cell needs; nothing is left behind when it fails
 * @teardown: undoes it
 * @loops: what it is measured in
 * @min_size: the smallest size that makes sense
 * @max_size: the largest; 0: the largest tier
 * @stream: of the sizes of the stream preset
 * @hot_only: holds nothing
 * @miss: measured, or stands beside what is, where a pool may keep nothing
 * @out: measured beside what is out, and not without
 * @softirq: measured with soft interrupts off, as its users have it, and never
 *	with interrupts off, nor by two CPUs
 */
struct candidate {
	const char *name;
	int (*setup)(struct bench *b);
	void (*teardown)(struct bench *b);
	const struct loops *loops;
	size_t min_size;
	size_t max_size;
	bool stream;
	bool hot_only;
	bool miss;
	bool out;
	bool softirq;
};

static const struct candidate candidates[] = {
	{ "buffer", plain_setup, pool_teardown, &buffer_loops, .miss = true },
	{ "rcu", rcu_setup, pool_teardown, &buffer_loops, .miss = true },
	{ "raw", plain_setup, pool_teardown, &raw_loops, .miss = true },
	{ "stream", stream_setup, pool_teardown, &buffer_loops,
	  .stream = true },
	{ "stream-raw", stream_setup, pool_teardown, &raw_loops,
	  .stream = true },
	{ "retain", retain_setup, retain_teardown, &retain_loops,
	  .max_size = 128, .hot_only = true },
	{ "bulk", plain_setup, pool_teardown, &bulk_loops, .hot_only = true },
	{ "limit", limit_setup, pool_teardown, &buffer_loops,
	  .min_size = PAGE_SIZE, .max_size = PAGE_SIZE, .hot_only = true },
	{ "wait", limit_setup, pool_teardown, &wait_loops,
	  .min_size = PAGE_SIZE, .max_size = PAGE_SIZE, .hot_only = true },
	{ "reserve", reserve_setup, pool_teardown, &buffer_loops,
	  .min_size = PAGE_SIZE, .max_size = PAGE_SIZE, .hot_only = true },
	{ "reserve-only", reserve_only_setup, pool_teardown, &buffer_loops,
	  .min_size = PAGE_SIZE, .max_size = PAGE_SIZE, .hot_only = true },
	{ "typed", typed_setup, typed_teardown, &typed_loops,
	  .max_size = sizeof(struct bench_object) },
	{ "tracked", tracked_setup, tracked_teardown, &tracked_loops,
	  .max_size = 128, .out = true },
	{ "checked", checked_setup, tracked_teardown, &tracked_loops,
	  .max_size = 128, .out = true },
	{ "kmalloc", kmalloc_out_setup, kmalloc_out_teardown,
	  &kmalloc_out_loops, .max_size = 128, .out = true },
	{ "kmem_cache", slab_setup, slab_teardown, &slab_loops, .miss = true },
	{ "kmalloc", no_setup, no_teardown, &kmalloc_loops },
	{ "mempool", mempool_setup, mempool_teardown, &mempool_loops },
	{ "mempool-only", mempool_only_setup, mempool_teardown, &mempool_loops,
	  .min_size = PAGE_SIZE, .max_size = PAGE_SIZE, .hot_only = true },
#if IS_ENABLED(CONFIG_PAGE_POOL)
	{ "page_pool", recycler_setup, recycler_teardown, &recycler_loops,
	  .min_size = PAGE_SIZE, .softirq = true },
#endif
	{ "alloc_pages", no_setup, no_teardown, &pages_loops,
	  .min_size = PAGE_SIZE },
};

/**
 * enum where - what a pattern is run in
 * @HERE: the task that loads the module
 * @ATOMIC: the same with interrupts off
 * @HAND_OVER: the same, which gets on one CPU and puts on another
 * @EVERYWHERE: a task on each CPU, at once
 */
enum where {
	HERE,
	ATOMIC,
	HAND_OVER,
	EVERYWHERE,
};

/**
 * struct pattern - how many are out at once, and where
 * @name: of the pattern, as for the parameter
 * @nr: how many; 0: the random trace
 * @where: in what
 * @spent: other idle memory has all of the pool's bound: each get is a miss, and
 *	nothing that is put is kept
 * @nr_out: how many others are out, of which one is put and one got in each pair
 */
struct pattern {
	const char *name;
	unsigned int nr;
	enum where where;
	bool spent;
	unsigned int nr_out;
};

static const struct pattern all_patterns[] = {
	{ "hot", 1 },
	{ "16", 16 },
	{ "128", 128 },
	{ "atomic", 1, ATOMIC },
	{ "miss", 1, .spent = true },
	{ "random", 0 },
	{ "handover", MAX_HELD, HAND_OVER },
	{ "all-cpus", 16, EVERYWHERE },
	{ "1000-out", 1, .nr_out = 1000 },
	{ "100000-out", 1, .nr_out = 100000 },
	{ "1000000-out", 1, .nr_out = 1000000 },
};

/* === Measuring === */

/**
 * struct cell - a figure
 * @candidate: what was measured
 * @pattern: in which way
 * @size: in bytes; 0: of the random trace
 * @tenth_ns: tenths of nanoseconds a pair
 * @tenth_cycles: tenths of the time stamp counter's cycles a pair; 0: none
 */
struct cell {
	const char *candidate;
	const char *pattern;
	size_t size;
	s64 tenth_ns;
	s64 tenth_cycles;
};

static struct cell *cells;
static unsigned int nr_cells;
static struct dentry *dir;
static struct bench bench;

struct span {
	s64 ns;
	s64 cycles;
};

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->ns < y->ns ? -1 : x->ns > y->ns;
}

static void begin_span(struct span *span)
{
	span->ns -= ktime_get_ns();
	span->cycles -= get_cycles();
}

static void end_span(struct span *span)
{
	span->cycles += get_cycles();
	span->ns += ktime_get_ns();
}

static bool run_here(const struct loops *loops, struct bench *b,
		     const struct pattern *pattern, struct span *span)
{
	gfp_t gfp = pattern->where == ATOMIC ? GFP_ATOMIC : GFP_KERNEL;
	unsigned long flags = 0;
	bool ok;

	if (b->softirq)
		local_bh_disable();
	if (pattern->where == ATOMIC)
		local_irq_save(flags);
	begin_span(span);
	ok = pattern->nr ? loops->pairs(b, pattern->nr, gfp | __GFP_NOWARN) :
			   loops->random(b);
	end_span(span);
	if (pattern->where == ATOMIC)
		local_irq_restore(flags);
	if (b->softirq)
		local_bh_enable();
	return ok;
}

/*
 * One task does both halves, and moves between them: so there is nobody who
 * waits, and neither moving nor waiting is measured.
 */
static bool run_hand_over(const struct loops *loops, struct bench *b,
			  struct span *span)
{
	unsigned int first = cpumask_first(cpu_online_mask);
	unsigned int second = cpumask_next(first, cpu_online_mask);
	bool ok = true, moved;
	unsigned int i;

	for (i = 0; ok && i < b->pairs; i += MAX_HELD) {
		ok = !set_cpus_allowed_ptr(current, cpumask_of(first));
		if (!ok)
			break;
		begin_span(span);
		ok = loops->gets(b);
		end_span(span);
		if (!ok)
			break;
		moved = !set_cpus_allowed_ptr(current, cpumask_of(second));
		begin_span(span);
		loops->puts(b);
		end_span(span);
		ok = moved;
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	return ok;
}

/**
 * struct worker - one of the tasks that run at once
 * @task: the task
 * @done: it has ended its pairs
 * @loops: what it does
 * @pattern: in which way
 * @bench: what it has of its own, and the pool that they share
 * @ok: no get failed
 */
struct worker {
	struct task_struct *task;
	struct completion done;
	const struct loops *loops;
	const struct pattern *pattern;
	struct bench bench;
	bool ok;
};

static struct worker *workers;
static unsigned int nr_workers;

static int work(void *data)
{
	struct worker *w = data;

	w->ok = w->loops->pairs(&w->bench, w->pattern->nr,
				GFP_KERNEL | __GFP_NOWARN);
	complete(&w->done);
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

static bool make_workers(const struct loops *loops, struct bench *b,
			 const struct pattern *pattern)
{
	unsigned int cpu;

	nr_workers = 0;
	for_each_online_cpu(cpu) {
		struct worker *w = &workers[nr_workers];

		init_completion(&w->done);
		w->loops = loops;
		w->pattern = pattern;
		w->bench = *b;
		w->ok = false;
		w->task = kthread_create(work, w, "bytepool_bench/%u", cpu);
		if (IS_ERR(w->task))
			return false;
		kthread_bind(w->task, cpu);
		nr_workers++;
	}
	return true;
}

/* From the first one's start to the last one's end, by all of their pairs. */
static bool run_everywhere(const struct loops *loops, struct bench *b,
			   const struct pattern *pattern, struct span *span)
{
	bool ok = make_workers(loops, b, pattern);
	unsigned int i;

	begin_span(span);
	for (i = 0; ok && i < nr_workers; i++)
		wake_up_process(workers[i].task);
	for (i = 0; ok && i < nr_workers; i++)
		wait_for_completion(&workers[i].done);
	end_span(span);
	for (i = 0; i < nr_workers; i++) {
		kthread_stop(workers[i].task);
		ok = ok && workers[i].ok;
	}
	span->ns = div_s64(span->ns, max(nr_workers, 1U));
	span->cycles = div_s64(span->cycles, max(nr_workers, 1U));
	return ok;
}

static bool run_once(const struct loops *loops, struct bench *b,
		     const struct pattern *pattern, struct span *span)
{
	*span = (struct span){};
	switch (pattern->where) {
	case HAND_OVER:
		return run_hand_over(loops, b, span);
	case EVERYWHERE:
		return run_everywhere(loops, b, pattern, span);
	default:
		return run_here(loops, b, pattern, span);
	}
}

/* The median of several runs, after one that does not count. */
static bool run(const struct loops *loops, struct bench *b,
		const struct pattern *pattern, struct span *median)
{
	struct span spans[REPEATS], warm_up;
	unsigned int i;

	if (!run_once(loops, b, pattern, &warm_up))
		return false;
	for (i = 0; i < REPEATS; i++) {
		if (!run_once(loops, b, pattern, &spans[i]))
			return false;
		cond_resched();
	}
	sort(spans, REPEATS, sizeof(spans[0]), compare_spans, NULL);
	*median = spans[REPEATS / 2];
	return true;
}

/* Whether a pool that may keep nothing has kept nothing. */
static bool has_missed(struct bench *b)
{
	struct bytepool_tier_stats stats;

	if (!b->spent || !b->pool)
		return true;
	return !bytepool_get_tier_stats(b->pool, tier_of(b->size), &stats) &&
	       stats.miss && !stats.hit;
}

static void measure(const struct candidate *c, const struct pattern *pattern,
		    size_t size)
{
	struct span empty = {}, span;
	const char *wrong = NULL;
	struct cell *cell;

	if (nr_cells == MAX_CELLS)
		return;
	memset(&bench, 0, sizeof(bench));
	bench.size = pattern->nr ? size : 0;
	bench.softirq = c->softirq;
	bench.spent = pattern->spent;
	bench.nr_out = pattern->nr_out;
	bench.pairs = MAX_PAIRS;
	if (pattern->nr)
		bench.pairs =
			clamp_t(size_t, CLEAR_MOST / size, MAX_HELD, MAX_PAIRS);
	if (c->setup(&bench)) {
		pr_warn("%s %zu %s: could not be set up\n", c->name, size,
			pattern->name);
		return;
	}
	if (!run(c->loops, &bench, pattern, &span))
		wrong = "it could not be run";
	else if (!has_missed(&bench))
		wrong = "something was kept";
	c->teardown(&bench);
	if (!wrong && c->loops != &bulk_loops &&
	    !run(&empty_loops, &bench, pattern, &empty))
		wrong = "it could not be run";
	if (wrong) {
		pr_warn("%s %zu %s: %s\n", c->name, size, pattern->name, wrong);
		return;
	}
	cell = &cells[nr_cells++];
	cell->candidate = c->name;
	cell->pattern = pattern->name;
	cell->size = bench.size;
	cell->tenth_ns = div_s64((span.ns - empty.ns) * 10, bench.pairs);
	cell->tenth_cycles =
		div_s64((span.cycles - empty.cycles) * 10, bench.pairs);
}

/* Whether a list between commas is empty or has the word. */
static bool wanted(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	if (!*list)
		return true;
	for (; *list; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (n == len && !strncmp(list, word, n))
			return true;
	}
	return false;
}

static bool fits(const struct candidate *c, const struct pattern *pattern,
		 size_t size)
{
	/* An entry of what is known by its address takes as much again. */
	size_t at_once = size * (pattern->nr + 2 * pattern->nr_out);

	if (size < c->min_size || (c->max_size && size > c->max_size))
		return false;
	/* The trace has lengths of its own: it is run once. */
	if (!pattern->nr)
		return c->loops->random && size == bytepool_sizes_pow2[0];
	if (pattern->where == EVERYWHERE)
		at_once *= num_online_cpus();
	if (c->out != !!pattern->nr_out)
		return false;
	/* Reclaim must not be what is measured. */
	if (at_once > totalram_pages() * PAGE_SIZE / 4)
		return false;
	if (pattern->where != HERE && c->softirq)
		return false;
	if (pattern->where > ATOMIC && num_online_cpus() < 2)
		return false;
	if (pattern->spent && !c->miss)
		return false;
	return !c->hot_only || pattern->nr == 1;
}

static void measure_size(const struct candidate *c, size_t size)
{
	unsigned int i;
	char text[24];

	snprintf(text, sizeof(text), "%zu", size);
	if (!wanted(sizes, text))
		return;
	for (i = 0; i < ARRAY_SIZE(all_patterns); i++) {
		if (wanted(patterns, all_patterns[i].name) &&
		    fits(c, &all_patterns[i], size))
			measure(c, &all_patterns[i], size);
		cond_resched();
	}
}

static void measure_candidate(const struct candidate *c)
{
	const size_t *tiers = c->stream ? bytepool_sizes_stream :
					  bytepool_sizes_pow2;
	unsigned int nr = c->stream ? BYTEPOOL_NR_STREAM : BYTEPOOL_NR_POW2;
	unsigned int i;

	for (i = 0; i < nr; i++)
		measure_size(c, tiers[i]);
}

static int measure_all(void)
{
	unsigned int i;

	workers = vzalloc(array_size(num_possible_cpus(), sizeof(*workers)));
	if (!workers)
		return -ENOMEM;
	make_random();
	for (i = 0; i < ARRAY_SIZE(candidates); i++)
		if (wanted(only, candidates[i].name))
			measure_candidate(&candidates[i]);
	vfree(workers);
	return 0;
}

static int results_show(struct seq_file *m, void *v)
{
	const struct cell *cell;

	seq_printf(m, "# kernel: %s\n# CPUs: %u\n# memory: %lu MiB\n",
		   init_utsname()->release, num_online_cpus(),
		   totalram_pages() >> (20 - PAGE_SHIFT));
	seq_puts(m, "candidate\tsize\tpattern\tns\tcycles\n");
	for (cell = cells; cell < cells + nr_cells; cell++)
		seq_printf(m, "%s\t%zu\t%s\t%lld.%lld\t%lld.%lld\n",
			   cell->candidate, cell->size, cell->pattern,
			   cell->tenth_ns / 10, abs(cell->tenth_ns % 10),
			   cell->tenth_cycles / 10,
			   abs(cell->tenth_cycles % 10));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(results);

/* === Memory, which is read off elsewhere === */

/* As much as is measured well, and does not fill the machine. */
#define HOLD_BYTES (64UL << 20)

static struct bytepool_buf **held_bufs;
static unsigned long nr_held_bufs;
static struct bytepool *hold_pool;
static struct bytepool **made_pools;
static unsigned int nr_made;

static int hold_buffers(void)
{
	struct bytepool_config config = {
		.name = "hold",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
	};
	unsigned long nr = HOLD_BYTES / hold;

	hold_pool = bytepool_create(&config);
	if (IS_ERR(hold_pool))
		return PTR_ERR(hold_pool);
	/* Not of slab, which is what is looked at. */
	held_bufs = vzalloc(array_size(nr, sizeof(*held_bufs)));
	if (!held_bufs)
		return -ENOMEM;
	while (nr_held_bufs < nr) {
		held_bufs[nr_held_bufs] =
			bytepool_get_buf(hold_pool, hold, GFP_KERNEL);
		if (!held_bufs[nr_held_bufs])
			return -ENOMEM;
		nr_held_bufs++;
		cond_resched();
	}
	return 0;
}

/* The pool stays, and its user does nothing more. */
static void release_burst(struct bytepool *pool)
{
	struct bytepool_buf *bufs = NULL, *buf;
	unsigned long i;
	unsigned int tier;
	size_t size;

	for (tier = 0; tier < BYTEPOOL_NR_POW2; tier++) {
		size = bytepool_sizes_pow2[tier];
		for (i = 0; i < burst / size; i++) {
			buf = bytepool_get_buf(pool, size, GFP_KERNEL);
			if (!buf)
				break;
			*(struct bytepool_buf **)bytepool_buf_data(buf) = bufs;
			bufs = buf;
			cond_resched();
		}
	}
	while ((buf = bufs)) {
		bufs = *(struct bytepool_buf **)bytepool_buf_data(buf);
		bytepool_buf_release(buf);
		cond_resched();
	}
}

static int make_pools(unsigned int nr)
{
	struct bytepool_config config = {
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
	};
	char name[20];

	made_pools = vzalloc(array_size(nr, sizeof(*made_pools)));
	if (!made_pools)
		return -ENOMEM;
	config.name = name;
	for (nr_made = 0; nr_made < nr; nr_made++) {
		struct bytepool *pool;

		snprintf(name, sizeof(name), "bench%u", nr_made);
		pool = bytepool_create(&config);
		if (IS_ERR(pool))
			return PTR_ERR(pool);
		made_pools[nr_made] = pool;
		release_burst(pool);
	}
	return 0;
}

static void free_all(void)
{
	while (nr_held_bufs)
		bytepool_buf_release(held_bufs[--nr_held_bufs]);
	vfree(held_bufs);
	bytepool_destroy(hold_pool);
	while (nr_made)
		bytepool_destroy(made_pools[--nr_made]);
	vfree(made_pools);
	vfree(cells);
}

static int __init bench_init(void)
{
	int ret = 0;

	cells = vzalloc(array_size(MAX_CELLS, sizeof(*cells)));
	if (!cells)
		return -ENOMEM;
	if (hold)
		ret = hold_buffers();
	else if (pools || burst)
		ret = make_pools(max(pools, 1U));
	else
		ret = measure_all();
	if (ret) {
		free_all();
		return ret;
	}
	dir = debugfs_create_dir("bytepool_bench", NULL);
	debugfs_create_file("results", 0400, dir, NULL, &results_fops);
	return 0;
}

static void __exit bench_exit(void)
{
	debugfs_remove(dir);
	free_all();
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Benchmark of bytepool and of what it is measured against");
MODULE_LICENSE("GPL");
