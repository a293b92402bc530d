/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - the objcache: constructed objects of a few classes, recycled
 *
 * A pool uses one objcache for its buffers with their payload attached, its raw
 * payloads and its spare handles, or for its typed objects. The words:
 *
 *	class		objects that are recycled among each other
 *	magazine	an array of idle objects of one class
 *	loaded, previous  the two magazines of a CPU and class; the CPU pops from
 *			and pushes to the loaded one
 *	CPU cache	what one CPU has of an objcache: magazines and counters
 *	CPU lock	keeps an interrupt out of its own CPU's cache: it is only
 *			tried, never waited for
 *	section		the time from cpu_trylock() to cpu_unlock()
 *	depot		full and empty magazines of one class on one node
 *	budget		how many bytes may be idle
 *	charge		take bytes off the budget for slots of a magazine; the
 *			slots are charged then, and uncharge is the inverse
 *	hit, miss	a get that an idle object serves, or a new one
 *	keep, drop	a put whose object becomes idle, or is destructed
 *	fill		make an object idle that was never out
 *	drain		destruct idle objects
 *	freeze, thaw	take a CPU's cache away from the CPU, for a drain
 *	park		leave an object to the worker
 *	pin		an object that is out keeps a killed objcache alive
 *	spare		a dead handle without payload, idle in a class of its own
 */
#ifndef _BYTEPOOL_OBJCACHE_H
#define _BYTEPOOL_OBJCACHE_H

#include <linux/jiffies.h>

#include "counts.h"
#include "cpu.h"
#include "depot.h"
#include "reclaim.h"
#include "shrink.h"
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

/* Result of a pop. */
enum pop {
	POP_DONE,
	POP_EMPTY, /* the CPU has no idle object of the class */
	POP_BUSY, /* the CPU lock is taken */
	POP_TOO_SMALL, /* the length does not fit: the tier is the next larger */
};

