// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - how idle memory goes back
 *
 * A drain takes everything: it freezes the CPUs' blocks, waits for those that
 * are inside, empties blocks and depots, and thaws the blocks. A scan, for the
 * shrinker, waits for nothing and takes what is in depots. The trim drains a
 * pool that nobody has used for a while. And where something wants to be idle
 * but the bound is exhausted, what has rested since the last look gives way.
 */

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "objcache.h"

struct workqueue_struct *bytepool_wq;
struct workqueue_struct *bytepool_idle_wq;

/* === Parking: what has to wait for process context === */

/**
 * objpool_unpin() - one object less is out of a killed pool
 * @op: the object pool, which may be gone after this
 */
void objpool_unpin(struct objpool *op)
{
	/* Ordered before by the full barrier of what follows. */
	WRITE_ONCE(op->late, true);
	/* Below 0 until the count of what was out has been added. */
	if (!atomic_long_dec_return(&op->pinned))
		queue_work(bytepool_wq, &op->free_work);
}

/**
 * objpool_park() - leave an object to the worker
 * @op: the object pool
 * @class: its class
 * @obj: the object
 * @pinned: the object was out when the pool was killed
 *
 * Context: any but NMI.
 */
void objpool_park(struct objpool *op, unsigned int class, void *obj,
		  bool pinned)
{
	struct parked *parked = op->ops->park(op, class, obj);

	parked->obj = obj;
	parked->class = class;
	parked->pinned = pinned;
	preempt_disable();
	llist_add(&parked->node, &raw_cpu_ptr(op->cpu)->parked);
	preempt_enable();
	queue_work(op->wq, &op->work);
}

static void unpark_cpu(struct objpool *op, struct cpu_pool *cp)
{
	struct llist_node *list = llist_del_all(&cp->parked);
	struct parked *parked, *next;

	llist_for_each_entry_safe(parked, next, list, node) {
		unsigned int class = parked->class;
		bool pinned = parked->pinned;
		void *obj = parked->obj;

		op->ops->destruct(op, class, obj,
				  DESTRUCT_MAY_SLEEP |
					  (pinned ? DESTRUCT_LATE : 0));
		if (pinned)
			objpool_unpin(op);
		cond_resched();
	}
}

void objpool_work(struct work_struct *work)
{
	struct objpool *op = container_of(work, struct objpool, work);
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		unpark_cpu(op, per_cpu_ptr(op->cpu, cpu));
}

/* Destructs here if the object allows it, by the worker if not. */
void destruct_or_park(struct objpool *op, unsigned int class, void *obj)
{
	if (op->class[class].defer || !slab_allowed() ||
	    !op->ops->destruct(op, class, obj, 0))
		objpool_park(op, class, obj, false);
}

/* === Magazines === */

/* Destructs what is in a magazine. Returns how many there were. */
unsigned int magazine_drain(struct objpool *op, unsigned int class,
			    struct magazine *mag, enum drain how)
{
	unsigned int nr = mag->nr;

	while (mag->nr) {
		void *obj = mag->obj[--mag->nr];

		if (how == DRAIN_ALL)
			op->ops->destruct(op, class, obj, DESTRUCT_MAY_SLEEP);
		else
			destruct_or_park(op, class, obj);
	}
	atomic64_add(nr, &counts_of(op, class)->drained);
	if (how != DRAIN_ATOMIC)
		cond_resched();
	return nr;
}

/* The same, and the magazine itself. Returns its share of the bound, in bytes. */
static size_t magazine_dissolve(struct objpool *op, unsigned int class,
				struct magazine *mag)
{
	size_t bytes;

	magazine_drain(op, class, mag, DRAIN_ATOMIC);
	bytes = vacate(mag, op->class[class].size);
	kfree(mag);
	return bytes;
}

/* === Draining === */

/* Takes the blocks away from their CPUs. True if there was any. */
bool freeze_blocks(struct objpool *op)
{
	struct cpu_pool *cp;
	bool found = false;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		cp = per_cpu_ptr(op->cpu, cpu);
		if (xchg(&cp->block, &no_block) != &no_block) {
			cp->frozen = true;
			found = true;
		}
	}
	return found;
}

