/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - the objcache: constructed objects of a few classes, recycled
 *
 * Used three times: for buffers with their payload attached, for raw payloads,
 * and for typed objects. See objcache.c.
 */
#ifndef _BYTEPOOL_OBJCACHE_H
#define _BYTEPOOL_OBJCACHE_H

#include <linux/jiffies.h>

#include "counts.h"
#include "cpu.h"
#include "depot.h"
#include "reclaim.h"
#include "types.h"

int objcache_init(struct objcache *oc, unsigned int nr_classes,
		  const struct objcache_ops *ops, struct idle_budget *budget,
		  bool bypass);
void objcache_set_class(struct objcache *oc, unsigned int class, size_t size);
void objcache_set_class_uncharged(struct objcache *oc, unsigned int class);
bool objcache_start(struct objcache *oc, gfp_t gfp);
void objcache_kill(struct objcache *oc);
void objcache_reap(struct objcache *oc);
void objcache_exit(struct objcache *oc);
void objcache_put_slow(struct objcache *oc, unsigned int class, void *obj);
bool objcache_fill(struct objcache *oc, unsigned int class, void *obj);
void *objcache_get_slow(struct objcache *oc, unsigned int class, size_t len,
			gfp_t gfp);
void *objcache_get_uncounted(struct objcache *oc, unsigned int class);
bool objcache_put_uncounted(struct objcache *oc, unsigned int class, void *obj);
bool objcache_count_miss(struct objcache *oc, unsigned int class, size_t len,
			 gfp_t gfp);
void *objcache_get(struct objcache *oc, unsigned int class, size_t len,
		   gfp_t gfp);
void objcache_put(struct objcache *oc, unsigned int class, void *obj);
void cpu_push_other(struct cpu_cache *cache, unsigned long ofs, void *obj);
int objcache_module_init(void);
void objcache_module_exit(void);

/* How far a pop has got. */
enum pop {
	POP_DONE,
	POP_EMPTY, /* this CPU has none */
	POP_OTHER, /* somebody is inside, or the class's objects are smaller */
};

static __always_inline enum pop __objcache_pop(struct objcache *oc,
					       unsigned long ofs, size_t len,
					       bool counted, void **obj)
{
	struct cpu_cache *cache;
	struct cpu_class *cc;

	if (unlikely(!cpu_trylock_fast()))
		return POP_OTHER;
	/* As cpu_cache_trylock(), but the objects of &no_cpu_cache have no size anyway. */
	cache = __this_cpu_read(oc->cpu->cache);
	cc = cpu_class_at(cache, ofs);
	if (counted && unlikely(len > cc->size)) {
		cpu_unlock_fast();
		return POP_OTHER;
	}
	if (unlikely(!cc->top[-1]) && !cpu_can_pop(cc)) {
		cpu_unlock_fast();
		return POP_EMPTY;
	}
	u64_stats_update_begin(&cache->sync);
	*obj = cpu_take(cc);
	if (counted) {
		u64_stats_add(&cc->requested, len);
		cpu_note_length(cache, len);
	}
	u64_stats_update_end(&cache->sync);
	cpu_unlock_fast();
	return POP_DONE;
}

/**
 * objcache_pop() - take an idle object from this CPU's magazines
 * @oc: the object pool
 * @ofs: class_to_ofs() of its class
 * @len: length asked for, for the statistics
 * @obj: set to the object
 *
 * Context: any but NMI.
 * Return: how far it has got.
 */
static __always_inline enum pop
objcache_pop(struct objcache *oc, unsigned long ofs, size_t len, void **obj)
{
	return __objcache_pop(oc, ofs, len, true, obj);
}

/* The same for objects that are no user's, and are not counted as lengths. */
static inline bool objcache_pop_uncounted(struct objcache *oc,
					  unsigned long ofs, void **obj)
{
	return __objcache_pop(oc, ofs, 0, false, obj) == POP_DONE;
}

/**
 * objcache_pop_many() - take idle objects from this CPU's loaded magazine
 * @oc: the object pool
 * @ofs: class_to_ofs() of their class
 * @len: length asked for, for the statistics, which its objects fit
 * @nr: how many
 * @objs: filled in
 *
 * Context: any but NMI.
 * Return: how many there were; 0 also if the mark is set.
 */
static inline unsigned int objcache_pop_many(struct objcache *oc,
					     unsigned int ofs, size_t len,
					     unsigned int nr, void **objs)
{
	struct cpu_cache *cache;
	struct cpu_class *cc;
	unsigned int i;

	if (!cpu_cache_trylock(oc, &cache))
		return 0;
	cc = cpu_class_at(cache, ofs);
	for (i = 0; i < nr && cc->top[-1]; i++) {
		objs[i] = cpu_take(cc);
		cpu_note_length(cache, len);
	}
	u64_stats_add(&cc->requested, i * len);
	cpu_cache_unlock(cache);
	return i;
}

