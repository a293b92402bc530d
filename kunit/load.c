// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool test cases - pools under load: everything at random on all CPUs,
 * while somebody drains them, while CPUs go and come, and for long
 */
#include <linux/cpu.h>
#include <linux/irqflags.h>
#include <linux/moduleparam.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/smp.h>

#include "cases.h"

/* Kernels that check everything take ten times as long for each, or more. */
static unsigned int operations = IS_ENABLED(CONFIG_PROVE_LOCKING) ? 50 : 1000;
module_param(operations, uint, 0444);
MODULE_PARM_DESC(operations, "Thousands of gets and puts of the long run");

/* === Typed objects === */

/**
 * struct item - an object of a typed pool
 * @owner: who has it; NULL while nobody has
 */
struct item {
	const void *owner;
};

DEFINE_BYTEPOOL_OBJECTS(item, struct item);

/* What the functions below have seen: they get nothing but the object. */
static atomic_t items_made;
static atomic_t items_finished;

static int item_init(struct item *item, gfp_t gfp)
{
	item->owner = NULL;
	atomic_inc(&items_made);
	return 0;
}

static void item_fini(struct item *item)
{
	atomic_inc(&items_finished);
}

/* === Everything, at random === */

#define NR_SLOTS 32

/**
 * struct mixed - everything that pools can do, done by several CPUs
 * @pool: the pool
 * @items: a typed pool
 * @seed: of the random numbers
 * @puts: it goes on until there have been so many
 * @busy: it goes on as long as this is set
 * @overwritten: memory that was not as its owner had left it
 * @exchange: buffers that pass from one thread to another
 */
struct mixed {
	struct bytepool *pool;
	struct item_pool *items;
	u64 seed;
	u64 puts;
	bool busy;
	atomic_t overwritten;
	struct bytepool_buf *exchange[8];
};

/**
 * struct mixer - one of those who do it
 * @mixed: what they do it with
 * @state: of the random numbers
 * @bufs: what he holds
 * @mem: what he holds
 * @items: what he holds
 */
struct mixer {
	struct mixed *mixed;
	u64 state;
	struct bytepool_buf *bufs[NR_SLOTS];
	void *mem[NR_SLOTS];
	struct item *items[NR_SLOTS];
};

/* Who has memory notes there where he keeps it, and finds that again. */
static void mark(void *mem, const void *owner)
{
	if (mem)
		*(const void **)mem = owner;
}

static void expect_mark(struct mixer *mixer, void *mem, const void *owner)
{
	if (mem && *(const void **)mem != owner)
		atomic_inc(&mixer->mixed->overwritten);
}

static u32 any_slot(struct mixer *mixer)
{
	return bpt_random(&mixer->state, NR_SLOTS);
}

/* Room for a mark; beyond the largest tier, of 16 KiB, now and then. */
static size_t mix_len(struct mixer *mixer)
{
	return sizeof(void *) +
	       bpt_random(&mixer->state, 64 << bpt_random(&mixer->state, 10));
}

static void release_buf(struct mixer *mixer, struct bytepool_buf **buf)
{
	expect_mark(mixer, bytepool_buf_data(*buf), buf);
	bytepool_buf_release(*buf);
	*buf = NULL;
}

static void mix_buf(struct mixer *mixer, gfp_t gfp)
{
	struct bytepool_buf **buf = &mixer->bufs[any_slot(mixer)];

	release_buf(mixer, buf);
	*buf = bytepool_get_buf(mixer->mixed->pool, mix_len(mixer), gfp);
	mark(bytepool_buf_data(*buf), buf);
}

static void put_mem(struct mixer *mixer, void **mem)
{
	expect_mark(mixer, *mem, mem);
	bytepool_put(mixer->mixed->pool, *mem);
	*mem = NULL;
}

static void mix_raw(struct mixer *mixer, gfp_t gfp)
{
	void **mem = &mixer->mem[any_slot(mixer)];

	put_mem(mixer, mem);
	*mem = bytepool_get(mixer->mixed->pool, mix_len(mixer), gfp);
	mark(*mem, mem);
}

static void put_item(struct mixer *mixer, struct item **item)
{
	if (!*item)
		return;
	expect_mark(mixer, &(*item)->owner, item);
	mark(&(*item)->owner, NULL);
	item_pool_put(mixer->mixed->items, *item);
	*item = NULL;
}

