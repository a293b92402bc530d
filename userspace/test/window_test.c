// SPDX-License-Identifier: GPL-2.0
/*
 * An interrupt in every window: one operation on a pool is repeated, and each
 * time the interrupt comes one instruction later, until it has come after each
 * of them. The processor traps after every instruction (the trap flag of
 * x86-64), and the trap's signal counts, and raises the interrupt when its
 * turn is. Where interrupts are off just then it waits, as anywhere. An NMI comes
 * all the same.
 *
 * A hit is interrupted once at a time. What is longer is interrupted again
 * every so many instructions, lest it take the square of its length: an early
 * interrupt may then do the slow part before the task comes to it. What blocks
 * signals, as a drain's grace period does, cannot be stepped through.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <shim.h>
#include <errno.h>
#include <signal.h>
#include <ucontext.h>

#include <kunit/test.h>

#include "../../bytepool.h"

/* A magazine of this tier holds four. */
#define FOUR_FIT SZ_64K
/* Slab takes few instructions for one of these. */
#define SMALL	 SZ_4K
#define MAX_HELD 16

/* === Traps === */

/* Behind those of timers. */
#define STEP_IRQ (SHIM_NR_IRQS - 1)

/**
 * struct stepper - counts instructions, and interrupts one of them
 * @at: after which instruction it comes first
 * @every: after how many more it comes again
 * @nr: how many instructions there have been, but for those of interrupts
 * @nmi: it is an NMI
 */
static struct stepper {
	unsigned long at;
	unsigned long every;
	unsigned long nr;
	bool nmi;
} stepper;

static void step_raise(void)
{
	if (!stepper.nmi) {
		shim_raise_irq(STEP_IRQ);
		return;
	}
	preempt_count() += NMI_OFFSET;
	barrier();
	shim_irqs[STEP_IRQ].fn(STEP_IRQ);
	barrier();
	preempt_count() -= NMI_OFFSET;
}

#ifdef __x86_64__
#define TRAP_FLAG 0x100UL

static void on_trap(int sig, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	/* One that had to wait is stepped through, too. */
	if (in_hardirq())
		return;
	stepper.nr++;
	if (stepper.nr >= stepper.at &&
	    (stepper.nr - stepper.at) % stepper.every == 0)
		step_raise();
	/* It will not come again: the rest need not be stepped through. */
	if (stepper.nr >= stepper.at && stepper.every == ULONG_MAX)
		((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &=
			~TRAP_FLAG;
	errno = saved_errno;
}

static __always_inline void step_begin(void)
{
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() |
				       TRAP_FLAG);
}

static __always_inline void step_end(void)
{
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() &
				       ~TRAP_FLAG);
}

static void stepper_init(struct kunit *test)
{
	struct sigaction action = {
		.sa_sigaction = on_trap,
		.sa_flags = SA_SIGINFO,
	};

	KUNIT_ASSERT_EQ(test, sigaction(SIGTRAP, &action, NULL), 0);
	stepper.nr = 0;
	stepper.at = ULONG_MAX;
	step_begin();
	barrier();
	step_end();
	if (!stepper.nr)
		kunit_skip(test, "the processor's trap flag does not trap");
}
#else
static void step_begin(void)
{
}

static void step_end(void)
{
}

static void stepper_init(struct kunit *test)
{
	kunit_skip(test, "single steps are for x86-64");
}
#endif

/* === What is interrupted === */

enum operation {
	OP_GET,
	OP_RELEASE,
	OP_PAIR,
	OP_RAW_PAIR,
};

/**
 * struct window - an operation, and the state of the pool that it meets
 * @name: what it is called
 * @op: what is interrupted
 * @nr_first: buffers that are got before
 * @nr_idle: of these, those released again
 * @nr_again: of those, the ones got once more
 * @max_idle: how many may be idle
 * @size: of the tier
 * @flags: of the pool
 * @every: how many instructions lie between two interrupts
 */
struct window {
	const char *name;
	enum operation op;
	unsigned int nr_first;
	unsigned int nr_idle;
	unsigned int nr_again;
	unsigned int max_idle;
	size_t size;
	unsigned int flags;
	unsigned int every;
};

/* More than a hit has, so that it is interrupted once. */
#define ONCE  1000
#define OFTEN 64

