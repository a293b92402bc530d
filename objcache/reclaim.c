// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - how idle memory goes back
 *
 * A drain destructs everything: it freezes the CPUs, waits for the sections that
 * use their caches, empties caches and depots, and thaws the CPUs. The trim does
 * the same by class, CPU and depot, for those that nobody has used since its last
 * look. And while the budget is exhausted, classes and CPUs that were inactive
 * since the last look make room. What memory pressure can have is in shrink.c.
 */

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "counts.h"
#include "cpu.h"
#include "depot.h"
#include "reclaim.h"

struct workqueue_struct *bytepool_wq;
struct workqueue_struct *bytepool_idle_wq;

/* === Parking: what has to wait for process context === */

/**
 * objcache_unpin() - one object less is out of a killed pool
 * @oc: the objcache, which may be gone after this
 */
void objcache_unpin(struct objcache *oc)
{
	/* Ordered before by the full barrier of what follows. */
	WRITE_ONCE(oc->late, true);
	/* Below 0 until the count of what was out has been added. */
	if (!atomic_long_dec_return(&oc->pinned))
		queue_work(bytepool_wq, &oc->free_work);
}

/**
 * objcache_park() - leave an object to the worker
 * @oc: the objcache
 * @class: its class
 * @obj: the object
 * @pinned: the object was out when the pool was killed
 *
 * Context: any.
 */
void objcache_park(struct objcache *oc, unsigned int class, void *obj,
		   bool pinned)
{
	struct parked *parked = oc->ops->park(oc, class, obj);

	parked->obj = obj;
	parked->class = class;
	parked->pinned = pinned;
	preempt_disable();
	llist_add(&parked->node, &raw_cpu_ptr(oc->cpu)->parked);
	preempt_enable();
	if (in_nmi())
		irq_work_queue(&oc->park_irq);
	else
		queue_work(bytepool_wq, &oc->work);
}

void objcache_park_irq(struct irq_work *irq)
{
	struct objcache *oc = container_of(irq, struct objcache, park_irq);

	queue_work(bytepool_wq, &oc->work);
}

/* Take back the work that parked objects have queued, or are about to queue. */
void objcache_cancel_work(struct objcache *oc)
{
	irq_work_sync(&oc->park_irq);
	cancel_work_sync(&oc->work);
}

static void unpark_cpu(struct objcache *oc, struct objcache_cpu *cp)
{
	struct llist_node *list = llist_del_all(&cp->parked);
	struct parked *parked, *next;

	llist_for_each_entry_safe(parked, next, list, node) {
		unsigned int class = parked->class;
		bool pinned = parked->pinned;
		void *obj = parked->obj;

		oc->ops->destruct(oc, class, obj,
				  DESTRUCT_MAY_SLEEP |
					  (pinned ? DESTRUCT_LATE : 0));
		if (pinned)
			objcache_unpin(oc);
		cond_resched();
	}
}

static void unpark_cpus(struct objcache *oc)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		unpark_cpu(oc, per_cpu_ptr(oc->cpu, cpu));
}

void objcache_work(struct work_struct *work)
{
	unpark_cpus(container_of(work, struct objcache, work));
}

/**
 * objcache_unpark() - destruct what is parked, here and now
 * @oc: the objcache
 *
 * Waits for the worker, if that destructs, too.
 *
 * Context: may sleep, in any worker but that of @oc.
 */
void objcache_unpark(struct objcache *oc)
{
	objcache_cancel_work(oc);
	unpark_cpus(oc);
}

/* Destruct here if the class and the context allow it, else by the worker. */
void objcache_destruct_or_park(struct objcache *oc, unsigned int class,
			       void *obj)
{
	if (oc->class[class].destruct_sleeps || !slab_allowed())
		objcache_park(oc, class, obj, false);
	else
		oc->ops->destruct(oc, class, obj, 0);
}

/* === Magazines === */

/* Destruct the hottest @nr objects of a magazine. Returns @nr. */
unsigned int magazine_drain_some(struct objcache *oc, unsigned int class,
				 struct magazine *mag, unsigned int nr,
				 enum drain how)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		void *obj = mag->obj[--mag->nr];

		if (how == DRAIN_ALL)
			oc->ops->destruct(oc, class, obj, DESTRUCT_MAY_SLEEP);
		else
			objcache_destruct_or_park(oc, class, obj);
	}
	atomic64_add(nr, &counts_of(oc, class)->drained);
	if (how != DRAIN_ATOMIC)
		cond_resched();
	return nr;
}

