// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - counters summed up, and the lengths served last
 *
 * Counters are per CPU and written without a lock; a sum is exact when the
 * pool is quiet. Puts are summed before gets: under load a reading is late,
 * never negative.
 */
#include <linux/cpumask.h>
#include <linux/instruction_pointer.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "internal.h"

/* === Classes === */

static void sum_block(struct cpu_block *block, unsigned int class, bool puts,
		      struct class_sum *sum)
{
	struct cpu_class *cc = &block->class[class];
	u64 hit, miss, requested, kept, dropped;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&block->sync);
		hit = u64_stats_read(&cc->hit);
		miss = u64_stats_read(&cc->cold->miss);
		requested = u64_stats_read(&cc->requested);
		kept = u64_stats_read(&cc->kept);
		dropped = u64_stats_read(&cc->cold->dropped);
	} while (u64_stats_fetch_retry(&block->sync, start));

	if (puts) {
		sum->kept += kept;
		sum->dropped += dropped;
	} else {
		sum->hit += hit;
		sum->miss += miss;
		sum->requested += requested;
	}
}

static void sum_cpus(struct objpool *op, unsigned int class, bool puts,
		     struct class_sum *sum)
{
	struct cpu_block *home;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		/* Pairs with the cmpxchg() in make_block(). */
		home = smp_load_acquire(&per_cpu_ptr(op->cpu, cpu)->home);
		if (home)
			sum_block(home, class, puts, sum);
	}
}

/**
 * objpool_sum() - sum a class's counters over the CPUs
 * @op: the object pool
 * @class: which class
 * @sum: filled in
 *
 * Puts are summed before gets, so that under load a sum is late, but no put
 * is seen without its get.
 */
void objpool_sum(struct objpool *op, unsigned int class, struct class_sum *sum)
{
	struct class_counts *counts;

	memset(sum, 0, sizeof(*sum));
	if (!objpool_started(op))
		return;
	counts = counts_of(op, class);
	sum->quarantined = atomic64_read(&counts->quarantined);
	sum->drained = atomic64_read(&counts->drained);
	sum->kept = atomic64_read(&counts->kept);
	sum->dropped = atomic64_read(&counts->dropped);
	sum_cpus(op, class, true, sum);
	/* A put's get was counted before, by whatever CPU. */
	smp_rmb();
	sum->hit = atomic64_read(&counts->hit);
	sum->miss = atomic64_read(&counts->miss);
	sum->requested = atomic64_read(&counts->requested);
	sum->filled = atomic64_read(&counts->filled);
	sum->fail = atomic64_read(&counts->fail);
	sum_cpus(op, class, false, sum);
}

u64 sum_idle(const struct class_sum *sum)
{
	u64 in = sum->kept + sum->filled, out = sum->hit + sum->drained;

	return in > out ? in - out : 0;
}

u64 sum_in_use(const struct class_sum *sum)
{
	u64 get = sum->hit + sum->miss;
	u64 back = sum->kept + sum->dropped + sum->quarantined;

	return get > back ? get - back : 0;
}

/**
 * objpool_idle_bytes() - how much idle memory there is
 * @op: the object pool
 *
 * Return: bytes; under load, more or less.
 */
size_t objpool_idle_bytes(struct objpool *op)
{
	struct class_sum sum;
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < op->nr_classes; i++) {
		if (!op->class[i].size)
			continue;
		objpool_sum(op, i, &sum);
		bytes += sum_idle(&sum) * op->class[i].size;
	}
	return bytes;
}

/* === Pools === */

static void tier_sum(struct bytepool *pool, unsigned int tier,
		     struct bytepool_tier_stats *stats, u64 *quarantined)
{
	struct class_sum buf, raw;

	objpool_sum(&pool->objects, class_buf(tier), &buf);
	objpool_sum(&pool->objects, class_raw(tier), &raw);
	stats->size = pool->tier[tier].size;
	stats->hit = buf.hit + raw.hit;
	stats->miss = buf.miss + raw.miss;
	stats->get = stats->hit + stats->miss;
	stats->put = buf.kept + buf.dropped + raw.kept + raw.dropped;
	stats->in_use = sum_in_use(&buf) + sum_in_use(&raw);
	stats->idle = sum_idle(&buf) + sum_idle(&raw);
	stats->fail = buf.fail + raw.fail;
	stats->requested = buf.requested + raw.requested;
	*quarantined = buf.quarantined + raw.quarantined;
}

