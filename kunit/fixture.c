// SPDX-License-Identifier: GPL-2.0
/* bytepool test cases - what they share: see cases.h */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "cases.h"

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "Seed of random numbers; 0 (default): the clock");

/* === Fixture === */

/**
 * struct bpt_owned - a pool of a case
 * @node: in the list that kunit.priv points to
 * @pool: the pool
 * @misuse: how many refused operations the case has announced
 */
struct bpt_owned {
	struct list_head node;
	struct bytepool *pool;
	u64 misuse;
};

/**
 * bpt_init() - the init function of every suite
 * @test: the case
 *
 * Return: 0 or a negative errno.
 */
int bpt_init(struct kunit *test)
{
	struct list_head *pools;

	pools = kunit_kzalloc(test, sizeof(*pools), GFP_KERNEL);
	if (!pools)
		return -ENOMEM;
	INIT_LIST_HEAD(pools);
	test->priv = pools;
	return set_cpus_allowed_ptr(current,
				    cpumask_of(raw_smp_processor_id()));
}

/**
 * bpt_exit() - the exit function of every suite
 * @test: the case
 */
void bpt_exit(struct kunit *test)
{
	struct list_head *pools = test->priv;
	struct bpt_owned *owned;

	if (!pools)
		return;
	list_for_each_entry(owned, pools, node) {
		bpt_expect_quiet(test, owned->pool);
		KUNIT_EXPECT_EQ(test, bpt_stats(owned->pool).misuse,
				owned->misuse);
		bytepool_destroy(owned->pool);
	}
}

static struct bpt_owned *find_owned(struct kunit *test, struct bytepool *pool)
{
	struct list_head *pools = test->priv;
	struct bpt_owned *owned;

	list_for_each_entry(owned, pools, node)
		if (owned->pool == pool)
			return owned;
	KUNIT_FAIL(test, "not a pool of this case");
	return NULL;
}

/**
 * bpt_config() - a config that most cases can use
 *
 * Return: it; its name is "kunit", its tiers are the powers of two.
 */
struct bytepool_config bpt_config(void)
{
	return (struct bytepool_config){
		.name = "kunit",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
	};
}

/**
 * bpt_pool() - make a pool that goes with the case
 * @test: the case
 * @config: what is wanted
 *
 * Return: the pool.
 */
struct bytepool *bpt_pool(struct kunit *test,
			  const struct bytepool_config *config)
{
	struct list_head *pools = test->priv;
	struct bpt_owned *owned;

	owned = kunit_kzalloc(test, sizeof(*owned), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, owned);
	owned->pool = bytepool_create(config);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, owned->pool);
	list_add(&owned->node, pools);
	return owned->pool;
}

/**
 * bpt_pow2_pool() - make a pool whose tiers are the powers of two
 * @test: the case
 * @flags: of the pool
 *
 * Return: the pool.
 */
struct bytepool *bpt_pow2_pool(struct kunit *test, unsigned int flags)
{
	struct bytepool_config config = bpt_config();

	config.flags = flags;
	return bpt_pool(test, &config);
}

/**
 * bpt_tier_pool() - make a pool with one tier
 * @test: the case
 * @size: of the tier
 * @flags: of the pool
 *
 * Return: the pool.
 */
struct bytepool *bpt_tier_pool(struct kunit *test, size_t size,
			       unsigned int flags)
{
	struct bytepool_config config = {
		.name = "kunit",
		.sizes = &size,
		.nr_sizes = 1,
		.flags = flags,
	};

	return bpt_pool(test, &config);
}

/**
 * bpt_destroy() - destroy a pool before the case ends
 * @test: the case
 * @pool: the pool, of which anything may be out
 */
void bpt_destroy(struct kunit *test, struct bytepool *pool)
{
	struct bpt_owned *owned = find_owned(test, pool);

	if (!owned)
		return;
	list_del(&owned->node);
	bytepool_destroy(pool);
}

/**
 * bpt_expect_misuse() - expect that so many operations were refused
 * @test: the case
 * @pool: the pool
 * @nr: how many, since the pool was made
 */
void bpt_expect_misuse(struct kunit *test, struct bytepool *pool, u64 nr)
{
	struct bpt_owned *owned = find_owned(test, pool);

	KUNIT_EXPECT_EQ(test, bpt_stats(pool).misuse, nr);
	if (owned)
		owned->misuse = nr;
}

