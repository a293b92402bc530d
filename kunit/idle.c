// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool test cases - many buffers at once, idle memory and its bound, and
 * the limit of memory in use
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>

#include "cases.h"

/* === Many at once === */

/* None is given, and all entries are NULL. */
static void expect_no_bufs(struct kunit *test, struct bytepool *pool,
			   size_t len, unsigned int nr,
			   struct bytepool_buf **bufs)
{
	int ret;

	memset(bufs, 0xff, nr * sizeof(*bufs));
	ret = bytepool_get_bufs(pool, len, nr, bufs, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	KUNIT_EXPECT_NULL(test, memchr_inv(bufs, 0, nr * sizeof(*bufs)));
}

static void get_bufs_gives_all(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *bufs[100];
	unsigned int round, i;

	for (round = 0; round < 3; round++) {
		bpt_get_bufs(test, pool, 1000, 100, bufs);
		for (i = 0; i < 100; i++) {
			KUNIT_EXPECT_EQ(test, bytepool_buf_len(bufs[i]), 1000);
			KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(bufs[i]),
					1);
			bpt_stamp_buf(bufs[i], i);
		}
		KUNIT_EXPECT_EQ(test, bpt_in_use(test, pool), 100);
		for (i = 0; i < 100; i++)
			KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(bufs[i], i));
		bytepool_release_bufs(100, bufs);
		KUNIT_EXPECT_EQ(test, bpt_in_use(test, pool), 0);
	}
}

static void get_bufs_of_none_succeeds(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = ERR_PTR(-EINVAL);

	KUNIT_EXPECT_EQ(test, bytepool_get_bufs(pool, 100, 0, &buf, GFP_KERNEL),
			0);
	KUNIT_EXPECT_PTR_EQ(test, buf, ERR_PTR(-EINVAL));
	bytepool_release_bufs(0, &buf);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).total_get, 0);
}

static void get_bufs_of_nothing_fails(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *bufs[5];

	expect_no_bufs(test, pool, 0, 5, bufs);
}

static void get_bufs_of_absurd_lengths_fails(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *bufs[5];

	expect_no_bufs(test, pool, (size_t)INT_MAX + 1, 5, bufs);
	expect_no_bufs(test, pool, SIZE_MAX, 5, bufs);
}

static void get_bufs_larger_than_the_largest_tier(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 1024, 0);
	struct bytepool_buf *bufs[5];
	unsigned int i;

	bpt_get_bufs(test, pool, 5000, 5, bufs);
	for (i = 0; i < 5; i++)
		bpt_stamp_buf(bufs[i], i);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(bufs[i], i));
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).oversize_in_use, 5);
	bytepool_release_bufs(5, bufs);
}

static struct bytepool *limited_pool(struct kunit *test, size_t limit)
{
	struct bytepool_config config = bpt_config();

	config.limit = limit;
	return bpt_pool(test, &config);
}

static void get_bufs_past_the_limit_gives_none(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, 8 * SZ_4K);
	struct bytepool_buf *bufs[9];

	expect_no_bufs(test, pool, SZ_4K, 9, bufs);
	bpt_expect_quiet(test, pool);
	/* None of the limit was kept. */
	bpt_get_bufs(test, pool, SZ_4K, 8, bufs);
	bytepool_release_bufs(8, bufs);
}

static void get_bufs_past_the_limit_beyond_the_tiers(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, 2 * SZ_4M);
	struct bytepool_buf *bufs[3];

	expect_no_bufs(test, pool, 3 * SZ_1M, 3, bufs);
	bpt_expect_quiet(test, pool);
	bpt_get_bufs(test, pool, 3 * SZ_1M, 2, bufs);
	bytepool_release_bufs(2, bufs);
}

/* So many that the sum of their sizes is no 32-bit number. */
static void get_bufs_of_an_absurd_sum_fails(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SZ_1M);
	unsigned int nr = SZ_64K;
	struct bytepool_buf **bufs;

	bufs = kunit_kzalloc(test, nr * sizeof(*bufs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bufs);
	expect_no_bufs(test, pool, SZ_2M, nr, bufs);
	expect_no_bufs(test, pool, INT_MAX, nr, bufs);
}

