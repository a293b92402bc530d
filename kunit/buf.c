// SPDX-License-Identifier: GPL-2.0
/* bytepool test cases - buffers, and views of them */
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "cases.h"

KUNIT_ARRAY_PARAM(preset, bpt_presets, bpt_preset_desc);

/* === Lengths and capacities === */

static void get_buf_of_nothing_is_null(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);

	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 0, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).total_get, 0);
}

static void expect_buf(struct kunit *test, struct bytepool *pool, size_t len,
		       size_t capacity)
{
	struct bytepool_buf *buf = bpt_get_buf(test, pool, len);

	capacity = bpt_capacity(pool, len, capacity);
	KUNIT_EXPECT_EQ(test, bytepool_buf_len(buf), len);
	KUNIT_EXPECT_EQ(test, bytepool_buf_capacity(buf), capacity);
	KUNIT_EXPECT_EQ(test, bytepool_size_roundup(pool, len), capacity);
	bpt_stamp_buf(buf, 0x5a);
	KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(buf, 0x5a));
	bytepool_buf_release(buf);
}

static void get_buf_takes_the_smallest_tier_that_fits(struct kunit *test)
{
	const struct bpt_preset *preset = test->param_value;
	struct bytepool *pool = bpt_preset_pool(test);
	unsigned int i;

	expect_buf(test, pool, 1, preset->sizes[0]);
	for (i = 0; i < preset->nr; i++) {
		size_t size = preset->sizes[i];

		expect_buf(test, pool, size - 1, size);
		expect_buf(test, pool, size, size);
		if (i + 1 < preset->nr)
			expect_buf(test, pool, size + 1, preset->sizes[i + 1]);
	}
	for (i = 0; i < preset->nr; i++)
		KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, i).get, 3);
}

static void get_buf_larger_than_the_largest_tier(struct kunit *test)
{
	const struct bpt_preset *preset = test->param_value;
	struct bytepool *pool = bpt_preset_pool(test);
	size_t largest = preset->sizes[preset->nr - 1];

	expect_buf(test, pool, largest + 1, largest + 64);
	expect_buf(test, pool, largest + 64, largest + 64);
	expect_buf(test, pool, largest + 65, largest + 128);
	KUNIT_EXPECT_EQ(test, bytepool_discarded(pool), 3);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).total_get, 0);
}

static void get_buf_of_absurd_lengths_is_null(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_CONTIG);
	static const size_t len[] = {
		2 * KMALLOC_MAX_SIZE, INT_MAX,	(size_t)INT_MAX + 1, UINT_MAX,
		SIZE_MAX - 63,	      SIZE_MAX,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(len); i++)
		KUNIT_EXPECT_NULL(test,
				  bytepool_get_buf(pool, len[i], GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).fail, ARRAY_SIZE(len));
}

static void set_len_within_the_capacity(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 256);

	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 1), 0);
	KUNIT_EXPECT_EQ(test, bytepool_buf_len(buf), 1);
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 256), 0);
	KUNIT_EXPECT_EQ(test, bytepool_buf_len(buf), 256);
	KUNIT_EXPECT_EQ(test, bytepool_buf_capacity(buf), 256);
	bytepool_buf_release(buf);
}

static void set_len_out_of_range_is_invalid(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 200);

	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 257), -EINVAL);
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, SIZE_MAX), -EINVAL);
	/* Would be in range if it were cut off to 32 bits. */
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, SIZE_MAX / 2 + 101),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, bytepool_buf_len(buf), 200);
	bytepool_buf_release(buf);
}

static void set_len_of_shared_is_busy(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 200);
	struct bytepool_view view;

	bytepool_buf_retain(buf);
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 100), -EBUSY);
	bytepool_buf_release(buf);
	view = bytepool_buf_slice(buf, 150, 50);
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 100), -EBUSY);
	KUNIT_EXPECT_EQ(test, bytepool_buf_len(buf), 200);
	bytepool_view_release(&view);
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 100), 0);
	bytepool_buf_release(buf);
}

static void get_buf_again_has_the_length_asked_for(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 256);

	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 250), 0);
	bytepool_buf_release(buf);
	buf = bpt_get_buf(test, pool, 130);
	KUNIT_EXPECT_EQ(test, bytepool_buf_len(buf), 130);
	bytepool_buf_release(buf);
}

