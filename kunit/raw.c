// SPDX-License-Identifier: GPL-2.0
/* bytepool test cases - raw memory, and what gfp flags may ask for */
#include <linux/cache.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "cases.h"

KUNIT_ARRAY_PARAM(preset, bpt_presets, bpt_preset_desc);

/* Larger than anything that slab or kmalloc() can give. */
#define BEYOND_KMALLOC (2 * KMALLOC_MAX_SIZE)

/* === Lengths === */

static void get_of_nothing_is_null(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);

	KUNIT_EXPECT_NULL(test, bytepool_get(pool, 0, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, bytepool_size_roundup(pool, 0), 0);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).total_get, 0);
}

static void expect_capacity(struct kunit *test, struct bytepool *pool,
			    size_t len, size_t capacity)
{
	void *mem = bpt_get(test, pool, len);

	capacity = bpt_capacity(pool, len, capacity);
	KUNIT_EXPECT_EQ(test, bytepool_size_roundup(pool, len), capacity);
	/* All of it may be used. */
	bpt_stamp(mem, capacity, 0xa5);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(mem, capacity, 0xa5));
	bytepool_put(pool, mem);
}

static void get_takes_the_smallest_tier_that_fits(struct kunit *test)
{
	const struct bpt_preset *preset = test->param_value;
	struct bytepool *pool = bpt_preset_pool(test);
	unsigned int i;

	expect_capacity(test, pool, 1, preset->sizes[0]);
	for (i = 0; i < preset->nr; i++) {
		size_t size = preset->sizes[i];

		expect_capacity(test, pool, size - 1, size);
		expect_capacity(test, pool, size, size);
		if (i + 1 < preset->nr)
			expect_capacity(test, pool, size + 1,
					preset->sizes[i + 1]);
	}
	/* By its own two lengths, and the one just above the tier below. */
	for (i = 0; i < preset->nr; i++)
		KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, i).get, 3);
	KUNIT_EXPECT_EQ(test, bytepool_discarded(pool), 0);
}

static void get_larger_than_the_largest_tier(struct kunit *test)
{
	const struct bpt_preset *preset = test->param_value;
	struct bytepool *pool = bpt_preset_pool(test);
	size_t largest = preset->sizes[preset->nr - 1];

	expect_capacity(test, pool, largest + 1, largest + 64);
	expect_capacity(test, pool, largest + 64, largest + 64);
	expect_capacity(test, pool, largest + 65, largest + 128);
	KUNIT_EXPECT_EQ(test, bytepool_discarded(pool), 3);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).total_get, 0);
}

static void get_larger_than_kmalloc_gives(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	u8 *mem = bpt_get(test, pool, BEYOND_KMALLOC);

	mem[0] = 1;
	mem[BEYOND_KMALLOC - 1] = 2;
	KUNIT_EXPECT_EQ(test, mem[0] + mem[BEYOND_KMALLOC - 1], 3);
	bytepool_put(pool, mem);
}

static const size_t absurd_lengths[] = {
	(size_t)INT_MAX + 1, UINT_MAX,	   SIZE_MAX / 2 + 1, SIZE_MAX - 64,
	SIZE_MAX - 63,	     SIZE_MAX - 1, SIZE_MAX,
};

static void get_of_absurd_lengths_is_null(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(absurd_lengths); i++) {
		KUNIT_EXPECT_NULL(test, bytepool_get(pool, absurd_lengths[i],
						     GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, bytepool_get(pool, absurd_lengths[i],
						     GFP_ATOMIC));
	}
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).fail,
			2 * ARRAY_SIZE(absurd_lengths));
}

/* Of what kmalloc() cannot give, where there is nothing else. */
static void get_of_int_max_without_vmalloc_is_null(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_CONTIG);

	KUNIT_EXPECT_NULL(test, bytepool_get(pool, INT_MAX, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, INT_MAX, GFP_ATOMIC));
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, BEYOND_KMALLOC, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).fail, 3);
}

