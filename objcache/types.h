/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - the types of the objcache; see objcache.h
 */
#ifndef _BYTEPOOL_OBJCACHE_TYPES_H
#define _BYTEPOOL_OBJCACHE_TYPES_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>

/* How many of the lengths served last are remembered: an u8 wraps there. */
#define RECENT_LENGTHS 256

/* The most classes that an object pool can have. */
#define OBJCACHE_MAX_CLASSES 65

/**
 * struct magazine - constructed objects that move together
 * @next: the next one in a depot's list
 * @nr: how many objects there are; while a CPU has it loaded, cpu_class.top
 *	tells
 * @charged: how many there may be: so many slots are charged to the idle
 *	budget. A pop and a push of the same slot need no accounting
 * @cap: how many there is room for
 * @seen: gets and puts of the CPU's class, when somebody last looked for
 *	classes that rest
 * @none: NULL, which is what a pop finds below the last object
 * @obj: the objects, coldest first
 */
struct magazine {
	struct magazine *next;
	unsigned int nr;
	unsigned int charged;
	unsigned int cap;
	u32 seen;
	void *none;
	void *obj[];
};

/**
 * struct cpu_cold - what hits leave alone of a CPU's share of a class
 * @previous: full, empty or &no_magazine: the reserve of cpu_class.loaded,
 *	whose exchange makes refill and flush go by half, coldest first
 * @miss: gets that constructed their object
 * @dropped: puts whose object was destructed
 * @objclass: what the class is, for what is charged
 */
struct cpu_cold {
	struct magazine *previous;
	u64_stats_t miss;
	u64_stats_t dropped;
	const struct objclass *objclass;
};

/**
 * struct cpu_class - one CPU's share of one class of objects
 * @top: the first vacant place of @loaded. Pointers, because each operation
 *	waits for the last one's: an index would have it wait longer
 * @end: where the slots of @loaded end that are charged to the budget
 * @size: what an idle object takes from the idle budget, in bytes
 * @hit: gets served from idle objects
 * @requested: the lengths of all gets
 * @kept: puts whose object became idle
 * @loaded: serves and takes; &no_magazine until there is one
 * @cold: the rest
 *
 * Touched by this CPU alone, under the busy mark. One cache line.
 */
struct cpu_class {
	void **top;
	void **end;
	size_t size;
	u64_stats_t hit;
	u64_stats_t requested;
	u64_stats_t kept;
	struct magazine *loaded;
	struct cpu_cold *cold;
} ____cacheline_aligned;

/**
 * struct recent_length - a length that was served
 * @len: in bytes; 0: none yet
 * @when: coarse time: jiffies, cut off
 */
struct recent_length {
	u32 len;
	u32 when;
};

/**
 * struct cpu_cache - one CPU's magazines and counters, made on its first miss
 * @recent_pos: where in @recent the next length is noted
 * @reclaimed: when, in jiffies, vacant slots were last given back because
 *	the budget was exhausted
 * @resting: nothing was done here since somebody last looked for CPUs that
 *	rest, and what was idle has gone; protected by objcache.drain_lock
 * @seen: gets and puts as of that look; likewise
 * @sync: makes 64-bit counters readable on 32-bit machines
 * @cold: by class, too
 * @depots: of this CPU's node, by class
 * @recent: the lengths served last
 * @class: by class of object
 */
struct cpu_cache {
	u8 recent_pos;
	bool resting;
	u32 seen;
	struct u64_stats_sync sync;
	unsigned long reclaimed;
	struct cpu_cold *cold;
	struct depot *depots;
	struct recent_length recent[RECENT_LENGTHS];
	struct cpu_class class[];
};

/**
 * struct objcache_cpu - one CPU's part of an object pool, small, always there
 * @cache: what the fast path uses; &no_cpu_cache, which has nothing and takes
 *	nothing, before the first miss and while a drain has it frozen
 * @home: the same, NULL only before the first miss
 * @oc: the object pool
 * @frozen: a drain has taken @cache away; protected by objcache.drain_lock
 * @parked: objects whose destruction has to wait for process context
 */
struct objcache_cpu {
	struct cpu_cache *cache;
	struct cpu_cache *home;
	struct objcache *oc;
	bool frozen;
	struct llist_head parked;
};

/**
 * struct depot - full and empty magazines of one class on one node
 * @lock: protects all of it
 * @full: magazines with at least one object, and no vacant place's share
 * @empty: magazines without, which may have their slots' share of the budget
 * @nr_full: how many of the former
 * @nr_empty: how many of the latter
 * @has_charge: some of these may have a share; read without the lock, too
 * @used: visited by a CPU since somebody last looked for classes that rest
 *
 * One cache line: CPUs that are busy with other classes use others.
 */
struct depot {
	raw_spinlock_t lock;
	struct magazine *full;
	struct magazine *empty;
	unsigned int nr_full;
	unsigned int nr_empty;
	bool has_charge;
	bool used;
} ____cacheline_aligned;

/**
 * struct objclass - one class of objects of an object pool
 * @size: what an idle object takes from the idle budget, in bytes
 * @rounds: how many objects a magazine of this class has room for
 * @max_full: how many full magazines a depot keeps
 * @uncharged: bookkeeping: its idle objects take nothing from the budget, are
 *	limited by the room in magazines alone, and stay in a shrink
 * @destruct_sleeps: destructed by the worker only, because that may sleep
 */
