// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - the objcache: constructed objects, recycled
 *
 * Idle objects are kept constructed in magazines: two for each CPU and class,
 * over a depot for each node and class. Exchanging the two makes refill and
 * flush move half of what the CPU has, coldest objects first, with one visit to
 * the depot for a whole magazine (Bonwick and Adams, "Magazines and Vmem",
 * USENIX 2001).
 *
 * The CPU lock protects a CPU's cache: a section tries the lock, makes all its
 * tests and changes, and releases the lock, with preemption disabled. An
 * interrupt that finds the lock taken goes to the depot instead, and counts
 * atomically. So the fast path neither saves interrupt flags nor writes a
 * shared line.
 *
 * A CPU's cache is emptied by its own CPU, by the hotplug callback once the CPU
 * is dead, or by a drain. A drain replaces objcache_cpu.cache, waits a grace
 * period for the sections that use the cache, empties it and gives it back.
 *
 * Idle memory is bounded in bytes at every moment: see struct idle_budget.
 */

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "objcache.h"

/*
 * The objects of a magazine have so many bytes in all, and number between one
 * and MAX_ROUNDS: enough to make visits to the depot rare, but on SHARING_CPUS
 * CPUs together a class strands no more than about half of the budget in its
 * magazines, two for each CPU. A magazine of MAX_ROUNDS slots fills 1 KiB.
 */
#define MAGAZINE_BYTES_MIN (256UL << 10)
#define MAGAZINE_SHARE	   4
#define SHARING_CPUS	   16U
#define MAX_ROUNDS	   124U

/* Full magazines of an uncharged class that a depot keeps. */
#define MAX_FULL_UNCHARGED 8

/* Attempts of a push before it gives up: interrupts may spoil each of them. */
#define PUSH_ATTEMPTS 6

static enum cpuhp_state hotplug_state;

/* === Under the CPU lock === */

/* Take out the previous magazine, which is empty, to exchange it in the depot. */
static struct magazine *cpu_take_empty(struct cpu_class *cc)
{
	struct magazine *mag = cc->cold->previous;

	cc->cold->previous = &no_magazine;
	return mag == &no_magazine ? NULL : mag;
}

/* Load a full magazine. Returns the empty one that leaves the CPU, or NULL. */
static struct magazine *cpu_load(struct cpu_class *cc, struct magazine *full)
{
	struct magazine *out = NULL;

	cpu_save_nr(cc);
	if (cc->cold->previous == &no_magazine)
		cc->cold->previous = cc->loaded;
	else
		out = cc->loaded;
	cc->loaded = full;
	cpu_reload(cc);
	return out;
}

static void *cpu_pop(struct cpu_cache *cache, struct cpu_class *cc, size_t len)
{
	void *obj = cpu_take(cc);

	if (len) {
		u64_stats_add(&cc->requested, len);
		cpu_note_length(cache, len);
	}
	return obj;
}

/**
 * cpu_push_other() - push to the other magazine, and release the CPU lock
 * @cache: this CPU's cache, after cpu_can_exchange_full()
 * @ofs: class_to_ofs() of the object's class
 * @obj: the object
 *
 * Nothing of the pool may be touched after this: it may be gone.
 */
void cpu_push_other(struct cpu_cache *cache, unsigned long ofs, void *obj)
{
	struct cpu_class *cc = cpu_class_at(cache, ofs);

	cpu_lock_assert_held();
	cpu_exchange(cc, cc->loaded->cap);
	u64_stats_update_begin(&cache->sync);
	cpu_add(cc, obj);
	cpu_cache_unlock(cache);
}

/* What a push needs from outside of the section. */
enum want {
	WANT_NOTHING,
	WANT_CHARGE,
	WANT_MAGAZINE,
};

/**
 * struct push_state - what a push carries from one section to the next
 * @want: what the last attempt needed
 * @charged: bytes charged to the budget, not yet for slots of a magazine
 * @empty: an empty magazine to load, or NULL
 * @full: a full magazine on its way to the depot, or NULL
 */
struct push_state {
	enum want want;
	size_t charged;
	struct magazine *empty;
	struct magazine *full;
};

/*
 * Load a magazine that is not full: the other one, or ps->empty. If both of the
 * CPU's are full, the other one leaves as ps->full. Returns false if there is no
 * empty one.
 */
