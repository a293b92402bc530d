/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - maps older kernels up to the newest interfaces
 *
 * The sources are written for the newest kernel. What an older one, down to
 * 6.1, does not have is supplied here and nowhere else, one block an
 * interface, headed by the version that brought it. Included before every
 * file by Kbuild.
 */
#ifndef _BYTEPOOL_COMPAT_H
#define _BYTEPOOL_COMPAT_H

#include <linux/version.h>
#include <linux/cache.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/refcount.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "bytepool needs Linux 6.1 or later"
#endif

/* 6.5: <linux/cache.h> defines it for every architecture. */
#ifndef ARCH_DMA_MINALIGN
#define ARCH_DMA_MINALIGN __alignof__(unsigned long long)
#endif

/*
 * This CPU's busy mark: set while it is in a section of an object pool. In
 * userspace it is in a word that is written anyway.
 */
DECLARE_PER_CPU(bool, bytepool_marked);

/* Disables preemption and sets the mark; false, and neither, if it is set. */
static __always_inline bool mark_enter(void)
{
	preempt_disable();
	/*
	 * Plain accesses: the mark is this CPU's alone. The barriers pair with
	 * an interrupt's look at it.
	 */
	if (likely(!__this_cpu_read(bytepool_marked))) {
		__this_cpu_write(bytepool_marked, true);
		barrier();
		return true;
	}
	preempt_enable();
	return false;
}

/* Clears it, but leaves preemption disabled. */
static __always_inline void mark_clear(void)
{
	/* Everything is done before an interrupt finds the mark clear. */
	barrier();
	__this_cpu_write(bytepool_marked, false);
}

static __always_inline void mark_leave(void)
{
	mark_clear();
	preempt_enable();
}

/*
 * The same for fast paths, which may fail inside of any section. In userspace,
 * where such a section is a word, that makes it two stores.
 */
static __always_inline bool mark_enter_outermost(void)
{
	return mark_enter();
}

static __always_inline void mark_leave_outermost(void)
{
	mark_leave();
}

/*
 * In userspace a thread may have no CPU of its own, and a signal may come
 * while a lock is held: there these two say so. Not in the kernel.
 */
static inline bool cpu_private(void)
{
	return true;
}

#define lock_unless_held(lock, flags)                  \
	({                                             \
		raw_spin_lock_irqsave(lock, *(flags)); \
		true;                                  \
	})

/* Neither NULL nor an ERR_PTR, in one comparison. */
static __always_inline bool ptr_valid(const void *ptr)
{
	/* There the kernel's addresses are negative, and below those. */
	if (!IS_ENABLED(CONFIG_UML) &&
	    (IS_ENABLED(CONFIG_X86_64) || IS_ENABLED(CONFIG_ARM64)))
		return (long)ptr < -MAX_ERRNO;
	return (unsigned long)ptr + MAX_ERRNO > MAX_ERRNO;
}

/* See compat.c. */
extern unsigned long slab_cache_offset;
extern unsigned long slab_linear_size;
int slab_cache_of_init(void);

/* The page of an address in the direct map. */
#ifdef CONFIG_X86_64
#define linear_page(offset) pfn_to_page((offset) >> PAGE_SHIFT)
#else
#define linear_page(offset) virt_to_page((void *)(PAGE_OFFSET + (offset)))
#endif

static __always_inline struct kmem_cache *slab_cache_in(struct page *page)
{
	struct folio *folio = page_folio(page);
	struct kmem_cache **slab = (void *)folio + slab_cache_offset;

	return likely(folio_test_slab(folio)) ? READ_ONCE(*slab) : NULL;
}

/*
 * The cache that memory is a slab object of; NULL if it is none, as static,
 * stack and vmalloc addresses are not.
 */
static inline struct kmem_cache *slab_cache_of(const void *mem)
{
	return virt_addr_valid(mem) ? slab_cache_in(virt_to_page(mem)) : NULL;
}

/* The same without a call; NULL also where it would take one to know. */
static __always_inline struct kmem_cache *slab_cache_of_linear(const void *mem)
{
	unsigned long offset = (unsigned long)mem - PAGE_OFFSET;

	if (unlikely(offset >= slab_linear_size))
		return NULL;
	return slab_cache_in(linear_page(offset));
}

/* 6.7: shrinkers are allocated, and carry a pointer of their owner's. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
struct shrinker_compat {
	struct shrinker shrinker;
	const char *name;
};

static inline struct shrinker *shrinker_alloc(unsigned int flags,
					      const char *name, ...)
{
	struct shrinker_compat *sc = kzalloc(sizeof(*sc), GFP_KERNEL);

	if (!sc)
		return NULL;
	sc->shrinker.seeks = DEFAULT_SEEKS;
	sc->shrinker.flags = flags;
	sc->name = name;
	return &sc->shrinker;
}

/* May fail here, and then the shrinker is never called. */
static inline void shrinker_register(struct shrinker *shrinker)
{
	struct shrinker_compat *sc =
		container_of(shrinker, struct shrinker_compat, shrinker);

	if (register_shrinker(shrinker, "%s", sc->name))
		pr_warn("%s: no shrinker\n", sc->name);
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	if (!shrinker)
		return;
	/* Does nothing to one whose registration failed. */
	unregister_shrinker(shrinker);
	kfree(container_of(shrinker, struct shrinker_compat, shrinker));
}
#endif

/* 6.13: one call sets a high-resolution timer up. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void
hrtimer_setup(struct hrtimer *timer,
	      enum hrtimer_restart (*function)(struct hrtimer *),
	      clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#endif /* _BYTEPOOL_COMPAT_H */