/* How long a worker may take, at most. */
#define WORKER_TIMEOUT (60 * HZ)

/*
 * On PREEMPT_RT a buffer larger than the tiers is freed by a worker, and counts
 * as in use until then, if it was released where slab is off limits.
 */
static void wait_for_worker(struct bytepool *pool)
{
	unsigned long end = jiffies + WORKER_TIMEOUT;

	while (IS_ENABLED(CONFIG_PREEMPT_RT) &&
	       bpt_stats(pool).oversize_in_use && time_before(jiffies, end))
		cond_resched();
}

/**
 * bpt_expect_quiet() - expect that nothing of a pool is out
 * @test: the case
 * @pool: the pool
 */
void bpt_expect_quiet(struct kunit *test, struct bytepool *pool)
{
	struct bytepool_tier_stats tier;
	struct bytepool_stats stats;
	unsigned int i;

	wait_for_worker(pool);
	stats = bpt_stats(pool);
	for (i = 0; i < stats.nr_tiers; i++) {
		tier = bpt_tier(test, pool, i);
		KUNIT_EXPECT_EQ_MSG(test, tier.in_use, 0, "tier of %zu",
				    tier.size);
		KUNIT_EXPECT_EQ_MSG(test, tier.get, tier.hit + tier.miss,
				    "tier of %zu", tier.size);
	}
	KUNIT_EXPECT_EQ(test, stats.total_get - stats.total_put,
			stats.quarantined);
	KUNIT_EXPECT_EQ(test, stats.oversize_in_use, 0);
	KUNIT_EXPECT_EQ(test, stats.oversize_bytes, 0);
}

/**
 * bpt_is_checked() - whether a pool has every check there is
 * @pool: the pool, which is not a typed one
 *
 * Return: true also where the module's parameter says so for all pools.
 */
bool bpt_is_checked(struct bytepool *pool)
{
	return bytepool_size_roundup(pool, 1) == 1;
}

/**
 * bpt_expect_shrink() - expect that a shrink gives back what is idle
 * @test: the case
 * @pool: the pool
 * @idle: bytes that are idle
 *
 * In a checked pool more may rest, which no count shows.
 */
void bpt_expect_shrink(struct kunit *test, struct bytepool *pool, size_t idle)
{
	size_t bytes = bytepool_shrink(pool);

	KUNIT_EXPECT_GE(test, bytes, idle);
	if (!bpt_is_checked(pool))
		KUNIT_EXPECT_EQ(test, bytes, idle);
}

/**
 * bpt_expect_whole() - expect that nothing of a pool is out or lost
 * @test: the case
 * @pool: the pool, which nobody uses; its idle memory goes back
 * @max_idle: its own bound
 * @recycles: whether it keeps what comes back: bpt_recycles()
 *
 * A shrink leaves nothing idle, and then the whole bound is there to be used
 * again: neither memory nor a share of the bound is lost. Workers may give some
 * of it back before the shrink does.
 */
void bpt_expect_whole(struct kunit *test, struct bytepool *pool,
		      size_t max_idle, bool recycles)
{
	unsigned int nr = bpt_stats(pool).nr_tiers, i;
	struct bytepool_tier_stats tier;
	size_t idle = 0;

	bpt_expect_quiet(test, pool);
	for (i = 0; i < nr; i++) {
		tier = bpt_tier(test, pool, i);
		idle += tier.idle * tier.size;
	}
	KUNIT_EXPECT_LE(test, idle, max_idle);
	/* What rests in a checked pool is within the bound, and not idle. */
	KUNIT_EXPECT_LE(test, bytepool_shrink(pool),
			bpt_is_checked(pool) ? max_idle : idle);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, i).idle, 0);
	nr = max_idle / tier.size;
	if (recycles)
		KUNIT_EXPECT_EQ(test,
				bytepool_prefill(pool, tier.size, nr + 1,
						 GFP_KERNEL),
				nr);
	KUNIT_EXPECT_EQ(test, bytepool_shrink(pool),
			recycles ? nr * tier.size : 0);
}

/**
 * bpt_capacity() - the capacity that a get is to give
 * @pool: the pool
 * @len: what it asks for
 * @size: what it takes
 *
 * Return: @size, all of it; in a checked pool @len: the rest is red zone.
 */
