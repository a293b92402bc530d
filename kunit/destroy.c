// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool test cases - the end of a pool: what is out stays valid and can be
 * given back in any context, and nothing new is served
 */
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/processor.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "cases.h"

static void destroy_of_no_pool_does_nothing(struct kunit *test)
{
	bytepool_destroy(NULL);
	bytepool_destroy(ERR_PTR(-ENOMEM));
	bytepool_destroy(ERR_PTR(-EINVAL));
}

static void destroy_of_an_unused_pool(struct kunit *test)
{
	bpt_destroy(test, bpt_pow2_pool(test, 0));
	bpt_destroy(test, bpt_pow2_pool(test, BYTEPOOL_RCU | BYTEPOOL_CHECK));
}

static void destroy_gives_idle_memory_back(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *bufs[50];

	bpt_get_bufs(test, pool, 1000, 50, bufs);
	bytepool_release_bufs(50, bufs);
	bytepool_put(pool, bpt_get(test, pool, SZ_2M));
	bytepool_prefill(pool, SZ_64K, 5, GFP_KERNEL);
	bpt_expect_quiet(test, pool);
	bpt_destroy(test, pool);
}

static const unsigned int kinds[] = {
	0,
	BYTEPOOL_RCU,
	BYTEPOOL_CHECK,
	BYTEPOOL_RCU | BYTEPOOL_CHECK,
	BYTEPOOL_ZERO | BYTEPOOL_VMALLOC,
	BYTEPOOL_CONTIG,
};

static void kind_desc(const unsigned int *flags, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "flags %#x", *flags);
}

KUNIT_ARRAY_PARAM(kind, kinds, kind_desc);

static struct bytepool *pool_of_kind(struct kunit *test)
{
	const unsigned int *flags = test->param_value;
	struct bytepool_config config = bpt_config();

	config.flags = *flags;
	config.priv_size = 16;
	config.limit = 16 * SZ_4M;
	return bpt_pool(test, &config);
}

static void destroy_leaves_buffers_to_their_holders(struct kunit *test)
{
	struct bytepool *pool = pool_of_kind(test);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 1000);
	struct bytepool_view view;

	bpt_stamp_buf(buf, 1);
	bpt_stamp(bytepool_buf_priv(buf), 16, 2);
	bpt_destroy(test, pool);
	KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(buf, 1));
	KUNIT_EXPECT_TRUE(test, bpt_stamped(bytepool_buf_priv(buf), 16, 2));
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 900), 0);
	KUNIT_EXPECT_PTR_EQ(test, bytepool_buf_retain(buf), buf);
	view = bytepool_buf_slice(buf, 800, 100);
	bytepool_buf_release(buf);
	bytepool_buf_release(buf);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(view.data, view.len, 1));
	bytepool_view_release(&view);
}

static void destroy_leaves_raw_memory_to_its_holder(struct kunit *test)
{
	struct bytepool *pool = pool_of_kind(test);
	void *mem = bpt_get(test, pool, 1000);
	void *large = bpt_get(test, pool, SZ_1M);

	bpt_stamp(mem, 1000, 1);
	bpt_stamp(large, SZ_1M, 2);
	bpt_destroy(test, pool);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(mem, 1000, 1));
	KUNIT_EXPECT_TRUE(test, bpt_stamped(large, SZ_1M, 2));
	bytepool_put(pool, mem);
	bytepool_put(pool, large);
}

static void destroy_leaves_memory_larger_than_the_tiers(struct kunit *test)
{
	struct bytepool *pool = pool_of_kind(test);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SZ_2M + 1);
	void *mem = bpt_get(test, pool, SZ_2M + 1);

	bpt_stamp_buf(buf, 1);
	bpt_stamp(mem, SZ_2M + 1, 2);
	bpt_destroy(test, pool);
	KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(buf, 1));
	KUNIT_EXPECT_TRUE(test, bpt_stamped(mem, SZ_2M + 1, 2));
	bytepool_put(pool, mem);
	bytepool_buf_release(buf);
}

static void destroy_with_memory_of_every_tier_out(struct kunit *test)
{
	struct bytepool *pool = pool_of_kind(test);
	struct bytepool_buf *buf[BYTEPOOL_NR_POW2];
	void *mem[BYTEPOOL_NR_POW2];
	unsigned int i;

	for (i = 0; i < BYTEPOOL_NR_POW2; i++) {
		buf[i] = bpt_get_buf(test, pool, bytepool_sizes_pow2[i]);
		mem[i] = bpt_get(test, pool, bytepool_sizes_pow2[i]);
	}
	bpt_destroy(test, pool);
	for (i = 0; i < BYTEPOOL_NR_POW2; i++) {
		bytepool_put(pool, mem[i]);
		bytepool_buf_release(buf[i]);
	}
}

