// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool as a program uses it: default pools of the library, and no header
 * but its own.
 */
#include <bytepool.h>
#include <stdint.h>

#include "user_bench.h"

static struct bytepool *pool;
/* The buffer that "retain" shares; each thread has its own. */
static __thread struct bytepool_buf *shared;

static bool make_pool(unsigned int flags)
{
	const struct bytepool_config config = {
		.name = "bench",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
		.flags = flags,
	};

	pool = bytepool_create(&config);
	return !IS_ERR(pool);
}

static bool pool_setup(size_t size, unsigned int threads)
{
	(void)size;
	(void)threads;
	return make_pool(0);
}

static bool rcu_setup(size_t size, unsigned int threads)
{
	(void)size;
	(void)threads;
	return make_pool(BYTEPOOL_RCU);
}

/* Conservation: what was got came back, and nothing was refused. */
static bool pool_teardown(void)
{
	struct bytepool_tier_stats tier;
	struct bytepool_stats stats;
	bool is_whole;

	bytepool_get_stats(pool, &stats);
	is_whole = stats.total_get == stats.total_put && !stats.misuse &&
		   !stats.fail && !stats.quarantined && !stats.oversize_in_use;
	for (unsigned int i = 0; i < stats.nr_tiers; i++)
		if (bytepool_get_tier_stats(pool, i, &tier) || tier.in_use)
			is_whole = false;
	bytepool_destroy(pool);
	return is_whole;
}

static void *raw_get(size_t len)
{
	return bytepool_get(pool, len, GFP_KERNEL);
}

static void raw_put(void *mem)
{
	bytepool_put(pool, mem);
}

static void *buf_get(size_t len)
{
	return bytepool_get_buf(pool, len, GFP_KERNEL);
}

static void buf_put(void *buf)
{
	bytepool_buf_release(buf);
}

static void *ref_get(size_t len)
{
	if (__builtin_expect(!shared, 0))
		shared = bytepool_get_buf(pool, len, GFP_KERNEL);
	return shared ? bytepool_buf_retain(shared) : NULL;
}

static void ref_put(void *buf)
{
	bytepool_buf_release(buf);
}

static void ref_leave(void)
{
	if (shared)
		bytepool_buf_release(shared);
	shared = NULL;
}

/*
 * The library's clock is kept by a thread once it was asked for, and asked from
 * the system else, which takes more. That thread does other work, too, and then
 * has to be asked anew: after some runs it has nothing else to do.
 */
#define TICK_SETTLES .settle = 200

BENCH_PATTERNS(raw)
BENCH_PATTERNS(buf)
BENCH_PATTERNS(ref)

const struct bench_candidate bench_candidates[] = {
	{ .name = "raw",
	  .max_size = SIZE_MAX,
	  .setup = pool_setup,
	  .teardown = pool_teardown,
	  TICK_SETTLES,
	  BENCH_OPS(raw) },
	{ .name = "buffer",
	  .max_size = SIZE_MAX,
	  .setup = pool_setup,
	  .teardown = pool_teardown,
	  TICK_SETTLES,
	  BENCH_OPS(buf) },
	{ .name = "rcu",
	  .max_size = SIZE_MAX,
	  .setup = rcu_setup,
	  .teardown = pool_teardown,
	  TICK_SETTLES,
	  BENCH_OPS(buf) },
	{ .name = "retain",
	  .max_size = SIZE_MAX,
	  .setup = pool_setup,
	  .teardown = pool_teardown,
	  .leave = ref_leave,
	  TICK_SETTLES,
	  BENCH_OPS(ref) },
};

const unsigned int bench_nr_candidates =
	sizeof(bench_candidates) / sizeof(bench_candidates[0]);