static struct kunit_case bulk_cases[] = {
	KUNIT_CASE(get_bufs_gives_all),
	KUNIT_CASE(get_bufs_of_none_succeeds),
	KUNIT_CASE(get_bufs_of_nothing_fails),
	KUNIT_CASE(get_bufs_of_absurd_lengths_fails),
	KUNIT_CASE(get_bufs_larger_than_the_largest_tier),
	KUNIT_CASE(get_bufs_past_the_limit_gives_none),
	KUNIT_CASE(get_bufs_past_the_limit_beyond_the_tiers),
	KUNIT_CASE(get_bufs_of_an_absurd_sum_fails),
	{}
};

struct kunit_suite bpt_bulk_suite = {
	.name = "bytepool_bulk",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = bulk_cases,
};

/* === Idle memory === */

/* Gets and releases so many of a tier of 4 KiB at once. */
static void cycle(struct kunit *test, struct bytepool *pool, unsigned int nr)
{
	struct bytepool_buf **bufs;

	bufs = kunit_kzalloc(test, nr * sizeof(*bufs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bufs);
	bpt_get_bufs(test, pool, SZ_4K, nr, bufs);
	bytepool_release_bufs(nr, bufs);
}

static void release_makes_idle_and_get_hits(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);
	unsigned int kept = bpt_recycles(test, 0) ? 20 : 0;
	struct bytepool_tier_stats tier;

	cycle(test, pool, 20);
	tier = bpt_tier(test, pool, 0);
	KUNIT_EXPECT_EQ(test, tier.idle, kept);
	KUNIT_EXPECT_EQ(test, tier.hit, 0);
	KUNIT_EXPECT_EQ(test, tier.miss, 20);
	cycle(test, pool, 20);
	tier = bpt_tier(test, pool, 0);
	KUNIT_EXPECT_EQ(test, tier.idle, kept);
	KUNIT_EXPECT_EQ(test, tier.hit, kept);
	KUNIT_EXPECT_EQ(test, tier.miss, 40 - kept);
}

static void put_makes_idle_and_get_hits(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);
	bool recycles = bpt_recycles(test, 0);
	unsigned int i;

	for (i = 0; i < 5; i++)
		bytepool_put(pool, bpt_get(test, pool, SZ_4K));
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, recycles);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).hit, recycles ? 4 : 0);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).miss, recycles ? 1 : 5);
}

/* More than magazines hold, and back again. */
static void idle_of_hundreds_is_found_again(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);
	unsigned int kept = bpt_recycles(test, 0) ? 500 : 0;

	cycle(test, pool, 500);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, kept);
	cycle(test, pool, 500);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).hit, kept);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, kept);
}

static void prefill_makes_idle_and_get_hits(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);
	unsigned int nr = bytepool_prefill(pool, SZ_4K, 30, GFP_KERNEL);
	struct bytepool_tier_stats tier = bpt_tier(test, pool, 0);

	if (bpt_recycles(test, 0))
		KUNIT_EXPECT_EQ(test, nr, 30);
	KUNIT_EXPECT_EQ(test, tier.idle, nr);
	KUNIT_EXPECT_EQ(test, tier.get, 0);
	KUNIT_EXPECT_EQ(test, tier.put, 0);
	cycle(test, pool, 30);
	tier = bpt_tier(test, pool, 0);
	KUNIT_EXPECT_EQ(test, tier.hit, nr);
	KUNIT_EXPECT_EQ(test, tier.miss, 30 - nr);
}

static void prefill_of_what_is_not_pooled_is_none(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);

	KUNIT_EXPECT_EQ(test, bytepool_prefill(pool, 0, 5, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, bytepool_prefill(pool, 1, 0, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, bytepool_prefill(pool, SZ_4K + 1, 5, GFP_KERNEL),
			0);
	KUNIT_EXPECT_EQ(test, bytepool_prefill(pool, SIZE_MAX, 5, GFP_KERNEL),
			0);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, 0);
}

