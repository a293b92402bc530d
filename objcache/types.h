/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - the types of the objcache; see objcache.h
 */
#ifndef _BYTEPOOL_OBJCACHE_TYPES_H
#define _BYTEPOOL_OBJCACHE_TYPES_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>

/* How many of the latest lengths are kept; cpu_cache.recent_pos, a u8, wraps. */
#define RECENT_LENGTHS 256

/* The most classes that an objcache can have. */
#define OBJCACHE_MAX_CLASSES 65

/**
 * struct magazine - constructed objects that move together
 * @next: next magazine in a depot's list
 * @nr: number of objects. Stale while the magazine is loaded: cpu_class.top
 *	tells then, and cpu_save_nr() writes it back
 * @charged: number of slots that are charged to the idle budget. @nr never
 *	exceeds it, so a pop and a push of a charged slot need no accounting
 * @cap: number of slots
 * @seen: gets and puts of the CPU's class at the last look of
 *	cpu_take_inactive()
 * @none: NULL: what a pop reads below the first object
 * @obj: the slots, coldest object first
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
 * struct cpu_cold - the fields of a CPU's class that a hit does not touch
 * @previous: the other magazine: full, empty or &no_magazine. Exchanging it
 *	for cpu_class.loaded makes refill and flush move half of what the CPU
 *	has, coldest objects first
 * @miss: gets that constructed their object
 * @dropped: puts whose object was destructed
 * @objclass: the class, which tells whether its objects are charged
 * @seen: gets and puts at the last look of the trim or the shrinker; protected
 *	by objcache.drain_lock, as the next three are
 * @seen_at: when a look last found @seen changed: the low 32 bits of jiffies
 * @trimmed: the trim has drained the class since @seen changed
 * @rests: the last look has found the class to be drained
 */
struct cpu_cold {
	struct magazine *previous;
	u64_stats_t miss;
	u64_stats_t dropped;
	const struct objclass *objclass;
	u32 seen;
	u32 seen_at;
	bool trimmed;
	bool rests;
};

/**
 * struct cpu_class - one CPU's part of one class of objects
 * @top: first free slot of @loaded. A pointer, because each operation waits
 *	for the store of the last one: an index would lengthen the wait
 * @end: end of the slots of @loaded that are charged: a copy of
 *	magazine.charged, see struct idle_budget
 * @size: bytes that an idle object is charged with: a copy of objclass.size,
 *	0 where the objects are uncharged and in &no_cpu_cache
 * @hit: gets served from idle objects
 * @requested: sum of the lengths of all gets, in bytes
 * @kept: puts whose object became idle
 * @loaded: the magazine that serves and takes; &no_magazine before the first
 * @cold: the other fields
 *
 * Only its own CPU touches it, under the CPU lock. One cache line.
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
 * @len: the length, in bytes; 0: none yet
 * @when: coarse time: the low 32 bits of jiffies
 */
struct recent_length {
	u32 len;
	u32 when;
};

/**
 * struct cpu_cache - one CPU's magazines and counters, made on its first miss
 * @recent_pos: index in @recent of the next length
 * @inactive: the CPU did nothing between the last two looks of
 *	freeze_inactive(), and its idle objects have gone; protected by
 *	objcache.drain_lock
 * @seen: gets and puts of the CPU at the last look of freeze_inactive();
 *	protected by objcache.drain_lock
 * @sync: makes 64-bit counters readable on 32-bit machines
 * @reclaimed: when, in jiffies, free slots were last uncharged because the
 *	budget was exhausted
 * @cold: the cold fields, by class
 * @depots: depots of the CPU's node, by class
 * @recent: ring of the latest lengths
 * @class: the hot fields, by class
 */
struct cpu_cache {
	u8 recent_pos;
	bool inactive;
	u32 seen;
	struct u64_stats_sync sync;
	unsigned long reclaimed;
	struct cpu_cold *cold;
	struct depot *depots;
	struct recent_length recent[RECENT_LENGTHS];
	struct cpu_class class[];
};