static void thaw_blocks(struct objpool *op)
{
	struct cpu_pool *cp;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		cp = per_cpu_ptr(op->cpu, cpu);
		if (!cp->frozen)
			continue;
		cp->frozen = false;
		/* Pairs with the dependency through it inside of sections. */
		smp_store_release(&cp->block, cp->home);
	}
}

/**
 * cpu_vacate() - take the vacant places' share of the bound out of a class
 * @cc: the class
 *
 * Return: bytes, for bound_return().
 */
size_t cpu_vacate(struct cpu_class *cc)
{
	size_t bytes;

	cpu_stow(cc);
	bytes = vacate(cc->loaded, cc->size) +
		vacate(cc->cold->previous, cc->size);
	cpu_reload(cc);
	return bytes;
}

static size_t drain_class(struct objpool *op, struct cpu_class *cc,
			  unsigned int class, enum drain how)
{
	unsigned int nr = 0;

	cpu_stow(cc);
	nr += magazine_drain(op, class, cc->loaded, how);
	nr += magazine_drain(op, class, cc->cold->previous, how);
	cpu_reload(cc);
	bound_return(op->bound, cpu_vacate(cc));
	return nr * cc->size;
}

static void free_magazines(struct cpu_class *cc)
{
	if (cc->loaded != &no_magazine)
		kfree(cc->loaded);
	/* One and the same where a fork has come between their exchange. */
	if (cc->cold->previous != &no_magazine &&
	    cc->cold->previous != cc->loaded)
		kfree(cc->cold->previous);
	cc->loaded = &no_magazine;
	cc->cold->previous = &no_magazine;
	cpu_reload(cc);
}

/*
 * Empties a block that nobody is inside of. Returns how many bytes.
 *
 * In a shrink, what may sleep is left to the worker: a user's destructor is
 * free to use pools itself, and must not find their locks held.
 */
static size_t drain_block(struct objpool *op, struct cpu_block *block,
			  enum drain how)
{
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < op->nr_classes; i++) {
		if (how != DRAIN_ALL && op->class[i].keep_on_shrink)
			continue;
		bytes += drain_class(op, &block->class[i], i, how);
		free_magazines(&block->class[i]);
	}
	return bytes;
}

/* Empties a depot up to a number of bytes. Returns how many it were. */
static size_t drain_depot(struct objpool *op, unsigned int class,
			  struct depot *depot, size_t bytes, enum drain how)
{
	size_t size = op->class[class].size;
	struct magazine *mag;
	size_t done = 0;

	while (done < bytes) {
		mag = depot_get_full(op, class, depot, NULL);
		if (!mag)
			break;
		done += magazine_drain(op, class, mag, how) * size;
		bound_return(op->bound, vacate(mag, size));
		depot_put_empty(op, class, depot, mag);
	}
	return done;
}

/* Empties depots up to a number of bytes. Returns how many it were. */
size_t drain_depots(struct objpool *op, size_t bytes, enum drain how)
{
	struct depot *depots;
	size_t done = 0;
	unsigned int i;
	int node;

	for_each_node(node) {
		depots = depots_of(op, node);
		if (!depots)
			continue;
		/* The largest first: the fewest calls for the most memory. */
		for (i = op->nr_classes; i-- && done < bytes;) {
			struct depot *depot = depots + i;

			if (how != DRAIN_ALL && op->class[i].keep_on_shrink)
				continue;
			done += drain_depot(op, i, depot, bytes - done, how);
			if (how != DRAIN_ATOMIC)
				depot_free_empties(op, i, depot);
		}
	}
	return done;
}

size_t drain_frozen(struct objpool *op, enum drain how)
{
	struct cpu_pool *cp;
	size_t bytes = 0;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		cp = per_cpu_ptr(op->cpu, cpu);
		if (cp->frozen)
			bytes += drain_block(op, cp->home, how);
	}
	return bytes;
}

/**
 * objpool_drain() - give all idle memory back
 * @op: the object pool
 *
 * Context: may sleep.
 * Return: how many bytes it were.
 */
size_t objpool_drain(struct objpool *op)
{
	size_t bytes = 0;

	mutex_lock(&op->drain_lock);
	if (freeze_blocks(op)) {
		/* Pairs with preempt_disable() in mark_enter(). */
		synchronize_rcu();
		bytes = drain_frozen(op, DRAIN_SHRINK);
		thaw_blocks(op);
	}
	bytes += drain_depots(op, SIZE_MAX, DRAIN_SHRINK);
	mutex_unlock(&op->drain_lock);
	return bytes;
}

