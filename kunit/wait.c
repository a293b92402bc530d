// SPDX-License-Identifier: GPL-2.0
/* bytepool test cases - who waits for buffers */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "cases.h"

#define SIZE	SZ_4K
#define BUFS	3
#define ONCE	(GFP_KERNEL | __GFP_NOWARN)
#define FOREVER MAX_SCHEDULE_TIMEOUT

static struct bytepool *limited_pool(struct kunit *test, size_t limit)
{
	struct bytepool_config config = bpt_config();

	config.limit = limit;
	return bpt_pool(test, &config);
}

static void await_waiting(struct bytepool *pool, u64 nr)
{
	while (bpt_stats(pool).waiting != nr)
		cond_resched();
}

/* === Gets that wait === */

static long get_error(struct bytepool *pool, size_t len, unsigned int state,
		      long timeout)
{
	struct bytepool_buf *buf =
		bytepool_get_buf_wait(pool, len, ONCE, state, timeout);

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	bytepool_buf_release(buf);
	return 0;
}

static void get_buf_wait_at_once(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);
	struct bytepool_buf *buf;

	buf = bytepool_get_buf_wait(pool, 100, GFP_KERNEL | __GFP_ZERO,
				    TASK_UNINTERRUPTIBLE, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);
	KUNIT_EXPECT_EQ(test, bytepool_buf_len(buf), 100);
	KUNIT_EXPECT_TRUE(test, bpt_buf_stamped(buf, 0));
	bytepool_buf_release(buf);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).slept, 0);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).fail, 0);
}

static void get_buf_wait_refuses(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);
	long ret;

	KUNIT_EXPECT_EQ(test, get_error(pool, 0, TASK_IDLE, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, get_error(pool, 1, TASK_IDLE, -1), -EINVAL);
	KUNIT_EXPECT_EQ(test, get_error(pool, 1, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, get_error(pool, 1, TASK_FREEZABLE, 0), -EINVAL);
	/* They can never fit the limit. */
	KUNIT_EXPECT_EQ(test, get_error(pool, SIZE + 1, TASK_IDLE, FOREVER),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, get_error(pool, SZ_4M, TASK_IDLE, FOREVER),
			-EINVAL);
	ret = get_error(pool, 1, TASK_INTERRUPTIBLE | TASK_FREEZABLE, 0);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, get_error(pool, 1, TASK_KILLABLE, 0), 0);
}

static void get_buf_wait_beyond_the_tiers(struct kunit *test)
{
	const size_t none = (size_t)INT_MAX + 1;
	struct bytepool *pool = bpt_tier_pool(test, SIZE, 0);

	KUNIT_EXPECT_EQ(test, get_error(pool, SZ_64K, TASK_IDLE, FOREVER), 0);
	KUNIT_EXPECT_EQ(test, get_error(pool, none, TASK_IDLE, FOREVER),
			-EINVAL);
}

static void get_buf_wait_times_out(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SIZE);
	unsigned long before = jiffies;

	KUNIT_EXPECT_EQ(test, get_error(pool, 1, TASK_IDLE, 0), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, get_error(pool, 1, TASK_IDLE, HZ / 5),
			-ETIMEDOUT);
	KUNIT_EXPECT_GE(test, jiffies - before, HZ / 5);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).fail, 2);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).waiting, 0);
	bytepool_buf_release(buf);
	KUNIT_EXPECT_EQ(test, get_error(pool, SIZE, TASK_IDLE, 0), 0);
}

/**
 * struct queue - threads that get one after the other
 * @pool: the pool
 * @len: by thread: what it asks for
 * @timeout: by thread
 * @turn: which thread is to begin to wait
 * @order: how many have been served
 * @place: by thread: when it was served
 * @ret: by thread: what its get returned
 */
struct queue {
	struct bytepool *pool;
	size_t len[BPT_MAX_THREADS];
	long timeout[BPT_MAX_THREADS];
	atomic_t turn;
	atomic_t order;
	int place[BPT_MAX_THREADS];
	long ret[BPT_MAX_THREADS];
};

