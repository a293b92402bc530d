// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool test cases - what is no use of a pool: refused, reported, counted,
 * and no memory has two owners afterwards
 */
#include <linux/limits.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "cases.h"

/* Gets many buffers and expects each to have its memory for itself. */
static void expect_one_owner(struct kunit *test, struct bytepool *pool,
			     size_t len)
{
	struct bytepool_buf *buf[8];
	void *mem[8];
	unsigned int i;

	for (i = 0; i < 8; i++) {
		buf[i] = bpt_get_buf(test, pool, len);
		mem[i] = bpt_get(test, pool, len);
		bpt_stamp_buf(buf[i], i);
		bpt_stamp(mem[i], len, ~i);
	}
	for (i = 0; i < 8; i++) {
		KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf[i]), 1);
		KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(buf[i], i));
		KUNIT_EXPECT_TRUE(test, bpt_stamped(mem[i], len, ~i));
		bytepool_buf_release(buf[i]);
		bytepool_put(pool, mem[i]);
	}
}

/* === Buffers === */

static void release_twice_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);

	bytepool_buf_release(buf);
	bytepool_buf_release(buf);
	bpt_expect_misuse(test, pool, 1);
	bytepool_buf_release(buf);
	bpt_expect_misuse(test, pool, 2);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).put, 1);
	expect_one_owner(test, pool, 100);
}

static void release_twice_beyond_the_tiers_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 1024, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 5000);

	bytepool_buf_release(buf);
	bytepool_buf_release(buf);
	bpt_expect_misuse(test, pool, 1);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).oversize_in_use, 0);
	expect_one_owner(test, pool, 1024);
}

static void release_of_one_too_many_references(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);
	struct bytepool_view view = bytepool_buf_bytes(buf);

	bytepool_buf_release(buf);
	bytepool_buf_release(buf);
	bpt_expect_misuse(test, pool, 0);
	/* The view still believes that it holds the buffer. */
	bytepool_view_release(&view);
	bpt_expect_misuse(test, pool, 1);
	expect_one_owner(test, pool, 100);
}

/*
 * Where the handle has been issued again, the first releaser goes unnoticed
 * and the rightful owner is told; where it rests, the first one is.
 */
static void release_after_reuse_is_noticed_once(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *first = bpt_get_buf(test, pool, 100);
	struct bytepool_buf *second;

	bytepool_buf_release(first);
	second = bpt_get_buf(test, pool, 100);
	bytepool_buf_release(first);
	bytepool_buf_release(second);
	bpt_expect_misuse(test, pool, 1);
	expect_one_owner(test, pool, 100);
}

/*
 * A shrink once gave the handles back to slab with their payloads, and the
 * second release wrote to whatever was there by then.
 */
static void release_twice_is_refused_after_a_shrink(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_1K, 0);
	struct bytepool_buf *bufs[32];
	unsigned int i;

	bpt_get_bufs(test, pool, SZ_1K, ARRAY_SIZE(bufs), bufs);
	bytepool_release_bufs(ARRAY_SIZE(bufs), bufs);
	bytepool_shrink(pool);
	for (i = 0; i < ARRAY_SIZE(bufs); i++) {
		KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(bufs[i]), 0);
		bytepool_buf_release(bufs[i]);
	}
	bpt_expect_misuse(test, pool, ARRAY_SIZE(bufs));
}

static void retain_of_a_dead_buffer_is_null(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);

	bytepool_buf_release(buf);
	KUNIT_EXPECT_NULL(test, bytepool_buf_retain(buf));
	bpt_expect_misuse(test, pool, 1);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 0);
	expect_one_owner(test, pool, 100);
}

static void view_of_a_dead_buffer_is_none(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);
	struct bytepool_view view;

	bytepool_buf_release(buf);
	view = bytepool_buf_bytes(buf);
	KUNIT_EXPECT_NULL(test, view.buf);
	view = bytepool_buf_slice(buf, 0, 10);
	KUNIT_EXPECT_NULL(test, view.buf);
	bpt_expect_misuse(test, pool, 2);
	expect_one_owner(test, pool, 100);
}

static void release_bufs_of_dead_buffers_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *bufs[4];

	bpt_get_bufs(test, pool, 100, 4, bufs);
	bytepool_release_bufs(4, bufs);
	bytepool_release_bufs(4, bufs);
	bpt_expect_misuse(test, pool, 4);
	expect_one_owner(test, pool, 100);
}

