// SPDX-License-Identifier: GPL-2.0
/*
 * What the module does without. Every allocation fails once: each scenario is
 * run until it succeeds, with its first allocation failing, then its second, and
 * so on. Nothing may crash, warn, be left behind or be reported as anything but
 * want of memory. And the slab cache of memory may not be found: kernels to come
 * may hide it.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <shim.h>

#include <kunit/test.h>

#include "../../bytepool.h"

/* A scenario that asks for memory more often than this never ends. */
#define MAX_ALLOCATIONS 2000

/**
 * struct faults - a scenario
 * @name: what it is called
 * @run: returns 0, -ENOMEM, or another error, which is wrong
 */
struct faults {
	const char *name;
	int (*run)(struct kunit *test);
};

/* === Scenarios === */

static const size_t sizes[] = { 256, 4096, SZ_64K };

static struct bytepool *create(unsigned int flags)
{
	return bytepool_create((&(struct bytepool_config){
		.name = "fault",
		.sizes = sizes,
		.nr_sizes = ARRAY_SIZE(sizes),
		.flags = flags,
		.priv_size = 16,
	}));
}

static int create_and_destroy(struct kunit *test)
{
	struct bytepool *pool = create(BYTEPOOL_RCU | BYTEPOOL_CHECK);

	bytepool_destroy(pool);
	return PTR_ERR_OR_ZERO(pool);
}

static int create_twice(struct kunit *test)
{
	struct bytepool *first = create(0), *second;
	int ret = PTR_ERR_OR_ZERO(first);

	if (ret)
		return ret;
	second = create(0);
	if (!IS_ERR(second))
		ret = -EINVAL;
	else if (PTR_ERR(second) != -EEXIST)
		ret = PTR_ERR(second);
	bytepool_destroy(second);
	bytepool_destroy(first);
	return ret;
}

/* Two of each tier and two beyond: the second finds what the first has made. */
static int get_bufs(struct kunit *test, struct bytepool *pool, gfp_t gfp)
{
	static const size_t lens[] = { 1, 256, 1000, 5000, SZ_64K, SZ_1M };
	struct bytepool_buf *bufs[2 * ARRAY_SIZE(lens)];
	unsigned int i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(bufs); i++) {
		bufs[i] = bytepool_get_buf(pool, lens[i / 2], gfp);
		if (!bufs[i])
			continue;
		memset(bytepool_buf_data(bufs[i]), i,
		       bytepool_buf_capacity(bufs[i]));
		nr++;
	}
	for (i = 0; i < ARRAY_SIZE(bufs); i++)
		bytepool_buf_release(bufs[i]);
	return nr == ARRAY_SIZE(bufs) ? 0 : -ENOMEM;
}

static int get_raw(struct kunit *test, struct bytepool *pool, gfp_t gfp)
{
	static const size_t lens[] = { 1, 256, 1000, 5000, SZ_64K, SZ_1M };
	void *mem[2 * ARRAY_SIZE(lens)];
	unsigned int i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(mem); i++) {
		mem[i] = bytepool_get(pool, lens[i / 2], gfp);
		if (!mem[i])
			continue;
		memset(mem[i], i, lens[i / 2]);
		nr++;
	}
	for (i = 0; i < ARRAY_SIZE(mem); i++)
		bytepool_put(pool, mem[i]);
	return nr == ARRAY_SIZE(mem) ? 0 : -ENOMEM;
}

static int get_many(struct kunit *test, struct bytepool *pool, gfp_t gfp)
{
	struct bytepool_buf *bufs[8];
	unsigned int i;
	int ret;

	memset(bufs, 0xff, sizeof(bufs));
	ret = bytepool_get_bufs(pool, 4096, ARRAY_SIZE(bufs), bufs, gfp);
	for (i = 0; i < ARRAY_SIZE(bufs); i++)
		KUNIT_EXPECT_EQ(test, !bufs[i], ret != 0);
	bytepool_release_bufs(ARRAY_SIZE(bufs), bufs);
	return ret;
}

