// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - the part of an objcache that CPUs share: idle budget and depots
 *
 * A depot keeps full magazines of one class for the CPUs of one node, and a few
 * empty ones. A CPU visits it once for a whole magazine. Here, too, stand the
 * sentinels of CPUs that have nothing yet.
 */

#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "depot.h"

/*
 * A depot keeps at least so many empty magazines for the next flush, and at
 * least so many slots in all. Gets have left them behind, so that as many puts
 * need no new ones.
 */
#define DEPOT_EMPTY	   4U
#define DEPOT_EMPTY_ROUNDS 128U

/* === Sentinels === */

/*
 * &no_magazine stands for "no magazine yet". It is never written. Its values,
 * and who relies on each:
 *
 *	.none = NULL	a pop that reads top[-1] finds nothing
 *	.nr = 0		cpu_can_pop() does not exchange it for the loaded one
 *	.charged = 0	a push finds no slot (cpu_class.end is .obj), and
 *			magazine_uncharge_slots() has nothing to uncharge; as the
 *			other magazine, it is never exchanged for a full one
 *	.cap = 1	it does not look full while it is loaded, so that
 *			cpu_can_exchange_full() is false
 *
 * A CPU that has it loaded has it as the other magazine, too.
 */
struct magazine no_magazine __ro_after_init = { .cap = 1 };

static const struct objclass no_objclass = { .uncharged = true };

static struct cpu_cold no_cold __ro_after_init = {
	.previous = &no_magazine,
	.objclass = &no_objclass,
};

/*
 * &no_cpu_cache stands for "no cache that may be used": before a CPU's first
 * miss, and while a drain has the CPU's cache frozen. It is never written. In
 * every class it serves nothing and takes nothing, so that a fast path need not
 * ask for it:
 *
 *	.top, .end	those of &no_magazine: a pop and a push find nothing
 *	.size = 0	no length fits, so that a get is not counted here, and
 *			objcache_may_drop() never reads .depots, which is NULL
 *	.cold		&no_cold, for cpu_can_pop() and cpu_has_charge()
 */
struct cpu_cache no_cpu_cache __ro_after_init = {
	.class = {
		[0 ... OBJCACHE_MAX_CLASSES - 1] = {
			.top = no_magazine.obj,
			.end = no_magazine.obj,
			.loaded = &no_magazine,
			.cold = &no_cold,
		},
	},
};

/* === Idle budget === */

void budget_init(struct idle_budget *budget, size_t max)
{
	budget->max = min_t(size_t, max, LONG_MAX);
	budget->chunk = min_t(size_t, budget->max / (8 * num_possible_cpus()),
			      64UL << 10);
	atomic_long_set(&budget->avail, budget->max);
}

/* Charge want bytes, or all there are if at least need. Returns bytes, or 0. */
size_t budget_charge(struct idle_budget *budget, size_t need, size_t want)
{
	long left, avail = atomic_long_read(&budget->avail);
	size_t bytes;

	do {
		if (avail <= 0 || (size_t)avail < need)
			return 0;
		bytes = min_t(size_t, avail, want);
		left = avail - bytes;
	} while (!atomic_long_try_cmpxchg(&budget->avail, &avail, left));
	return bytes;
}

/* === Magazines and depots === */

/**
 * magazine_uncharge_slots() - uncharge the free slots of a magazine
 * @mag: the magazine, which nobody else uses
 * @objclass: of its objects
 *
 * Return: bytes, for budget_uncharge().
 */
size_t magazine_uncharge_slots(struct magazine *mag,
			       const struct objclass *objclass)
{
	unsigned int nr = mag->charged - mag->nr;

	/* &no_magazine, of which nothing is charged, is never written. */
	if (objclass->uncharged || !nr)
		return 0;
	mag->charged = mag->nr;
	return nr * objclass->size;
}

static struct magazine *magazine_alloc(struct objcache *oc, unsigned int class,
				       gfp_t gfp)
{
	unsigned int cap = oc->class[class].rounds;
	struct magazine *mag;

	if (slab_sleeps())
		return NULL;
	mag = kmalloc_node(struct_size(mag, obj, cap), gfp, numa_mem_id());
	if (!mag)
		return NULL;
	mag->next = NULL;
	mag->nr = 0;
	mag->none = NULL;
	mag->cap = cap;
	mag->seen = 0;
	atomic_inc(&oc->class[class].nr_magazines);
	/* Slots are charged as they are used, unless the class is uncharged. */
	mag->charged = oc->class[class].uncharged ? cap : 0;
	return mag;
}

static unsigned int depot_max_empty(unsigned int rounds)
{
	return max(DEPOT_EMPTY, DEPOT_EMPTY_ROUNDS / rounds);
}

