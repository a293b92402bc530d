// SPDX-License-Identifier: GPL-2.0
/* bytepool test cases - several CPUs that use one pool */
#include <linux/sizes.h>

#include "cases.h"

/* === Release on another CPU than the get === */

#define NR_HANDED 200

/**
 * struct handed - what one CPU gets and another gives back
 * @pool: the pool it is from
 * @bufs: buffers
 * @mem: raw memory
 */
struct handed {
	struct bytepool *pool;
	struct bytepool_buf *bufs[NR_HANDED];
	void *mem[NR_HANDED];
};

static void get_handed(struct kunit *test, struct handed *handed)
{
	unsigned int i;

	for (i = 0; i < NR_HANDED; i++) {
		handed->bufs[i] = bpt_get_buf(test, handed->pool, 500 + i);
		handed->mem[i] = bpt_get(test, handed->pool, 500 + i);
		bpt_stamp_buf(handed->bufs[i], i);
		bpt_stamp(handed->mem[i], 500 + i, ~i);
	}
}

static void release_handed(struct bpt_crew *crew, unsigned int thread)
{
	struct handed *handed = crew->arg;
	unsigned int i;

	for (i = 0; i < NR_HANDED; i++) {
		KUNIT_EXPECT_TRUE(crew->test,
				  bpt_buf_stamped(handed->bufs[i], i));
		KUNIT_EXPECT_TRUE(crew->test,
				  bpt_stamped(handed->mem[i], 500 + i, ~i));
		bytepool_buf_release(handed->bufs[i]);
		bytepool_put(handed->pool, handed->mem[i]);
	}
}

static void release_on_another_cpu_than_the_get(struct kunit *test)
{
	struct handed *handed;
	unsigned int i;

	handed = kunit_kzalloc(test, sizeof(*handed), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, handed);
	handed->pool = bpt_pow2_pool(test, 0);
	for (i = 0; i < 3; i++) {
		get_handed(test, handed);
		KUNIT_EXPECT_EQ(test, bpt_in_use(test, handed->pool),
				2 * NR_HANDED);
		bpt_run(test, 1, release_handed, handed);
		bpt_expect_quiet(test, handed->pool);
	}
}

static void shrink_reaches_what_another_cpu_has_idle(struct kunit *test)
{
	struct handed *handed;
	size_t idle;

	handed = kunit_kzalloc(test, sizeof(*handed), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, handed);
	handed->pool = bpt_pow2_pool(test, 0);
	get_handed(test, handed);
	bpt_run(test, 1, release_handed, handed);
	idle = bpt_tier(test, handed->pool, 2).idle * 512 +
	       bpt_tier(test, handed->pool, 3).idle * 1024;
	bpt_expect_shrink(test, handed->pool, idle);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, handed->pool, 2).idle, 0);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, handed->pool, 3).idle, 0);
}

static void read_elsewhere(struct bpt_crew *crew, unsigned int thread)
{
	struct bytepool_view *view = crew->arg;

	KUNIT_EXPECT_TRUE(crew->test, bpt_stamped(view->data, view->len, 9));
	bytepool_view_release(view);
}

static void view_released_last_on_another_cpu(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 1000);
	struct bytepool_view view = bytepool_buf_slice(buf, 10, 100);

	bpt_stamp_buf(buf, 9);
	bytepool_buf_release(buf);
	bpt_run(test, 1, read_elsewhere, &view);
}

/* === All at once === */

static void hold_and_compare(struct bpt_crew *crew, unsigned int thread)
{
	struct bytepool *pool = crew->arg;
	u8 tag = 1 + thread;
	unsigned int i, j;

	for (i = 0; i < BPT_ROUNDS; i++) {
		struct bytepool_buf *bufs[8] = {};
		bool sane = true;

		for (j = 0; j < 8; j++) {
			bufs[j] = bytepool_get_buf(pool, 100 + i, GFP_KERNEL);
			if (bufs[j])
				bpt_stamp_buf(bufs[j], tag);
		}
		for (j = 0; j < 8; j++)
			sane &= bufs[j] && bpt_buf_stamped(bufs[j], tag);
		KUNIT_EXPECT_TRUE(crew->test, sane);
		bytepool_release_bufs(8, bufs);
	}
}

