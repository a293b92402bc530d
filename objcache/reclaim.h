/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - how idle objects go back
 */
#ifndef _BYTEPOOL_OBJCACHE_RECLAIM_H
#define _BYTEPOOL_OBJCACHE_RECLAIM_H

#include <linux/jiffies.h>

#include "types.h"

void objcache_park(struct objcache *oc, unsigned int class, void *obj,
		   bool pinned);
void objcache_destruct_or_park(struct objcache *oc, unsigned int class,
			       void *obj);
void objcache_unpin(struct objcache *oc);
void objcache_work(struct work_struct *work);
void objcache_park_irq(struct irq_work *irq);
void objcache_cancel_work(struct objcache *oc);
size_t objcache_drain(struct objcache *oc);
void objcache_trim(struct objcache *oc);
bool objcache_reclaim(struct objcache *oc, unsigned int class, bool now);
void objcache_trim_work(struct work_struct *work);
void objcache_evict_work(struct work_struct *work);
int objcache_cpu_dead(unsigned int cpu, struct hlist_node *node);
unsigned int magazine_drain_some(struct objcache *oc, unsigned int class,
				 struct magazine *mag, unsigned int nr,
				 enum drain how);
unsigned int magazine_drain(struct objcache *oc, unsigned int class,
			    struct magazine *mag, enum drain how);
bool class_look(const struct cpu_class *cc);
bool freeze_cpus(struct objcache *oc);
size_t drain_frozen(struct objcache *oc, enum drain how);
size_t drain_depots(struct objcache *oc, enum drain how);
void objcache_unpark(struct objcache *oc);
void tell_dropped(struct objcache *oc);

size_t cpu_uncharge_slots(struct cpu_class *cc);

/* Tell whether objcache_reclaim() has not run in this tick. */
static inline bool reclaim_due(const struct cpu_cache *cache)
{
	return jiffies - READ_ONCE(cache->reclaimed) > 0;
}

#endif /* _BYTEPOOL_OBJCACHE_RECLAIM_H */
