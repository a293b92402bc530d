// SPDX-License-Identifier: GPL-2.0
/* bytepool test cases - the reserve */
#include <linux/completion.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "cases.h"

#define SIZE   SZ_4K
#define BUFS   4
#define FAILS  (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)
#define ATOMIC (GFP_ATOMIC | __GFP_NOWARN)

/*
 * A pool of one tier, whose limit is its reserve: all other allocation fails, in
 * every kernel.
 */
static struct bytepool *reserve_pool(struct kunit *test, unsigned int flags)
{
	static const size_t size = SIZE;
	struct bytepool_config config = bpt_config();

	config.sizes = &size;
	config.nr_sizes = 1;
	config.flags = flags;
	config.limit = BUFS * SIZE;
	config.reserve = BUFS;
	return bpt_pool(test, &config);
}

static void expect_reserve(struct kunit *test, struct bytepool *pool, u64 nr)
{
	struct bytepool_tier_stats tier = bpt_tier(test, pool, 0);

	KUNIT_EXPECT_EQ(test, tier.reserve, nr);
	KUNIT_EXPECT_EQ(test, tier.idle, 0);
}

/* Wait until so many threads and waiters wait for a pool. */
static void await_waiting(struct bytepool *pool, u64 nr)
{
	while (bpt_stats(pool).waiting != nr)
		cond_resched();
}

static void reserve_serves_where_all_else_fails(struct kunit *test)
{
	struct bytepool *pool = reserve_pool(test, 0);
	struct bytepool_buf *bufs[BUFS];
	unsigned int i;

	expect_reserve(test, pool, BUFS);
	for (i = 0; i < BUFS; i++) {
		bufs[i] = bytepool_get_buf(pool, SIZE, i % 2 ? ATOMIC : FAILS);
		KUNIT_ASSERT_NOT_NULL(test, bufs[i]);
		bpt_stamp_buf(bufs[i], i);
	}
	expect_reserve(test, pool, 0);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).reserve_get, BUFS);
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 1, FAILS));
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 1, ATOMIC));
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 1,
						 GFP_NOIO | __GFP_NOWARN |
							 __GFP_RETRY_MAYFAIL));
	for (i = 0; i < BUFS; i++) {
		KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(bufs[i], i));
		bytepool_buf_release(bufs[i]);
		expect_reserve(test, pool, i + 1);
	}
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).fail, 3);
}

/* Raw memory has none, and does not take it from those who have. */
static void reserve_is_not_for_raw_memory(struct kunit *test)
{
	struct bytepool *pool = reserve_pool(test, 0);

	KUNIT_EXPECT_NULL(test, bytepool_get(pool, SIZE, FAILS));
	expect_reserve(test, pool, BUFS);
}

struct released {
	struct bytepool *pool;
	struct bytepool_buf *bufs[BUFS];
};

static void release_all(struct bpt_crew *crew, unsigned int thread)
{
	struct released *released = crew->arg;
	unsigned int i;

	for (i = 0; i < BUFS; i++)
		bytepool_buf_release(released->bufs[i]);
}

/* However it comes back, nothing becomes idle in the magazine of a CPU. */
static void reserve_is_refilled_in_any_context(struct kunit *test)
{
	struct released released = { .pool = reserve_pool(test, 0) };
	struct bytepool *pool = released.pool;
	unsigned long flags;
	unsigned int i;

	bpt_get_bufs(test, pool, SIZE, BUFS, released.bufs);
	bpt_run(test, 1, release_all, &released);
	expect_reserve(test, pool, BUFS);

	bpt_get_bufs(test, pool, SIZE, BUFS, released.bufs);
	local_irq_save(flags);
	for (i = 0; i < BUFS; i++)
		bytepool_buf_release(released.bufs[i]);
	local_irq_restore(flags);
	expect_reserve(test, pool, BUFS);

	bpt_get_bufs(test, pool, SIZE, BUFS, released.bufs);
	for (i = 0; i < BUFS; i++) {
		struct bytepool_view view =
			bytepool_buf_bytes(released.bufs[i]);

		bytepool_buf_release(released.bufs[i]);
		expect_reserve(test, pool, i);
		bytepool_view_release(&view);
	}
	expect_reserve(test, pool, BUFS);
}

static void reserve_stays_when_memory_goes_back(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool *pool;

	config.reserve = 2;
	config.max_idle = 1;
	pool = bpt_pool(test, &config);
	bytepool_buf_release(bpt_get_buf(test, pool, SIZE));
	bytepool_shrink(pool);
	KUNIT_EXPECT_EQ(test, bytepool_shrink(pool), 0);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).reserve, 2);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 14).reserve, 2);
}