static void queue_up(struct bpt_crew *crew, unsigned int thread)
{
	struct queue *q = crew->arg;
	struct bytepool_buf *buf;

	while (atomic_read(&q->turn) != thread)
		cond_resched();
	buf = bytepool_get_buf_wait(q->pool, q->len[thread], ONCE,
				    TASK_UNINTERRUPTIBLE, q->timeout[thread]);
	q->ret[thread] = PTR_ERR_OR_ZERO(buf);
	q->place[thread] = atomic_inc_return(&q->order);
	if (!IS_ERR(buf))
		bytepool_buf_release(buf);
}

/* Start threads that wait in the order of their numbers. */
static void queue_start(struct kunit *test, struct bpt_crew *crew,
			struct queue *q, unsigned int nr)
{
	unsigned int i;

	atomic_set(&q->turn, -1);
	atomic_set(&q->order, 0);
	for (i = 0; i < nr; i++) {
		q->len[i] = q->len[i] ?: SIZE;
		q->timeout[i] = q->timeout[i] ?: FOREVER;
	}
	bpt_start(test, crew, nr, queue_up, q);
	for (i = 0; i < nr; i++) {
		atomic_set(&q->turn, i);
		await_waiting(q->pool, i + 1);
	}
}

static void sleepers_are_served_in_order(struct kunit *test)
{
	struct queue q = { .pool = limited_pool(test, SIZE) };
	unsigned int nr = bpt_nr_threads(), i;
	struct bytepool_buf *buf;
	struct bpt_crew crew;

	/* The limit is one for all tiers. */
	q.len[1] = SIZE / 2 + 1;
	buf = bpt_get_buf(test, q.pool, SIZE);
	queue_start(test, &crew, &q, nr);
	bytepool_buf_release(buf);
	bpt_wait(&crew);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, q.ret[i], 0);
		KUNIT_EXPECT_EQ(test, q.place[i], i + 1);
	}
	KUNIT_EXPECT_EQ(test, bpt_stats(q.pool).slept, nr);
}

/* Raw memory, and memory beyond the tiers, is room in the limit as well. */
static void sleeper_gets_what_others_give_back(struct kunit *test)
{
	struct queue q = { .pool = limited_pool(test, SZ_4M) };
	struct bytepool_buf *buf;
	struct bpt_crew crew;
	void *mem;

	mem = bpt_get(test, q.pool, SZ_4M);
	queue_start(test, &crew, &q, 1);
	bytepool_put(q.pool, mem);
	bpt_wait(&crew);
	KUNIT_EXPECT_EQ(test, q.ret[0], 0);

	mem = bpt_get(test, q.pool, SIZE);
	q.len[0] = SZ_4M;
	queue_start(test, &crew, &q, 1);
	bytepool_put(q.pool, mem);
	bpt_wait(&crew);
	KUNIT_EXPECT_EQ(test, q.ret[0], 0);

	buf = bpt_get_buf(test, q.pool, SZ_4M);
	queue_start(test, &crew, &q, 1);
	bytepool_buf_release(buf);
	bpt_wait(&crew);
	KUNIT_EXPECT_EQ(test, q.ret[0], 0);
}

/* What one that gave up stood in the way of goes to the next. */
static void sleeper_that_gives_up_blocks_nobody(struct kunit *test)
{
	struct queue q = { .pool = limited_pool(test, BUFS * SIZE) };
	struct bytepool_buf *bufs[BUFS];
	struct bpt_crew crew;

	/* The first needs more than there will be, the second does not. */
	q.len[0] = SIZE + 1;
	q.timeout[0] = HZ / 5;
	bpt_get_bufs(test, q.pool, SIZE, BUFS, bufs);
	queue_start(test, &crew, &q, 2);
	bytepool_buf_release(bufs[0]);
	bpt_wait(&crew);
	KUNIT_EXPECT_EQ(test, q.ret[0], -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, q.ret[1], 0);
	bytepool_release_bufs(BUFS - 1, bufs + 1);
	KUNIT_EXPECT_EQ(test, get_error(q.pool, SIZE, TASK_IDLE, 0), 0);
}

