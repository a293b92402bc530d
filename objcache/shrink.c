// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - what memory pressure can have of an objcache
 *
 * The shrinker first asks how much there is, and then for some of it, a little
 * at a time. Neither waits for anything, and both do no more than a pass may take,
 * however many pools, CPUs and objects there are:
 *
 *	A class without magazines has nothing idle. That is one read.
 *	objcache_count() looks at so many classes of CPUs in a pass, and for the rest
 *	its caller adds up what the last look has found.
 *	objcache_scan() frees so many objects in a pass.
 *
 * A scan takes what depots have. The magazines of a CPU can be had only after a
 * grace period: the trim's worker drains those of classes that rest, because
 * objcache_scan_cpus() tells it to. A class of a CPU rests if it saw no get or
 * put for CLASS_REST. What is counted is what these two can have.
 */

#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>

#include "counts.h"
#include "cpu.h"
#include "depot.h"
#include "reclaim.h"
#include "shrink.h"

/* === How much there is === */

/* A class takes so much more than the CPUs that have it. */
#define CLASS_LOOKS 2

/*
 * Number of objects that a CPU's class may have in its magazines, seen from
 * another CPU: at most so many. Only the CPU itself may read the previous
 * magazine, which may be gone.
 */
static unsigned int class_may_hold(const struct cpu_class *cc)
{
	unsigned int rounds = cc->cold->objclass->rounds;
	const struct magazine *previous;
	unsigned long nr;

	/* If the CPU exchanges them just then: not more than a magazine has. */
	nr = data_race((unsigned long)cc->top - (unsigned long)cc->loaded->obj);
	nr = min_t(unsigned long, nr / sizeof(*cc->top), rounds);
	/* Compared, and no more. */
	previous = data_race(cc->cold->previous);
	return previous == &no_magazine ? nr : nr + rounds;
}

/* Number of objects in full magazines; more if a magazine there is not full. */
static u32 depots_nr(const struct objcache *oc, unsigned int class)
{
	struct depot *depots;
	u32 nr = 0;
	int node;

	for_each_node(node) {
		depots = depots_of(oc, node);
		if (!depots)
			continue;
		/* A moment ago is as good as now. */
		nr += data_race(depots[class].nr_full);
	}
	return nr * oc->class[class].rounds;
}

/*
 * Count the idle objects of a class, but for those that CPUs may have which use
 * it. The counters of puts and gets tell how many are idle; on 32-bit machines
 * their low halves, which are read at once, are enough for a difference.
 */
static u32 class_nr(const struct objcache *oc, unsigned int class)
{
	struct class_counts *counts = counts_of(oc, class);
	u32 idle, in_use = 0;
	struct cpu_cache *home;
	struct cpu_class *cc;
	unsigned int cpu;

	idle = atomic64_read(&counts->kept) + atomic64_read(&counts->filled) -
	       atomic64_read(&counts->hit) - atomic64_read(&counts->drained);
	for_each_possible_cpu(cpu) {
		home = cpu_home(oc, cpu);
		if (!home)
			continue;
		cc = &home->class[class];
		idle += u64_stats_read(&cc->kept) - u64_stats_read(&cc->hit);
		if (!class_look(cc) && !cc->cold->trimmed)
			in_use += class_may_hold(cc);
	}
	/* Gets that were summed without their put. */
	if ((s32)idle <= 0)
		return 0;
	return max(idle - min(idle, in_use), min(idle, depots_nr(oc, class)));
}

/**
 * objcache_count() - tell how much memory pressure can have
 * @oc: the objcache
 * @looks: how many classes of CPUs this pass may still look at. Once it is 0, the
 *	answer is that of the last look
 *
 * Context: any in which a shrinker runs; one caller at a time, the scan's included.
 * Return: bytes that objcache_scan() and objcache_scan_cpus() can give.
 */
size_t objcache_count(struct objcache *oc, unsigned int *looks)
{
	unsigned int i, nr = num_possible_cpus() + CLASS_LOOKS;
	size_t bytes = 0;

	if (!objcache_started(oc) || !*looks || READ_ONCE(oc->trim_asked))
		return oc->reclaimable;
	/* A drain is at work: what it leaves is there at the next look. */
	if (!mutex_trylock(&oc->drain_lock))
		return oc->reclaimable;
	for (i = 0; i < oc->nr_classes; i++) {
		if (oc->class[i].uncharged ||
		    !atomic_read(&oc->class[i].nr_magazines))
			continue;
		bytes += class_nr(oc, i) * oc->class[i].size;
		*looks -= min(*looks, nr);
	}
	mutex_unlock(&oc->drain_lock);
	oc->reclaimable = bytes;
	return bytes;
}

/* === Some of it === */

/* Free objects of one magazine. Returns false if the depot has none. */
static bool scan_magazine(struct objcache *oc, unsigned int class,
			  struct depot *depot, struct scan *scan)
{
	const struct objclass *objclass = &oc->class[class];
	struct magazine *mag = depot_get_full(oc, class, depot, NULL);
	size_t nr;

	if (!mag)
		return false;
	nr = DIV_ROUND_UP(scan->want - scan->given, objclass->size);
	nr = min_t(size_t, nr, min(scan->nr, mag->nr));
	magazine_drain_some(oc, class, mag, nr, DRAIN_ATOMIC);
	scan->given += nr * objclass->size;
	scan->nr -= nr;
	budget_uncharge(oc->budget, magazine_uncharge_slots(mag, objclass));
	if (mag->nr)
		depot_put_full(depot, mag, UINT_MAX, NULL);
	else
		depot_put_empty(oc, class, depot, mag);
	return true;
}

static void scan_class(struct objcache *oc, unsigned int class,
		       struct scan *scan)
{
	struct depot *depots;
	int node;

	for_each_node(node) {
		depots = depots_of(oc, node);
		/* Racy: see depot.full. */
		while (depots && scan_goes_on(scan) &&
		       READ_ONCE(depots[class].full))
			if (!scan_magazine(oc, class, depots + class, scan))
				break;
	}
}

/**
 * objcache_scan() - give some idle memory back, of what depots have
 * @oc: the objcache
 * @scan: what is wanted
 *
 * Context: any in which a shrinker runs; one caller at a time.
 */
void objcache_scan(struct objcache *oc, struct scan *scan)
{
	size_t given = scan->given;
	unsigned int i;

	/* The largest first: the fewest calls for the most memory. */
	for (i = oc->nr_classes; i-- && scan_goes_on(scan);)
		if (!oc->class[i].uncharged &&
		    atomic_read(&oc->class[i].nr_magazines))
			scan_class(oc, i, scan);
	given = scan->given - given;
	oc->reclaimable -= min(oc->reclaimable, given);
}

/**
 * objcache_scan_cpus() - have the magazines of classes that rest drained
 * @oc: the objcache
 * @scan: what is wanted
 *
 * To be called when depots have given what they have. The worker starts at once,
 * and the memory is back within moments: it counts as given.
 *
 * Context: any in which a shrinker runs; one caller at a time.
 */
void objcache_scan_cpus(struct objcache *oc, struct scan *scan)
{
	if (!oc->reclaimable || !scan_goes_on(scan))
		return;
	scan->given += oc->reclaimable;
	oc->reclaimable = 0;
	/* Before the work can end. */
	WRITE_ONCE(oc->trim_asked, true);
	objcache_trim(oc);
}