static void tryretain_without_rcu_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);

	KUNIT_EXPECT_FALSE(test, bytepool_buf_tryretain(buf));
	bpt_expect_misuse(test, pool, 1);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 1);
	bytepool_buf_release(buf);
}

/* === No pool at all: nothing is served, and nothing breaks === */

static void expect_no_service(struct kunit *test, struct bytepool *no_pool)
{
	struct bytepool_buf *bufs[2] = { ERR_PTR(-EINVAL), ERR_PTR(-EINVAL) };
	int ret;

	KUNIT_EXPECT_NULL(test, bytepool_get(no_pool, 100, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(no_pool, 100, GFP_KERNEL));
	ret = bytepool_get_bufs(no_pool, 100, 2, bufs, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	KUNIT_EXPECT_NULL(test, bufs[0]);
	KUNIT_EXPECT_NULL(test, bufs[1]);
	KUNIT_EXPECT_EQ(test, bytepool_prefill(no_pool, 100, 1, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, bytepool_shrink(no_pool), 0);
	KUNIT_EXPECT_EQ(test, bytepool_size_roundup(no_pool, 100), 0);
	KUNIT_EXPECT_EQ(test, bytepool_discarded(no_pool), 0);
	KUNIT_EXPECT_EQ(test, bytepool_sizes(no_pool, NULL, 0), 0);
}

static void use_of_no_pool_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_1K, 0);
	void *mem = bpt_get(test, pool, 100);

	expect_no_service(test, NULL);
	expect_no_service(test, ERR_PTR(-ENOMEM));
	bytepool_put(NULL, mem);
	bytepool_put(ERR_PTR(-ENOMEM), mem);
	KUNIT_EXPECT_EQ(test, bpt_in_use(test, pool), 1);
	bytepool_put(pool, mem);
}

static void stats_of_no_pool_are_zero(struct kunit *test)
{
	struct bytepool_tier_stats tier;
	struct bytepool_stats stats;
	size_t len;

	memset(&stats, 0xa5, sizeof(stats));
	bytepool_get_stats(NULL, &stats);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(&stats, sizeof(stats), 0));
	KUNIT_EXPECT_EQ(test, bytepool_get_tier_stats(NULL, 0, &tier), -EINVAL);
	KUNIT_EXPECT_EQ(test, bytepool_recent_lengths(NULL, &len, 1), 0);
}

/* === Raw memory that was never the pool's === */

static u64 static_memory[SZ_1K / sizeof(u64)] __aligned(SZ_1K);

/* Tries to put something, and expects that to be refused. */
static void expect_put_refused(struct kunit *test, struct bytepool *pool,
			       void *mem)
{
	u64 misuse = bpt_stats(pool).misuse;

	bytepool_put(pool, mem);
	bpt_expect_misuse(test, pool, misuse + 1);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).total_put, 0);
}

static void put_of_static_memory_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_1K, 0);

	expect_put_refused(test, pool, static_memory);
	expect_put_refused(test, pool, (void *)bytepool_sizes_pow2);
	expect_put_refused(test, pool, (void *)"a string");
	expect_one_owner(test, pool, SZ_1K);
}

static void put_of_the_stack_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 64, 0);
	u8 stack[128] __aligned(64) = {};

	expect_put_refused(test, pool, stack);
	expect_one_owner(test, pool, 64);
}

static void put_of_vmalloc_memory_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, BYTEPOOL_VMALLOC);
	void *mem = vmalloc(SZ_4K);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	expect_put_refused(test, pool, mem);
	bpt_stamp(mem, SZ_4K, 1);
	vfree(mem);
	expect_one_owner(test, pool, SZ_4K);
}

static void put_of_a_size_of_no_tier_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);
	static const size_t sizes[] = { 8, 128, 2048, SZ_8K, SZ_16K, SZ_64K };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *mem = kmalloc(sizes[i], GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, mem);
		expect_put_refused(test, pool, mem);
		bpt_stamp(mem, sizes[i], 1);
		kfree(mem);
	}
	expect_one_owner(test, pool, SZ_4K);
}

static void put_of_no_address_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);

	expect_put_refused(test, pool, (void *)8);
	expect_put_refused(test, pool, ERR_PTR(-ENOMEM));
	expect_put_refused(test, pool, (void *)(ULONG_MAX / 3));
	expect_one_owner(test, pool, SZ_4K);
}