static bool cpu_load_empty(struct cpu_class *cc, struct push_state *ps)
{
	struct magazine *previous = cc->cold->previous;

	cpu_save_nr(cc);
	if (previous == &no_magazine || previous->nr == previous->cap) {
		if (previous != &no_magazine)
			ps->full = previous;
		cc->cold->previous = &no_magazine;
		if (!ps->empty)
			return false;
		cc->cold->previous = ps->empty;
		ps->empty = NULL;
	}
	cpu_exchange(cc, cc->loaded->nr);
	return true;
}

/* Push, or return what the push needs. */
static enum want cpu_push(struct cpu_class *cc, void *obj,
			  struct push_state *ps)
{
	if ((cc->loaded == &no_magazine ||
	     cc->top == cc->loaded->obj + cc->loaded->cap) &&
	    !cpu_load_empty(cc, ps))
		return WANT_MAGAZINE;
	if (cc->top == cc->end)
		return WANT_CHARGE;
	cpu_add(cc, obj);
	return WANT_NOTHING;
}

/* Use charged bytes for slots of the loaded magazine. Returns the rest. */
static size_t cpu_charge_slots(struct cpu_class *cc, size_t bytes)
{
	struct magazine *mag = cc->loaded;
	size_t slots;

	/* An uncharged class, whose size is 0, never has bytes here. */
	if (!bytes || mag == &no_magazine)
		return bytes;
	slots = min_t(size_t, bytes / cc->size, mag->cap - mag->charged);
	mag->charged += slots;
	cc->end += slots;
	return bytes - slots * cc->size;
}

/* === Slow paths === */

static struct objcache_shared *shared_alloc(struct objcache *oc, gfp_t gfp)
{
	struct objcache_shared *shared;
	int node;

	shared = kzalloc(sizeof(*shared), gfp);
	if (!shared)
		return NULL;
	shared->counts = kcalloc(oc->nr_classes, sizeof(*shared->counts), gfp);
	shared->depots = kcalloc(nr_node_ids, sizeof(*shared->depots), gfp);
	if (!shared->counts || !shared->depots)
		goto err_free;
	for_each_online_node(node) {
		shared->depots[node] = depots_alloc(oc, gfp, node);
		if (!shared->depots[node])
			goto err_free;
		shared->first_depots = shared->depots[node];
	}
	return shared;

err_free:
	shared_free(shared);
	return NULL;
}

/**
 * objcache_start() - make the part that CPUs share, if there is none
 * @oc: the objcache
 * @gfp: for the allocator
 *
 * Context: any but NMI.
 * Return: true if there is one now; false without memory.
 */
bool objcache_start(struct objcache *oc, gfp_t gfp)
{
	struct objcache_shared *shared;

	if (likely(objcache_started(oc)))
		return true;
	if (!slab_allowed())
		return false;
	shared = shared_alloc(oc, (gfp & ~__GFP_ZERO) | __GFP_NOWARN);
	if (!shared)
		return false;
	/* Pairs with READ_ONCE() of the pointer, and the dependency through it. */
	if (cmpxchg(&oc->shared, NULL, shared))
		shared_free(shared);
	else if (oc->ops->start)
		oc->ops->start(oc);
	return true;
}

static struct cpu_cache *cpu_cache_alloc(struct objcache *oc, gfp_t gfp)
{
	struct cpu_cache *cache;
	struct cpu_class *cc;
	unsigned int i;
	size_t size;

	cache = kzalloc_node(struct_size(cache, class, oc->nr_classes), gfp,
			     numa_mem_id());
	if (!cache)
		return NULL;
	/* Cache lines of its own, apart from the shared counters in slab. */
	size = ALIGN(array_size(oc->nr_classes, sizeof(*cache->cold)),
		     L1_CACHE_BYTES);
	cache->cold = kzalloc_node(size, gfp, numa_mem_id());
	if (!cache->cold) {
		kfree(cache);
		return NULL;
	}
	u64_stats_init(&cache->sync);
	cache->reclaimed = jiffies;
	for (i = 0; i < oc->nr_classes; i++) {
		cc = &cache->class[i];
		cc->size = oc->class[i].size;
		cc->cold = cache->cold + i;
		cc->cold->previous = &no_magazine;
		cc->cold->objclass = &oc->class[i];
		cc->cold->trimmed = true;
		cc->loaded = &no_magazine;
		cpu_reload(cc);
	}
	return cache;
}