static int prefill(struct kunit *test, struct bytepool *pool, gfp_t gfp)
{
	unsigned int nr = bytepool_prefill(pool, 4096, 8, gfp);

	/* What a checked pool has idle is nobody's to prefill. */
	bytepool_shrink(pool);
	return nr <= 8 ? 0 : -EINVAL;
}

static int with_pool(struct kunit *test, unsigned int flags, gfp_t gfp,
		     int (*use)(struct kunit *test, struct bytepool *pool,
				gfp_t gfp))
{
	struct bytepool *pool = create(flags);
	struct bytepool_stats stats;
	int ret = PTR_ERR_OR_ZERO(pool);

	if (ret)
		return ret;
	ret = use(test, pool, gfp);
	bytepool_get_stats(pool, &stats);
	KUNIT_EXPECT_EQ(test, stats.total_get, stats.total_put);
	KUNIT_EXPECT_EQ(test, stats.oversize_in_use, 0);
	KUNIT_EXPECT_EQ(test, stats.misuse, 0);
	bytepool_destroy(pool);
	return ret;
}

#define WITH_POOL(name, flags, gfp, use)                 \
	static int name(struct kunit *test)              \
	{                                                \
		return with_pool(test, flags, gfp, use); \
	}

WITH_POOL(bufs_plain, 0, GFP_KERNEL, get_bufs)
WITH_POOL(bufs_atomic, 0, GFP_ATOMIC, get_bufs)
WITH_POOL(bufs_vmalloc, BYTEPOOL_VMALLOC, GFP_KERNEL, get_bufs)
WITH_POOL(bufs_contig, BYTEPOOL_CONTIG, GFP_KERNEL, get_bufs)
WITH_POOL(bufs_checked, BYTEPOOL_CHECK | BYTEPOOL_RCU, GFP_KERNEL, get_bufs)
WITH_POOL(raw_plain, 0, GFP_KERNEL, get_raw)
WITH_POOL(raw_atomic, 0, GFP_ATOMIC, get_raw)
WITH_POOL(raw_vmalloc, BYTEPOOL_VMALLOC, GFP_KERNEL, get_raw)
WITH_POOL(raw_checked, BYTEPOOL_CHECK, GFP_KERNEL, get_raw)
WITH_POOL(many, 0, GFP_KERNEL, get_many)
WITH_POOL(many_checked, BYTEPOOL_CHECK, GFP_KERNEL, get_many)
WITH_POOL(prefilled, 0, GFP_KERNEL, prefill)

static int held_over_destroy(struct kunit *test)
{
	struct bytepool *pool = create(BYTEPOOL_VMALLOC);
	struct bytepool_buf *buf, *large;
	void *mem;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	buf = bytepool_get_buf(pool, 100, GFP_KERNEL);
	large = bytepool_get_buf(pool, SZ_8M, GFP_KERNEL);
	mem = bytepool_get(pool, SZ_8M, GFP_KERNEL);
	bytepool_destroy(pool);
	bytepool_buf_release(buf);
	bytepool_buf_release(large);
	/* The last one that comes back takes the pool along. */
	if (mem)
		bytepool_put(pool, mem);
	return buf && large && mem ? 0 : -ENOMEM;
}

struct thing {
	void *mem;
};

static int thing_init(struct thing *thing, gfp_t gfp)
{
	thing->mem = kmalloc(10, gfp);
	return thing->mem ? 0 : -ENOMEM;
}

static void thing_fini(struct thing *thing)
{
	kfree(thing->mem);
}

DEFINE_BYTEPOOL_OBJECTS(thing, struct thing);

static int things(struct kunit *test)
{
	struct thing_pool *pool;
	struct thing *thing[3];
	unsigned int i, nr = 0;

	pool = thing_pool_create("things", thing_init, thing_fini);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	for (i = 0; i < ARRAY_SIZE(thing); i++) {
		thing[i] = thing_pool_get(pool, GFP_KERNEL);
		nr += thing[i] && thing[i]->mem;
	}
	for (i = 0; i < ARRAY_SIZE(thing); i++)
		thing_pool_put(pool, thing[i]);
	thing_pool_destroy(pool);
	return nr == ARRAY_SIZE(thing) ? 0 : -ENOMEM;
}

