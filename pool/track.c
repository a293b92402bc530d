// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - memory that is tracked by its address
 *
 * Memory that is no object of a tier's slab cache does not tell where it comes
 * from, so it is entered in a table by its address: raw memory that is larger
 * than any tier or from vmalloc(). Checked pools enter all of their raw memory.
 */

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/sched.h>

#include "pool.h"

#define TRACK_BITS 10

struct track_bucket {
	raw_spinlock_t lock; /* protects the list */
	struct hlist_head list;
};

static struct track_bucket tracks[1 << TRACK_BITS];

static struct track_bucket *track_bucket(const void *mem)
{
	return &tracks[hash_ptr(mem, TRACK_BITS)];
}

/**
 * track_alloc() - allocate an entry
 * @gfp: for the allocator
 *
 * Return: the entry, for track_add() or kfree(); or NULL.
 */
struct track *track_alloc(gfp_t gfp)
{
	if (!slab_allowed())
		return NULL;
	return kmalloc(sizeof(struct track), gfp & ~__GFP_ZERO);
}

/**
 * track_add() - enter memory by its address
 * @track: the entry, filled in
 *
 * Return: true; false if the table cannot be locked in this context.
 */
bool track_add(struct track *track)
{
	struct track_bucket *bucket = track_bucket(track->mem);
	unsigned long flags;

	if (!lock_unless_held(&bucket->lock, &flags))
		return false;
	hlist_add_head(&track->node, &bucket->list);
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return true;
}

/**
 * track_remove() - take an entry out
 * @pool: pool that the caller takes the memory to be of
 * @mem: the memory
 * @copy: filled in with the entry, if there is one
 *
 * Return: TRACK_FOUND, and the entry is gone; or why it was not removed.
 */
enum track_found track_remove(struct bytepool *pool, const void *mem,
			      struct track *copy)
{
	struct track_bucket *bucket = track_bucket(mem);
	enum track_found found = TRACK_NONE;
	struct track *track;
	unsigned long flags;

	if (!lock_unless_held(&bucket->lock, &flags))
		return TRACK_BUSY;
	hlist_for_each_entry(track, &bucket->list, node) {
		if (track->mem != mem)
			continue;
		*copy = *track;
		found = TRACK_OTHER_POOL;
		if (track->pool == pool) {
			hlist_del(&track->node);
			found = TRACK_FOUND;
		}
		break;
	}
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	/* Not kfree(): slab may be off limits here. */
	if (found == TRACK_FOUND)
		big_free(track);
	return found;
}

/**
 * track_for_each() - look at all tracked memory of a pool
 * @pool: the pool
 * @look: called with each entry, under track_bucket.lock, interrupts off
 * @arg: for @look
 *
 * Context: may sleep.
 */
void track_for_each(struct bytepool *pool,
		    void (*look)(const struct track *track, void *arg),
		    void *arg)
{
	struct track *track;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tracks); i++) {
		raw_spin_lock_irqsave(&tracks[i].lock, flags);
		hlist_for_each_entry(track, &tracks[i].list, node)
			if (track->pool == pool)
				look(track, arg);
		raw_spin_unlock_irqrestore(&tracks[i].lock, flags);
		cond_resched();
	}
}

void track_module_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tracks); i++)
		raw_spin_lock_init(&tracks[i].lock);
}
