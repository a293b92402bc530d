/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - the counters of an objcache
 */
#ifndef _BYTEPOOL_OBJCACHE_COUNTS_H
#define _BYTEPOOL_OBJCACHE_COUNTS_H

#include "types.h"

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

void objcache_note_length(struct objcache *oc, size_t len);
bool objcache_count_put(struct objcache *oc, unsigned int class);
void objcache_count_dropped(struct objcache *oc, unsigned int class);
unsigned int objcache_recent(struct objcache *oc, size_t *lens,
			     unsigned int nr);
void objcache_sum(struct objcache *oc, unsigned int class,
		  struct class_sum *sum);
u64 sum_idle(const struct class_sum *sum);
u64 sum_in_use(const struct class_sum *sum);
size_t objcache_idle_bytes(struct objcache *oc);

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

#endif /* _BYTEPOOL_OBJCACHE_COUNTS_H */
