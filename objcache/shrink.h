/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - what memory pressure can have of an objcache
 */
#ifndef _BYTEPOOL_OBJCACHE_SHRINK_H
#define _BYTEPOOL_OBJCACHE_SHRINK_H

#include "types.h"

size_t objcache_count(struct objcache *oc, unsigned int *looks);
void objcache_scan(struct objcache *oc, struct scan *scan);
void objcache_scan_cpus(struct objcache *oc, struct scan *scan);

#endif /* _BYTEPOOL_OBJCACHE_SHRINK_H */