static void get_on_all_cpus_gives_memory_to_one_owner(struct kunit *test)
{
	bpt_run(test, bpt_nr_threads(), hold_and_compare,
		bpt_pow2_pool(test, 0));
}

/**
 * struct shared_buf - a buffer that all CPUs retain and release
 * @buf: the buffer
 * @nr_threads: how many there are
 */
struct shared_buf {
	struct bytepool_buf *buf;
	unsigned int nr_threads;
};

static void retain_and_release(struct bpt_crew *crew, unsigned int thread)
{
	struct shared_buf *shared = crew->arg;
	unsigned int i;

	for (i = 0; i < 10 * BPT_ROUNDS; i++) {
		bytepool_buf_retain(shared->buf);
		bytepool_buf_release(shared->buf);
	}
	/* This one reference was got for the thread. */
	bytepool_buf_release(shared->buf);
}

static void retain_on_all_cpus_counts_exactly(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	unsigned int nr = bpt_nr_threads(), i;
	struct shared_buf shared = {
		.buf = bpt_get_buf(test, pool, 100),
		.nr_threads = nr,
	};

	for (i = 0; i < nr; i++)
		bytepool_buf_retain(shared.buf);
	bpt_run(test, nr, retain_and_release, &shared);
	KUNIT_EXPECT_EQ(test, bytepool_buf_refcount(shared.buf), 1);
	bytepool_buf_release(shared.buf);
}

/**
 * struct limited - how much of a limited pool is out
 * @pool: the pool
 * @out: pieces of memory that are out
 * @most: the most there were
 */
struct limited {
	struct bytepool *pool;
	atomic_t out;
	atomic_t most;
};

#define LIMITED 3

static void get_up_to_the_limit(struct bpt_crew *crew, unsigned int thread)
{
	struct limited *limited = crew->arg;
	void *mem[LIMITED + 1];
	unsigned int i, nr;
	int out;

	for (i = 0; i < 10 * BPT_ROUNDS; i++) {
		/* Lest one is done before the other has begun. */
		if (i % 64 == 0)
			bpt_meet(crew);
		for (nr = 0; nr <= LIMITED; nr++) {
			mem[nr] = bytepool_get(limited->pool, 1000, GFP_KERNEL);
			if (!mem[nr])
				break;
			out = atomic_inc_return(&limited->out);
			if (out > atomic_read(&limited->most))
				atomic_set(&limited->most, out);
		}
		while (nr) {
			atomic_dec(&limited->out);
			bytepool_put(limited->pool, mem[--nr]);
		}
	}
}

static void limit_is_exact_on_all_cpus(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct limited limited = {};
	unsigned int i;

	config.limit = LIMITED * SZ_1K;
	limited.pool = bpt_pool(test, &config);
	bpt_run(test, bpt_nr_threads(), get_up_to_the_limit, &limited);
	KUNIT_EXPECT_EQ(test, atomic_read(&limited.most), LIMITED);
	/* All of it is there again. */
	for (i = 0; i < 2; i++) {
		struct bytepool_buf *bufs[LIMITED];

		bpt_get_bufs(test, limited.pool, SZ_1K, LIMITED, bufs);
		bytepool_release_bufs(LIMITED, bufs);
	}
}

/**
 * struct last_piece - what remains of a limit, for which two CPUs compete
 * @pool: the pool
 * @winners: how many got it
 */
struct last_piece {
	struct bytepool *pool;
	atomic_t winners;
};

static void compete_for_last_piece(struct bpt_crew *crew, unsigned int thread)
{
	struct last_piece *last = crew->arg;
	unsigned int i;
	void *mem;

	for (i = 1; i <= BPT_ROUNDS / 2; i++) {
		bpt_step(crew, thread);
		mem = bytepool_get(last->pool, 1000, GFP_KERNEL);
		atomic_add(!!mem, &last->winners);
		bpt_meet(crew);
		bytepool_put(last->pool, mem);
		KUNIT_EXPECT_EQ(crew->test, atomic_read(&last->winners), i);
		bpt_meet(crew);
	}
}

static void limit_leaves_the_last_piece_to_one_cpu(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct last_piece last = {};

	config.limit = SZ_1K;
	last.pool = bpt_pool(test, &config);
	bpt_run(test, 2, compete_for_last_piece, &last);
}

