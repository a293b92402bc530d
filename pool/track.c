// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - memory that is tracked by its address
 *
 * Memory that is no object of a tier's slab cache does not tell where it comes
 * from, so it is entered in a table by its address: raw memory that is larger
 * than any tier or from vmalloc(). Checked pools enter all of their raw memory.
 *
 * The table grows by levels, each 32 times as large as the last one. Entries are
 * added to the highest level, and stay where they are, so that a level needs no
 * rehashing: a look-up goes through all levels, of which each has few entries in
 * a chain. The work item track_work adds a level once the highest one is full.
 * It frees a level that is empty once the one below is at most half full. (No
 * rhashtable: on Linux 6.1 its locks do not keep interrupts out.)
 *
 * A look-up takes no lock, so that an NMI can look: entries are freed by RCU.
 * Who sets track.put_by owns the entry, and removes it.
 */

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "pool.h"

/* Buckets of the lowest level, of a level more, and levels at most. */
#define TRACK_BITS	10
#define TRACK_BITS_STEP 5
#define TRACK_LEVELS	3

/* Entries for each bucket at which a level is full. */
#define TRACK_LOAD 2

#define LOCK_BITS 8

struct track_level {
	unsigned int bits;
	atomic_long_t nr; /* entries */
	struct hlist_head *buckets;
};

static struct hlist_head lowest_buckets[1 << TRACK_BITS];

static struct track_level lowest = {
	.bits = TRACK_BITS,
	.buckets = lowest_buckets,
};

/* Levels that exist; read under RCU. */
static struct track_level *levels[TRACK_LEVELS] = { &lowest };

/* Index of the level that entries are added to; read under RCU. */
static unsigned int top_level;

/* Keeps levels from coming and going; taken with no other lock of ours held. */
static DEFINE_MUTEX(track_mutex);

/* Each protects the buckets of all levels that share some bits of the hash. */
static raw_spinlock_t track_locks[1 << LOCK_BITS];

static u32 track_hash(const void *mem)
{
	return hash_ptr(mem, 32);
}

static raw_spinlock_t *track_lock(u32 hash)
{
	return &track_locks[hash >> (32 - LOCK_BITS)];
}

static struct hlist_head *track_bucket(struct track_level *level, u32 hash)
{
	return &level->buckets[hash >> (32 - level->bits)];
}

static bool level_is_full(const struct track_level *level)
{
	return atomic_long_read(&level->nr) > (long)TRACK_LOAD << level->bits;
}

static bool level_is_half_full(const struct track_level *level)
{
	return atomic_long_read(&level->nr) > (long)TRACK_LOAD << level->bits >>
	       1;
}

/* Under RCU, or with track_mutex held. */
static struct track_level *level_at(unsigned int i)
{
	return READ_ONCE(levels[i]);
}

/* Tell whether a level can be added above the highest one, and has to be. */
static bool must_grow(unsigned int top)
{
	return top + 1 < TRACK_LEVELS && level_is_full(level_at(top));
}

/* Tell whether the highest level is not needed. */
static bool may_shrink(unsigned int top)
{
	return top && !atomic_long_read(&level_at(top)->nr) &&
	       !level_is_half_full(level_at(top - 1));
}

/* === Levels that come and go === */

static struct track_level *level_alloc(unsigned int bits)
{
	struct track_level *level = kzalloc(sizeof(*level), GFP_KERNEL);

	if (!level)
		return NULL;
	level->bits = bits;
	level->buckets = kvzalloc(sizeof(*level->buckets) << bits,
				  GFP_KERNEL | __GFP_NOWARN);
	if (level->buckets)
		return level;
	kfree(level);
	return NULL;
}

static void level_free(struct track_level *level)
{
	kvfree(level->buckets);
	kfree(level);
}

/* Returns false without memory. */
static bool track_grow(unsigned int top)
{
	struct track_level *level = levels[top];

	level = level_alloc(level->bits + TRACK_BITS_STEP);
	if (!level)
		return false;
	/* Pairs with the dependency through the pointer in track_find(). */
	smp_store_release(&levels[top + 1], level);
	/* Pairs with the dependency through the index in track_add(). */
	smp_store_release(&top_level, top + 1);
	return true;
}

/* Returns false if the level is in use again. */
static bool track_shrink(unsigned int top)
{
	struct track_level *level = levels[top];

	WRITE_ONCE(top_level, top - 1);
	/* Wait for those who add to the level. */
	synchronize_rcu();
	if (atomic_long_read(&level->nr)) {
		WRITE_ONCE(top_level, top);
		return false;
	}
	WRITE_ONCE(levels[top], NULL);
	/* Wait for those who look in it. */
	synchronize_rcu();
	level_free(level);
	return true;
}