static void put_of_null_does_nothing(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);

	bytepool_put(pool, NULL);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).total_put, 0);
}

/* === Content === */

#define NEIGHBOURS 8

/* Many of all sizes at once, several times: none lies in another. */
static void get_gives_memory_to_one_owner(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	unsigned int nr = NEIGHBOURS * 10, round, i;
	void **mem;

	mem = kunit_kzalloc(test, nr * sizeof(*mem), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < nr; i++) {
			mem[i] = bpt_get(test, pool, 128UL << i / NEIGHBOURS);
			bpt_stamp(mem[i], 128UL << i / NEIGHBOURS, i + round);
		}
		for (i = 0; i < nr; i++) {
			KUNIT_EXPECT_TRUE(test,
					  bpt_stamped(mem[i],
						      128UL << i / NEIGHBOURS,
						      i + round));
			bytepool_put(pool, mem[i]);
		}
	}
}

static void expect_zeroed(struct kunit *test, struct bytepool *pool, size_t len,
			  gfp_t gfp)
{
	size_t capacity = bytepool_size_roundup(pool, len);
	unsigned int i;

	for (i = 0; i < 3; i++) {
		void *mem = bytepool_get(pool, len, gfp);

		KUNIT_ASSERT_NOT_NULL(test, mem);
		KUNIT_EXPECT_TRUE(test, bpt_stamped(mem, capacity, 0));
		bpt_stamp(mem, capacity, 0xff);
		bytepool_put(pool, mem);
	}
}

static void get_with_gfp_zero_is_zeroed(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);

	expect_zeroed(test, pool, 1, GFP_KERNEL | __GFP_ZERO);
	expect_zeroed(test, pool, 3000, GFP_ATOMIC | __GFP_ZERO);
	expect_zeroed(test, pool, SZ_1M, GFP_KERNEL | __GFP_ZERO);
	expect_zeroed(test, pool, SZ_2M + 1, GFP_KERNEL | __GFP_ZERO);
}

static void get_from_zeroing_pool_is_zeroed(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_ZERO);

	expect_zeroed(test, pool, 1, GFP_KERNEL);
	expect_zeroed(test, pool, 3000, GFP_ATOMIC);
	expect_zeroed(test, pool, SZ_1M, GFP_KERNEL);
	expect_zeroed(test, pool, SZ_2M + 1, GFP_KERNEL);
}

/* === Addresses === */

static size_t alignment_of(size_t size)
{
	if (size >= PAGE_SIZE && is_power_of_2(size))
		return PAGE_SIZE;
	return max_t(size_t, 64, ARCH_DMA_MINALIGN);
}

static void get_is_aligned(struct kunit *test)
{
	static const size_t sizes[] = { 1, 192, 1000, 4096, 6000, 65536 };
	struct bytepool_config config = bpt_config();
	struct bytepool *pool;
	unsigned int i, round;
	void *mem[6];

	config.sizes = sizes;
	config.nr_sizes = ARRAY_SIZE(sizes);
	pool = bpt_pool(test, &config);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			size_t size = bytepool_size_roundup(pool, sizes[i]);
			size_t align = alignment_of(size);

			mem[i] = bpt_get(test, pool, sizes[i]);
			KUNIT_EXPECT_EQ(test, (unsigned long)mem[i] % align, 0);
		}
		while (i)
			bytepool_put(pool, mem[--i]);
	}
}

static void get_larger_than_the_largest_is_aligned(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 64, 0);
	static const size_t len[] = { 65, 129, 1000, 4097, SZ_128K + 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		void *mem = bpt_get(test, pool, len[i]);

		KUNIT_EXPECT_EQ(test, (unsigned long)mem % alignment_of(64), 0);
		bytepool_put(pool, mem);
	}
}

