/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful, on the compiler's atomics: operations that return a value are
 * fully ordered unless their name says otherwise, the rest are relaxed, and so
 * is a compare-and-exchange that fails.
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
#define ATOMIC64_INIT(i) \
	{                \
		(i)      \
	}
#define ATOMIC_LONG_INIT(i) \
	{                   \
		(i)         \
	}

typedef struct {
	long counter;
} atomic_long_t;

#define cmpxchg(ptr, old, new)                                             \
	({                                                                 \
		__typeof__(*(ptr)) cmpxchg_old = (old);                    \
                                                                           \
		__atomic_compare_exchange_n(ptr, &cmpxchg_old, new, false, \
					    __ATOMIC_SEQ_CST,              \
					    __ATOMIC_RELAXED);             \
		cmpxchg_old;                                               \
	})

#define try_cmpxchg(ptr, old, new)                                          \
	__atomic_compare_exchange_n(ptr, old, new, false, __ATOMIC_SEQ_CST, \
				    __ATOMIC_RELAXED)
#define try_cmpxchg_acquire(ptr, old, new)                                  \
	__atomic_compare_exchange_n(ptr, old, new, false, __ATOMIC_ACQUIRE, \
				    __ATOMIC_RELAXED)
#define try_cmpxchg_release(ptr, old, new)                        \
	({                                                        \
		shim_loaded(ptr);                                 \
		__atomic_compare_exchange_n(ptr, old, new, false, \
					    __ATOMIC_RELEASE,     \
					    __ATOMIC_RELAXED);    \
	})
#define try_cmpxchg_relaxed(ptr, old, new)                               \
	(shim_store_releases() ? try_cmpxchg_release(ptr, old, new) : ({ \
		shim_loaded(ptr);                                        \
		__atomic_compare_exchange_n(ptr, old, new, false,        \
					    __ATOMIC_RELAXED,            \
					    __ATOMIC_RELAXED);           \
	}))

#define xchg(ptr, val) __atomic_exchange_n(ptr, val, __ATOMIC_SEQ_CST)

#define SHIM_ATOMIC(name, type, ctype)                                        \
	static inline ctype name##_read(const type *v)                        \
	{                                                                     \
		return SHIM_LOAD(&v->counter);                                \
	}                                                                     \
                                                                              \
	static inline ctype name##_read_acquire(const type *v)                \
	{                                                                     \
		return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE);        \
	}                                                                     \
                                                                              \
	static inline void name##_set(type *v, ctype i)                       \
	{                                                                     \
		SHIM_STORE(&v->counter, i);                                   \
	}                                                                     \
                                                                              \
	static inline void name##_set_release(type *v, ctype i)               \
	{                                                                     \
		__atomic_store_n(&v->counter, i, __ATOMIC_RELEASE);           \
	}                                                                     \
                                                                              \
	static inline void name##_add(ctype i, type *v)                       \
	{                                                                     \
		if (shim_store_releases())                                    \
			__atomic_fetch_add(&v->counter, i, __ATOMIC_RELEASE); \
		else                                                          \
			__atomic_fetch_add(&v->counter, i, __ATOMIC_RELAXED); \
	}                                                                     \
                                                                              \
	static inline void name##_sub(ctype i, type *v)                       \
	{                                                                     \
		name##_add(-i, v);                                            \
	}                                                                     \
                                                                              \
	static inline void name##_inc(type *v)                                \
	{                                                                     \
		name##_add(1, v);                                             \
	}                                                                     \
                                                                              \
	static inline void name##_dec(type *v)                                \
	{                                                                     \
		name##_sub(1, v);                                             \
	}                                                                     \
                                                                              \
	static inline ctype name##_add_return(ctype i, type *v)               \
	{                                                                     \
		return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST);  \
	}                                                                     \
                                                                              \
	static inline ctype name##_sub_return(ctype i, type *v)               \
	{                                                                     \
		return __atomic_sub_fetch(&v->counter, i, __ATOMIC_SEQ_CST);  \
	}                                                                     \
                                                                              \
	static inline ctype name##_inc_return(type *v)                        \
	{                                                                     \
		return name##_add_return(1, v);                               \
	}                                                                     \
                                                                              \
	static inline ctype name##_dec_return(type *v)                        \
	{                                                                     \
		return name##_sub_return(1, v);                               \
	}                                                                     \
                                                                              \
	static inline ctype name##_fetch_add(ctype i, type *v)                \
	{                                                                     \
		return __atomic_fetch_add(&v->counter, i, __ATOMIC_SEQ_CST);  \
	}                                                                     \
                                                                              \
	static inline ctype name##_fetch_inc(type *v)                         \
	{                                                                     \
		return name##_fetch_add(1, v);                                \
	}                                                                     \
                                                                              \
	static inline bool name##_dec_and_test(type *v)                       \
	{                                                                     \
		return !name##_dec_return(v);                                 \
	}                                                                     \
                                                                              \
	static inline bool name##_sub_and_test(ctype i, type *v)              \
	{                                                                     \
		return !name##_sub_return(i, v);                              \
	}                                                                     \
                                                                              \
	static inline ctype name##_xchg(type *v, ctype i)                     \
	{                                                                     \
		return xchg(&v->counter, i);                                  \
	}                                                                     \
                                                                              \
	static inline ctype name##_cmpxchg(type *v, ctype old, ctype i)       \
	{                                                                     \
		return cmpxchg(&v->counter, old, i);                          \
	}                                                                     \
                                                                              \
	static inline bool name##_try_cmpxchg(type *v, ctype *old, ctype i)   \
	{                                                                     \
		return try_cmpxchg(&v->counter, old, i);                      \
	}                                                                     \
                                                                              \
	static inline bool name##_try_cmpxchg_relaxed(type *v, ctype *old,    \
						      ctype i)                \
	{                                                                     \
		return try_cmpxchg_relaxed(&v->counter, old, i);              \
	}                                                                     \
                                                                              \
	static inline bool name##_try_cmpxchg_acquire(type *v, ctype *old,    \
						      ctype i)                \
	{                                                                     \
		return try_cmpxchg_acquire(&v->counter, old, i);              \
	}                                                                     \
                                                                              \
	static inline bool name##_try_cmpxchg_release(type *v, ctype *old,    \
						      ctype i)                \
	{                                                                     \
		return try_cmpxchg_release(&v->counter, old, i);              \
	}                                                                     \
                                                                              \
	static inline bool name##_add_unless(type *v, ctype i, ctype unless)  \
	{                                                                     \
		ctype old = name##_read(v);                                   \
                                                                              \
		do {                                                          \
			if (old == unless)                                    \
				return false;                                 \
		} while (!name##_try_cmpxchg(v, &old, old + i));              \
		return true;                                                  \
	}                                                                     \
                                                                              \
	static inline bool name##_inc_not_zero(type *v)                       \
	{                                                                     \
		return name##_add_unless(v, 1, 0);                            \
	}

SHIM_ATOMIC(atomic, atomic_t, int)
SHIM_ATOMIC(atomic64, atomic64_t, s64)
SHIM_ATOMIC(atomic_long, atomic_long_t, long)

#endif /* _LINUX_ATOMIC_H */