static void put_of_a_misaligned_address_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);
	void *mem = bpt_get(test, pool, SZ_4K);

	expect_put_refused(test, pool, mem + 1);
	expect_put_refused(test, pool, mem + 4);
	expect_put_refused(test, pool, mem + 8);
	KUNIT_EXPECT_EQ(test, bpt_in_use(test, pool), 1);
	bytepool_put(pool, mem);
	expect_one_owner(test, pool, SZ_4K);
}

/* === Raw memory that was put already: marked while it is idle === */

static void put_twice_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_stats stats;
	size_t size;
	unsigned int i;
	void *mem;

	/* Slab judges what comes back. */
	if (!bpt_recycles(test, 0))
		return;
	for (i = 0; i < bpt_stats(pool).nr_tiers; i++) {
		size = bpt_tier(test, pool, i).size;
		mem = bpt_get(test, pool, size);
		bytepool_put(pool, mem);
		bytepool_put(pool, mem);
		bytepool_put(pool, mem);
		bpt_expect_misuse(test, pool, 2 * (i + 1));
		KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, i).put, 1);
	}
	stats = bpt_stats(pool);
	KUNIT_EXPECT_EQ(test, stats.total_put, stats.nr_tiers);
	expect_one_owner(test, pool, 100);
}

/* Others come back in between, fill magazines, and the depot. */
static void put_twice_is_refused_after_others(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	unsigned int i, nr = 500;
	void **mem;

	/* Slab judges what comes back. */
	if (!bpt_recycles(test, 0))
		return;
	mem = kunit_kzalloc(test, nr * sizeof(*mem), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	for (i = 0; i < nr; i++)
		mem[i] = bpt_get(test, pool, 1000);
	for (i = 0; i < nr; i++)
		bytepool_put(pool, mem[i]);
	for (i = 0; i < nr; i++)
		bytepool_put(pool, mem[i]);
	bpt_expect_misuse(test, pool, nr);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 3).put, nr);
	expect_one_owner(test, pool, 1000);
}

/* What is marked while idle is none of its next owner's business. */
static void content_is_the_owners(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	u8 *mem = bpt_get(test, pool, 100);
	unsigned int i;

	for (i = 0; i < 3; i++) {
		bpt_stamp(mem, 100, 0xa5);
		bytepool_put(pool, mem);
		mem = bytepool_get(pool, 100, GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(test, mem);
		KUNIT_EXPECT_TRUE(test,
				  bpt_stamped(mem, bpt_capacity(pool, 100, 128),
					      0));
	}
	/* A stale copy of idle memory is no mark elsewhere. */
	bytepool_put(pool, mem);
	mem = bpt_get(test, pool, 100);
	bytepool_put(pool, mem);
	bpt_expect_misuse(test, pool, 0);
}

/*
 * What is charged to the limit tells, too: it once fell below 0 by a second
 * put, and the pool served nothing any more.
 */
static void put_twice_leaves_the_limit_whole(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool *pool;
	unsigned int i;
	void *mem;

	config.limit = SZ_1M;
	pool = bpt_pool(test, &config);
	/* Slab judges what comes back. */
	if (!bpt_recycles(test, 0))
		return;
	mem = bpt_get(test, pool, SZ_4K);
	bytepool_put(pool, mem);
	for (i = 0; i < 4; i++)
		bytepool_put(pool, mem);
	bpt_expect_misuse(test, pool, 4);
	mem = bpt_get(test, pool, SZ_1M);
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, 1, GFP_KERNEL));
	bytepool_put(pool, mem);
	expect_one_owner(test, pool, SZ_4K);
}

/* Of a tier's cache, but never charged to this pool's limit. */
static void put_of_what_the_limit_does_not_know(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool *pool, *other;
	void *mem, *own;

	other = bpt_pool(test, &config);
	config.name = "kunit-limited";
	config.limit = SZ_1M;
	pool = bpt_pool(test, &config);
	own = bpt_get(test, pool, 128);
	mem = bpt_get(test, other, SZ_4K);
	bpt_stamp(mem, SZ_4K, 1);
	expect_put_refused(test, pool, mem);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(mem, SZ_4K, 1));
	bytepool_put(other, mem);
	bytepool_put(pool, own);
	own = bpt_get(test, pool, SZ_1M);
	bytepool_put(pool, own);
}

/* === Raw memory beyond the tiers: known by its address, always === */