static const struct window windows[] = {
	{ "hit", OP_PAIR, 2, 2, 0, 16, FOUR_FIT, 0, ONCE },
	{ "hit, RCU", OP_PAIR, 2, 2, 0, 16, FOUR_FIT, BYTEPOOL_RCU, ONCE },
	{ "raw miss", OP_RAW_PAIR, 1, 1, 0, 16, FOUR_FIT, 0, OFTEN },
	{ "miss without a block", OP_PAIR, 0, 0, 0, 16, FOUR_FIT, 0, OFTEN },
	{ "exchange of magazines", OP_GET, 8, 8, 4, 16, FOUR_FIT, 0, OFTEN },
	{ "refill", OP_GET, 12, 12, 8, 16, FOUR_FIT, 0, OFTEN },
	{ "flush", OP_RELEASE, 9, 8, 0, 16, FOUR_FIT, 0, OFTEN },
	{ "exhausted bound", OP_RELEASE, 3, 2, 0, 2, FOUR_FIT, 0, OFTEN },
	{ "nearly exhausted bound", OP_RELEASE, 3, 2, 0, 3, FOUR_FIT, 0,
	  OFTEN },
	{ "miss with a spare handle", OP_GET, 4, 4, 2, 1, SMALL, 0, ONCE },
	{ "drop to a spare handle", OP_RELEASE, 5, 3, 0, 1, SMALL, 0, ONCE },
	{ "raw miss and drop", OP_RAW_PAIR, 2, 2, 0, 1, SMALL, 0, OFTEN },
};

/* What takes a lock, which an NMI may find held by its own thread. */
static const struct window nmi_windows[] = {
	{ "refill", OP_GET, 12, 12, 8, 16, FOUR_FIT, 0, OFTEN },
	{ "flush", OP_RELEASE, 9, 8, 0, 16, FOUR_FIT, 0, OFTEN },
	{ "exhausted bound", OP_RELEASE, 3, 2, 0, 2, FOUR_FIT, 0, OFTEN },
	{ "checked", OP_RAW_PAIR, 2, 1, 0, 16, 128, BYTEPOOL_CHECK, OFTEN },
};

enum interruption {
	IRQ_PAIR, /* gets and releases */
	IRQ_GET, /* gets, and the next one releases */
	IRQ_RELEASE, /* releases what it had before, and the next one gets */
	NR_INTERRUPTIONS,
};

/**
 * struct scene - a pool, the task that uses it, and the interrupt that does
 * @test: the case
 * @pool: the pool
 * @size: of its tier
 * @bufs: what the task has
 * @nr: how many of them
 * @kind: what the interrupt does
 * @buf: what the interrupt has
 * @raw: likewise
 * @nr_irqs: how often it has come
 * @overwritten: memory that was not as its owner had left it
 * @failed: gets that were
 */
struct scene {
	struct kunit *test;
	struct bytepool *pool;
	size_t size;
	struct bytepool_buf *bufs[MAX_HELD];
	unsigned int nr;
	enum interruption kind;
	struct bytepool_buf *buf;
	void *raw;
	unsigned int nr_irqs;
	unsigned int overwritten;
	unsigned int failed;
};

static struct scene *scene;

/* Memory is somebody's: whoever gets it must not find an owner's name there. */
static void own(struct scene *s, void *mem, unsigned long owner)
{
	if (mem)
		*(unsigned long *)mem = owner;
	else
		s->failed++;
}

static void disown(struct scene *s, void *mem, unsigned long owner)
{
	if (mem)
		s->overwritten += *(unsigned long *)mem != owner;
}

static void task_get(struct scene *s)
{
	struct bytepool_buf *buf =
		bytepool_get_buf(s->pool, s->size, GFP_ATOMIC);

	own(s, bytepool_buf_data(buf), s->nr);
	s->bufs[s->nr++] = buf;
}

static void task_release(struct scene *s)
{
	struct bytepool_buf *buf = s->bufs[--s->nr];

	disown(s, bytepool_buf_data(buf), s->nr);
	bytepool_buf_release(buf);
}

#define IRQ_BUF -1UL
#define IRQ_RAW -2UL

static void irq_get(struct scene *s)
{
	s->buf = bytepool_get_buf(s->pool, s->size, GFP_ATOMIC);
	own(s, bytepool_buf_data(s->buf), IRQ_BUF);
	s->raw = bytepool_get(s->pool, s->size, GFP_ATOMIC);
	own(s, s->raw, IRQ_RAW);
}

static void irq_release(struct scene *s)
{
	disown(s, bytepool_buf_data(s->buf), IRQ_BUF);
	bytepool_buf_release(s->buf);
	s->buf = NULL;
	disown(s, s->raw, IRQ_RAW);
	bytepool_put(s->pool, s->raw);
	s->raw = NULL;
}

static void interrupt(unsigned int irq)
{
	bool holds = scene->buf || scene->raw;

	scene->nr_irqs++;
	if (!holds)
		irq_get(scene);
	if (holds || scene->kind == IRQ_PAIR)
		irq_release(scene);
}

static void task_raw_pair(struct scene *s)
{
	void *mem = bytepool_get(s->pool, s->size, GFP_ATOMIC);

	own(s, mem, MAX_HELD);
	disown(s, mem, MAX_HELD);
	bytepool_put(s->pool, mem);
}