static void destroy_frees_the_name_at_once(struct kunit *test)
{
	struct bytepool_buf *buf[10];
	unsigned int i;

	for (i = 0; i < 10; i++) {
		struct bytepool *pool = pool_of_kind(test);

		buf[i] = bpt_get_buf(test, pool, 1000);
		bpt_destroy(test, pool);
	}
	while (i)
		bytepool_buf_release(buf[--i]);
}

/* The limit of a dead pool is not the next one's. */
static void destroy_and_create_start_anew(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool *first, *second;
	struct bytepool_buf *buf;

	config.limit = SZ_4K;
	first = bpt_pool(test, &config);
	buf = bpt_get_buf(test, first, SZ_4K);
	bpt_destroy(test, first);
	second = bpt_pool(test, &config);
	KUNIT_EXPECT_EQ(test, bpt_stats(second).total_get, 0);
	bytepool_buf_release(bpt_get_buf(test, second, SZ_4K));
	bytepool_buf_release(buf);
	KUNIT_EXPECT_EQ(test, bpt_stats(second).total_put, 1);
}

static void get_from_a_dead_pool_is_refused(struct kunit *test)
{
	struct bytepool *pool = pool_of_kind(test);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 1000);
	struct bytepool_buf *bufs[2] = { buf, buf };

	/* Something idle would be at hand. */
	bytepool_buf_release(bpt_get_buf(test, pool, 1000));
	bytepool_put(pool, bpt_get(test, pool, 1000));
	bpt_destroy(test, pool);
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, 1000, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, SZ_4M, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 1000, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, SZ_4M, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test,
			bytepool_get_bufs(pool, 1000, 2, bufs, GFP_KERNEL),
			-ENOMEM);
	KUNIT_EXPECT_NULL(test, bufs[0]);
	KUNIT_EXPECT_NULL(test, bufs[1]);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).misuse, 5);
	bytepool_buf_release(buf);
}

static void misuse_of_a_dead_pool_is_refused(struct kunit *test)
{
	struct bytepool *pool = pool_of_kind(test);
	struct bytepool_buf *held = bpt_get_buf(test, pool, 1000);
	u8 stack[128] __aligned(64) = {};

	bpt_destroy(test, pool);
	bytepool_put(pool, stack);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).misuse, 1);
	bytepool_buf_release(held);
}

static void tryretain_from_a_dead_pool(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_RCU);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 1000);
	bool ret;

	bpt_destroy(test, pool);
	rcu_read_lock();
	ret = bytepool_buf_tryretain(buf);
	rcu_read_unlock();
	KUNIT_EXPECT_TRUE(test, ret);
	bytepool_buf_release(buf);
	rcu_read_lock();
	bytepool_buf_release(buf);
	ret = bytepool_buf_tryretain(buf);
	rcu_read_unlock();
	KUNIT_EXPECT_FALSE(test, ret);
}

/* === In any context === */

/**
 * struct left - what is out of a pool that was destroyed
 * @timer: in whose interrupt it is given back
 * @pool: the pool
 * @buf: a buffer of a tier
 * @large_buf: one that is larger than the largest
 * @mem: raw memory of a tier
 * @large_mem: larger than the largest
 * @done: it has been given back
 */
struct left {
	struct hrtimer timer;
	struct bytepool *pool;
	struct bytepool_buf *buf;
	struct bytepool_buf *large_buf;
	void *mem;
	void *large_mem;
	bool done;
};

static struct left *destroy_with_all_kinds_out(struct kunit *test)
{
	struct left *left = kunit_kzalloc(test, sizeof(*left), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, left);
	left->pool = pool_of_kind(test);
	left->buf = bpt_get_buf(test, left->pool, 1000);
	left->large_buf = bpt_get_buf(test, left->pool, SZ_2M + 1);
	left->mem = bpt_get(test, left->pool, 1000);
	left->large_mem = bpt_get(test, left->pool, SZ_2M + 1);
	bpt_destroy(test, left->pool);
	return left;
}

static void give_back(struct left *left)
{
	bytepool_put(left->pool, left->large_mem);
	bytepool_buf_release(left->large_buf);
	bytepool_put(left->pool, left->mem);
	bytepool_buf_release(left->buf);
}

static void late_release_with_interrupts_off(struct kunit *test)
{
	struct left *left = destroy_with_all_kinds_out(test);
	unsigned long flags;
	bool off;

	local_irq_save(flags);
	give_back(left);
	off = irqs_disabled();
	local_irq_restore(flags);
	KUNIT_EXPECT_TRUE(test, off);
}

static enum hrtimer_restart give_back_fn(struct hrtimer *timer)
{
	struct left *left = container_of(timer, struct left, timer);