static int read_files(struct kunit *test)
{
	static const char *const files[] = {
		"stats",
		"stats.json",
		"recent_lengths",
		"outstanding",
	};
	struct bytepool *pool = create(0);
	struct bytepool_buf *buf;
	char path[64], text[512];
	ssize_t len = 0;
	unsigned int i;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	buf = bytepool_get_buf(pool, 100, GFP_KERNEL);
	for (i = 0; i < ARRAY_SIZE(files) && len >= 0; i++) {
		snprintf(path, sizeof(path), "bytepool/fault/%s", files[i]);
		len = shim_debugfs_read(path, text, sizeof(text));
		/* A pool without its files is a pool all the same. */
		if (len == -ENOENT)
			len = -ENOMEM;
	}
	bytepool_buf_release(buf);
	bytepool_destroy(pool);
	return len < 0 ? len : 0;
}

static int reserve_changes(struct kunit *test)
{
	struct bytepool_tier_stats tier;
	struct bytepool *pool = create(0);
	int ret;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	ret = bytepool_reserve(pool, 256, 2) ?: bytepool_reserve(pool, 256, 5);
	bytepool_get_tier_stats(pool, 0, &tier);
	/* All, or what there was before. */
	KUNIT_EXPECT_EQ(test, tier.reserve, tier.reserve_want);
	KUNIT_EXPECT_TRUE(test, ret ? tier.reserve == 0 || tier.reserve == 2 :
				      tier.reserve == 5);
	bytepool_destroy(pool);
	return ret;
}

static int recent_lengths(struct kunit *test)
{
	static size_t lens[BYTEPOOL_RECENT];
	struct bytepool *pool = create(0);
	unsigned int nr;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	bytepool_buf_release(bytepool_get_buf(pool, 100, GFP_KERNEL));
	nr = bytepool_recent_lengths(pool, lens, BYTEPOOL_RECENT);
	bytepool_destroy(pool);
	return nr <= 1 ? 0 : -EINVAL;
}

/* The module itself: what init has made by then is undone. */
static int load_module(struct kunit *test)
{
	int ret, left;

	left = shim_fail_nth(0);
	ret = shim_unload_module();
	if (ret)
		return ret;
	shim_fail_nth(left);
	ret = init_module();
	left = shim_fail_nth(0);
	if (ret)
		KUNIT_EXPECT_EQ(test, init_module(), 0);
	shim_fail_nth(left);
	return ret;
}

/* === Sweep === */

static const struct faults faults[] = {
	{ "create and destroy", create_and_destroy },
	{ "create twice", create_twice },
	{ "buffers", bufs_plain },
	{ "buffers, atomic", bufs_atomic },
	{ "buffers, VMALLOC", bufs_vmalloc },
	{ "buffers, CONTIG", bufs_contig },
	{ "buffers, CHECK and RCU", bufs_checked },
	{ "raw memory", raw_plain },
	{ "raw memory, atomic", raw_atomic },
	{ "raw memory, VMALLOC", raw_vmalloc },
	{ "raw memory, CHECK", raw_checked },
	{ "many buffers", many },
	{ "many buffers, CHECK", many_checked },
	{ "prefill and shrink", prefilled },
	{ "held while the pool is destroyed", held_over_destroy },
	{ "a reserve", reserve_changes },
	{ "typed objects", things },
	{ "debugfs files", read_files },
	{ "recent lengths", recent_lengths },
	{ "module init", load_module },
};