struct objclass {
	size_t size;
	unsigned int rounds;
	unsigned int max_full;
	bool uncharged;
	bool destruct_sleeps;
};

/**
 * struct class_counts - counters of a class that all CPUs share
 * @hit: as in struct cpu_class, counted where the CPU's own may not be
 *	touched: from an interrupt in the middle of a section, without a
 *	cache, or while a drain has it frozen
 * @miss: likewise
 * @requested: likewise
 * @kept: likewise
 * @dropped: likewise
 * @filled: objects that became idle without a put: prefill
 * @drained: idle objects that were destructed
 * @fail: gets that failed
 * @quarantined: objects withheld
 */
struct class_counts {
	atomic64_t hit;
	atomic64_t miss;
	atomic64_t requested;
	atomic64_t kept;
	atomic64_t dropped;
	atomic64_t filled;
	atomic64_t drained;
	atomic64_t fail;
	atomic64_t quarantined;
};

/**
 * struct objcache_shared - what the CPUs share of an object pool
 * @counts: by class
 * @first_depots: those of one node, for one that has none
 * @depots: by node: an array by class; NULL for a node that was offline
 *
 * Made on the first get, so that a pool that nobody uses is small.
 */
struct objcache_shared {
	struct class_counts *counts;
	struct depot *first_depots;
	struct depot **depots;
};

/**
 * struct idle_budget - how many bytes may be idle
 * @max: the budget
 * @chunk: how many bytes a CPU draws at once, where there are so many
 * @avail: what nobody has drawn. Always: @avail + magazine.charged of all
 *	magazines, in bytes, = @max, which is why the budget holds at any moment
 */
struct idle_budget {
	size_t max;
	size_t chunk;
	atomic_long_t avail;
};

struct objcache;

/**
 * struct parked - an object on the way to the worker, kept in its own memory
 * @node: in objcache_cpu.parked
 * @obj: the object
 * @class: its class
 * @pinned: released after objcache_kill(): the worker drops the pin
 */
struct parked {
	struct llist_node node;
	void *obj;
	unsigned int class;
	bool pinned;
};

/* The destructor is called where it may sleep, and must not fail. */
#define DESTRUCT_MAY_SLEEP BIT(0)
/* The object came back after the pool was destroyed. */
#define DESTRUCT_LATE BIT(1)

/**
 * struct objcache_ops - what the user of an object pool supplies
 * @destruct: takes an object of a class apart, as the DESTRUCT_* flags in how
 *	tell; false if that has to wait for the worker
 * @park: memory of the object for a struct parked
 * @free: frees the pool itself, once nothing refers to it
 */
struct objcache_ops {
	bool (*destruct)(struct objcache *oc, unsigned int class, void *obj,
			 unsigned int how);
	struct parked *(*park)(struct objcache *oc, unsigned int class,
			       void *obj);
	void (*free)(struct objcache *oc);
};

/**
 * struct objcache - constructed objects of a few classes, recycled
 * @cpu: by CPU
 * @ops: of the user
 * @budget: of idle memory; may be shared with other pools
 * @class: by class
 * @nr_classes: how many
 * @bypass: nothing that comes back is kept, so that the kernel's detectors
 *	see every object
 * @dead: objcache_kill() has begun; read under RCU
 * @late: something came back after that
 * @pinned: once @dead: how many objects are out
 * @shared: what the CPUs share; NULL before the first get
 * @drain_lock: one drain at a time
 * @shared_recent: lengths served where there is no cache
 * @shared_pos: how many
 * @hotplug: instance of the CPU hotplug state
 * @wq: where @work runs
 * @work: destructs what is parked
 * @drain_work: the idle trim's drain
 * @evict_work: destructs what rests, where the budget is exhausted
 * @wanting: the class that it makes room for
 * @evicted: when that was last asked for, in jiffies
 * @free_work: frees the pool
 * @activity: sum of the counters at the last look of the idle trim
 * @trimmed: drained since then
 */
struct objcache {
	struct objcache_cpu __percpu *cpu;
	const struct objcache_ops *ops;
	struct idle_budget *budget;
	struct objclass *class;
	unsigned int nr_classes;
	bool bypass;
	bool dead;
	bool late;
	atomic_long_t pinned;
	struct objcache_shared *shared;
	struct mutex drain_lock; /* one drain at a time */
	struct recent_length *shared_recent;
	atomic_t shared_pos;
	struct hlist_node hotplug;
	struct workqueue_struct *wq;
	struct work_struct work;
	struct work_struct drain_work;
	struct work_struct evict_work;
	unsigned int wanting;
	unsigned long evicted;
	struct work_struct free_work;
	u64 activity;
	bool trimmed;
};

extern struct magazine no_magazine;
extern struct cpu_cache no_cpu_cache;
/* What reclaim may wait for; and what may wait for anybody. */
extern struct workqueue_struct *bytepool_wq;
extern struct workqueue_struct *bytepool_idle_wq;

/* How far a drain may go. */
enum drain {
	DRAIN_ATOMIC, /* without sleeping */
	DRAIN_SHRINK, /* but what may sleep is the worker's */
	DRAIN_ALL, /* nothing is left to the worker */
};

/*
 * Whether the slab allocator may be called here. On PREEMPT_RT its locks
 * sleep, so it is off limits in hard interrupts and under raw spinlocks.
 */
static inline bool slab_allowed(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible();
}

#endif /* _BYTEPOOL_OBJCACHE_TYPES_H */