/* === References === */

static void get_buf_has_one_reference(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);

	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 1);
	KUNIT_EXPECT_EQ(test, bpt_in_use(test, pool), 1);
	bytepool_buf_release(buf);
	KUNIT_EXPECT_EQ(test, bpt_in_use(test, pool), 0);
}

static void retain_returns_its_argument(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);

	KUNIT_EXPECT_PTR_EQ(test, bytepool_buf_retain(buf), buf);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 2);
	bytepool_buf_release(buf);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 1);
	KUNIT_EXPECT_EQ(test, bpt_in_use(test, pool), 1);
	bytepool_buf_release(buf);
}

static void release_of_the_last_reference_recycles(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);
	unsigned int i;

	for (i = 0; i < 1000; i++)
		bytepool_buf_retain(buf);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 1001);
	bpt_stamp_buf(buf, 7);
	for (i = 0; i < 1000; i++)
		bytepool_buf_release(buf);
	KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(buf, 7));
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).put, 0);
	bytepool_buf_release(buf);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).put, 1);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).idle,
			bpt_recycles(test, 0));
}

static void release_of_null_does_nothing(struct kunit *test)
{
	bytepool_buf_release(NULL);
}

/* === Content === */

#define NEIGHBOURS 8

static void get_buf_gives_memory_to_one_owner(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	unsigned int nr = NEIGHBOURS * 10, round, i;
	struct bytepool_buf **buf;

	buf = kunit_kzalloc(test, nr * sizeof(*buf), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < nr; i++) {
			buf[i] = bpt_get_buf(test, pool,
					     128UL << i / NEIGHBOURS);
			bpt_stamp_buf(buf[i], i + round);
		}
		for (i = 0; i < nr; i++) {
			KUNIT_EXPECT_TRUE(test,
					  bpt_buf_stamped(buf[i], i + round));
			bytepool_buf_release(buf[i]);
		}
	}
}

/* Raw memory and buffers of one tier are not the same memory either. */
static void get_buf_and_get_do_not_overlap(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 512, 0);
	struct bytepool_buf *buf[NEIGHBOURS];
	void *mem[NEIGHBOURS];
	unsigned int round, i;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < NEIGHBOURS; i++) {
			buf[i] = bpt_get_buf(test, pool, 512);
			mem[i] = bpt_get(test, pool, 512);
			bpt_stamp_buf(buf[i], i);
			bpt_stamp(mem[i], 512, ~i);
		}
		for (i = 0; i < NEIGHBOURS; i++) {
			KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(buf[i], i));
			KUNIT_EXPECT_TRUE(test, bpt_stamped(mem[i], 512, ~i));
			bytepool_buf_release(buf[i]);
			bytepool_put(pool, mem[i]);
		}
	}
}

static void expect_buf_zeroed(struct kunit *test, struct bytepool *pool,
			      size_t len, gfp_t gfp)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct bytepool_buf *buf = bytepool_get_buf(pool, len, gfp);

		KUNIT_ASSERT_NOT_NULL(test, buf);
		KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(buf, 0));
		bpt_stamp_buf(buf, 0xff);
		bytepool_buf_release(buf);
	}
}

static void get_buf_with_gfp_zero_is_zeroed(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);

	expect_buf_zeroed(test, pool, 1, GFP_KERNEL | __GFP_ZERO);
	expect_buf_zeroed(test, pool, 3000, GFP_ATOMIC | __GFP_ZERO);
	expect_buf_zeroed(test, pool, SZ_1M, GFP_KERNEL | __GFP_ZERO);
	expect_buf_zeroed(test, pool, SZ_2M + 1, GFP_KERNEL | __GFP_ZERO);
}

static void get_buf_from_zeroing_pool_is_zeroed(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_ZERO);

	expect_buf_zeroed(test, pool, 1, GFP_KERNEL);
	expect_buf_zeroed(test, pool, 3000, GFP_ATOMIC);
	expect_buf_zeroed(test, pool, SZ_1M, GFP_KERNEL);
	expect_buf_zeroed(test, pool, SZ_2M + 1, GFP_KERNEL);
}