static void destroy_ends_sleep(struct kunit *test)
{
	struct queue q = { .pool = limited_pool(test, SIZE) };
	unsigned int nr = bpt_nr_threads(), i;
	struct bytepool_buf *buf;
	struct bpt_crew crew;

	buf = bpt_get_buf(test, q.pool, SIZE);
	queue_start(test, &crew, &q, nr);
	bpt_destroy(test, q.pool);
	bpt_wait(&crew);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, q.ret[i], -ESHUTDOWN);
	bytepool_buf_release(buf);
}

/* Threads that wait for each other's buffers, with little time and with much. */
static void contend(struct bpt_crew *crew, unsigned int thread)
{
	struct bytepool *pool = crew->arg;
	struct bytepool_buf *buf;
	unsigned int i;

	for (i = 0; i < BPT_ROUNDS; i++) {
		buf = bytepool_get_buf_wait(pool, SIZE >> (i + thread) % 3,
					    ONCE, TASK_UNINTERRUPTIBLE,
					    i % 4 ? FOREVER : 1);
		if (IS_ERR(buf)) {
			KUNIT_EXPECT_EQ(crew->test, PTR_ERR(buf), -ETIMEDOUT);
			KUNIT_EXPECT_EQ(crew->test, i % 4, 0);
			continue;
		}
		bpt_stamp_buf(buf, thread);
		if (i % 3)
			cond_resched();
		KUNIT_EXPECT_TRUE(crew->test, bpt_buf_stamped(buf, thread));
		bytepool_buf_release(buf);
	}
}

static void sleepers_lose_nothing(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);

	bpt_run(test, bpt_nr_threads(), contend, pool);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).waiting, 0);
	KUNIT_EXPECT_EQ(test, get_error(pool, SIZE, TASK_IDLE, 0), 0);
}

/* === Waiters === */

/**
 * struct woken - a waiter of a case
 * @waiter: it
 * @test: the case
 * @pool: the pool
 * @times: how often it was woken
 * @rearm: so often it waits again
 * @in_wrong_context: whether it was woken where it must not sleep
 * @done: completed by each wake
 */
struct woken {
	struct bytepool_waiter waiter;
	struct kunit *test;
	struct bytepool *pool;
	atomic_t times;
	unsigned int rearm;
	bool in_wrong_context;
	struct completion done;
};

static void woken_fn(struct bytepool_waiter *waiter)
{
	struct woken *w = container_of(waiter, struct woken, waiter);

	w->in_wrong_context |= in_interrupt() || irqs_disabled();
	atomic_inc(&w->times);
	if (w->rearm) {
		w->rearm--;
		KUNIT_EXPECT_TRUE(w->test,
				  bytepool_wait_async(w->pool, SIZE, waiter));
	}
	complete(&w->done);
}

static void woken_init(struct kunit *test, struct woken *w,
		       struct bytepool *pool)
{
	*w = (struct woken){
		.waiter.wake = woken_fn,
		.test = test,
		.pool = pool,
	};
	init_completion(&w->done);
}

static void waiter_with_room_is_not_armed(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);
	struct bytepool_buf *buf;
	struct woken w;

	woken_init(test, &w, pool);
	KUNIT_EXPECT_FALSE(test, bytepool_wait_async(pool, SIZE, &w.waiter));
	/* What came back in between is not lost. */
	buf = bpt_get_buf(test, pool, SIZE);
	KUNIT_EXPECT_NULL(test, bytepool_get_buf(pool, 1, ONCE));
	bytepool_buf_release(buf);
	KUNIT_EXPECT_FALSE(test, bytepool_wait_async(pool, 1, &w.waiter));
	KUNIT_EXPECT_FALSE(test, bytepool_wait_cancel(pool, &w.waiter));
	KUNIT_EXPECT_EQ(test, atomic_read(&w.times), 0);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).waiting, 0);
}