	give_back(left);
	WRITE_ONCE(left->done, true);
	return HRTIMER_NORESTART;
}

static void late_release_in_interrupt(struct kunit *test,
				      enum hrtimer_mode mode)
{
	struct left *left = destroy_with_all_kinds_out(test);
	unsigned long end = jiffies + 60 * HZ;

	hrtimer_setup(&left->timer, give_back_fn, CLOCK_MONOTONIC, mode);
	hrtimer_start(&left->timer, ns_to_ktime(1000), mode);
	while (!READ_ONCE(left->done) && time_before(jiffies, end)) {
		cpu_relax();
		cond_resched();
	}
	hrtimer_cancel(&left->timer);
	KUNIT_EXPECT_TRUE(test, left->done);
}

static void late_release_in_hardirq(struct kunit *test)
{
	late_release_in_interrupt(test, HRTIMER_MODE_REL_PINNED_HARD);
}

static void late_release_in_softirq(struct kunit *test)
{
	late_release_in_interrupt(test, HRTIMER_MODE_REL_PINNED_SOFT);
}

static void give_back_crew(struct bpt_crew *crew, unsigned int thread)
{
	give_back(crew->arg);
}

static void late_release_on_another_cpu(struct kunit *test)
{
	bpt_run(test, 1, give_back_crew, destroy_with_all_kinds_out(test));
}

#define NR_RACED 20

/**
 * struct raced - memory that comes back while its pool is destroyed
 * @pool: the pool
 * @bufs: buffers
 * @mem: raw memory
 */
struct raced {
	struct bytepool *pool;
	struct bytepool_buf *bufs[NR_RACED];
	void *mem[NR_RACED];
};

static void destroy_or_give_back(struct bpt_crew *crew, unsigned int thread)
{
	struct raced *raced = crew->arg;
	unsigned int i;

	bpt_meet(crew);
	if (!thread) {
		bytepool_destroy(raced->pool);
		return;
	}
	/* The threads but the first share what there is. */
	for (i = thread - 1; i < NR_RACED; i += crew->nr - 1) {
		bytepool_buf_release(raced->bufs[i]);
		bytepool_put(raced->pool, raced->mem[i]);
	}
}

static void destroy_while_all_memory_comes_back(struct kunit *test)
{
	const unsigned int *flags = test->param_value;
	struct bytepool_config config = bpt_config();
	struct raced raced;
	unsigned int round, i;

	config.flags = *flags;
	for (round = 0; round < BPT_ROUNDS / 40; round++) {
		raced.pool = bytepool_create(&config);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, raced.pool);
		for (i = 0; i < NR_RACED; i++) {
			raced.bufs[i] = bpt_get_buf(test, raced.pool, 1000);
			raced.mem[i] = bpt_get(test, raced.pool, 5000);
		}
		bpt_run(test, 2, destroy_or_give_back, &raced);
	}
}

static struct kunit_case destroy_cases[] = {
	KUNIT_CASE(destroy_of_no_pool_does_nothing),
	KUNIT_CASE(destroy_of_an_unused_pool),
	KUNIT_CASE(destroy_gives_idle_memory_back),
	KUNIT_CASE_PARAM(destroy_leaves_buffers_to_their_holders,
			 kind_gen_params),
	KUNIT_CASE_PARAM(destroy_leaves_raw_memory_to_its_holder,
			 kind_gen_params),
	KUNIT_CASE_PARAM(destroy_leaves_memory_larger_than_the_tiers,
			 kind_gen_params),
	KUNIT_CASE_PARAM(destroy_with_memory_of_every_tier_out,
			 kind_gen_params),
	KUNIT_CASE_PARAM(destroy_frees_the_name_at_once, kind_gen_params),
	KUNIT_CASE(destroy_and_create_start_anew),
	KUNIT_CASE_PARAM(get_from_a_dead_pool_is_refused, kind_gen_params),
	KUNIT_CASE_PARAM(misuse_of_a_dead_pool_is_refused, kind_gen_params),
	KUNIT_CASE(tryretain_from_a_dead_pool),
	KUNIT_CASE_PARAM(late_release_with_interrupts_off, kind_gen_params),
	KUNIT_CASE_PARAM(late_release_in_hardirq, kind_gen_params),
	KUNIT_CASE_PARAM(late_release_in_softirq, kind_gen_params),
	KUNIT_CASE_PARAM(late_release_on_another_cpu, kind_gen_params),
	KUNIT_CASE_PARAM(destroy_while_all_memory_comes_back, kind_gen_params),
	{}
};

struct kunit_suite bpt_destroy_suite = {
	.name = "bytepool_destroy",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = destroy_cases,
};