static void cpu_cache_free(struct cpu_cache *cache)
{
	if (!cache)
		return;
	kfree(cache->cold);
	kfree(cache);
}

/* Make this CPU's cache, if it has none and the context allows it. */
static void make_cpu_cache(struct objcache *oc, gfp_t gfp)
{
	struct cpu_cache *cache;
	struct objcache_cpu *cp;

	if (raw_cpu_read(oc->cpu->home) || !slab_allowed())
		return;
	cache = cpu_cache_alloc(oc, (gfp & ~__GFP_ZERO) | __GFP_NOWARN);
	if (!cache)
		return;

	/* objcache_kill() waits for this section before it looks for CPU caches. */
	preempt_disable();
	cp = this_cpu_ptr(oc->cpu);
	cache->depots = node_depots(oc);
	if (!READ_ONCE(oc->dead) && !cmpxchg(&cp->home, NULL, cache)) {
		/* Pairs with this_cpu_read_once() in the sections of this CPU. */
		WRITE_ONCE(cp->cache, cache);
		cache = NULL;
	}
	preempt_enable();
	cpu_cache_free(cache);
}

/**
 * objcache_count_miss() - count a get that is served with a new object
 * @oc: the objcache
 * @class: class that the get counts for
 * @len: length that the user asks for, in bytes
 * @gfp: for this CPU's cache, if the CPU has none
 *
 * Return: false, and nothing counted, if the objcache is dead, or if there is
 * no memory for the part that CPUs share.
 */
bool objcache_count_miss(struct objcache *oc, unsigned int class, size_t len,
			 gfp_t gfp)
{
	if (READ_ONCE(oc->dead) || !objcache_start(oc, gfp))
		return false;
	make_cpu_cache(oc, gfp);
	if (objcache_try_count_miss(oc, class_to_ofs(class), len))
		return true;
	atomic64_add(len, &counts_of(oc, class)->requested);
	atomic64_inc(&counts_of(oc, class)->miss);
	objcache_note_length(oc, len);
	return true;
}

/* Take an object from the depot, because the CPU's cache cannot be used. */
static void *get_idle_shared(struct objcache *oc, unsigned int class,
			     size_t len)
{
	void *obj;

	/* An NMI may have interrupted the holder of the lock. */
	if (in_nmi())
		return NULL;
	obj = depot_take_one(oc, class, depot_here(oc, class));
	if (!obj)
		return NULL;
	atomic64_inc(&counts_of(oc, class)->hit);
	if (len) {
		atomic64_add(len, &counts_of(oc, class)->requested);
		objcache_note_length(oc, len);
	}
	return obj;
}

/* Load a full magazine, and take an object. */
static void *get_idle_loaded(struct objcache *oc, unsigned int class,
			     size_t len, struct depot *depot,
			     struct magazine *full)
{
	struct magazine *empty = NULL;
	struct cpu_cache *cache;
	struct cpu_class *cc;
	void *obj;

	if (!cpu_cache_trylock(oc, &cache)) {
		depot_put_full(depot, full, UINT_MAX, NULL);
		return get_idle_shared(oc, class, len);
	}
	cc = &cache->class[class];
	/* An interrupt may have pushed in between: @full is not needed then. */
	if (likely(!cpu_can_pop(cc))) {
		empty = cpu_load(cc, full);
		full = NULL;
	}
	obj = cpu_pop(cache, cc, len);
	cpu_cache_unlock(cache);
	if (unlikely(full))
		depot_put_full(depot, full, UINT_MAX, NULL);
	if (unlikely(empty))
		depot_put_empty(oc, class, depot, empty);
	return obj;
}

/*
 * Take an idle object: from the CPU's magazines, refilled from the depot if they
 * are empty, or from the depot itself if the CPU's cache cannot be used.
 */