size_t bpt_capacity(struct bytepool *pool, size_t len, size_t size)
{
	return bpt_is_checked(pool) ? len : size;
}

/**
 * bpt_recycles() - whether what comes back to a pool becomes idle
 * @test: the case
 * @flags: of the pool
 *
 * It does not where magazines are bypassed, so that the kernel's detectors, or
 * the pool's own checks, see every allocation.
 *
 * Return: as a pool made for the purpose shows it.
 */
bool bpt_recycles(struct kunit *test, unsigned int flags)
{
	struct bytepool_config config = bpt_config();
	struct bytepool *pool;
	u64 idle;

	config.name = "kunit-probe";
	config.flags = flags;
	pool = bpt_pool(test, &config);
	bytepool_put(pool, bpt_get(test, pool, 1));
	idle = bpt_tier(test, pool, 0).idle;
	bpt_destroy(test, pool);
	return idle;
}

/**
 * bpt_stats() - the counts of a pool
 * @pool: the pool
 *
 * Return: they.
 */
struct bytepool_stats bpt_stats(struct bytepool *pool)
{
	struct bytepool_stats stats;

	bytepool_get_stats(pool, &stats);
	return stats;
}

/**
 * bpt_tier() - the counts of a tier
 * @test: the case
 * @pool: the pool
 * @tier: which tier
 *
 * Return: they.
 */
struct bytepool_tier_stats bpt_tier(struct kunit *test, struct bytepool *pool,
				    unsigned int tier)
{
	struct bytepool_tier_stats stats = {};

	KUNIT_EXPECT_EQ(test, bytepool_get_tier_stats(pool, tier, &stats), 0);
	return stats;
}

/**
 * bpt_in_use() - how much is out of a pool's tiers
 * @test: the case
 * @pool: the pool
 *
 * Return: how many buffers and pieces of raw memory.
 */
u64 bpt_in_use(struct kunit *test, struct bytepool *pool)
{
	unsigned int nr = bpt_stats(pool).nr_tiers, i;
	u64 in_use = 0;

	for (i = 0; i < nr; i++)
		in_use += bpt_tier(test, pool, i).in_use;
	return in_use;
}

/* === Memory === */

/**
 * bpt_get_buf() - get a buffer, or end the case
 * @test: the case
 * @pool: the pool
 * @len: length in bytes
 *
 * Context: the case's own thread.
 * Return: the buffer.
 */
