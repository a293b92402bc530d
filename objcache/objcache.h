/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - the object pool: constructed objects of a few classes, recycled
 *
 * Used three times: for buffers with their payload attached, for raw
 * payloads, and for typed objects. See objpool.c.
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
#define OBJPOOL_MAX_CLASSES 65

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
 * @limit: how many there may be: their share of the idle bound is drawn. So
 *	a pop and a push of the same place need no accounting
 * @cap: how many there is room for
 * @seen: gets and puts of the CPU's class, when somebody last looked for
 *	classes that rest
 * @none: NULL, which is what a pop finds below the last object
 * @obj: the objects, coldest first
 */
struct magazine {
	struct magazine *next;
	unsigned int nr;
	unsigned int limit;
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
 * @limit: where its places end whose share of the bound is drawn
 * @size: what an idle object takes from the idle bound, in bytes
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
	void **limit;
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
 * struct cpu_block - one CPU's magazines and counters, made on its first miss
 * @recent_pos: where in @recent the next length is noted
 * @reclaimed: when, in jiffies, vacant places were last given back because
 *	the bound was exhausted
 * @resting: nothing was done here since somebody last looked for CPUs that
 *	rest, and what was idle has gone; protected by objpool.drain_lock
 * @seen: gets and puts as of that look; likewise
 * @sync: makes 64-bit counters readable on 32-bit machines
 * @cold: by class, too
 * @depots: of this CPU's node, by class
 * @recent: the lengths served last
 * @class: by class of object
 */
struct cpu_block {
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
 * struct cpu_pool - one CPU's part of an object pool, small, always there
 * @block: what the fast path uses; &no_block, which has nothing and takes
 *	nothing, before the first miss and while a drain has it frozen
 * @home: the same, NULL only before the first miss
 * @op: the object pool
 * @frozen: a drain has taken @block away; protected by objpool.drain_lock
 * @parked: objects whose destruction has to wait for process context
 */
struct cpu_pool {
	struct cpu_block *block;
	struct cpu_block *home;
	struct objpool *op;
	bool frozen;
	struct llist_head parked;
};

/**
 * struct depot - full and empty magazines of one class on one node
 * @lock: protects all of it
 * @full: magazines with at least one object, and no vacant place's share
 * @empty: magazines without, which may have their places' share of the bound
 * @nr_full: how many of the former
 * @nr_empty: how many of the latter
 * @has_places: some of these may have a share; read without the lock, too
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
	bool has_places;
	bool used;
} ____cacheline_aligned;

/**
 * struct objclass - one class of objects of an object pool
 * @size: what an idle object takes from the idle bound, in bytes
 * @rounds: how many objects a magazine of this class has room for
 * @max_full: how many full magazines a depot keeps
 * @keep_on_shrink: bookkeeping that a shrink leaves alone: bare handles, so
 *	that a late release of theirs can still be recognised
 * @defer: destructed by the worker only, because that may sleep
 */
struct objclass {
	size_t size;
	unsigned int rounds;
	unsigned int max_full;
	bool keep_on_shrink;
	bool defer;
};

/**
 * struct class_counts - counters of a class that all CPUs share
 * @hit: as in struct cpu_class, counted where the CPU's own may not be
 *	touched: from an interrupt in the middle of a section, without a
 *	block, or while a drain has it frozen
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
 * struct objpool_shared - what the CPUs share of an object pool
 * @counts: by class
 * @first_depots: those of one node, for one that has none
 * @depots: by node: an array by class; NULL for a node that was offline
 *
 * Made on the first get, so that a pool that nobody uses is small.
 */
struct objpool_shared {
	struct class_counts *counts;
	struct depot *first_depots;
	struct depot **depots;
};

/**
 * struct idle_bound - how many bytes may be idle
 * @max: the bound
 * @chunk: how many bytes a CPU draws at once, where there are so many
 * @avail: what nobody has drawn. Always: @avail + magazine.limit of all
 *	magazines, in bytes, = @max, which is why the bound holds at any moment
 */
struct idle_bound {
	size_t max;
	size_t chunk;
	atomic_long_t avail;
};

struct objpool;

/**
 * struct parked - an object on the way to the worker, kept in its own memory
 * @node: in cpu_pool.parked
 * @obj: the object
 * @class: its class
 * @pinned: released after objpool_kill(): the worker drops the pin
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
 * struct objpool_ops - what the user of an object pool supplies
 * @destruct: takes an object of a class apart, as the DESTRUCT_* flags in how
 *	tell; false if that has to wait for the worker
 * @park: memory of the object for a struct parked
 * @free: frees the pool itself, once nothing refers to it
 */
struct objpool_ops {
	bool (*destruct)(struct objpool *op, unsigned int class, void *obj,
			 unsigned int how);
	struct parked *(*park)(struct objpool *op, unsigned int class,
			       void *obj);
	void (*free)(struct objpool *op);
};

/**
 * struct objpool - constructed objects of a few classes, recycled
 * @cpu: by CPU
 * @ops: of the user
 * @bound: of idle memory; may be shared with other pools
 * @class: by class
 * @nr_classes: how many
 * @bypass: nothing that comes back is kept, so that the kernel's detectors
 *	see every object
 * @dead: objpool_kill() has begun; read under RCU
 * @late: something came back after that
 * @pinned: once @dead: how many objects are out
 * @shared: what the CPUs share; NULL before the first get
 * @drain_lock: one drain at a time
 * @shared_recent: lengths served where there is no block
 * @shared_pos: how many
 * @hotplug: instance of the CPU hotplug state
 * @wq: where @work runs
 * @work: destructs what is parked
 * @drain_work: the idle trim's drain
 * @evict_work: destructs what rests, where the bound is exhausted
 * @wanting: the class that it makes room for
 * @evicted: when that was last asked for, in jiffies
 * @free_work: frees the pool
 * @activity: sum of the counters at the last look of the idle trim
 * @trimmed: drained since then
 */
struct objpool {
	struct cpu_pool __percpu *cpu;
	const struct objpool_ops *ops;
	struct idle_bound *bound;
	struct objclass *class;
	unsigned int nr_classes;
	bool bypass;
	bool dead;
	bool late;
	atomic_long_t pinned;
	struct objpool_shared *shared;
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
extern struct cpu_block no_block;
/* What reclaim may wait for; and what may wait for anybody. */
extern struct workqueue_struct *bytepool_wq;
extern struct workqueue_struct *bytepool_idle_wq;

/* How far a drain may go. */
enum drain {
	DRAIN_ATOMIC, /* without sleeping */
	DRAIN_SHRINK, /* but what may sleep is the worker's */
	DRAIN_ALL, /* nothing is left to the worker */
};

int objpool_init(struct objpool *op, unsigned int nr_classes,
		 const struct objpool_ops *ops, struct idle_bound *bound,
		 bool bypass);
void objpool_set_class(struct objpool *op, unsigned int class, size_t size);
bool objpool_start(struct objpool *op, gfp_t gfp);
void objpool_kill(struct objpool *op);
void objpool_unpin(struct objpool *op);
void objpool_reap(struct objpool *op);
void objpool_exit(struct objpool *op);
void objpool_put_slow(struct objpool *op, unsigned int class, void *obj);
bool objpool_fill(struct objpool *op, unsigned int class, void *obj);
void *objpool_get_shared(struct objpool *op, unsigned int class, size_t len,
			 gfp_t gfp);
void *objpool_take_bare(struct objpool *op, unsigned int class);
bool objpool_give_bare(struct objpool *op, unsigned int class, void *obj);
void objpool_park(struct objpool *op, unsigned int class, void *obj,
		  bool pinned);
void destruct_or_park(struct objpool *op, unsigned int class, void *obj);
void objpool_note_length(struct objpool *op, size_t len);
bool objpool_count_miss(struct objpool *op, unsigned int class, size_t len,
			gfp_t gfp);
bool objpool_count_put(struct objpool *op, unsigned int class);
void count_dropped(struct objpool *op, unsigned int class);
unsigned int objpool_recent(struct objpool *op, size_t *lens, unsigned int nr);
void objpool_work(struct work_struct *work);

/*
 * Whether to be sparing with what is left. While it is not scarce, a CPU keeps
 * the share of places that it has emptied: it will fill them again.
 */
static inline bool bound_scarce(const struct idle_bound *bound)
{
	return atomic_long_read(&bound->avail) < (long)(bound->max / 4);
}

/* reclaim.c */
size_t objpool_drain(struct objpool *op);
size_t objpool_scan(struct objpool *op, size_t bytes);
void objpool_trim(struct objpool *op);
bool objpool_reclaim(struct objpool *op, unsigned int class, bool now);
void objpool_drain_work(struct work_struct *work);
void objpool_evict_work(struct work_struct *work);
int objpool_cpu_dead(unsigned int cpu, struct hlist_node *node);
unsigned int magazine_drain(struct objpool *op, unsigned int class,
			    struct magazine *mag, enum drain how);
bool freeze_blocks(struct objpool *op);
size_t drain_frozen(struct objpool *op, enum drain how);
size_t drain_depots(struct objpool *op, size_t bytes, enum drain how);

/* depot.c */
void bound_init(struct idle_bound *bound, size_t max);
size_t bound_draw(struct idle_bound *bound, size_t need, size_t want);
size_t vacate(struct magazine *mag, size_t size);
size_t cpu_vacate(struct cpu_class *cc);
void cpu_push_other(struct cpu_block *block, unsigned long offset, void *obj);
struct magazine *depot_get_full(struct objpool *op, unsigned int class,
				struct depot *depot, struct magazine *empty);
bool depot_put_full(struct depot *depot, struct magazine *mag, unsigned int max,
		    struct magazine **empty);
struct magazine *depot_get_empty(struct objpool *op, unsigned int class,
				 struct depot *depot, gfp_t gfp);
void depot_put_empty(struct objpool *op, unsigned int class,
		     struct depot *depot, struct magazine *mag);
void *depot_take_one(struct objpool *op, unsigned int class,
		     struct depot *depot);
bool depot_keep_one(struct objpool *op, unsigned int class, struct depot *depot,
		    void *obj, gfp_t gfp);
size_t depot_vacate(struct objpool *op, unsigned int class,
		    struct depot *depot);
void depot_free_empties(struct objpool *op, unsigned int class,
			struct depot *depot);
struct depot *depots_alloc(struct objpool *op, gfp_t gfp, int node);
void shared_free(struct objpool_shared *shared);

/* Whether there has been a get, and so may be a put. */
static inline bool objpool_started(const struct objpool *op)
{
	/* Pairs with the cmpxchg() in objpool_start(). */
	return READ_ONCE(op->shared);
}

/* The shared counters of a class; only once there has been a get. */
static inline struct class_counts *counts_of(const struct objpool *op,
					     unsigned int class)
{
	return READ_ONCE(op->shared)->counts + class;
}

/* This node's depots, by class; only once there has been a get. */
static inline struct depot *node_depots(const struct objpool *op)
{
	struct objpool_shared *shared = READ_ONCE(op->shared);

	/* A node that came online later uses another one's. */
	return shared->depots[numa_mem_id()] ?: shared->first_depots;
}

/* The depot of a class that this CPU uses, likewise. */
static inline struct depot *depot_here(const struct objpool *op,
				       unsigned int class)
{
	struct cpu_block *home = raw_cpu_read(op->cpu->home);

	/* Once it has one it keeps it, whatever node has memory by then. */
	return (home ? home->depots : node_depots(op)) + class;
}

/* A node's depots, by class; NULL if there are none. */
static inline struct depot *depots_of(const struct objpool *op, int node)
{
	struct objpool_shared *shared = READ_ONCE(op->shared);

	return shared ? shared->depots[node] : NULL;
}

static inline void bound_return(struct idle_bound *bound, size_t bytes)
{
	if (unlikely(bytes))
		atomic_long_add(bytes, &bound->avail);
}

int objpool_module_init(void);
void objpool_module_exit(void);

static __always_inline void recent_note(struct recent_length *recent,
					size_t len)
{
	WRITE_ONCE(recent->len, len);
	WRITE_ONCE(recent->when, jiffies);
}

/**
 * cpu_enter() - enter this CPU's section of an object pool
 * @op: the object pool
 * @block: set to this CPU's block
 *
 * Disables preemption and sets the CPU's busy mark. All tests of what the mark
 * protects come after this. Nothing may sleep or lock inside.
 *
 * Preemption off is an RCU read-side section: a drain replaces cpu_pool.block
 * and waits a grace period for those inside.
 *
 * Return: true; false where there is no block to be used, preemption being
 * enabled then.
 */
static __always_inline bool cpu_enter(struct objpool *op,
				      struct cpu_block **block)
{
	if (unlikely(!mark_enter()))
		return false;
	*block = __this_cpu_read(op->cpu->block);
	if (likely(*block != &no_block)) {
		u64_stats_update_begin(&(*block)->sync);
		return true;
	}
	mark_leave();
	return false;
}

static __always_inline void cpu_leave(struct cpu_block *block)
{
	u64_stats_update_end(&block->sync);
	mark_leave();
}

/* Where a CPU's share of a class is in its block, in bytes. */
static inline unsigned int class_offset(unsigned int class)
{
	return offsetof(struct cpu_block, class) +
	       class * sizeof(struct cpu_class);
}

static inline unsigned long class_at(unsigned long offset)
{
	return (offset - offsetof(struct cpu_block, class)) /
	       sizeof(struct cpu_class);
}

/* The class's depot. */
static __always_inline struct depot *depot_at(const struct cpu_block *block,
					      unsigned long offset)
{
	return block->depots + class_at(offset);
}

static __always_inline struct cpu_class *cpu_class_at(struct cpu_block *block,
						      unsigned long offset)
{
	return (void *)block + offset;
}

static __always_inline void cpu_note_length(struct cpu_block *block, size_t len)
{
	recent_note(block->recent + block->recent_pos, len);
	/* One instruction; who reads it early misses the newest length. */
	data_race(block->recent_pos++);
}

/*
 * Notes how many objects the loaded magazine has, for who looks at magazines,
 * and the inverse. Inside the CPU's section, as all that follows.
 */
static inline void cpu_stow(struct cpu_class *cc)
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
	cc->limit = mag->obj + mag->limit;
}

/* Exchanges a CPU's two, of which the loaded one has @nr objects. */
static __always_inline void cpu_exchange(struct cpu_class *cc, unsigned int nr)
{
	struct magazine *mag = cc->cold->previous, *out = cc->loaded;

	/* As in cpu_stow(). */
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
static inline bool cpu_can_exchange_full(struct cpu_block *block,
					 unsigned long offset)
{
	const struct cpu_class *cc = cpu_class_at(block, offset);

	return cc->top == cc->loaded->obj + cc->loaded->cap &&
	       cc->cold->previous->nr < cc->cold->previous->limit;
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
static inline void cpu_count_miss(struct cpu_block *block, struct cpu_class *cc,
				  struct cpu_cold *cold, size_t len)
{
	u64_stats_inc(&cold->miss);
	u64_stats_add(&cc->requested, len);
	cpu_note_length(block, len);
}

/* How far a pop has got. */
enum pop {
	POP_DONE,
	POP_EMPTY, /* this CPU has none */
	POP_OTHER, /* somebody is inside, or the class's objects are smaller */
};

static __always_inline enum pop __objpool_pop(struct objpool *op,
					      unsigned long offset, size_t len,
					      bool counted, void **obj)
{
	struct cpu_block *block;
	struct cpu_class *cc;

	if (unlikely(!mark_enter_outermost()))
		return POP_OTHER;
	/* As cpu_enter(), but the objects of &no_block have no size anyway. */
	block = __this_cpu_read(op->cpu->block);
	cc = cpu_class_at(block, offset);
	if (counted && unlikely(len > cc->size)) {
		mark_leave_outermost();
		return POP_OTHER;
	}
	if (unlikely(!cc->top[-1]) && !cpu_can_pop(cc)) {
		mark_leave_outermost();
		return POP_EMPTY;
	}
	u64_stats_update_begin(&block->sync);
	*obj = cpu_take(cc);
	if (counted) {
		u64_stats_add(&cc->requested, len);
		cpu_note_length(block, len);
	}
	u64_stats_update_end(&block->sync);
	mark_leave_outermost();
	return POP_DONE;
}

/**
 * objpool_pop() - take an idle object from this CPU's magazines
 * @op: the object pool
 * @offset: class_offset() of its class
 * @len: length asked for, for the statistics
 * @obj: set to the object
 *
 * Context: any but NMI.
 * Return: how far it has got.
 */
static __always_inline enum pop
objpool_pop(struct objpool *op, unsigned long offset, size_t len, void **obj)
{
	return __objpool_pop(op, offset, len, true, obj);
}

/* The same for objects that are no user's, and are not counted as lengths. */
static inline bool objpool_pop_uncounted(struct objpool *op,
					 unsigned long offset, void **obj)
{
	return __objpool_pop(op, offset, 0, false, obj) == POP_DONE;
}

/**
 * objpool_pop_many() - take idle objects from this CPU's loaded magazine
 * @op: the object pool
 * @offset: class_offset() of their class
 * @len: length asked for, for the statistics, which its objects fit
 * @nr: how many
 * @objs: filled in
 *
 * Context: any but NMI.
 * Return: how many there were; 0 also if the mark is set.
 */
static inline unsigned int objpool_pop_many(struct objpool *op,
					    unsigned int offset, size_t len,
					    unsigned int nr, void **objs)
{
	struct cpu_block *block;
	struct cpu_class *cc;
	unsigned int i;

	if (!cpu_enter(op, &block))
		return 0;
	cc = cpu_class_at(block, offset);
	for (i = 0; i < nr && cc->top[-1]; i++) {
		objs[i] = cpu_take(cc);
		cpu_note_length(block, len);
	}
	u64_stats_add(&cc->requested, i * len);
	cpu_leave(block);
	return i;
}

/* How far a push has got. */
enum push {
	PUSH_DONE,
	PUSH_FULL, /* no room; the caller is still inside the CPU's section */
	PUSH_BUSY, /* somebody is inside */
};

/**
 * objpool_push_inside() - leave an idle object in this CPU's loaded magazine
 * @cpu: of the object pool
 * @offset: class_offset() of its class
 * @obj: the object
 * @block: set to this CPU's block, which the caller of a push that finds no
 *	room is inside of, and leaves by mark_leave(); may be &no_block
 *
 * Nothing of the pool may be touched after success: it may be gone.
 *
 * Context: any but NMI.
 * Return: how far it has got.
 */
static __always_inline enum push
objpool_push_inside(struct cpu_pool __percpu *cpu, unsigned long offset,
		    void *obj, struct cpu_block **block)
{
	struct cpu_class *cc;

	if (unlikely(!mark_enter_outermost()))
		return PUSH_BUSY;
	*block = __this_cpu_read(cpu->block);
	cc = cpu_class_at(*block, offset);
	if (unlikely(cc->top >= cc->limit))
		return PUSH_FULL;
	u64_stats_update_begin(&(*block)->sync);
	cpu_add(cc, obj);
	u64_stats_update_end(&(*block)->sync);
	mark_leave_outermost();
	return PUSH_DONE;
}

/* In either magazine; whoever fails is outside of the section again. */
static __always_inline bool objpool_push(struct objpool *op,
					 unsigned long offset, void *obj)
{
	struct cpu_block *block;
	enum push push;

	push = objpool_push_inside(op->cpu, offset, obj, &block);
	if (likely(push == PUSH_DONE))
		return true;
	if (push == PUSH_FULL && cpu_can_exchange_full(block, offset)) {
		cpu_push_other(block, offset, obj);
		return true;
	}
	if (push == PUSH_FULL)
		mark_leave();
	return false;
}

/*
 * Whether the depot has nothing idle either, after a pop that failed. With late
 * news of it a get is a miss.
 */
static inline bool depot_is_empty(struct objpool *op, unsigned long offset)
{
	struct cpu_block *home = raw_cpu_read(op->cpu->home);

	return likely(home) && !READ_ONCE(depot_at(home, offset)->full);
}

/* Whether a class has a share of the bound for places that may be vacant. */
static inline bool cpu_has_places(const struct cpu_class *cc)
{
	return cc->loaded->limit | cc->cold->previous->limit;
}

/* Where the bound is scarce, theirs is wanted where these objects are put. */
static inline size_t cpu_give_way(struct objpool *op, struct cpu_class *cc)
{
	return unlikely(cpu_has_places(cc)) && bound_scarce(op->bound) ?
		       cpu_vacate(cc) :
		       0;
}

/**
 * objpool_try_count_miss() - count a get that is served with a fresh object
 * @op: the object pool
 * @offset: class_offset() of the class that it counts for
 * @len: length asked for
 *
 * Return: false, and nothing counted, if this CPU's block is out of reach, as
 * all are when the pool is dead. Then it is for objpool_count_miss().
 */
static inline bool objpool_try_count_miss(struct objpool *op,
					  unsigned long offset, size_t len)
{
	struct cpu_block *block;
	struct cpu_class *cc;
	size_t vacant;

	if (unlikely(!cpu_enter(op, &block)))
		return false;
	cc = cpu_class_at(block, offset);
	vacant = cpu_give_way(op, cc);
	cpu_count_miss(block, cc, cc->cold, len);
	cpu_leave(block);
	bound_return(op->bound, vacant);
	return true;
}

/**
 * objpool_count_miss_and_take() - count a miss, and take a bare object for it
 * @op: the object pool
 * @offset: class_offset() of the class that the miss counts for
 * @len: length asked for
 * @bare: class_offset() of the other object
 * @obj: set to that
 *
 * Both in one section: a miss is to cost little more than slab.
 *
 * Return: false, and nothing counted, if this CPU has none at hand, or has
 * vacant places.
 */
static inline bool objpool_count_miss_and_take(struct objpool *op,
					       unsigned long offset, size_t len,
					       unsigned long bare, void **obj)
{
	struct cpu_class *cc, *other;
	struct cpu_block *block;
	struct cpu_cold *cold;

	if (unlikely(!mark_enter()))
		return false;
	/* As cpu_enter(), but &no_block has none at hand anyway. */
	block = __this_cpu_read(op->cpu->block);
	cc = cpu_class_at(block, offset);
	other = cpu_class_at(block, bare);
	cold = cc->cold;
	if (unlikely(cpu_has_places(cc)) || unlikely(!other->top[-1])) {
		mark_leave();
		return false;
	}
	u64_stats_update_begin(&block->sync);
	*obj = cpu_take(other);
	cpu_count_miss(block, cc, cold, len);
	cpu_leave(block);
	return true;
}

/* Whether somebody has to look for what rests: see objpool_reclaim(). */
static inline bool reclaim_due(const struct cpu_block *block)
{
	return jiffies - READ_ONCE(block->reclaimed) > 0;
}

/**
 * objpool_may_drop() - whether it is no use to look for an object's place
 * @op: the object pool
 * @block: this CPU's, after %PUSH_FULL
 * @offset: class_offset() of the object's class
 *
 * The bound is exhausted, the depot has no empty magazine with a share of it,
 * and it is not yet time to look for what rests, or for places of this CPU's
 * that are out of sight of its loaded magazine. Not in &no_block, whose objects
 * have no size: there may be no depot.
 */
static inline bool objpool_may_drop(struct objpool *op, struct cpu_block *block,
				    unsigned long offset)
{
	return atomic_long_read(&op->bound->avail) <
		       (long)cpu_class_at(block, offset)->size &&
	       !READ_ONCE(depot_at(block, offset)->has_places) &&
	       !reclaim_due(block);
}

/**
 * cpu_drop() - count a put whose object is not kept, and clear the mark
 * @block: this CPU's, after objpool_may_drop()
 * @offset: class_offset() of the object's class
 *
 * Counted first: what is back with slab is not in use. Preemption stays off,
 * which objpool_kill() waits for: the caller enables it once the object is
 * gone.
 */
static inline void cpu_drop(struct cpu_block *block, unsigned long offset)
{
	u64_stats_update_begin(&block->sync);
	u64_stats_inc(&cpu_class_at(block, offset)->cold->dropped);
	u64_stats_update_end(&block->sync);
	mark_clear();
}

/**
 * cpu_drop_and_give() - the same, and keep what is left of the object
 * @block: this CPU's
 * @offset: class_offset() of the object's class
 * @bare: class_offset() of what is left
 * @obj: what is left
 *
 * Return: false, and nothing done, if there is no room at hand.
 */
static inline bool cpu_drop_and_give(struct cpu_block *block,
				     unsigned long offset, unsigned long bare,
				     void *obj)
{
	struct cpu_class *cc = cpu_class_at(block, bare);

	if (unlikely(cc->top >= cc->limit))
		return false;
	u64_stats_update_begin(&block->sync);
	cpu_add(cc, obj);
	u64_stats_update_end(&block->sync);
	cpu_drop(block, offset);
	return true;
}

void *objpool_get(struct objpool *op, unsigned int class, size_t len,
		  gfp_t gfp);
void objpool_put(struct objpool *op, unsigned int class, void *obj);

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

void objpool_sum(struct objpool *op, unsigned int class, struct class_sum *sum);
u64 sum_idle(const struct class_sum *sum);
u64 sum_in_use(const struct class_sum *sum);
size_t objpool_idle_bytes(struct objpool *op);

#endif /* _BYTEPOOL_OBJPOOL_H */