static void waiter_is_woken(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SIZE);
	unsigned long flags;
	struct woken w[BUFS];
	unsigned int i;

	for (i = 0; i < BUFS; i++) {
		woken_init(test, &w[i], pool);
		local_irq_save(flags);
		KUNIT_EXPECT_TRUE(test,
				  bytepool_wait_async(pool, 1, &w[i].waiter));
		local_irq_restore(flags);
	}
	bytepool_buf_release(buf);
	/* All of them. */
	for (i = 0; i < BUFS; i++) {
		wait_for_completion(&w[i].done);
		KUNIT_EXPECT_FALSE(test, w[i].in_wrong_context);
		KUNIT_EXPECT_FALSE(test,
				   bytepool_wait_cancel(pool, &w[i].waiter));
		KUNIT_EXPECT_EQ(test, atomic_read(&w[i].times), 1);
	}
}

/* Nothing comes back, and yet it is woken, again and again. */
static void waiter_is_woken_after_a_while(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SIZE);
	struct woken w;
	unsigned int i;

	woken_init(test, &w, pool);
	w.rearm = 2;
	KUNIT_EXPECT_TRUE(test, bytepool_wait_async(pool, 1, &w.waiter));
	for (i = 0; i < 3; i++)
		wait_for_completion(&w.done);
	KUNIT_EXPECT_FALSE(test, bytepool_wait_cancel(pool, &w.waiter));
	KUNIT_EXPECT_EQ(test, atomic_read(&w.times), 3);
	bytepool_buf_release(buf);
}

static void waiter_that_is_canceled_is_not_woken(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SIZE);
	struct woken w;

	woken_init(test, &w, pool);
	KUNIT_EXPECT_FALSE(test, bytepool_wait_cancel(pool, &w.waiter));
	KUNIT_EXPECT_FALSE(test, bytepool_wait_cancel(pool, NULL));
	KUNIT_EXPECT_TRUE(test, bytepool_wait_async(pool, 1, &w.waiter));
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).waiting, 1);
	KUNIT_EXPECT_TRUE(test, bytepool_wait_cancel(pool, &w.waiter));
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).waiting, 0);
	bytepool_buf_release(buf);
	KUNIT_EXPECT_EQ(test, atomic_read(&w.times), 0);
}

static void waiter_misused_is_refused(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SIZE);
	struct bytepool_waiter none = {};
	struct woken w;

	woken_init(test, &w, pool);
	KUNIT_EXPECT_FALSE(test, bytepool_wait_async(pool, 1, &none));
	KUNIT_EXPECT_FALSE(test, bytepool_wait_async(pool, 1, NULL));
	KUNIT_EXPECT_FALSE(test, bytepool_wait_async(pool, 0, &w.waiter));
	KUNIT_EXPECT_FALSE(test,
			   bytepool_wait_async(pool, SIZE + 1, &w.waiter));
	KUNIT_EXPECT_TRUE(test, bytepool_wait_async(pool, 1, &w.waiter));
	KUNIT_EXPECT_TRUE(test, bytepool_wait_async(pool, 1, &w.waiter));
	KUNIT_EXPECT_TRUE(test, bytepool_wait_cancel(pool, &w.waiter));
	bytepool_buf_release(buf);
	bpt_expect_misuse(test, pool, 5);
}

static void destroy_takes_waiters_off(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, SIZE);
	struct woken w;

	woken_init(test, &w, pool);
	KUNIT_EXPECT_TRUE(test, bytepool_wait_async(pool, 1, &w.waiter));
	bpt_destroy(test, pool);
	bytepool_buf_release(buf);
	KUNIT_EXPECT_EQ(test, atomic_read(&w.times), 0);
}