static void put_twice_beyond_the_tiers_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);
	void *mem = bpt_get(test, pool, 2 * KMALLOC_MAX_SIZE);

	bytepool_put(pool, mem);
	expect_put_refused(test, pool, mem);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).oversize_in_use, 0);
}

static void put_into_another_pool_beyond_the_tiers(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool *pool = bpt_pool(test, &config);
	void *mem = bpt_get(test, pool, SZ_2M + 1);
	struct bytepool *other;

	config.name = "kunit-other";
	other = bpt_pool(test, &config);
	expect_put_refused(test, other, mem);
	bpt_stamp(mem, SZ_2M, 1);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).oversize_in_use, 1);
	bytepool_put(pool, mem);
}

/* Its tier and cache are the same, but that pool has nothing out. */
static void put_into_a_pool_that_served_none(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool *pool = bpt_pool(test, &config);
	void *mem = bpt_get(test, pool, SZ_4K);

	config.name = "kunit-other";
	expect_put_refused(test, bpt_pool(test, &config), mem);
	bytepool_put(pool, mem);
	KUNIT_EXPECT_EQ(test, bpt_in_use(test, pool), 0);
}

static void put_of_an_interior_address_beyond_the_tiers(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);
	void *mem = bpt_get(test, pool, SZ_64K + 1);

	expect_put_refused(test, pool, mem + 64);
	expect_put_refused(test, pool, mem + SZ_4K);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).oversize_in_use, 1);
	bytepool_put(pool, mem);
}

/* The payload of a buffer is no raw memory. */
static void put_of_a_payload_beyond_the_tiers(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_4K, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SZ_64K + 1);

	expect_put_refused(test, pool, bytepool_buf_data(buf));
	bpt_stamp_buf(buf, 1);
	bytepool_buf_release(buf);
}

static struct kunit_case misuse_cases[] = {
	KUNIT_CASE(release_twice_is_refused),
	KUNIT_CASE(release_twice_beyond_the_tiers_is_refused),
	KUNIT_CASE(release_of_one_too_many_references),
	KUNIT_CASE(release_after_reuse_is_noticed_once),
	KUNIT_CASE(release_twice_is_refused_after_a_shrink),
	KUNIT_CASE(retain_of_a_dead_buffer_is_null),
	KUNIT_CASE(view_of_a_dead_buffer_is_none),
	KUNIT_CASE(release_bufs_of_dead_buffers_is_refused),
	KUNIT_CASE(tryretain_without_rcu_is_refused),
	KUNIT_CASE(use_of_no_pool_is_refused),
	KUNIT_CASE(stats_of_no_pool_are_zero),
	KUNIT_CASE(put_of_static_memory_is_refused),
	KUNIT_CASE(put_of_the_stack_is_refused),
	KUNIT_CASE(put_of_vmalloc_memory_is_refused),
	KUNIT_CASE(put_of_a_size_of_no_tier_is_refused),
	KUNIT_CASE(put_of_no_address_is_refused),
	KUNIT_CASE(put_of_a_misaligned_address_is_refused),
	KUNIT_CASE(put_twice_is_refused),
	KUNIT_CASE(put_twice_is_refused_after_others),
	KUNIT_CASE(content_is_the_owners),
	KUNIT_CASE(put_twice_leaves_the_limit_whole),
	KUNIT_CASE(put_of_what_the_limit_does_not_know),
	KUNIT_CASE(put_twice_beyond_the_tiers_is_refused),
	KUNIT_CASE(put_into_another_pool_beyond_the_tiers),
	KUNIT_CASE(put_into_a_pool_that_served_none),
	KUNIT_CASE(put_of_an_interior_address_beyond_the_tiers),
	KUNIT_CASE(put_of_a_payload_beyond_the_tiers),
	{}
};

struct kunit_suite bpt_misuse_suite = {
	.name = "bytepool_misuse",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = misuse_cases,
};

/* === With every check there is === */

static struct bytepool *checked_pool(struct kunit *test)
{
	return bpt_tier_pool(test, SZ_1K, BYTEPOOL_CHECK);
}

static void check_put_twice_is_refused(struct kunit *test)
{
	struct bytepool *pool = checked_pool(test);
	void *mem = bpt_get(test, pool, SZ_1K);

	bytepool_put(pool, mem);
	bytepool_put(pool, mem);
	bpt_expect_misuse(test, pool, 1);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).put, 1);
	expect_one_owner(test, pool, SZ_1K);
}

