// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool test cases - buffers found under RCU: tryretain says whether one is
 * alive, and a second look whether it is the one that was looked for
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "cases.h"

static bool tryretain(struct bytepool_buf *buf)
{
	bool ret;

	rcu_read_lock();
	ret = bytepool_buf_tryretain(buf);
	rcu_read_unlock();
	return ret;
}

static void tryretain_of_a_live_buffer(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_RCU);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);

	KUNIT_EXPECT_TRUE(test, tryretain(buf));
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(buf), 2);
	bytepool_buf_release(buf);
	bytepool_buf_release(buf);
}

/* It is what a reader who comes late does, and no misuse. */
static void tryretain_of_a_dead_buffer_is_false(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_RCU);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);
	bool ret;

	/* Released by others while the reader has its pointer. */
	rcu_read_lock();
	bytepool_buf_release(buf);
	ret = bytepool_buf_tryretain(buf);
	rcu_read_unlock();
	KUNIT_EXPECT_FALSE(test, ret);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 0).put, 1);
}

static void tryretain_beyond_the_tiers(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, SZ_1K, BYTEPOOL_RCU);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 5000);
	bool ret;

	KUNIT_EXPECT_TRUE(test, tryretain(buf));
	bytepool_buf_release(buf);
	rcu_read_lock();
	bytepool_buf_release(buf);
	ret = bytepool_buf_tryretain(buf);
	rcu_read_unlock();
	KUNIT_EXPECT_FALSE(test, ret);
}

static void release_twice_of_rcu_buffer_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_RCU);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 100);

	bytepool_buf_release(buf);
	bytepool_buf_release(buf);
	bpt_expect_misuse(test, pool, 1);
}

/* === Readers against replace-and-release === */

/* What the payload of a published buffer holds. */
#define NR_WORDS (SZ_1K / sizeof(u64))

/**
 * struct shelf - where a buffer is published
 * @pool: the pool
 * @slot: the buffer
 * @finished: the writer has
 * @next: version that comes next
 */
struct shelf {
	struct bytepool *pool;
	struct bytepool_buf __rcu *slot;
	bool finished;
	u64 next;
};

static struct bytepool_buf *write_version(struct bytepool *pool, u64 version)
{
	struct bytepool_buf *buf = bytepool_get_buf(pool, SZ_1K, GFP_KERNEL);
	u64 *word = bytepool_buf_data(buf);
	unsigned int i;

	for (i = 0; buf && i < NR_WORDS; i++)
		word[i] = version;
	return buf;
}

/* All words are the same; returns which, or 0 if they are not. */
static u64 read_version(const struct bytepool_buf *buf)
{
	const u64 *word = bytepool_buf_data(buf);
	unsigned int i;

	for (i = 1; i < NR_WORDS; i++)
		if (word[i] != word[0])
			return 0;
	return word[0];
}

/* The whole protocol of a reader. NULL if another look is needed. */
static struct bytepool_buf *look_up(struct shelf *shelf)
{
	struct bytepool_buf *buf;

	rcu_read_lock();
	buf = rcu_dereference(shelf->slot);
	if (buf && !bytepool_buf_tryretain(buf))
		buf = NULL;
	/*
	 * Alive, but it may have been issued again as something else. Acquire,
	 * since it may even have been published anew after the first look.
	 */
	if (buf && (__force void *)smp_load_acquire(&shelf->slot) != buf) {
		bytepool_buf_release(buf);
		buf = NULL;
	}
	rcu_read_unlock();
	return buf;
}

static void replace(struct kunit *test, struct shelf *shelf)
{
	struct bytepool_buf *new, *old;

	new = write_version(shelf->pool, shelf->next);
	KUNIT_EXPECT_NOT_NULL(test, new);
	if (!new)
		return;
	shelf->next++;
	old = rcu_dereference_protected(shelf->slot, true);
	rcu_assign_pointer(shelf->slot, new);
	bytepool_buf_release(old);
}

