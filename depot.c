// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - what CPUs share of an object pool: the idle bound and the depots
 *
 * Idle memory is bounded in bytes at every moment: what is idle has drawn its
 * share of the bound, magazine by magazine or one by one. A depot keeps
 * full magazines of one class for the CPUs of one node, and a few empty ones;
 * it is visited once for a whole magazine.
 */

#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "internal.h"

/* Spare magazines that a depot keeps for the next flush. */
#define DEPOT_EMPTY 4

/* === Idle bound === */

void bound_init(struct idle_bound *bound, size_t max)
{
	bound->max = min_t(size_t, max, LONG_MAX);
	bound->chunk = min_t(size_t, bound->max / (8 * num_possible_cpus()),
			     64UL << 10);
	atomic_long_set(&bound->avail, bound->max);
}

/* Draws want bytes, or what there is if that is at least need; 0 if not. */
size_t bound_draw(struct idle_bound *bound, size_t need, size_t want)
{
	long avail = atomic_long_read(&bound->avail);
	size_t take;

	do {
		if (avail <= 0 || (size_t)avail < need)
			return 0;
		take = min_t(size_t, avail, want);
	} while (!atomic_long_try_cmpxchg(&bound->avail, &avail, avail - take));
	return take;
}

void bound_return(struct idle_bound *bound, size_t bytes)
{
	if (bytes)
		atomic_long_add(bytes, &bound->avail);
}

/* === Magazines and depots === */

static struct magazine *magazine_alloc(struct objpool *op, unsigned int class,
				       gfp_t gfp)
{
	unsigned int cap = op->class[class].rounds;
	struct magazine *mag;

	if (!slab_allowed())
		return NULL;
	mag = kmalloc_node(struct_size(mag, obj, cap), gfp, numa_mem_id());
	if (!mag)
		return NULL;
	mag->next = NULL;
	mag->nr = 0;
	mag->cap = cap;
	/* Places are drawn for as they are used, but for what takes nothing. */
	mag->limit = op->class[class].size ? 0 : cap;
	return mag;
}

struct depot *depot_here(struct objpool *op, unsigned int class)
{
	struct depot *depots = op->depots[numa_mem_id()];

	/* A node that came online later uses another one's. */
	return (depots ?: op->first_depots) + class;
}

/* Both with depot.lock held. */
static void depot_link(struct depot *depot, struct magazine *mag)
{
	mag->next = depot->full;
	WRITE_ONCE(depot->full, mag);
	depot->nr_full++;
}

static void depot_unlink(struct depot *depot)
{
	WRITE_ONCE(depot->full, depot->full->next);
	depot->nr_full--;
}

/* Takes a magazine with objects; NULL if there is none. */
struct magazine *depot_get_full(struct depot *depot)
{
	struct magazine *mag;
	unsigned long flags;

	/* Pairs with the stores under the lock; a miss is as good as late. */
	if (!READ_ONCE(depot->full))
		return NULL;
	if (!lock_unless_held(&depot->lock, &flags))
		return NULL;
	mag = depot->full;
	if (mag)
		depot_unlink(depot);
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	return mag;
}

bool depot_put_full(struct depot *depot, struct magazine *mag, unsigned int max)
{
	unsigned long flags;
	bool room;

	if (!lock_unless_held(&depot->lock, &flags))
		return false;
	room = depot->nr_full < max;
	if (room)
		depot_link(depot, mag);
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	return room;
}

/* Takes an empty magazine, or makes one; NULL if neither can be had here. */
struct magazine *depot_get_empty(struct objpool *op, unsigned int class,
				 struct depot *depot, gfp_t gfp)
{
	struct magazine *mag;
	unsigned long flags;

	/*
	 * Whoever gets an empty magazine here can give a full one back: the
	 * lock is not held by the context that this one interrupted.
	 */
	if (!lock_unless_held(&depot->lock, &flags))
		return NULL;
	mag = depot->empty;
	if (mag) {
		depot->empty = mag->next;
		depot->nr_empty--;
	}
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	return mag ?: magazine_alloc(op, class, gfp);
}