static void *get_idle(struct objcache *oc, unsigned int class, size_t len)
{
	struct depot *depot = depot_here(oc, class);
	struct magazine *full, *empty = NULL;
	struct cpu_cache *cache;
	struct cpu_class *cc;
	bool refill = false;
	size_t bytes = 0;
	void *obj = NULL;

	/* A pool that bypasses magazines has prefilled objects at most. */
	if (oc->bypass || !cpu_cache_trylock(oc, &cache))
		return get_idle_shared(oc, class, len);
	cc = &cache->class[class];
	if (cpu_can_pop(cc)) {
		obj = cpu_pop(cache, cc, len);
	} else {
		bytes = cpu_uncharge_if_tight(oc, cc);
		/* Racy: see depot.full. */
		refill = READ_ONCE(depot->full);
		if (refill)
			empty = cpu_take_empty(cc);
	}
	cpu_cache_unlock(cache);
	budget_uncharge(oc->budget, bytes);
	if (!refill)
		return obj;
	depot_visit(depot);
	full = depot_get_full(oc, class, depot, empty);
	return full ? get_idle_loaded(oc, class, len, depot, full) : NULL;
}

/**
 * objcache_get_slow() - take an idle object that objcache_pop() did not find
 * @oc: the objcache
 * @class: class of the object
 * @len: length that the user asks for, in bytes; the class's objects fit it
 * @gfp: for this CPU's cache, if the CPU has none
 *
 * Context: any but NMI.
 * Return: the object; or NULL: the caller constructs one, and counts the get by
 * objcache_count_miss().
 */
void *objcache_get_slow(struct objcache *oc, unsigned int class, size_t len,
			gfp_t gfp)
{
	if (READ_ONCE(oc->dead) || !objcache_start(oc, gfp))
		return NULL;
	make_cpu_cache(oc, gfp);
	return get_idle(oc, class, len);
}

/**
 * objcache_get() - take an idle object
 * @oc: the objcache
 * @class: class of the object
 * @len: length that the user asks for, in bytes; the class's objects fit it
 * @gfp: for this CPU's cache, if the CPU has none
 *
 * Context: any but NMI.
 * Return: the object, or NULL, as objcache_get_slow() has it.
 */
void *objcache_get(struct objcache *oc, unsigned int class, size_t len,
		   gfp_t gfp)
{
	void *obj;

	if (objcache_pop(oc, class_to_ofs(class), len, &obj) == POP_DONE)
		return obj;
	return objcache_get_slow(oc, class, len, gfp);
}

/*
 * Make an object idle in the depot; @insist: reclaim not only once a tick.
 * Returns false if there is no room for it.
 */
static bool put_idle_shared(struct objcache *oc, unsigned int class, void *obj,
			    bool insist)
{
	size_t size = oc->class[class].size;

	/* An NMI may have interrupted the holder of the lock. */
	if (in_nmi())
		return false;
	if (!oc->class[class].uncharged &&
	    !budget_charge(oc->budget, size, size) &&
	    (!objcache_reclaim(oc, class, insist) ||
	     !budget_charge(oc->budget, size, size)))
		return false;
	if (!depot_keep_one(oc, class, depot_here(oc, class), obj,
			    GFP_NOWAIT | __GFP_NOWARN)) {
		budget_uncharge(oc->budget, size);
		return false;
	}
	return true;
}

/*
 * Charge for a magazine of a class, or while the budget is tight for a few
 * objects or one. Returns bytes; 0 if the budget is exhausted.
 */
static size_t charge(struct objcache *oc, unsigned int class)
{
	size_t size = oc->class[class].size;
	size_t want = oc->class[class].rounds * size;

	if (budget_is_tight(oc->budget))
		want = min(want, max(size, oc->budget->chunk / size * size));
	return budget_charge(oc->budget, size, want);
}

/* Get what the last attempt needed. Returns false if it is not to be had. */
static bool push_help(struct objcache *oc, unsigned int class,
		      struct push_state *ps)
{
	if (ps->want == WANT_MAGAZINE) {
		if (!ps->empty)
			ps->empty = depot_get_empty(oc, class,
						    depot_here(oc, class),
						    GFP_NOWAIT | __GFP_NOWARN);
		return ps->empty;
	}
	ps->charged = charge(oc, class);
	if (!ps->charged && objcache_reclaim(oc, class, false))
		ps->charged = charge(oc, class);
	return ps->charged;
}

/* Move a full magazine to the depot. Returns an empty one, if there is any. */
static struct magazine *flush_magazine(struct objcache *oc, unsigned int class,
				       struct magazine *mag)
{
	struct depot *depot = depot_here(oc, class);
	struct magazine *empty = NULL;

