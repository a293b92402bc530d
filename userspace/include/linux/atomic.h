/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful, on the compiler's atomics: operations that return a value are
 * fully ordered unless their name says otherwise, the rest are relaxed, and so
 * is a compare-and-exchange that fails. For ThreadSanitizer see
 * <linux/compiler.h>.
 */
#ifndef _LINUX_ATOMIC_H
#define _LINUX_ATOMIC_H

#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/types.h>

#define ATOMIC_INIT(i) \
	{              \
		(i)    \
	}

typedef struct {
	long counter;
} atomic_long_t;

/* === Any integer or pointer === */

#define SHIM_CMPXCHG(ptr, old, new, order)                       \
	__atomic_compare_exchange_n(ptr, old, new, false, order, \
				    __ATOMIC_RELAXED)

#define cmpxchg(ptr, old, new)                                          \
	({                                                              \
		__typeof__(*(ptr)) cmpxchg_old = (old);                 \
		SHIM_CMPXCHG(ptr, &cmpxchg_old, new, __ATOMIC_SEQ_CST); \
		cmpxchg_old;                                            \
	})

#define try_cmpxchg(ptr, old, new) SHIM_CMPXCHG(ptr, old, new, __ATOMIC_SEQ_CST)
#define try_cmpxchg_acquire(ptr, old, new) \
	SHIM_CMPXCHG(ptr, old, new, __ATOMIC_ACQUIRE)
#define try_cmpxchg_release(ptr, old, new)                     \
	({                                                     \
		shim_loaded(ptr);                              \
		SHIM_CMPXCHG(ptr, old, new, __ATOMIC_RELEASE); \
	})
#define try_cmpxchg_relaxed(ptr, old, new)                              \
	({                                                              \
		shim_loaded(ptr);                                       \
		shim_store_releases() ?                                 \
			SHIM_CMPXCHG(ptr, old, new, __ATOMIC_RELEASE) : \
			SHIM_CMPXCHG(ptr, old, new, __ATOMIC_RELAXED);  \
	})

#define xchg(ptr, val) __atomic_exchange_n(ptr, val, __ATOMIC_SEQ_CST)

/* === Counters === */

/* The counter inside, with a check of the type it is in. */
#define SHIM_COUNTER(type, v) (&((type *){ v })->counter)
#define SHIM_CONST(type, v)   (&((const type *){ v })->counter)

#define SHIM_ADD(ptr, i)                                               \
	((void)(shim_store_releases() ?                                \
			__atomic_fetch_add(ptr, i, __ATOMIC_RELEASE) : \
			__atomic_fetch_add(ptr, i, __ATOMIC_RELAXED)))

#define atomic_read(v)	 SHIM_LOAD(SHIM_CONST(atomic_t, v))
#define atomic_set(v, i) SHIM_STORE(SHIM_COUNTER(atomic_t, v), i)
#define atomic_add(i, v) SHIM_ADD(SHIM_COUNTER(atomic_t, v), i)
#define atomic_inc(v)	 atomic_add(1, v)
#define atomic_dec(v)	 atomic_add(-1, v)
#define atomic_add_return(i, v) \
	__atomic_add_fetch(SHIM_COUNTER(atomic_t, v), i, __ATOMIC_SEQ_CST)
#define atomic_inc_return(v)   atomic_add_return(1, v)
#define atomic_dec_return(v)   atomic_add_return(-1, v)
#define atomic_dec_and_test(v) (!atomic_dec_return(v))
#define atomic_fetch_inc(v)    (atomic_inc_return(v) - 1)
#define atomic_try_cmpxchg(v, old, new) \
	try_cmpxchg(SHIM_COUNTER(atomic_t, v), old, new)
#define atomic_read_acquire(v)	 smp_load_acquire(SHIM_CONST(atomic_t, v))
#define atomic_set_release(v, i) smp_store_release(SHIM_COUNTER(atomic_t, v), i)
#define atomic_try_cmpxchg_acquire(v, old, new) \
	try_cmpxchg_acquire(SHIM_COUNTER(atomic_t, v), old, new)
#define atomic_try_cmpxchg_release(v, old, new) \
	try_cmpxchg_release(SHIM_COUNTER(atomic_t, v), old, new)
#define atomic_try_cmpxchg_relaxed(v, old, new) \
	try_cmpxchg_relaxed(SHIM_COUNTER(atomic_t, v), old, new)

#define atomic64_read(v)   SHIM_LOAD(SHIM_CONST(atomic64_t, v))
#define atomic64_add(i, v) SHIM_ADD(SHIM_COUNTER(atomic64_t, v), i)
#define atomic64_sub(i, v) atomic64_add(-(i), v)
#define atomic64_inc(v)	   atomic64_add(1, v)
#define atomic64_dec(v)	   atomic64_add(-1, v)

#define atomic_long_read(v)   SHIM_LOAD(SHIM_CONST(atomic_long_t, v))
#define atomic_long_set(v, i) SHIM_STORE(SHIM_COUNTER(atomic_long_t, v), i)
#define atomic_long_add(i, v) SHIM_ADD(SHIM_COUNTER(atomic_long_t, v), i)
#define atomic_long_inc(v)    atomic_long_add(1, v)
#define atomic_long_dec(v)    atomic_long_add(-1, v)
#define atomic_long_add_return(i, v) \
	__atomic_add_fetch(SHIM_COUNTER(atomic_long_t, v), i, __ATOMIC_SEQ_CST)
#define atomic_long_dec_return(v) atomic_long_add_return(-1, v)
#define atomic_long_try_cmpxchg(v, old, new) \
	try_cmpxchg(SHIM_COUNTER(atomic_long_t, v), old, new)

#endif /* _LINUX_ATOMIC_H */