void depot_put_empty(struct depot *depot, struct magazine *mag)
{
	/* Where slab is off limits there is no choice but to keep. */
	bool keep = !slab_allowed();
	unsigned long flags;

	if (lock_unless_held(&depot->lock, &flags)) {
		if (keep || depot->nr_empty < DEPOT_EMPTY) {
			mag->next = depot->empty;
			depot->empty = mag;
			depot->nr_empty++;
			mag = NULL;
		}
		raw_spin_unlock_irqrestore(&depot->lock, flags);
	}
	kfree(mag);
}

/* Takes one object, where the CPU's own magazines are out of reach. */
void *depot_take_one(struct objpool *op, unsigned int class,
		     struct depot *depot)
{
	struct magazine *mag, *empty = NULL;
	unsigned long flags;
	void *obj = NULL;

	if (!READ_ONCE(depot->full))
		return NULL;
	if (!lock_unless_held(&depot->lock, &flags))
		return NULL;
	mag = depot->full;
	if (mag) {
		obj = mag->obj[--mag->nr];
		if (op->class[class].size)
			mag->limit = mag->nr;
		if (!mag->nr) {
			depot_unlink(depot);
			empty = mag;
		}
	}
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	if (empty)
		depot_put_empty(depot, empty);
	if (obj)
		bound_return(op->bound, op->class[class].size);
	return obj;
}

/* Adds to the first magazine that has room, with depot.lock held. */
static bool depot_add_one(struct depot *depot, void *obj,
			  struct magazine **spare)
{
	struct magazine *mag = depot->full;

	if (!mag || mag->nr == mag->cap) {
		mag = *spare;
		if (mag) {
			*spare = NULL;
		} else if (depot->empty) {
			mag = depot->empty;
			depot->empty = mag->next;
			depot->nr_empty--;
		} else {
			return false;
		}
		depot_link(depot, mag);
	}
	mag->obj[mag->nr++] = obj;
	mag->limit = max(mag->limit, mag->nr);
	return true;
}

/* Keeps one object whose share of the bound is drawn; false without room. */
bool depot_keep_one(struct objpool *op, unsigned int class, struct depot *depot,
		    void *obj, gfp_t gfp)
{
	struct magazine *spare = NULL;
	unsigned long flags;
	bool kept = false;

	do {
		if (!lock_unless_held(&depot->lock, &flags))
			break;
		kept = depot_add_one(depot, obj, &spare);
		raw_spin_unlock_irqrestore(&depot->lock, flags);
		if (!kept)
			spare = magazine_alloc(op, class, gfp);
	} while (!kept && spare);
	if (spare)
		depot_put_empty(depot, spare);
	return kept;
}

void depot_free_empties(struct depot *depot)
{
	struct magazine *mag, *next;
	unsigned long flags;

	if (!lock_unless_held(&depot->lock, &flags))
		return;
	mag = depot->empty;
	depot->empty = NULL;
	depot->nr_empty = 0;
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	for (; mag; mag = next) {
		next = mag->next;
		kfree(mag);
	}
}

int depots_alloc(struct objpool *op)
{
	struct depot *depots;
	unsigned int i;
	int node;

	op->depots = kcalloc(nr_node_ids, sizeof(*op->depots), GFP_KERNEL);
	if (!op->depots)
		return -ENOMEM;
	for_each_online_node(node) {
		depots = kzalloc_node(array_size(op->nr_classes,
						 sizeof(*depots)),
				      GFP_KERNEL, node);
		if (!depots)
			return -ENOMEM;
		for (i = 0; i < op->nr_classes; i++)
			raw_spin_lock_init(&depots[i].lock);
		op->depots[node] = depots;
		op->first_depots = depots;
	}
	return 0;
}

void depots_free(struct objpool *op)
{
	int node;

	if (!op->depots)
		return;
	for_each_node(node)
		kfree(op->depots[node]);
	kfree(op->depots);
}
