/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - what is done under the lock of a CPU's part of an objcache
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

/* Where a CPU's share of a class is in its cache, in bytes. */
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

/* The class's depot. */
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

/**
 * cpu_cache_trylock() - enter this CPU's section of an object pool
 * @oc: the object pool
 * @cache: set to this CPU's cache
 *
 * Disables preemption and sets the CPU's busy mark. All tests of what the mark
 * protects come after this. Nothing may sleep or lock inside.
 *
 * Preemption off is an RCU read-side section: a drain replaces objcache_cpu.cache
 * and waits a grace period for those inside.
 *
 * Return: true; false where there is no cache to be used, preemption being
 * enabled then.
 */
static __always_inline bool cpu_cache_trylock(struct objcache *oc,
					      struct cpu_cache **cache)
{
	if (unlikely(!cpu_trylock()))
		return false;
	*cache = __this_cpu_read(oc->cpu->cache);
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
	/* One instruction; who reads it early misses the newest length. */
	data_race(cache->recent_pos++);
}

/*
 * Notes how many objects the loaded magazine has, for who looks at magazines,
 * and the inverse. Inside the CPU's section, as all that follows.
 */
static inline void cpu_save_nr(struct cpu_class *cc)
{
	struct magazine *mag = cc->loaded;
	unsigned long nr = ((unsigned long)cc->top - (unsigned long)mag->obj) /
			   sizeof(*cc->top);

	/*
	 * Where a process has forked in the middle of an exchange, the child's
	 * top is another magazine's. &no_magazine is never written.
	 */
	if (nr <= mag->cap && nr != mag->nr)
		mag->nr = nr;
}

static inline void cpu_reload(struct cpu_class *cc)
{
	struct magazine *mag = cc->loaded;

	cc->top = mag->obj + mag->nr;
	cc->end = mag->obj + mag->charged;
}

/* Exchanges a CPU's two, of which the loaded one has @nr objects. */
static __always_inline void cpu_exchange(struct cpu_class *cc, unsigned int nr)
{
	struct magazine *mag = cc->cold->previous, *out = cc->loaded;

	/* As in cpu_save_nr(). */
	if (out->nr != nr)
		out->nr = nr;
	cc->cold->previous = out;
	cc->loaded = mag;
	barrier();
	cpu_reload(cc);
}

/* Whether there is something to be taken from cc->loaded now. */
static inline bool cpu_can_pop(struct cpu_class *cc)
{
	if (cc->top[-1])
		return true;
	if (!cc->cold->previous->nr)
		return false;
	cpu_exchange(cc, 0);
	return true;
}

/* Takes one of those. */
static __always_inline void *cpu_take(struct cpu_class *cc)
{
	void *obj = cc->top[-1];

	/* As in cpu_add(): what is counted is there. */
	barrier();
	cc->top--;
	u64_stats_inc(&cc->hit);
	return obj;
}

/* Whether the loaded magazine is full, and the other one has room. */
static inline bool cpu_can_exchange_full(struct cpu_cache *cache,
					 unsigned long ofs)
{
	const struct cpu_class *cc = cpu_class_at(cache, ofs);

	return cc->top == cc->loaded->obj + cc->loaded->cap &&
	       cc->cold->previous->nr < cc->cold->previous->charged;
}

/*
 * Leaves an object in a place that is vacant. The object first: a process may
 * fork in between, in userspace, and in the child whatever a magazine counts
 * is destructed.
 */
static __always_inline void cpu_add(struct cpu_class *cc, void *obj)
{
	*cc->top = obj;
	barrier();
	cc->top++;
	u64_stats_inc(&cc->kept);
}

/* Counts a get that was served with a fresh object; @cold is the class's. */
static inline void cpu_count_miss(struct cpu_cache *cache, struct cpu_class *cc,
				  struct cpu_cold *cold, size_t len)
{
	u64_stats_inc(&cold->miss);
	u64_stats_add(&cc->requested, len);
	cpu_note_length(cache, len);
}

#endif /* _BYTEPOOL_OBJCACHE_CPU_H */