static void task_operate(struct scene *s, enum operation op)
{
	switch (op) {
	case OP_GET:
		task_get(s);
		break;
	case OP_RELEASE:
		task_release(s);
		break;
	case OP_PAIR:
		task_get(s);
		task_release(s);
		break;
	case OP_RAW_PAIR:
		task_raw_pair(s);
		break;
	}
}

/* === What has to be true === */

static void expect_bound(struct scene *s, const struct window *window)
{
	struct bytepool_tier_stats tier;

	bytepool_get_tier_stats(s->pool, 0, &tier);
	KUNIT_EXPECT_LE_MSG(s->test, tier.idle, window->max_idle,
			    "instruction %lu", stepper.at);
}

/* Everything is back: counted, to be found, and its share of the bound, too. */
static void expect_conserved(struct scene *s, const struct window *window)
{
	struct bytepool_tier_stats tier;
	struct bytepool_stats stats;
	size_t shrunk;

	bytepool_get_tier_stats(s->pool, 0, &tier);
	bytepool_get_stats(s->pool, &stats);
	KUNIT_EXPECT_EQ_MSG(s->test, tier.in_use, 0, "instruction %lu",
			    stepper.at);
	KUNIT_EXPECT_EQ(s->test, tier.get, tier.put);
	KUNIT_EXPECT_EQ(s->test, tier.get, tier.hit + tier.miss);
	KUNIT_EXPECT_EQ(s->test, stats.misuse, 0);
	KUNIT_EXPECT_EQ(s->test, stats.quarantined, 0);
	KUNIT_EXPECT_EQ(s->test, s->overwritten, 0);
	/* An NMI has no lock to wait for, nor slab. */
	if (!stepper.nmi)
		KUNIT_EXPECT_EQ(s->test, s->failed, 0);
	/* The trim may have come first. */
	shrunk = bytepool_shrink(s->pool);
	/* What rests in a checked pool is not idle, but goes back as well. */
	if (!(window->flags & BYTEPOOL_CHECK))
		KUNIT_EXPECT_LE_MSG(s->test, shrunk, tier.idle * s->size,
				    "instruction %lu", stepper.at);
	bytepool_get_tier_stats(s->pool, 0, &tier);
	KUNIT_EXPECT_EQ_MSG(s->test, tier.idle, 0, "instruction %lu",
			    stepper.at);
	KUNIT_EXPECT_EQ_MSG(s->test,
			    bytepool_prefill(s->pool, s->size, 2 * MAX_HELD,
					     GFP_KERNEL),
			    window->max_idle, "instruction %lu", stepper.at);
}

static struct bytepool *make_pool(struct kunit *test,
				  const struct window *window)
{
	const struct bytepool_config config = {
		.name = "window",
		.sizes = &window->size,
		.nr_sizes = 1,
		.flags = window->flags,
		.max_idle = window->max_idle * window->size,
	};
	struct bytepool *pool = bytepool_create(&config);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	return pool;
}

static void set_scene(struct scene *s, const struct window *window)
{
	unsigned int i;

	/* Before the others: these would take what they find idle. */
	if (s->kind == IRQ_RELEASE)
		irq_get(s);
	for (i = 0; i < window->nr_first; i++)
		task_get(s);
	for (i = 0; i < window->nr_idle; i++)
		task_release(s);
	for (i = 0; i < window->nr_again; i++)
		task_get(s);
}

/* Interrupts the operation. False if it is not so long. */
static bool interrupt_at(struct kunit *test, const struct window *window,
			 enum interruption kind, unsigned long at)
{
	struct scene s = { .test = test, .kind = kind, .size = window->size };

	s.pool = make_pool(test, window);
	scene = &s;
	set_scene(&s, window);
	shim_irqs[STEP_IRQ].fn = interrupt;
	stepper.nr = 0;
	stepper.at = at;
	stepper.every = window->every;
	step_begin();
	task_operate(&s, window->op);
	step_end();
	expect_bound(&s, window);
	while (s.nr)
		task_release(&s);
	irq_release(&s);
	expect_bound(&s, window);
	expect_conserved(&s, window);
	bytepool_destroy(s.pool);
	KUNIT_EXPECT_EQ(test, !!s.nr_irqs, stepper.nr >= at);
	return stepper.nr >= at;
}

