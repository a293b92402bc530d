/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - host functions of a kernel build: the CPU lock, and the look-up of
 * the slab cache that memory is an object of
 *
 * Kbuild includes this before every file of the module. The counterpart for
 * programs is in userspace/include.
 */
#ifndef _BYTEPOOL_HOST_H
#define _BYTEPOOL_HOST_H

#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

/*
 * The CPU lock: taken while this CPU is in a section of an objcache. It is only
 * tried, never waited for, because it keeps out interrupts of its own CPU. It
 * is like local_trylock() of 6.15, but never disables interrupts.
 */
DECLARE_PER_CPU(bool, bytepool_cpu_locked);

/*
 * Disable preemption and take the CPU lock. Returns false, with preemption as
 * it was, if the lock is taken.
 */
static __always_inline bool cpu_trylock(void)
{
	preempt_disable();
	/*
	 * Plain accesses: no other CPU reads the flag. This barrier() and that
	 * of __cpu_unlock() keep the section between both writes, as an
	 * interrupt that calls cpu_trylock() sees it.
	 */
	if (likely(!__this_cpu_read(bytepool_cpu_locked))) {
		__this_cpu_write(bytepool_cpu_locked, true);
		barrier();
		return true;
	}
	preempt_enable();
	return false;
}

/* Release the CPU lock, and leave preemption disabled. */
static __always_inline void __cpu_unlock(void)
{
	/* All changes come before an interrupt finds the lock free. */
	barrier();
	__this_cpu_write(bytepool_cpu_locked, false);
}

static __always_inline void cpu_unlock(void)
{
	__cpu_unlock();
	preempt_enable();
}

/* Warn unless this CPU's lock is held, in a kernel with lockdep. */
#define cpu_lock_assert_held() \
	lockdep_assert(__this_cpu_read(bytepool_cpu_locked))

/*
 * cpu_trylock() for fast paths. Userspace implements this variant with two
 * plain stores, and lets it fail inside of any section with preemption off.
 */
static __always_inline bool cpu_trylock_fast(void)
{
	return cpu_trylock();
}

static __always_inline void cpu_unlock_fast(void)
{
	cpu_unlock();
}

/*
 * Read this CPU's copy of what a remote CPU writes, with preemption disabled.
 * __this_cpu_read() is a plain load but on x86, where this_cpu_read() is the same
 * instruction. Elsewhere that one would disable preemption once more.
 */
#ifdef CONFIG_X86
#define this_cpu_read_once(pcp) this_cpu_read(pcp)
#else
#define this_cpu_read_once(pcp) READ_ONCE(*this_cpu_ptr(&(pcp)))
#endif

/*
 * Detectors of a program's, which want to know what memory is idle. A kernel's
 * look at slab, and magazines are bypassed for them.
 */
static inline bool memory_is_watched(void)
{
	return false;
}

static inline void memory_idle(const void *mem, size_t size)
{
}

static inline void memory_in_use(const void *mem, size_t size)
{
}

/* Tell whether a pointer is neither NULL nor an ERR_PTR, in one comparison. */
static __always_inline bool ptr_valid(const void *ptr)
{
	/* Kernel addresses are negative on these, and below the ERR_PTRs. */
	if (!IS_ENABLED(CONFIG_UML) &&
	    (IS_ENABLED(CONFIG_X86_64) || IS_ENABLED(CONFIG_ARM64)))
		return (long)ptr < -MAX_ERRNO;
	return (unsigned long)ptr + MAX_ERRNO > MAX_ERRNO;
}

/* See host.c. */
extern unsigned long slab_cache_offset;
extern unsigned long slab_linear_start;
extern struct page *slab_linear_page;
extern unsigned long slab_linear_size;
int slab_cache_of_init(void);

/* Tell whether slab_cache_of() finds the caches of memory. */
static inline bool slab_cache_known(void)
{
	return slab_cache_offset;
}

/* Find the page of an address in the range, by its offset there. */
#if defined(CONFIG_SPARSEMEM) && !defined(CONFIG_SPARSEMEM_VMEMMAP)
#define linear_page(offset) virt_to_page((void *)(slab_linear_start + (offset)))
#else
#define linear_page(offset) (slab_linear_page + ((offset) >> PAGE_SHIFT))
#endif

static __always_inline struct kmem_cache *slab_cache_in(struct page *page)
{
	struct folio *folio = page_folio(page);
	struct kmem_cache **slab = (void *)folio + slab_cache_offset;

	return likely(folio_test_slab(folio)) ? READ_ONCE(*slab) : NULL;
}

/*
 * Find the slab cache that memory is an object of. Returns NULL for memory that
 * is no slab object: static, stack and vmalloc addresses.
 */
static inline struct kmem_cache *slab_cache_of(const void *mem)
{
	if (!slab_cache_known() || !virt_addr_valid(mem))
		return NULL;
	return slab_cache_in(virt_to_page(mem));
}

/*
 * Find the slab cache without a call. Unlike slab_cache_of(), returns NULL also
 * for memory whose look-up needs a call.
 */
static __always_inline struct kmem_cache *slab_cache_of_linear(const void *mem)
{
	unsigned long offset = (unsigned long)mem - slab_linear_start;

	if (unlikely(offset >= slab_linear_size))
		return NULL;
	return slab_cache_in(linear_page(offset));
}

#endif /* _BYTEPOOL_HOST_H */