/* === The user's own bytes === */

static struct bytepool *priv_pool(struct kunit *test, unsigned int priv_size)
{
	struct bytepool_config config = bpt_config();

	config.priv_size = priv_size;
	return bpt_pool(test, &config);
}

static void priv_is_null_where_there_is_none(struct kunit *test)
{
	struct bytepool *pool = priv_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);

	KUNIT_EXPECT_NULL(test, bytepool_buf_priv(buf));
	bytepool_buf_release(buf);
}

static const unsigned int priv_sizes[] = { 1, 8, 63, 64, 65, 127, 128 };

static void expect_priv(struct kunit *test, struct bytepool *pool, size_t len,
			unsigned int size)
{
	struct bytepool_buf *buf = bpt_get_buf(test, pool, len);
	void *priv = bytepool_buf_priv(buf);

	KUNIT_EXPECT_TRUE(test, bpt_stamped(priv, size, 0));
	/* It is no part of the payload. */
	bpt_stamp(priv, size, 0x77);
	bpt_stamp_buf(buf, 0x88);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(priv, size, 0x77));
	bytepool_buf_retain(buf);
	bytepool_buf_release(buf);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(priv, size, 0x77));
	bytepool_buf_release(buf);
}

static void priv_is_zeroed_by_every_get(struct kunit *test)
{
	unsigned int i, round;

	for (i = 0; i < ARRAY_SIZE(priv_sizes); i++) {
		struct bytepool *pool = priv_pool(test, priv_sizes[i]);

		for (round = 0; round < 3; round++) {
			expect_priv(test, pool, 100, priv_sizes[i]);
			expect_priv(test, pool, SZ_2M + 1, priv_sizes[i]);
		}
		bpt_expect_quiet(test, pool);
		bpt_destroy(test, pool);
	}
}

static void buf_is_found_by_its_priv(struct kunit *test)
{
	struct bytepool *pool = priv_pool(test, 8);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);
	void *priv = bytepool_buf_priv(buf);

	KUNIT_EXPECT_PTR_EQ(test, bytepool_buf_from_priv(priv), buf);
	KUNIT_EXPECT_NULL(test, bytepool_buf_from_priv(NULL));
	bytepool_buf_release(buf);
}

/* What is recycled is where the secret was, and has nothing of it. */
static void wiped_memory_is_served_clear(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool_buf *buf;
	struct bytepool *pool;
	unsigned int i;
	void *mem;

	if (!bpt_recycles(test, BYTEPOOL_WIPE))
		return;
	config.flags = BYTEPOOL_WIPE;
	config.priv_size = 16;
	pool = bpt_pool(test, &config);
	for (i = 0; i < 4; i++) {
		buf = bpt_get_buf(test, pool, SZ_4K);
		KUNIT_EXPECT_TRUE(test, !i || bpt_buf_stamped(buf, 0));
		bpt_stamp(bytepool_buf_data(buf), SZ_4K, 0x5a);
		bpt_stamp(bytepool_buf_priv(buf), 16, 0x5a);
		bytepool_buf_release(buf);
		/* It is idle, and its memory the pool's. */
		KUNIT_EXPECT_TRUE(test,
				  bpt_stamped(bytepool_buf_priv(buf), 16, 0));
		mem = bpt_get(test, pool, SZ_8K);
		KUNIT_EXPECT_TRUE(test, !i || bpt_stamped(mem, SZ_8K, 0));
		bpt_stamp(mem, SZ_8K, 0x5a);
		bytepool_put(pool, mem);
	}
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 5).hit, 3);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 6).hit, 3);
}

#ifdef DEFINE_FREE
static void leave_scope(struct kunit *test, struct bytepool *pool)
{
	struct bytepool_buf *buf __free(bytepool_buf) =
		bytepool_get_buf(pool, 100, GFP_KERNEL);
	struct bytepool_buf *none __free(bytepool_buf) = NULL;

	KUNIT_EXPECT_NULL(test, none);
	KUNIT_EXPECT_NOT_NULL(test, buf);
	if (buf) {
		CLASS(bytepool_view, view)(buf, 10, 20);
		KUNIT_EXPECT_EQ(test, view.len, 20);
		KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 2);
	}
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 1);
}
#else
/* Kernels before 6.5 end nothing by themselves. */
static void leave_scope(struct kunit *test, struct bytepool *pool)
{
}
#endif

