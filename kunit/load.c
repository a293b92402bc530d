// SPDX-License-Identifier: GPL-2.0
/* bytepool test cases - pools under load */
#include <linux/irqflags.h>
#include <linux/sizes.h>

#include "cases.h"

/* === Drains === */

/**
 * struct shrunk - a pool that one CPU shrinks while the others use it
 * @pool: the pool
 * @finished: the others have
 */
struct shrunk {
	struct bytepool *pool;
	atomic_t finished;
};

static void use_or_shrink(struct bpt_crew *crew, unsigned int thread)
{
	struct shrunk *shrunk = crew->arg;
	struct bytepool_buf *bufs[4];
	unsigned int i;

	while (!thread && atomic_read(&shrunk->finished) < crew->nr - 1)
		bytepool_shrink(shrunk->pool);
	for (i = 0; thread && i < 2 * BPT_ROUNDS; i++) {
		if (bytepool_get_bufs(shrunk->pool, 3000, 4, bufs, GFP_KERNEL))
			continue;
		bpt_stamp_buf(bufs[3], thread);
		KUNIT_EXPECT_TRUE(crew->test, bpt_buf_stamped(bufs[3], thread));
		bytepool_release_bufs(4, bufs);
	}
	atomic_inc(&shrunk->finished);
}

static void shrink_while_others_get_and_release(struct kunit *test)
{
	struct shrunk shrunk = { .pool = bpt_pow2_pool(test, 0) };

	bpt_run(test, bpt_nr_threads(), use_or_shrink, &shrunk);
}

/* === Everything, at random === */

#define NR_SLOTS 32

/**
 * struct mixed - everything that a pool can do, done by several CPUs
 * @pool: the pool
 * @seed: of the random numbers
 * @exchange: buffers that pass from one thread to another
 */
struct mixed {
	struct bytepool *pool;
	u64 seed;
	struct bytepool_buf *exchange[8];
};

/**
 * struct mixer - one of those who do it
 * @mixed: what they do it with
 * @state: of the random numbers
 * @bufs: what he holds
 * @mem: what he holds
 */
struct mixer {
	struct mixed *mixed;
	u64 state;
	struct bytepool_buf *bufs[NR_SLOTS];
	void *mem[NR_SLOTS];
};

/* Beyond the largest tier, of 16 KiB, now and then. */
static size_t mix_len(struct mixer *mixer)
{
	return 1 +
	       bpt_random(&mixer->state, 64 << bpt_random(&mixer->state, 10));
}

static void mix_buf(struct mixer *mixer, gfp_t gfp)
{
	struct bytepool_buf **buf;

	buf = &mixer->bufs[bpt_random(&mixer->state, NR_SLOTS)];
	bytepool_buf_release(*buf);
	*buf = bytepool_get_buf(mixer->mixed->pool, mix_len(mixer), gfp);
}

static void mix_raw(struct mixer *mixer, gfp_t gfp)
{
	void **mem = &mixer->mem[bpt_random(&mixer->state, NR_SLOTS)];

	bytepool_put(mixer->mixed->pool, *mem);
	*mem = bytepool_get(mixer->mixed->pool, mix_len(mixer), gfp);
}

static void mix_bulk(struct mixer *mixer, gfp_t gfp)
{
	unsigned int nr = 1 + bpt_random(&mixer->state, NR_SLOTS);

	bytepool_release_bufs(nr, mixer->bufs);
	/* All entries are NULL if it fails. */
	if (bytepool_get_bufs(mixer->mixed->pool, mix_len(mixer), nr,
			      mixer->bufs, gfp))
		return;
	bytepool_buf_retain(mixer->bufs[0]);
	bytepool_buf_release(mixer->bufs[0]);
}

static void mix_view(struct mixer *mixer)
{
	struct bytepool_buf *buf;
	struct bytepool_view view, inner;

	buf = mixer->bufs[bpt_random(&mixer->state, NR_SLOTS)];
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
	buf = mixer->bufs[bpt_random(&mixer->state, NR_SLOTS)];
	if (buf)
		bytepool_buf_retain(buf);
	bytepool_buf_release(xchg(place, buf));
}

static void mix(struct mixer *mixer, gfp_t gfp)
{
	switch (bpt_random(&mixer->state, 8)) {
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
		bytepool_prefill(mixer->mixed->pool, mix_len(mixer), 2, gfp);
		break;
	}
}

static void mix_and_clean_up(struct bpt_crew *crew, unsigned int thread)
{
	struct mixed *mixed = crew->arg;
	struct mixer mixer = {
		.mixed = mixed,
		.state = mixed->seed + thread,
	};
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < 2 * BPT_ROUNDS; i++) {
		if (bpt_random(&mixer.state, 4)) {
			mix(&mixer, GFP_KERNEL);
		} else {
			local_irq_save(flags);
			mix(&mixer, GFP_ATOMIC);
			local_irq_restore(flags);
		}
		if (i % 256 == 255)
			bytepool_shrink(mixed->pool);
	}
	bytepool_release_bufs(NR_SLOTS, mixer.bufs);
	for (i = 0; i < NR_SLOTS; i++)
		bytepool_put(mixed->pool, mixer.mem[i]);
}

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

/* Whatever is done, once it is quiet all that was got was given back. */
static void everything_is_conserved(struct kunit *test)
{
	const unsigned int *flags = test->param_value;
	struct bytepool_config config = bpt_config();
	struct mixed mixed = { .seed = bpt_seed(test) };

	config.nr_sizes = 8;
	config.flags = *flags;
	config.priv_size = 32;
	config.max_idle = SZ_256K;
	config.limit = SZ_2M;
	mixed.pool = bpt_pool(test, &config);
	bpt_run(test, bpt_nr_threads(), mix_and_clean_up, &mixed);
	bytepool_release_bufs(ARRAY_SIZE(mixed.exchange), mixed.exchange);
	KUNIT_EXPECT_EQ(test, bpt_in_use(test, mixed.pool), 0);
	KUNIT_EXPECT_EQ(test, bpt_stats(mixed.pool).total_get,
			bpt_stats(mixed.pool).total_put);
	KUNIT_EXPECT_EQ(test, bpt_stats(mixed.pool).quarantined, 0);
	bytepool_shrink(mixed.pool);
}

static struct kunit_case load_cases[] = {
	KUNIT_CASE(shrink_while_others_get_and_release),
	KUNIT_CASE_PARAM(everything_is_conserved, mixed_gen_params),
	{}
};

struct kunit_suite bpt_load_suite = {
	.name = "bytepool_load",
	.init = bpt_init,
	.exit = bpt_exit,
	.test_cases = load_cases,
};