/**
 * objpool_scan() - give some idle memory back, without waiting for anything
 * @op: the object pool
 * @bytes: how much
 *
 * Takes the depots' alone: what CPUs have is objpool_trim()'s.
 *
 * Context: any in which a shrinker runs.
 * Return: how many bytes it were.
 */
size_t objpool_scan(struct objpool *op, size_t bytes)
{
	return drain_depots(op, bytes, DRAIN_ATOMIC);
}

/**
 * objpool_trim() - have idle memory given back if nobody used the pool of late
 * @op: the object pool
 *
 * Vacant places, too: they keep others from the bound.
 */
void objpool_trim(struct objpool *op)
{
	struct class_sum sum;
	u64 activity = 0;
	unsigned int i;

	for (i = 0; i < op->nr_classes; i++) {
		objpool_sum(op, i, &sum);
		activity += sum.hit + sum.miss + sum.kept + sum.dropped +
			    sum.filled;
	}
	if (activity != op->activity) {
		op->activity = activity;
		op->trimmed = false;
	} else if (!op->trimmed) {
		op->trimmed = true;
		queue_work(bytepool_idle_wq, &op->drain_work);
	}
}

void objpool_drain_work(struct work_struct *work)
{
	objpool_drain(container_of(work, struct objpool, drain_work));
}

int objpool_cpu_dead(unsigned int cpu, struct hlist_node *node)
{
	struct objpool *op = hlist_entry(node, struct objpool, hotplug);
	struct cpu_pool *cp = per_cpu_ptr(op->cpu, cpu);

	mutex_lock(&op->drain_lock);
	if (cp->block != &no_block)
		drain_block(op, cp->block, DRAIN_SHRINK);
	mutex_unlock(&op->drain_lock);
	return 0;
}

/* === Making room within the bound === */

/* Takes the share of the bound that this CPU's vacant places have. */
static size_t block_vacate(struct objpool *op)
{
	struct cpu_block *block;
	size_t bytes = 0;
	unsigned int i;

	if (!cpu_enter(op, &block))
		return 0;
	WRITE_ONCE(block->reclaimed, jiffies);
	for (i = 0; i < op->nr_classes; i++)
		bytes += cpu_vacate(&block->class[i]);
	cpu_leave(block);
	return bytes;
}

/* And that which empty magazines in the depots have. */
static size_t depots_vacate(struct objpool *op)
{
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < op->nr_classes; i++)
		bytes += depot_vacate(op, i, depot_here(op, i));
	return bytes;
}

/*
 * Takes a magazine out of a class that has neither served nor taken anything
 * since the last look, inside the CPU's section. NULL if it has.
 */
static struct magazine *cpu_take_cold(struct cpu_class *cc)
{
	u32 activity = u64_stats_read(&cc->hit) + u64_stats_read(&cc->kept);
	struct magazine *mag;