/**
 * __bytepool_get_stats() - a pool's counts; call it as bytepool_get_stats()
 * @pool: the pool
 * @stats: filled in
 * @stats_size: size of the caller's struct bytepool_stats, in bytes; what
 *	this version does not know is set to 0
 *
 * Context: any but NMI; on 32-bit machines process context.
 */
void __bytepool_get_stats(struct bytepool *pool, struct bytepool_stats *stats,
			  size_t stats_size)
{
	struct bytepool_stats sum = {};
	struct bytepool_tier_stats tier;
	u64 quarantined;
	unsigned int i;

	if (!stats)
		return;
	memset(stats, 0, stats_size);
	if (!pool_usable(pool, _RET_IP_))
		return;
	for (i = 0; i < pool->nr_tiers; i++) {
		tier_sum(pool, i, &tier, &quarantined);
		sum.total_get += tier.get;
		sum.total_put += tier.put;
		sum.fail += tier.fail;
		sum.quarantined += quarantined;
	}
	sum.discarded = atomic64_read(&pool->discarded);
	sum.oversize_in_use = atomic64_read(&pool->oversize);
	sum.oversize_bytes = atomic64_read(&pool->oversize_bytes);
	sum.fail += atomic64_read(&pool->fail);
	sum.misuse = atomic64_read(&pool->misuse);
	sum.nr_tiers = pool->nr_tiers;
	memcpy(stats, &sum, min(stats_size, sizeof(sum)));
}
EXPORT_SYMBOL_GPL(__bytepool_get_stats);

/**
 * __bytepool_get_tier_stats() - a tier's counts; call it as
 * bytepool_get_tier_stats()
 * @pool: the pool
 * @tier: which tier, from 0
 * @stats: filled in
 * @stats_size: size of the caller's struct bytepool_tier_stats, in bytes
 *
 * Context: any but NMI; on 32-bit machines process context.
 * Return: 0; -EINVAL if there is no such tier.
 */
int __bytepool_get_tier_stats(struct bytepool *pool, unsigned int tier,
			      struct bytepool_tier_stats *stats,
			      size_t stats_size)
{
	struct bytepool_tier_stats sum = {};
	u64 quarantined;

	if (!stats)
		return -EINVAL;
	memset(stats, 0, stats_size);
	if (!pool_usable(pool, _RET_IP_) || tier >= pool->nr_tiers)
		return -EINVAL;
	tier_sum(pool, tier, &sum, &quarantined);
	memcpy(stats, &sum, min(stats_size, sizeof(sum)));
	return 0;
}
EXPORT_SYMBOL_GPL(__bytepool_get_tier_stats);

/**
 * bytepool_discarded() - how many gets were larger than the largest tier
 * @pool: the pool
 *
 * Context: any but NMI.
 * Return: the count: served, never pooled.
 */
u64 bytepool_discarded(struct bytepool *pool)
{
	if (!pool_usable(pool, _RET_IP_))
		return 0;
	return atomic64_read(&pool->discarded);
}
EXPORT_SYMBOL_GPL(bytepool_discarded);

/**
 * bytepool_sizes() - a pool's tier sizes
 * @pool: the pool
 * @sizes: where they go, in bytes, ascending; may be NULL if @nr is 0
 * @nr: for how many there is room
 *
 * Context: any but NMI.
 * Return: how many tiers there are.
 */
unsigned int bytepool_sizes(struct bytepool *pool, size_t *sizes,
			    unsigned int nr)
{
	unsigned int i;

	if (!pool_usable(pool, _RET_IP_))
		return 0;
	for (i = 0; sizes && i < min(nr, pool->nr_tiers); i++)
		sizes[i] = pool->tier[i].size;
	return pool->nr_tiers;
}
EXPORT_SYMBOL_GPL(bytepool_sizes);

/**
 * struct recent_ring - a reader's way back through one ring of lengths
 * @slot: the ring
 * @pos: position of the newest one not yet taken
 * @left: how many there are to take
 */
