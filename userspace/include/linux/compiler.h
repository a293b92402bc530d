/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful, but for READ_ONCE() and WRITE_ONCE(), which are relaxed atomics
 * rather than volatile accesses: the same code on every machine that Linux
 * runs on, and ThreadSanitizer knows that they are meant to race.
 *
 * ThreadSanitizer knows neither fences nor dependencies. For its build the
 * kernel's memory model is told to it like this: a load of a pointer acquires;
 * a fence acquires from what the thread has loaded last; and the next stores
 * after a fence release.
 */
#ifndef _LINUX_COMPILER_H
#define _LINUX_COMPILER_H

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define __aligned(x) __attribute__((__aligned__(x)))
#ifndef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#endif
#define __maybe_unused __attribute__((__unused__))
#define __must_check   __attribute__((__warn_unused_result__))
#define __printf(a, b) __attribute__((__format__(printf, a, b)))
#define noinline       __attribute__((__noinline__))

/* Only sparse, which checks the kernel build, knows these. */
#define __force
#define __percpu
#define __rcu
#define __user

#define OPTIMIZER_HIDE_VAR(var) __asm__("" : "=r"(var) : "0"(var))
#define barrier()		__asm__ __volatile__("" : : : "memory")
#ifdef SHIM_TSAN
void shim_loaded(const volatile void *ptr);
_Bool shim_store_releases(void);
/* What <typeclass.h> of GCC calls pointer_type_class. */
#define SHIM_LOAD_ORDER(x) \
	(__builtin_classify_type(x) == 5 ? __ATOMIC_ACQUIRE : __ATOMIC_RELAXED)
#else
#define shim_loaded(ptr)      ((void)0)
#define shim_store_releases() 0
#define SHIM_LOAD_ORDER(x)    __ATOMIC_RELAXED
#endif

#define SHIM_LOAD(ptr)                                                 \
	({                                                             \
		__typeof__(ptr) load_ptr = (ptr);                      \
		shim_loaded(load_ptr);                                 \
		__atomic_load_n(load_ptr, SHIM_LOAD_ORDER(*load_ptr)); \
	})
#define SHIM_STORE(ptr, val)                                          \
	do {                                                          \
		if (shim_store_releases())                            \
			__atomic_store_n(ptr, val, __ATOMIC_RELEASE); \
		else                                                  \
			__atomic_store_n(ptr, val, __ATOMIC_RELAXED); \
	} while (0)

#define READ_ONCE(x)	   SHIM_LOAD(&(x))
#define WRITE_ONCE(x, val) SHIM_STORE(&(x), val)

/* Plain accesses that race, and may: not to be reported. */
#ifdef SHIM_TSAN
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

#define data_race(expr)                                        \
	({                                                     \
		AnnotateIgnoreReadsBegin(__FILE__, __LINE__);  \
		AnnotateIgnoreWritesBegin(__FILE__, __LINE__); \
		__typeof__(expr) race_val = (expr);            \
		AnnotateIgnoreWritesEnd(__FILE__, __LINE__);   \
		AnnotateIgnoreReadsEnd(__FILE__, __LINE__);    \
		race_val;                                      \
	})
#else
#define data_race(expr) (expr)
#endif

#define __same_type(a, b) \
	__builtin_types_compatible_p(__typeof__(a), __typeof__(b))

#endif /* _LINUX_COMPILER_H */
