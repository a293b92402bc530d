// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool test cases - contexts: interrupts off, and hard and soft interrupts
 * in the middle of what a process does with the same pool
 */
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
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

/*
 * On PREEMPT_RT slab is off limits with interrupts off and in hard interrupts:
 * a get there is served with what is idle, or fails.
 */
static const bool idle_alone = IS_ENABLED(CONFIG_PREEMPT_RT);

/* Whether a get is served there, if memory for it has been given back before. */
static bool served_warm(struct kunit *test, unsigned int flags)
{
	return !idle_alone || bpt_recycles(test, flags);
}

static void irqs_off_get_and_put(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	bool warm = served_warm(test, 0);
	unsigned int i;
	void *mem;

	STAYS_OFF(test, mem = bytepool_get(pool, 1000, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, !mem, idle_alone);
	STAYS_OFF(test, bytepool_put(pool, mem));
	bytepool_put(pool, bpt_get(test, pool, 1000));
	for (i = 0; i < 300; i++) {
		STAYS_OFF(test, mem = bytepool_get(pool, 1000, GFP_ATOMIC));
		KUNIT_EXPECT_EQ(test, !mem, !warm);
		STAYS_OFF(test, bytepool_put(pool, mem));
	}
	STAYS_OFF(test, mem = bytepool_get(pool, 0, GFP_ATOMIC));
	KUNIT_EXPECT_NULL(test, mem);
	STAYS_OFF(test, bytepool_put(pool, NULL));
}

static void irqs_off_get_buf_and_release(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	bool warm = served_warm(test, 0);
	struct bytepool_buf *buf;
	unsigned int i;
	int ret;

	STAYS_OFF(test, buf = bytepool_get_buf(pool, 1000, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, !buf, idle_alone);
	STAYS_OFF(test, bytepool_buf_release(buf));
	bytepool_buf_release(bpt_get_buf(test, pool, 1000));
	for (i = 0; i < 10; i++) {
		STAYS_OFF(test, buf = bytepool_get_buf(pool, 1024, GFP_ATOMIC));
		KUNIT_EXPECT_EQ(test, !buf, !warm);
		buf = buf ?: bpt_get_buf(test, pool, 1024);
		STAYS_OFF(test, ret = bytepool_buf_set_len(buf, 1000));
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

/* Gets 64 buffers, here if they are not served there, and releases them there. */
static void irqs_off_bulk_pair(struct kunit *test, struct bytepool *pool,
			       bool served)
{
	struct bytepool_buf *bufs[64];
	int ret;

	STAYS_OFF(test,
		  ret = bytepool_get_bufs(pool, 1000, 64, bufs, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, ret, served ? 0 : -ENOMEM);
	if (ret)
		bpt_get_bufs(test, pool, 1000, 64, bufs);
	STAYS_OFF(test, bytepool_release_bufs(64, bufs));
}

/* 6.1's kmem_cache_alloc_bulk() returns with interrupts on. */
static void irqs_off_bulk(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	bool warm = served_warm(test, 0);
	struct bytepool_buf *bufs[64];
	unsigned int i;

	irqs_off_bulk_pair(test, pool, !idle_alone);
	bpt_get_bufs(test, pool, 1000, 64, bufs);
	bytepool_release_bufs(64, bufs);
	for (i = 0; i < 3; i++)
		irqs_off_bulk_pair(test, pool, warm);
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
	if (idle_alone)
		KUNIT_EXPECT_EQ(test, nr, 0);
	KUNIT_EXPECT_EQ(test, bpt_tier(test, pool, 3).idle, nr);
}

static void irqs_off_beyond_the_tiers(struct kunit *test)
{
	struct bytepool *pool = bpt_tier_pool(test, 1024, 0);
	struct bytepool_buf *buf;
	void *mem;

	STAYS_OFF(test, mem = bytepool_get(pool, 5000, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, !mem, idle_alone);
	STAYS_OFF(test, buf = bytepool_get_buf(pool, 5000, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, !buf, idle_alone);
	mem = mem ?: bpt_get(test, pool, 5000);
	buf = buf ?: bpt_get_buf(test, pool, 5000);
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
	bpt_expect_quiet(test, pool);
}

static void irqs_off_checked_pool(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, BYTEPOOL_CHECK);
	struct bytepool_buf *buf;
	void *mem;

	STAYS_OFF(test, mem = bytepool_get(pool, 1000, GFP_ATOMIC));
	STAYS_OFF(test, buf = bytepool_get_buf(pool, 1000, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, !mem, idle_alone);
	KUNIT_EXPECT_EQ(test, !buf, idle_alone);
	mem = mem ?: bpt_get(test, pool, 1000);
	buf = buf ?: bpt_get_buf(test, pool, 1000);
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
	STAYS_OFF(test, bytepool_sizes(pool, NULL, 0));
	/* This one is for where spinlocks may be taken. */
	if (idle_alone)
		bytepool_recent_lengths(pool, &len, 1);
	else
		STAYS_OFF(test, bytepool_recent_lengths(pool, &len, 1));
	KUNIT_EXPECT_EQ(test, stats.total_get, 1);
	KUNIT_EXPECT_EQ(test, tier.get, 1);
	KUNIT_EXPECT_EQ(test, discarded, 0);
	KUNIT_EXPECT_EQ(test, len, 1000);
}

/* === Interrupts that use the pool === */

#define NR_INTERRUPTS	  200
#define INTERRUPT_NS	  50000
#define INTERRUPT_TIMEOUT (240 * HZ)

/**
 * struct pool_user - somebody who uses a pool, in an interrupt or not
 * @pool: the pool
 * @tag: what he writes to his memory
 * @seed: chooses his lengths
 * @overwritten: how often somebody else had written there
 * @null: how often there was no memory
 * @may_fail: it may be that there is none
 */
struct pool_user {
	struct bytepool *pool;
	u8 tag;
	u64 seed;
	unsigned int overwritten;
	unsigned int null;
	bool may_fail;
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
	if (!user->may_fail)
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
		interrupted->irq[i].user.may_fail = idle_alone && !param->soft;
		interrupted->irq[i].soft = param->soft;
	}
	bpt_run(test, NR_INTERRUPTED, interrupted_crew, interrupted);
}

/**
 * struct lone_interrupt - a hard interrupt while nobody else uses a pool
 * @timer: brings it
 * @pool: the pool
 * @buf: what it got, and gave back
 * @mem: what it got, and gave back
 * @bulk: what it got 8 buffers with, and gave them back
 * @done: it is over
 */
struct lone_interrupt {
	struct hrtimer timer;
	struct bytepool *pool;
	struct bytepool_buf *buf;
	void *mem;
	int bulk;
	bool done;
};

static enum hrtimer_restart lone_interrupt_fn(struct hrtimer *timer)
{
	struct lone_interrupt *irq =
		container_of(timer, struct lone_interrupt, timer);
	struct bytepool_buf *bufs[8];

	irq->buf = bytepool_get_buf(irq->pool, 1000, GFP_ATOMIC);
	irq->mem = bytepool_get(irq->pool, 1000, GFP_ATOMIC);
	bytepool_buf_release(irq->buf);
	bytepool_put(irq->pool, irq->mem);
	irq->bulk = bytepool_get_bufs(irq->pool, 1000, 8, bufs, GFP_ATOMIC);
	if (!irq->bulk)
		bytepool_release_bufs(8, bufs);
	WRITE_ONCE(irq->done, true);
	return HRTIMER_NORESTART;
}

static void interrupt_alone(struct kunit *test, struct bytepool *pool,
			    bool served)
{
	unsigned long end = jiffies + INTERRUPT_TIMEOUT;
	struct lone_interrupt *irq;

	/* Not on the stack: debugobjects wants such timers annotated. */
	irq = kunit_kzalloc(test, sizeof(*irq), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, irq);
	irq->pool = pool;
	hrtimer_setup(&irq->timer, lone_interrupt_fn, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&irq->timer, ns_to_ktime(INTERRUPT_NS),
		      HRTIMER_MODE_REL_PINNED_HARD);
	while (!READ_ONCE(irq->done) && time_before(jiffies, end))
		cond_resched();
	hrtimer_cancel(&irq->timer);
	KUNIT_ASSERT_TRUE(test, irq->done);
	KUNIT_EXPECT_EQ(test, !!irq->buf, served);
	KUNIT_EXPECT_EQ(test, !!irq->mem, served);
	KUNIT_EXPECT_EQ(test, irq->bulk, served ? 0 : -ENOMEM);
}

/* Of what this CPU has idle an interrupt is served on any kernel. */
static void interrupt_is_served_with_what_is_idle(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_tier_stats before, after;
	struct bytepool_buf *bufs[8];
	unsigned int i;

	interrupt_alone(test, pool, !idle_alone);
	bpt_get_bufs(test, pool, 1000, 8, bufs);
	bytepool_release_bufs(8, bufs);
	bytepool_put(pool, bpt_get(test, pool, 1000));
	for (i = 0; i < 10; i++) {
		before = bpt_tier(test, pool, 3);
		interrupt_alone(test, pool, served_warm(test, 0));
		after = bpt_tier(test, pool, 3);
		if (!bpt_recycles(test, 0))
			continue;
		KUNIT_EXPECT_EQ(test, after.hit, before.hit + 10);
		KUNIT_EXPECT_EQ(test, after.miss, before.miss);
		KUNIT_EXPECT_EQ(test, after.idle, before.idle);
	}
}

/* === Interrupts in the middle of every operation === */

/* Large, so that magazines hold few. */
#define STORM_SIZE  SZ_64K
#define STORM_NR    100
#define STORM_ROOM  32
#define STORM_LIMIT 4
#define NR_STORMED  2
#define WARM_NR	    4

struct stormed;

/**
 * struct storm - what is interrupted
 * @name: what it is called
 * @operate: does it
 * @flags: of the pool
 * @max_idle: how many buffers may be idle in the pool
 * @limit: how many may be in use; 0: any number
 * @warm: all gets are hits, until an interrupt has come inside a section
 */
struct storm {
	const char *name;
	void (*operate)(struct stormed *stormed);
	unsigned int flags;
	unsigned int max_idle;
	unsigned int limit;
	bool warm;
};

/**
 * struct stormed - a process that uses a pool, and the interrupts that do
 * @storm: what it does
 * @pool: the pool
 * @timer: brings the interrupts
 * @seed: chooses when, and what they do
 * @bufs: what the process has
 * @mem: what the process has
 * @irq_buf: what the interrupts have
 * @irq_mem: what the interrupts have
 * @inside: the process is in the middle of the operation
 * @in_a_row: how many interrupts that same operation has had
 * @landed: how many came in the middle of an operation
 * @stray: how many were no hard interrupts
 * @collides: it goes on until an interrupt has come inside a section
 * @overwritten: memory that was not as its owner had left it
 * @null: gets of the process that failed
 * @irq_null: gets of the interrupts that failed
 */
struct stormed {
	const struct storm *storm;
	struct bytepool *pool;
	struct hrtimer timer;
	u64 seed;
	struct bytepool_buf *bufs[STORM_ROOM];
	void *mem[STORM_ROOM];
	struct bytepool_buf *irq_buf;
	void *irq_mem;
	bool inside;
	unsigned int in_a_row;
	unsigned int landed;
	unsigned int stray;
	bool collides;
	atomic_t overwritten;
	atomic_t null;
	atomic_t irq_null;
};

/* Who has memory notes there where he keeps it, and finds that again. */
static void storm_own(struct stormed *stormed, void *mem, const void *owner)
{
	if (mem)
		*(const void **)mem = owner;
	else
		atomic_inc(in_hardirq() ? &stormed->irq_null : &stormed->null);
}

static void storm_disown(struct stormed *stormed, void *mem, const void *owner)
{
	if (mem && *(const void **)mem != owner)
		atomic_inc(&stormed->overwritten);
}

static void storm_get(struct stormed *stormed, struct bytepool_buf **buf,
		      gfp_t gfp)
{
	*buf = bytepool_get_buf(stormed->pool, STORM_SIZE, gfp);
	storm_own(stormed, bytepool_buf_data(*buf), buf);
}

static void storm_release(struct stormed *stormed, struct bytepool_buf **buf)
{
	storm_disown(stormed, bytepool_buf_data(*buf), buf);
	bytepool_buf_release(*buf);
	*buf = NULL;
}

static void storm_get_raw(struct stormed *stormed, void **mem, gfp_t gfp)
{
	*mem = bytepool_get(stormed->pool, STORM_SIZE, gfp);
	storm_own(stormed, *mem, mem);
}

static void storm_put_raw(struct stormed *stormed, void **mem)
{
	storm_disown(stormed, *mem, mem);
	bytepool_put(stormed->pool, *mem);
	*mem = NULL;
}

/* Gets now, and releases in this interrupt or in the next one. */
static void storm_interrupt(struct stormed *stormed)
{
	unsigned int what = bpt_random(&stormed->seed, 4);

	if (!stormed->irq_buf)
		storm_get(stormed, &stormed->irq_buf, GFP_ATOMIC);
	else if (what & 1)
		storm_release(stormed, &stormed->irq_buf);
	if (stormed->irq_buf) {
		bytepool_buf_retain(stormed->irq_buf);
		bytepool_buf_release(stormed->irq_buf);
	}
	if (!stormed->irq_mem)
		storm_get_raw(stormed, &stormed->irq_mem, GFP_ATOMIC);
	if (what & 2)
		storm_put_raw(stormed, &stormed->irq_mem);
}

/*
 * The next one comes when the process has had more time than this one took,
 * and the later, the more there were since it has got anything done: however
 * slow the machine is, the process goes on.
 */
static enum hrtimer_restart storm_fn(struct hrtimer *timer)
{
	struct stormed *stormed = container_of(timer, struct stormed, timer);
	u64 begin = ktime_get_ns(), wait;

	stormed->stray += !in_hardirq();
	WRITE_ONCE(stormed->landed, stormed->landed + stormed->inside);
	storm_interrupt(stormed);
	wait = 4 * (ktime_get_ns() - begin) + 1;
	wait += bpt_random(&stormed->seed, INTERRUPT_NS);
	hrtimer_forward_now(timer, ns_to_ktime(wait * ++stormed->in_a_row));
	return HRTIMER_RESTART;
}

/* === Operations === */

static void storm_pair(struct stormed *stormed)
{
	storm_get(stormed, stormed->bufs, GFP_KERNEL);
	storm_release(stormed, stormed->bufs);
}

static void storm_raw_pair(struct stormed *stormed)
{
	storm_get_raw(stormed, stormed->mem, GFP_KERNEL);
	storm_put_raw(stormed, stormed->mem);
}

static void storm_references(struct stormed *stormed)
{
	struct bytepool_view view;

	storm_get(stormed, stormed->bufs, GFP_KERNEL);
	view = bytepool_buf_slice(stormed->bufs[0], 0, 1);
	bytepool_buf_retain(stormed->bufs[0]);
	bytepool_buf_release(stormed->bufs[0]);
	bytepool_view_release(&view);
	storm_release(stormed, stormed->bufs);
}

static void storm_tryretain(struct stormed *stormed)
{
	bool alive;

	storm_get(stormed, stormed->bufs, GFP_KERNEL);
	rcu_read_lock();
	alive = bytepool_buf_tryretain(stormed->bufs[0]);
	rcu_read_unlock();
	if (alive)
		bytepool_buf_release(stormed->bufs[0]);
	storm_release(stormed, stormed->bufs);
}

/* More than the CPU's magazines hold: to and from the depot, or slab. */
static void storm_many(struct stormed *stormed)
{
	unsigned int i;

	for (i = 0; i < 12; i++) {
		storm_get(stormed, &stormed->bufs[i], GFP_KERNEL);
		storm_get_raw(stormed, &stormed->mem[i], GFP_KERNEL);
	}
	while (i--) {
		storm_release(stormed, &stormed->bufs[i]);
		storm_put_raw(stormed, &stormed->mem[i]);
	}
}

static void storm_bulk(struct stormed *stormed)
{
	unsigned int i;

	if (bytepool_get_bufs(stormed->pool, STORM_SIZE, STORM_ROOM,
			      stormed->bufs, GFP_KERNEL))
		atomic_inc(&stormed->null);
	for (i = 0; i < STORM_ROOM; i++)
		storm_own(stormed, bytepool_buf_data(stormed->bufs[i]),
			  &stormed->bufs[i]);
	for (i = 0; i < STORM_ROOM; i++)
		storm_disown(stormed, bytepool_buf_data(stormed->bufs[i]),
			     &stormed->bufs[i]);
	bytepool_release_bufs(STORM_ROOM, stormed->bufs);
}

/* There is room for them: some of what is idle has been got before. */
static void storm_prefill(struct stormed *stormed)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		storm_get(stormed, &stormed->bufs[i], GFP_KERNEL);
	bytepool_prefill(stormed->pool, STORM_SIZE, 4, GFP_KERNEL);
	while (i--)
		storm_release(stormed, &stormed->bufs[i]);
}

static void storm_drain(struct stormed *stormed)
{
	storm_many(stormed);
	bytepool_shrink(stormed->pool);
}

static void storm_up_to_the_limit(struct stormed *stormed)
{
	unsigned int i;

	for (i = 0; i <= STORM_LIMIT; i++)
		storm_get(stormed, &stormed->bufs[i], GFP_KERNEL);
	while (i--)
		storm_release(stormed, &stormed->bufs[i]);
}

/* What is warm on both CPUs. */
#define WARM_IDLE (2 * NR_STORMED * WARM_NR)

static const struct storm storms[] = {
	{ "hit", storm_pair, 0, 64 },
	{ "raw hit", storm_raw_pair, 0, 64 },
	{ "RCU hit", storm_tryretain, BYTEPOOL_RCU, 64 },
	{ "references", storm_references, 0, 64 },
	{ "hit, nothing to spare", storm_pair, 0, WARM_IDLE, 0, true },
	{ "raw hit, nothing to spare", storm_raw_pair, 0, WARM_IDLE, 0, true },
	{ "RCU hit, nothing to spare", storm_tryretain, BYTEPOOL_RCU, WARM_IDLE,
	  0, true },
	{ "nothing idle", storm_pair, 0, 0 },
	{ "little idle", storm_many, 0, 12 },
	{ "depot", storm_many, 0, 64 },
	{ "depot, RCU", storm_many, BYTEPOOL_RCU, 64 },
	{ "bulk", storm_bulk, 0, 64 },
	{ "prefill", storm_prefill, 0, 12 },
	{ "drain", storm_drain, 0, 64 },
	{ "drain, RCU", storm_drain, BYTEPOOL_RCU, 64 },
	{ "limit", storm_up_to_the_limit, 0, 8, STORM_LIMIT },
	{ "checked", storm_pair, BYTEPOOL_CHECK, 64 },
};

static void storm_desc(const struct storm *storm, char *desc)
{
	strscpy(desc, storm->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(storm, storms, storm_desc);

/* === A storm === */

/* So many are idle on this CPU then, of either kind. */
static void warm_up(struct stormed *stormed)
{
	unsigned int i;

	for (i = 0; i < WARM_NR; i++) {
		storm_get(stormed, &stormed->bufs[i], GFP_KERNEL);
		storm_get_raw(stormed, &stormed->mem[i], GFP_KERNEL);
	}
	while (i--) {
		storm_release(stormed, &stormed->bufs[i]);
		storm_put_raw(stormed, &stormed->mem[i]);
	}
}

/*
 * Whether an interrupt has come inside a section of the process on its CPU. The
 * bound has room for what is warm, and no more: there it can neither take what
 * is idle nor leave anything, and what it gets is new, or it gets nothing. No
 * other get is a miss, before the first of these.
 */
static bool section_interrupted(const struct stormed *stormed)
{
	struct bytepool_tier_stats tier;

	if (idle_alone)
		return atomic_read(&stormed->irq_null);
	return !bytepool_get_tier_stats(stormed->pool, 0, &tier) &&
	       tier.miss > WARM_IDLE;
}

static bool storm_goes_on(const struct stormed *stormed)
{
	return READ_ONCE(stormed->landed) < STORM_NR ||
	       (stormed->collides && !section_interrupted(stormed));
}

static void storm_crew(struct bpt_crew *crew, unsigned int thread)
{
	struct stormed *stormed = (struct stormed *)crew->arg + thread;
	unsigned long end = jiffies + INTERRUPT_TIMEOUT;

	if (stormed->storm->warm)
		warm_up(stormed);
	hrtimer_setup(&stormed->timer, storm_fn, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&stormed->timer, ns_to_ktime(INTERRUPT_NS),
		      HRTIMER_MODE_REL_PINNED_HARD);
	while (storm_goes_on(stormed) && time_before(jiffies, end)) {
		WRITE_ONCE(stormed->inside, true);
		stormed->storm->operate(stormed);
		WRITE_ONCE(stormed->inside, false);
		WRITE_ONCE(stormed->in_a_row, 0);
		cond_resched();
	}
	hrtimer_cancel(&stormed->timer);
	storm_release(stormed, &stormed->irq_buf);
	storm_put_raw(stormed, &stormed->irq_mem);
	KUNIT_EXPECT_FALSE(crew->test, storm_goes_on(stormed));
}

static void expect_storm_over(struct kunit *test, struct stormed *stormed)
{
	const struct storm *storm = stormed->storm;
	struct bytepool_buf *bufs[STORM_LIMIT];
	unsigned int i;

	for (i = 0; i < NR_STORMED; i++) {
		KUNIT_EXPECT_EQ(test, stormed[i].stray, 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&stormed[i].overwritten), 0);
		if (storm->limit)
			continue;
		KUNIT_EXPECT_EQ(test, atomic_read(&stormed[i].null), 0);
		if (!idle_alone)
			KUNIT_EXPECT_EQ(test, atomic_read(&stormed[i].irq_null),
					0);
	}
	bpt_expect_whole(test, stormed->pool, storm->max_idle * STORM_SIZE,
			 bpt_recycles(test, storm->flags));
	if (!storm->limit)
		return;
	bpt_get_bufs(test, stormed->pool, STORM_SIZE, STORM_LIMIT, bufs);
	KUNIT_EXPECT_NULL(test, bytepool_get(stormed->pool, 1, GFP_KERNEL));
	bytepool_release_bufs(STORM_LIMIT, bufs);
}

/* Whatever they interrupt, nothing is lost, and nothing has two owners. */
static void interrupts_in_the_middle(struct kunit *test)
{
	static const size_t size = STORM_SIZE;
	const struct storm *storm = test->param_value;
	struct bytepool_config config = bpt_config();
	struct stormed *stormed;
	bool recycles = bpt_recycles(test, storm->flags);
	struct bytepool *pool;
	unsigned int i;

	config.sizes = &size;
	config.nr_sizes = 1;
	config.flags = storm->flags;
	config.limit = storm->limit * STORM_SIZE;
	/* 0 would be the default. */
	config.max_idle = max_t(size_t, storm->max_idle * STORM_SIZE, 1);
	stormed =
		kunit_kzalloc(test, NR_STORMED * sizeof(*stormed), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, stormed);
	pool = bpt_pool(test, &config);
	for (i = 0; i < NR_STORMED; i++) {
		stormed[i].storm = storm;
		stormed[i].pool = pool;
		stormed[i].seed = bpt_seed(test);
		stormed[i].collides = storm->warm && recycles;
	}
	bpt_run(test, NR_STORMED, storm_crew, stormed);
	expect_storm_over(test, stormed);
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
	KUNIT_CASE(interrupt_is_served_with_what_is_idle),
	KUNIT_CASE_PARAM(interrupts_in_the_middle, storm_gen_params),
	{}
};

struct kunit_suite bpt_context_suite = {
	.name = "bytepool_context",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = context_cases,
};
