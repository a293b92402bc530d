// SPDX-License-Identifier: GPL-2.0
/*
 * Threads and interrupts that do everything at once, and what has to be true
 * when they have stopped. How long they do, in seconds for each case, is the
 * parameter BYTEPOOL_SECONDS of the environment; the seed of the random numbers
 * is printed, and BYTEPOOL_SEED sets it.
 *
 * On PREEMPT_RT a get may fail in many places. That nothing illegal is done in
 * any of them is what these cases show there.
 */
#include <linux/completion.h>
#include <linux/ctype.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/processor.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <shim.h>

#include <kunit/test.h>

#include "../../bytepool.h"

#define NR_THREADS 3
#define NR_HELD	   24
#define NR_SHARED  16

static unsigned int seconds = 1;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "How long each case goes on");

/* The checking builds take ten to a hundred times as long for each. */
static unsigned int operations = IS_ENABLED(SHIM_STRICT) ? 200 : 100000;
module_param(operations, uint, 0444);
MODULE_PARM_DESC(operations, "Thousands of gets and puts that two threads do");

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "Seed of random numbers; 0: from the clock");

static u32 first_seed(struct kunit *test)
{
	u32 value = seed ?: (u32)ktime_get_ns() | 1;

	kunit_info(test, "seed=%u", value);
	return value;
}

