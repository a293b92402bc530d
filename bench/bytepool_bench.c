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
#include <linux/debugfs.h>
#include <linux/kernel.h>
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

static char *only = "";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "Candidates to measure, between commas (default: all)");

static char *sizes = "";
module_param(sizes, charp, 0444);
MODULE_PARM_DESC(sizes, "Sizes to measure in bytes (default: 128 to 2097152)");

static char *patterns = "";
module_param(patterns, charp, 0444);
MODULE_PARM_DESC(patterns, "Of: hot,16,128,atomic,random (default: all)");

static unsigned long hold;
module_param(hold, ulong, 0444);
MODULE_PARM_DESC(hold, "Measure nothing, hold buffers of so many bytes each");

static unsigned int pools;
module_param(pools, uint, 0444);
MODULE_PARM_DESC(pools, "Measure nothing, have so many unused pools");

struct bench_object {
	u8 bytes[128];
};

DEFINE_BYTEPOOL_OBJECTS(bench_object, struct bench_object);

/**
 * struct bench - what a cell is measured with
 * @size: of what is allocated, in bytes
 * @pairs: how many in one measurement
 * @softirq: as in struct candidate
 * @pool: of bytepool's candidates
 * @objects: of the typed one
 * @buf: what is retained and released
 * @slab: of kmem_cache and mempool
 * @mempool: over @slab
 * @page_pool: of pages
 * @held: what is out
 */
struct bench {
	size_t size;
	unsigned int pairs;
	bool softirq;
	struct bytepool *pool;
	struct bench_object_pool *objects;
	struct bytepool_buf *buf;
	struct kmem_cache *slab;
	mempool_t *mempool;
	struct page_pool *page_pool;
	void *held[MAX_HELD];
};

/* A get of the random trace, which first puts what its slot has. */
struct step {
	u32 slot;
	u32 len;
};

static struct step trace[MAX_PAIRS];

typedef void *(*get_fn)(struct bench *b, size_t len, gfp_t gfp);
typedef void (*put_fn)(struct bench *b, void *mem);

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
			put(b, READ_ONCE(b->held[j]));
	}
	return true;

err_put:
	while (j--)
		put(b, b->held[j]);
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
		put(b, mem);
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

		mem = READ_ONCE(b->held[slot]);
		if (mem)
			put(b, mem);
		mem = get(b, READ_ONCE(trace[i].len), GFP_KERNEL);
		WRITE_ONCE(b->held[slot], mem);
		if (unlikely(!mem)) {
			ok = false;
			break;
		}
	}
	for (i = 0; i < NR_SLOTS; i++) {
		mem = READ_ONCE(b->held[i]);
		if (mem)
			put(b, mem);
		WRITE_ONCE(b->held[i], NULL);
	}
	return ok;
}

/* A slot has its length from a driver's mix: small, a frame, pages, a block. */
static void make_trace(void)
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

static void empty_put(struct bench *b, void *mem)
{
}

static int pool_setup(struct bench *b, unsigned int flags)
{
	struct bytepool_config config = {
		.name = "bench",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
		.flags = flags,
	};

	b->pool = bytepool_create(&config);
	return PTR_ERR_OR_ZERO(b->pool);
}

static int plain_setup(struct bench *b)
{
	return pool_setup(b, 0);
}

static int rcu_setup(struct bench *b)
{
	return pool_setup(b, BYTEPOOL_RCU);
}

static void pool_teardown(struct bench *b)
{
	bytepool_destroy(b->pool);
}

static void *buffer_get(struct bench *b, size_t len, gfp_t gfp)
{
	return bytepool_get_buf(b->pool, len, gfp);
}

static void buffer_put(struct bench *b, void *mem)
{
	bytepool_buf_release(mem);
}

static void *raw_get(struct bench *b, size_t len, gfp_t gfp)
{
	return bytepool_get(b->pool, len, gfp);
}

static void raw_put(struct bench *b, void *mem)
{
	bytepool_put(b->pool, mem);
}