/* How far a push has got. */
enum push {
	PUSH_DONE,
	PUSH_FULL_LOCKED, /* no room; the caller is still inside the CPU's section */
	PUSH_BUSY, /* somebody is inside */
};

/**
 * objcache_push_inside() - leave an idle object in this CPU's loaded magazine
 * @cpu: of the object pool
 * @ofs: class_to_ofs() of its class
 * @obj: the object
 * @cache: set to this CPU's cache, which the caller of a push that finds no
 *	room is inside of, and leaves by cpu_unlock(); may be &no_cpu_cache
 *
 * Nothing of the pool may be touched after success: it may be gone.
 *
 * Context: any but NMI.
 * Return: how far it has got.
 */
static __always_inline enum push
objcache_push_inside(struct objcache_cpu __percpu *cpu, unsigned long ofs,
		     void *obj, struct cpu_cache **cache)
{
	struct cpu_class *cc;

	if (unlikely(!cpu_trylock_fast()))
		return PUSH_BUSY;
	*cache = __this_cpu_read(cpu->cache);
	cc = cpu_class_at(*cache, ofs);
	if (unlikely(cc->top >= cc->end))
		return PUSH_FULL_LOCKED;
	u64_stats_update_begin(&(*cache)->sync);
	cpu_add(cc, obj);
	u64_stats_update_end(&(*cache)->sync);
	cpu_unlock_fast();
	return PUSH_DONE;
}

/* In either magazine; whoever fails is outside of the section again. */
static __always_inline bool objcache_push(struct objcache *oc,
					  unsigned long ofs, void *obj)
{
	struct cpu_cache *cache;
	enum push push;

	push = objcache_push_inside(oc->cpu, ofs, obj, &cache);
	if (likely(push == PUSH_DONE))
		return true;
	if (push == PUSH_FULL_LOCKED && cpu_can_exchange_full(cache, ofs)) {
		cpu_push_other(cache, ofs, obj);
		return true;
	}
	if (push == PUSH_FULL_LOCKED)
		cpu_unlock();
	return false;
}

/*
 * Whether the depot has nothing idle either, after a pop that failed. With late
 * news of it a get is a miss.
 */
static inline bool depot_is_empty(struct objcache *oc, unsigned long ofs)
{
	struct cpu_cache *home = raw_cpu_read(oc->cpu->home);

	return likely(home) && !READ_ONCE(depot_at(home, ofs)->full);
}

/* Whether a class has a share of the budget for slots that may be vacant. */
static inline bool cpu_has_charge(const struct cpu_class *cc)
{
	return cc->loaded->charged | cc->cold->previous->charged;
}

/* Where the budget is scarce, theirs is wanted where these objects are put. */
static inline size_t cpu_uncharge_if_tight(struct objcache *oc,
					   struct cpu_class *cc)
{
	return unlikely(cpu_has_charge(cc)) && budget_is_tight(oc->budget) ?
		       cpu_uncharge_slots(cc) :
		       0;
}

/**
 * objcache_try_count_miss() - count a get that is served with a fresh object
 * @oc: the object pool
 * @ofs: class_to_ofs() of the class that it counts for
 * @len: length asked for
 *
 * Return: false, and nothing counted, if this CPU's cache is out of reach, as
 * all are when the pool is dead. Then it is for objcache_count_miss().
 */
static inline bool objcache_try_count_miss(struct objcache *oc,
					   unsigned long ofs, size_t len)
{
	struct cpu_cache *cache;
	struct cpu_class *cc;
	size_t vacant;

	if (unlikely(!cpu_cache_trylock(oc, &cache)))
		return false;
	cc = cpu_class_at(cache, ofs);
	vacant = cpu_uncharge_if_tight(oc, cc);
	cpu_count_miss(cache, cc, cc->cold, len);
	cpu_cache_unlock(cache);
	budget_uncharge(oc->budget, vacant);
	return true;
}

/**
 * objcache_count_miss_and_take() - count a miss, and take a spare object for it
 * @oc: the object pool
 * @ofs: class_to_ofs() of the class that the miss counts for
 * @len: length asked for
 * @spare: class_to_ofs() of the other object
 * @obj: set to that
 *
 * Both in one section: a miss is to cost little more than slab.
 *
 * Return: false, and nothing counted, if this CPU has none at hand, or has
 * vacant slots.
 */
