// SPDX-License-Identifier: GPL-2.0
/* bytepool test cases - statistics */
#include <linux/limits.h>
#include <linux/sizes.h>

#include "cases.h"

/* === Counts === */

static void stats_of_a_new_pool_are_zero(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_stats stats = bpt_stats(pool);
	struct bytepool_tier_stats tier = bpt_tier(test, pool, 14);

	KUNIT_EXPECT_EQ(test, stats.nr_tiers, 15);
	stats.nr_tiers = 0;
	KUNIT_EXPECT_NULL(test, memchr_inv(&stats, 0, sizeof(stats)));
	KUNIT_EXPECT_EQ(test, tier.size, SZ_2M);
	tier.size = 0;
	KUNIT_EXPECT_NULL(test, memchr_inv(&tier, 0, sizeof(tier)));
}

static void stats_follow_a_buffer(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 1000);
	struct bytepool_tier_stats tier = bpt_tier(test, pool, 3);

	KUNIT_EXPECT_EQ(test, tier.size, 1024);
	KUNIT_EXPECT_EQ(test, tier.get, 1);
	KUNIT_EXPECT_EQ(test, tier.put, 0);
	KUNIT_EXPECT_EQ(test, tier.in_use, 1);
	KUNIT_EXPECT_EQ(test, tier.hit, 0);
	KUNIT_EXPECT_EQ(test, tier.miss, 1);
	KUNIT_EXPECT_EQ(test, tier.fail, 0);
	KUNIT_EXPECT_EQ(test, tier.requested, 1000);
	bytepool_buf_release(buf);
	tier = bpt_tier(test, pool, 3);
	KUNIT_EXPECT_EQ(test, tier.get, 1);
	KUNIT_EXPECT_EQ(test, tier.put, 1);
	KUNIT_EXPECT_EQ(test, tier.in_use, 0);
}

static void stats_count_raw_memory_and_buffers_together(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 1000);
	void *mem = bpt_get(test, pool, 1024);
	struct bytepool_tier_stats tier = bpt_tier(test, pool, 3);

	KUNIT_EXPECT_EQ(test, tier.get, 2);
	KUNIT_EXPECT_EQ(test, tier.in_use, 2);
	KUNIT_EXPECT_EQ(test, tier.requested, 2024);
	bytepool_buf_release(buf);
	bytepool_put(pool, mem);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 3).put, 2);
}

static void stats_sum_up_the_lengths_asked_for(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 1024, 0);
	unsigned int i;

	for (i = 1; i <= 1000; i++)
		bytepool_buf_release(bpt_get_buf(test, pool, i));
	/* The sum of 1 to 1000, whether idle memory served them or not. */
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).requested, 500500);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).get, 1000);
}

static void stats_totals_are_sums_of_the_tiers(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	u64 get = 0, put = 0, in_use = 0;
	struct bytepool_stats stats;
	void *mem[15];
	unsigned int i, j;

	for (i = 0; i < 15; i++)
		for (j = 0; j <= i; j++)
			bytepool_put(pool, bpt_get(test, pool, 128UL << i));
	for (i = 0; i < 15; i++)
		mem[i] = bpt_get(test, pool, 128UL << i);
	for (i = 0; i < 15; i++) {
		struct bytepool_tier_stats tier = bpt_tier(test, pool, i);

		KUNIT_EXPECT_EQ(test, tier.get, i + 2);
		KUNIT_EXPECT_EQ(test, tier.get, tier.hit + tier.miss);
		get += tier.get;
		put += tier.put;
		in_use += tier.in_use;
		bytepool_put(pool, mem[i]);
	}
	stats = bpt_stats(pool);
	KUNIT_EXPECT_EQ(test, get, 120 + 15);
	KUNIT_EXPECT_EQ(test, in_use, 15);
	KUNIT_EXPECT_EQ(test, stats.total_get, get);
	KUNIT_EXPECT_EQ(test, stats.total_put, put + 15);
}

static void stats_of_memory_larger_than_the_tiers(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 1024, 0);
	void *mem = bpt_get(test, pool, 1025);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 5000);
	struct bytepool_stats stats = bpt_stats(pool);

	KUNIT_EXPECT_EQ(test, stats.discarded, 2);
	KUNIT_EXPECT_EQ(test, bytepool_discarded(pool), 2);
	KUNIT_EXPECT_EQ(test, stats.oversize_in_use, 2);
	KUNIT_EXPECT_EQ(test, stats.oversize_bytes, 1088 + 5056);
	KUNIT_EXPECT_EQ(test, stats.total_get, 0);
	bytepool_put(pool, mem);
	stats = bpt_stats(pool);
	KUNIT_EXPECT_EQ(test, stats.oversize_in_use, 1);
	KUNIT_EXPECT_EQ(test, stats.oversize_bytes, 5056);
	bytepool_buf_release(buf);
	stats = bpt_stats(pool);
	KUNIT_EXPECT_EQ(test, stats.discarded, 2);
	KUNIT_EXPECT_EQ(test, stats.oversize_in_use, 0);
	KUNIT_EXPECT_EQ(test, stats.oversize_bytes, 0);
	KUNIT_EXPECT_EQ(test, stats.total_put, 0);
}