/* So virt_to_page(), sg_init_one() and dma_map_single() are legal. */
static void get_is_in_the_linear_mapping(struct kunit *test)
{
	const struct bpt_preset *preset = test->param_value;
	struct bytepool *pool = bpt_preset_pool(test);
	unsigned int i;

	for (i = 0; i < preset->nr; i++) {
		void *mem = bpt_get(test, pool, preset->sizes[i]);

		KUNIT_EXPECT_FALSE(test, is_vmalloc_addr(mem));
		KUNIT_EXPECT_TRUE(test, virt_addr_valid(mem));
		KUNIT_EXPECT_TRUE(test,
				  virt_addr_valid(mem + preset->sizes[i] - 1));
		bytepool_put(pool, mem);
	}
}

static void get_contig_larger_than_the_largest(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 4096, BYTEPOOL_CONTIG);
	void *mem = bpt_get(test, pool, SZ_64K + 1);

	KUNIT_EXPECT_FALSE(test, is_vmalloc_addr(mem));
	KUNIT_EXPECT_TRUE(test, virt_addr_valid(mem));
	bytepool_put(pool, mem);
}

static void get_from_pool_with_vmalloc(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_VMALLOC);
	size_t len;

	for (len = SZ_32K; len <= SZ_2M; len *= 2)
		expect_capacity(test, pool, len, len);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).total_get, 7);
}

static struct kunit_case raw_cases[] = {
	KUNIT_CASE(get_of_nothing_is_null),
	KUNIT_CASE_PARAM(get_takes_the_smallest_tier_that_fits,
			 preset_gen_params),
	KUNIT_CASE_PARAM(get_larger_than_the_largest_tier, preset_gen_params),
	KUNIT_CASE(get_larger_than_kmalloc_gives),
	KUNIT_CASE(get_of_absurd_lengths_is_null),
	KUNIT_CASE(get_of_int_max_without_vmalloc_is_null),
	KUNIT_CASE(put_of_null_does_nothing),
	KUNIT_CASE(get_gives_memory_to_one_owner),
	KUNIT_CASE(get_with_gfp_zero_is_zeroed),
	KUNIT_CASE(get_from_zeroing_pool_is_zeroed),
	KUNIT_CASE(get_is_aligned),
	KUNIT_CASE(get_larger_than_the_largest_is_aligned),
	KUNIT_CASE_PARAM(get_is_in_the_linear_mapping, preset_gen_params),
	KUNIT_CASE(get_contig_larger_than_the_largest),
	KUNIT_CASE(get_from_pool_with_vmalloc),
	{}
};

struct kunit_suite bpt_raw_suite = {
	.name = "bytepool_raw",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = raw_cases,
};

/* === What gfp flags may ask for === */

/**
 * struct gfp_name - flags and what they are called
 * @name: what they are called
 * @gfp: the flags
 */
struct gfp_name {
	const char *name;
	gfp_t gfp;
};

#define GFP_NAME(gfp)     \
	{                 \
#gfp, gfp \
	}

static const struct gfp_name good_gfp[] = {
	GFP_NAME(GFP_KERNEL),
	GFP_NAME(GFP_NOIO),
	GFP_NAME(GFP_NOFS),
	GFP_NAME(GFP_NOWAIT),
	GFP_NAME(GFP_ATOMIC),
	GFP_NAME(GFP_KERNEL | __GFP_ZERO),
	GFP_NAME(GFP_KERNEL | __GFP_NOWARN),
	GFP_NAME(GFP_KERNEL | __GFP_NORETRY),
	GFP_NAME(GFP_KERNEL | __GFP_RETRY_MAYFAIL),
	GFP_NAME(GFP_NOWAIT | __GFP_HIGH),
	GFP_NAME(GFP_ATOMIC | __GFP_MEMALLOC),
	GFP_NAME(GFP_ATOMIC | __GFP_NOMEMALLOC | __GFP_NOWARN | __GFP_ZERO),
};