static void fault_desc(const struct faults *fault, char *desc)
{
	strscpy(desc, fault->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(fault, faults, fault_desc);

static void each_allocation_fails_once(struct kunit *test)
{
	const struct faults *fault = test->param_value;
	long n, left;
	int ret;

	/* Once as usual, for what is made once and stays. */
	KUNIT_ASSERT_EQ(test, fault->run(test), 0);
	for (n = 1; n < MAX_ALLOCATIONS; n++) {
		shim_fail_nth(n);
		ret = fault->run(test);
		left = shim_fail_nth(0);
		if (left > 0)
			break;
		/* Some can do without. */
		if (ret)
			KUNIT_EXPECT_EQ_MSG(test, ret, -ENOMEM,
					    "allocation %ld", n);
	}
	kunit_info(test, "%s: %ld allocations", fault->name, n - 1);
	KUNIT_EXPECT_GT(test, n, 1);
	KUNIT_EXPECT_LT(test, n, MAX_ALLOCATIONS);
	KUNIT_EXPECT_EQ(test, ret, 0);
}

/* The module tracks raw memory instead. */
static void slab_caches_may_be_hidden(struct kunit *test)
{
	struct bytepool_stats stats;
	struct bytepool *pool;
	void *mem[3];
	int i;

	shim_slab_cache_hidden = true;
	pool = create(0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	for (i = 0; i < 3; i++) {
		mem[i] = bytepool_get(pool, sizes[i], GFP_KERNEL);
		KUNIT_EXPECT_NOT_NULL(test, mem[i]);
	}
	for (i = 0; i < 3; i++)
		bytepool_put(pool, mem[i]);
	/* What was put already, and what was never got. */
	bytepool_put(pool, mem[0]);
	bytepool_put(pool, &stats);
	bytepool_get_stats(pool, &stats);
	KUNIT_EXPECT_EQ(test, stats.total_put, 3);
	KUNIT_EXPECT_EQ(test, stats.misuse, 2);
	bytepool_destroy(pool);
	shim_slab_cache_hidden = false;
}

/* === All other allocation fails === */

static struct bytepool *create_reserve(struct kunit *test, unsigned int flags)
{
	struct bytepool *pool = bytepool_create((&(struct bytepool_config){
		.name = "fault",
		.sizes = sizes,
		.nr_sizes = ARRAY_SIZE(sizes),
		.flags = flags,
		.reserve = 2,
		.priv_size = 16,
	}));

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	return pool;
}

/* From the very first get on: neither counters nor handles need memory. */
static void reserve_serves_without_memory(struct kunit *test)
{
	static const unsigned int flags[] = { 0, BYTEPOOL_RCU, BYTEPOOL_CHECK,
					      BYTEPOOL_VMALLOC };
	struct bytepool_buf *bufs[2];
	struct bytepool *pool;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		pool = create_reserve(test, flags[i]);
		shim_fail_nth(-1);
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			KUNIT_EXPECT_EQ(test,
					bytepool_get_bufs(pool, sizes[j], 2,
							  bufs, GFP_NOIO),
					0);
			KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, sizes[j],
								 GFP_NOWAIT));
			KUNIT_EXPECT_NULL(
				test,
				bytepool_get_buf(pool, sizes[j],
						 GFP_KERNEL | __GFP_NORETRY));
			bytepool_release_bufs(2, bufs);
		}
		shim_fail_nth(0);
		bytepool_destroy(pool);
	}
}

struct loan {
	struct bytepool *pool;
	struct bytepool_buf *buf;
};

/* Give a buffer back once somebody waits. */
static int give_back(void *data)
{
	struct loan *loan = data;
	struct bytepool_stats stats;

	do {
		cond_resched();
		bytepool_get_stats(loan->pool, &stats);
	} while (!stats.waiting);
	bytepool_buf_release(loan->buf);
	return 0;
}

static void get_sleeps_without_memory(struct kunit *test)
{
	struct loan loan = { .pool = create_reserve(test, 0) };
	struct bytepool_buf *other, *buf;
	struct task_struct *task;

	loan.buf = bytepool_get_buf(loan.pool, 256, GFP_KERNEL);
	shim_fail_nth(-1);
	other = bytepool_get_buf(loan.pool, 256, GFP_KERNEL);
	buf = bytepool_get_buf(loan.pool, 256, GFP_KERNEL);
	shim_fail_nth(0);
	/* Both of the reserve are out, and nothing is idle. */
	task = kthread_run(give_back, &loan, "give back");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	get_task_struct(task);
	shim_fail_nth(-1);
	bytepool_buf_release(bytepool_get_buf(loan.pool, 256, GFP_KERNEL));
	shim_fail_nth(0);
	kthread_stop(task);
	put_task_struct(task);
	bytepool_buf_release(other);
	bytepool_buf_release(buf);
	bytepool_destroy(loan.pool);
}