static inline bool objcache_count_miss_and_take(struct objcache *oc,
						unsigned long ofs, size_t len,
						unsigned long spare, void **obj)
{
	struct cpu_class *cc, *other;
	struct cpu_cache *cache;
	struct cpu_cold *cold;

	if (unlikely(!cpu_trylock()))
		return false;
	/* As cpu_cache_trylock(), but &no_cpu_cache has none at hand anyway. */
	cache = __this_cpu_read(oc->cpu->cache);
	cc = cpu_class_at(cache, ofs);
	other = cpu_class_at(cache, spare);
	cold = cc->cold;
	if (unlikely(cpu_has_charge(cc)) || unlikely(!other->top[-1])) {
		cpu_unlock();
		return false;
	}
	u64_stats_update_begin(&cache->sync);
	*obj = cpu_take(other);
	cpu_count_miss(cache, cc, cold, len);
	cpu_cache_unlock(cache);
	return true;
}

/**
 * objcache_may_drop() - whether it is no use to look for an object's place
 * @oc: the object pool
 * @cache: this CPU's, after %PUSH_FULL_LOCKED
 * @ofs: class_to_ofs() of the object's class
 *
 * The budget is exhausted, the depot has no empty magazine with a share of it,
 * and it is not yet time to look for what rests, or for slots of this CPU's
 * that are out of sight of its loaded magazine. Not in &no_cpu_cache, whose objects
 * have no size: there may be no depot.
 */
static inline bool objcache_may_drop(struct objcache *oc,
				     struct cpu_cache *cache, unsigned long ofs)
{
	return atomic_long_read(&oc->budget->avail) <
		       (long)cpu_class_at(cache, ofs)->size &&
	       !READ_ONCE(depot_at(cache, ofs)->has_charge) &&
	       !reclaim_due(cache);
}

/**
 * cpu_drop() - count a put whose object is not kept, and release the CPU lock
 * @cache: this CPU's, after objcache_may_drop()
 * @ofs: class_to_ofs() of the object's class
 *
 * Counted first: what is back with slab is not in use. Preemption stays off,
 * which objcache_kill() waits for: the caller enables it once the object is
 * gone.
 */
static inline void cpu_drop(struct cpu_cache *cache, unsigned long ofs)
{
	cpu_lock_assert_held();
	u64_stats_update_begin(&cache->sync);
	u64_stats_inc(&cpu_class_at(cache, ofs)->cold->dropped);
	u64_stats_update_end(&cache->sync);
	__cpu_unlock();
}

/**
 * cpu_drop_keep_handle() - the same, and keep what is left of the object
 * @cache: this CPU's
 * @ofs: class_to_ofs() of the object's class
 * @spare: class_to_ofs() of what is left
 * @obj: what is left
 *
 * Return: false, and nothing done, if there is no room at hand.
 */
static inline bool cpu_drop_keep_handle(struct cpu_cache *cache,
					unsigned long ofs, unsigned long spare,
					void *obj)
{
	struct cpu_class *cc = cpu_class_at(cache, spare);

	if (unlikely(cc->top >= cc->end))
		return false;
	u64_stats_update_begin(&cache->sync);
	cpu_add(cc, obj);
	u64_stats_update_end(&cache->sync);
	cpu_drop(cache, ofs);
	return true;
}

/**
 * objcache_put_full() - give away an object that this CPU has no room for
 * @cache: this CPU's, after %PUSH_FULL_LOCKED
 * @ofs: class_to_ofs() of the object's class
 * @obj: the object
 * @oc: the objcache
 * @drop: takes the object apart, where there is no room anywhere: calls
 *	cpu_drop() or cpu_drop_keep_handle(), frees what is left, and enables
 *	preemption; or returns false and does nothing. A constant, so that the
 *	compiler makes it part of the caller
 *
 * The one way out of the section that a push which found no room is still
 * inside of.
 *
 * Return: false if the object is still the caller's, for objcache_put_slow();
 * on success nothing of the pool may be touched: it may be gone.
 */
static __always_inline bool
objcache_put_full(struct cpu_cache *cache, unsigned long ofs, void *obj,
		  struct objcache *oc,
		  bool (*drop)(struct cpu_cache *cache, unsigned long ofs,
			       void *obj, struct objcache *oc))
{
	cpu_lock_assert_held();
	if (cpu_can_exchange_full(cache, ofs)) {
		cpu_push_other(cache, ofs, obj);
		return true;
	}
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) &&
	    objcache_may_drop(oc, cache, ofs) && drop(cache, ofs, obj, oc))
		return true;
	cpu_unlock();
	return false;
}

#endif /* _BYTEPOOL_OBJCACHE_H */