/**
 * struct objcache_cpu - one CPU's part of an objcache: small, always there
 * @cache: what the fast path uses: @home; or &no_cpu_cache before the CPU's
 *	first miss and while a drain has the CPU frozen
 * @home: the CPU's cache; NULL before its first miss
 * @oc: the objcache
 * @frozen: a drain has replaced @cache; protected by objcache.drain_lock
 * @parked: objects whose destruction waits for process context
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
 * @lock: protects all fields but the last three
 * @full: magazines with at least one object; none of their free slots is
 *	charged. Written by depot_link() and depot_unlink(), read without the
 *	lock by get_idle(), depot_is_empty() and depot_evict(): a stale value
 *	turns a hit into a miss, no more
 * @empty: magazines without objects; their slots may be charged
 * @nr_full: number of magazines in @full
 * @nr_empty: number of magazines in @empty
 * @keeps: @has_charge and @awaited, which objcache_may_drop() reads as one
 * @awaited: a copy of objcache.awaited
 * @has_charge: some magazine in @empty may have charged slots; read without
 *	the lock by objcache_may_drop() and depot_uncharge_slots()
 * @visits: number of visits by CPUs; written without the lock, so that some of
 *	two at once is lost
 * @evict_seen: @visits at the last look of depot_evict()
 * @trim_seen: @visits at the last look of depot_trim()
 *
 * One cache line, so that CPUs busy with other classes use other lines.
 */
struct depot {
	raw_spinlock_t lock;
	struct magazine *full;
	struct magazine *empty;
	unsigned int nr_full;
	unsigned int nr_empty;
	union {
		struct {
			bool has_charge;
			bool awaited;
		};
		u16 keeps;
	};
	u32 visits;
	u32 evict_seen;
	u32 trim_seen;
} ____cacheline_aligned;

/**
 * struct objclass - one class of objects of an objcache
 * @size: bytes that an idle object is charged with to the idle budget
 * @rounds: number of slots of a magazine
 * @max_full: number of full magazines that a depot keeps
 * @uncharged: objects of the class are bookkeeping: idle ones are not charged
 *	to the budget, the slots of magazines alone limit them, a shrink leaves
 *	them alone, and @size is 0
 * @destruct_sleeps: the destructor may sleep, so that only the worker calls it
 * @dropped: puts whose object was destructed, at the last look of the trim;
 *	protected by objcache.drain_lock
 * @nr_magazines: number of magazines that there are, of CPUs and in depots. Where
 *	there is none, nothing is idle
 */
struct objclass {
	size_t size;
	u64 dropped;
	unsigned int rounds;
	unsigned int max_full;
	bool uncharged;
	bool destruct_sleeps;
	atomic_t nr_magazines;
};

/**
 * struct class_counts - counters of a class that all CPUs share
 * @hit: gets served from idle objects, as in struct cpu_class. This one and
 *	the next four count where the CPU's counters may not be touched: in an
 *	interrupt inside of a section, without a CPU cache, or while a drain
 *	has the CPU frozen
 * @miss: gets that constructed their object
 * @requested: sum of the lengths of gets
 * @kept: puts whose object became idle
 * @dropped: puts whose object was destructed
 * @filled: objects that became idle without a put, by a prefill
 * @drained: idle objects that were destructed
 * @fail: gets that failed
 * @quarantined: objects withheld after misuse
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
 * struct objcache_shared - the part of an objcache that all CPUs share
 * @counts: shared counters, by class
 * @first_depots: depots of some node, for a node that has none
 * @depots: by node: its depots, by class; NULL for a node that was offline
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
 * @chunk: bytes that a CPU charges at once while the budget is tight
 * @avail: bytes that are not charged
 *
 * The equation, for all objcaches that use the budget:
 *
 *	@avail + magazine.charged x objclass.size over all magazines
 *	       + bytes in transit = @max
 *
 * Bytes are in transit between budget_charge() and the write of
 * magazine.charged, and between that of a lower value and budget_uncharge():
 * they are a local variable of one CPU. What the user keeps idle itself, as
 * memory of checked pools that rests, is charged, too, and counts as in transit.
 * Magazines of uncharged classes do not count. A magazine never has more
 * objects than charged slots, so idle memory is at most @max at every moment.
 * magazine.charged is what counts; cpu_class.end is its copy while the magazine
 * is loaded, and cpu_reload() and cpu_charge_slots() alone write the copy.
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
 * @class: class of the object
 * @pinned: the object came back after objcache_kill(), and the worker unpins
 */
struct parked {
	struct llist_node node;
	void *obj;
	unsigned int class;
	bool pinned;
};

/* The destructor may sleep, and must not fail. */
#define DESTRUCT_MAY_SLEEP BIT(0)
/* The object came back after the pool was destroyed. */
#define DESTRUCT_LATE BIT(1)

/**
 * struct objcache_ops - the functions that the user of an objcache supplies
 * @start: called once, by the first get; may be NULL
 * @destruct: takes an object of a class apart; how has DESTRUCT_* flags
 * @dropped: called by the trim if puts of a class were not kept since its last
 *	look
 * @trim: called by the trim to give back what the user keeps idle; may be NULL
 * @came_back: called as an object reaches a depot, or was destructed, by a put
 *	while objcache.awaited is set
 * @park: returns memory inside of the object for a struct parked
 * @free: frees the user's pool, once nothing refers to it
 *
 * The objcache's only way up. All are called off the fast path.
 */
