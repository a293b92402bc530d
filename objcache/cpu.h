/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - one CPU's part of an objcache
 *
 * From cpu_save_nr() on, all functions are called under the CPU lock.
 *
 * Order of stores, for fork(): a child may find what a thread that it does not
 * have has left behind in the middle of a section, because that thread may stand
 * still there for as long as it likes. A child destructs what it finds, so that
 * after each store a class is sound, but for objects that are lost:
 *
 *	cpu_add() writes an object before it counts the object.
 *	cpu_take() reads an object before it gives the slot away.
 *	cpu_exchange() changes the magazines before cpu_class.top: in between, top
 *	is of the other magazine, and cpu_save_nr() does not believe it. In the
 *	middle, one magazine may be both: free_magazines() frees it once.
 *
 * Nothing of it costs an instruction on a hit, nor is it of use in the kernel.
 */
#ifndef _BYTEPOOL_OBJCACHE_CPU_H
#define _BYTEPOOL_OBJCACHE_CPU_H

#include <linux/jiffies.h>

#include "types.h"

static __always_inline void recent_note(struct recent_length *recent,
					size_t len)
{
	WRITE_ONCE(recent->len, len);
	WRITE_ONCE(recent->when, jiffies);
}

/* Byte offset of a class in struct cpu_cache: an index without a multiply. */
static inline unsigned int class_to_ofs(unsigned int class)
{
	return offsetof(struct cpu_cache, class) +
	       class * sizeof(struct cpu_class);
}

static inline unsigned long ofs_to_class(unsigned long ofs)
{
	return (ofs - offsetof(struct cpu_cache, class)) /
	       sizeof(struct cpu_class);
}

static __always_inline struct depot *depot_at(const struct cpu_cache *cache,
					      unsigned long ofs)
{
	return cache->depots + ofs_to_class(ofs);
}

static __always_inline struct cpu_class *cpu_class_at(struct cpu_cache *cache,
						      unsigned long ofs)
{
	return (void *)cache + ofs;
}

/* The cache of any CPU; NULL before the CPU's first miss. */
static inline struct cpu_cache *cpu_home(const struct objcache *oc,
					 unsigned int cpu)
{
	/* Pairs with the cmpxchg() in make_cpu_cache(). */
	return smp_load_acquire(&per_cpu_ptr(oc->cpu, cpu)->home);
}

/**
 * cpu_cache_trylock() - lock this CPU's cache
 * @oc: the objcache
 * @cache: set to this CPU's cache
 *
 * Disables preemption and takes the CPU lock. Every test of the cache comes
 * after this. The section may neither sleep nor take a lock.
 *
 * The section is an RCU read-side section, because preemption is off: a drain
 * replaces objcache_cpu.cache in freeze_cpus(), and waits a grace period for
 * the sections that still use it.
 *
 * Return: true; false, with preemption enabled, if the lock is taken or the CPU
 * has no cache to use.
 */
static __always_inline bool cpu_cache_trylock(struct objcache *oc,
					      struct cpu_cache **cache)
{
	if (unlikely(!cpu_trylock()))
		return false;
	*cache = this_cpu_read_once(oc->cpu->cache);
	if (likely(*cache != &no_cpu_cache)) {
		u64_stats_update_begin(&(*cache)->sync);
		return true;
	}
	cpu_unlock();
	return false;
}

static __always_inline void cpu_cache_unlock(struct cpu_cache *cache)
{
	u64_stats_update_end(&cache->sync);
	cpu_unlock();
}

static __always_inline void cpu_note_length(struct cpu_cache *cache, size_t len)
{
	recent_note(cache->recent + cache->recent_pos, len);
	/* One instruction. A reader that is early misses the newest length. */
	data_race(cache->recent_pos++);
}

/*
 * Sync ->nr of the loaded magazine with the top pointer before anyone else
 * reads it; cpu_reload() is the inverse.
 */
static inline void cpu_save_nr(struct cpu_class *cc)
{
	struct magazine *mag = cc->loaded;
	unsigned long nr = ((unsigned long)cc->top - (unsigned long)mag->obj) /
			   sizeof(*cc->top);

	/* &no_magazine is never written. "nr <= cap" is for fork(): see above. */
	if (nr <= mag->cap && nr != mag->nr)
		mag->nr = nr;
}

static inline void cpu_reload(struct cpu_class *cc)
{
	struct magazine *mag = cc->loaded;

	cc->top = mag->obj + mag->nr;
	cc->end = mag->obj + mag->charged;
}

/* Exchange the two magazines. The loaded one has @nr objects. */
static __always_inline void cpu_exchange(struct cpu_class *cc, unsigned int nr)
{
	struct magazine *mag = cc->cold->previous, *out = cc->loaded;

	/* &no_magazine is never written: its nr is 0, as @nr is then. */
	if (out->nr != nr)
		out->nr = nr;
	cc->cold->previous = out;
	cc->loaded = mag;
	/* See "Order of stores". */
	barrier();
	cpu_reload(cc);
}

/* Make the loaded magazine one that has objects, if either has. */
static inline bool cpu_can_pop(struct cpu_class *cc)
{
	if (cc->top[-1])
		return true;
	if (!cc->cold->previous->nr)
		return false;
	cpu_exchange(cc, 0);
	return true;
}

/* Pop from the loaded magazine, after cpu_can_pop(). */
static __always_inline void *cpu_take(struct cpu_class *cc)
{
	void *obj = cc->top[-1];

	/* Read the slot before it is free: see "Order of stores". */
	barrier();
	cc->top--;
	u64_stats_inc(&cc->hit);
	return obj;
}

/* Tell whether the loaded magazine is full, and the other one has a slot. */
static inline bool cpu_can_exchange_full(struct cpu_cache *cache,
					 unsigned long ofs)
{
	const struct cpu_class *cc = cpu_class_at(cache, ofs);

	return cc->top == cc->loaded->obj + cc->loaded->cap &&
	       cc->cold->previous->nr < cc->cold->previous->charged;
}

/* Push to a free slot. */
static __always_inline void cpu_add(struct cpu_class *cc, void *obj)
{
	*cc->top = obj;
	/* See "Order of stores". */
	barrier();
	cc->top++;
	u64_stats_inc(&cc->kept);
}

/* Count a get that is served with a new object; @cold is of class @cc. */
static inline void cpu_count_miss(struct cpu_cache *cache, struct cpu_class *cc,
				  struct cpu_cold *cold, size_t len)
{
	u64_stats_inc(&cold->miss);
	u64_stats_add(&cc->requested, len);
	cpu_note_length(cache, len);
}

#endif /* _BYTEPOOL_OBJCACHE_CPU_H */