static void expect_plausible(struct kunit *test, struct bytepool *pool)
{
	struct bytepool_tier_stats tier = bpt_tier(test, pool, 0);
	struct bytepool_stats stats = bpt_stats(pool);

	KUNIT_EXPECT_LE(test, tier.put, tier.get);
	KUNIT_EXPECT_EQ(test, tier.get, tier.hit + tier.miss);
	KUNIT_EXPECT_LE(test, stats.total_put, stats.total_get);
	/* Late, perhaps, but not what a difference below zero looks like. */
	KUNIT_EXPECT_LE(test, tier.in_use, tier.get);
	KUNIT_EXPECT_LE(test, tier.idle, tier.get);
}

static void use_or_read_stats(struct bpt_crew *crew, unsigned int thread)
{
	struct bytepool *pool = crew->arg;
	struct bytepool_buf *bufs[4];
	unsigned int i;

	for (i = 0; i < BPT_ROUNDS; i++) {
		if (!thread) {
			expect_plausible(crew->test, pool);
			continue;
		}
		if (!bytepool_get_bufs(pool, 100, 4, bufs, GFP_KERNEL))
			bytepool_release_bufs(4, bufs);
	}
}

static void stats_read_under_load_are_never_negative(struct kunit *test)
{
	bpt_run(test, bpt_nr_threads(), use_or_read_stats,
		bpt_tier_pool(test, SZ_1K, 0));
}

static void get_elsewhere(struct bpt_crew *crew, unsigned int thread)
{
	unsigned int len;

	for (len = 1; len <= 5; len++)
		bytepool_put(crew->arg,
			     bytepool_get(crew->arg, len, GFP_KERNEL));
}

/* Merged by coarse time, but never out of the order of one CPU. */
static void recent_lengths_of_two_cpus(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	unsigned int last[2] = { 0, 5 }, i;
	size_t len[11];

	bpt_run(test, 1, get_elsewhere, pool);
	for (i = 6; i <= 10; i++)
		bytepool_put(pool, bpt_get(test, pool, i));
	KUNIT_ASSERT_EQ(test, bytepool_recent_lengths(pool, len, 11), 10);
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_EQ(test, len[i], last[len[i] > 5] + 1);
		last[len[i] > 5] = len[i];
	}
}

/* === Two CPUs that release one reference === */

static const unsigned int arbitrated[] = {
	BYTEPOOL_RCU,
	BYTEPOOL_CHECK,
	BYTEPOOL_RCU | BYTEPOOL_CHECK,
};

static void arbitrated_desc(const unsigned int *flags, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s",
		 *flags & BYTEPOOL_RCU ? "RCU" : "",
		 *flags & BYTEPOOL_CHECK ? "CHECK" : "");
}

KUNIT_ARRAY_PARAM(arbitrated, arbitrated, arbitrated_desc);

#define NR_CONTESTED 64

/**
 * struct contested - memory that two CPUs take for theirs
 * @pool: where it is from
 * @bufs: buffers
 * @mem: raw memory
 */
struct contested {
	struct bytepool *pool;
	struct bytepool_buf *bufs[NR_CONTESTED];
	void *mem[NR_CONTESTED];
};

static struct contested *new_contested(struct kunit *test, unsigned int flags)
{
	struct contested *contested;

	contested = kunit_kzalloc(test, sizeof(*contested), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, contested);
	contested->pool = bpt_pow2_pool(test, flags);
	return contested;
}

static void get_contested(struct kunit *test, struct contested *contested)
{
	unsigned int i;
	int ret;

	ret = bytepool_get_bufs(contested->pool, 100, NR_CONTESTED,
				contested->bufs, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, ret, 0);
	for (i = 0; i < NR_CONTESTED; i++) {
		contested->mem[i] =
			bytepool_get(contested->pool, 100, GFP_KERNEL);
		KUNIT_EXPECT_NOT_NULL(test, contested->mem[i]);
	}
}

static void expect_contested(struct kunit *test, struct contested *contested,
			     u64 put, u64 misuse)
{
	struct bytepool_stats stats = bpt_stats(contested->pool);

	KUNIT_EXPECT_EQ(test, stats.total_put, put);
	KUNIT_EXPECT_EQ(test, stats.misuse, misuse);
}

#define CONTESTED_ROUNDS (BPT_ROUNDS / 16)

