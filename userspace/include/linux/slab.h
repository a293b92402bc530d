/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instrumented in the checking builds (slab_debug.c): every object is an
 * allocation of its own, given back to the C library at once, so that
 * AddressSanitizer sees all; any allocation can be made to fail; misuse of the
 * interface is reported. Faithful in the fast build (slab_fast.c), which works
 * in signal handlers: there an allocation may fail where a kernel's would not.
 */
#ifndef _LINUX_SLAB_H
#define _LINUX_SLAB_H

#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/types.h>

struct kmem_cache;

#define SLAB_HWCACHE_ALIGN   ((slab_flags_t)(1U << 0))
#define SLAB_TYPESAFE_BY_RCU ((slab_flags_t)(1U << 1))

#define ARCH_KMALLOC_MINALIGN __alignof__(unsigned long long)
#define KMALLOC_MAX_SIZE      (4UL << 20)

struct kmem_cache *
kmem_cache_create_usercopy(const char *name, unsigned int size,
			   unsigned int align, slab_flags_t flags,
			   unsigned int useroffset, unsigned int usersize,
			   void (*ctor)(void *obj));
struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     unsigned int align, slab_flags_t flags,
				     void (*ctor)(void *obj));
void kmem_cache_destroy(struct kmem_cache *cache);
int kmem_cache_shrink(struct kmem_cache *cache);
unsigned int kmem_cache_size(struct kmem_cache *cache);
void *__must_check kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
void kmem_cache_free(struct kmem_cache *cache, void *obj);

void *__must_check kmalloc(size_t size, gfp_t gfp);
void kfree(const void *mem);

/*
 * The cache that memory is a slab object of, or NULL. Kernels show nothing like
 * it to modules; there the module looks for it itself.
 */
struct kmem_cache *slab_cache_of(const void *mem);
#define slab_cache_of_linear(mem) slab_cache_of(mem)

static inline int slab_cache_of_init(void)
{
	return 0;
}

void *__must_check kvmalloc(size_t size, gfp_t gfp);
void kvfree(const void *mem);

static inline void *__must_check kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

static inline void *__must_check kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc(size_mul(n, size), gfp);
}

static inline void *__must_check kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc_array(n, size, gfp | __GFP_ZERO);
}

static inline void *__must_check kvzalloc(size_t size, gfp_t gfp)
{
	return kvmalloc(size, gfp | __GFP_ZERO);
}

/* There is one node. */
static inline void *__must_check kmalloc_node(size_t size, gfp_t gfp, int node)
{
	return kmalloc(size, gfp);
}

static inline void *__must_check kzalloc_node(size_t size, gfp_t gfp, int node)
{
	return kzalloc(size, gfp);
}

#endif /* _LINUX_SLAB_H */