static void free_waiter(struct bytepool_waiter *waiter)
{
	struct woken *w = container_of(waiter, struct woken, waiter);
	struct completion *done = w->test->priv;

	kfree(w);
	complete(done);
}

/* wake() may free it: nothing touches it any more. */
static void waiter_is_freed_as_it_is_woken(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);
	struct kunit fake = {};
	struct completion done;
	struct bytepool_buf *buf;
	struct woken *w;
	unsigned int i;

	init_completion(&done);
	fake.priv = &done;
	for (i = 0; i < 100; i++) {
		buf = bpt_get_buf(test, pool, SIZE);
		w = kzalloc(sizeof(*w), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, w);
		w->waiter.wake = free_waiter;
		w->test = &fake;
		KUNIT_EXPECT_TRUE(test,
				  bytepool_wait_async(pool, 1, &w->waiter));
		bytepool_buf_release(buf);
		wait_for_completion(&done);
	}
}

/* A release, a cancel and a get that waits, at the same moment. */
static void race_for_a_waiter(struct bpt_crew *crew, unsigned int thread)
{
	struct woken *w = crew->arg;
	struct bytepool_buf *buf;
	unsigned int i, canceled = 0, armed = 0;

	for (i = 0; i < BPT_ROUNDS; i++) {
		bpt_step(crew, thread);
		if (thread) {
			buf = bytepool_get_buf_wait(w->pool, SIZE, ONCE,
						    TASK_UNINTERRUPTIBLE, 1);
			if (!IS_ERR(buf))
				bytepool_buf_release(buf);
			continue;
		}
		armed += bytepool_wait_async(w->pool, SIZE, &w->waiter);
		canceled += bytepool_wait_cancel(w->pool, &w->waiter);
	}
	if (!thread)
		KUNIT_EXPECT_EQ(crew->test, canceled + atomic_read(&w->times),
				armed);
}

static void waiter_is_woken_or_canceled(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);
	struct woken w;

	woken_init(test, &w, pool);
	bpt_run(test, bpt_nr_threads(), race_for_a_waiter, &w);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).waiting, 0);
}

static void rearm_fn(struct bytepool_waiter *waiter)
{
	struct woken *w = container_of(waiter, struct woken, waiter);

	atomic_inc(&w->times);
	/* False once the pool has ended. */
	w->rearm += bytepool_wait_async(w->pool, SIZE, waiter);
}

/* Once cancel took off what was not in a list yet. */
static void cancel_again_and_again(struct bpt_crew *crew, unsigned int thread)
{
	struct woken *w = crew->arg;
	struct bytepool_buf *buf;
	unsigned int i;

	for (i = 0; i < 4 * BPT_ROUNDS; i++) {
		bpt_step(crew, thread);
		if (thread) {
			buf = bytepool_get_buf(w->pool, SIZE, ONCE);
			bytepool_buf_release(buf);
			continue;
		}
		if (bytepool_wait_async(w->pool, SIZE, &w->waiter))
			cond_resched();
		bytepool_wait_cancel(w->pool, &w->waiter);
	}
}

static void waiter_that_arms_itself_is_canceled(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, SIZE);
	struct woken w;

	woken_init(test, &w, pool);
	w.waiter.wake = rearm_fn;
	bpt_run(test, 2, cancel_again_and_again, &w);
	while (bytepool_wait_cancel(pool, &w.waiter))
		;
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).waiting, 0);
}

/* A wake() that always waits again is no reason for destroy to hang. */
static void destroy_takes_off_who_arms_itself(struct kunit *test)
{
	struct bytepool *pool;
	struct bytepool_buf *buf;
	struct woken w;
	unsigned int i;

	for (i = 0; i < 50; i++) {
		pool = limited_pool(test, SIZE);
		buf = bpt_get_buf(test, pool, SIZE);
		woken_init(test, &w, pool);
		w.waiter.wake = rearm_fn;
		KUNIT_EXPECT_TRUE(test,
				  bytepool_wait_async(pool, 1, &w.waiter));
		bytepool_buf_release(buf);
		bpt_destroy(test, pool);
		KUNIT_EXPECT_PTR_EQ(test, w.waiter.pool, NULL);
	}
}