	depot_visit(depot);
	if (depot_put_full(depot, mag, oc->class[class].max_full, &empty))
		return empty;
	magazine_drain(oc, class, mag, DRAIN_ATOMIC);
	return mag;
}

/* Tell whether no slot is to be had, under the CPU lock. */
static bool cpu_is_full(struct objcache *oc, struct cpu_cache *cache,
			unsigned int class)
{
	unsigned long ofs = class_to_ofs(class);

	return cache->class[class].top >= cache->class[class].end &&
	       !cpu_can_exchange_full(cache, ofs) &&
	       objcache_may_drop(oc, cache, ofs);
}

/* Make an object idle. Returns false if there is no room for it. */
static bool put_idle(struct objcache *oc, unsigned int class, void *obj)
{
	struct push_state ps = { .want = WANT_CHARGE };
	struct cpu_cache *cache;
	unsigned int attempts;
	bool locked = false;

	make_cpu_cache(oc, GFP_NOWAIT);
	for (attempts = 0; attempts < PUSH_ATTEMPTS; attempts++) {
		locked = cpu_cache_trylock(oc, &cache);
		if (!locked)
			break;
		if (!attempts && cpu_is_full(oc, cache, class)) {
			cpu_cache_unlock(cache);
			return false;
		}
		ps.charged = cpu_charge_slots(&cache->class[class], ps.charged);
		ps.want = cpu_push(&cache->class[class], obj, &ps);
		cpu_cache_unlock(cache);
		budget_uncharge(oc->budget, ps.charged);
		ps.charged = 0;
		if (ps.full)
			ps.empty = flush_magazine(oc, class, ps.full);
		ps.full = NULL;
		if (ps.want == WANT_NOTHING || !push_help(oc, class, &ps))
			break;
	}
	budget_uncharge(oc->budget, ps.charged);
	if (ps.empty)
		depot_put_empty(oc, class, depot_here(oc, class), ps.empty);
	if (!locked && put_idle_shared(oc, class, obj, false)) {
		atomic64_inc(&counts_of(oc, class)->kept);
		return true;
	}
	return locked && ps.want == WANT_NOTHING;
}

/* Take back an object that was out when the objcache was killed. */
static void put_late(struct objcache *oc, unsigned int class, void *obj)
{
	if (!slab_allowed()) {
		objcache_park(oc, class, obj, true);
		return;
	}
	oc->ops->destruct(oc, class, obj, DESTRUCT_LATE);
	objcache_unpin(oc);
}

/**
 * objcache_put_slow() - give back an object that objcache_push() has no room for
 * @oc: the objcache
 * @class: the object's class
 * @obj: the object
 *
 * Context: any but NMI.
 */
void objcache_put_slow(struct objcache *oc, unsigned int class, void *obj)
{
	/*
	 * objcache_kill() waits a grace period after it has set @dead: by then
	 * who saw it clear has counted and is gone, and all others unpin.
	 */
	rcu_read_lock();
	if (READ_ONCE(oc->dead)) {
		put_late(oc, class, obj);
	} else if (oc->bypass || !put_idle(oc, class, obj)) {
		/* Count first: memory that is back with slab is not in use. */
		objcache_count_dropped(oc, class);
		objcache_destruct_or_park(oc, class, obj);
	}
	/* Nobody waits for an objcache that is dead. */
	if (unlikely(READ_ONCE(oc->awaited)))
		oc->ops->came_back(oc);
	rcu_read_unlock();
}

/**
 * objcache_put() - give an object back
 * @oc: the objcache
 * @class: class of the object
 * @obj: the object
 *
 * Nothing of the pool may be touched after this: it may be gone.
 *
 * Context: any but NMI.
 */
void objcache_put(struct objcache *oc, unsigned int class, void *obj)
{
	if (!objcache_push(oc, class_to_ofs(class), obj))
		objcache_put_slow(oc, class, obj);
}

/**
 * objcache_fill() - make a constructed object idle that was never out
 * @oc: the objcache
 * @class: class of the object
 * @obj: the object
 *
 * Return: true; false if there is no room within the idle budget.
 */