static void stats_of_a_failed_get_are_fail_alone(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool_tier_stats tier;
	struct bytepool_stats stats;
	struct bytepool *pool;
	size_t len;

	config.limit = 1;
	pool = bpt_pool(test, &config);
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, 1000, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 1000, GFP_KERNEL));
	tier = bpt_tier(test, pool, 3);
	KUNIT_EXPECT_EQ(test, tier.fail, 2);
	tier.fail = 0;
	tier.size = 0;
	KUNIT_EXPECT_NULL(test, memchr_inv(&tier, 0, sizeof(tier)));
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, SIZE_MAX, GFP_KERNEL));
	stats = bpt_stats(pool);
	KUNIT_EXPECT_EQ(test, stats.fail, 3);
	KUNIT_EXPECT_EQ(test, stats.discarded, 0);
	KUNIT_EXPECT_EQ(test, stats.oversize_in_use, 0);
	KUNIT_EXPECT_EQ(test, stats.total_get, 0);
	KUNIT_EXPECT_EQ(test, bytepool_recent_lengths(pool, &len, 1), 0);
}

static void tier_stats_of_no_tier_are_invalid(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_tier_stats tier;

	KUNIT_EXPECT_EQ(test, bytepool_get_tier_stats(pool, 14, &tier), 0);
	KUNIT_EXPECT_EQ(test, bytepool_get_tier_stats(pool, 15, &tier),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, bytepool_get_tier_stats(pool, UINT_MAX, &tier),
			-EINVAL);
}

/* === Other versions of the structs === */

static void stats_older_struct_is_not_written_past(struct kunit *test)
{
	size_t known = offsetof(struct bytepool_stats, fail);
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_stats stats;

	bytepool_put(pool, bpt_get(test, pool, 1));
	memset(&stats, 0xa5, sizeof(stats));
	__bytepool_get_stats(pool, &stats, known);
	KUNIT_EXPECT_EQ(test, stats.total_get, 1);
	KUNIT_EXPECT_TRUE(test, bpt_stamped((u8 *)&stats + known,
					    sizeof(stats) - known, 0xa5));
}

static void tier_stats_older_struct_is_not_written_past(struct kunit *test)
{
	size_t known = offsetof(struct bytepool_tier_stats, hit);
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_tier_stats tier;

	bytepool_put(pool, bpt_get(test, pool, 1));
	memset(&tier, 0xa5, sizeof(tier));
	KUNIT_EXPECT_EQ(test, __bytepool_get_tier_stats(pool, 0, &tier, known),
			0);
	KUNIT_EXPECT_EQ(test, tier.put, 1);
	KUNIT_EXPECT_TRUE(test, bpt_stamped((u8 *)&tier + known,
					    sizeof(tier) - known, 0xa5));
}

/* What this version does not know is 0, as a field means that says nothing. */
static void stats_newer_struct_is_filled_with_zero(struct kunit *test)
{
	struct {
		struct bytepool_stats stats;
		u64 later[2];
	} newer;
	struct bytepool *pool = bpt_pow2_pool(test, 0);

	memset(&newer, 0xa5, sizeof(newer));
	__bytepool_get_stats(pool, &newer.stats, sizeof(newer));
	KUNIT_EXPECT_EQ(test, newer.stats.nr_tiers, 15);
	KUNIT_EXPECT_EQ(test, newer.later[0], 0);
	KUNIT_EXPECT_EQ(test, newer.later[1], 0);
}

/* === Sizes === */

static void sizes_tells_how_many_there_are(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	size_t sizes[16];

	memset(sizes, 0xa5, sizeof(sizes));
	KUNIT_EXPECT_EQ(test, bytepool_sizes(pool, NULL, 0), 15);
	KUNIT_EXPECT_EQ(test, bytepool_sizes(pool, sizes, 3), 15);
	KUNIT_EXPECT_EQ(test, sizes[2], 512);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(&sizes[3], sizeof(size_t), 0xa5));
	KUNIT_EXPECT_EQ(test, bytepool_sizes(pool, sizes, 16), 15);
	KUNIT_EXPECT_EQ(test,
			memcmp(sizes, bytepool_sizes_pow2,
			       sizeof(bytepool_sizes_pow2)),
			0);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(&sizes[15], sizeof(size_t), 0xa5));
}

