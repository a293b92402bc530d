// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool test cases - contexts: interrupts off, and hard and soft interrupts
 * in the middle of what a process does with the same pool
 */
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "cases.h"

/* === With interrupts off === */

/*
 * Evaluates an expression with interrupts off, and expects them to be off
 * after it: a function that turns them on would let an interrupt into its
 * caller's critical section.
 */
/* clang-format off */
#define STAYS_OFF(test, expr) do {					\
	unsigned long flags_;						\
	bool off_;							\
									\
	local_irq_save(flags_);						\
	expr;								\
	off_ = irqs_disabled();						\
	local_irq_restore(flags_);					\
	KUNIT_EXPECT_TRUE_MSG(test, off_, #expr);			\
} while (0)
/* clang-format on */

static void irqs_off_get_and_put(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	unsigned int i;
	void *mem;

	/* Fresh, recycled, and with more idle than a magazine holds. */
	for (i = 0; i < 300; i++) {
		STAYS_OFF(test, mem = bytepool_get(pool, 1000, GFP_ATOMIC));
		KUNIT_EXPECT_NOT_NULL(test, mem);
		STAYS_OFF(test, bytepool_put(pool, mem));
	}
	STAYS_OFF(test, mem = bytepool_get(pool, 0, GFP_ATOMIC));
	KUNIT_EXPECT_NULL(test, mem);
	STAYS_OFF(test, bytepool_put(pool, NULL));
}

static void irqs_off_get_buf_and_release(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf;
	unsigned int i;
	int ret;

	for (i = 0; i < 10; i++) {
		STAYS_OFF(test, buf = bytepool_get_buf(pool, 1000, GFP_ATOMIC));
		KUNIT_ASSERT_NOT_NULL(test, buf);
		STAYS_OFF(test, ret = bytepool_buf_set_len(buf, 1024));
		KUNIT_EXPECT_EQ(test, ret, 0);
		STAYS_OFF(test, bytepool_buf_retain(buf));
		STAYS_OFF(test, bytepool_buf_release(buf));
		STAYS_OFF(test, bytepool_buf_release(buf));
	}
}

static void irqs_off_views(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf = bpt_get_buf(test, pool, 1000);
	struct bytepool_view whole, slice, inner;

	STAYS_OFF(test, whole = bytepool_buf_bytes(buf));
	STAYS_OFF(test, slice = bytepool_buf_slice(buf, 10, 100));
	STAYS_OFF(test, inner = bytepool_view_slice(&slice, 5, 10));
	STAYS_OFF(test, bytepool_buf_release(buf));
	STAYS_OFF(test, bytepool_view_release(&whole));
	STAYS_OFF(test, bytepool_view_release(&slice));
	STAYS_OFF(test, bytepool_view_release(&inner));
	STAYS_OFF(test, bytepool_view_release(&inner));
}

/* 6.1's kmem_cache_alloc_bulk() returns with interrupts on. */
static void irqs_off_bulk(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *bufs[64];
	unsigned int i;
	int ret;

	for (i = 0; i < 3; i++) {
		STAYS_OFF(test, ret = bytepool_get_bufs(pool, 1000, 64, bufs,
							GFP_ATOMIC));
		KUNIT_ASSERT_EQ(test, ret, 0);
		STAYS_OFF(test, bytepool_release_bufs(64, bufs));
	}
}

static void irqs_off_bulk_that_fails(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool_buf *bufs[64];
	struct bytepool *pool;
	int ret;

	config.limit = 10 * SZ_4K;
	pool = bpt_pool(test, &config);
	STAYS_OFF(test,
		  ret = bytepool_get_bufs(pool, SZ_4K, 64, bufs, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	STAYS_OFF(test,
		  ret = bytepool_get_bufs(pool, SZ_4M, 64, bufs, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
}

static void irqs_off_prefill(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	unsigned int nr;

	STAYS_OFF(test, nr = bytepool_prefill(pool, 1000, 64, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 3).idle, nr);
}

static void irqs_off_beyond_the_tiers(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 1024, 0);
	struct bytepool_buf *buf;
	void *mem;

	STAYS_OFF(test, mem = bytepool_get(pool, 5000, GFP_ATOMIC));
	KUNIT_EXPECT_NOT_NULL(test, mem);
	STAYS_OFF(test, buf = bytepool_get_buf(pool, 5000, GFP_ATOMIC));
	KUNIT_EXPECT_NOT_NULL(test, buf);
	STAYS_OFF(test, bytepool_put(pool, mem));
	STAYS_OFF(test, bytepool_buf_release(buf));
}

/* What is from vmalloc() cannot be freed there and then. */
static void irqs_off_release_of_vmalloc_memory(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf =
		bpt_get_buf(test, pool, 2 * KMALLOC_MAX_SIZE);
	void *mem = bpt_get(test, pool, 2 * KMALLOC_MAX_SIZE);

	STAYS_OFF(test, bytepool_buf_release(buf));
	STAYS_OFF(test, bytepool_put(pool, mem));
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).oversize_in_use, 0);
}

static void irqs_off_checked_pool(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_CHECK);
	struct bytepool_buf *buf;
	void *mem;

	STAYS_OFF(test, mem = bytepool_get(pool, 1000, GFP_ATOMIC));
	STAYS_OFF(test, buf = bytepool_get_buf(pool, 1000, GFP_ATOMIC));
	KUNIT_ASSERT_NOT_NULL(test, buf);
	STAYS_OFF(test, bytepool_put(pool, mem));
	STAYS_OFF(test, bytepool_buf_release(buf));
	/* A report is as good there. */
	STAYS_OFF(test, bytepool_put(pool, mem));
	STAYS_OFF(test, bytepool_buf_release(buf));
	bpt_expect_misuse(test, pool, 2);
}

