/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful: a futex and its owner; in the checking builds a pthread mutex, for
 * ThreadSanitizer. Locking is a place that may sleep, whether or not it does,
 * and only the owner unlocks.
 */
#ifndef _LINUX_MUTEX_H
#define _LINUX_MUTEX_H

#include <linux/lockdep.h>
#include <pthread.h>

#ifdef SHIM_STRICT
typedef pthread_mutex_t mutex_state_t;
#define MUTEX_UNLOCKED PTHREAD_MUTEX_INITIALIZER
#else
/* 1: locked, 2: and somebody waits. */
typedef unsigned int mutex_state_t;
#define MUTEX_UNLOCKED 0
#endif

struct mutex {
	mutex_state_t state;
	struct lockdep_map dep_map;
};

#define __MUTEX_INITIALIZER(name)                            \
	{                                                    \
		.state = MUTEX_UNLOCKED, .dep_map = { 0, 0 } \
	}
#define DEFINE_MUTEX(name) struct mutex name = __MUTEX_INITIALIZER(name)

void mutex_init(struct mutex *lock);
void mutex_lock(struct mutex *lock);
bool __must_check mutex_trylock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);

#endif /* _LINUX_MUTEX_H */