struct recent_ring {
	const struct recent_length *slot;
	unsigned int pos;
	unsigned int left;
};

static void ring_open(struct recent_ring *ring,
		      const struct recent_length *slot, unsigned int next)
{
	ring->slot = slot;
	ring->pos = next - 1;
	ring->left = slot ? RECENT_LENGTHS : 0;
}

static void ring_skip(struct recent_ring *ring)
{
	ring->pos--;
	ring->left--;
}

/* The newest entry of one ring, moving past places not yet written. */
static bool ring_newest(struct recent_ring *ring, struct recent_length *entry)
{
	const struct recent_length *slot;

	for (; ring->left; ring_skip(ring)) {
		slot = &ring->slot[ring->pos % RECENT_LENGTHS];
		entry->len = READ_ONCE(slot->len);
		entry->when = READ_ONCE(slot->when);
		if (entry->len)
			return true;
	}
	return false;
}

static unsigned int merge_rings(struct recent_ring *rings,
				unsigned int nr_rings, size_t *lens,
				unsigned int nr)
{
	unsigned int i, best, taken;
	struct recent_length entry, newest;

	for (taken = 0; taken < nr; taken++) {
		best = nr_rings;
		for (i = 0; i < nr_rings; i++) {
			if (!ring_newest(&rings[i], &entry))
				continue;
			if (best == nr_rings ||
			    (s32)(entry.when - newest.when) > 0) {
				best = i;
				newest = entry;
			}
		}
		if (best == nr_rings)
			break;
		/* From the end, since the newest comes last. */
		lens[nr - 1 - taken] = newest.len;
		ring_skip(&rings[best]);
	}
	if (taken < nr)
		memmove(lens, lens + nr - taken, taken * sizeof(*lens));
	return taken;
}

/**
 * bytepool_recent_lengths() - the lengths served last
 * @pool: the pool
 * @lens: where they go, in bytes, oldest first
 * @nr: how many are wanted, of the last %BYTEPOOL_RECENT
 *
 * In order as one CPU served them; those of several CPUs are merged by coarse
 * time. Lengths larger than the largest tier are among them.
 *
 * Context: any but NMI; on PREEMPT_RT only where spinlocks may be taken.
 * Return: how many were written: 0 without memory for the merge.
 */
unsigned int bytepool_recent_lengths(struct bytepool *pool, size_t *lens,
				     unsigned int nr)
{
	struct objpool *op;
	struct recent_ring *rings;
	unsigned int cpu, n = 0;

	if (!pool_usable(pool, _RET_IP_) || !lens)
		return 0;
	op = &pool->objects;
	rings = kcalloc(nr_cpu_ids + 1, sizeof(*rings),
			GFP_ATOMIC | __GFP_NOWARN);
	if (!rings)
		return 0;
	for_each_possible_cpu(cpu) {
		struct cpu_pool *cp = per_cpu_ptr(op->cpu, cpu);
		/* Pairs with the cmpxchg() in make_block(). */
		struct cpu_block *home = smp_load_acquire(&cp->home);

		if (home)
			ring_open(&rings[n++], home->recent,
				  READ_ONCE(home->recent_pos));
	}
	/* Last, for at equal times a CPU's ring is newer than no ring. */
	ring_open(&rings[n++], smp_load_acquire(&op->shared_recent),
		  atomic_read(&op->shared_pos));
	n = merge_rings(rings, n, lens, min(nr, BYTEPOOL_RECENT + 0U));
	kfree(rings);
	return n;
}
EXPORT_SYMBOL_GPL(bytepool_recent_lengths);

/**
 * pool_outstanding() - how much of a killed pool is out
 * @pool: the pool
 *
 * Return: buffers, pieces of raw memory and objects, all together.
 */
long pool_outstanding(struct bytepool *pool)
{
	long out = atomic64_read(&pool->oversize);
	struct class_sum sum;
	unsigned int i;

	for (i = 0; i < 2 * pool->nr_tiers; i++) {
		objpool_sum(&pool->objects, i, &sum);
		out += sum_in_use(&sum);
	}
	return out;
}
