/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful: a pthread mutex and its owner. Locking is a place that may sleep,
 * whether or not it does, and only the owner unlocks.
 */
#ifndef _LINUX_MUTEX_H
#define _LINUX_MUTEX_H

#include <linux/lockdep.h>
#include <pthread.h>

struct mutex {
	pthread_mutex_t mutex;
	struct lockdep_map dep_map;
};

#define __MUTEX_INITIALIZER(name)                                       \
	{                                                               \
		.mutex = PTHREAD_MUTEX_INITIALIZER, .dep_map = { 0, 0 } \
	}
#define DEFINE_MUTEX(name) struct mutex name = __MUTEX_INITIALIZER(name)

void mutex_init(struct mutex *lock);
void mutex_lock(struct mutex *lock);
bool __must_check mutex_trylock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);

#endif /* _LINUX_MUTEX_H */