	cpu_stow(cc);
	mag = cc->cold->previous->nr ? cc->cold->previous : cc->loaded;
	if (!cc->size || !mag->nr)
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

/* What rests on this CPU goes where the worker finds it. */
static void cpu_cool(struct objpool *op, unsigned int except)
{
	struct magazine *mag;
	struct cpu_block *block;
	unsigned int i;

	for (i = 0; i < op->nr_classes; i++) {
		if (i == except || !cpu_enter(op, &block))
			continue;
		mag = cpu_take_cold(&block->class[i]);
		cpu_leave(block);
		if (!mag)
			continue;
		/*
		 * Not all vacant places are the last look's: this may be
		 * another CPU by now. In a depot nobody would find their share.
		 */
		bound_return(op->bound, vacate(mag, op->class[i].size));
		if (!depot_put_full(depot_here(op, i), mag, UINT_MAX, NULL))
			/* A signal handler's, in userspace: as if it was put. */
			bound_return(op->bound, magazine_dissolve(op, i, mag));
	}
}

/* Those that were visited since the last look get a second chance. */
static size_t depot_evict(struct objpool *op, unsigned int class,
			  struct depot *depot, size_t bytes)
{
	if (!op->class[class].size || !READ_ONCE(depot->full))
		return 0;
	if (READ_ONCE(depot->used)) {
		WRITE_ONCE(depot->used, false);
		return 0;
	}
	return drain_depot(op, class, depot, bytes, DRAIN_SHRINK);
}

/* All that a CPU has done, to be compared. */
static u32 block_activity(struct objpool *op, struct cpu_block *block)
{
	u32 activity = 0;
	unsigned int i;

	for (i = 0; i < op->nr_classes; i++) {
		struct cpu_class *cc = &block->class[i];

		activity += u64_stats_read(&cc->hit) +
			    u64_stats_read(&cc->cold->miss) +
			    u64_stats_read(&cc->kept) +
			    u64_stats_read(&cc->cold->dropped);
	}
	return activity;
}

/* Freezes the block of a CPU that has done nothing since the last look. */
static bool freeze_resting(struct objpool *op, struct cpu_pool *cp)
{
	/* Pairs with the cmpxchg() in make_block(). */
	struct cpu_block *home = smp_load_acquire(&cp->home);
	u32 activity;

	if (!home)
		return false;
	activity = block_activity(op, home);
	if (home->seen != activity) {
		home->seen = activity;
		home->resting = false;
		return false;
	}
	if (home->resting || xchg(&cp->block, &no_block) == &no_block)
		return false;
	home->resting = true;
	cp->frozen = true;
	return true;
}

/* What CPUs have that rest, of whatever class: they look for nothing. */
static void evict_cpus(struct objpool *op)
{
	bool found = false;
	unsigned int cpu;

	/* The end of the pool holds it, and waits for this. */
	if (!mutex_trylock(&op->drain_lock))
		return;
	for_each_possible_cpu(cpu)
		found |= freeze_resting(op, per_cpu_ptr(op->cpu, cpu));
	if (found) {
		/* Pairs with preempt_disable() in mark_enter(). */
		synchronize_rcu();
		drain_frozen(op, DRAIN_SHRINK);
		thaw_blocks(op);
	}
	mutex_unlock(&op->drain_lock);
}

/*
 * Makes room for a class, up to an eighth of the bound from depots, or if they
 * have nothing that rests, from CPUs.
 */
void objpool_evict_work(struct work_struct *work)
{
	struct objpool *op = container_of(work, struct objpool, evict_work);
	size_t bytes = op->bound->max / 8, done = 0;
	struct depot *depots;
	unsigned int i;
	int node;

	for_each_node(node) {
		depots = depots_of(op, node);
		if (!depots)
			continue;
		/* The largest first: the fewest calls for the most memory. */
		for (i = op->nr_classes; i-- && done < bytes;)
			if (i != READ_ONCE(op->wanting))
				done += depot_evict(op, i, depots + i,
						    bytes - done);
	}
	if (!done)
		evict_cpus(op);
}

/* How often to look for what rests; and for vacant places once a tick. */
#define EVICT_INTERVAL (HZ / 10)

static void evict(struct objpool *op, unsigned int class)
{
	/* However long ago: jiffies wrap, on 32-bit machines after weeks. */
	if (jiffies - READ_ONCE(op->evicted) < EVICT_INTERVAL)
		return;
	WRITE_ONCE(op->evicted, jiffies);
	WRITE_ONCE(op->wanting, class);
	cpu_cool(op, class);
	queue_work(bytepool_idle_wq, &op->evict_work);
}

/**
 * objpool_reclaim() - make room within the exhausted bound
 * @op: the object pool
 * @class: what it is for
 * @now: not only once a tick
 *
 * Gives the shares of vacant places back. If there are none, idle objects of
 * other classes that rest give way a little later.
 *
 * Context: any but NMI, outside of the CPU's section, and inside an RCU
 * read-side section that objpool_kill() waits for, or holding the pool.
 * Return: whether there is room now.
 */
bool objpool_reclaim(struct objpool *op, unsigned int class, bool now)
{
	struct cpu_block *home = raw_cpu_read(op->cpu->home);
	size_t bytes;

	/* Once a tick, for it is mostly in vain; without a block it is. */
	if (!now && (!home || !reclaim_due(home)))
		return false;
	bytes = block_vacate(op) + depots_vacate(op);
	bound_return(op->bound, bytes);
	if (!bytes)
		evict(op, class);
	return bytes;
}