static void what_leaves_its_scope_is_released(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);

	leave_scope(test, pool);
	KUNIT_EXPECT_EQ(test, bpt_in_use(test, pool), 0);
}

static void priv_belongs_to_one_buffer(struct kunit *test)
{
	struct bytepool *pool = priv_pool(test, 128);
	struct bytepool_buf *buf[NEIGHBOURS];
	unsigned int i;

	for (i = 0; i < NEIGHBOURS; i++) {
		buf[i] = bpt_get_buf(test, pool, 100);
		bpt_stamp(bytepool_buf_priv(buf[i]), 128, i + 1);
	}
	for (i = 0; i < NEIGHBOURS; i++) {
		KUNIT_EXPECT_TRUE(test, bpt_stamped(bytepool_buf_priv(buf[i]),
						    128, i + 1));
		bytepool_buf_release(buf[i]);
	}
}

/* === Addresses === */

static void buf_is_contig_and_linear(struct kunit *test)
{
	const struct bpt_preset *preset = test->param_value;
	struct bytepool *pool = bpt_preset_pool(test);
	unsigned int i;

	for (i = 0; i < preset->nr; i++) {
		size_t size = preset->sizes[i];
		struct bytepool_buf *buf = bpt_get_buf(test, pool, size);
		void *data = bytepool_buf_data(buf);
		size_t align = size < PAGE_SIZE ? 64 : PAGE_SIZE;

		KUNIT_EXPECT_TRUE(test, bytepool_buf_is_contig(buf));
		KUNIT_EXPECT_TRUE(test, virt_addr_valid(data));
		KUNIT_EXPECT_TRUE(test, virt_addr_valid(data + size - 1));
		KUNIT_EXPECT_EQ(test, (unsigned long)data % align, 0);
		bytepool_buf_release(buf);
	}
}

static void buf_larger_than_kmalloc_gives_is_not_contig(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf;

	buf = bpt_get_buf(test, pool, 2 * KMALLOC_MAX_SIZE);
	KUNIT_EXPECT_FALSE(test, bytepool_buf_is_contig(buf));
	KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(bytepool_buf_data(buf)));
	bpt_stamp_buf(buf, 1);
	KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(buf, 1));
	bytepool_buf_release(buf);
}

static void buf_of_contig_pool_is_contig(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 4096, BYTEPOOL_CONTIG);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SZ_64K + 1);

	KUNIT_EXPECT_TRUE(test, bytepool_buf_is_contig(buf));
	KUNIT_EXPECT_TRUE(test, virt_addr_valid(bytepool_buf_data(buf)));
	bytepool_buf_release(buf);
}

static void buf_of_vmalloc_pool_says_what_it_is(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_VMALLOC);
	size_t len;

	for (len = SZ_32K; len <= SZ_2M; len *= 2) {
		struct bytepool_buf *buf = bpt_get_buf(test, pool, len);

		KUNIT_EXPECT_EQ(test, bytepool_buf_is_contig(buf),
				!is_vmalloc_addr(bytepool_buf_data(buf)));
		bpt_stamp_buf(buf, 3);
		bytepool_buf_release(buf);
	}
}

/* === NULL, which is what a get that failed leaves === */

static void buf_functions_accept_null(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, bytepool_buf_retain(NULL));
	KUNIT_EXPECT_FALSE(test, bytepool_buf_tryretain(NULL));
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(NULL), 0);
	KUNIT_EXPECT_NULL(test, bytepool_buf_data(NULL));
	KUNIT_EXPECT_NULL(test, bytepool_buf_priv(NULL));
	KUNIT_EXPECT_EQ(test, bytepool_buf_len(NULL), 0);
	KUNIT_EXPECT_EQ(test, bytepool_buf_capacity(NULL), 0);
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(NULL, 1), -EINVAL);
	KUNIT_EXPECT_FALSE(test, bytepool_buf_is_contig(NULL));
}