static __always_inline enum pop __objcache_pop(struct objcache *oc,
					       unsigned long ofs, size_t len,
					       bool counted, void **obj)
{
	struct cpu_cache *cache;
	struct cpu_class *cc;

	if (unlikely(!cpu_trylock_fast()))
		return POP_BUSY;
	/* No need to test for &no_cpu_cache: no length fits its classes. */
	cache = this_cpu_read_once(oc->cpu->cache);
	cc = cpu_class_at(cache, ofs);
	if (counted && unlikely(len > cc->size)) {
		cpu_unlock_fast();
		return POP_TOO_SMALL;
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
 * @oc: the objcache
 * @ofs: class_to_ofs() of the object's class
 * @len: length that the user asks for, in bytes, for the statistics
 * @obj: set to the object
 *
 * Context: any but NMI.
 * Return: POP_DONE, or why there is no object.
 */
static __always_inline enum pop
objcache_pop(struct objcache *oc, unsigned long ofs, size_t len, void **obj)
{
	return __objcache_pop(oc, ofs, len, true, obj);
}

/* Pop an object of bookkeeping: no length is counted. */
static inline bool objcache_pop_uncounted(struct objcache *oc,
					  unsigned long ofs, void **obj)
{
	return __objcache_pop(oc, ofs, 0, false, obj) == POP_DONE;
}

/**
 * objcache_pop_many() - take idle objects from this CPU's loaded magazine
 * @oc: the objcache
 * @ofs: class_to_ofs() of the objects' class
 * @len: length that the user asks for, in bytes; the class's objects fit it
 * @nr: number of objects wanted
 * @objs: filled in with the objects
 *
 * Context: any but NMI.
 * Return: number of objects; 0 if there are none or the CPU lock is taken.
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

/* Result of a push. */
enum push {
	PUSH_DONE,
	PUSH_FULL_LOCKED, /* no free slot; the caller holds the CPU lock */
	PUSH_BUSY, /* the CPU lock is taken */
};

/**
 * objcache_push_locked() - leave an idle object in this CPU's loaded magazine
 * @cpu: objcache.cpu
 * @ofs: class_to_ofs() of the object's class
 * @obj: the object
 * @cache: set to this CPU's cache; may be &no_cpu_cache
 *
 * After %PUSH_FULL_LOCKED the caller holds the CPU lock and leaves the section
 * by objcache_put_full(). After success nothing of the pool may be touched: it
 * may be gone.
 *
 * Context: any but NMI.
 * Return: PUSH_DONE, or why there was no slot.
 */
static __always_inline enum push
objcache_push_locked(struct objcache_cpu __percpu *cpu, unsigned long ofs,
		     void *obj, struct cpu_cache **cache)
{
	struct cpu_class *cc;

	if (unlikely(!cpu_trylock_fast()))
		return PUSH_BUSY;
	*cache = this_cpu_read_once(cpu->cache);
	cc = cpu_class_at(*cache, ofs);
	if (unlikely(cc->top >= cc->end))
		return PUSH_FULL_LOCKED;
	u64_stats_update_begin(&(*cache)->sync);
	cpu_add(cc, obj);
	u64_stats_update_end(&(*cache)->sync);
	cpu_unlock_fast();
	return PUSH_DONE;
}

/* Push to either magazine. A caller that fails does not hold the CPU lock. */
static __always_inline bool objcache_push(struct objcache *oc,
					  unsigned long ofs, void *obj)
{
	struct cpu_cache *cache;
	enum push push;

	push = objcache_push_locked(oc->cpu, ofs, obj, &cache);
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
 * Tell whether the depot has no objects, after POP_EMPTY. Racy: a stale answer
 * turns a hit into a miss.
 */
static inline bool depot_is_empty(struct objcache *oc, unsigned long ofs)
{
	struct cpu_cache *home = raw_cpu_read(oc->cpu->home);

	return likely(home) && !READ_ONCE(depot_at(home, ofs)->full);
}

/* Tell whether slots of the class are charged: some of them may be free. */
static inline bool cpu_has_charge(const struct cpu_class *cc)
{
	return cc->loaded->charged | cc->cold->previous->charged;
}

/*
 * When the budget is tight, uncharge the free slots of a class that has just
 * missed, so that other classes can use them. Returns bytes.
 */
static inline size_t cpu_uncharge_if_tight(struct objcache *oc,
					   struct cpu_class *cc)
{
	return unlikely(cpu_has_charge(cc)) && budget_is_tight(oc->budget) ?
		       cpu_uncharge_slots(cc) :
		       0;
}

/**
 * objcache_try_count_miss() - count a get that is served with a new object
 * @oc: the objcache
 * @ofs: class_to_ofs() of the class that the get counts for
 * @len: length that the user asks for, in bytes
 *
 * Return: false, and nothing counted, if the CPU has no cache to use, which is
 * so in a dead pool, too. The caller calls objcache_count_miss() then.
 */
static inline bool objcache_try_count_miss(struct objcache *oc,
					   unsigned long ofs, size_t len)
{
	struct cpu_cache *cache;
	struct cpu_class *cc;
	size_t bytes;

	if (unlikely(!cpu_cache_trylock(oc, &cache)))
		return false;
	cc = cpu_class_at(cache, ofs);
	bytes = cpu_uncharge_if_tight(oc, cc);
	cpu_count_miss(cache, cc, cc->cold, len);
	cpu_cache_unlock(cache);
	budget_uncharge(oc->budget, bytes);
	return true;
}

/**
 * objcache_count_miss_and_take() - count a miss, and take a spare object for it
 * @oc: the objcache
 * @ofs: class_to_ofs() of the class that the miss counts for
 * @len: length that the user asks for, in bytes
 * @spare: class_to_ofs() of the spare object's class
 * @obj: set to the spare object
 *
 * One section does both, because a miss has to cost little more than slab.
 *
 * Return: false, and nothing counted, if the loaded magazine has no spare
 * object, or slots of the class are charged.
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
	/* No need to test for &no_cpu_cache: it has no spare object. */
	cache = this_cpu_read_once(oc->cpu->cache);
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
 * objcache_may_drop() - tell whether an object can be dropped at once
 * @oc: the objcache
 * @cache: this CPU's cache, after %PUSH_FULL_LOCKED
 * @ofs: class_to_ofs() of the object's class
 *
 * True if no slot is to be had: the budget is exhausted, no empty magazine in
 * the depot has charged slots, and objcache_reclaim() has run in this tick. False
 * while memory is awaited: objcache_put_slow() tells of it.
 * Never true in &no_cpu_cache, which has no depots: the size of its classes is 0.
 */
static inline bool objcache_may_drop(struct objcache *oc,
				     struct cpu_cache *cache, unsigned long ofs)
{
	return atomic_long_read(&oc->budget->avail) <
		       (long)cpu_class_at(cache, ofs)->size &&
	       !READ_ONCE(depot_at(cache, ofs)->keeps) && !reclaim_due(cache);
}

/**
 * cpu_drop() - count a put whose object is not kept, and release the CPU lock
 * @cache: this CPU's cache, after objcache_may_drop()
 * @ofs: class_to_ofs() of the object's class
 *
 * The put is counted before the object is freed, because memory that is back
 * with slab is not in use. Preemption stays off until the caller has freed the
 * object: objcache_kill() waits for that.
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
 * cpu_drop_keep_handle() - cpu_drop(), but keep the handle as a spare one
 * @cache: this CPU's cache, after objcache_may_drop()
 * @ofs: class_to_ofs() of the object's class
 * @spare: class_to_ofs() of spare handles
 * @obj: the handle
 *
 * Return: false, and nothing done, if the loaded magazine has no free slot.
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
 * @cache: this CPU's cache, after %PUSH_FULL_LOCKED
 * @ofs: class_to_ofs() of the object's class
 * @obj: the object
 * @oc: the objcache
 * @drop: takes the object apart if no slot is to be had: calls cpu_drop() or
 *	cpu_drop_keep_handle(), frees the memory, and enables preemption; or
 *	does nothing and returns false. The function is a constant, so that the
 *	compiler inlines it, as in rb_add()
 *
 * Buffers and raw memory leave the section after %PUSH_FULL_LOCKED by this alone;
 * objcache_push() drops nothing, and leaves by itself. Releases the CPU lock.
 *
 * Return: false if the object is still the caller's, for objcache_put_slow().
 * After success nothing of the pool may be touched: it may be gone.
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