static void read_until_finished(struct kunit *test, struct shelf *shelf)
{
	u64 last = 0, version;
	unsigned int nr = 0;
	bool finished;

	do {
		struct bytepool_buf *buf;

		/* One more look after the writer has finished succeeds. */
		finished = smp_load_acquire(&shelf->finished);
		buf = look_up(shelf);
		if (buf) {
			version = read_version(buf);
			/* Reads what the last release writes. */
			KUNIT_EXPECT_TRUE(test, bytepool_buf_is_contig(buf));
			/* Neither torn, nor one that was replaced before. */
			KUNIT_EXPECT_NE(test, version, 0);
			KUNIT_EXPECT_GE(test, version, last);
			last = version;
			bytepool_buf_release(buf);
			nr++;
		}
		cond_resched();
	} while (!finished);
	KUNIT_EXPECT_GT(test, nr, 0);
	KUNIT_EXPECT_EQ(test, last, shelf->next - 1);
}

static void read_or_replace(struct bpt_crew *crew, unsigned int thread)
{
	struct shelf *shelf = crew->arg;
	unsigned int i;

	if (thread) {
		read_until_finished(crew->test, shelf);
		return;
	}
	for (i = 0; i < 4 * BPT_ROUNDS; i++)
		replace(crew->test, shelf);
	/* Pairs with the readers' last look. */
	smp_store_release(&shelf->finished, true);
}

static const unsigned int rcu_flags[] = {
	BYTEPOOL_RCU,
	BYTEPOOL_RCU | BYTEPOOL_CHECK,
	BYTEPOOL_RCU | BYTEPOOL_ZERO,
};

static void rcu_flags_desc(const unsigned int *flags, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "RCU%s%s",
		 *flags & BYTEPOOL_CHECK ? ", CHECK" : "",
		 *flags & BYTEPOOL_ZERO ? ", ZERO" : "");
}

KUNIT_ARRAY_PARAM(rcu_flags, rcu_flags, rcu_flags_desc);

static void readers_see_whole_versions_in_order(struct kunit *test)
{
	const unsigned int *flags = test->param_value;
	struct shelf shelf = { .next = 1 };

	shelf.pool = bpt_pow2_pool(test, *flags);
	replace(test, &shelf);
	bpt_run(test, bpt_nr_threads(), read_or_replace, &shelf);
	bytepool_buf_release(rcu_dereference_protected(shelf.slot, true));
}

/* Others use the same handles meanwhile, so a reader meets live strangers. */
static void replace_among_strangers(struct bpt_crew *crew, unsigned int thread)
{
	struct shelf *shelf = crew->arg;
	struct bytepool_buf *stranger;
	unsigned int i;

	if (thread) {
		read_until_finished(crew->test, shelf);
		return;
	}
	for (i = 0; i < 4 * BPT_ROUNDS; i++) {
		replace(crew->test, shelf);
		/* A version far ahead: no reader may take it for the slot's. */
		stranger = write_version(shelf->pool, U64_MAX);
		bytepool_buf_release(stranger);
	}
	/* Pairs with the readers' last look. */
	smp_store_release(&shelf->finished, true);
}

static void readers_never_take_a_stranger(struct kunit *test)
{
	const unsigned int *flags = test->param_value;
	struct shelf shelf = { .next = 1 };

	shelf.pool = bpt_pow2_pool(test, *flags);
	replace(test, &shelf);
	bpt_run(test, bpt_nr_threads(), replace_among_strangers, &shelf);
	bytepool_buf_release(rcu_dereference_protected(shelf.slot, true));
}

static struct kunit_case rcu_cases[] = {
	KUNIT_CASE(tryretain_of_a_live_buffer),
	KUNIT_CASE(tryretain_of_a_dead_buffer_is_false),
	KUNIT_CASE(tryretain_beyond_the_tiers),
	KUNIT_CASE(release_twice_of_rcu_buffer_is_refused),
	KUNIT_CASE_PARAM(readers_see_whole_versions_in_order,
			 rcu_flags_gen_params),
	KUNIT_CASE_PARAM(readers_never_take_a_stranger, rcu_flags_gen_params),
	{}
};

struct kunit_suite bpt_rcu_suite = {
	.name = "bytepool_rcu",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = rcu_cases,
};