static void mix_item(struct mixer *mixer, gfp_t gfp)
{
	struct item **item = &mixer->items[any_slot(mixer)];

	put_item(mixer, item);
	*item = item_pool_get(mixer->mixed->items, gfp);
	if (!*item)
		return;
	expect_mark(mixer, &(*item)->owner, NULL);
	mark(&(*item)->owner, item);
}

static void mix_bulk(struct mixer *mixer, gfp_t gfp)
{
	unsigned int nr = 1 + any_slot(mixer), i;

	for (i = 0; i < nr; i++)
		expect_mark(mixer, bytepool_buf_data(mixer->bufs[i]),
			    &mixer->bufs[i]);
	bytepool_release_bufs(nr, mixer->bufs);
	/* All entries are NULL if it fails. */
	if (bytepool_get_bufs(mixer->mixed->pool, mix_len(mixer), nr,
			      mixer->bufs, gfp))
		return;
	for (i = 0; i < nr; i++)
		mark(bytepool_buf_data(mixer->bufs[i]), &mixer->bufs[i]);
	bytepool_buf_retain(mixer->bufs[0]);
	bytepool_buf_release(mixer->bufs[0]);
}

static void mix_view(struct mixer *mixer)
{
	struct bytepool_buf *buf = mixer->bufs[any_slot(mixer)];
	struct bytepool_view view, inner;

	if (!buf)
		return;
	view = bytepool_buf_slice(buf, bytepool_buf_len(buf) / 2, 1);
	inner = bytepool_view_slice(&view, 0, 0);
	bytepool_view_release(&view);
	bytepool_view_release(&inner);
}

/* Gives one reference to whoever comes next, and releases another's. */
static void mix_exchange(struct mixer *mixer)
{
	struct bytepool_buf **place, *buf;

	place = &mixer->mixed->exchange[bpt_random(&mixer->state, 8)];
	buf = mixer->bufs[any_slot(mixer)];
	if (buf)
		bytepool_buf_retain(buf);
	bytepool_buf_release(xchg(place, buf));
}

static void mix(struct mixer *mixer, gfp_t gfp)
{
	switch (bpt_random(&mixer->state, 9)) {
	case 0:
	case 1:
		mix_buf(mixer, gfp);
		break;
	case 2:
	case 3:
		mix_raw(mixer, gfp);
		break;
	case 4:
		mix_bulk(mixer, gfp);
		break;
	case 5:
		mix_view(mixer);
		break;
	case 6:
		mix_exchange(mixer);
		break;
	case 7:
		mix_item(mixer, gfp);
		break;
	case 8:
		bytepool_prefill(mixer->mixed->pool, mix_len(mixer), 2, gfp);
		break;
	}
}

static void mix_somewhere(struct mixer *mixer)
{
	unsigned long flags;

	if (bpt_random(&mixer->state, 4)) {
		mix(mixer, GFP_KERNEL);
		return;
	}
	local_irq_save(flags);
	mix(mixer, GFP_ATOMIC);
	local_irq_restore(flags);
}

static u64 nr_puts(const struct mixed *mixed)
{
	return bpt_stats(mixed->pool).total_put;
}

static void mix_and_clean_up(struct bpt_crew *crew, unsigned int thread)
{
	struct mixed *mixed = crew->arg;
	struct mixer mixer = {
		.mixed = mixed,
		.state = mixed->seed + thread,
	};
	unsigned int i;

	do {
		for (i = 0; i < 64; i++) {
			mix_somewhere(&mixer);
			cond_resched();
		}
		bpt_go_home(crew, thread);
	} while (READ_ONCE(mixed->busy) || nr_puts(mixed) < mixed->puts);
	for (i = 0; i < NR_SLOTS; i++) {
		release_buf(&mixer, &mixer.bufs[i]);
		put_mem(&mixer, &mixer.mem[i]);
		put_item(&mixer, &mixer.items[i]);
	}
}

/* Waits for so many more puts: whatever is next comes in the middle of them. */
static void mix_on(struct mixed *mixed, u64 puts)
{
	puts += nr_puts(mixed);
	while (nr_puts(mixed) < puts) {
		cpu_relax();
		cond_resched();
	}
}

static void mixed_init(struct kunit *test, struct mixed *mixed,
		       const struct bytepool_config *config)
{
	atomic_set(&items_made, 0);
	atomic_set(&items_finished, 0);
	mixed->seed = bpt_seed(test);
	mixed->pool = bpt_pool(test, config);
	mixed->items = item_pool_create("kunit-items", item_init, item_fini);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mixed->items);
}

