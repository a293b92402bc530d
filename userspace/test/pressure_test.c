// SPDX-License-Identifier: GPL-2.0
/*
 * What memory pressure has of the pools, and what is said when memory is out.
 * The kernel calls shrinkers and notifiers itself, and no module can: hence here.
 *
 * It is run with BYTEPOOL_IDLE_TRIM=0: the trim would take the memory meanwhile.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <shim.h>
#include <stdio.h>
#include <unistd.h>

#include <kunit/test.h>

#include "../../bytepool.h"

/* Longer than a class has to see no get or put until it rests. */
#define REST_MS 150

/* The worker waits for a grace period. */
#define WORKER_TIMEOUT (60 * HZ)

#define NR_BUFS	 600
#define NR_POOLS 20

/* Objects that a pass may free, as bytepool.c has it. */
#define SCAN_OBJECTS 512

/* The kernel's batch. */
#define BATCH 128

static const size_t tier_64k = SZ_64K;

static struct bytepool *create(struct kunit *test, const char *name,
			       size_t size)
{
	struct bytepool_config config = {
		.name = name,
		.sizes = &size,
		.nr_sizes = 1,
		.max_idle = 16 * SZ_4M,
	};
	struct bytepool *pool = bytepool_create(&config);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	return pool;
}

static void get_and_release(struct bytepool *pool, unsigned int nr)
{
	static struct bytepool_buf *bufs[SZ_4K];
	unsigned int i;

	for (i = 0; i < nr; i++)
		bufs[i] = bytepool_get_buf(pool, 1, GFP_KERNEL);
	for (i = 0; i < nr; i++)
		bytepool_buf_release(bufs[i]);
}

static u64 nr_idle(struct bytepool *pool)
{
	struct bytepool_tier_stats tier;

	return bytepool_get_tier_stats(pool, 0, &tier) ? 0 : tier.idle;
}

/* As reclaim does it, until there is nothing more. Returns pages. */
static unsigned long reclaim_all(void)
{
	unsigned long pages = 0, given;

	while ((given = shim_shrink_all(BATCH)))
		pages += given;
	return pages;
}

/* What CPUs have given is back once the worker has run. */
static void expect_idle(struct kunit *test, struct bytepool *pool, u64 nr)
{
	unsigned long end = jiffies + WORKER_TIMEOUT;

	while (nr_idle(pool) != nr && time_before(jiffies, end))
		usleep_range(50, 50);
	KUNIT_EXPECT_EQ(test, nr_idle(pool), nr);
}

/* A thread has a CPU of its own, and stays there. */
static int stay(struct kunit *test)
{
	return set_cpus_allowed_ptr(current,
				    cpumask_of(raw_smp_processor_id()));
}

/* === Memory that the shrinker has === */

static void scans_give_what_was_counted(struct kunit *test)
{
	struct bytepool *pool = create(test, "pressure", PAGE_SIZE);
	u64 idle;

	get_and_release(pool, NR_BUFS);
	idle = nr_idle(pool);
	KUNIT_EXPECT_EQ(test, idle, NR_BUFS);
	/* A look now, so that the next one can tell that all of it rests. */
	KUNIT_EXPECT_LE(test, shim_shrink_count(), idle);
	msleep(REST_MS);
	KUNIT_EXPECT_EQ(test, shim_shrink_count(), idle);
	KUNIT_EXPECT_EQ(test, reclaim_all(), idle);
	expect_idle(test, pool, 0);
	KUNIT_EXPECT_EQ(test, shim_shrink_count(), 0);
	/* And all goes on. */
	get_and_release(pool, NR_BUFS);
	KUNIT_EXPECT_EQ(test, nr_idle(pool), NR_BUFS);
	bytepool_destroy(pool);
}

/* Neither in a depot nor in magazines that are all full. */
static void partly_filled_magazines_are_counted_as_such(struct kunit *test)
{
	struct bytepool *pool = create(test, "pressure", PAGE_SIZE);

	bytepool_prefill(pool, PAGE_SIZE, 3, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, shim_shrink_count(), 3);
	KUNIT_EXPECT_EQ(test, reclaim_all(), 3);
	get_and_release(pool, 5);
	shim_shrink_count();
	msleep(REST_MS);
	KUNIT_EXPECT_EQ(test, shim_shrink_count(), 5);
	KUNIT_EXPECT_EQ(test, reclaim_all(), 5);
	expect_idle(test, pool, 0);
	bytepool_destroy(pool);
}