static void sizes_presets_are_what_they_are_said_to_be(struct kunit *test)
{
	static const unsigned int stream_kib[] = { 1, 4, 16, 32, 64, 128, 256 };
	unsigned int i;

	for (i = 0; i < BYTEPOOL_NR_POW2; i++)
		KUNIT_EXPECT_EQ(test, bytepool_sizes_pow2[i], 128UL << i);
	for (i = 0; i < BYTEPOOL_NR_STREAM; i++)
		KUNIT_EXPECT_EQ(test, bytepool_sizes_stream[i],
				stream_kib[i] * 1024UL);
}

/* === The lengths served last === */

static size_t *lengths(struct kunit *test)
{
	size_t *len;

	len = kunit_kzalloc(test, (BYTEPOOL_RECENT + 1) * sizeof(*len),
			    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, len);
	memset(len, 0xa5, (BYTEPOOL_RECENT + 1) * sizeof(*len));
	return len;
}

static void recent_lengths_are_the_last_256(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	size_t *len = lengths(test);
	unsigned int i;

	for (i = 1; i <= 300; i++)
		bytepool_put(pool, bpt_get(test, pool, i));
	KUNIT_EXPECT_EQ(test,
			bytepool_recent_lengths(pool, len, BYTEPOOL_RECENT + 1),
			BYTEPOOL_RECENT);
	/* 45 to 300, oldest first. */
	for (i = 0; i < BYTEPOOL_RECENT; i++)
		KUNIT_EXPECT_EQ(test, len[i], 45 + i);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(&len[i], sizeof(*len), 0xa5));
}

static void recent_lengths_newest_few(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	size_t *len = lengths(test);
	unsigned int i;

	for (i = 1; i <= 300; i++)
		bytepool_buf_release(bpt_get_buf(test, pool, i));
	KUNIT_EXPECT_EQ(test, bytepool_recent_lengths(pool, len, 3), 3);
	KUNIT_EXPECT_EQ(test, len[0], 298);
	KUNIT_EXPECT_EQ(test, len[1], 299);
	KUNIT_EXPECT_EQ(test, len[2], 300);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(&len[3], sizeof(*len), 0xa5));
	KUNIT_EXPECT_EQ(test, bytepool_recent_lengths(pool, NULL, 0), 0);
}

static void recent_lengths_of_all_kinds_in_order(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 1024, 0);
	struct bytepool_buf *bufs[2];
	size_t *len = lengths(test);
	static const size_t expected[] = { 11, 2000, 33, 3000, 5, 5, 66 };
	unsigned int i;

	bytepool_put(pool, bpt_get(test, pool, 11));
	bytepool_put(pool, bpt_get(test, pool, 2000));
	bytepool_buf_release(bpt_get_buf(test, pool, 33));
	bytepool_buf_release(bpt_get_buf(test, pool, 3000));
	/* These were not served. */
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, 0, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, SIZE_MAX, GFP_KERNEL));
	bytepool_prefill(pool, 77, 1, GFP_KERNEL);
	bpt_get_bufs(test, pool, 5, 2, bufs);
	bytepool_release_bufs(2, bufs);
	bytepool_put(pool, bpt_get(test, pool, 66));
	KUNIT_ASSERT_EQ(test, bytepool_recent_lengths(pool, len, 256), 7);
	for (i = 0; i < 7; i++)
		KUNIT_EXPECT_EQ(test, len[i], expected[i]);
}

static void recent_lengths_of_a_new_pool_are_none(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	size_t *len = lengths(test);

	KUNIT_EXPECT_EQ(test, bytepool_recent_lengths(pool, len, 256), 0);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(len, sizeof(*len), 0xa5));
}

static struct kunit_case stats_cases[] = {
	KUNIT_CASE(stats_of_a_new_pool_are_zero),
	KUNIT_CASE(stats_follow_a_buffer),
	KUNIT_CASE(stats_count_raw_memory_and_buffers_together),
	KUNIT_CASE(stats_sum_up_the_lengths_asked_for),
	KUNIT_CASE(stats_totals_are_sums_of_the_tiers),
	KUNIT_CASE(stats_of_memory_larger_than_the_tiers),
	KUNIT_CASE(stats_of_a_failed_get_are_fail_alone),
	KUNIT_CASE(tier_stats_of_no_tier_are_invalid),
	KUNIT_CASE(stats_older_struct_is_not_written_past),
	KUNIT_CASE(tier_stats_older_struct_is_not_written_past),
	KUNIT_CASE(stats_newer_struct_is_filled_with_zero),
	KUNIT_CASE(sizes_tells_how_many_there_are),
	KUNIT_CASE(sizes_presets_are_what_they_are_said_to_be),
	KUNIT_CASE(recent_lengths_are_the_last_256),
	KUNIT_CASE(recent_lengths_newest_few),
	KUNIT_CASE(recent_lengths_of_all_kinds_in_order),
	KUNIT_CASE(recent_lengths_of_a_new_pool_are_none),
	{}
};

struct kunit_suite bpt_stats_suite = {
	.name = "bytepool_stats",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = stats_cases,
};
