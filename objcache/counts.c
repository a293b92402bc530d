// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - the counters of an objcache, apart from those of the fast path
 *
 * Counters are per CPU and written without a lock; a sum is exact when the
 * pool is quiet. Puts are summed before gets: under load a reading is late,
 * never negative.
 */

#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "counts.h"
#include "cpu.h"

/* === Counters, where the fast path does not count === */

static struct recent_length *shared_recent(struct objcache *oc)
{
	struct recent_length *ring, *old;

	/* Pairs with the cmpxchg() below. */
	ring = smp_load_acquire(&oc->shared_recent);
	if (ring || !slab_allowed())
		return ring;
	ring = kcalloc(RECENT_LENGTHS, sizeof(*ring),
		       GFP_NOWAIT | __GFP_NOWARN);
	if (!ring)
		return NULL;
	old = cmpxchg(&oc->shared_recent, NULL, ring);
	if (!old)
		return ring;
	kfree(ring);
	return old;
}

/**
 * objcache_note_length() - note the length of a get that was served
 * @oc: the objcache
 * @len: the length, in bytes
 */
void objcache_note_length(struct objcache *oc, size_t len)
{
	struct cpu_cache *cache;
	struct recent_length *ring;
	unsigned int pos;

	if (cpu_cache_trylock(oc, &cache)) {
		cpu_note_length(cache, len);
		cpu_cache_unlock(cache);
		return;
	}
	ring = shared_recent(oc);
	if (!ring)
		return;
	pos = atomic_fetch_inc(&oc->shared_pos);
	recent_note(&ring[pos % RECENT_LENGTHS], len);
}

/**
 * objcache_count_dropped() - count a put whose object is not kept
 * @oc: the objcache
 * @class: the object's class
 */
void objcache_count_dropped(struct objcache *oc, unsigned int class)
{
	struct cpu_cache *cache;

	if (cpu_cache_trylock(oc, &cache)) {
		u64_stats_inc(&cache->class[class].cold->dropped);
		cpu_cache_unlock(cache);
	} else {
		atomic64_inc(&counts_of(oc, class)->dropped);
	}
}

/**
 * objcache_count_put() - count memory that came back by another way
 * @oc: the objcache
 * @class: the class it counts for
 *
 * Context: inside an RCU read-side section that goes on until the memory is
 * freed, and unpinned if the pool is dead.
 * Return: false, and nothing counted, if the pool is dead.
 */
bool objcache_count_put(struct objcache *oc, unsigned int class)
{
	if (READ_ONCE(oc->dead))
		return false;
	objcache_count_dropped(oc, class);
	return true;
}

/* === Sums === */

static void sum_cpu_cache(struct cpu_cache *cache, unsigned int class,
			  bool puts, struct class_sum *sum)
{
	struct cpu_class *cc = &cache->class[class];
	u64 hit, miss, requested, kept, dropped;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&cache->sync);
		hit = u64_stats_read(&cc->hit);
		miss = u64_stats_read(&cc->cold->miss);
		requested = u64_stats_read(&cc->requested);
		kept = u64_stats_read(&cc->kept);
		dropped = u64_stats_read(&cc->cold->dropped);
	} while (u64_stats_fetch_retry(&cache->sync, start));

	if (puts) {
		sum->kept += kept;
		sum->dropped += dropped;
	} else {
		sum->hit += hit;
		sum->miss += miss;
		sum->requested += requested;
	}
}

static void sum_cpus(struct objcache *oc, unsigned int class, bool puts,
		     struct class_sum *sum)
{
	struct cpu_cache *home;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		home = cpu_home(oc, cpu);
		if (home)
			sum_cpu_cache(home, class, puts, sum);
	}
}

/**
 * objcache_sum() - sum a class's counters over the CPUs
 * @oc: the objcache
 * @class: which class
 * @sum: filled in
 *
 * Puts are summed before gets, so that under load a sum is late, but no put
 * is seen without its get.
 */
void objcache_sum(struct objcache *oc, unsigned int class,
		  struct class_sum *sum)
{
	struct class_counts *counts;

	memset(sum, 0, sizeof(*sum));
	if (!objcache_started(oc))
		return;
	counts = counts_of(oc, class);
	sum->quarantined = atomic64_read(&counts->quarantined);
	sum->drained = atomic64_read(&counts->drained);
	sum->kept = atomic64_read(&counts->kept);
	sum->dropped = atomic64_read(&counts->dropped);
	sum_cpus(oc, class, true, sum);
	/* A put's get was counted before, by whatever CPU. */
	smp_rmb();
	sum->hit = atomic64_read(&counts->hit);
	sum->miss = atomic64_read(&counts->miss);
	sum->requested = atomic64_read(&counts->requested);
	sum->filled = atomic64_read(&counts->filled);
	sum->fail = atomic64_read(&counts->fail);
	sum_cpus(oc, class, false, sum);
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
 * objcache_idle_bytes() - how much idle memory there is
 * @oc: the objcache
 *
 * Return: bytes; under load, more or less.
 */
size_t objcache_idle_bytes(struct objcache *oc)
{
	struct class_sum sum;
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < oc->nr_classes; i++) {
		if (oc->class[i].uncharged)
			continue;
		objcache_sum(oc, i, &sum);
		bytes += sum_idle(&sum) * oc->class[i].size;
	}
	return bytes;
}

/* === The lengths served last === */

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
 * objcache_recent() - the lengths served last
 * @oc: the objcache
 * @lens: where they go, in bytes, oldest first
 * @nr: how many are wanted, of the last %RECENT_LENGTHS
 *
 * Return: how many were written: 0 without memory for the merge.
 */
unsigned int objcache_recent(struct objcache *oc, size_t *lens, unsigned int nr)
{
	struct recent_ring *rings;
	unsigned int cpu, n = 0;

	rings = kcalloc(nr_cpu_ids + 1, sizeof(*rings),
			GFP_ATOMIC | __GFP_NOWARN);
	if (!rings)
		return 0;
	for_each_possible_cpu(cpu) {
		struct cpu_cache *home = cpu_home(oc, cpu);

		if (home)
			ring_open(&rings[n++], home->recent,
				  READ_ONCE(home->recent_pos));
	}
	/* Last, for at equal times a CPU's ring is newer than no ring. */
	ring_open(&rings[n++], smp_load_acquire(&oc->shared_recent),
		  atomic_read(&oc->shared_pos));
	n = merge_rings(rings, n, lens, min(nr, RECENT_LENGTHS + 0U));
	kfree(rings);
	return n;
}