static int retain_setup(struct bench *b)
{
	int ret = pool_setup(b, 0);

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

static void typed_put(struct bench *b, void *mem)
{
	bench_object_pool_put(b->objects, mem);
}

static void *kmalloc_get(struct bench *b, size_t len, gfp_t gfp)
{
	return kmalloc(len, gfp);
}

static void kmalloc_put(struct bench *b, void *mem)
{
	kfree(mem);
}

/* Made as bytepool makes those of its payloads. */
static int slab_setup(struct bench *b)
{
	size_t align = b->size < PAGE_SIZE ? 64 : PAGE_SIZE;

	b->slab = kmem_cache_create_usercopy("bytepool_bench", b->size, align,
					     0, 0, b->size, NULL);
	return b->slab ? 0 : -ENOMEM;
}

static void slab_teardown(struct bench *b)
{
	kmem_cache_destroy(b->slab);
}

static void *slab_get(struct bench *b, size_t len, gfp_t gfp)
{
	return kmem_cache_alloc(b->slab, gfp);
}

static void slab_put(struct bench *b, void *mem)
{
	kmem_cache_free(b->slab, mem);
}

static int mempool_setup(struct bench *b)
{
	int ret = slab_setup(b);

	if (ret)
		return ret;
	b->mempool = mempool_create_slab_pool(2, b->slab);
	if (b->mempool)
		return 0;
	kmem_cache_destroy(b->slab);
	return -ENOMEM;
}

static void mempool_teardown(struct bench *b)
{
	mempool_destroy(b->mempool);
	kmem_cache_destroy(b->slab);
}

static void *mempool_get(struct bench *b, size_t len, gfp_t gfp)
{
	return mempool_alloc(b->mempool, gfp);
}

static void mempool_put(struct bench *b, void *mem)
{
	mempool_free(mem, b->mempool);
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

static void pages_put(struct bench *b, void *mem)
{
	__free_pages(mem, get_order(b->size));
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

static void recycler_put(struct bench *b, void *mem)
{
	page_pool_put_full_page(b->page_pool, mem, true);
}
#endif

/* clang-format off */
#define DEFINE_LOOPS(name, get, put)					\
static noinline bool name##_pairs(struct bench *b, unsigned int nr,	\
				  gfp_t gfp)				\
{									\
	return nr == 1 ? hot_loop(b, gfp, get, put) :			\
			 pairs_loop(b, nr, gfp, get, put);		\
}									\
									\
static __maybe_unused noinline bool name##_random(struct bench *b)	\
{									\
	return trace_loop(b, get, put);					\
}

/* clang-format on */

DEFINE_LOOPS(empty, empty_get, empty_put)
DEFINE_LOOPS(buffer, buffer_get, buffer_put)
DEFINE_LOOPS(raw, raw_get, raw_put)
DEFINE_LOOPS(retain, retain_get, buffer_put)
DEFINE_LOOPS(typed, typed_get, typed_put)
DEFINE_LOOPS(kmalloc, kmalloc_get, kmalloc_put)
DEFINE_LOOPS(slab, slab_get, slab_put)
DEFINE_LOOPS(mempool, mempool_get, mempool_put)
DEFINE_LOOPS(pages, pages_get, pages_put)
#if IS_ENABLED(CONFIG_PAGE_POOL)
DEFINE_LOOPS(recycler, recycler_get, recycler_put)
#endif

/**
 * struct candidate - a row of the table
 * @name: of the candidate
 * @setup: makes what a cell needs; nothing is left behind when it fails
 * @teardown: undoes it
 * @pairs: the loop of fixed sizes
 * @trace: that of the random trace, for candidates that take a length
 * @min_size: the smallest size that makes sense
 * @max_size: the largest; 0: the largest tier
 * @hot_only: holds nothing
 * @own_loop: nothing is subtracted: the loop is one for many
 * @softirq: measured with soft interrupts off, as its users have it, and never
 *	with interrupts off
 */
struct candidate {
	const char *name;
	int (*setup)(struct bench *b);
	void (*teardown)(struct bench *b);
	bool (*pairs)(struct bench *b, unsigned int nr, gfp_t gfp);
	bool (*trace)(struct bench *b);
	size_t min_size;
	size_t max_size;
	bool hot_only;
	bool own_loop;
	bool softirq;
};

static const struct candidate candidates[] = {
	{ "buffer", plain_setup, pool_teardown, buffer_pairs, buffer_random },
	{ "rcu", rcu_setup, pool_teardown, buffer_pairs, buffer_random },
	{ "raw", plain_setup, pool_teardown, raw_pairs, raw_random },
	{ "retain", retain_setup, retain_teardown, retain_pairs, NULL,
	  .max_size = 128, .hot_only = true },
	{ "bulk", plain_setup, pool_teardown, bulk_loop, NULL, .hot_only = true,
	  .own_loop = true },
	{ "typed", typed_setup, typed_teardown, typed_pairs, NULL,
	  .max_size = sizeof(struct bench_object) },
	{ "kmem_cache", slab_setup, slab_teardown, slab_pairs },
	{ "kmalloc", no_setup, no_teardown, kmalloc_pairs, kmalloc_random },
	{ "mempool", mempool_setup, mempool_teardown, mempool_pairs },
#if IS_ENABLED(CONFIG_PAGE_POOL)
	{ "page_pool", recycler_setup, recycler_teardown, recycler_pairs, NULL,
	  .min_size = PAGE_SIZE, .softirq = true },
#endif
	{ "alloc_pages", no_setup, no_teardown, pages_pairs, NULL,
	  .min_size = PAGE_SIZE },
};

/**
 * struct pattern - how many are out at once, and where
 * @name: of the pattern
 * @nr: how many; 0: the random trace
 * @atomic: with interrupts off
 */
struct pattern {
	const char *name;
	unsigned int nr;
	bool atomic;
};

static const struct pattern all_patterns[] = {
	{ "hot", 1 },	       { "16", 16 },	{ "128", 128 },
	{ "atomic", 1, true }, { "random", 0 },
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

static bool run_once(bool (*pairs)(struct bench *b, unsigned int nr, gfp_t gfp),
		     bool (*random)(struct bench *b), struct bench *b,
		     const struct pattern *pattern, struct span *span)
{
	gfp_t gfp = pattern->atomic ? GFP_ATOMIC : GFP_KERNEL;
	unsigned long flags = 0;
	cycles_t cycles;
	bool ok;
	u64 ns;

	if (b->softirq)
		local_bh_disable();
	if (pattern->atomic)
		local_irq_save(flags);
	ns = ktime_get_ns();
	cycles = get_cycles();
	ok = pattern->nr ? pairs(b, pattern->nr, gfp | __GFP_NOWARN) :
			   random(b);
	span->cycles = get_cycles() - cycles;
	span->ns = ktime_get_ns() - ns;
	if (pattern->atomic)
		local_irq_restore(flags);
	if (b->softirq)
		local_bh_enable();
	return ok;
}

/* The median of several runs, after one that does not count. */
static bool run(bool (*pairs)(struct bench *b, unsigned int nr, gfp_t gfp),
		bool (*random)(struct bench *b), struct bench *b,
		const struct pattern *pattern, struct span *median)
{
	struct span spans[REPEATS], warm_up;
	unsigned int i;

	if (!run_once(pairs, random, b, pattern, &warm_up))
		return false;
	for (i = 0; i < REPEATS; i++) {
		if (!run_once(pairs, random, b, pattern, &spans[i]))
			return false;
		cond_resched();
	}
	sort(spans, REPEATS, sizeof(spans[0]), compare_spans, NULL);
	*median = spans[REPEATS / 2];
	return true;
}

static void measure(const struct candidate *c, const struct pattern *pattern,
		    size_t size)
{
	struct span empty = {}, span;
	struct cell *cell;
	bool ok;

	if (nr_cells == MAX_CELLS)
		return;
	memset(&bench, 0, sizeof(bench));
	bench.size = size;
	bench.softirq = c->softirq;
	bench.pairs = MAX_PAIRS;
	if (pattern->nr)
		bench.pairs =
			clamp_t(size_t, CLEAR_MOST / size, MAX_HELD, MAX_PAIRS);
	if (c->setup(&bench)) {
		pr_warn("%s %zu %s: could not be set up\n", c->name, size,
			pattern->name);
		return;
	}
	ok = run(c->pairs, c->trace, &bench, pattern, &span);
	c->teardown(&bench);
	if (!c->own_loop && ok)
		ok = run(empty_pairs, empty_random, &bench, pattern, &empty);
	if (!ok) {
		pr_warn("%s %zu %s: no memory\n", c->name, size, pattern->name);
		return;
	}
	cell = &cells[nr_cells++];
	cell->candidate = c->name;
	cell->pattern = pattern->name;
	cell->size = pattern->nr ? size : 0;
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
	if (size < c->min_size || (c->max_size && size > c->max_size))
		return false;
	/* The trace has lengths of its own: it is run once. */
	if (!pattern->nr)
		return c->trace && size == bytepool_sizes_pow2[0];
	/* Reclaim must not be what is measured. */
	if (size * pattern->nr > totalram_pages() * PAGE_SIZE / 4)
		return false;
	if (pattern->atomic && c->softirq)
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

static void measure_all(void)
{
	unsigned int i, j;

	make_trace();
	for (i = 0; i < ARRAY_SIZE(candidates); i++)
		for (j = 0; j < BYTEPOOL_NR_POW2; j++)
			if (wanted(only, candidates[i].name))
				measure_size(&candidates[i],
					     bytepool_sizes_pow2[j]);
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
static struct bytepool **unused_pools;

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

static int make_pools(void)
{
	struct bytepool_config config = {
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
	};
	unsigned int i;
	char name[16];

	unused_pools = vzalloc(array_size(pools, sizeof(*unused_pools)));
	if (!unused_pools)
		return -ENOMEM;
	config.name = name;
	for (i = 0; i < pools; i++) {
		snprintf(name, sizeof(name), "unused%u", i);
		unused_pools[i] = bytepool_create(&config);
		if (IS_ERR(unused_pools[i]))
			return PTR_ERR(unused_pools[i]);
	}
	return 0;
}

static void free_all(void)
{
	unsigned int i;

	while (nr_held_bufs)
		bytepool_buf_release(held_bufs[--nr_held_bufs]);
	vfree(held_bufs);
	bytepool_destroy(hold_pool);
	for (i = 0; unused_pools && i < pools; i++)
		bytepool_destroy(unused_pools[i]);
	vfree(unused_pools);
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
	else if (pools)
		ret = make_pools();
	else
		measure_all();
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