static struct bytepool *bounded_pool(struct kunit *test, size_t max_idle)
{
	static const size_t size = SZ_4K;
	struct bytepool_config config = bpt_config();

	config.sizes = &size;
	config.nr_sizes = 1;
	config.max_idle = max_idle;
	return bpt_pool(test, &config);
}

static void max_idle_is_exact(struct kunit *test)
{
	struct bytepool *pool = bounded_pool(test, 10 * SZ_4K);
	unsigned int kept = bpt_recycles(test, 0) ? 10 : 0;

	cycle(test, pool, 10);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, kept);
	cycle(test, pool, 100);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, kept);
	cycle(test, pool, 11);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, kept);
}

static void max_idle_budgets_prefill(struct kunit *test)
{
	struct bytepool *pool = bounded_pool(test, 10 * SZ_4K);
	unsigned int nr = bytepool_prefill(pool, SZ_4K, 100, GFP_KERNEL);

	KUNIT_EXPECT_LE(test, nr, 10);
	if (bpt_recycles(test, 0))
		KUNIT_EXPECT_EQ(test, nr, 10);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, nr);
	KUNIT_EXPECT_EQ(test, bytepool_prefill(pool, SZ_4K, 1, GFP_KERNEL), 0);
}

static void max_idle_too_small_keeps_nothing(struct kunit *test)
{
	struct bytepool *pool = bounded_pool(test, SZ_4K - 1);

	cycle(test, pool, 10);
	bytepool_put(pool, bpt_get(test, pool, SZ_4K));
	KUNIT_EXPECT_EQ(test, bytepool_prefill(pool, SZ_4K, 1, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, 0);
}

static void miss(struct kunit *test, struct bytepool *pool, size_t len,
		 size_t capacity)
{
	struct bytepool_buf *bufs[3];
	unsigned int i;
	void *mem;

	for (i = 0; i < ARRAY_SIZE(bufs); i++) {
		bufs[i] = bpt_get_buf(test, pool, len);
		KUNIT_EXPECT_EQ(test, bytepool_buf_len(bufs[i]), len);
		KUNIT_EXPECT_EQ(test, bytepool_buf_capacity(bufs[i]),
				bpt_capacity(pool, len, capacity));
		KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(bufs[i]), 1);
		bpt_stamp_buf(bufs[i], i);
	}
	mem = bpt_get(test, pool, len);
	bpt_stamp(mem, len, i);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(mem, len, i));
	bytepool_put(pool, mem);
	while (i--) {
		KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(bufs[i], i));
		bytepool_buf_release(bufs[i]);
	}
}

/* Payloads are not kept, but their handles are, and serve any tier. */
static void max_idle_too_small_for_tiers_in_turn(struct kunit *test)
{
	static const size_t sizes[] = { SZ_1K, SZ_4K };
	struct bytepool_config config = bpt_config();
	struct bytepool_tier_stats tier;
	struct bytepool *pool;
	size_t lens[16];
	unsigned int i;

	config.sizes = sizes;
	config.nr_sizes = ARRAY_SIZE(sizes);
	config.max_idle = SZ_1K - 1;
	pool = bpt_pool(test, &config);
	for (i = 0; i < 20; i++)
		miss(test, pool, sizes[i % 2] - i, sizes[i % 2]);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		tier = bpt_tier(test, pool, i);
		KUNIT_EXPECT_EQ(test, tier.miss, 40);
		KUNIT_EXPECT_EQ(test, tier.hit, 0);
		KUNIT_EXPECT_EQ(test, tier.put, 40);
		KUNIT_EXPECT_EQ(test, tier.idle, 0);
		KUNIT_EXPECT_EQ(test, tier.in_use, 0);
		/* Four times ten lengths: 0, 2 ... 18 bytes less, or odd. */
		KUNIT_EXPECT_EQ(test, tier.requested,
				40 * sizes[i] - 4 * (90 + 10 * i));
	}
	KUNIT_EXPECT_EQ(test, bytepool_recent_lengths(pool, lens, 16), 16);
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		KUNIT_EXPECT_EQ(test, lens[i], sizes[i / 4 % 2] - (16 + i / 4));
}

