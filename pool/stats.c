// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - a pool's counts, for its user
 *
 * The counts of a tier are the sums over its two classes: see
 * objcache/counts.c.
 */
#include <linux/instruction_pointer.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "pool.h"

static void tier_sum(struct bytepool *pool, unsigned int tier,
		     struct bytepool_tier_stats *stats, u64 *quarantined)
{
	struct class_sum buf, raw;

	objcache_sum(&pool->objects, class_buf(tier), &buf);
	objcache_sum(&pool->objects, class_raw(tier), &raw);
	stats->size = pool->tier[tier].size;
	stats->hit = buf.hit + raw.hit;
	stats->miss = buf.miss + raw.miss;
	stats->get = stats->hit + stats->miss;
	stats->put = buf.kept + buf.dropped + raw.kept + raw.dropped;
	stats->in_use = sum_in_use(&buf) + sum_in_use(&raw);
	stats->idle = sum_idle(&buf) + sum_idle(&raw);
	stats->fail = buf.fail + raw.fail;
	stats->requested = buf.requested + raw.requested;
	stats->reserve = READ_ONCE(pool->queues[tier].nr);
	stats->reserve_want = READ_ONCE(pool->queues[tier].want);
	stats->reserve_get = atomic_long_read(&pool->queues[tier].served);
	*quarantined = buf.quarantined + raw.quarantined;
}

/**
 * __bytepool_get_stats() - read a pool's counts, by bytepool_get_stats()
 * @pool: the pool
 * @stats: filled in
 * @stats_size: size of the caller's struct bytepool_stats, in bytes;
 *	fields that this version does not know are set to 0
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
	sum.wrapped = atomic_long_read(&pool->wrapped);
	sum.waiting = READ_ONCE(pool->wait.nr);
	sum.slept = READ_ONCE(pool->wait.slept);
	memcpy(stats, &sum, min(stats_size, sizeof(sum)));
}
EXPORT_SYMBOL_GPL(__bytepool_get_stats);

/**
 * __bytepool_get_tier_stats() - read a tier's counts, by
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
 * bytepool_discarded() - count the gets larger than the largest tier
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
 * bytepool_sizes() - list a pool's tier sizes
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
 * bytepool_recent_lengths() - list the lengths served last
 * @pool: the pool
 * @lens: where they go, in bytes, oldest first
 * @nr: how many are wanted, of the last %BYTEPOOL_RECENT
 *
 * The lengths that one CPU served are in order; those of several CPUs are
 * merged by coarse time. Lengths larger than the largest tier are included.
 *
 * Context: any but NMI; on PREEMPT_RT only where spinlocks may be taken.
 * Return: how many were written: 0 without memory for the merge.
 */
unsigned int bytepool_recent_lengths(struct bytepool *pool, size_t *lens,
				     unsigned int nr)
{
	if (!pool_usable(pool, _RET_IP_) || !lens)
		return 0;
	return objcache_recent(&pool->objects, lens, nr);
}
EXPORT_SYMBOL_GPL(bytepool_recent_lengths);