/* Destruct the objects of a magazine. Returns their number. */
unsigned int magazine_drain(struct objcache *oc, unsigned int class,
			    struct magazine *mag, enum drain how)
{
	return magazine_drain_some(oc, class, mag, mag->nr, how);
}

/* === Draining === */

/* Take a CPU's cache away from it. Returns false if it has none to use. */
static bool freeze_cpu(struct objcache_cpu *cp)
{
	if (xchg(&cp->cache, &no_cpu_cache) == &no_cpu_cache)
		return false;
	cp->frozen = true;
	return true;
}

/* Take the caches away from their CPUs. Returns true if there was any. */
bool freeze_cpus(struct objcache *oc)
{
	bool found = false;
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		found |= freeze_cpu(per_cpu_ptr(oc->cpu, cpu));
	return found;
}

static void thaw_cpus(struct objcache *oc)
{
	struct objcache_cpu *cp;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		cp = per_cpu_ptr(oc->cpu, cpu);
		if (!cp->frozen)
			continue;
		cp->frozen = false;
		/* Pairs with the dependency through the pointer in sections. */
		smp_store_release(&cp->cache, cp->home);
	}
}

/**
 * cpu_uncharge_slots() - uncharge the free slots of a CPU's class
 * @cc: the class
 *
 * Return: bytes, for budget_uncharge().
 */
size_t cpu_uncharge_slots(struct cpu_class *cc)
{
	const struct objclass *objclass = cc->cold->objclass;
	size_t bytes;

	cpu_save_nr(cc);
	bytes = magazine_uncharge_slots(cc->loaded, objclass) +
		magazine_uncharge_slots(cc->cold->previous, objclass);
	cpu_reload(cc);
	return bytes;
}

static size_t drain_class(struct objcache *oc, struct cpu_class *cc,
			  unsigned int class, enum drain how)
{
	unsigned int nr = 0;

	cpu_save_nr(cc);
	nr += magazine_drain(oc, class, cc->loaded, how);
	nr += magazine_drain(oc, class, cc->cold->previous, how);
	cpu_reload(cc);
	budget_uncharge(oc->budget, cpu_uncharge_slots(cc));
	return nr * cc->size;
}

static void free_magazines(struct objcache *oc, struct cpu_class *cc,
			   unsigned int class)
{
	struct magazine *previous = cc->cold->previous;

	if (cc->loaded != &no_magazine)
		magazine_free(oc, class, cc->loaded);
	/* They may be one, for fork(): see "Order of stores" in cpu.h. */
	if (previous != &no_magazine && previous != cc->loaded)
		magazine_free(oc, class, previous);
	cc->loaded = &no_magazine;
	cc->cold->previous = &no_magazine;
	cpu_reload(cc);
}

/*
 * Empty a CPU cache that no section uses. Returns bytes.
 *
 * A shrink parks objects whose destructor sleeps: a user's destructor may use
 * pools itself, and must not find their locks held.
 */
static size_t drain_cpu(struct objcache *oc, struct cpu_cache *cache,
			enum drain how)
{
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < oc->nr_classes; i++) {
		if (how != DRAIN_ALL && oc->class[i].uncharged)
			continue;
		bytes += drain_class(oc, &cache->class[i], i, how);
		free_magazines(oc, &cache->class[i], i);
	}
	return bytes;
}

/* Drain a depot of up to about @bytes. Returns bytes. */
static size_t drain_depot(struct objcache *oc, unsigned int class,
			  struct depot *depot, size_t bytes, enum drain how)
{
	const struct objclass *objclass = &oc->class[class];
	size_t uncharged, done = 0;
	struct magazine *mag;

	/* Racy: see depot.full. */
	while (done < bytes && READ_ONCE(depot->full)) {
		mag = depot_get_full(oc, class, depot, NULL);
		if (!mag)
			break;
		done += magazine_drain(oc, class, mag, how) * objclass->size;
		uncharged = magazine_uncharge_slots(mag, objclass);
		budget_uncharge(oc->budget, uncharged);
		depot_put_empty(oc, class, depot, mag);
	}
	return done;
}

/* Drain all depots. Returns bytes. */
size_t drain_depots(struct objcache *oc, enum drain how)
{
	struct depot *depots;
	size_t done = 0;
	unsigned int i;
	int node;

	for_each_node(node) {
		depots = depots_of(oc, node);
		if (!depots)
			continue;
		for (i = 0; i < oc->nr_classes; i++) {
			if (how != DRAIN_ALL && oc->class[i].uncharged)
				continue;
			done += drain_depot(oc, i, depots + i, SIZE_MAX, how);
			depot_free_empty(oc, i, depots + i);
		}
	}
	return done;
}