bool objcache_fill(struct objcache *oc, unsigned int class, void *obj)
{
	if (READ_ONCE(oc->dead) || !objcache_start(oc, GFP_NOWAIT) ||
	    !put_idle_shared(oc, class, obj, true))
		return false;
	atomic64_inc(&counts_of(oc, class)->filled);
	return true;
}

/**
 * objcache_get_uncounted() - take an idle object of a class that is not counted
 * @oc: the objcache
 * @class: class of the object
 *
 * Return: the object, or NULL.
 */
void *objcache_get_uncounted(struct objcache *oc, unsigned int class)
{
	void *obj;

	if (objcache_pop_uncounted(oc, class_to_ofs(class), &obj))
		return obj;
	if (oc->bypass || !objcache_start(oc, GFP_NOWAIT))
		return NULL;
	return get_idle(oc, class, 0);
}

/**
 * objcache_put_uncounted() - the inverse of objcache_get_uncounted()
 * @oc: the objcache
 * @class: class of the object
 * @obj: the object
 *
 * Return: true; false if there is no room.
 */
bool objcache_put_uncounted(struct objcache *oc, unsigned int class, void *obj)
{
	return objcache_push(oc, class_to_ofs(class), obj) ||
	       (!READ_ONCE(oc->dead) && !oc->bypass && objcache_started(oc) &&
		put_idle(oc, class, obj));
}

/* === Life of an objcache === */

static void hotplug_remove(struct objcache *oc)
{
	if (hlist_unhashed(&oc->hotplug))
		return;
	cpuhp_state_remove_instance_nocalls(hotplug_state, &oc->hotplug);
	INIT_HLIST_NODE(&oc->hotplug);
}

/**
 * objcache_reap() - free a killed objcache of which no object is out
 * @oc: the objcache, and its user's pool with it
 *
 * Context: may sleep.
 */
void objcache_reap(struct objcache *oc)
{
	/* The CPU that parked the last object may still have to queue the work. */
	if (READ_ONCE(oc->late)) {
		synchronize_rcu();
		objcache_cancel_work(oc);
	}
	oc->ops->free(oc);
}

static void objcache_free_work(struct work_struct *work)
{
	objcache_reap(container_of(work, struct objcache, free_work));
}

/**
 * objcache_init() - set an objcache up
 * @oc: the objcache, zeroed
 * @nr_classes: number of classes; each is set before its first use
 * @ops: functions of the user
 * @budget: budget of idle memory
 * @bypass: keep nothing that comes back
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM; objcache_exit() is called after either.
 */
int objcache_init(struct objcache *oc, unsigned int nr_classes,
		  const struct objcache_ops *ops, struct idle_budget *budget,
		  bool bypass)
{
	unsigned int cpu;

	mutex_init(&oc->drain_lock);
	INIT_WORK(&oc->work, objcache_work);
	init_irq_work(&oc->park_irq, objcache_park_irq);
	INIT_WORK(&oc->trim_work, objcache_trim_work);
	INIT_WORK(&oc->evict_work, objcache_evict_work);
	INIT_WORK(&oc->free_work, objcache_free_work);
	INIT_HLIST_NODE(&oc->hotplug);
	oc->ops = ops;
	oc->budget = budget;
	oc->bypass = bypass;
	oc->nr_classes = nr_classes;
	oc->evicted = jiffies;

	oc->class = kcalloc(nr_classes, sizeof(*oc->class), GFP_KERNEL);
	oc->cpu = alloc_percpu(struct objcache_cpu);
	if (!oc->class || !oc->cpu)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		per_cpu_ptr(oc->cpu, cpu)->cache = &no_cpu_cache;
		per_cpu_ptr(oc->cpu, cpu)->oc = oc;
		init_llist_head(&per_cpu_ptr(oc->cpu, cpu)->parked);
	}
	return cpuhp_state_add_instance_nocalls(hotplug_state, &oc->hotplug);
}

/**
 * objcache_set_class() - set a class up
 * @oc: the objcache
 * @class: the class
 * @size: bytes that an idle object is charged with to the budget, not 0
 */
void objcache_set_class(struct objcache *oc, unsigned int class, size_t size)
{
	struct objclass *objclass = &oc->class[class];
	size_t bytes = max(oc->budget->max / MAGAZINE_SHARE /
				   min(num_possible_cpus(), SHARING_CPUS),
			   MAGAZINE_BYTES_MIN);

	objclass->size = size;
	objclass->rounds =
		clamp_t(size_t, DIV_ROUND_CLOSEST(bytes, size), 1, MAX_ROUNDS);
	objclass->max_full = UINT_MAX;
}