static void release_bufs_skips_null(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *bufs[5] = {};

	bytepool_release_bufs(5, bufs);
	bufs[1] = bpt_get_buf(test, pool, 1);
	bufs[3] = bpt_get_buf(test, pool, 1);
	bytepool_release_bufs(5, bufs);
	KUNIT_EXPECT_EQ(test, bpt_in_use(test, pool), 0);
}

static struct kunit_case buf_cases[] = {
	KUNIT_CASE(get_buf_of_nothing_is_null),
	KUNIT_CASE_PARAM(get_buf_takes_the_smallest_tier_that_fits,
			 preset_gen_params),
	KUNIT_CASE_PARAM(get_buf_larger_than_the_largest_tier,
			 preset_gen_params),
	KUNIT_CASE(get_buf_of_absurd_lengths_is_null),
	KUNIT_CASE(set_len_within_the_capacity),
	KUNIT_CASE(set_len_out_of_range_is_invalid),
	KUNIT_CASE(set_len_of_shared_is_busy),
	KUNIT_CASE(get_buf_again_has_the_length_asked_for),
	KUNIT_CASE(get_buf_has_one_reference),
	KUNIT_CASE(retain_returns_its_argument),
	KUNIT_CASE(release_of_the_last_reference_recycles),
	KUNIT_CASE(release_of_null_does_nothing),
	KUNIT_CASE(get_buf_gives_memory_to_one_owner),
	KUNIT_CASE(get_buf_and_get_do_not_overlap),
	KUNIT_CASE(get_buf_with_gfp_zero_is_zeroed),
	KUNIT_CASE(get_buf_from_zeroing_pool_is_zeroed),
	KUNIT_CASE(priv_is_null_where_there_is_none),
	KUNIT_CASE(priv_is_zeroed_by_every_get),
	KUNIT_CASE(priv_belongs_to_one_buffer),
	KUNIT_CASE(buf_is_found_by_its_priv),
	KUNIT_CASE(wiped_memory_is_served_clear),
	KUNIT_CASE(what_leaves_its_scope_is_released),
	KUNIT_CASE_PARAM(buf_is_contig_and_linear, preset_gen_params),
	KUNIT_CASE(buf_larger_than_kmalloc_gives_is_not_contig),
	KUNIT_CASE(buf_of_contig_pool_is_contig),
	KUNIT_CASE(buf_of_vmalloc_pool_says_what_it_is),
	KUNIT_CASE(buf_functions_accept_null),
	KUNIT_CASE(release_bufs_skips_null),
	{}
};

struct kunit_suite bpt_buf_suite = {
	.name = "bytepool_buf",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = buf_cases,
};

/* === Views === */

static void expect_no_view(struct kunit *test, struct bytepool_view view)
{
	KUNIT_EXPECT_NULL(test, view.buf);
	KUNIT_EXPECT_NULL(test, view.data);
	KUNIT_EXPECT_EQ(test, view.len, 0);
	/* To release it is no misuse. */
	bytepool_view_release(&view);
}

static void expect_view(struct kunit *test, const struct bytepool_view *view,
			struct bytepool_buf *buf, size_t off, size_t len)
{
	KUNIT_EXPECT_PTR_EQ(test, view->buf, buf);
	KUNIT_EXPECT_PTR_EQ(test, view->data, bytepool_buf_data(buf) + off);
	KUNIT_EXPECT_EQ(test, view->len, len);
}

/* A buffer of 1000 bytes, in a tier of 1024, that counts up. */
static struct bytepool_buf *counting_buf(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 1024);
	u8 *data = bytepool_buf_data(buf);
	unsigned int i;

	for (i = 0; i < 1024; i++)
		data[i] = i;
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 1000), 0);
	return buf;
}

static void bytes_is_the_whole(struct kunit *test)
{
	struct bytepool_buf *buf = counting_buf(test);
	struct bytepool_view view = bytepool_buf_bytes(buf);

	expect_view(test, &view, buf, 0, 1000);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 2);
	bytepool_view_release(&view);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 1);
	bytepool_buf_release(buf);
}