size_t drain_frozen(struct objcache *oc, enum drain how)
{
	struct objcache_cpu *cp;
	size_t bytes = 0;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		cp = per_cpu_ptr(oc->cpu, cpu);
		if (cp->frozen)
			bytes += drain_cpu(oc, cp->home, how);
	}
	return bytes;
}

/**
 * objcache_drain() - give all idle memory back
 * @oc: the objcache
 *
 * Context: may sleep.
 * Return: number of bytes.
 */
size_t objcache_drain(struct objcache *oc)
{
	size_t bytes = 0;

	mutex_lock(&oc->drain_lock);
	if (freeze_cpus(oc)) {
		/* Pairs with preempt_disable() in cpu_trylock(). */
		synchronize_rcu();
		bytes = drain_frozen(oc, DRAIN_SHRINK);
		thaw_cpus(oc);
	}
	bytes += drain_depots(oc, DRAIN_SHRINK);
	mutex_unlock(&oc->drain_lock);
	return bytes;
}

/* === Trim === */

/* Gets and puts of a CPU's class, to be compared with a later sum. */
static u32 class_activity(const struct cpu_class *cc)
{
	return u64_stats_read(&cc->hit) + u64_stats_read(&cc->cold->miss) +
	       u64_stats_read(&cc->kept) + u64_stats_read(&cc->cold->dropped);
}

/*
 * A class rests that saw no get or put for so long. The trim looks less often, so
 * that to it a class rests if it did nothing since the last look.
 */
#define CLASS_REST (HZ / 10)

/**
 * class_look() - note the activity of a CPU's class
 * @cc: the class
 *
 * Spare handles stay: a late release is recognised by them.
 *
 * Context: with objcache.drain_lock held.
 * Return: true if the class rests, and may have magazines.
 */
bool class_look(const struct cpu_class *cc)
{
	u32 activity = class_activity(cc), now = jiffies;
	struct cpu_cold *cold = cc->cold;

	if (cold->seen != activity) {
		cold->seen = activity;
		cold->seen_at = now;
		cold->trimmed = false;
	}
	cold->rests = now - cold->seen_at >= CLASS_REST && !cold->trimmed &&
		      !cold->objclass->uncharged;
	return cold->rests;
}

/* Tell whether any class of a CPU rests. */
static bool cpu_look(struct objcache *oc, struct cpu_cache *cache)
{
	bool found = false;
	unsigned int i;

	for (i = 0; i < oc->nr_classes; i++)
		found |= class_look(&cache->class[i]);
	return found;
}

/* Drain the classes of a frozen CPU that rested, and still do. */
static void drain_resting(struct objcache *oc, struct cpu_cache *cache)
{
	struct cpu_class *cc;
	unsigned int i;

	for (i = 0; i < oc->nr_classes; i++) {
		cc = &cache->class[i];
		if (!cc->cold->rests || cc->cold->seen != class_activity(cc))
			continue;
		drain_class(oc, cc, i, DRAIN_SHRINK);
		free_magazines(oc, cc, i);
		cc->cold->trimmed = true;
	}
}

/* Drain the classes that rest, CPU by CPU. CPUs without any are not disturbed. */
static void trim_cpus(struct objcache *oc)
{
	struct objcache_cpu *cp;
	struct cpu_cache *home;
	bool found = false;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		home = cpu_home(oc, cpu);
		if (home && cpu_look(oc, home))
			found |= freeze_cpu(per_cpu_ptr(oc->cpu, cpu));
		cond_resched();
	}
	if (!found)
		return;
	/* Pairs with preempt_disable() in cpu_trylock(). */
	synchronize_rcu();
	for_each_possible_cpu(cpu) {
		cp = per_cpu_ptr(oc->cpu, cpu);
		if (cp->frozen)
			drain_resting(oc, cp->home);
	}
	thaw_cpus(oc);
}

/* Drain a depot that no CPU has visited since the last look. */
static void depot_trim(struct objcache *oc, unsigned int class,
		       struct depot *depot)
{
	u32 visits = READ_ONCE(depot->visits);

	if (oc->class[class].uncharged || depot->trim_seen != visits) {
		depot->trim_seen = visits;
		depot_free_surplus(oc, class, depot);
		return;
	}
	drain_depot(oc, class, depot, SIZE_MAX, DRAIN_SHRINK);
	depot_free_empty(oc, class, depot);
}

