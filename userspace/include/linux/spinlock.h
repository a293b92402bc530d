/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful, but not fair. The lock word is its owner. The two kinds have types
 * of their own; with CONFIG_PREEMPT_RT the checking builds treat spinlock_t as
 * the lock that sleeps which it is there.
 */
#ifndef _LINUX_SPINLOCK_H
#define _LINUX_SPINLOCK_H

#include <linux/irqflags.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>

typedef struct raw_spinlock {
	struct lockdep_map dep_map;
} raw_spinlock_t;

typedef struct spinlock {
	struct lockdep_map dep_map;
} spinlock_t;

#define SHIM_UNLOCKED               \
	{                           \
		.dep_map = { 0, 0 } \
	}
#define DEFINE_RAW_SPINLOCK(name) raw_spinlock_t name = SHIM_UNLOCKED
#define DEFINE_SPINLOCK(name)	  spinlock_t name = SHIM_UNLOCKED

void raw_spin_lock_init(raw_spinlock_t *lock);
void raw_spin_lock(raw_spinlock_t *lock);
bool raw_spin_trylock(raw_spinlock_t *lock);
void raw_spin_unlock(raw_spinlock_t *lock);
unsigned long shim_raw_spin_lock_irqsave(raw_spinlock_t *lock);
void raw_spin_unlock_irqrestore(raw_spinlock_t *lock, unsigned long flags);

#define raw_spin_lock_irqsave(lock, flags) \
	((flags) = shim_raw_spin_lock_irqsave(lock))

/* Where interrupts are on. */
static inline void raw_spin_lock_irq(raw_spinlock_t *lock)
{
	shim_raw_spin_lock_irqsave(lock);
}

static inline void raw_spin_unlock_irq(raw_spinlock_t *lock)
{
	raw_spin_unlock_irqrestore(lock, 0);
}

void spin_lock_init(spinlock_t *lock);
void spin_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);

#endif /* _LINUX_SPINLOCK_H */
