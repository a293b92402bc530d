/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful, for 64-bit machines, which read and write such a counter in one
 * piece. Like the kernel's, an update is no atomic operation: it belongs to
 * one CPU, whose interrupts stay away.
 */
#ifndef _LINUX_U64_STATS_SYNC_H
#define _LINUX_U64_STATS_SYNC_H

#include <linux/compiler.h>
#include <linux/types.h>

_Static_assert(sizeof(long) == 8, "64-bit machines only");

typedef struct {
	u64 v;
} u64_stats_t;

struct u64_stats_sync {
};

static inline u64 u64_stats_read(const u64_stats_t *p)
{
	return READ_ONCE(p->v);
}

/* On x86 one instruction, as the kernel's local_add() is. */
static inline void u64_stats_add(u64_stats_t *p, unsigned long val)
{
#if defined(__x86_64__) && !defined(SHIM_STRICT)
	__asm__("addq %1, %0" : "+m"(p->v) : "er"(val) : "cc");
#else
	WRITE_ONCE(p->v, READ_ONCE(p->v) + val);
#endif
}

static inline void u64_stats_inc(u64_stats_t *p)
{
	u64_stats_add(p, 1);
}

static inline void u64_stats_init(struct u64_stats_sync *sync)
{
}

static inline void u64_stats_update_begin(struct u64_stats_sync *sync)
{
}

static inline void u64_stats_update_end(struct u64_stats_sync *sync)
{
}

static inline unsigned int
u64_stats_fetch_begin(const struct u64_stats_sync *sync)
{
	return 0;
}

static inline bool u64_stats_fetch_retry(const struct u64_stats_sync *sync,
					 unsigned int start)
{
	return false;
}

#endif /* _LINUX_U64_STATS_SYNC_H */