static u64 sum_dropped(struct objcache *oc, unsigned int class)
{
	u64 sum = atomic64_read(&counts_of(oc, class)->dropped);
	struct cpu_cache *home;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		home = cpu_home(oc, cpu);
		if (home)
			sum += u64_stats_read(&home->cold[class].dropped);
	}
	return sum;
}

/* Tell the user of the objcache which classes have given memory back to slab. */
void tell_dropped(struct objcache *oc)
{
	unsigned int i;
	u64 dropped;

	for (i = 0; i < oc->nr_classes; i++) {
		dropped = sum_dropped(oc, i);
		if (oc->class[i].dropped != dropped)
			oc->ops->dropped(oc, i);
		oc->class[i].dropped = dropped;
	}
}

void objcache_trim_work(struct work_struct *work)
{
	struct objcache *oc = container_of(work, struct objcache, trim_work);
	struct depot *depots;
	unsigned int i;
	int node;

	mutex_lock(&oc->drain_lock);
	trim_cpus(oc);
	for_each_node(node) {
		depots = depots_of(oc, node);
		for (i = 0; depots && i < oc->nr_classes; i++)
			depot_trim(oc, i, depots + i);
	}
	tell_dropped(oc);
	WRITE_ONCE(oc->trim_asked, false);
	mutex_unlock(&oc->drain_lock);
	if (oc->ops->trim)
		oc->ops->trim(oc);
}

/**
 * objcache_trim() - give back what nobody has used since the last call
 * @oc: the objcache
 *
 * A worker does it: see objcache_trim_work().
 */
void objcache_trim(struct objcache *oc)
{
	if (objcache_started(oc))
		queue_work(bytepool_wq, &oc->trim_work);
}

int objcache_cpu_dead(unsigned int cpu, struct hlist_node *node)
{
	struct objcache *oc = hlist_entry(node, struct objcache, hotplug);
	struct objcache_cpu *cp = per_cpu_ptr(oc->cpu, cpu);

	mutex_lock(&oc->drain_lock);
	if (cp->cache != &no_cpu_cache)
		drain_cpu(oc, cp->cache, DRAIN_SHRINK);
	mutex_unlock(&oc->drain_lock);
	return 0;
}

/* === Making room within the budget === */

/* Uncharge the free slots of this CPU. Returns bytes. */
static size_t cpu_uncharge_all(struct objcache *oc)
{
	struct cpu_cache *cache;
	size_t bytes = 0;
	unsigned int i;

	if (!cpu_cache_trylock(oc, &cache))
		return 0;
	for (i = 0; i < oc->nr_classes; i++)
		bytes += cpu_uncharge_slots(&cache->class[i]);
	cpu_cache_unlock(cache);
	return bytes;
}

/* Uncharge the slots of empty magazines in this node's depots. Returns bytes. */
static size_t depots_uncharge_slots(struct objcache *oc)
{
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < oc->nr_classes; i++)
		bytes += depot_uncharge_slots(oc, i, depot_here(oc, i));
	return bytes;
}

/*
 * Take a magazine out of a class that saw no get or put since the last look,
 * under the CPU lock. Returns NULL if the class was active.
 */
static struct magazine *cpu_take_inactive(struct cpu_class *cc)
{
	u32 activity = u64_stats_read(&cc->hit) + u64_stats_read(&cc->kept);
	struct magazine *mag;

	cpu_save_nr(cc);
	mag = cc->cold->previous->nr ? cc->cold->previous : cc->loaded;
	if (cc->cold->objclass->uncharged || !mag->nr)
		return NULL;
	if (mag->seen != activity) {
		mag->seen = activity;
		return NULL;
	}
	if (mag == cc->loaded)
		cc->loaded = cc->cold->previous;
	cc->cold->previous = &no_magazine;
	cpu_reload(cc);
	return mag;
}

/* Move this CPU's inactive magazines to the depot, for evict_work to drain. */
static void cpu_flush_idle(struct objcache *oc, unsigned int except)
{
	struct magazine *mag;
	struct cpu_cache *cache;
	unsigned int i;

	for (i = 0; i < oc->nr_classes; i++) {
		if (i == except || !cpu_cache_trylock(oc, &cache))
			continue;
		mag = cpu_take_inactive(&cache->class[i]);
		cpu_cache_unlock(cache);
		if (!mag)
			continue;
		/*
		 * We may have migrated since cpu_uncharge_all(), so free slots
		 * of the magazine may be charged. Nobody looks for them in a
		 * depot.
		 */
		budget_uncharge(oc->budget,
				magazine_uncharge_slots(mag, &oc->class[i]));
		depot_put_full(depot_here(oc, i), mag, UINT_MAX, NULL);
	}
}