static void reserve_can_be_set(struct kunit *test)
{
	struct bytepool *pool = reserve_pool(test, 0);
	struct bytepool_buf *bufs[BUFS];

	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, 0, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SIZE + 1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, 1, BUFS + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, 1, UINT_MAX), -EINVAL);
	expect_reserve(test, pool, BUFS);

	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, 1, BUFS), 0);
	expect_reserve(test, pool, BUFS);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, 1, 1), 0);
	expect_reserve(test, pool, 1);
	/* What the reserve gave up is room in the limit. */
	bpt_get_bufs(test, pool, SIZE, BUFS - 1, bufs);
	expect_reserve(test, pool, 1);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, 1, 2), -ENOMEM);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).reserve_want, 1);
	bufs[BUFS - 1] = bpt_get_buf(test, pool, SIZE);
	expect_reserve(test, pool, 0);

	/* What is out when the reserve is cut comes back as any other does. */
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, 1, 0), 0);
	bytepool_release_bufs(BUFS, bufs);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).reserve, 0);
	bpt_get_bufs(test, pool, SIZE, BUFS, bufs);
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 1, FAILS));
	bytepool_release_bufs(BUFS, bufs);
}

static void reserve_past_the_limit_is_refused(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool *pool;

	config.reserve = 1;
	config.limit = SZ_4M - 129;
	pool = bytepool_create(&config);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(pool), -EINVAL);
	bytepool_destroy(pool);
	config.limit = SZ_4M - 128;
	bpt_pool(test, &config);
}

/* Both together: the limit is exact, whichever way a buffer was got. */
static void reserve_is_part_of_the_limit(struct kunit *test)
{
	static const size_t size = SIZE;
	struct bytepool_config config = bpt_config();
	struct bytepool_buf *bufs[10];
	struct bytepool *pool;
	unsigned int i, round;

	config.sizes = &size;
	config.nr_sizes = 1;
	config.limit = ARRAY_SIZE(bufs) * SIZE;
	config.reserve = 3;
	pool = bpt_pool(test, &config);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < ARRAY_SIZE(bufs); i++)
			bufs[i] = bpt_get_buf(test, pool, 1);
		KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 1, FAILS));
		/* Not in the order in which they came. */
		for (i = 0; i < ARRAY_SIZE(bufs); i++)
			bytepool_buf_release(bufs[i * 7 % ARRAY_SIZE(bufs)]);
		KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).reserve, 3);
	}
}

static void reserve_content(struct kunit *test)
{
	static const unsigned int flags[] = {
		BYTEPOOL_ZERO,
		BYTEPOOL_WIPE,
		BYTEPOOL_RCU,
		BYTEPOOL_CHECK,
		BYTEPOOL_CHECK | BYTEPOOL_RCU | BYTEPOOL_WIPE,
	};
	struct bytepool_buf *bufs[BUFS], *buf;
	struct bytepool *pool;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		pool = reserve_pool(test, flags[i]);
		for (j = 0; j < 3; j++) {
			bpt_get_bufs(test, pool, SIZE - 1, BUFS, bufs);
			KUNIT_EXPECT_EQ(test, bytepool_buf_len(bufs[0]),
					SIZE - 1);
			bpt_stamp_buf(bufs[0], 0x77);
			bytepool_release_bufs(BUFS, bufs);
			expect_reserve(test, pool, BUFS);
		}
		buf = bytepool_get_buf(pool, SIZE, FAILS | __GFP_ZERO);
		KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(buf, 0));
		bytepool_buf_release(buf);
		bpt_destroy(test, pool);
	}
}

static void release_twice_of_the_reserve_is_refused(struct kunit *test)
{
	struct bytepool *pool = reserve_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 1);

	bytepool_buf_release(buf);
	bytepool_buf_release(buf);
	bpt_expect_misuse(test, pool, 1);
	expect_reserve(test, pool, BUFS);
}

/* === Who sleeps === */

struct getter {
	struct bytepool *pool;
	unsigned int nr;
	atomic_t served;
};

static void get_and_release(struct bpt_crew *crew, unsigned int thread)
{
	struct getter *getter = crew->arg;
	struct bytepool_buf *bufs[BUFS];

	KUNIT_EXPECT_EQ(crew->test,
			bytepool_get_bufs(getter->pool, SIZE, getter->nr, bufs,
					  GFP_NOIO),
			0);
	atomic_inc(&getter->served);
	bytepool_release_bufs(getter->nr, bufs);
}

/* A queue that is stuck once all of its reserve is out. */
static void get_waits_for_the_reserve(struct kunit *test)
{
	struct getter getter = { .pool = reserve_pool(test, 0), .nr = 1 };
	struct bytepool_buf *bufs[BUFS];
	struct bpt_crew crew;

	bpt_get_bufs(test, getter.pool, SIZE, BUFS, bufs);
	bpt_start(test, &crew, 2, get_and_release, &getter);
	await_waiting(getter.pool, 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&getter.served), 0);
	bytepool_buf_release(bufs[0]);
	bpt_wait(&crew);
	KUNIT_EXPECT_EQ(test, atomic_read(&getter.served), 2);
	KUNIT_EXPECT_EQ(test, bpt_stats(getter.pool).waiting, 0);
	KUNIT_EXPECT_EQ(test, bpt_stats(getter.pool).slept, 2);
	bytepool_release_bufs(BUFS - 1, bufs + 1);
	expect_reserve(test, getter.pool, BUFS);
}

/*
 * Several that want all of the reserve at once: taken one by one, each would have
 * some, and none would go on.
 */