static void slice_is_a_range(struct kunit *test)
{
	struct bytepool_buf *buf = counting_buf(test);
	struct bytepool_view view = bytepool_buf_slice(buf, 100, 50);

	expect_view(test, &view, buf, 100, 50);
	KUNIT_EXPECT_EQ(test, *(u8 *)view.data, 100);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 2);
	bytepool_view_release(&view);
	bytepool_buf_release(buf);
}

static void view_outlives_the_first_reference(struct kunit *test)
{
	struct bytepool_buf *buf = counting_buf(test);
	struct bytepool_view view = bytepool_buf_slice(buf, 10, 20);

	bytepool_buf_release(buf);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(view.buf), 1);
	KUNIT_EXPECT_EQ(test, *(u8 *)view.data, 10);
	bytepool_view_release(&view);
}

static void view_slice_is_a_range_of_the_view(struct kunit *test)
{
	struct bytepool_buf *buf = counting_buf(test);
	struct bytepool_view outer = bytepool_buf_slice(buf, 100, 50);
	struct bytepool_view inner = bytepool_view_slice(&outer, 10, 20);
	struct bytepool_view inmost = bytepool_view_slice(&inner, 5, 15);

	expect_view(test, &inner, buf, 110, 20);
	expect_view(test, &inmost, buf, 115, 15);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 4);
	/* Each has a reference of its own. */
	bytepool_buf_release(buf);
	bytepool_view_release(&outer);
	bytepool_view_release(&inner);
	KUNIT_EXPECT_EQ(test, *(u8 *)inmost.data, 115);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(inmost.buf), 1);
	bytepool_view_release(&inmost);
}

#define NR_SLICES 300

static void slice_300_of_one_buffer(struct kunit *test)
{
	struct bytepool_buf *buf = counting_buf(test);
	struct bytepool_view *view;
	unsigned int i;

	view = kunit_kzalloc(test, NR_SLICES * sizeof(*view), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, view);
	for (i = 0; i < NR_SLICES; i++)
		view[i] = bytepool_buf_slice(buf, 3 * i, 3);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), NR_SLICES + 1);
	bytepool_buf_release(buf);
	for (i = 0; i < NR_SLICES; i++) {
		expect_view(test, &view[i], buf, 3 * i, 3);
		KUNIT_EXPECT_EQ(test, *(u8 *)view[i].data, (u8)(3 * i));
		bytepool_view_release(&view[i]);
	}
}

static void slice_out_of_range_is_none(struct kunit *test)
{
	struct bytepool_buf *buf = counting_buf(test);

	expect_no_view(test, bytepool_buf_slice(buf, 0, 1001));
	expect_no_view(test, bytepool_buf_slice(buf, 1000, 1));
	expect_no_view(test, bytepool_buf_slice(buf, 1001, 0));
	expect_no_view(test, bytepool_buf_slice(buf, 999, 2));
	expect_no_view(test, bytepool_buf_slice(buf, 0, SIZE_MAX));
	/* Sums that wrap. */
	expect_no_view(test, bytepool_buf_slice(buf, SIZE_MAX, 1));
	expect_no_view(test, bytepool_buf_slice(buf, 1, SIZE_MAX));
	expect_no_view(test, bytepool_buf_slice(buf, SIZE_MAX, SIZE_MAX));
	expect_no_view(test, bytepool_buf_slice(buf, SIZE_MAX - 9, 20));
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 1);
	bytepool_buf_release(buf);
}

static void view_slice_out_of_range_is_none(struct kunit *test)
{
	struct bytepool_buf *buf = counting_buf(test);
	struct bytepool_view view = bytepool_buf_slice(buf, 100, 50);

	/* All of these lie in the buffer, but not in the view. */
	expect_no_view(test, bytepool_view_slice(&view, 0, 51));
	expect_no_view(test, bytepool_view_slice(&view, 50, 1));
	expect_no_view(test, bytepool_view_slice(&view, 51, 0));
	expect_no_view(test, bytepool_view_slice(&view, SIZE_MAX, 1));
	expect_no_view(test, bytepool_view_slice(&view, SIZE_MAX - 9, 20));
	expect_no_view(test, bytepool_view_slice(&view, 1, SIZE_MAX));
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 2);
	bytepool_view_release(&view);
	bytepool_buf_release(buf);
}

