/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful; for ThreadSanitizer see <linux/compiler.h>. */
#ifndef _ASM_BARRIER_H
#define _ASM_BARRIER_H

#include <linux/compiler.h>

#ifdef SHIM_TSAN
void shim_fence(_Bool acquire, _Bool release);
#define smp_mb()  shim_fence(1, 1)
#define smp_rmb() shim_fence(1, 0)
#define smp_wmb() shim_fence(0, 1)
#else
#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#endif

#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

/* An atomic operation that is locked is a barrier already. */
#if defined(__x86_64__) && !defined(SHIM_TSAN)
#define smp_mb__before_atomic() barrier()
#define smp_mb__after_atomic()	barrier()
#else
#define smp_mb__before_atomic() smp_mb()
#define smp_mb__after_atomic()	smp_mb()
#endif
#define smp_acquire__after_ctrl_dep() smp_rmb()

#endif /* _ASM_BARRIER_H */