/* The tier that a length fits is not the first of those it may fit. */
static void tiers_that_lie_close_recycle_their_own(struct kunit *test)
{
	static const size_t sizes[] = { 128, 192, 256 };
	struct bytepool_config config = bpt_config();
	bool recycles = bpt_recycles(test, 0);
	struct bytepool_buf *buf;
	struct bytepool *pool;
	unsigned int i;
	void *mem;

	config.sizes = sizes;
	config.nr_sizes = ARRAY_SIZE(sizes);
	pool = bpt_pool(test, &config);
	for (i = 0; i < 3; i++) {
		buf = bpt_get_buf(test, pool, 250);
		KUNIT_EXPECT_EQ(test, bytepool_buf_capacity(buf),
				bpt_capacity(pool, 250, 256));
		bytepool_buf_release(buf);
		mem = bpt_get(test, pool, 250);
		bpt_stamp(mem, bpt_capacity(pool, 250, 256), i);
		bytepool_put(pool, mem);
	}
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 2).get, 6);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 2).hit, recycles ? 4 : 0);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 1).get, 0);
}

/* Raw memory and buffers of all tiers share the bound. */
static void max_idle_is_for_the_whole_pool(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	bool recycles = bpt_recycles(test, 0);
	struct bytepool *pool;

	config.max_idle = SZ_4K + SZ_2K;
	pool = bpt_pool(test, &config);
	bytepool_put(pool, bpt_get(test, pool, SZ_4K));
	bytepool_buf_release(bpt_get_buf(test, pool, SZ_2K));
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 5).idle, recycles);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 4).idle, recycles);
	bytepool_put(pool, bpt_get(test, pool, 128));
	bytepool_buf_release(bpt_get_buf(test, pool, 128));
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, 0);
}

/* Tiers that nobody uses any more kept the whole bound. */
static void idle_memory_that_rests_gives_way(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	unsigned long end = jiffies + 20 * HZ;
	struct bytepool *pool;

	if (!bpt_recycles(test, 0))
		return;
	config.max_idle = SZ_1M;
	pool = bpt_pool(test, &config);
	cycle(test, pool, SZ_1M / SZ_4K);
	KUNIT_ASSERT_EQ(test, bpt_tier(test, pool, 5).idle, SZ_1M / SZ_4K);
	do {
		bytepool_buf_release(bpt_get_buf(test, pool, SZ_2K));
		cond_resched();
	} while (!bpt_tier(test, pool, 4).hit && time_before(jiffies, end));
	KUNIT_EXPECT_GT(test, bpt_tier(test, pool, 4).hit, 0);
	KUNIT_EXPECT_LE(test,
			bpt_tier(test, pool, 5).idle * SZ_4K +
				bpt_tier(test, pool, 4).idle * SZ_2K,
			SZ_1M);
	KUNIT_EXPECT_GE(test, bpt_tier(test, pool, 5).idle, SZ_1M / SZ_4K / 2);
}

/**
 * struct hoard - what a CPU keeps that does nothing any more
 * @pool: the pool
 * @bufs: of 4 KiB, the whole bound's
 * @there: it has them
 * @end: it may go
 */
struct hoard {
	struct bytepool *pool;
	struct bytepool_buf *bufs[SZ_256K / SZ_4K];
	struct completion there;
	struct completion end;
};

static void hoard(struct bpt_crew *crew, unsigned int thread)
{
	struct hoard *hoard = crew->arg;
	int ret;

	ret = bytepool_get_bufs(hoard->pool, SZ_4K, ARRAY_SIZE(hoard->bufs),
				hoard->bufs, GFP_KERNEL);
	KUNIT_EXPECT_EQ(crew->test, ret, 0);
	bytepool_release_bufs(ARRAY_SIZE(hoard->bufs), hoard->bufs);
	complete(&hoard->there);
	wait_for_completion(&hoard->end);
}