/* The next four are called with depot.lock held. */
static void depot_link(struct depot *depot, struct magazine *mag)
{
	mag->next = depot->full;
	WRITE_ONCE(depot->full, mag);
	depot->nr_full++;
}

static struct magazine *depot_unlink(struct depot *depot)
{
	struct magazine *mag = depot->full;

	if (mag) {
		WRITE_ONCE(depot->full, mag->next);
		depot->nr_full--;
	}
	return mag;
}

/*
 * Returns false if there are enough and the magazine may be freed: where slab is
 * off limits it has to be kept. @may_free is !slab_sleeps(), asked before the
 * lock was taken: with a raw lock held it is always false on PREEMPT_RT.
 */
static bool depot_link_empty(struct depot *depot, struct magazine *mag,
			     bool may_free)
{
	if (may_free && depot->nr_empty >= depot_max_empty(mag->cap))
		return false;
	mag->next = depot->empty;
	depot->empty = mag;
	depot->nr_empty++;
	if (mag->charged)
		WRITE_ONCE(depot->has_charge, true);
	return true;
}

static struct magazine *depot_unlink_empty(struct depot *depot)
{
	struct magazine *mag = depot->empty;

	if (mag) {
		depot->empty = mag->next;
		depot->nr_empty--;
		if (!depot->empty)
			WRITE_ONCE(depot->has_charge, false);
	}
	return mag;
}

/* Free an empty magazine, and uncharge its slots. */
void magazine_free(struct objcache *oc, unsigned int class,
		   struct magazine *mag)
{
	budget_uncharge(oc->budget,
			magazine_uncharge_slots(mag, &oc->class[class]));
	atomic_dec(&oc->class[class].nr_magazines);
	kfree(mag);
}

/**
 * depot_get_full() - take a magazine with objects
 * @oc: the objcache
 * @class: class of the objects
 * @depot: depot of that class
 * @empty: an empty magazine to leave in the depot, or NULL
 *
 * Return: the magazine; NULL if there is none.
 */
struct magazine *depot_get_full(struct objcache *oc, unsigned int class,
				struct depot *depot, struct magazine *empty)
{
	bool may_free = !slab_sleeps();
	struct magazine *mag;
	unsigned long flags;

	raw_spin_lock_irqsave(&depot->lock, flags);
	mag = depot_unlink(depot);
	if (empty && depot_link_empty(depot, empty, may_free))
		empty = NULL;
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	if (unlikely(empty))
		magazine_free(oc, class, empty);
	return mag;
}

/**
 * depot_put_full() - leave a magazine with objects
 * @depot: depot of the objects' class
 * @mag: the magazine
 * @max: number of full magazines that the depot keeps
 * @empty: set to an empty magazine of the depot, or to NULL; may be NULL
 *
 * Return: false if there is no room.
 */
bool depot_put_full(struct depot *depot, struct magazine *mag, unsigned int max,
		    struct magazine **empty)
{
	unsigned long flags;
	bool room;

	raw_spin_lock_irqsave(&depot->lock, flags);
	room = depot->nr_full < max;
	if (room) {
		depot_link(depot, mag);
		if (empty)
			*empty = depot_unlink_empty(depot);
	}
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	return room;
}

/* Take an empty magazine, or allocate one. Returns NULL without memory. */
struct magazine *depot_get_empty(struct objcache *oc, unsigned int class,
				 struct depot *depot, gfp_t gfp)
{
	struct magazine *mag;
	unsigned long flags;

	raw_spin_lock_irqsave(&depot->lock, flags);
	mag = depot_unlink_empty(depot);
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	return mag ?: magazine_alloc(oc, class, gfp);
}

void depot_put_empty(struct objcache *oc, unsigned int class,
		     struct depot *depot, struct magazine *mag)
{
	bool may_free = !slab_sleeps();
	unsigned long flags;
	bool kept;

	raw_spin_lock_irqsave(&depot->lock, flags);
	kept = depot_link_empty(depot, mag, may_free);
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	if (!kept)
		magazine_free(oc, class, mag);
}

/* Take one object, because the CPU's cache cannot be used. */
void *depot_take_one(struct objcache *oc, unsigned int class,
		     struct depot *depot)
{
	struct magazine *mag, *empty = NULL;
	unsigned long flags;
	void *obj = NULL;

	if (!READ_ONCE(depot->full))
		return NULL;
	depot_visit(depot);
	raw_spin_lock_irqsave(&depot->lock, flags);
	mag = depot->full;
	if (mag) {
		obj = mag->obj[--mag->nr];
		if (!oc->class[class].uncharged)
			mag->charged = mag->nr;
		if (!mag->nr)
			empty = depot_unlink(depot);
	}
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	if (empty)
		depot_put_empty(oc, class, depot, empty);
	if (obj)
		budget_uncharge(oc->budget, oc->class[class].size);
	return obj;
}