struct objcache_ops {
	void (*start)(struct objcache *oc);
	void (*destruct)(struct objcache *oc, unsigned int class, void *obj,
			 unsigned int how);
	void (*dropped)(struct objcache *oc, unsigned int class);
	void (*trim)(struct objcache *oc);
	void (*came_back)(struct objcache *oc);
	struct parked *(*park)(struct objcache *oc, unsigned int class,
			       void *obj);
	void (*free)(struct objcache *oc);
};

/**
 * struct objcache - constructed objects of a few classes, recycled
 * @cpu: each CPU's part
 * @ops: functions of the user
 * @budget: budget of idle memory, which objcaches may share
 * @class: the classes
 * @nr_classes: number of classes
 * @bypass: keep nothing that comes back, so that the kernel's detectors see
 *	every object
 * @dead: objcache_kill() has begun; read under RCU
 * @awaited: the user wants to hear of memory that comes back; read without a
 *	lock or barrier
 * @late: an object came back after @dead was set
 * @pinned: number of objects that are out, once @dead is set
 * @shared: the part that all CPUs share; NULL before the first get
 * @drain_lock: serializes drains, and protects the frozen CPUs
 * @shared_recent: ring of lengths that were served without a CPU cache
 * @shared_pos: number of lengths noted in @shared_recent
 * @hotplug: instance of the CPU hotplug state
 * @work: destructs parked objects
 * @park_irq: queues @work, for an NMI that parks an object
 * @trim_work: drains what has been resting
 * @trim_asked: the shrinker has queued @trim_work, which has not ended since
 * @reclaimable: bytes that the shrinker can have, at its last look, less what it
 *	has had since; protected by the lock that its caller holds
 * @evict_work: destructs inactive objects while the budget is exhausted
 * @wanting: the class that @evict_work makes room for
 * @evicted: when @evict_work was last queued, in jiffies
 * @free_work: frees the pool
 */
struct objcache {
	struct objcache_cpu __percpu *cpu;
	const struct objcache_ops *ops;
	struct idle_budget *budget;
	struct objclass *class;
	unsigned int nr_classes;
	bool bypass;
	bool dead;
	bool awaited;
	bool late;
	atomic_long_t pinned;
	struct objcache_shared *shared;
	struct mutex drain_lock; /* serializes drains */
	struct recent_length *shared_recent;
	atomic_t shared_pos;
	struct hlist_node hotplug;
	struct work_struct work;
	struct irq_work park_irq;
	struct work_struct trim_work;
	bool trim_asked;
	size_t reclaimable;
	struct work_struct evict_work;
	unsigned int wanting;
	unsigned long evicted;
	struct work_struct free_work;
};

extern struct magazine no_magazine;
extern struct cpu_cache no_cpu_cache;
/* Reclaim, and the end of a pool, may wait for the first, but not for the second. */
extern struct workqueue_struct *bytepool_wq;
extern struct workqueue_struct *bytepool_idle_wq;

/**
 * struct scan - a pass of the shrinker
 * @want: bytes that are wanted
 * @given: bytes that were given so far
 * @nr: number of objects that may still be freed: a pass of many small ones is to
 *	be as short as any
 */
struct scan {
	size_t want;
	size_t given;
	unsigned int nr;
};

static inline bool scan_goes_on(const struct scan *scan)
{
	return scan->given < scan->want && scan->nr;
}

/* How far a drain may go. */
enum drain {
	DRAIN_ATOMIC, /* does not sleep */
	DRAIN_SHRINK, /* may sleep, but parks objects whose destructor does */
	DRAIN_ALL, /* may sleep, and parks nothing */
};

/*
 * Tell whether slab's locks sleep and this context must not: on PREEMPT_RT slab
 * is off limits in hard interrupts and under raw spinlocks.
 */
static inline bool slab_sleeps(void)
{
	return IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible();
}

/*
 * Tell whether the slab allocator may be called here: an NMI may have
 * interrupted it. The paths of a hit's neighbours, which no NMI takes, ask
 * slab_sleeps() alone, which costs nothing without PREEMPT_RT.
 */
static inline bool slab_allowed(void)
{
	return !in_nmi() && !slab_sleeps();
}

#endif /* _BYTEPOOL_OBJCACHE_TYPES_H */