/* It has the whole bound in its magazines, and never looks for room. */
static void idle_memory_of_a_cpu_that_rests_gives_way(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	unsigned long end = jiffies + 20 * HZ;
	struct bpt_crew crew;
	struct hoard *h;

	if (!bpt_recycles(test, 0))
		return;
	h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, h);
	config.max_idle = SZ_256K;
	h->pool = bpt_pool(test, &config);
	init_completion(&h->there);
	init_completion(&h->end);
	bpt_start(test, &crew, 1, hoard, h);
	wait_for_completion(&h->there);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, h->pool, 5).idle,
			ARRAY_SIZE(h->bufs));
	do {
		bytepool_buf_release(bpt_get_buf(test, h->pool, SZ_2K));
		cond_resched();
	} while (!bpt_tier(test, h->pool, 4).hit && time_before(jiffies, end));
	KUNIT_EXPECT_GT(test, bpt_tier(test, h->pool, 4).hit, 0);
	complete(&h->end);
	bpt_wait(&crew);
	bpt_expect_whole(test, h->pool, config.max_idle, true);
}

static void shrink_gives_all_idle_memory_back(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);
	u64 idle;

	cycle(test, pool, 200);
	bytepool_put(pool, bpt_get(test, pool, SZ_4K));
	bytepool_prefill(pool, SZ_4K, 20, GFP_KERNEL);
	idle = bpt_tier(test, pool, 0).idle;
	bpt_expect_shrink(test, pool, idle * SZ_4K);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, 0);
	KUNIT_EXPECT_EQ(test, bytepool_shrink(pool), 0);
}

static void shrink_counts_the_tiers_own_sizes(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_tier_stats tier;
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < BYTEPOOL_NR_POW2; i++) {
		size_t size = bytepool_sizes_pow2[i];

		bytepool_put(pool, bpt_get(test, pool, size));
		bytepool_buf_release(bpt_get_buf(test, pool, size));
		tier = bpt_tier(test, pool, i);
		bytes += tier.idle * tier.size;
	}
	bpt_expect_shrink(test, pool, bytes);
	for (i = 0; i < BYTEPOOL_NR_POW2; i++)
		KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, i).idle, 0);
}

/* Places that gets had emptied once kept the bound from the next prefill. */
static void prefill_again_within_an_exact_bound(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	const size_t size = SZ_4K;
	struct bytepool_buf *bufs[16];
	struct bytepool *pool;

	config.sizes = &size;
	config.nr_sizes = 1;
	config.max_idle = ARRAY_SIZE(bufs) * size;
	pool = bpt_pool(test, &config);
	KUNIT_EXPECT_EQ(test, bytepool_prefill(pool, size, 16, GFP_KERNEL), 16);
	bpt_get_bufs(test, pool, size, ARRAY_SIZE(bufs), bufs);
	KUNIT_EXPECT_EQ(test, bytepool_prefill(pool, size, 16, GFP_KERNEL), 16);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, 16);
	bytepool_release_bufs(ARRAY_SIZE(bufs), bufs);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle, 16);
}

static void shrink_leaves_what_is_in_use(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SZ_4K);
	void *mem = bpt_get(test, pool, SZ_4K);

	bpt_stamp_buf(buf, 1);
	bpt_stamp(mem, SZ_4K, 2);
	bytepool_shrink(pool);
	KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(buf, 1));
	KUNIT_EXPECT_TRUE(test, bpt_stamped(mem, SZ_4K, 2));
	KUNIT_EXPECT_EQ(test, bpt_in_use(test, pool), 2);
	bytepool_buf_release(buf);
	bytepool_put(pool, mem);
	/* And recycling goes on. */
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle,
			bpt_recycles(test, 0) ? 2 : 0);
}