/* Drain a depot, unless a CPU has visited it since the last look. */
static size_t depot_evict(struct objcache *oc, unsigned int class,
			  struct depot *depot, size_t bytes)
{
	u32 visits = READ_ONCE(depot->visits);

	if (oc->class[class].uncharged || !READ_ONCE(depot->full))
		return 0;
	if (depot->evict_seen != visits) {
		depot->evict_seen = visits;
		return 0;
	}
	return drain_depot(oc, class, depot, bytes, DRAIN_SHRINK);
}

/* Sum up a CPU's gets and puts, to be compared with a later sum. */
static u32 cpu_activity(struct objcache *oc, struct cpu_cache *cache)
{
	u32 activity = 0;
	unsigned int i;

	for (i = 0; i < oc->nr_classes; i++)
		activity += class_activity(&cache->class[i]);
	return activity;
}

/* Freeze a CPU that saw no get or put since the last look. */
static bool freeze_inactive(struct objcache *oc, unsigned int cpu)
{
	struct objcache_cpu *cp = per_cpu_ptr(oc->cpu, cpu);
	struct cpu_cache *home = cpu_home(oc, cpu);
	u32 activity;

	if (!home)
		return false;
	activity = cpu_activity(oc, home);
	if (home->seen != activity) {
		home->seen = activity;
		home->inactive = false;
		return false;
	}
	if (home->inactive || !freeze_cpu(cp))
		return false;
	home->inactive = true;
	return true;
}

/* Drain inactive CPUs: they will not run objcache_reclaim() themselves. */
static void evict_cpus(struct objcache *oc)
{
	bool found = false;
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		found |= freeze_inactive(oc, cpu);
	if (found) {
		/* Pairs with preempt_disable() in cpu_trylock(). */
		synchronize_rcu();
		drain_frozen(oc, DRAIN_SHRINK);
		thaw_cpus(oc);
	}
}

/*
 * Make room for a class: drain up to an eighth of the budget from depots, or if
 * all depots were active, drain CPUs.
 */
static void evict(struct objcache *oc)
{
	size_t bytes = oc->budget->max / 8, done = 0;
	struct depot *depots;
	unsigned int i;
	int node;

	for_each_node(node) {
		depots = depots_of(oc, node);
		if (!depots)
			continue;
		/* The largest first: the fewest calls for the most memory. */
		for (i = oc->nr_classes; i-- && done < bytes;)
			if (i != READ_ONCE(oc->wanting))
				done += depot_evict(oc, i, depots + i,
						    bytes - done);
	}
	if (!done)
		evict_cpus(oc);
}

void objcache_evict_work(struct work_struct *work)
{
	struct objcache *oc = container_of(work, struct objcache, evict_work);

	/* objcache_kill() holds the lock, and waits for this work. */
	if (!mutex_trylock(&oc->drain_lock))
		return;
	evict(oc);
	mutex_unlock(&oc->drain_lock);
}

/* How often to look for inactive classes and CPUs. */
#define EVICT_INTERVAL (HZ / 10)

static void evict_later(struct objcache *oc, unsigned int class)
{
	/* Not time_before(): on 32-bit machines jiffies wrap after weeks. */
	if (jiffies - READ_ONCE(oc->evicted) < EVICT_INTERVAL)
		return;
	WRITE_ONCE(oc->evicted, jiffies);
	WRITE_ONCE(oc->wanting, class);
	cpu_flush_idle(oc, class);
	queue_work(bytepool_wq, &oc->evict_work);
}

/**
 * objcache_reclaim() - make room within the exhausted budget
 * @oc: the objcache
 * @class: class that needs room
 * @now: try even if it was tried in this tick
 *
 * Uncharges free slots. If there are none, queues a worker that drains inactive
 * classes and CPUs.
 *
 * Context: any but NMI, without the CPU lock, and inside an RCU read-side
 * section that objcache_kill() waits for, or holding the pool.
 * Return: true if there is room now.
 */
bool objcache_reclaim(struct objcache *oc, unsigned int class, bool now)
{
	struct cpu_cache *home = raw_cpu_read(oc->cpu->home);
	size_t bytes;

	/* Rate limit to once a tick: this rarely finds anything. */
	if (!now && (!home || !reclaim_due(home)))
		return false;
	/* First: the CPU's cache may be out of reach below. */
	if (home)
		WRITE_ONCE(home->reclaimed, jiffies);
	bytes = cpu_uncharge_all(oc) + depots_uncharge_slots(oc);
	budget_uncharge(oc->budget, bytes);
	if (!bytes)
		evict_later(oc, class);
	return bytes;
}
