// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool test cases - buffers whose memory is not the pool's
 */
#include <linux/completion.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "cases.h"

/**
 * struct memory - memory that is wrapped
 * @test: the case
 * @mem: the memory
 * @len: its length
 * @ended: how often its function was called
 * @done: completed by each call
 * @in_wrong_context: whether one was called where it must not sleep
 */
struct memory {
	struct kunit *test;
	void *mem;
	size_t len;
	unsigned int ended;
	struct completion done;
	bool in_wrong_context;
};

static void end_memory(void *mem, size_t len, void *arg)
{
	struct memory *memory = arg;

	KUNIT_EXPECT_PTR_EQ(memory->test, mem, memory->mem);
	KUNIT_EXPECT_EQ(memory->test, len, memory->len);
	memory->in_wrong_context |= in_interrupt() || irqs_disabled();
	memory->ended++;
	complete(&memory->done);
}

static void memory_init(struct memory *memory, struct kunit *test, void *mem,
			size_t len)
{
	*memory = (struct memory){
		.test = test,
		.mem = mem,
		.len = len,
	};
	init_completion(&memory->done);
}

static struct bytepool_buf *wrap(struct bytepool *pool, struct memory *memory)
{
	struct bytepool_buf *buf;

	buf = bytepool_wrap(pool, memory->mem, memory->len, end_memory, memory,
			    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(memory->test, buf);
	return buf;
}

static void expect_ended(struct memory *memory)
{
	wait_for_completion(&memory->done);
	KUNIT_EXPECT_EQ(memory->test, memory->ended, 1);
	KUNIT_EXPECT_FALSE(memory->test, memory->in_wrong_context);
}

static void expect_wrapped(struct kunit *test, void *mem, size_t len)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_stats before = bpt_stats(pool), stats;
	struct bytepool_view view;
	struct bytepool_buf *buf;
	struct memory memory;

	bpt_stamp(mem, len, 0x31);
	memory_init(&memory, test, mem, len);
	buf = wrap(pool, &memory);
	KUNIT_EXPECT_PTR_EQ(test, bytepool_buf_data(buf), mem);
	KUNIT_EXPECT_EQ(test, bytepool_buf_len(buf), len);
	KUNIT_EXPECT_EQ(test, bytepool_buf_capacity(buf), len);
	KUNIT_EXPECT_FALSE(test, bytepool_buf_is_contig(buf));
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, len + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, 1), 0);
	KUNIT_EXPECT_EQ(test, bytepool_buf_set_len(buf, len), 0);
	stats = bpt_stats(pool);
	KUNIT_EXPECT_EQ(test, stats.wrapped, 1);
	KUNIT_EXPECT_EQ(test, stats.total_get, before.total_get);
	KUNIT_EXPECT_EQ(test, stats.discarded, before.discarded);
	view = bytepool_buf_slice(buf, len / 2, len - len / 2);
	bytepool_buf_release(buf);
	KUNIT_EXPECT_EQ(test, memory.ended, 0);
	KUNIT_EXPECT_PTR_EQ(test, view.data, mem + len / 2);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(mem, len, 0x31));
	bytepool_view_release(&view);
	expect_ended(&memory);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(mem, len, 0x31));
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).wrapped, 0);
}

static void wrap_of_static_memory(struct kunit *test)
{
	static u8 mem[300];

	expect_wrapped(test, mem, sizeof(mem));
}