/* xorshift, good enough to choose what comes next. */
static u32 rnd(u32 *state, u32 below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

/**
 * struct stress - what the threads of a case share
 * @test: the case
 * @pool: the pool
 * @until: when to stop
 * @shared: buffers on the way from one thread to another
 * @interrupts: interrupts arrive, and use the pool too
 * @nr_irqs: how many there have been
 */
struct stress {
	struct kunit *test;
	struct bytepool *pool;
	u64 until;
	struct bytepool_buf *shared[NR_SHARED];
	bool interrupts;
	atomic_t nr_irqs;
};

/**
 * struct actor - a thread
 * @stress: the case
 * @rnd: state of its random numbers
 * @irq_rnd: of those of its interrupts
 * @held: buffers that the thread has
 * @raw: raw memory that it has
 * @irq_held: buffers that its interrupts have
 * @timer: its interrupts
 */
struct actor {
	struct stress *stress;
	u32 rnd;
	u32 irq_rnd;
	struct bytepool_buf *held[NR_HELD];
	void *raw[NR_HELD];
	struct bytepool_buf *irq_held[4];
	struct hrtimer timer;
};

/* Lengths of all tiers with room for a mark, small ones more often, a few beyond. */
static size_t any_length(u32 *state)
{
	if (!rnd(state, 200))
		return SZ_2M + rnd(state, SZ_4M);
	return sizeof(void *) + rnd(state, 64U << rnd(state, 14));
}

static void mark(struct bytepool_buf *buf, const void *owner)
{
	*(const void **)bytepool_buf_data(buf) = owner;
}

static void expect_mark(struct stress *stress, struct bytepool_buf *buf,
			const void *owner)
{
	KUNIT_EXPECT_PTR_EQ(stress->test,
			    *(const void **)bytepool_buf_data(buf), owner);
}

static void swap_buf(struct actor *actor, u32 *state,
		     struct bytepool_buf **slot, gfp_t gfp)
{
	if (*slot) {
		expect_mark(actor->stress, *slot, slot);
		bytepool_buf_release(*slot);
		*slot = NULL;
		return;
	}
	*slot = bytepool_get_buf(actor->stress->pool, any_length(state), gfp);
	if (*slot)
		mark(*slot, slot);
}

static void swap_raw(struct actor *actor, void **slot, gfp_t gfp)
{
	void *mem = *slot;

	*slot = NULL;
	if (!mem) {
		*slot = bytepool_get(actor->stress->pool,
				     any_length(&actor->rnd), gfp);
		if (*slot)
			*(void **)*slot = slot;
		return;
	}
	KUNIT_EXPECT_PTR_EQ(actor->stress->test, *(void **)mem, slot);
	bytepool_put(actor->stress->pool, mem);
}

/* Takes what another thread has left, and leaves something for others. */
static void hand_over(struct actor *actor, gfp_t gfp)
{
	struct stress *stress = actor->stress;
	u32 i = rnd(&actor->rnd, NR_SHARED);
	struct bytepool_buf *buf;

	buf = bytepool_get_buf(stress->pool, any_length(&actor->rnd), gfp);
	if (buf)
		mark(buf, &stress->shared[i]);
	buf = xchg(&stress->shared[i], buf);
	if (buf)
		expect_mark(stress, buf, &stress->shared[i]);
	bytepool_buf_release(buf);
}

static void use_views(struct actor *actor, gfp_t gfp)
{
	struct bytepool_view whole, part;
	struct bytepool_buf *buf;

	buf = bytepool_get_buf(actor->stress->pool, 1000, gfp);
	if (!buf)
		return;
	whole = bytepool_buf_bytes(buf);
	part = bytepool_view_slice(&whole, 10, 100);
	bytepool_buf_release(buf);
	bytepool_view_release(&whole);
	memset(part.data, 1, part.len);
	bytepool_view_release(&part);
}

static void use_bulk(struct actor *actor, size_t len, gfp_t gfp)
{
	struct bytepool_buf *bufs[8];

	if (!bytepool_get_bufs(actor->stress->pool, len, ARRAY_SIZE(bufs), bufs,
			       gfp))
		bytepool_release_bufs(ARRAY_SIZE(bufs), bufs);
}

static void act(struct actor *actor, gfp_t gfp)
{
	u32 *state = &actor->rnd;

	switch (rnd(state, 8)) {
	case 0:
		hand_over(actor, gfp);
		break;
	case 1:
		use_views(actor, gfp);
		break;
	case 2:
		use_bulk(actor, any_length(state), gfp);
		break;
	case 3:
	case 4:
		swap_raw(actor, &actor->raw[rnd(state, NR_HELD)], gfp);
		break;
	default:
		swap_buf(actor, state, &actor->held[rnd(state, NR_HELD)], gfp);
		break;
	}
}

/* Now and then in a section in which one must not sleep. */
static void act_somewhere(struct actor *actor)
{
	unsigned long flags;

	switch (rnd(&actor->rnd, 8)) {
	case 0:
		local_irq_save(flags);
		act(actor, GFP_ATOMIC);
		KUNIT_EXPECT_TRUE(actor->stress->test, irqs_disabled());
		local_irq_restore(flags);
		break;
	case 1:
		preempt_disable();
		act(actor, GFP_NOWAIT);
		preempt_enable();
		break;
	case 2:
		rcu_read_lock();
		act(actor, GFP_ATOMIC);
		rcu_read_unlock();
		break;
	default:
		act(actor, rnd(&actor->rnd, 4) ? GFP_KERNEL : GFP_NOIO);
		break;
	}
}

static enum hrtimer_restart interrupt(struct hrtimer *timer)
{
	struct actor *actor = container_of(timer, struct actor, timer);
	u32 i = rnd(&actor->irq_rnd, ARRAY_SIZE(actor->irq_held));

	atomic_inc(&actor->stress->nr_irqs);
	swap_buf(actor, &actor->irq_rnd, &actor->irq_held[i], GFP_ATOMIC);
	if (!rnd(&actor->irq_rnd, 4))
		bytepool_put(actor->stress->pool,
			     bytepool_get(actor->stress->pool, 300,
					  GFP_ATOMIC));
	hrtimer_forward_now(timer,
			    ns_to_ktime(2000 + rnd(&actor->irq_rnd, 60000)));
	return HRTIMER_RESTART;
}

static void interrupts_start(struct actor *actor)
{
	enum hrtimer_mode mode = rnd(&actor->rnd, 2) ?
					 HRTIMER_MODE_REL_PINNED_HARD :
					 HRTIMER_MODE_REL_PINNED_SOFT;

	hrtimer_setup(&actor->timer, interrupt, CLOCK_MONOTONIC, mode);
	hrtimer_start(&actor->timer, ns_to_ktime(10000), mode);
}

static void release_all(struct actor *actor)
{
	unsigned int i;

	for (i = 0; i < NR_HELD; i++) {
		bytepool_buf_release(actor->held[i]);
		bytepool_put(actor->stress->pool, actor->raw[i]);
	}
	for (i = 0; i < ARRAY_SIZE(actor->irq_held); i++)
		bytepool_buf_release(actor->irq_held[i]);
}

static int actor_thread(void *data)
{
	struct actor *actor = data;
	unsigned int i, rounds = 50 + rnd(&actor->rnd, 500);

	if (actor->stress->interrupts)
		interrupts_start(actor);
	for (i = 0; i < rounds; i++)
		act_somewhere(actor);
	if (actor->stress->interrupts)
		hrtimer_cancel(&actor->timer);
	release_all(actor);
	kfree(actor);
	return 0;
}

/* Threads come and go, and their CPUs with them. */
static void run_threads(struct stress *stress, u32 *state)
{
	struct task_struct *task[NR_THREADS];
	struct actor *actor;
	unsigned int i;

	for (i = 0; i < NR_THREADS; i++) {
		actor = kzalloc(sizeof(*actor), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(stress->test, actor);
		actor->stress = stress;
		actor->rnd = rnd(state, U32_MAX) | 1;
		actor->irq_rnd = rnd(state, U32_MAX) | 1;
		task[i] = kthread_create(actor_thread, actor, "stress");
		KUNIT_ASSERT_NOT_ERR_OR_NULL(stress->test, task[i]);
		get_task_struct(task[i]);
		wake_up_process(task[i]);
	}
	for (i = 0; i < NR_THREADS; i++) {
		while (!shim_kthread_exited(task[i]))
			msleep(1);
		put_task_struct(task[i]);
	}
}

/* === As many as are asked for === */

#define NR_WORKERS 2

/**
 * struct worker - a thread that does a number of operations
 * @actor: what it has
 * @left: how many it has still to do
 * @hands: where both threads leave buffers for each other
 */
struct worker {
	struct actor actor;
	s64 left;
	struct bytepool_buf **hands;
};

/* Takes a buffer that the other thread has left, and leaves one for it. */
static unsigned int exchange(struct worker *worker, size_t len)
{
	struct bytepool_buf **slot;
	struct bytepool_buf *buf;

	slot = &worker->hands[rnd(&worker->actor.rnd, NR_SHARED)];
	buf = bytepool_get_buf(worker->actor.stress->pool, len, GFP_KERNEL);
	if (!buf)
		return 0;
	mark(buf, slot);
	buf = xchg(slot, buf);
	if (!buf)
		return 1;
	expect_mark(worker->actor.stress, buf, slot);
	bytepool_buf_release(buf);
	return 2;
}

static unsigned int work(struct worker *worker)
{
	struct actor *actor = &worker->actor;
	size_t len =
		sizeof(void *) + rnd(&actor->rnd, 64U << rnd(&actor->rnd, 10));
	u32 i = rnd(&actor->rnd, NR_HELD);

	switch (rnd(&actor->rnd, 16)) {
	case 0:
		use_bulk(actor, len, GFP_KERNEL);
		return 16;
	case 1:
		use_views(actor, GFP_KERNEL);
		return 2;
	case 2:
	case 3:
		return exchange(worker, len);
	case 4:
	case 5:
	case 6:
		if (actor->raw[i]) {
			KUNIT_EXPECT_PTR_EQ(actor->stress->test,
					    *(void **)actor->raw[i],
					    &actor->raw[i]);
			bytepool_put(actor->stress->pool, actor->raw[i]);
			actor->raw[i] = NULL;
			return 1;
		}
		actor->raw[i] = bytepool_get(actor->stress->pool,
					     max(len, sizeof(void *)),
					     GFP_KERNEL);
		if (actor->raw[i])
			*(void **)actor->raw[i] = &actor->raw[i];
		return 1;
	default:
		if (actor->held[i]) {
			expect_mark(actor->stress, actor->held[i],
				    &actor->held[i]);
			bytepool_buf_release(actor->held[i]);
			actor->held[i] = NULL;
			return 1;
		}
		actor->held[i] =
			bytepool_get_buf(actor->stress->pool, len, GFP_KERNEL);
		if (actor->held[i])
			mark(actor->held[i], &actor->held[i]);
		return 1;
	}
}

static int worker_thread(void *data)
{
	struct worker *worker = data;

	while (worker->left > 0)
		worker->left -= work(worker);
	release_all(&worker->actor);
	return 0;
}

/* === What has to be true === */

static void expect_conserved(struct kunit *test, struct bytepool *pool)
{
	struct bytepool_tier_stats tier;
	struct bytepool_stats stats;
	unsigned int i;

	bytepool_get_stats(pool, &stats);
	KUNIT_EXPECT_EQ(test, stats.total_get, stats.total_put);
	KUNIT_EXPECT_EQ(test, stats.oversize_in_use, 0);
	KUNIT_EXPECT_EQ(test, stats.oversize_bytes, 0);
	KUNIT_EXPECT_EQ(test, stats.misuse, 0);
	KUNIT_EXPECT_EQ(test, stats.quarantined, 0);
	KUNIT_EXPECT_GT(test, stats.total_get, 0);
	for (i = 0; i < stats.nr_tiers; i++) {
		KUNIT_EXPECT_EQ(test, bytepool_get_tier_stats(pool, i, &tier),
				0);
		KUNIT_EXPECT_EQ_MSG(test, tier.in_use, 0, "tier of %zu",
				    tier.size);
		KUNIT_EXPECT_EQ(test, tier.get, tier.hit + tier.miss);
	}
}

/* === Whether a text is JSON === */

static const char *json_value(const char *s);

static const char *json_string(const char *s)
{
	if (*s++ != '"')
		return NULL;
	while (*s && *s != '"' && *s != '\\' && *s >= ' ')
		s++;
	return *s == '"' ? s + 1 : NULL;
}

/* Members of an object, or elements of an array, up to the closing one. */
static const char *json_list(const char *s, bool is_object, char end)
{
	if (*s == end)
		return s + 1;
	for (;;) {
		if (is_object) {
			s = json_string(s);
			if (!s || *s++ != ':')
				return NULL;
		}
		s = json_value(s);
		if (!s)
			return NULL;
		if (*s == end)
			return s + 1;
		if (*s++ != ',')
			return NULL;
	}
}

static const char *json_value(const char *s)
{
	if (*s == '{')
		return json_list(s + 1, true, '}');
	if (*s == '[')
		return json_list(s + 1, false, ']');
	if (*s == '"')
		return json_string(s);
	if (!isdigit(*s))
		return NULL;
	while (isdigit(*s))
		s++;
	return s;
}

static bool is_json(const char *s)
{
	s = json_value(s);
	return s && !strcmp(s, "\n");
}

/* Reads all files of a pool, which may be gone at any moment. */
static int reader_thread(void *data)
{
	struct stress *stress = data;
	char *buf = kvmalloc(SZ_64K, GFP_KERNEL);
	ssize_t len;

	while (buf && !kthread_should_stop()) {
		len = shim_debugfs_read("bytepool/stress/stats.json", buf,
					SZ_64K - 1);
		if (len > 0) {
			buf[len] = '\0';
			KUNIT_EXPECT_TRUE(stress->test, is_json(buf));
		}
		shim_debugfs_read("bytepool/stress/stats", buf, SZ_64K);
		shim_debugfs_read("bytepool/stress/outstanding", buf, SZ_64K);
		shim_debugfs_read("bytepool/stress/recent_lengths", buf,
				  SZ_64K);
	}
	kvfree(buf);
	return 0;
}

/* Takes idle memory away, as page reclaim and drivers do. */
static int shrinker_thread(void *data)
{
	struct stress *stress = data;

	while (!kthread_should_stop()) {
		bytepool_shrink(stress->pool);
		shim_shrink_all(128);
		usleep_range(200, 200);
	}
	return 0;
}

static struct task_struct *start(struct kunit *test, int (*fn)(void *data),
				 void *data)
{
	struct task_struct *task = kthread_create(fn, data, "stress");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	get_task_struct(task);
	wake_up_process(task);
	return task;
}

static void stop(struct task_struct *task)
{
	kthread_stop(task);
	put_task_struct(task);
}

/* === Cases === */

/**
 * struct variant - how a case is run
 * @name: what it is called
 * @flags: of the pool
 * @limit: of the pool
 * @max_idle: of the pool
 * @priv_size: of the pool; any keeps it off the fast path
 * @interrupts: with interrupts
 */
struct variant {
	const char *name;
	unsigned int flags;
	size_t limit;
	size_t max_idle;
	unsigned int priv_size;
	bool interrupts;
};

static const struct variant variants[] = {
	{ "plain", 0, 0, 0, 0, false },
	{ "interrupts", 0, 0, 0, 8, true },
	{ "interrupts, RCU", BYTEPOOL_RCU, 0, 0, 0, true },
	{ "interrupts, checked", BYTEPOOL_CHECK, 0, 0, 8, true },
	{ "interrupts, vmalloc", BYTEPOOL_VMALLOC, 0, 0, 0, true },
	{ "interrupts, a limit", 0, SZ_1M, 0, 8, true },
	{ "interrupts, little idle", 0, 0, SZ_64K, 0, true },
	{ "interrupts, hardly any idle", 0, 0, SZ_4K, 0, true },
	{ "interrupts, little idle, RCU", BYTEPOOL_RCU, 0, SZ_64K, 0, true },
	{ "interrupts, little idle, priv", 0, 0, SZ_64K, 8, true },
};

static void variant_desc(const struct variant *variant, char *desc)
{
	strscpy(desc, variant->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(variant, variants, variant_desc);

/* Nobody has kept a share of the bound. */
static void expect_bound_whole(struct kunit *test, struct bytepool *pool,
			       size_t max_idle)
{
	unsigned int nr = max_idle / bytepool_sizes_pow2[0];

	/* A worker may be about to give some back. */
	while (!shim_workers_idle())
		usleep_range(50, 50);
	bytepool_shrink(pool);
	KUNIT_EXPECT_EQ(test, bytepool_prefill(pool, 1, nr, GFP_KERNEL), nr);
}

static void everything_is_conserved(struct kunit *test)
{
	const struct variant *variant = test->param_value;
	struct task_struct *reader, *shrinker;
	struct stress *stress;
	u32 state = first_seed(test);
	unsigned int i;

	stress = kunit_kzalloc(test, sizeof(*stress), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, stress);
	stress->test = test;
	stress->interrupts = variant->interrupts;
	stress->until = ktime_get_ns() + (u64)seconds * NSEC_PER_SEC;
	stress->pool = bytepool_create((&(struct bytepool_config){
		.name = "stress",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
		.flags = variant->flags,
		.priv_size = variant->priv_size,
		.limit = variant->limit,
		.max_idle = variant->max_idle,
	}));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, stress->pool);
	reader = start(test, reader_thread, stress);
	shrinker = start(test, shrinker_thread, stress);
	while (ktime_get_ns() < stress->until)
		run_threads(stress, &state);
	stop(shrinker);
	kunit_info(test, "%d interrupts", atomic_read(&stress->nr_irqs));
	if (stress->interrupts)
		KUNIT_EXPECT_GT(test, atomic_read(&stress->nr_irqs), 0);
	for (i = 0; i < NR_SHARED; i++)
		bytepool_buf_release(stress->shared[i]);
	expect_conserved(test, stress->pool);
	if (variant->max_idle)
		expect_bound_whole(test, stress->pool, variant->max_idle);
	bytepool_destroy(stress->pool);
	stop(reader);
}

struct late {
	struct bytepool *pool;
	struct bytepool_buf *bufs[64];
	void *raw[64];
	bool atomic;
};

static int release_late(void *data)
{
	struct late *late = data;
	unsigned long flags = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(late->bufs); i++) {
		if (late->atomic)
			local_irq_save(flags);
		bytepool_buf_release(late->bufs[i]);
		bytepool_put(late->pool, late->raw[i]);
		if (late->atomic)
			local_irq_restore(flags);
	}
	kfree(late);
	return 0;
}

static struct late *get_late(struct kunit *test, struct bytepool *pool,
			     u32 *state)
{
	struct late *late = kzalloc(sizeof(*late), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, late);
	late->pool = pool;
	late->atomic = rnd(state, 2);
	for (i = 0; i < ARRAY_SIZE(late->bufs); i++) {
		late->bufs[i] =
			bytepool_get_buf(pool, any_length(state), GFP_KERNEL);
		late->raw[i] =
			bytepool_get(pool, any_length(state), GFP_KERNEL);
	}
	return late;
}

/* The pool goes when the last of it comes back, whoever brings it. */
static void destroy_under_releases(struct kunit *test)
{
	u64 until = ktime_get_ns() + (u64)seconds * NSEC_PER_SEC;
	u32 state = first_seed(test), flags;
	struct task_struct *task[2];
	struct bytepool *pool;
	unsigned int i;

	while (ktime_get_ns() < until) {
		flags = rnd(&state, 32) & ~BYTEPOOL_CONTIG;
		pool = bytepool_create((&(struct bytepool_config){
			.name = "stress",
			.sizes = bytepool_sizes_pow2,
			.nr_sizes = BYTEPOOL_NR_POW2,
			.flags = flags,
			.max_idle = rnd(&state, 2) ? rnd(&state, SZ_64K) : 0,
		}));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
		for (i = 0; i < ARRAY_SIZE(task); i++)
			task[i] = start(test, release_late,
					get_late(test, pool, &state));
		if (rnd(&state, 2))
			usleep_range(rnd(&state, 500), 500);
		bytepool_destroy(pool);
		for (i = 0; i < ARRAY_SIZE(task); i++) {
			while (!shim_kthread_exited(task[i]))
				usleep_range(50, 50);
			put_task_struct(task[i]);
		}
	}
}

static void pools_come_and_go_under_readers(struct kunit *test)
{
	u64 until = ktime_get_ns() + (u64)seconds * NSEC_PER_SEC;
	struct stress stress = { .test = test };
	struct task_struct *reader;
	unsigned int nr = 0;

	reader = start(test, reader_thread, &stress);
	while (ktime_get_ns() < until) {
		stress.pool = bytepool_create((&(struct bytepool_config){
			.name = "stress",
			.sizes = bytepool_sizes_stream,
			.nr_sizes = BYTEPOOL_NR_STREAM,
		}));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, stress.pool);
		bytepool_put(stress.pool,
			     bytepool_get(stress.pool, 5000, GFP_KERNEL));
		if (nr++ % 2)
			usleep_range(100, 100);
		bytepool_destroy(stress.pool);
	}
	stop(reader);
}

/* Unlike the others, as fast as two threads can, and a known number. */
static void operations_are_counted(struct kunit *test)
{
	struct bytepool_config config = {
		.name = "operations",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
	};
	struct bytepool_buf *hands[NR_SHARED] = {};
	struct stress stress = { .test = test };
	struct task_struct *task[NR_WORKERS];
	struct worker *worker;
	struct bytepool_stats stats;
	u32 state = first_seed(test);
	unsigned int i;

	worker = kzalloc(sizeof(*worker) * NR_WORKERS, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, worker);
	stress.pool = bytepool_create(&config);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, stress.pool);
	for (i = 0; i < NR_WORKERS; i++) {
		worker[i].actor.stress = &stress;
		worker[i].actor.rnd = rnd(&state, U32_MAX) | 1;
		worker[i].left = operations * 1000ULL / NR_WORKERS;
		worker[i].hands = hands;
		task[i] = start(test, worker_thread, &worker[i]);
	}
	for (i = 0; i < NR_WORKERS; i++) {
		while (!shim_kthread_exited(task[i]))
			msleep(1);
		stop(task[i]);
	}
	bytepool_release_bufs(NR_SHARED, hands);
	expect_conserved(test, stress.pool);
	bytepool_get_stats(stress.pool, &stats);
	KUNIT_EXPECT_GE(test, stats.total_get + stats.total_put,
			operations * 1000ULL);
	bytepool_destroy(stress.pool);
	kfree(worker);
}

static struct kunit_case stress_cases[] = {
	KUNIT_CASE_PARAM(everything_is_conserved, variant_gen_params),
	KUNIT_CASE(operations_are_counted),
	KUNIT_CASE(destroy_under_releases),
	KUNIT_CASE(pools_come_and_go_under_readers),
	{}
};

static struct kunit_suite stress_suite = {
	.name = "stress",
	.test_cases = stress_cases,
};

kunit_test_suites(&stress_suite);
