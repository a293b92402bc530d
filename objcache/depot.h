/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - what CPUs share of an objcache: the idle budget and the depots
 */
#ifndef _BYTEPOOL_OBJCACHE_DEPOT_H
#define _BYTEPOOL_OBJCACHE_DEPOT_H

#include <linux/topology.h>

#include "types.h"

void budget_init(struct idle_budget *budget, size_t max);
size_t budget_charge(struct idle_budget *budget, size_t need, size_t want);
size_t magazine_uncharge_slots(struct magazine *mag,
			       const struct objclass *objclass);
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
void magazine_free(struct objcache *oc, unsigned int class,
		   struct magazine *mag);
void depot_free_empty(struct objcache *oc, unsigned int class,
		      struct depot *depot);
void depot_free_surplus(struct objcache *oc, unsigned int class,
			struct depot *depot);
struct depot *depots_alloc(struct objcache *oc, gfp_t gfp, int node);
void objcache_set_awaited(struct objcache *oc, bool awaited);
void shared_free(struct objcache_shared *shared);

/* This node's depots, by class; only once there has been a get. */
static inline struct depot *node_depots(const struct objcache *oc)
{
	struct objcache_shared *shared = READ_ONCE(oc->shared);

	/* A node that came online later uses another one's. */
	return shared->depots[numa_mem_id()] ?: shared->first_depots;
}

/* Count a visit, for those who look for depots that rest. */
static inline void depot_visit(struct depot *depot)
{
	/* One instruction. A visit that is lost is next to one that is not. */
	data_race(depot->visits++);
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

/*
 * Whether to be sparing with what is left. While it is not scarce, a CPU keeps
 * the share of slots that it has emptied: it will fill them again.
 */
static inline bool budget_is_tight(const struct idle_budget *budget)
{
	return atomic_long_read(&budget->avail) < (long)(budget->max / 4);
}

static inline void budget_uncharge(struct idle_budget *budget, size_t bytes)
{
	if (unlikely(bytes))
		atomic_long_add(bytes, &budget->avail);
}

#endif /* _BYTEPOOL_OBJCACHE_DEPOT_H */