/**
 * struct resting - a thread, and so a CPU, that has idle memory and does nothing
 * @pool: the pool
 * @there: it has
 * @end: it may end
 */
struct resting {
	struct bytepool *pool;
	struct completion there;
	struct completion end;
};

static int rest(void *data)
{
	struct resting *resting = data;

	stay(NULL);
	get_and_release(resting->pool, 60);
	complete(&resting->there);
	wait_for_completion(&resting->end);
	return 0;
}

static void a_cpu_that_rests_gives_while_another_works(struct kunit *test)
{
	struct resting resting = {
		.pool = create(test, "pressure", PAGE_SIZE),
	};
	struct task_struct *task;

	init_completion(&resting.there);
	init_completion(&resting.end);
	task = kthread_create(rest, &resting, "rest");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	get_task_struct(task);
	wake_up_process(task);
	wait_for_completion(&resting.there);

	get_and_release(resting.pool, 2);
	KUNIT_EXPECT_EQ(test, nr_idle(resting.pool), 62);
	shim_shrink_count();
	msleep(REST_MS);
	get_and_release(resting.pool, 2);
	KUNIT_EXPECT_EQ(test, shim_shrink_count(), 60);
	KUNIT_EXPECT_EQ(test, shim_shrink_all(BATCH), 60);
	/* Given once, and not counted again, whether the worker has run or not. */
	KUNIT_EXPECT_EQ(test, shim_shrink_all(BATCH), 0);
	expect_idle(test, resting.pool, 2);

	complete(&resting.end);
	while (!shim_kthread_exited(task))
		usleep_range(50, 50);
	put_task_struct(task);
	bytepool_destroy(resting.pool);
}

static void a_pass_frees_so_many_objects(struct kunit *test)
{
	struct bytepool *pool = create(test, "pressure", 128);
	u64 before, after;

	get_and_release(pool, SZ_4K);
	before = nr_idle(pool);
	KUNIT_EXPECT_EQ(test, shim_shrink_all(BATCH),
			SCAN_OBJECTS * 128 / PAGE_SIZE);
	after = nr_idle(pool);
	KUNIT_EXPECT_EQ(test, before - after, SCAN_OBJECTS);
	bytepool_destroy(pool);
}

/* Not a magazine of 8 MiB because it is there. */
static void a_pass_frees_what_it_was_asked_for(struct kunit *test)
{
	struct bytepool *pool = create(test, "pressure", tier_64k);

	get_and_release(pool, NR_BUFS);
	KUNIT_EXPECT_EQ(test, shim_shrink_all(SZ_128K / PAGE_SIZE),
			SZ_128K / PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, nr_idle(pool), NR_BUFS - 2);
	bytepool_destroy(pool);
}

/* More classes than a pass looks at: the rest has its turn in the next ones. */
static void counts_go_round(struct kunit *test)
{
	struct bytepool *pools[64];
	unsigned long sum = 0, count = 0;
	unsigned int i, passes = 0;
	char name[20];

	for (i = 0; i < ARRAY_SIZE(pools); i++) {
		snprintf(name, sizeof(name), "pressure%u", i);
		pools[i] = bytepool_create((&(struct bytepool_config){
			.name = name,
			.sizes = bytepool_sizes_pow2,
			.nr_sizes = BYTEPOOL_NR_POW2,
		}));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pools[i]);
		bytepool_put(pools[i],
			     bytepool_get(pools[i], SZ_4K, GFP_KERNEL));
		bytepool_put(pools[i],
			     bytepool_get(pools[i], SZ_8K, GFP_KERNEL));
		sum += (SZ_4K + SZ_8K) / PAGE_SIZE;
	}
	for (i = 0; i < ARRAY_SIZE(pools); i++)
		shim_shrink_count();
	msleep(REST_MS);
	for (; passes < ARRAY_SIZE(pools) && count < sum; passes++)
		count = shim_shrink_count();
	KUNIT_EXPECT_EQ(test, count, sum);
	kunit_info(test, "%u passes", passes);
	KUNIT_EXPECT_EQ(test, reclaim_all(), sum);
	for (i = 0; i < ARRAY_SIZE(pools); i++)
		bytepool_destroy(pools[i]);
}

