/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - the object pool: constructed objects of a few classes, recycled
 *
 * Used three times: for buffers with their payload attached, for raw
 * payloads, and for typed objects. See objcache.c.
 */
#ifndef _BYTEPOOL_OBJPOOL_H
#define _BYTEPOOL_OBJPOOL_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/topology.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>

/* How many of the lengths served last are remembered: an u8 wraps there. */
#define RECENT_LENGTHS 256

/* The most classes that an object pool can have. */
#define OBJCACHE_MAX_CLASSES 65

/*
 * Whether the slab allocator may be called here. On PREEMPT_RT its locks
 * sleep, so it is off limits in hard interrupts and under raw spinlocks.
 */
static inline bool slab_allowed(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible();
}

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
 */
struct cpu_cold {
	struct magazine *previous;
	u64_stats_t miss;
	u64_stats_t dropped;
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
 * @keep_on_shrink: bookkeeping that a shrink leaves alone: spare handles, so
 *	that a late release of theirs can still be recognised
 * @destruct_sleeps: destructed by the worker only, because that may sleep
 */
struct objclass {
	size_t size;
	unsigned int rounds;
	unsigned int max_full;
	bool keep_on_shrink;
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

int objcache_init(struct objcache *oc, unsigned int nr_classes,
		  const struct objcache_ops *ops, struct idle_budget *budget,
		  bool bypass);
void objcache_set_class(struct objcache *oc, unsigned int class, size_t size);
bool objcache_start(struct objcache *oc, gfp_t gfp);
void objcache_kill(struct objcache *oc);
void objcache_unpin(struct objcache *oc);
void objcache_reap(struct objcache *oc);
void objcache_exit(struct objcache *oc);
void objcache_put_slow(struct objcache *oc, unsigned int class, void *obj);
bool objcache_fill(struct objcache *oc, unsigned int class, void *obj);
void *objcache_get_slow(struct objcache *oc, unsigned int class, size_t len,
			gfp_t gfp);
void *objcache_get_uncounted(struct objcache *oc, unsigned int class);
bool objcache_put_uncounted(struct objcache *oc, unsigned int class, void *obj);
void objcache_park(struct objcache *oc, unsigned int class, void *obj,
		   bool pinned);
void objcache_destruct_or_park(struct objcache *oc, unsigned int class,
			       void *obj);
void objcache_note_length(struct objcache *oc, size_t len);
bool objcache_count_miss(struct objcache *oc, unsigned int class, size_t len,
			 gfp_t gfp);
bool objcache_count_put(struct objcache *oc, unsigned int class);
void objcache_count_dropped(struct objcache *oc, unsigned int class);
unsigned int objcache_recent(struct objcache *oc, size_t *lens,
			     unsigned int nr);
void objcache_work(struct work_struct *work);

/*
 * Whether to be sparing with what is left. While it is not scarce, a CPU keeps
 * the share of slots that it has emptied: it will fill them again.
 */
static inline bool budget_is_tight(const struct idle_budget *budget)
{
	return atomic_long_read(&budget->avail) < (long)(budget->max / 4);
}

/* reclaim.c */
size_t objcache_drain(struct objcache *oc);
size_t objcache_scan(struct objcache *oc, size_t bytes);
void objcache_trim(struct objcache *oc);
bool objcache_reclaim(struct objcache *oc, unsigned int class, bool now);
void objcache_drain_work(struct work_struct *work);
void objcache_evict_work(struct work_struct *work);
int objcache_cpu_dead(unsigned int cpu, struct hlist_node *node);
unsigned int magazine_drain(struct objcache *oc, unsigned int class,
			    struct magazine *mag, enum drain how);
bool freeze_cpus(struct objcache *oc);
size_t drain_frozen(struct objcache *oc, enum drain how);
size_t drain_depots(struct objcache *oc, size_t bytes, enum drain how);

/* depot.c */
void budget_init(struct idle_budget *budget, size_t max);
size_t budget_charge(struct idle_budget *budget, size_t need, size_t want);
size_t magazine_uncharge_slots(struct magazine *mag, size_t size);
size_t cpu_uncharge_slots(struct cpu_class *cc);
void cpu_push_other(struct cpu_cache *cache, unsigned long ofs, void *obj);
struct magazine *depot_get_full(struct objcache *oc, unsigned int class,
				struct depot *depot, struct magazine *empty);
bool depot_put_full(struct depot *depot, struct magazine *mag, unsigned int max,
		    struct magazine **empty);
struct magazine *depot_get_empty(struct objcache *oc, unsigned int class,
				 struct depot *depot, gfp_t gfp);
void depot_put_empty(struct objcache *oc, unsigned int class,
		     struct depot *depot, struct magazine *mag);
void *depot_take_one(struct objcache *oc, unsigned int class,
		     struct depot *depot);
bool depot_keep_one(struct objcache *oc, unsigned int class,
		    struct depot *depot, void *obj, gfp_t gfp);
size_t depot_uncharge_slots(struct objcache *oc, unsigned int class,
			    struct depot *depot);
void depot_free_empty(struct objcache *oc, unsigned int class,
		      struct depot *depot);
struct depot *depots_alloc(struct objcache *oc, gfp_t gfp, int node);
void shared_free(struct objcache_shared *shared);

/* Whether there has been a get, and so may be a put. */
static inline bool objcache_started(const struct objcache *oc)
{
	/* Pairs with the cmpxchg() in objcache_start(). */
	return READ_ONCE(oc->shared);
}

/* The shared counters of a class; only once there has been a get. */
static inline struct class_counts *counts_of(const struct objcache *oc,
					     unsigned int class)
{
	return READ_ONCE(oc->shared)->counts + class;
}

/* This node's depots, by class; only once there has been a get. */
static inline struct depot *node_depots(const struct objcache *oc)
{
	struct objcache_shared *shared = READ_ONCE(oc->shared);

	/* A node that came online later uses another one's. */
	return shared->depots[numa_mem_id()] ?: shared->first_depots;
}

/* The depot of a class that this CPU uses, likewise. */
static inline struct depot *depot_here(const struct objcache *oc,
				       unsigned int class)
{
	struct cpu_cache *home = raw_cpu_read(oc->cpu->home);

	/* Once it has one it keeps it, whatever node has memory by then. */
	return (home ? home->depots : node_depots(oc)) + class;
}

/* A node's depots, by class; NULL if there are none. */
static inline struct depot *depots_of(const struct objcache *oc, int node)
{
	struct objcache_shared *shared = READ_ONCE(oc->shared);

	return shared ? shared->depots[node] : NULL;
}

static inline void budget_uncharge(struct idle_budget *budget, size_t bytes)
{
	if (unlikely(bytes))
		atomic_long_add(bytes, &budget->avail);
}

int objcache_module_init(void);
void objcache_module_exit(void);

static __always_inline void recent_note(struct recent_length *recent,
					size_t len)
{
	WRITE_ONCE(recent->len, len);
	WRITE_ONCE(recent->when, jiffies);
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

/* Whether somebody has to look for what rests: see objcache_reclaim(). */
static inline bool reclaim_due(const struct cpu_cache *cache)
{
	return jiffies - READ_ONCE(cache->reclaimed) > 0;
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
 * cpu_drop() - count a put whose object is not kept, and clear the mark
 * @cache: this CPU's, after objcache_may_drop()
 * @ofs: class_to_ofs() of the object's class
 *
 * Counted first: what is back with slab is not in use. Preemption stays off,
 * which objcache_kill() waits for: the caller enables it once the object is
 * gone.
 */
static inline void cpu_drop(struct cpu_cache *cache, unsigned long ofs)
{
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

void *objcache_get(struct objcache *oc, unsigned int class, size_t len,
		   gfp_t gfp);
void objcache_put(struct objcache *oc, unsigned int class, void *obj);

/* stats.c */
/* A class's counters summed over the CPUs, as struct objclass has them. */
struct class_sum {
	u64 hit;
	u64 miss;
	u64 requested;
	u64 kept;
	u64 dropped;
	u64 filled;
	u64 drained;
	u64 fail;
	u64 quarantined;
};

void objcache_sum(struct objcache *oc, unsigned int class,
		  struct class_sum *sum);
u64 sum_idle(const struct class_sum *sum);
u64 sum_in_use(const struct class_sum *sum);
size_t objcache_idle_bytes(struct objcache *oc);

#endif /* _BYTEPOOL_OBJPOOL_H */