static void window_desc(const struct window *window, char *desc)
{
	strscpy(desc, window->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(window, windows, window_desc);
KUNIT_ARRAY_PARAM(nmi, nmi_windows, window_desc);

static void step_through(struct kunit *test, bool nmi)
{
	const struct window *window = test->param_value;
	enum interruption kind;
	unsigned long at;

	stepper_init(test);
	stepper.nmi = nmi;
	for (kind = IRQ_PAIR; kind < NR_INTERRUPTIONS; kind++) {
		/* One failure tells enough of the windows after it. */
		for (at = 1; at <= window->every &&
			     READ_ONCE(test->status) == KUNIT_SUCCESS;
		     at++)
			if (!interrupt_at(test, window, kind, at))
				break;
		kunit_info(test, "%lu instructions", stepper.nr);
		/* Fewer would not be an operation. */
		KUNIT_EXPECT_GT(test, stepper.nr, 20);
	}
}

static void interrupt_after_every_instruction(struct kunit *test)
{
	step_through(test, false);
}

static void nmi_after_every_instruction(struct kunit *test)
{
	step_through(test, true);
}

/* === Waiting === */

/**
 * struct wait_window - a pool whose only buffer is out
 * @name: what it is called
 * @reserve: the buffer is the reserve's
 */
struct wait_window {
	const char *name;
	unsigned int reserve;
};

static const struct wait_window wait_windows[] = {
	{ "limit", 0 },
	{ "reserve", 1 },
};

static void wait_desc(const struct wait_window *window, char *desc)
{
	strscpy(desc, window->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(wait, wait_windows, wait_desc);

/* How long a thread waits, and until when at least, in jiffies. */
#define PATIENCE (HZ / 10)
static unsigned long deadline;

/* Whether the buffer came back in time, and before the thread had slept. */
static bool in_time;

static void release_irq(unsigned int irq)
{
	in_time = !READ_ONCE(shim_nr_sleeps) && time_before(jiffies, deadline);
	bytepool_buf_release(scene->buf);
	scene->buf = NULL;
}

static struct bytepool *make_pool_of_one(struct kunit *test,
					 const struct wait_window *window)
{
	static const size_t size = SMALL;
	const struct bytepool_config config = {
		.name = "window",
		.sizes = &size,
		.nr_sizes = 1,
		.limit = SMALL,
		.reserve = window->reserve,
	};
	struct bytepool *pool = bytepool_create(&config);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	return pool;
}

/* Waits for the buffer that the interrupt releases. Returns 0 or an error. */
static int wait_for_one(struct kunit *test, const struct wait_window *window,
			unsigned long at)
{
	struct scene s = { .test = test, .size = SMALL };
	struct bytepool_buf *buf;

	s.pool = make_pool_of_one(test, window);
	s.buf = bytepool_get_buf(s.pool, SMALL, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s.buf);
	scene = &s;
	shim_irqs[STEP_IRQ].fn = release_irq;
	stepper.nr = 0;
	stepper.at = at;
	stepper.every = ULONG_MAX;
	shim_nr_sleeps = 0;
	in_time = false;
	deadline = jiffies + PATIENCE;
	step_begin();
	buf = bytepool_get_buf_wait(s.pool, SMALL, GFP_KERNEL,
				    TASK_UNINTERRUPTIBLE, PATIENCE);
	step_end();
	if (!IS_ERR(buf))
		bytepool_buf_release(buf);
	/* It did not take so many. */
	bytepool_buf_release(s.buf);
	/* Nothing is left charged, or promised to somebody. */
	bytepool_buf_release(bytepool_get_buf_wait(s.pool, SMALL, GFP_KERNEL,
						   TASK_UNINTERRUPTIBLE, 0));
	bytepool_destroy(s.pool);
	return PTR_ERR_OR_ZERO(buf);
}

/* What comes back before the thread has slept is never missed. */
static void wait_is_told_at_every_instruction(struct kunit *test)
{
	const struct wait_window *window = test->param_value;
	unsigned long at, nr_in_time = 0;
	int ret;

	stepper_init(test);
	stepper.nmi = false;
	for (at = 1; READ_ONCE(test->status) == KUNIT_SUCCESS; at++) {
		ret = wait_for_one(test, window, at);
		if (at > stepper.nr)
			break;
		nr_in_time += in_time;
		if (ret)
			KUNIT_EXPECT_EQ(test, ret, -ETIMEDOUT);
		if (in_time)
			KUNIT_EXPECT_EQ_MSG(test, ret, 0, "instruction %lu",
					    at);
		/* It has slept long ago: nothing new is to be seen. */
		if (at > nr_in_time + 20)
			break;
	}
	kunit_info(test, "%lu instructions before it has slept", nr_in_time);
	KUNIT_EXPECT_GT(test, nr_in_time, 200);
}

static struct kunit_case window_cases[] = {
	KUNIT_CASE_PARAM(wait_is_told_at_every_instruction, wait_gen_params),
	KUNIT_CASE_PARAM(interrupt_after_every_instruction, window_gen_params),
	KUNIT_CASE_PARAM(nmi_after_every_instruction, nmi_gen_params),
	{}
};

static struct kunit_suite window_suite = {
	.name = "window",
	.test_cases = window_cases,
};

kunit_test_suites(&window_suite);
