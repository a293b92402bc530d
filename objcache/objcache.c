// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - the object pool: constructed objects, recycled
 *
 * Objects of a few classes are kept constructed in magazines: two for each
 * CPU and class, over a depot for each node and class. Two magazines that
 * change places make refill and flush go by half, coldest first, with one
 * visit to the depot for a whole magazine (Bonwick and Adams, "Magazines and
 * Vmem", USENIX 2001).
 *
 * A CPU's own part is protected by its busy mark: set, barrier, all tests,
 * the change, barrier, clear, with preemption disabled. An interrupt that
 * finds the mark set goes to the depot instead and counts atomically. So the
 * fast path neither saves interrupt flags nor writes a shared line.
 *
 * A CPU's part is emptied by its own CPU, by the callback once the CPU is
 * dead, or by a drain: it takes cpu_pool.block away, waits a grace period for
 * those inside, empties the block and gives it back.
 *
 * Idle memory is bounded in bytes at every moment: a magazine has drawn from
 * the bound for as many objects as it may hold, before it holds them.
 */

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>

#include "objcache.h"

/*
 * A magazine holds objects of so many bytes in all, between one object and
 * MAX_ROUNDS: enough rounds to make the depot's lock rare, but on up to
 * SHARING_CPUS together a class strands about half of the bound in magazines,
 * which come in twos.
 */
#define MAGAZINE_BYTES_MIN (256UL << 10)
#define MAGAZINE_SHARE	   4
#define SHARING_CPUS	   16U
#define MAX_ROUNDS	   64U

/* Magazines of objects that take nothing from the idle bound, in a depot. */
#define MAX_FREE_OF_CHARGE 16

/* A push that interrupts keep on spoiling gives up after as many attempts. */
#define PUSH_ATTEMPTS 6

/*
 * Stands for "none yet": nothing to take, no room to put, and yet not full. A
 * CPU that has it loaded has no other one either. Never written.
 */
struct magazine no_magazine __ro_after_init = { .cap = 1 };

static struct cpu_cold no_cold __ro_after_init = {
	.previous = &no_magazine,
};

/*
 * Stands for "none to be used": has nothing and takes nothing, whatever the
 * class, so that a fast path need not ask. Never written.
 */
struct cpu_block no_block __ro_after_init = {
	.class = {
		[0 ... OBJPOOL_MAX_CLASSES - 1] = {
			.top = no_magazine.obj,
			.limit = no_magazine.obj,
			.loaded = &no_magazine,
			.cold = &no_cold,
		},
	},
};

static enum cpuhp_state hotplug_state;

/* === The CPU's own part, inside its section === */

/* Both magazines are empty: takes one out, to be exchanged for a full one. */
static struct magazine *cpu_take_empty(struct cpu_class *cc)
{
	struct magazine *mag = cc->cold->previous;

	cc->cold->previous = &no_magazine;
	return mag == &no_magazine ? NULL : mag;
}

/* Loads a full magazine. Returns the empty one that it takes the place of. */
static struct magazine *cpu_load(struct cpu_class *cc, struct magazine *full)
{
	struct magazine *out = NULL;

	cpu_stow(cc);
	if (cc->cold->previous == &no_magazine)
		cc->cold->previous = cc->loaded;
	else
		out = cc->loaded;
	cc->loaded = full;
	cpu_reload(cc);
	return out;
}

static void *cpu_pop(struct cpu_block *block, struct cpu_class *cc, size_t len)
{
	void *obj = cpu_take(cc);

	if (len) {
		u64_stats_add(&cc->requested, len);
		cpu_note_length(block, len);
	}
	return obj;
}

/**
 * cpu_push_other() - push to the other magazine, and leave the section
 * @block: this CPU's, after %PUSH_FULL, where cpu_can_exchange_full()
 * @offset: class_offset() of the object's class
 * @obj: the object
 *
 * Nothing of the pool may be touched after this: it may be gone.
 */
void cpu_push_other(struct cpu_block *block, unsigned long offset, void *obj)
{
	struct cpu_class *cc = cpu_class_at(block, offset);

	cpu_exchange(cc, cc->loaded->cap);
	u64_stats_update_begin(&block->sync);
	cpu_add(cc, obj);
	cpu_leave(block);
}

/* What an object that wants to be idle is in want of. */
enum want {
	WANT_NOTHING,
	WANT_CREDIT,
	WANT_MAGAZINE,
};

/*
 * Loads a magazine that is not full: the other one, or *spare. Where both are
 * full, *out is the one that goes to the depot, to be exchanged for an empty
 * one. False without a spare one.
 */
static bool cpu_load_empty(struct cpu_class *cc, struct magazine **spare,
			   struct magazine **out)
{
	struct magazine *previous = cc->cold->previous;

	cpu_stow(cc);
	if (previous == &no_magazine || previous->nr == previous->cap) {
		if (previous != &no_magazine)
			*out = previous;
		cc->cold->previous = &no_magazine;
		if (!*spare)
			return false;
		cc->cold->previous = *spare;
		*spare = NULL;
	}
	cpu_exchange(cc, cc->loaded->nr);
	return true;
}

/*
 * Pushes, if need be with the help of an empty magazine, *spare. Or tells what
 * is wanting. For *out, see cpu_load_empty().
 */
static enum want cpu_push(struct cpu_class *cc, void *obj,
			  struct magazine **spare, struct magazine **out)
{
	if ((cc->loaded == &no_magazine ||
	     cc->top == cc->loaded->obj + cc->loaded->cap) &&
	    !cpu_load_empty(cc, spare, out))
		return WANT_MAGAZINE;
	if (cc->top == cc->limit)
		return WANT_CREDIT;
	cpu_add(cc, obj);
	return WANT_NOTHING;
}

/* Gives drawn bytes to the loaded magazine. Returns what it has no use for. */
static size_t cpu_credit(struct cpu_class *cc, size_t drawn)
{
	struct magazine *mag = cc->loaded;
	size_t places;

	if (!drawn || mag == &no_magazine)
		return drawn;
	places = min_t(size_t, drawn / cc->size, mag->cap - mag->limit);
	mag->limit += places;
	cc->limit += places;
	return drawn - places * cc->size;
}

/* === Slow paths === */

static struct objpool_shared *shared_alloc(struct objpool *op, gfp_t gfp)
{
	struct objpool_shared *shared;
	int node;

	shared = kzalloc(sizeof(*shared), gfp);
	if (!shared)
		return NULL;
	shared->counts = kcalloc(op->nr_classes, sizeof(*shared->counts), gfp);
	shared->depots = kcalloc(nr_node_ids, sizeof(*shared->depots), gfp);
	if (!shared->counts || !shared->depots)
		goto err_free;
	for_each_online_node(node) {
		shared->depots[node] = depots_alloc(op, gfp, node);
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
 * objpool_start() - make what CPUs share, if it is not there
 * @op: the object pool
 * @gfp: for the allocator
 *
 * Context: any but NMI.
 * Return: whether it is there now.
 */
bool objpool_start(struct objpool *op, gfp_t gfp)
{
	struct objpool_shared *shared;

	if (likely(objpool_started(op)))
		return true;
	if (!slab_allowed())
		return false;
	shared = shared_alloc(op, (gfp & ~__GFP_ZERO) | __GFP_NOWARN);
	if (!shared)
		return false;
	/* Pairs with objpool_started(), and all that depends on the pointer. */
	if (cmpxchg(&op->shared, NULL, shared))
		shared_free(shared);
	return true;
}

static struct cpu_block *block_alloc(struct objpool *op, gfp_t gfp)
{
	struct cpu_block *block;
	struct cpu_class *cc;
	unsigned int i;
	size_t size;

	block = kzalloc_node(struct_size(block, class, op->nr_classes), gfp,
			     numa_mem_id());
	if (!block)
		return NULL;
	/* Cache lines of its own: other CPUs count there, too. */
	size = ALIGN(array_size(op->nr_classes, sizeof(*block->cold)),
		     L1_CACHE_BYTES);
	block->cold = kzalloc_node(size, gfp, numa_mem_id());
	if (!block->cold) {
		kfree(block);
		return NULL;
	}
	u64_stats_init(&block->sync);
	block->reclaimed = jiffies;
	for (i = 0; i < op->nr_classes; i++) {
		cc = &block->class[i];
		cc->size = op->class[i].size;
		cc->cold = block->cold + i;
		cc->cold->previous = &no_magazine;
		cc->loaded = &no_magazine;
		cpu_reload(cc);
	}
	return block;
}

static void block_free(struct cpu_block *block)
{
	if (!block)
		return;
	kfree(block->cold);
	kfree(block);
}

/* Makes this CPU's block, if it has none and the context allows it. */
static void make_block(struct objpool *op, gfp_t gfp)
{
	struct cpu_block *block;
	struct cpu_pool *cp;

	if (!slab_allowed() || !cpu_private() || raw_cpu_read(op->cpu->home))
		return;
	block = block_alloc(op, (gfp & ~__GFP_ZERO) | __GFP_NOWARN);
	if (!block)
		return;

	/* objpool_kill() waits for this section before it looks for blocks. */
	preempt_disable();
	cp = this_cpu_ptr(op->cpu);
	block->depots = node_depots(op);
	if (cpu_private() && !READ_ONCE(op->dead) &&
	    !cmpxchg(&cp->home, NULL, block)) {
		/* Pairs with __this_cpu_read() inside of sections, here. */
		WRITE_ONCE(cp->block, block);
		block = NULL;
	}
	preempt_enable();
	block_free(block);
}

/**
 * objpool_count_miss() - count a get that is served with a fresh object
 * @op: the object pool
 * @class: the class that it counts for
 * @len: length asked for
 * @gfp: for this CPU's block, if it has none
 *
 * Return: false, and nothing counted, if the pool is dead, or there is no
 * memory for what CPUs share.
 */
bool objpool_count_miss(struct objpool *op, unsigned int class, size_t len,
			gfp_t gfp)
{
	if (READ_ONCE(op->dead) || !objpool_start(op, gfp))
		return false;
	make_block(op, gfp);
	if (objpool_try_count_miss(op, class_offset(class), len))
		return true;
	atomic64_add(len, &counts_of(op, class)->requested);
	atomic64_inc(&counts_of(op, class)->miss);
	objpool_note_length(op, len);
	return true;
}

/* Takes an object of the depot's own, where the CPU's are out of reach. */
static void *get_idle_shared(struct objpool *op, unsigned int class, size_t len)
{
	void *obj = depot_take_one(op, class, depot_here(op, class));

	if (!obj)
		return NULL;
	atomic64_inc(&counts_of(op, class)->hit);
	if (len) {
		atomic64_add(len, &counts_of(op, class)->requested);
		objpool_note_length(op, len);
	}
	return obj;
}

/* Loads a full magazine, and takes an object from what there is then. */
static void *get_idle_loaded(struct objpool *op, unsigned int class, size_t len,
			     struct depot *depot, struct magazine *full)
{
	struct magazine *empty = NULL;
	struct cpu_block *block;
	struct cpu_class *cc;
	void *obj;

	if (!cpu_enter(op, &block)) {
		/* The lock was free just now, and is again: see there. */
		depot_put_full(depot, full, UINT_MAX, NULL);
		return get_idle_shared(op, class, len);
	}
	cc = &block->class[class];
	/* An interrupt may have put something meanwhile. */
	if (likely(!cpu_can_pop(cc))) {
		empty = cpu_load(cc, full);
		full = NULL;
	}
	obj = cpu_pop(block, cc, len);
	cpu_leave(block);
	if (unlikely(full))
		depot_put_full(depot, full, UINT_MAX, NULL);
	if (unlikely(empty))
		depot_put_empty(op, class, depot, empty);
	return obj;
}

/*
 * Takes an idle object: from the CPU's own magazines, refilled from the depot
 * if need be, or from the depot itself where those are out of reach.
 */
static void *get_idle(struct objpool *op, unsigned int class, size_t len)
{
	struct depot *depot = depot_here(op, class);
	struct magazine *full, *empty = NULL;
	struct cpu_block *block;
	struct cpu_class *cc;
	bool refill = false;
	size_t vacant = 0;
	void *obj = NULL;

	/* What is bypassed has no magazines, at most prefilled objects. */
	if (op->bypass || !cpu_enter(op, &block))
		return get_idle_shared(op, class, len);
	cc = &block->class[class];
	if (cpu_can_pop(cc)) {
		obj = cpu_pop(block, cc, len);
	} else {
		vacant = cpu_give_way(op, cc);
		/* Pairs with the stores under the lock; late is a miss. */
		refill = READ_ONCE(depot->full);
		if (refill)
			empty = cpu_take_empty(cc);
	}
	cpu_leave(block);
	bound_return(op->bound, vacant);
	if (!refill)
		return obj;
	WRITE_ONCE(depot->used, true);
	full = depot_get_full(op, class, depot, empty);
	return full ? get_idle_loaded(op, class, len, depot, full) : NULL;
}

/**
 * objpool_get_shared() - take an idle object that objpool_pop() did not find
 * @op: the object pool
 * @class: which class
 * @len: length asked for, for the statistics; not larger than its objects
 * @gfp: for magazines
 *
 * Context: any but NMI.
 * Return: the object; NULL if there is none: then it is to be constructed, and
 * counted by objpool_count_miss().
 */
void *objpool_get_shared(struct objpool *op, unsigned int class, size_t len,
			 gfp_t gfp)
{
	if (READ_ONCE(op->dead) || !objpool_start(op, gfp))
		return NULL;
	make_block(op, gfp);
	return get_idle(op, class, len);
}

/**
 * objpool_get() - take an idle object
 * @op: the object pool
 * @class: which class
 * @len: length asked for, for the statistics; not larger than its objects
 * @gfp: for magazines
 *
 * Context: any but NMI.
 * Return: as objpool_get_shared().
 */
void *objpool_get(struct objpool *op, unsigned int class, size_t len, gfp_t gfp)
{
	void *obj;

	if (objpool_pop(op, class_offset(class), len, &obj) == POP_DONE)
		return obj;
	return objpool_get_shared(op, class, len, gfp);
}

static bool put_idle_shared(struct objpool *op, unsigned int class, void *obj,
			    bool insist)
{
	size_t size = op->class[class].size;

	if (size && !bound_draw(op->bound, size, size) &&
	    (!objpool_reclaim(op, class, insist) ||
	     !bound_draw(op->bound, size, size)))
		return false;
	if (!depot_keep_one(op, class, depot_here(op, class), obj,
			    GFP_NOWAIT | __GFP_NOWARN)) {
		bound_return(op->bound, size);
		return false;
	}
	return true;
}

/*
 * Draws for a magazine of a class while there is plenty, else for a few
 * objects, or for one. 0: exhausted.
 */
static size_t draw(struct objpool *op, unsigned int class)
{
	size_t size = op->class[class].size;
	size_t want = op->class[class].rounds * size;

	if (bound_scarce(op->bound))
		want = min(want, max(size, op->bound->chunk / size * size));
	return bound_draw(op->bound, size, want);
}

/* What a push wanted: credit, or an empty magazine. False: not to be had. */
static bool push_help(struct objpool *op, unsigned int class, enum want want,
		      size_t *drawn, struct magazine **spare)
{
	if (want == WANT_MAGAZINE) {
		if (!*spare)
			*spare = depot_get_empty(op, class,
						 depot_here(op, class),
						 GFP_NOWAIT | __GFP_NOWARN);
		return *spare;
	}
	*drawn = draw(op, class);
	if (!*drawn && objpool_reclaim(op, class, false))
		*drawn = draw(op, class);
	return *drawn;
}

/* A full magazine leaves the CPU. Returns an empty one, if there is any. */
static struct magazine *flush_magazine(struct objpool *op, unsigned int class,
				       struct magazine *mag)
{
	struct depot *depot = depot_here(op, class);
	struct magazine *empty = NULL;

	WRITE_ONCE(depot->used, true);
	if (depot_put_full(depot, mag, op->class[class].max_full, &empty))
		return empty;
	magazine_drain(op, class, mag, DRAIN_ATOMIC);
	return mag;
}

/* Whether there is no room for an object anywhere, inside the section. */
static bool cpu_is_full(struct objpool *op, struct cpu_block *block,
			unsigned int class)
{
	unsigned long offset = class_offset(class);

	return block->class[class].top >= block->class[class].limit &&
	       !cpu_can_exchange_full(block, offset) &&
	       objpool_may_drop(op, block, offset);
}

/* Makes an object idle; false if there is no room for it. */
static bool put_idle(struct objpool *op, unsigned int class, void *obj)
{
	struct magazine *spare = NULL, *out = NULL;
	enum want want = WANT_CREDIT;
	struct cpu_block *block;
	unsigned int attempts;
	bool entered = false;
	size_t drawn = 0;

	make_block(op, GFP_NOWAIT);
	for (attempts = 0; attempts < PUSH_ATTEMPTS; attempts++) {
		entered = cpu_enter(op, &block);
		if (!entered)
			break;
		if (!attempts && cpu_is_full(op, block, class)) {
			cpu_leave(block);
			return false;
		}
		drawn = cpu_credit(&block->class[class], drawn);
		want = cpu_push(&block->class[class], obj, &spare, &out);
		cpu_leave(block);
		bound_return(op->bound, drawn);
		drawn = 0;
		if (out)
			spare = flush_magazine(op, class, out);
		out = NULL;
		if (want == WANT_NOTHING ||
		    !push_help(op, class, want, &drawn, &spare))
			break;
	}
	bound_return(op->bound, drawn);
	if (spare)
		depot_put_empty(op, class, depot_here(op, class), spare);
	if (!entered && put_idle_shared(op, class, obj, false)) {
		atomic64_inc(&counts_of(op, class)->kept);
		return true;
	}
	return entered && want == WANT_NOTHING;
}

/* An object that was out when the pool was killed comes back. */
static void put_late(struct objpool *op, unsigned int class, void *obj)
{
	if (slab_allowed() && op->ops->destruct(op, class, obj, DESTRUCT_LATE))
		objpool_unpin(op);
	else
		objpool_park(op, class, obj, true);
}

/**
 * objpool_put_slow() - give back an object that objpool_push() has no room for
 * @op: the object pool
 * @class: the object's class
 * @obj: the object
 *
 * Context: any but NMI.
 */
void objpool_put_slow(struct objpool *op, unsigned int class, void *obj)
{
	/*
	 * objpool_kill() waits a grace period after it has set @dead: by then
	 * who saw it clear has counted and is gone, and all others unpin.
	 */
	rcu_read_lock();
	if (READ_ONCE(op->dead)) {
		put_late(op, class, obj);
	} else if (op->bypass || !put_idle(op, class, obj)) {
		/* Counted first: what is back with slab is not in use. */
		count_dropped(op, class);
		destruct_or_park(op, class, obj);
	}
	rcu_read_unlock();
}

/**
 * objpool_put() - give an object back
 * @op: the object pool
 * @class: its class
 * @obj: the object
 *
 * Nothing of the pool may be touched after this: it may be gone.
 *
 * Context: any but NMI.
 */
void objpool_put(struct objpool *op, unsigned int class, void *obj)
{
	if (!objpool_push(op, class_offset(class), obj))
		objpool_put_slow(op, class, obj);
}

/**
 * objpool_fill() - make a constructed object idle that was never out
 * @op: the object pool
 * @class: its class
 * @obj: the object
 *
 * Return: true, or false if there is no room within the idle bound.
 */
bool objpool_fill(struct objpool *op, unsigned int class, void *obj)
{
	if (READ_ONCE(op->dead) || !objpool_start(op, GFP_NOWAIT) ||
	    !put_idle_shared(op, class, obj, true))
		return false;
	atomic64_inc(&counts_of(op, class)->filled);
	return true;
}

/**
 * objpool_take_bare() - take an idle object of a class that is not counted
 * @op: the object pool
 * @class: its class
 *
 * Return: the object, or NULL.
 */
void *objpool_take_bare(struct objpool *op, unsigned int class)
{
	void *obj;

	if (objpool_pop_uncounted(op, class_offset(class), &obj))
		return obj;
	if (op->bypass || !objpool_start(op, GFP_NOWAIT))
		return NULL;
	return get_idle(op, class, 0);
}

/**
 * objpool_give_bare() - the inverse of objpool_take_bare()
 * @op: the object pool
 * @class: its class
 * @obj: the object
 *
 * Return: false if there is no room.
 */
bool objpool_give_bare(struct objpool *op, unsigned int class, void *obj)
{
	return objpool_push(op, class_offset(class), obj) ||
	       (!READ_ONCE(op->dead) && !op->bypass && objpool_started(op) &&
		put_idle(op, class, obj));
}

/* === Life of an object pool === */

static void hotplug_remove(struct objpool *op)
{
	if (hlist_unhashed(&op->hotplug))
		return;
	cpuhp_state_remove_instance_nocalls(hotplug_state, &op->hotplug);
	INIT_HLIST_NODE(&op->hotplug);
}

/**
 * objpool_reap() - free a killed pool that nothing is out of
 * @op: the object pool
 *
 * Context: may sleep.
 */
void objpool_reap(struct objpool *op)
{
	/* Who parked the last object may still have to queue the work. */
	if (READ_ONCE(op->late)) {
		synchronize_rcu();
		cancel_work_sync(&op->work);
	}
	op->ops->free(op);
}

static void objpool_free_work(struct work_struct *work)
{
	objpool_reap(container_of(work, struct objpool, free_work));
}

/**
 * objpool_init() - set an object pool up
 * @op: the object pool, zeroed
 * @nr_classes: how many classes it has; each is to be set before it is used
 * @ops: of the user
 * @bound: of idle memory
 * @bypass: keep nothing that comes back
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM; objpool_exit() is called after either.
 */
int objpool_init(struct objpool *op, unsigned int nr_classes,
		 const struct objpool_ops *ops, struct idle_bound *bound,
		 bool bypass)
{
	unsigned int cpu;

	mutex_init(&op->drain_lock);
	op->wq = bytepool_wq;
	INIT_WORK(&op->work, objpool_work);
	INIT_WORK(&op->drain_work, objpool_drain_work);
	INIT_WORK(&op->evict_work, objpool_evict_work);
	INIT_WORK(&op->free_work, objpool_free_work);
	INIT_HLIST_NODE(&op->hotplug);
	op->ops = ops;
	op->bound = bound;
	op->bypass = bypass;
	op->nr_classes = nr_classes;
	op->evicted = jiffies;

	op->class = kcalloc(nr_classes, sizeof(*op->class), GFP_KERNEL);
	op->cpu = alloc_percpu(struct cpu_pool);
	if (!op->class || !op->cpu)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		per_cpu_ptr(op->cpu, cpu)->block = &no_block;
		per_cpu_ptr(op->cpu, cpu)->op = op;
		init_llist_head(&per_cpu_ptr(op->cpu, cpu)->parked);
	}
	return cpuhp_state_add_instance_nocalls(hotplug_state, &op->hotplug);
}

/**
 * objpool_set_class() - say what a class is
 * @op: the object pool
 * @class: which class
 * @size: what an idle object takes from the idle bound, in bytes; 0: such
 *	objects are bookkeeping and take nothing
 */
void objpool_set_class(struct objpool *op, unsigned int class, size_t size)
{
	struct objclass *oc = &op->class[class];
	size_t bytes = max(op->bound->max / MAGAZINE_SHARE /
				   min(num_possible_cpus(), SHARING_CPUS),
			   MAGAZINE_BYTES_MIN);

	oc->size = size;
	oc->rounds = size ? clamp_t(size_t, DIV_ROUND_CLOSEST(bytes, size), 1,
				    MAX_ROUNDS) :
			    MAX_ROUNDS;
	oc->max_full = size ? UINT_MAX : MAX_FREE_OF_CHARGE;
	oc->keep_on_shrink = !size;
}

/**
 * objpool_kill() - end an object pool's service
 * @op: the object pool
 *
 * All gets have ended. What comes back from now on is destructed at once.
 * When this returns, every object is either destructed or out, and who comes
 * back unpins: the caller counts what is out and adds it to @pinned.
 *
 * Context: may sleep.
 */
void objpool_kill(struct objpool *op)
{
	hotplug_remove(op);
	/* Out of the list, no pool is trimmed any more. */
	cancel_work_sync(&op->drain_work);

	mutex_lock(&op->drain_lock);
	/*
	 * Pairs with objpool_put_slow() and make_block(), by grace period. Who
	 * drops an object on the fast path does not look: he has the block that
	 * is taken away below, and is waited for until the object is gone.
	 */
	WRITE_ONCE(op->dead, true);
	do {
		freeze_blocks(op);
		/* Nobody waits for a device to go but its user. */
		synchronize_rcu_expedited();
	} while (freeze_blocks(op));
	cancel_work_sync(&op->evict_work);
	/* Last, for what is destructed may be parked. */
	flush_work(&op->work);
	drain_frozen(op, DRAIN_ALL);
	drain_depots(op, SIZE_MAX, DRAIN_ALL);
	mutex_unlock(&op->drain_lock);
}

/**
 * objpool_exit() - free an object pool's own memory
 * @op: the object pool: killed, or just set up
 *
 * Context: may sleep.
 */
void objpool_exit(struct objpool *op)
{
	unsigned int cpu;

	hotplug_remove(op);
	if (op->cpu)
		for_each_possible_cpu(cpu)
			block_free(per_cpu_ptr(op->cpu, cpu)->home);
	free_percpu(op->cpu);
	shared_free(op->shared);
	kfree(op->shared_recent);
	kfree(op->class);
}

int objpool_module_init(void)
{
	int ret = -ENOMEM;

	/* Reclaim may wait for what it frees: a rescuer makes it go on. */
	bytepool_wq =
		alloc_workqueue("bytepool", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!bytepool_wq)
		return ret;
	/* But users' destructors, and slab, may wait for anything. */
	bytepool_idle_wq = alloc_workqueue("bytepool_idle", WQ_UNBOUND, 0);
	if (!bytepool_idle_wq)
		goto err_destroy_wq;
	ret = cpuhp_setup_state_multi(CPUHP_BP_PREPARE_DYN, "bytepool:dead",
				      NULL, objpool_cpu_dead);
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

void objpool_module_exit(void)
{
	cpuhp_remove_multi_state(hotplug_state);
	destroy_workqueue(bytepool_idle_wq);
	destroy_workqueue(bytepool_wq);
}
