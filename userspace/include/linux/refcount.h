/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful: a count that overflows, comes back from 0 or drops below 0 is
 * reported and stays saturated, so that its object is leaked and not freed
 * under a user. Increments are relaxed, the last decrement acquires.
 */
#ifndef _LINUX_REFCOUNT_H
#define _LINUX_REFCOUNT_H

#include <linux/atomic.h>
#include <linux/types.h>

typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;

#define REFCOUNT_SATURATED (INT_MIN / 2)

void shim_refcount_saturate(refcount_t *r, const char *what);

static inline void refcount_set(refcount_t *r, int n)
{
	atomic_set(&r->refs, n);
}

static inline unsigned int refcount_read(const refcount_t *r)
{
	return atomic_read(&r->refs);
}

static inline void refcount_add(int i, refcount_t *r)
{
	int old = __atomic_fetch_add(&r->refs.counter, i, __ATOMIC_RELAXED);

	if (unlikely(!old))
		shim_refcount_saturate(r, "addition on 0; use-after-free");
	else if (unlikely(old < 0 || old > INT_MAX - i))
		shim_refcount_saturate(r, "saturated; leaking memory");
}

static inline void refcount_inc(refcount_t *r)
{
	refcount_add(1, r);
}

static inline bool __must_check refcount_add_not_zero(int i, refcount_t *r)
{
	int old = atomic_read(&r->refs);

	do {
		if (!old)
			return false;
	} while (!__atomic_compare_exchange_n(&r->refs.counter, &old, old + i,
					      false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	if (unlikely(old < 0 || old > INT_MAX - i))
		shim_refcount_saturate(r, "saturated; leaking memory");
	return true;
}

static inline bool __must_check refcount_inc_not_zero(refcount_t *r)
{
	return refcount_add_not_zero(1, r);
}

static inline bool __must_check refcount_sub_and_test(int i, refcount_t *r)
{
	int old = __atomic_fetch_sub(&r->refs.counter, i, __ATOMIC_RELEASE);

	if (old > 0 && old == i) {
		/* Pairs with the release of the others' decrements. */
		smp_load_acquire(&r->refs.counter);
		return true;
	}
	if (unlikely(old <= 0 || old < i))
		shim_refcount_saturate(r, "underflow; use-after-free");
	return false;
}

static inline bool __must_check refcount_dec_and_test(refcount_t *r)
{
	return refcount_sub_and_test(1, r);
}

static inline void refcount_dec(refcount_t *r)
{
	if (unlikely(__atomic_fetch_sub(&r->refs.counter, 1,
					__ATOMIC_RELEASE) <= 1))
		shim_refcount_saturate(r, "decrement hit 0; leaking memory");
}

static inline bool refcount_dec_if_one(refcount_t *r)
{
	int one = 1;

	return atomic_try_cmpxchg(&r->refs, &one, 0);
}

static inline bool refcount_dec_not_one(refcount_t *r)
{
	int old = atomic_read(&r->refs);

	do {
		if (old == 1)
			return false;
		if (old < 0)
			return true;
		if (unlikely(!old)) {
			shim_refcount_saturate(r, "underflow; use-after-free");
			return true;
		}
	} while (!__atomic_compare_exchange_n(&r->refs.counter, &old, old - 1,
					      false, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
	return true;
}

#endif /* _LINUX_REFCOUNT_H */