static const struct gfp_name bad_gfp[] = {
	GFP_NAME(GFP_KERNEL | __GFP_DMA),
	GFP_NAME(GFP_KERNEL | __GFP_DMA32),
	GFP_NAME(GFP_KERNEL | __GFP_HIGHMEM),
	GFP_NAME(GFP_KERNEL | __GFP_THISNODE),
	GFP_NAME(GFP_KERNEL | __GFP_ACCOUNT),
	GFP_NAME(GFP_KERNEL | __GFP_NOFAIL),
	GFP_NAME(GFP_ATOMIC | __GFP_THISNODE),
};

static void gfp_desc(const struct gfp_name *gfp, char *desc)
{
	strscpy(desc, gfp->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(good_gfp, good_gfp, gfp_desc);
KUNIT_ARRAY_PARAM(bad_gfp, bad_gfp, gfp_desc);

static void gfp_is_taken(struct kunit *test)
{
	const struct gfp_name *gfp = test->param_value;
	struct bytepool *pool = bpt_tier_pool(test, 1024, 0);
	struct bytepool_buf *bufs[2];
	unsigned int i;

	/* Twice: fresh, and recycled where the pool does that. */
	for (i = 0; i < 2; i++) {
		void *mem = bytepool_get(pool, 100, gfp->gfp);
		int ret = bytepool_get_bufs(pool, 100, 2, bufs, gfp->gfp);

		KUNIT_EXPECT_NOT_NULL(test, mem);
		KUNIT_EXPECT_EQ(test, ret, 0);
		bytepool_put(pool, mem);
		bytepool_release_bufs(2, bufs);
		mem = bytepool_get(pool, 2000, gfp->gfp);
		KUNIT_EXPECT_NOT_NULL(test, mem);
		bytepool_put(pool, mem);
	}
}

static void gfp_is_refused(struct kunit *test)
{
	const struct gfp_name *gfp = test->param_value;
	struct bytepool *pool = bpt_tier_pool(test, 1024, 0);
	struct bytepool_buf *bufs[2] = { ERR_PTR(-EINVAL), ERR_PTR(-EINVAL) };

	/* There is idle memory, which would not honour it. */
	bytepool_buf_release(bpt_get_buf(test, pool, 100));
	bytepool_put(pool, bpt_get(test, pool, 100));
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, 100, gfp->gfp));
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 100, gfp->gfp));
	KUNIT_EXPECT_EQ(test, bytepool_get_bufs(pool, 100, 2, bufs, gfp->gfp),
			-ENOMEM);
	KUNIT_EXPECT_NULL(test, bufs[0]);
	KUNIT_EXPECT_NULL(test, bufs[1]);
	KUNIT_EXPECT_EQ(test, bytepool_prefill(pool, 100, 1, gfp->gfp), 0);
	bpt_expect_misuse(test, pool, 4);
}

static void gfp_is_refused_beyond_the_tiers(struct kunit *test)
{
	const struct gfp_name *gfp = test->param_value;
	struct bytepool *pool = bpt_tier_pool(test, 1024, 0);

	KUNIT_EXPECT_NULL(test, bytepool_get(pool, 2000, gfp->gfp));
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 2000, gfp->gfp));
	KUNIT_EXPECT_EQ(test, bytepool_discarded(pool), 0);
	bpt_expect_misuse(test, pool, 2);
}

static struct kunit_case gfp_cases[] = {
	KUNIT_CASE_PARAM(gfp_is_taken, good_gfp_gen_params),
	KUNIT_CASE_PARAM(gfp_is_refused, bad_gfp_gen_params),
	KUNIT_CASE_PARAM(gfp_is_refused_beyond_the_tiers, bad_gfp_gen_params),
	{}
};

struct kunit_suite bpt_gfp_suite = {
	.name = "bytepool_gfp",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = gfp_cases,
};