static void release_contested(struct bpt_crew *crew, unsigned int thread)
{
	struct contested *contested = crew->arg;
	unsigned int i, j;

	for (i = 1; i <= CONTESTED_ROUNDS; i++) {
		if (!thread)
			get_contested(crew->test, contested);
		bpt_meet(crew);
		for (j = 0; j < NR_CONTESTED; j++) {
			bpt_step(crew, thread);
			bytepool_buf_release(contested->bufs[j]);
		}
		bpt_meet(crew);
		for (j = 0; !thread && j < NR_CONTESTED; j++)
			bytepool_put(contested->pool, contested->mem[j]);
		if (!thread)
			expect_contested(crew->test, contested,
					 2 * i * NR_CONTESTED,
					 i * NR_CONTESTED);
	}
}

/* Exactly one of them wins, and the other is told. */
static void release_of_one_reference_by_two_cpus(struct kunit *test)
{
	const unsigned int *flags = test->param_value;
	struct contested *contested = new_contested(test, *flags);

	bpt_run(test, 2, release_contested, contested);
	bpt_expect_misuse(test, contested->pool,
			  CONTESTED_ROUNDS * NR_CONTESTED);
}

static void put_contested(struct bpt_crew *crew, unsigned int thread)
{
	struct contested *contested = crew->arg;
	unsigned int i, j;

	for (i = 1; i <= CONTESTED_ROUNDS; i++) {
		if (!thread)
			get_contested(crew->test, contested);
		bpt_meet(crew);
		for (j = 0; j < NR_CONTESTED; j++) {
			bpt_step(crew, thread);
			bytepool_put(contested->pool, contested->mem[j]);
		}
		bpt_meet(crew);
		if (thread)
			continue;
		bytepool_release_bufs(NR_CONTESTED, contested->bufs);
		expect_contested(crew->test, contested, 2 * i * NR_CONTESTED,
				 i * NR_CONTESTED);
	}
}

static void put_of_one_piece_by_two_cpus(struct kunit *test)
{
	struct contested *contested = new_contested(test, BYTEPOOL_CHECK);

	bpt_run(test, 2, put_contested, contested);
	bpt_expect_misuse(test, contested->pool,
			  CONTESTED_ROUNDS * NR_CONTESTED);
}

static void release_last_two(struct bpt_crew *crew, unsigned int thread)
{
	struct contested *contested = crew->arg;
	unsigned int i, j;

	for (i = 1; i <= CONTESTED_ROUNDS; i++) {
		if (!thread)
			get_contested(crew->test, contested);
		for (j = 0; !thread && j < NR_CONTESTED; j++)
			bytepool_buf_retain(contested->bufs[j]);
		bpt_meet(crew);
		for (j = 0; j < NR_CONTESTED; j++) {
			bpt_step(crew, thread);
			bytepool_buf_release(contested->bufs[j]);
		}
		bpt_meet(crew);
		for (j = 0; !thread && j < NR_CONTESTED; j++)
			bytepool_put(contested->pool, contested->mem[j]);
		if (!thread)
			expect_contested(crew->test, contested,
					 2 * i * NR_CONTESTED, 0);
	}
}

/* No misuse at all, and whoever is last recycles it, in any kind of pool. */
static void release_of_two_references_by_two_cpus(struct kunit *test)
{
	bpt_run(test, 2, release_last_two, new_contested(test, 0));
}

static struct kunit_case cpus_cases[] = {
	KUNIT_CASE(release_on_another_cpu_than_the_get),
	KUNIT_CASE(shrink_reaches_what_another_cpu_has_idle),
	KUNIT_CASE(view_released_last_on_another_cpu),
	KUNIT_CASE(get_on_all_cpus_gives_memory_to_one_owner),
	KUNIT_CASE(retain_on_all_cpus_counts_exactly),
	KUNIT_CASE(limit_is_exact_on_all_cpus),
	KUNIT_CASE(limit_leaves_the_last_piece_to_one_cpu),
	KUNIT_CASE(stats_read_under_load_are_never_negative),
	KUNIT_CASE(recent_lengths_of_two_cpus),
	KUNIT_CASE_PARAM(release_of_one_reference_by_two_cpus,
			 arbitrated_gen_params),
	KUNIT_CASE(put_of_one_piece_by_two_cpus),
	KUNIT_CASE(release_of_two_references_by_two_cpus),
	{}
};

struct kunit_suite bpt_cpus_suite = {
	.name = "bytepool_cpus",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = cpus_cases,
};