static void unused_pools_have_nothing(struct kunit *test)
{
	struct bytepool *pool = create(test, "pressure", SZ_4K);

	KUNIT_EXPECT_EQ(test, shim_shrink_count(), 0);
	KUNIT_EXPECT_EQ(test, shim_shrink_all(BATCH), 0);
	bytepool_destroy(pool);
}

static struct kunit_case shrinker_cases[] = {
	KUNIT_CASE(scans_give_what_was_counted),
	KUNIT_CASE(partly_filled_magazines_are_counted_as_such),
	KUNIT_CASE(a_cpu_that_rests_gives_while_another_works),
	KUNIT_CASE(a_pass_frees_so_many_objects),
	KUNIT_CASE(a_pass_frees_what_it_was_asked_for),
	KUNIT_CASE(counts_go_round),
	KUNIT_CASE(unused_pools_have_nothing),
	{}
};

static struct kunit_suite shrinker_suite = {
	.name = "shrinker",
	.init = stay,
	.test_cases = shrinker_cases,
};

/* === Memory that is out === */

/* What is said, in @text; nothing may be allocated. Returns its length. */
static ssize_t run_out_of_memory(struct kunit *test, char *text, size_t size)
{
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t len;

	KUNIT_ASSERT_GE(test, saved, 0);
	KUNIT_ASSERT_EQ(test, pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	shim_fail_nth(1);
	KUNIT_EXPECT_EQ(test, shim_out_of_memory(), 0);
	KUNIT_EXPECT_EQ(test, shim_fail_nth(0), 1);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	len = read(ends[0], text, size - 1);
	close(ends[0]);
	text[max_t(ssize_t, len, 0)] = '\0';
	return len;
}

static const char *find_line(struct kunit *test, const char *text,
			     unsigned int nr, size_t idle, size_t reserve,
			     unsigned int fail)
{
	const char *found;
	char line[120];

	snprintf(
		line, sizeof(line),
		"bytepool: oom: pool%u: in_use %u idle %zu reserve %zu limit 0 fail %u\n",
		nr, (nr + 1) * SZ_4K, idle, reserve, fail);
	found = strstr(text, line);
	KUNIT_ASSERT_NOT_NULL_MSG(test, found, "%s in %s", line, text);
	return found;
}

/* Pool i has i + 1 buffers out. The four that have least have no line. */
static void the_largest_pools_are_named(struct kunit *test)
{
	struct bytepool_buf *bufs[NR_POOLS][NR_POOLS];
	struct bytepool *pools[NR_POOLS];
	static char text[SZ_16K];
	const char *next = text;
	char name[20];
	unsigned int i, j;

	for (i = 0; i < NR_POOLS; i++) {
		snprintf(name, sizeof(name), "pool%u", i);
		pools[i] = create(test, name, SZ_4K);
		for (j = 0; j <= i; j++)
			bufs[i][j] =
				bytepool_get_buf(pools[i], SZ_4K, GFP_KERNEL);
	}
	/* Past the largest that there is. */
	KUNIT_EXPECT_NULL(test, bytepool_get(pools[18], SIZE_MAX, GFP_KERNEL));
	bytepool_put(pools[19], bytepool_get(pools[19], SZ_4K, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, bytepool_reserve(pools[18], SZ_4K, 1), 0);
	KUNIT_EXPECT_GT(test, run_out_of_memory(test, text, sizeof(text)), 0);
	for (i = NR_POOLS; i-- > 4;)
		next = find_line(test, next, i, i == 19 ? SZ_4K : 0,
				 i == 18 ? SZ_4K : 0, i == 18);
	next = strstr(next, "oom: 4 other pools have 40960 bytes\n");
	KUNIT_EXPECT_NOT_NULL(test, next);
	/* Not again so soon. */
	KUNIT_EXPECT_EQ(test, run_out_of_memory(test, text, sizeof(text)), 0);
	for (i = 0; i < NR_POOLS; i++) {
		bytepool_release_bufs(i + 1, bufs[i]);
		bytepool_destroy(pools[i]);
	}
}

static struct kunit_case oom_cases[] = {
	KUNIT_CASE(the_largest_pools_are_named), {}
};

static struct kunit_suite oom_suite = {
	.name = "oom",
	.init = stay,
	.test_cases = oom_cases,
};

kunit_test_suites(&shrinker_suite, &oom_suite);