static void irqs_off_statistics(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_tier_stats tier;
	struct bytepool_stats stats;
	u64 discarded;
	size_t len;

	bytepool_put(pool, bpt_get(test, pool, 1000));
	STAYS_OFF(test, bytepool_get_stats(pool, &stats));
	STAYS_OFF(test, bytepool_get_tier_stats(pool, 3, &tier));
	STAYS_OFF(test, discarded = bytepool_discarded(pool));
	STAYS_OFF(test, bytepool_recent_lengths(pool, &len, 1));
	STAYS_OFF(test, bytepool_sizes(pool, NULL, 0));
	KUNIT_EXPECT_EQ(test, stats.total_get, 1);
	KUNIT_EXPECT_EQ(test, tier.get, 1);
	KUNIT_EXPECT_EQ(test, discarded, 0);
	KUNIT_EXPECT_EQ(test, len, 1000);
}

/* === Interrupts that use the pool === */

#define NR_INTERRUPTS	  200
#define INTERRUPT_NS	  50000
#define INTERRUPT_TIMEOUT (60 * HZ)

/**
 * struct pool_user - somebody who uses a pool, in an interrupt or not
 * @pool: the pool
 * @tag: what he writes to his memory
 * @seed: chooses his lengths
 * @overwritten: how often somebody else had written there
 * @null: how often there was no memory
 */
struct pool_user {
	struct bytepool *pool;
	u8 tag;
	u64 seed;
	unsigned int overwritten;
	unsigned int null;
};

static void use_buf(struct pool_user *user, size_t len)
{
	struct bytepool_buf *buf;
	struct bytepool_view view;

	buf = bytepool_get_buf(user->pool, len, GFP_ATOMIC);
	if (!buf) {
		user->null++;
		return;
	}
	bpt_stamp_buf(buf, user->tag);
	view = bytepool_buf_slice(buf, len / 2, len - len / 2);
	bytepool_buf_retain(buf);
	user->overwritten += !bpt_buf_stamped(buf, user->tag);
	bytepool_buf_release(buf);
	bytepool_buf_release(buf);
	user->overwritten += !bpt_stamped(view.data, view.len, user->tag);
	bytepool_view_release(&view);
}

static void use_raw(struct pool_user *user, size_t len)
{
	void *mem = bytepool_get(user->pool, len, GFP_ATOMIC);

	if (!mem) {
		user->null++;
		return;
	}
	bpt_stamp(mem, len, user->tag);
	user->overwritten += !bpt_stamped(mem, len, user->tag);
	bytepool_put(user->pool, mem);
}

static void use_bulk(struct pool_user *user, size_t len)
{
	struct bytepool_buf *bufs[8];
	unsigned int i;

	if (bytepool_get_bufs(user->pool, len, 8, bufs, GFP_ATOMIC)) {
		user->null++;
		return;
	}
	for (i = 0; i < 8; i++)
		bpt_stamp_buf(bufs[i], user->tag + i);
	for (i = 0; i < 8; i++)
		user->overwritten += !bpt_buf_stamped(bufs[i], user->tag + i);
	bytepool_release_bufs(8, bufs);
}

/* Lengths up to beyond the largest tier, which is 2 KiB. */
static void use(struct pool_user *user)
{
	size_t len = 1 + bpt_random(&user->seed, 2100);

	use_buf(user, len);
	use_raw(user, len);
	use_bulk(user, len);
}

/**
 * struct interrupt - a timer whose interrupts use a pool
 * @timer: the timer
 * @user: he who uses the pool in it
 * @fired: how often there was one
 * @stray: how often it was not the kind of interrupt it should be
 * @soft: it should be a soft one
 */
struct interrupt {
	struct hrtimer timer;
	struct pool_user user;
	unsigned int fired;
	unsigned int stray;
	bool soft;
};

static enum hrtimer_restart interrupt_fn(struct hrtimer *timer)
{
	struct interrupt *irq = container_of(timer, struct interrupt, timer);

	irq->stray += irq->soft ? !in_serving_softirq() : !in_hardirq();
	use(&irq->user);
	WRITE_ONCE(irq->fired, irq->fired + 1);
	return HRTIMER_NORESTART;
}

