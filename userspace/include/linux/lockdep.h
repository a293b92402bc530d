/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instrumented, in the checking builds: an assertion reports for real, a lock
 * taken twice or released by another thread is reported, and so is one that is
 * taken in an interrupt which may arrive while the same lock is held.
 */
#ifndef _LINUX_LOCKDEP_H
#define _LINUX_LOCKDEP_H

#include <linux/types.h>

/* What a lock has been used for; LOCKDEP_IRQ together with _IRQS_ON is bad. */
#define LOCKDEP_HARDIRQ	    1
#define LOCKDEP_HARDIRQS_ON 2
#define LOCKDEP_SOFTIRQ	    4
#define LOCKDEP_SOFTIRQS_ON 8

/**
 * struct lockdep_map - what is known of a lock
 * @owner: the thread that holds it, or 0
 * @usage: LOCKDEP_*, checking builds only
 */
struct lockdep_map {
	unsigned long owner;
	unsigned int usage;
};

#ifdef SHIM_STRICT
void shim_lockdep_assert(bool ok, const char *what, const char *file, int line);
bool shim_lock_is_held(const struct lockdep_map *map);

#define lockdep_is_held(lock)		     shim_lock_is_held(&(lock)->dep_map)
#define SHIM_LOCKDEP(ok)		     shim_lockdep_assert(ok, #ok, __FILE__, __LINE__)
#define lockdep_assert_held(lock)	     SHIM_LOCKDEP(lockdep_is_held(lock))
#define lockdep_assert_not_held(lock)	     SHIM_LOCKDEP(!lockdep_is_held(lock))
#define lockdep_assert_irqs_disabled()	     SHIM_LOCKDEP(irqs_disabled())
#define lockdep_assert_preemption_disabled() SHIM_LOCKDEP(!preemptible())
#else
#define lockdep_assert_held(lock)	     ((void)(lock))
#define lockdep_assert_not_held(lock)	     ((void)(lock))
#define lockdep_assert_irqs_disabled()	     ((void)0)
#define lockdep_assert_preemption_disabled() ((void)0)
#endif

#endif /* _LINUX_LOCKDEP_H */
