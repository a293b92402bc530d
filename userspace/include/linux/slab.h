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

#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/types.h>

struct kmem_cache;

#define SLAB_HWCACHE_ALIGN   ((slab_flags_t)(1U << 0))
#define SLAB_TYPESAFE_BY_RCU ((slab_flags_t)(1U << 1))
#define SLAB_NO_USER_FLAGS   ((slab_flags_t)(1U << 2))

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

#define SHIM_BLOCK_SHIFT 16

/**
 * struct shim_arena - where slab's memory is in the fast build, in blocks of
 * 1 << SHIM_BLOCK_SHIFT bytes; a cache line, which is read by all and written
 * once, by a constructor
 * @base: address of the first block
 * @nr_blocks: how many there are, used or not; 0: there is no arena
 * @cache_of: by block, the cache whose slab it is a part of, or NULL
 */
struct shim_arena {
	char *base;
	unsigned long nr_blocks;
	struct kmem_cache **cache_of;
} ____cacheline_aligned;

extern struct shim_arena shim_arena;

/* The block that an address is in: one of the arena's if it has so many. */
static __always_inline unsigned long shim_block_of(const void *mem)
{
	return ((unsigned long)mem - (unsigned long)shim_arena.base) >>
	       SHIM_BLOCK_SHIFT;
}

/*
 * The cache that memory is a slab object of, or NULL. Kernels show nothing like
 * it to modules; there the module looks for it itself.
 *
 * Any address may be asked about, and is not looked at. Who has an object comes
 * after its slab was made, and keeps it, so that nothing needs to be ordered.
 */
#ifdef SHIM_STRICT
struct kmem_cache *slab_cache_of(const void *mem);
#else
static __always_inline struct kmem_cache *slab_cache_of(const void *mem)
{
	unsigned long block = shim_block_of(mem);

	if (unlikely(block >= shim_arena.nr_blocks))
		return NULL;
	return READ_ONCE(shim_arena.cache_of[block]);
}
#endif
#define slab_cache_of_linear(mem) slab_cache_of(mem)

static inline int slab_cache_of_init(void)
{
	return 0;
}

/* As in a kernel that hides it, if a test says so. */
extern bool shim_slab_cache_hidden;

static inline bool slab_cache_known(void)
{
	return !shim_slab_cache_hidden;
}

/*
 * What detectors of the program are told: AddressSanitizer, ThreadSanitizer and
 * memcheck. In the checking builds each object is an allocation of its own, which
 * they see themselves.
 */
#ifdef SHIM_STRICT
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
#else
extern bool shim_watched;
void shim_memory_idle(const void *mem, size_t size);
void shim_memory_in_use(const void *mem, size_t size);

static inline bool memory_is_watched(void)
{
	return unlikely(shim_watched);
}

static inline void memory_idle(const void *mem, size_t size)
{
	if (memory_is_watched())
		shim_memory_idle(mem, size);
}

static inline void memory_in_use(const void *mem, size_t size)
{
	if (memory_is_watched())
		shim_memory_in_use(mem, size);
}
#endif

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

static inline void *__must_check kvcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kcalloc(n, size, gfp);
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