static void shrink_of_an_unused_pool_gives_nothing(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);

	KUNIT_EXPECT_EQ(test, bytepool_shrink(pool), 0);
}

/* === Memory goes back, by the figures of the kernel === */

/* KASAN keeps what is freed, and a kernel that proves its locks takes minutes. */
#define FIGURES_TELL \
	(!IS_ENABLED(CONFIG_KASAN) && !IS_ENABLED(CONFIG_PROVE_LOCKING))

/* What the kernel, or the system, has given out for slab. */
static size_t slab_bytes(void)
{
	return global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B) *
	       PAGE_SIZE;
}

/* Gets up to 8 MiB of each tier, buffers and raw memory in turn, and gives all back. */
static size_t burst(struct kunit *test, struct bytepool *pool)
{
	struct bytepool_buf *bufs = NULL, *buf;
	unsigned int tier, i, nr;
	void *raw = NULL, *mem;
	size_t size, most;

	for (tier = 0; tier < BYTEPOOL_NR_POW2; tier++) {
		size = bytepool_sizes_pow2[tier];
		nr = min_t(size_t, SZ_8M / size, 4000);
		for (i = 0; i < nr; i += 2) {
			mem = bpt_get(test, pool, size);
			bpt_stamp(mem, size, 1);
			*(void **)mem = raw;
			raw = mem;
			buf = bpt_get_buf(test, pool, size);
			bpt_stamp_buf(buf, 1);
			*(void **)bytepool_buf_data(buf) = bufs;
			bufs = buf;
		}
	}
	most = slab_bytes();
	while ((mem = raw)) {
		raw = *(void **)mem;
		bytepool_put(pool, mem);
	}
	while ((buf = bufs)) {
		bufs = *(void **)bytepool_buf_data(buf);
		bytepool_buf_release(buf);
	}
	return most;
}

/* Idle memory of the larger tiers, in bytes. */
static size_t large_idle(struct kunit *test, struct bytepool *pool)
{
	struct bytepool_tier_stats tier;
	unsigned int i = BYTEPOOL_NR_POW2 / 2;
	size_t bytes = 0;

	for (; pool && i < BYTEPOOL_NR_POW2; i++) {
		tier = bpt_tier(test, pool, i);
		bytes += tier.idle * tier.size;
	}
	return bytes;
}

/* Expects the burst's memory to be back with the kernel within 10 seconds. */
static void expect_gone(struct kunit *test, struct bytepool *pool,
			size_t before, bool traffic)
{
	unsigned long end = jiffies + 10 * HZ;
	unsigned int i;

	while (time_before(jiffies, end) &&
	       (slab_bytes() > before + SZ_4M || large_idle(test, pool))) {
		for (i = 0; traffic && i < 100; i++)
			bytepool_put(pool, bpt_get(test, pool, 300));
		msleep(50);
	}
	KUNIT_EXPECT_LE(test, slab_bytes(), before + SZ_4M);
	KUNIT_EXPECT_EQ(test, large_idle(test, pool), 0);
}

static void memory_goes_back(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	size_t before = slab_bytes(), most;
	struct bytepool *pool;

	if (!FIGURES_TELL)
		return;
	config.max_idle = SZ_64K;
	pool = bpt_pool(test, &config);
	most = burst(test, pool);
	expect_gone(test, pool, before, false);
	/* Else it was not there. */
	KUNIT_EXPECT_GT(test, most, slab_bytes() + 32 * SZ_2M);
}

/* The default bound keeps much: it goes as well, although a tier is in use. */
static void memory_goes_back_beside_traffic(struct kunit *test)
{
	size_t before = slab_bytes();
	struct bytepool *pool = bpt_pow2_pool(test, 0);

	if (!FIGURES_TELL)
		return;
	burst(test, pool);
	expect_gone(test, pool, before, true);
}