/* Memory comes back to the kernel, and no pool hears of it. */
static void wait_tries_memory_again(struct kunit *test)
{
	struct bytepool *pool = create(0);
	struct bytepool_stats stats;
	struct bytepool_buf *buf;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	/* What is made at the first get is not what is wanted here. */
	bytepool_buf_release(bytepool_get_buf(pool, 4096, GFP_KERNEL));
	shim_fail_nth(1);
	buf = bytepool_get_buf_wait(pool, 256, GFP_KERNEL, TASK_UNINTERRUPTIBLE,
				    MAX_SCHEDULE_TIMEOUT);
	KUNIT_EXPECT_LE(test, shim_fail_nth(0), 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);
	bytepool_get_stats(pool, &stats);
	KUNIT_EXPECT_EQ(test, stats.slept, 1);
	KUNIT_EXPECT_EQ(test, stats.fail, 0);
	bytepool_buf_release(buf);

	/* Memory of the allocator's is had at once, or not. */
	shim_fail_nth(-1);
	buf = bytepool_get_buf_wait(pool, SZ_1M, GFP_KERNEL,
				    TASK_UNINTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
	shim_fail_nth(0);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(buf), -ENOMEM);
	bytepool_destroy(pool);
}

static int starve_and_wait(void *data)
{
	struct loan *loan = data;

	shim_fail_nth(-1);
	loan->buf = bytepool_get_buf_wait(loan->pool, 4096, GFP_KERNEL,
					  TASK_UNINTERRUPTIBLE,
					  MAX_SCHEDULE_TIMEOUT);
	shim_fail_nth(0);
	return 0;
}

/* Nothing is out: who leaves last must not touch the pool any more. */
static void destroy_ends_sleep_for_memory(struct kunit *test)
{
	struct bytepool_stats stats;
	struct task_struct *task;
	struct loan loan;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		loan.pool = create(0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, loan.pool);
		task = kthread_run(starve_and_wait, &loan, "starve");
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
		get_task_struct(task);
		do {
			cond_resched();
			bytepool_get_stats(loan.pool, &stats);
		} while (!stats.waiting);
		bytepool_destroy(loan.pool);
		kthread_stop(task);
		put_task_struct(task);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(loan.buf), -ESHUTDOWN);
	}
}

static void wake_completes(struct bytepool_waiter *waiter)
{
	complete(*(struct completion **)(waiter + 1));
}

static void waiter_for_memory_is_woken(struct kunit *test)
{
	struct bytepool *pool = create(0);
	struct {
		struct bytepool_waiter waiter;
		struct completion *done;
	} woken = { .waiter.wake = wake_completes };
	struct completion done;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	init_completion(&done);
	woken.done = &done;
	shim_fail_nth(-1);
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 256, GFP_KERNEL));
	KUNIT_EXPECT_TRUE(test, bytepool_wait_async(pool, 256, &woken.waiter));
	shim_fail_nth(0);
	wait_for_completion(&done);
	KUNIT_EXPECT_FALSE(test, bytepool_wait_cancel(pool, &woken.waiter));
	bytepool_destroy(pool);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE_PARAM(each_allocation_fails_once, fault_gen_params),
	KUNIT_CASE(slab_caches_may_be_hidden),
	KUNIT_CASE(reserve_serves_without_memory),
	KUNIT_CASE(get_sleeps_without_memory),
	KUNIT_CASE(wait_tries_memory_again),
	KUNIT_CASE(destroy_ends_sleep_for_memory),
	KUNIT_CASE(waiter_for_memory_is_woken),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "faults",
	.test_cases = fault_cases,
};

kunit_test_suites(&fault_suite);