static void expect_empty_view(struct kunit *test, struct bytepool_view view,
			      struct bytepool_buf *buf, size_t off)
{
	expect_view(test, &view, buf, off, 0);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 2);
	expect_no_view(test, bytepool_view_slice(&view, 0, 1));
	bytepool_view_release(&view);
}

static void slice_empty_in_range_is_valid(struct kunit *test)
{
	struct bytepool_buf *buf = counting_buf(test);

	expect_empty_view(test, bytepool_buf_slice(buf, 0, 0), buf, 0);
	expect_empty_view(test, bytepool_buf_slice(buf, 500, 0), buf, 500);
	expect_empty_view(test, bytepool_buf_slice(buf, 1000, 0), buf, 1000);
	bytepool_buf_release(buf);
}

/* The capacity is 1024. */
static void slice_ranges_are_of_the_length(struct kunit *test)
{
	struct bytepool_buf *buf = counting_buf(test);
	struct bytepool_view view;

	expect_no_view(test, bytepool_buf_slice(buf, 0, 1024));
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 1024), 0);
	view = bytepool_buf_slice(buf, 0, 1024);
	expect_view(test, &view, buf, 0, 1024);
	bytepool_view_release(&view);
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 10), 0);
	expect_no_view(test, bytepool_buf_slice(buf, 0, 11));
	view = bytepool_buf_bytes(buf);
	expect_view(test, &view, buf, 0, 10);
	bytepool_view_release(&view);
	bytepool_buf_release(buf);
}

static void view_release_clears_the_view(struct kunit *test)
{
	struct bytepool_buf *buf = counting_buf(test);
	struct bytepool_view view = bytepool_buf_bytes(buf);

	bytepool_view_release(&view);
	KUNIT_EXPECT_NULL(test, view.buf);
	KUNIT_EXPECT_NULL(test, view.data);
	KUNIT_EXPECT_EQ(test, view.len, 0);
	/* So a second time does nothing, and is no misuse. */
	bytepool_view_release(&view);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 1);
	bytepool_buf_release(buf);
}

static void view_slice_of_a_cleared_view_is_none(struct kunit *test)
{
	struct bytepool_view view = {};

	expect_no_view(test, bytepool_view_slice(&view, 0, 0));
	expect_no_view(test, bytepool_view_slice(&view, 0, 1));
}

static void view_of_null_is_none(struct kunit *test)
{
	expect_no_view(test, bytepool_buf_bytes(NULL));
	expect_no_view(test, bytepool_buf_slice(NULL, 0, 0));
	expect_no_view(test, bytepool_view_slice(NULL, 0, 0));
	bytepool_view_release(NULL);
}

static void view_of_memory_larger_than_the_tiers(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 4096, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SZ_64K + 1);
	struct bytepool_view view = bytepool_buf_slice(buf, SZ_64K, 1);

	*(u8 *)view.data = 42;
	bytepool_buf_release(buf);
	KUNIT_EXPECT_EQ(test, *(u8 *)view.data, 42);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).oversize_in_use, 1);
	bytepool_view_release(&view);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).oversize_in_use, 0);
}

static struct kunit_case view_cases[] = {
	KUNIT_CASE(bytes_is_the_whole),
	KUNIT_CASE(slice_is_a_range),
	KUNIT_CASE(view_outlives_the_first_reference),
	KUNIT_CASE(view_slice_is_a_range_of_the_view),
	KUNIT_CASE(slice_300_of_one_buffer),
	KUNIT_CASE(slice_out_of_range_is_none),
	KUNIT_CASE(view_slice_out_of_range_is_none),
	KUNIT_CASE(slice_empty_in_range_is_valid),
	KUNIT_CASE(slice_ranges_are_of_the_length),
	KUNIT_CASE(view_release_clears_the_view),
	KUNIT_CASE(view_slice_of_a_cleared_view_is_none),
	KUNIT_CASE(view_of_null_is_none),
	KUNIT_CASE(view_of_memory_larger_than_the_tiers),
	{}
};

struct kunit_suite bpt_view_suite = {
	.name = "bytepool_view",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = view_cases,
};