static void expect_sane(struct kunit *test, const struct pool_user *user)
{
	KUNIT_EXPECT_EQ(test, user->overwritten, 0);
	KUNIT_EXPECT_EQ(test, user->null, 0);
}

/* Uses a pool in a process that interrupts do the same to, at any moment. */
static void use_interrupted(struct kunit *test, struct interrupt *irq,
			    struct pool_user *user)
{
	enum hrtimer_mode mode = irq->soft ? HRTIMER_MODE_REL_PINNED_SOFT :
					     HRTIMER_MODE_REL_PINNED_HARD;
	unsigned long end = jiffies + INTERRUPT_TIMEOUT;
	unsigned int started = 0;

	hrtimer_setup(&irq->timer, interrupt_fn, CLOCK_MONOTONIC, mode);
	while (READ_ONCE(irq->fired) < NR_INTERRUPTS &&
	       time_before(jiffies, end)) {
		if (READ_ONCE(irq->fired) == started) {
			started++;
			hrtimer_start(&irq->timer,
				      ns_to_ktime(bpt_random(&user->seed,
							     INTERRUPT_NS)),
				      mode);
		}
		use(user);
		/* Soft interrupts may be left to a thread of this CPU. */
		cond_resched();
	}
	hrtimer_cancel(&irq->timer);
	KUNIT_EXPECT_GE(test, irq->fired, NR_INTERRUPTS);
	KUNIT_EXPECT_EQ(test, irq->stray, 0);
	expect_sane(test, &irq->user);
	expect_sane(test, user);
}

/**
 * struct interrupt_param - what pool is used in what interrupts
 * @name: of the parameter
 * @soft: in soft interrupts
 * @flags: of the pool
 */
struct interrupt_param {
	const char *name;
	bool soft;
	unsigned int flags;
};

static const struct interrupt_param interrupt_params[] = {
	{ "hardirq", false, 0 },
	{ "softirq", true, 0 },
	{ "hardirq, RCU", false, BYTEPOOL_RCU },
	{ "softirq, RCU", true, BYTEPOOL_RCU },
	{ "hardirq, checked", false, BYTEPOOL_CHECK },
	{ "softirq, checked", true, BYTEPOOL_CHECK },
};

static void interrupt_desc(const struct interrupt_param *param, char *desc)
{
	strscpy(desc, param->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(interrupt, interrupt_params, interrupt_desc);

#define NR_INTERRUPTED 2

/**
 * struct interrupted - CPUs on which processes and interrupts use a pool
 * @user: the processes
 * @irq: the interrupts
 */
struct interrupted {
	struct pool_user user[NR_INTERRUPTED];
	struct interrupt irq[NR_INTERRUPTED];
};

static void interrupted_crew(struct bpt_crew *crew, unsigned int thread)
{
	struct interrupted *interrupted = crew->arg;

	use_interrupted(crew->test, &interrupted->irq[thread],
			&interrupted->user[thread]);
}

static void interrupts_use_the_pool_too(struct kunit *test)
{
	const struct interrupt_param *param = test->param_value;
	struct bytepool_config config = bpt_config();
	struct interrupted *interrupted;
	unsigned int i;

	config.nr_sizes = 5;
	config.flags = param->flags;
	/* Small enough for a put to find no room now and then. */
	config.max_idle = SZ_32K;
	interrupted = kunit_kzalloc(test, sizeof(*interrupted), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, interrupted);
	interrupted->user[0].pool = bpt_pool(test, &config);
	for (i = 0; i < NR_INTERRUPTED; i++) {
		interrupted->user[i].pool = interrupted->user[0].pool;
		interrupted->user[i].tag = 0x40 * i;
		interrupted->user[i].seed = bpt_seed(test);
		interrupted->irq[i].user = interrupted->user[i];
		interrupted->irq[i].user.tag += 0x20;
		interrupted->irq[i].soft = param->soft;
	}
	bpt_run(test, NR_INTERRUPTED, interrupted_crew, interrupted);
}

static struct kunit_case context_cases[] = {
	KUNIT_CASE(irqs_off_get_and_put),
	KUNIT_CASE(irqs_off_get_buf_and_release),
	KUNIT_CASE(irqs_off_views),
	KUNIT_CASE(irqs_off_bulk),
	KUNIT_CASE(irqs_off_bulk_that_fails),
	KUNIT_CASE(irqs_off_prefill),
	KUNIT_CASE(irqs_off_beyond_the_tiers),
	KUNIT_CASE(irqs_off_release_of_vmalloc_memory),
	KUNIT_CASE(irqs_off_checked_pool),
	KUNIT_CASE(irqs_off_statistics),
	KUNIT_CASE_PARAM(interrupts_use_the_pool_too, interrupt_gen_params),
	{}
};

struct kunit_suite bpt_context_suite = {
	.name = "bytepool_context",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = context_cases,
};