static void check_put_of_an_interior_address_is_refused(struct kunit *test)
{
	struct bytepool *pool = checked_pool(test);
	void *mem = bpt_get(test, pool, SZ_1K);

	expect_put_refused(test, pool, mem + 64);
	expect_put_refused(test, pool, mem + 512);
	expect_put_refused(test, pool, mem + SZ_1K - 8);
	bytepool_put(pool, mem);
	expect_one_owner(test, pool, SZ_1K);
}

static void check_put_into_another_pool_is_refused(struct kunit *test)
{
	size_t size = SZ_1K;
	struct bytepool_config config = {
		.name = "kunit-other",
		.sizes = &size,
		.nr_sizes = 1,
		.flags = BYTEPOOL_CHECK,
	};
	struct bytepool *pool = checked_pool(test);
	struct bytepool *other = bpt_pool(test, &config);
	void *mem = bpt_get(test, pool, SZ_1K);

	expect_put_refused(test, other, mem);
	bpt_stamp(mem, SZ_1K, 1);
	bytepool_put(pool, mem);
	expect_one_owner(test, pool, SZ_1K);
	expect_one_owner(test, other, SZ_1K);
}

static void check_put_of_a_strangers_object_is_refused(struct kunit *test)
{
	struct bytepool *pool = checked_pool(test);
	void *mem = kmalloc(SZ_1K, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	expect_put_refused(test, pool, mem);
	bpt_stamp(mem, SZ_1K, 1);
	kfree(mem);
	expect_one_owner(test, pool, SZ_1K);
}

static void check_put_of_a_payload_is_refused(struct kunit *test)
{
	struct bytepool *pool = checked_pool(test);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SZ_1K);

	expect_put_refused(test, pool, bytepool_buf_data(buf));
	bpt_stamp_buf(buf, 1);
	bytepool_buf_release(buf);
	expect_one_owner(test, pool, SZ_1K);
}

static void check_handles_rest_before_they_are_issued_again(struct kunit *test)
{
	struct bytepool *pool = checked_pool(test);
	struct bytepool_buf *first = bpt_get_buf(test, pool, SZ_1K);
	struct bytepool_buf *buf;
	unsigned int i;

	bytepool_buf_release(first);
	for (i = 0; i < 10; i++) {
		buf = bpt_get_buf(test, pool, SZ_1K);
		KUNIT_EXPECT_PTR_NE(test, buf, first);
		/* So a late release is the one that is noticed. */
		bytepool_buf_release(first);
		bpt_expect_misuse(test, pool, i + 1);
		KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 1);
		bytepool_buf_release(buf);
	}
}

static void check_put_of_absurd_addresses_is_refused(struct kunit *test)
{
	struct bytepool *pool = checked_pool(test);
	u8 stack[128] __aligned(64) = {};

	expect_put_refused(test, pool, stack);
	expect_put_refused(test, pool, static_memory);
	expect_put_refused(test, pool, (void *)64);
	expect_put_refused(test, pool, ERR_PTR(-EINVAL));
	expect_one_owner(test, pool, SZ_1K);
}

/* The capacity is what was asked for, and what lies behind it is red zone. */
static void check_sees_a_write_behind_the_length(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_CHECK);
	static const size_t lens[] = { 1, 100, 127, 1000, 5000, SZ_2M + 1 };
	struct bytepool_buf *buf;
	unsigned int i;
	u8 *mem;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		KUNIT_EXPECT_EQ(test, bytepool_size_roundup(pool, lens[i]),
				lens[i]);
		buf = bpt_get_buf(test, pool, lens[i]);
		KUNIT_EXPECT_EQ(test, bytepool_buf_capacity(buf), lens[i]);
		KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, lens[i] + 1),
				-EINVAL);
		bpt_stamp_buf(buf, 1);
		bytepool_buf_release(buf);
		mem = bpt_get(test, pool, lens[i]);
		bpt_stamp(mem, lens[i], 1);
		bytepool_put(pool, mem);
		bpt_expect_misuse(test, pool, 2 * i);

		buf = bpt_get_buf(test, pool, lens[i]);
		((u8 *)bytepool_buf_data(buf))[lens[i]] = 0;
		bytepool_buf_release(buf);
		mem = bpt_get(test, pool, lens[i]);
		mem[lens[i]] = 0;
		bytepool_put(pool, mem);
		bpt_expect_misuse(test, pool, 2 * i + 2);
	}
	expect_one_owner(test, pool, 100);
}