static void bulk_gets_share_a_reserve(struct kunit *test)
{
	struct getter getter = { .pool = reserve_pool(test, 0), .nr = BUFS };
	struct bytepool_buf *bufs[BUFS];
	struct bpt_crew crew;
	unsigned int i;

	for (i = 0; i < 50; i++) {
		bpt_get_bufs(test, getter.pool, SIZE, BUFS, bufs);
		bpt_start(test, &crew, bpt_nr_threads(), get_and_release,
			  &getter);
		bytepool_release_bufs(BUFS, bufs);
		bpt_wait(&crew);
		expect_reserve(test, getter.pool, BUFS);
	}
}

/* 256 pages wanted of a reserve of 32: told at once, and nothing is held. */
static void bulk_get_past_the_reserve_fails(struct kunit *test)
{
	struct bytepool *pool = reserve_pool(test, 0);
	struct bytepool_buf *bufs[BUFS + 1];
	int ret;

	ret = bytepool_get_bufs(pool, SIZE, BUFS + 1, bufs, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	KUNIT_EXPECT_NULL(test, bufs[0]);
	expect_reserve(test, pool, BUFS);
}

/* Buffers that are out as a pool gets its first reserve are of the plain kind. */
static void reserve_finds_what_was_out_before(struct kunit *test)
{
	static const size_t size = SIZE;
	struct bytepool_config config = bpt_config();
	struct released released;
	struct bytepool_buf *bufs[BUFS];
	struct bytepool *pool;
	unsigned int i;

	config.sizes = &size;
	config.nr_sizes = 1;
	pool = bpt_pool(test, &config);
	bpt_get_bufs(test, pool, SIZE, BUFS, released.bufs);
	KUNIT_ASSERT_EQ(test, bytepool_reserve(pool, SIZE, BUFS), 0);
	bpt_run(test, 1, release_all, &released);
	/* Twice: they were upgraded as they were issued again. */
	for (i = 0; i < 2; i++) {
		bpt_get_bufs(test, pool, SIZE, BUFS, bufs);
		bytepool_release_bufs(BUFS, bufs);
	}
	bytepool_shrink(pool);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).reserve, BUFS);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SIZE, 0), 0);
}

static void reserve_goes_with_the_pool(struct kunit *test)
{
	struct bytepool *pool = reserve_pool(test, 0);
	struct bytepool_buf *bufs[2];

	bpt_get_bufs(test, pool, SIZE, 2, bufs);
	bpt_destroy(test, pool);
	bpt_stamp_buf(bufs[0], 1);
	bytepool_release_bufs(2, bufs);
}

/* Gets, bulk gets, and somebody who changes the reserve all the time. */
static void churn(struct bpt_crew *crew, unsigned int thread)
{
	struct bytepool *pool = crew->arg;
	struct bytepool_buf *bufs[BUFS];
	unsigned int i, nr;
	int ret;

	for (i = 0; i < BPT_ROUNDS; i++) {
		nr = 1 + (i + thread) % 2;
		if (!thread && i % 8 == 0) {
			ret = bytepool_reserve(pool, SIZE, 2 + i / 8 % 3);
			KUNIT_EXPECT_TRUE(crew->test, !ret || ret == -ENOMEM);
			continue;
		}
		ret = bytepool_get_bufs(pool, SIZE, nr, bufs, GFP_KERNEL);
		KUNIT_EXPECT_EQ(crew->test, ret, 0);
		if (ret)
			continue;
		bpt_stamp_buf(bufs[0], thread);
		cond_resched();
		KUNIT_EXPECT_TRUE(crew->test, bpt_buf_stamped(bufs[0], thread));
		bytepool_release_bufs(nr, bufs);
	}
}

static void reserve_churn(struct kunit *test)
{
	struct bytepool *pool = reserve_pool(test, 0);

	bpt_run(test, bpt_nr_threads(), churn, pool);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pool, SIZE, BUFS), 0);
	bytepool_shrink(pool);
	expect_reserve(test, pool, BUFS);
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, SIZE, FAILS));
}

static struct kunit_case reserve_cases[] = {
	KUNIT_CASE(reserve_serves_where_all_else_fails),
	KUNIT_CASE(reserve_is_not_for_raw_memory),
	KUNIT_CASE(reserve_is_refilled_in_any_context),
	KUNIT_CASE(reserve_stays_when_memory_goes_back),
	KUNIT_CASE(reserve_can_be_set),
	KUNIT_CASE(reserve_past_the_limit_is_refused),
	KUNIT_CASE(reserve_is_part_of_the_limit),
	KUNIT_CASE(reserve_content),
	KUNIT_CASE(release_twice_of_the_reserve_is_refused),
	KUNIT_CASE(get_waits_for_the_reserve),
	KUNIT_CASE(bulk_gets_share_a_reserve),
	KUNIT_CASE(bulk_get_past_the_reserve_fails),
	KUNIT_CASE(reserve_finds_what_was_out_before),
	KUNIT_CASE(reserve_goes_with_the_pool),
	KUNIT_CASE(reserve_churn),
	{}
};

struct kunit_suite bpt_reserve_suite = {
	.name = "bytepool_reserve",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = reserve_cases,
};