struct bytepool_buf *bpt_get_buf(struct kunit *test, struct bytepool *pool,
				 size_t len)
{
	struct bytepool_buf *buf = bytepool_get_buf(pool, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL_MSG(test, buf, "buffer of %zu", len);
	return buf;
}

/**
 * bpt_get_bufs() - get many buffers, or end the case
 * @test: the case
 * @pool: the pool
 * @len: length of each in bytes
 * @nr: how many
 * @bufs: where they go
 *
 * Context: the case's own thread.
 */
void bpt_get_bufs(struct kunit *test, struct bytepool *pool, size_t len,
		  unsigned int nr, struct bytepool_buf **bufs)
{
	int ret = bytepool_get_bufs(pool, len, nr, bufs, GFP_KERNEL);

	KUNIT_ASSERT_EQ_MSG(test, ret, 0, "%u buffers of %zu", nr, len);
}

/**
 * bpt_get() - get raw memory, or end the case
 * @test: the case
 * @pool: the pool
 * @len: length in bytes
 *
 * Context: the case's own thread.
 * Return: the memory.
 */
void *bpt_get(struct kunit *test, struct bytepool *pool, size_t len)
{
	void *mem = bytepool_get(pool, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL_MSG(test, mem, "memory of %zu", len);
	return mem;
}

/**
 * bpt_stamp() - write what bpt_stamped() knows again
 * @mem: the memory
 * @len: bytes
 * @tag: what to write
 */
void bpt_stamp(void *mem, size_t len, u8 tag)
{
	memset(mem, tag, len);
}

/**
 * bpt_stamped() - whether memory is as bpt_stamp() left it
 * @mem: the memory
 * @len: bytes
 * @tag: what was written
 *
 * Return: whether it is.
 */
bool bpt_stamped(const void *mem, size_t len, u8 tag)
{
	return !memchr_inv(mem, tag, len);
}

/**
 * bpt_stamp_buf() - stamp a buffer to its capacity
 * @buf: the buffer
 * @tag: what to write
 */
void bpt_stamp_buf(struct bytepool_buf *buf, u8 tag)
{
	bpt_stamp(bytepool_buf_data(buf), bytepool_buf_capacity(buf), tag);
}

/**
 * bpt_buf_stamped() - whether a buffer is as bpt_stamp_buf() left it
 * @buf: the buffer
 * @tag: what was written
 *
 * Return: whether it is.
 */
bool bpt_buf_stamped(const struct bytepool_buf *buf, u8 tag)
{
	return bpt_stamped(bytepool_buf_data(buf), bytepool_buf_capacity(buf),
			   tag);
}

const struct bpt_preset bpt_presets[2] = {
	{ "pow2", bytepool_sizes_pow2, BYTEPOOL_NR_POW2 },
	{ "stream", bytepool_sizes_stream, BYTEPOOL_NR_STREAM },
};

/**
 * bpt_preset_desc() - name a preset, for KUNIT_ARRAY_PARAM()
 * @preset: the preset
 * @desc: where its name goes
 */
void bpt_preset_desc(const struct bpt_preset *preset, char *desc)
{
	strscpy(desc, preset->name, KUNIT_PARAM_DESC_SIZE);
}

/**
 * bpt_preset_pool() - make a pool of the preset that is the case's parameter
 * @test: the case
 *
 * Return: the pool.
 */
struct bytepool *bpt_preset_pool(struct kunit *test)
{
	const struct bpt_preset *preset = test->param_value;
	struct bytepool_config config = {
		.name = "kunit",
		.sizes = preset->sizes,
		.nr_sizes = preset->nr,
	};

	return bpt_pool(test, &config);
}

/* === Several CPUs === */

static int crew_thread(void *data)
{
	struct bpt_thread *thread = data;
	struct bpt_crew *crew = thread->crew;

	wait_for_completion(&crew->start);
	thread->cpu = raw_smp_processor_id();
	crew->run(crew, thread->nr);
	/* In userspace a thread's CPU goes with it: all stay till the end. */
	bpt_meet(crew);
	kthread_complete_and_exit(&thread->done, 0);
	return 0;
}

/* The online CPU so many after this one; in a circle. */
static unsigned int cpu_after(unsigned int nr)
{
	unsigned int here = raw_smp_processor_id(), cpu, before = 0;

	for_each_possible_cpu(cpu)
		before += cpu_online(cpu) && cpu <= here;
	nr = (before + nr) % num_online_cpus();
	for_each_possible_cpu(cpu)
		if (cpu_online(cpu) && !nr--)
			return cpu;
	return here;
}

static void crew_create(struct bpt_crew *crew)
{
	struct bpt_thread *thread = crew->thread;
	struct task_struct *task;
	unsigned int i;

	for (i = 0; i < crew->nr; i++) {
		thread[i].crew = crew;
		thread[i].nr = i;
		init_completion(&thread[i].done);
		task = kthread_create(crew_thread, &thread[i], "bpt/%u", i);
		if (IS_ERR(task))
			break;
		kthread_bind(task, cpu_after(i));
		thread[i].task = task;
	}
	if (i == crew->nr)
		return;
	/* None of them has run. */
	while (i)
		kthread_stop(thread[--i].task);
	KUNIT_ASSERT_TRUE_MSG(crew->test, false, "cannot start threads");
}

static void expect_cpus(const struct bpt_crew *crew)
{
	const struct bpt_thread *thread = crew->thread;
	unsigned int i, other;

	if (crew->nr == 1)
		KUNIT_EXPECT_NE_MSG(crew->test, thread->cpu,
				    raw_smp_processor_id(),
				    "another CPU is needed");
	for (i = 0; i < crew->nr; i++)
		for (other = 0; other < i; other++)
			KUNIT_EXPECT_NE_MSG(crew->test, thread[i].cpu,
					    thread[other].cpu,
					    "more CPUs are needed");
}

/**
 * bpt_start() - have a function run on several CPUs at once
 * @test: the case
 * @crew: set up by this function; bpt_wait() has to follow
 * @nr: how many CPUs; 1: another one than the case's
 * @run: the function; it must not assert
 * @arg: for @run
 *
 * Context: the case's own thread.
 */
void bpt_start(struct kunit *test, struct bpt_crew *crew, unsigned int nr,
	       void (*run)(struct bpt_crew *crew, unsigned int thread),
	       void *arg)
{
	unsigned int i;

	*crew = (struct bpt_crew){
		.test = test,
		.run = run,
		.arg = arg,
		.nr = nr,
	};
	init_completion(&crew->start);
	crew_create(crew);
	for (i = 0; i < nr; i++)
		wake_up_process(crew->thread[i].task);
	complete_all(&crew->start);
}

/**
 * bpt_wait() - wait for what bpt_start() has started
 * @crew: the crew
 *
 * Context: the case's own thread.
 */
void bpt_wait(struct bpt_crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->nr; i++)
		wait_for_completion(&crew->thread[i].done);
	expect_cpus(crew);
}

/**
 * bpt_run() - run a function on several CPUs at once, and wait for it
 * @test: the case
 * @nr: how many CPUs; 1: another one than the case's
 * @run: the function; it must not assert
 * @arg: for @run
 *
 * Context: the case's own thread.
 */
void bpt_run(struct kunit *test, unsigned int nr,
	     void (*run)(struct bpt_crew *crew, unsigned int thread), void *arg)
{
	struct bpt_crew crew;

	bpt_start(test, &crew, nr, run, arg);
	bpt_wait(&crew);
}

/**
 * bpt_go_home() - go back to the CPU that a thread is for
 * @crew: the crew
 * @thread: who calls
 *
 * Where it was brought from when the CPU went offline. Does nothing as long as
 * that is so, or while any CPU goes or comes: the scheduler lets a kernel thread
 * choose a CPU that is about to go, does not take it there, and warns as it
 * finds it elsewhere.
 */
void bpt_go_home(struct bpt_crew *crew, unsigned int thread)
{
	unsigned int cpu = crew->thread[thread].cpu;

	if (raw_smp_processor_id() == cpu || !cpus_read_trylock())
		return;
	if (cpu_online(cpu))
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
	cpus_read_unlock();
}

/**
 * bpt_meet() - wait for all threads of a crew, to go on at once
 * @crew: the crew
 */
void bpt_meet(struct bpt_crew *crew)
{
	int meetings = atomic_read(&crew->meetings);

	if (atomic_inc_return(&crew->waiting) == crew->nr) {
		atomic_set(&crew->waiting, 0);
		/* Orders that before, and all that the threads have done. */
		atomic_inc_return(&crew->meetings);
		return;
	}
	while (atomic_read_acquire(&crew->meetings) == meetings) {
		cpu_relax();
		cond_resched();
	}
}

/* So long that the other is not late, but does not run at all just now. */
#define STEP_SPINS 10000

/**
 * bpt_step() - go on at the very moment when the other threads do, mostly
 * @crew: the crew, all of which call this equally often
 * @thread: who calls
 *
 * For races that a meeting is too leisurely for. It does not wait for long.
 */
void bpt_step(struct bpt_crew *crew, unsigned int thread)
{
	int step = atomic_inc_return(&crew->step[thread]);
	unsigned int spins, i;

	for (i = 0; i < crew->nr; i++)
		for (spins = 0; spins < STEP_SPINS; spins++)
			if (atomic_read(&crew->step[i]) - step >= 0)
				break;
}

/**
 * bpt_nr_threads() - how many threads a case for all CPUs needs
 *
 * Return: how many; where there is one CPU, too many for it.
 */
unsigned int bpt_nr_threads(void)
{
	return clamp_t(unsigned int, num_online_cpus(), 2, BPT_MAX_THREADS);
}

/* === Random numbers === */

/**
 * bpt_seed() - choose a seed, and print it
 * @test: the case
 *
 * Return: the seed.
 */
u64 bpt_seed(struct kunit *test)
{
	u32 chosen = seed ?: (u32)ktime_get_ns() | 1;

	kunit_info(test, "seed=%u", chosen);
	return chosen;
}

/**
 * bpt_random() - the next random number
 * @state: seed, then what this function leaves there
 * @below: bound
 *
 * Return: a number of 0 to @below - 1.
 */
u32 bpt_random(u64 *state, u32 below)
{
	/* Knuth's MMIX; its low bits are of no use. */
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(*state >> 32) % below;
}