/* Memory rests before slab has it back. Where KASAN is, it sees the write. */
static void check_sees_a_write_after_release(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_CHECK);
	struct bytepool_buf *buf;
	u64 misuse = 0;
	unsigned int i;
	size_t size;
	u8 *mem;

	if (IS_ENABLED(CONFIG_KASAN))
		return;
	for (i = 0; i < bpt_stats(pool).nr_tiers; i++) {
		size = bpt_tier(test, pool, i).size;
		buf = bpt_get_buf(test, pool, size);
		mem = bytepool_buf_data(buf);
		bytepool_buf_release(buf);
		mem[size - 1] = 1;
		bytepool_shrink(pool);
		bpt_expect_misuse(test, pool, ++misuse);
		mem = bpt_get(test, pool, size);
		bytepool_put(pool, mem);
		mem[0] = 1;
		bytepool_shrink(pool);
		bpt_expect_misuse(test, pool, ++misuse);
		bytepool_shrink(pool);
		bpt_expect_misuse(test, pool, misuse);
	}
	expect_one_owner(test, pool, 100);
}

/* What rests is no memory in use, so a shrink has to give it back and count it. */
static void check_shrink_counts_what_rests(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_CHECK);
	size_t all = IS_ENABLED(CONFIG_KASAN) ? 0 : 128 + SZ_64K;

	bytepool_buf_release(bpt_get_buf(test, pool, 100));
	bytepool_put(pool, bpt_get(test, pool, SZ_64K));
	KUNIT_EXPECT_EQ(test, bytepool_shrink(pool), all);
	KUNIT_EXPECT_EQ(test, bytepool_shrink(pool), 0);
}

/* Without a shrink, the oldest memory that rests is looked at as it leaves. */
static void check_sees_old_writes_by_and_by(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_CHECK);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SZ_64K);
	u8 *mem = bytepool_buf_data(buf);
	unsigned int i;

	if (!IS_ENABLED(CONFIG_KASAN)) {
		bytepool_buf_release(buf);
		mem[5] = 1;
		for (i = 0; i < 200; i++)
			bytepool_put(pool, bpt_get(test, pool, SZ_64K));
		bpt_expect_misuse(test, pool, 1);
	} else {
		bytepool_buf_release(buf);
	}
}

/* Once memory rested only until the bound was reached, and none after that. */
static void check_sees_writes_in_a_small_bound(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool *pool;
	unsigned int i;
	u8 *mem;

	if (IS_ENABLED(CONFIG_KASAN))
		return;
	config.flags = BYTEPOOL_CHECK;
	config.max_idle = SZ_64K;
	pool = bpt_pool(test, &config);
	for (i = 0; i < 100; i++)
		bytepool_put(pool, bpt_get(test, pool, SZ_4K));
	mem = bpt_get(test, pool, SZ_4K);
	bytepool_put(pool, mem);
	mem[1] = 1;
	bytepool_shrink(pool);
	bpt_expect_misuse(test, pool, 1);
	/* What is larger rests in the place of several. */
	for (i = 0; i < 100; i++)
		bytepool_put(pool, bpt_get(test, pool, SZ_1K));
	mem = bpt_get(test, pool, SZ_32K);
	bytepool_put(pool, mem);
	mem[1] = 1;
	bytepool_shrink(pool);
	bpt_expect_misuse(test, pool, 2);
}

static struct kunit_case check_cases[] = {
	KUNIT_CASE(check_sees_a_write_behind_the_length),
	KUNIT_CASE(check_sees_a_write_after_release),
	KUNIT_CASE(check_sees_old_writes_by_and_by),
	KUNIT_CASE(check_sees_writes_in_a_small_bound),
	KUNIT_CASE(check_shrink_counts_what_rests),
	KUNIT_CASE(check_put_twice_is_refused),
	KUNIT_CASE(check_put_of_an_interior_address_is_refused),
	KUNIT_CASE(check_put_into_another_pool_is_refused),
	KUNIT_CASE(check_put_of_a_strangers_object_is_refused),
	KUNIT_CASE(check_put_of_a_payload_is_refused),
	KUNIT_CASE(check_handles_rest_before_they_are_issued_again),
	KUNIT_CASE(check_put_of_absurd_addresses_is_refused),
	{}
};

struct kunit_suite bpt_check_suite = {
	.name = "bytepool_check",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = check_cases,
};