/* Once the tiers in use were emptied with those that rest. */
static void memory_of_a_tier_in_use_stays(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	unsigned long end = jiffies + 20 * HZ;
	unsigned int i;
	void *mem[100];

	if (!FIGURES_TELL || !bpt_recycles(test, 0))
		return;
	for (i = 0; i < ARRAY_SIZE(mem); i++)
		mem[i] = bpt_get(test, pool, 300);
	while (i)
		bytepool_put(pool, mem[--i]);
	bytepool_put(pool, bpt_get(test, pool, SZ_4K));
	while (bpt_tier(test, pool, 5).idle && time_before(jiffies, end)) {
		bytepool_put(pool, bpt_get(test, pool, 300));
		msleep(50);
	}
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 5).idle, 0);
	/* One more if a get came while the CPU was frozen. */
	KUNIT_EXPECT_GE(test, bpt_tier(test, pool, 2).idle, 100);
}

static void memory_of_a_destroyed_pool_goes_back(struct kunit *test)
{
	size_t before = slab_bytes();
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_config config = bpt_config();

	if (!FIGURES_TELL)
		return;
	/* Another pool keeps the slab caches. */
	config.name = "kunit-other";
	bpt_pool(test, &config);
	burst(test, pool);
	bpt_destroy(test, pool);
	expect_gone(test, NULL, before, false);
}

/* Once a slab cache that was without users for a moment kept its slabs. */
static void memory_of_a_pool_made_again_goes_back(struct kunit *test)
{
	size_t before = slab_bytes();
	struct bytepool *pool;
	unsigned int i;

	if (!FIGURES_TELL)
		return;
	/* What earlier cases have left is destroyed first. */
	msleep(2500);
	pool = bpt_pow2_pool(test, 0);
	for (i = 0; i < BYTEPOOL_NR_POW2; i++)
		bytepool_put(pool, bpt_get(test, pool, bytepool_sizes_pow2[i]));
	bpt_destroy(test, pool);
	/* The work that shrinks caches finds them without users. */
	msleep(600);
	pool = bpt_pow2_pool(test, 0);
	burst(test, pool);
	expect_gone(test, pool, before, false);
}

static struct kunit_case idle_cases[] = {
	KUNIT_CASE(memory_goes_back),
	KUNIT_CASE(memory_goes_back_beside_traffic),
	KUNIT_CASE(memory_of_a_tier_in_use_stays),
	KUNIT_CASE(memory_of_a_destroyed_pool_goes_back),
	KUNIT_CASE(memory_of_a_pool_made_again_goes_back),
	KUNIT_CASE(release_makes_idle_and_get_hits),
	KUNIT_CASE(put_makes_idle_and_get_hits),
	KUNIT_CASE(idle_of_hundreds_is_found_again),
	KUNIT_CASE(prefill_makes_idle_and_get_hits),
	KUNIT_CASE(prefill_of_what_is_not_pooled_is_none),
	KUNIT_CASE(max_idle_is_exact),
	KUNIT_CASE(max_idle_budgets_prefill),
	KUNIT_CASE(max_idle_too_small_keeps_nothing),
	KUNIT_CASE(max_idle_too_small_for_tiers_in_turn),
	KUNIT_CASE(tiers_that_lie_close_recycle_their_own),
	KUNIT_CASE(max_idle_is_for_the_whole_pool),
	KUNIT_CASE(idle_memory_that_rests_gives_way),
	KUNIT_CASE(idle_memory_of_a_cpu_that_rests_gives_way),
	KUNIT_CASE(shrink_gives_all_idle_memory_back),
	KUNIT_CASE(shrink_counts_the_tiers_own_sizes),
	KUNIT_CASE(prefill_again_within_an_exact_bound),
	KUNIT_CASE(shrink_leaves_what_is_in_use),
	KUNIT_CASE(shrink_of_an_unused_pool_gives_nothing),
	{}
};

struct kunit_suite bpt_idle_suite = {
	.name = "bytepool_idle",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = idle_cases,
};

/* === The limit === */