static struct bytepool_config mixed_config(unsigned int flags)
{
	struct bytepool_config config = bpt_config();

	config.nr_sizes = 8;
	config.flags = flags;
	config.priv_size = 32;
	config.max_idle = SZ_256K;
	return config;
}

/* When they have stopped: nothing was lost, and nothing had two owners. */
static void expect_conserved(struct kunit *test, struct mixed *mixed,
			     const struct bytepool_config *config)
{
	bool recycles = bpt_recycles(test, config->flags);

	bytepool_release_bufs(ARRAY_SIZE(mixed->exchange), mixed->exchange);
	memset(mixed->exchange, 0, sizeof(mixed->exchange));
	KUNIT_EXPECT_EQ(test, atomic_read(&mixed->overwritten), 0);
	KUNIT_EXPECT_EQ(test, bpt_stats(mixed->pool).quarantined, 0);
	bpt_expect_whole(test, mixed->pool, config->max_idle, recycles);
}

static void mixed_exit(struct kunit *test, struct mixed *mixed)
{
	item_pool_destroy(mixed->items);
	KUNIT_EXPECT_GT(test, atomic_read(&items_made), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&items_made),
			atomic_read(&items_finished));
}

/* === Drains === */

#define NR_DRAINS 10

static const unsigned int mixed_flags[] = {
	0,
	BYTEPOOL_RCU | BYTEPOOL_ZERO,
	BYTEPOOL_CHECK,
};

static void mixed_desc(const unsigned int *flags, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "flags %#x", *flags);
}

KUNIT_ARRAY_PARAM(mixed, mixed_flags, mixed_desc);

/* All of a limit can be had again. */
static void expect_limit_whole(struct kunit *test, struct bytepool *pool,
			       size_t limit)
{
	struct bytepool_buf *bufs[32];
	unsigned int nr = ARRAY_SIZE(bufs);

	bpt_get_bufs(test, pool, limit / nr, nr, bufs);
	KUNIT_EXPECT_NULL(test, bytepool_get(pool, 1, GFP_KERNEL));
	bytepool_release_bufs(nr, bufs);
}

/* While all CPUs do everything, their idle memory is taken away from them. */
static void everything_is_conserved_under_drains(struct kunit *test)
{
	const unsigned int *flags = test->param_value;
	struct bytepool_config config = mixed_config(*flags);
	struct mixed mixed = { .busy = true, .puts = 4 * BPT_ROUNDS };
	struct bpt_crew crew;
	size_t drained = 0;
	unsigned int i;

	config.limit = SZ_512K;
	mixed_init(test, &mixed, &config);
	bpt_start(test, &crew, bpt_nr_threads(), mix_and_clean_up, &mixed);
	mix_on(&mixed, 1);
	for (i = 0; i < NR_DRAINS || nr_puts(&mixed) < mixed.puts; i++)
		drained += bytepool_shrink(mixed.pool);
	WRITE_ONCE(mixed.busy, false);
	bpt_wait(&crew);
	expect_conserved(test, &mixed, &config);
	mixed_exit(test, &mixed);
	if (bpt_recycles(test, *flags))
		KUNIT_EXPECT_GT(test, drained, 0);
	expect_limit_whole(test, mixed.pool, config.limit);
}

/* === CPUs that go offline === */

#define NR_LEAVES 6

/* In one tier, of buffers and of raw memory: less than two magazines hold. */
#define NR_LEFT	  100
#define LEFT_SIZE SZ_4K

/**
 * struct leaver - what a CPU leaves idle before it goes offline
 * @pool: the pool
 * @cpu: which CPU
 * @idle: what its tier had idle then
 * @bufs: buffers
 * @mem: raw memory
 */
struct leaver {
	struct bytepool *pool;
	unsigned int cpu;
	u64 idle;
	struct bytepool_buf *bufs[NR_LEFT];
	void *mem[NR_LEFT];
};

static void leave_idle(struct bpt_crew *crew, unsigned int thread)
{
	struct leaver *leaver = crew->arg;
	unsigned int i;
	int ret;

	leaver->cpu = raw_smp_processor_id();
	ret = bytepool_get_bufs(leaver->pool, LEFT_SIZE, NR_LEFT, leaver->bufs,
				GFP_KERNEL);
	KUNIT_EXPECT_EQ(crew->test, ret, 0);
	for (i = 0; i < NR_LEFT; i++) {
		leaver->mem[i] =
			bytepool_get(leaver->pool, LEFT_SIZE, GFP_KERNEL);
		KUNIT_EXPECT_NOT_NULL(crew->test, leaver->mem[i]);
	}
	bytepool_release_bufs(NR_LEFT, leaver->bufs);
	for (i = 0; i < NR_LEFT; i++)
		bytepool_put(leaver->pool, leaver->mem[i]);
	leaver->idle = bpt_tier(crew->test, leaver->pool, 5).idle;
}