static void track_work_fn(struct work_struct *work)
{
	unsigned int noio = mutex_lock_noio(&track_mutex);
	bool changed;

	do {
		changed = false;
		if (must_grow(top_level))
			changed = track_grow(top_level);
		else if (may_shrink(top_level))
			changed = track_shrink(top_level);
	} while (changed);
	mutex_unlock_noio(&track_mutex, noio);
}

static DECLARE_WORK(track_work, track_work_fn);

/* === Entries === */

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
 */
void track_add(struct track *track)
{
	u32 hash = track_hash(track->mem);
	struct track_level *level;
	unsigned long flags;
	unsigned int top;
	bool full;

	rcu_read_lock();
	raw_spin_lock_irqsave(track_lock(hash), flags);
	top = READ_ONCE(top_level);
	level = level_at(top);
	track->level = top;
	hlist_add_head_rcu(&track->node, track_bucket(level, hash));
	raw_spin_unlock_irqrestore(track_lock(hash), flags);
	atomic_long_inc(&level->nr);
	full = must_grow(top);
	rcu_read_unlock();
	if (full)
		queue_work(bytepool_wq, &track_work);
}

/**
 * track_find() - look for memory in all levels
 * @mem: the memory
 *
 * Context: any, under RCU.
 * Return: the entry, or NULL.
 */
struct track *track_find(const void *mem)
{
	u32 hash = track_hash(mem);
	struct track_level *level;
	struct track *track;
	int i;

	for (i = TRACK_LEVELS - 1; i >= 0; i--) {
		level = level_at(i);
		if (!level)
			continue;
		hlist_for_each_entry_rcu(track, track_bucket(level, hash), node)
			if (track->mem == mem)
				return track;
	}
	return NULL;
}

/**
 * track_remove() - take an entry out
 * @track: the entry, which is the caller's, to be freed by kfree_rcu()
 */
void track_remove(struct track *track)
{
	raw_spinlock_t *lock = track_lock(track_hash(track->mem));
	unsigned long flags;
	bool shrink;

	rcu_read_lock();
	raw_spin_lock_irqsave(lock, flags);
	hlist_del_rcu(&track->node);
	raw_spin_unlock_irqrestore(lock, flags);
	atomic_long_dec(&level_at(track->level)->nr);
	shrink = may_shrink(READ_ONCE(top_level));
	rcu_read_unlock();
	if (shrink)
		queue_work(bytepool_wq, &track_work);
}

static void look_at_bucket(struct track_level *level, unsigned int i,
			   struct bytepool *pool,
			   void (*look)(struct track *track, void *arg),
			   void *arg)
{
	raw_spinlock_t *lock;
	struct track *track;
	unsigned long flags;

	lock = &track_locks[i >> (level->bits - LOCK_BITS)];
	raw_spin_lock_irqsave(lock, flags);
	hlist_for_each_entry(track, &level->buckets[i], node)
		if (track->pool == pool)
			look(track, arg);
	raw_spin_unlock_irqrestore(lock, flags);
}

static bool look_at_level(struct track_level *level, struct bytepool *pool,
			  void (*look)(struct track *track, void *arg),
			  bool (*next)(void *arg), void *arg)
{
	unsigned int i;

	for (i = 0; i < 1U << level->bits; i++) {
		/* Racy: what is added or removed meanwhile may be missed. */
		if (hlist_empty(&level->buckets[i]))
			continue;
		look_at_bucket(level, i, pool, look, arg);
		if (!next(arg))
			return false;
	}
	return true;
}

/**
 * track_for_each() - look at all tracked memory of a pool
 * @pool: the pool, of which memory is tracked
 * @look: called with each entry, under its lock, interrupts off
 * @next: called between buckets, where it may sleep; returns false to stop
 * @arg: for both
 *
 * Context: may sleep.
 */
void track_for_each(struct bytepool *pool,
		    void (*look)(struct track *track, void *arg),
		    bool (*next)(void *arg), void *arg)
{
	unsigned int noio = mutex_lock_noio(&track_mutex);
	unsigned int i;

	for (i = 0; i < TRACK_LEVELS; i++)
		if (levels[i] && atomic_long_read(&levels[i]->nr) &&
		    !look_at_level(levels[i], pool, look, next, arg))
			break;
	mutex_unlock_noio(&track_mutex, noio);
}

void track_module_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(track_locks); i++)
		raw_spin_lock_init(&track_locks[i]);
}

void track_module_exit(void)
{
	unsigned int i;

	cancel_work_sync(&track_work);
	for (i = 1; i < TRACK_LEVELS; i++)
		if (levels[i])
			level_free(levels[i]);
}