static void wrap_of_kmalloc_memory(struct kunit *test)
{
	u8 *mem = kmalloc(SZ_8K, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	expect_wrapped(test, mem, SZ_8K);
	kfree(mem);
}

static void wrap_of_vmalloc_memory(struct kunit *test)
{
	u8 *mem = vzalloc(SZ_1M + 5);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	expect_wrapped(test, mem, SZ_1M + 5);
	vfree(mem);
}

/* A pool clears, poisons and limits what is its own. */
static void wrapped_memory_is_never_written_to(struct kunit *test)
{
	struct bytepool_config config = bpt_config();
	struct bytepool_buf *buf;
	struct bytepool *pool;
	struct memory memory;
	unsigned int i;
	u8 mem[100];

	config.limit = 64;
	config.priv_size = 8;
	for (i = 0; i < 2; i++) {
		config.flags = BYTEPOOL_WIPE | BYTEPOOL_ZERO |
			       (i ? BYTEPOOL_CHECK : 0);
		pool = bpt_pool(test, &config);
		bpt_stamp(mem, sizeof(mem), 0x42);
		memory_init(&memory, test, mem, sizeof(mem));
		buf = wrap(pool, &memory);
		KUNIT_EXPECT_TRUE(test,
				  bpt_stamped(bytepool_buf_priv(buf), 8, 0));
		bytepool_buf_release(buf);
		expect_ended(&memory);
		KUNIT_EXPECT_TRUE(test, bpt_stamped(mem, sizeof(mem), 0x42));
		bpt_destroy(test, pool);
	}
}

static void wrap_of_nothing_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	u8 mem[8];

	KUNIT_EXPECT_NULL(test, bytepool_wrap(pool, NULL, 8, end_memory, NULL,
					      GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, bytepool_wrap(pool, mem, 0, end_memory, NULL,
					      GFP_KERNEL));
	KUNIT_EXPECT_NULL(test,
			  bytepool_wrap(pool, mem, 8, NULL, NULL, GFP_KERNEL));
	bpt_expect_misuse(test, pool, 3);
	KUNIT_EXPECT_EQ(test, bpt_stats(pool).wrapped, 0);
}

static void wrapped_released_twice_is_refused(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_buf *buf;
	struct memory memory;
	u8 mem[8];

	memory_init(&memory, test, mem, sizeof(mem));
	buf = wrap(pool, &memory);
	bytepool_buf_release(buf);
	bytepool_buf_release(buf);
	expect_ended(&memory);
	bpt_expect_misuse(test, pool, 1);
}

static void wrapped_released_with_interrupts_off(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	static struct memory memory[40];
	struct bytepool_buf *buf[40];
	unsigned long flags;
	unsigned int i;
	u8 mem[8];

	for (i = 0; i < ARRAY_SIZE(memory); i++) {
		memory_init(&memory[i], test, mem, sizeof(mem));
		buf[i] = wrap(pool, &memory[i]);
	}
	local_irq_save(flags);
	while (i)
		bytepool_buf_release(buf[--i]);
	local_irq_restore(flags);
	for (i = 0; i < ARRAY_SIZE(memory); i++)
		expect_ended(&memory[i]);
}

static void destroy_waits_for_wrapped_memory(struct kunit *test)
{
	struct bytepool *pool;
	struct memory memory;
	unsigned int i;
	u8 mem[8];

	for (i = 0; i < 50; i++) {
		pool = bpt_pow2_pool(test, 0);
		memory_init(&memory, test, mem, sizeof(mem));
		bytepool_buf_release(wrap(pool, &memory));
		bpt_destroy(test, pool);
		KUNIT_EXPECT_EQ(test, memory.ended, 1);
	}
}

/**
 * struct chain - memory whose end releases another buffer
 * @next: the other buffer
 * @ended: its function was called
 */
struct chain {
	struct bytepool_buf *next;
	unsigned int ended;
};

static void end_chain(void *mem, size_t len, void *arg)
{
	struct chain *chain = arg;

	chain->ended++;
	bytepool_buf_release(chain->next);
}

/*
 * Once it was a matter of luck whether the second was ended, and then whether
 * those behind it were.
 */
static void destroy_waits_for_a_chain(struct kunit *test)
{
	struct chain chain[16];
	struct bytepool *pool;
	unsigned int i, j;
	u8 mem[8];

	for (i = 0; i < 50; i++) {
		pool = bpt_pow2_pool(test, 0);
		memset(chain, 0, sizeof(chain));
		for (j = 1; j < ARRAY_SIZE(chain); j++)
			chain[j - 1].next =
				bytepool_wrap(pool, mem, sizeof(mem), end_chain,
					      &chain[j], GFP_KERNEL);
		KUNIT_EXPECT_NOT_NULL(test, chain[0].next);
		KUNIT_EXPECT_NOT_NULL(test, chain[1].next);
		bytepool_buf_release(bytepool_wrap(pool, mem, sizeof(mem),
						   end_chain, &chain[0],
						   GFP_KERNEL));
		bpt_destroy(test, pool);
		for (j = 0; j < ARRAY_SIZE(chain); j++)
			KUNIT_EXPECT_EQ(test, chain[j].ended, 1);
	}
}

static void wrapped_out_at_destroy_stays_the_callers(struct kunit *test)
{
	struct bytepool *pool = bpt_pow2_pool(test, 0);
	struct bytepool_config config = bpt_config();
	struct bytepool_view view;
	struct bytepool_buf *buf;
	struct memory memory;
	u8 mem[100];

	bpt_stamp(mem, sizeof(mem), 0x53);
	memory_init(&memory, test, mem, sizeof(mem));
	buf = wrap(pool, &memory);
	bpt_destroy(test, pool);
	view = bytepool_buf_bytes(buf);
	bytepool_buf_release(buf);
	KUNIT_EXPECT_TRUE(test, bpt_stamped(view.data, view.len, 0x53));
	bytepool_view_release(&view);
	/* Its name is free, and nothing is left: the module can go. */
	bpt_pool(test, &config);
	KUNIT_EXPECT_EQ(test, memory.ended, 0);
}

static struct kunit_case wrap_cases[] = {
	KUNIT_CASE(wrap_of_static_memory),
	KUNIT_CASE(wrap_of_kmalloc_memory),
	KUNIT_CASE(wrap_of_vmalloc_memory),
	KUNIT_CASE(wrapped_memory_is_never_written_to),
	KUNIT_CASE(wrap_of_nothing_is_refused),
	KUNIT_CASE(wrapped_released_twice_is_refused),
	KUNIT_CASE(wrapped_released_with_interrupts_off),
	KUNIT_CASE(destroy_waits_for_wrapped_memory),
	KUNIT_CASE(destroy_waits_for_a_chain),
	KUNIT_CASE(wrapped_out_at_destroy_stays_the_callers),
	{}
};

struct kunit_suite bpt_wrap_suite = {
	.name = "bytepool_wrap",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = wrap_cases,
};