/**
 * objcache_set_class_uncharged() - set a class of bookkeeping up
 * @oc: the objcache
 * @class: the class; see objclass.uncharged
 */
void objcache_set_class_uncharged(struct objcache *oc, unsigned int class)
{
	struct objclass *objclass = &oc->class[class];

	objclass->rounds = MAX_ROUNDS;
	objclass->max_full = MAX_FULL_UNCHARGED;
	objclass->uncharged = true;
}

/**
 * objcache_kill() - end an objcache's service
 * @oc: the objcache
 *
 * All gets have ended. Objects that come back from now on are destructed at
 * once. When this returns, every object is destructed or out, and an object
 * that comes back unpins: the caller counts the objects that are out and adds
 * their number to objcache.pinned.
 *
 * A destructor runs without drain_lock: it may end a pool of its own.
 *
 * Context: may sleep, not in a CPU hotplug callback.
 */
void objcache_kill(struct objcache *oc)
{
	hotplug_remove(oc);
	/* The pool has left the list of pools: the trim does not queue it again. */
	cancel_work_sync(&oc->trim_work);

	mutex_lock(&oc->drain_lock);
	/*
	 * Pairs, by grace period, with objcache_put_slow() and make_cpu_cache().
	 * objcache_put_full() does not read it: a drop there is inside of a
	 * section until the object is freed, and uses a cache that is frozen
	 * below.
	 */
	WRITE_ONCE(oc->dead, true);
	do {
		freeze_cpus(oc);
		/* Expedited: device removal is waiting for us. */
		synchronize_rcu_expedited();
	} while (freeze_cpus(oc));
	cancel_work_sync(&oc->evict_work);
	/* After evict_work, which may park objects. */
	mutex_unlock(&oc->drain_lock);
	/*
	 * Not flush_work(): this may run in a destructor that another pool's
	 * work calls, and that worker may be the only one that there is.
	 */
	objcache_unpark(oc);
	/*
	 * What comes back late may have queued the work in between, and the
	 * worker has taken what was parked before. This waits for that. What is
	 * parked from now on is late.
	 */
	objcache_unpark(oc);
	/* Nobody else drains any more. */
	drain_frozen(oc, DRAIN_ALL);
	drain_depots(oc, DRAIN_ALL);
	if (objcache_started(oc))
		tell_dropped(oc);
}

/**
 * objcache_exit() - free an objcache's own memory
 * @oc: the objcache: killed, or just set up
 *
 * Context: may sleep.
 */
void objcache_exit(struct objcache *oc)
{
	unsigned int cpu;

	hotplug_remove(oc);
	if (oc->cpu)
		for_each_possible_cpu(cpu)
			cpu_cache_free(per_cpu_ptr(oc->cpu, cpu)->home);
	free_percpu(oc->cpu);
	shared_free(oc->shared);
	kfree(oc->shared_recent);
	kfree(oc->class);
}

int objcache_module_init(void)
{
	int ret = -ENOMEM;

	/*
	 * Reclaim may wait for memory that this frees, and a driver may destroy
	 * a pool from a worker with a rescuer: hence one here.
	 */
	bytepool_wq =
		alloc_workqueue("bytepool", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!bytepool_wq)
		return ret;
	/* Slab may wait for anything as a cache goes. */
	bytepool_idle_wq = alloc_workqueue("bytepool_idle", WQ_UNBOUND, 0);
	if (!bytepool_idle_wq)
		goto err_destroy_wq;
	ret = cpuhp_setup_state_multi(CPUHP_BP_PREPARE_DYN, "bytepool:dead",
				      NULL, objcache_cpu_dead);
	if (ret < 0)
		goto err_destroy_idle_wq;
	hotplug_state = ret;
	return 0;

err_destroy_idle_wq:
	destroy_workqueue(bytepool_idle_wq);
err_destroy_wq:
	destroy_workqueue(bytepool_wq);
	return ret;
}

void objcache_module_exit(void)
{
	cpuhp_remove_multi_state(hotplug_state);
	destroy_workqueue(bytepool_idle_wq);
	destroy_workqueue(bytepool_wq);
}