static void limit_is_exact(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, 10 * SZ_4K);
	struct bytepool_buf *buf[10];
	unsigned int round, i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 10; i++)
			buf[i] = bpt_get_buf(test, pool, SZ_4K);
		KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 1, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, bytepool_get(pool, 1, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, bytepool_get(pool, SZ_4M, GFP_KERNEL));
		while (i)
			bytepool_buf_release(buf[--i]);
	}
}

static void limit_counts_capacity(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, 256);
	void *mem = bpt_get(test, pool, 1);

	/* 128 bytes are left, whatever was asked for. */
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, 129, GFP_KERNEL));
	bytepool_put(pool, bpt_get(test, pool, 128));
	bytepool_put(pool, mem);
	bytepool_put(pool, bpt_get(test, pool, 129));
}

static void limit_is_for_raw_memory_and_buffers_together(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, 2 * SZ_4K);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SZ_4K);
	void *mem = bpt_get(test, pool, SZ_4K);

	KUNIT_EXPECT_NULL(test, bytepool_get(pool, 1, GFP_KERNEL));
	bytepool_buf_release(buf);
	bytepool_put(pool, bpt_get(test, pool, SZ_4K));
	buf = bpt_get_buf(test, pool, SZ_4K);
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 1, GFP_KERNEL));
	bytepool_put(pool, mem);
	bytepool_buf_release(bpt_get_buf(test, pool, SZ_4K));
	bytepool_buf_release(buf);
}

static void limit_includes_memory_larger_than_the_tiers(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SZ_4M + 64);
	void *mem = bpt_get(test, pool, SZ_2M + 1);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SZ_2M - 64);

	KUNIT_EXPECT_NULL(test, bytepool_get(pool, SZ_2M + 1, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, 1, GFP_KERNEL));
	bytepool_put(pool, mem);
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, SZ_2M + 65, GFP_KERNEL));
	bytepool_buf_release(bpt_get_buf(test, pool, SZ_2M + 64));
	bytepool_buf_release(buf);
}

static void limit_counts_a_shared_buffer_once(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, 2 * SZ_4K);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SZ_4K);
	struct bytepool_view view = bytepool_buf_bytes(buf);

	bytepool_buf_release(buf);
	buf = bpt_get_buf(test, pool, SZ_4K);
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 1, GFP_KERNEL));
	bytepool_view_release(&view);
	bytepool_buf_release(bpt_get_buf(test, pool, SZ_4K));
	bytepool_buf_release(buf);
}

static void limit_smaller_than_a_tier_fails_its_gets(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, 127);

	KUNIT_EXPECT_NULL(test, bytepool_get(pool, 1, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 1, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, INT_MAX, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).fail, 3);
}

static void limit_does_not_count_idle_memory(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, 2 * SZ_4K);
	struct bytepool_buf *bufs[2];

	bytepool_prefill(pool, SZ_4K, 2, GFP_KERNEL);
	bytepool_put(pool, bpt_get(test, pool, SZ_4K));
	bpt_get_bufs(test, pool, SZ_4K, 2, bufs);
	bytepool_release_bufs(2, bufs);
}

static void limit_absurdly_large_is_none(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE_MAX);

	bytepool_put(pool, bpt_get(test, pool, SZ_4M));
	bytepool_put(pool, bpt_get(test, pool, 1));
}

static struct kunit_case limit_cases[] = {
	KUNIT_CASE(limit_is_exact),
	KUNIT_CASE(limit_counts_capacity),
	KUNIT_CASE(limit_is_for_raw_memory_and_buffers_together),
	KUNIT_CASE(limit_includes_memory_larger_than_the_tiers),
	KUNIT_CASE(limit_counts_a_shared_buffer_once),
	KUNIT_CASE(limit_smaller_than_a_tier_fails_its_gets),
	KUNIT_CASE(limit_does_not_count_idle_memory),
	KUNIT_CASE(limit_absurdly_large_is_none),
	{}
};

struct kunit_suite bpt_limit_suite = {
	.name = "bytepool_limit",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = limit_cases,
};