static struct leaver *new_leaver(struct kunit *test, struct bytepool *pool)
{
	struct leaver *leaver;

	leaver = kunit_kzalloc(test, sizeof(*leaver), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, leaver);
	leaver->pool = pool;
	/* This CPU stays: the first, which often cannot go. */
	set_cpus_allowed_ptr(current, cpumask_of(0));
	return leaver;
}

/* In userspace a CPU is a thread, and has gone offline as that ended. */
static void leave_and_go_offline(struct kunit *test, struct leaver *leaver)
{
	bpt_run(test, 1, leave_idle, leaver);
	KUNIT_EXPECT_EQ(test, remove_cpu(leaver->cpu), 0);
}

static void come_online(struct kunit *test, struct leaver *leaver)
{
	KUNIT_EXPECT_EQ(test, add_cpu(leaver->cpu), 0);
}

static void cpu_goes_offline_with_full_magazines(struct kunit *test)
{
	struct bytepool_config config = mixed_config(0);
	bool recycles = bpt_recycles(test, 0);
	struct leaver *leaver;
	unsigned int i;

	config.max_idle = SZ_2M;
	leaver = new_leaver(test, bpt_pool(test, &config));
	for (i = 0; i < NR_LEAVES; i++) {
		leave_and_go_offline(test, leaver);
		KUNIT_EXPECT_EQ(test, leaver->idle, recycles ? 2 * NR_LEFT : 0);
		KUNIT_EXPECT_EQ(test, bpt_tier(test, leaver->pool, 5).idle, 0);
		bpt_expect_whole(test, leaver->pool, config.max_idle, recycles);
		come_online(test, leaver);
	}
}

static void cpus_go_offline_under_load(struct kunit *test)
{
	struct bytepool_config config = mixed_config(0);
	struct mixed mixed = {};
	struct leaver *leaver;
	struct bpt_crew crew;
	unsigned int i;

	config.max_idle = SZ_2M;
	mixed_init(test, &mixed, &config);
	leaver = new_leaver(test, mixed.pool);
	for (i = 0; i < NR_LEAVES; i++) {
		WRITE_ONCE(mixed.busy, true);
		bpt_start(test, &crew, bpt_nr_threads(), mix_and_clean_up,
			  &mixed);
		mix_on(&mixed, BPT_ROUNDS);
		leave_and_go_offline(test, leaver);
		mix_on(&mixed, BPT_ROUNDS);
		/* Every other time they end with a CPU less. */
		if (i % 2) {
			come_online(test, leaver);
			mix_on(&mixed, BPT_ROUNDS);
		}
		WRITE_ONCE(mixed.busy, false);
		bpt_wait(&crew);
		expect_conserved(test, &mixed, &config);
		if (i % 2 == 0)
			come_online(test, leaver);
	}
	mixed_exit(test, &mixed);
}

/* === For long === */

static void operations_are_conserved(struct kunit *test)
{
	struct bytepool_config config = mixed_config(0);
	struct mixed mixed = { .puts = operations * 1000ULL / 2 };
	struct bytepool_stats stats;

	config.max_idle = SZ_8M;
	mixed_init(test, &mixed, &config);
	bpt_run(test, 2, mix_and_clean_up, &mixed);
	expect_conserved(test, &mixed, &config);
	mixed_exit(test, &mixed);
	stats = bpt_stats(mixed.pool);
	KUNIT_EXPECT_GE(test, stats.total_get + stats.total_put,
			operations * 1000ULL);
}

/* The first two are for kernels in which CPUs can go offline. */
static struct kunit_case load_cases[] = {
	KUNIT_CASE(cpu_goes_offline_with_full_magazines),
	KUNIT_CASE(cpus_go_offline_under_load),
	KUNIT_CASE_PARAM(everything_is_conserved_under_drains,
			 mixed_gen_params),
	KUNIT_CASE(operations_are_conserved),
	{}
};

struct kunit_suite bpt_load_suite = {
	.name = "bytepool_load",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = &load_cases[IS_ENABLED(CONFIG_HOTPLUG_CPU) ? 0 : 2],
};