/* What fails for a reason that nobody looks at is not told to try for ever. */
static void waiter_is_not_told_to_try_for_ever(struct kunit *test)
{
	struct bytepool *pool = limited_pool(test, 3 * SIZE);
	struct bytepool_buf *bufs[2], *buf = bpt_get_buf(test, pool, SIZE);
	struct bytepool_buf *other = bpt_get_buf(test, pool, SIZE);
	unsigned int told = 0;
	struct woken w;

	woken_init(test, &w, pool);
	do {
		KUNIT_EXPECT_EQ(test,
				bytepool_get_bufs(pool, SIZE, 2, bufs, ONCE),
				-ENOMEM);
	} while (!bytepool_wait_async(pool, SIZE, &w.waiter) &&
		 ++told < 100000);
	KUNIT_EXPECT_LT(test, told, 100000);
	bytepool_wait_cancel(pool, &w.waiter);
	bytepool_buf_release(buf);
	bytepool_buf_release(other);
}

/* It wants what the reserve of another tier has for good. */
static void hopeless_sleeper_blocks_nobody(struct kunit *test)
{
	struct queue q = { .pool = limited_pool(test, 4 * SIZE) };
	struct bytepool_buf *buf;
	struct bpt_crew crew;

	q.len[0] = 4 * SIZE;
	q.len[1] = 2 * SIZE;
	buf = bpt_get_buf(test, q.pool, 2 * SIZE);
	queue_start(test, &crew, &q, 1);
	KUNIT_EXPECT_EQ(test, bytepool_reserve(q.pool, SIZE, 1), 0);
	KUNIT_EXPECT_EQ(test, get_error(q.pool, 4 * SIZE, TASK_IDLE, FOREVER),
			-EINVAL);
	bytepool_buf_release(buf);
	bpt_wait(&crew);
	KUNIT_EXPECT_EQ(test, q.ret[0], -EINVAL);
	KUNIT_EXPECT_EQ(test, get_error(q.pool, 2 * SIZE, TASK_IDLE, 0), 0);
}

static struct kunit_case wait_cases[] = {
	KUNIT_CASE(get_buf_wait_at_once),
	KUNIT_CASE(get_buf_wait_refuses),
	KUNIT_CASE(get_buf_wait_beyond_the_tiers),
	KUNIT_CASE(get_buf_wait_times_out),
	KUNIT_CASE(sleepers_are_served_in_order),
	KUNIT_CASE(sleeper_gets_what_others_give_back),
	KUNIT_CASE(sleeper_that_gives_up_blocks_nobody),
	KUNIT_CASE(destroy_ends_sleep),
	KUNIT_CASE(sleepers_lose_nothing),
	KUNIT_CASE(waiter_with_room_is_not_armed),
	KUNIT_CASE(waiter_is_woken),
	KUNIT_CASE(waiter_is_woken_after_a_while),
	KUNIT_CASE(waiter_that_is_canceled_is_not_woken),
	KUNIT_CASE(waiter_misused_is_refused),
	KUNIT_CASE(destroy_takes_waiters_off),
	KUNIT_CASE(waiter_is_freed_as_it_is_woken),
	KUNIT_CASE(waiter_is_woken_or_canceled),
	KUNIT_CASE(waiter_that_arms_itself_is_canceled),
	KUNIT_CASE(destroy_takes_off_who_arms_itself),
	KUNIT_CASE(waiter_is_not_told_to_try_for_ever),
	KUNIT_CASE(hopeless_sleeper_blocks_nobody),
	{}
};

struct kunit_suite bpt_wait_suite = {
	.name = "bytepool_wait",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = wait_cases,
};