/*
 * Add an object, which is charged already, to the first magazine that has room,
 * with depot.lock held. *uncharged is set to the bytes that an empty magazine's
 * slots were charged with.
 */
static bool depot_add_one(struct objcache *oc, unsigned int class,
			  struct depot *depot, void *obj,
			  struct magazine **empty, size_t *uncharged)
{
	struct magazine *mag = depot->full;

	if (!mag || mag->nr == mag->cap) {
		mag = *empty ?: depot_unlink_empty(depot);
		*empty = NULL;
		if (!mag)
			return false;
		*uncharged = magazine_uncharge_slots(mag, &oc->class[class]);
		depot_link(depot, mag);
	}
	mag->obj[mag->nr++] = obj;
	mag->charged = max(mag->charged, mag->nr);
	return true;
}

/* Keep one object, which is charged already. Returns false without room. */
bool depot_keep_one(struct objcache *oc, unsigned int class,
		    struct depot *depot, void *obj, gfp_t gfp)
{
	struct magazine *empty = NULL;
	unsigned long flags;
	size_t uncharged = 0;
	bool kept;

	depot_visit(depot);
	do {
		raw_spin_lock_irqsave(&depot->lock, flags);
		kept = depot_add_one(oc, class, depot, obj, &empty, &uncharged);
		raw_spin_unlock_irqrestore(&depot->lock, flags);
		budget_uncharge(oc->budget, uncharged);
		if (!kept)
			empty = magazine_alloc(oc, class, gfp);
	} while (!kept && empty);
	if (empty)
		depot_put_empty(oc, class, depot, empty);
	return kept;
}

/* Take all empty magazines. Returns the first, or NULL. */
static struct magazine *depot_take_empty(struct depot *depot)
{
	struct magazine *mag;
	unsigned long flags;

	raw_spin_lock_irqsave(&depot->lock, flags);
	mag = depot->empty;
	depot->empty = NULL;
	depot->nr_empty = 0;
	WRITE_ONCE(depot->has_charge, false);
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	return mag;
}

/*
 * Uncharge the slots of empty magazines, without the lock: on PREEMPT_RT there
 * may be many. Returns bytes, for budget_uncharge().
 */
size_t depot_uncharge_slots(struct objcache *oc, unsigned int class,
			    struct depot *depot)
{
	struct magazine *mag, *next;
	size_t bytes = 0;

	if (!READ_ONCE(depot->has_charge))
		return 0;
	for (mag = depot_take_empty(depot); mag; mag = next) {
		next = mag->next;
		bytes += magazine_uncharge_slots(mag, &oc->class[class]);
		depot_put_empty(oc, class, depot, mag);
	}
	return bytes;
}

void depot_free_empty(struct objcache *oc, unsigned int class,
		      struct depot *depot)
{
	struct magazine *mag, *next;

	for (mag = depot_take_empty(depot); mag; mag = next) {
		next = mag->next;
		magazine_free(oc, class, mag);
	}
}

/* Free empty magazines if there are too many: hard interrupts may leave some. */
void depot_free_surplus(struct objcache *oc, unsigned int class,
			struct depot *depot)
{
	/* A moment ago is as good as now. */
	unsigned int nr = data_race(depot->nr_empty);

	if (nr > depot_max_empty(oc->class[class].rounds))
		depot_free_empty(oc, class, depot);
}

/* === All depots === */

struct depot *depots_alloc(struct objcache *oc, gfp_t gfp, int node)
{
	struct depot *depots;
	unsigned int i;

	depots = kzalloc_node(array_size(oc->nr_classes, sizeof(*depots)), gfp,
			      node);
	for (i = 0; depots && i < oc->nr_classes; i++) {
		raw_spin_lock_init(&depots[i].lock);
		depots[i].awaited = READ_ONCE(oc->awaited);
	}
	return depots;
}

/**
 * objcache_set_awaited() - say whether the user wants to hear of memory
 * @oc: the objcache
 * @awaited: whether objcache_ops.came_back is to be called
 *
 * Context: any but NMI; the caller serializes.
 */
void objcache_set_awaited(struct objcache *oc, bool awaited)
{
	unsigned int i;
	int node;

	WRITE_ONCE(oc->awaited, awaited);
	for_each_node(node) {
		struct depot *depots = depots_of(oc, node);

		for (i = 0; depots && i < oc->nr_classes; i++)
			WRITE_ONCE(depots[i].awaited, awaited);
	}
}

void shared_free(struct objcache_shared *shared)
{
	int node;

	if (!shared)
		return;
	if (shared->depots)
		for_each_node(node)
			kfree(shared->depots[node]);
	kfree(shared->depots);
	kfree(shared->counts);
	kfree(shared);
}
