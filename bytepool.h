/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - reference-counted byte buffers in size tiers
 *
 * The interface that drivers, and programs that link the userspace library,
 * build against. It compiles alone. The functions are documented where they
 * are defined; "make docs" makes HTML and man pages of that, in build/docs.
 * Documentation/bytepool.rst lists them, and tells how they belong together.
 */
#ifndef _BYTEPOOL_H
#define _BYTEPOOL_H

#include <linux/types.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/slab.h>

/* Kernels from 6.5 on have it. */
#if defined(__has_include)
#if __has_include("linux/cleanup.h")
#include <linux/cleanup.h>
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct bytepool;
struct bytepool_buf;
struct device;
struct module;

/* The most tiers that a pool can have. */
#define BYTEPOOL_MAX_TIERS 32

/* The largest tier allowed, in bytes: the slab allocator's largest object. */
#define BYTEPOOL_MAX_SIZE KMALLOC_MAX_SIZE

/* The most bytes of the user's own that each buffer can have. */
#define BYTEPOOL_MAX_PRIV 128

/* The most lengths that bytepool_recent_lengths() returns. */
#define BYTEPOOL_RECENT 256

/* Tier sizes for general use: the powers of two from 128 B to 2 MiB. */
#define BYTEPOOL_NR_POW2 15
extern const size_t bytepool_sizes_pow2[BYTEPOOL_NR_POW2];

/* Tier sizes for streams: 1, 4, 16, 32, 64, 128 and 256 KiB. */
#define BYTEPOOL_NR_STREAM 7
extern const size_t bytepool_sizes_stream[BYTEPOOL_NR_STREAM];

/* Every get zeroes the memory, to its capacity. */
#define BYTEPOOL_ZERO 0x01
/* Memory larger than the largest tier is physically contiguous too, or NULL. */
#define BYTEPOOL_CONTIG 0x02
/* Tiers of 64 KiB and more may fall back to vmalloc; not with CONTIG. */
#define BYTEPOOL_VMALLOC 0x04
/* Buffers may be looked up under RCU: bytepool_buf_tryretain() is legal. */
#define BYTEPOOL_RCU 0x08
/*
 * The pool makes every check that the module has. The capacity is the length
 * asked for: a write behind it is reported, and so is one after the release.
 */
#define BYTEPOOL_CHECK 0x10
/*
 * The last release or the put clears the memory to its capacity, and the user's
 * own bytes of a buffer, for good: keys and the like do not rest in the pool.
 */
#define BYTEPOOL_WIPE 0x20

/**
 * struct bytepool_config - configuration of a new pool
 * @name: name of the pool's debugfs directory: 1 to 31 letters, digits, at
 *	signs and ``_.:+-``, neither "." nor ".."; unique while the pool lives
 * @sizes: the tier sizes in bytes, strictly ascending; two that are equal once
 *	rounded up to 64 count as duplicates
 * @nr_sizes: how many sizes there are, 1 to %BYTEPOOL_MAX_TIERS
 * @flags: %BYTEPOOL_ZERO and the flags that follow it, or 0
 * @priv_size: bytes of the user's own with each buffer, 0 to
 *	%BYTEPOOL_MAX_PRIV; zeroed by every get
 * @reserve: how many buffers of each tier a get that may sleep can always have:
 *	see bytepool_reserve(); 0: none. It is their sum that counts: 16 of each
 *	power of two are 64 MiB
 * @max_idle: how many bytes of payload the pool keeps idle at most; 0: the
 *	default idle budget, a share of the machine's memory that all pools
 *	without a budget of their own have together
 * @limit: how many bytes of capacity may be in use at most, memory larger than
 *	the largest tier included; 0: no limit
 *
 * The configuration is copied, with the name and the sizes: all of it may be on
 * the caller's stack. New fields are only ever appended, and 0 is their
 * default.
 */
struct bytepool_config {
	const char *name;
	const size_t *sizes;
	unsigned int nr_sizes;
	unsigned int flags;
	unsigned int priv_size;
	unsigned int reserve;
	size_t max_idle;
	size_t limit;
};

/**
 * struct bytepool_view - a range of a buffer, with a reference to it
 * @data: the first byte of the range
 * @len: how many bytes the range has
 * @buf: the buffer, held by this view; NULL in a view that holds nothing
 */
struct bytepool_view {
	void *data;
	size_t len;
	struct bytepool_buf *buf;
};

/**
 * struct bytepool_waiter - what waits for a pool without sleeping
 * @wake: called by a worker, once for each bytepool_wait_async() that was true
 *
 * Zeroed before its first use, but for @wake. It lives until wake() is called, or
 * bytepool_wait_cancel() has returned.
 */
struct bytepool_waiter {
	void (*wake)(struct bytepool_waiter *waiter);
	/* private: */
	void *node[2];
	struct bytepool *pool;
};

/**
 * struct bytepool_stats - counts of a whole pool
 * @total_get: gets that the tiers served, raw memory and buffers together
 * @total_put: puts and last releases to the tiers
 * @discarded: gets larger than the largest tier: served, never pooled
 * @oversize_in_use: pieces larger than the largest tier that are in use now
 * @oversize_bytes: capacity of those pieces, in bytes
 * @fail: gets that failed, without memory or past the limit
 * @misuse: operations refused, each reported in the kernel log
 * @quarantined: pieces of memory withheld after misuse, until the pool goes
 * @nr_tiers: how many tiers the pool has
 * @wrapped: buffers of bytepool_wrap() that are in use now
 * @waiting: threads and waiters that wait for the pool now
 * @slept: how often a get has slept
 */
struct bytepool_stats {
	__u64 total_get;
	__u64 total_put;
	__u64 discarded;
	__u64 oversize_in_use;
	__u64 oversize_bytes;
	__u64 fail;
	__u64 misuse;
	__u64 quarantined;
	__u32 nr_tiers;
	__u64 wrapped;
	__u64 waiting;
	__u64 slept;
};

/**
 * struct bytepool_tier_stats - counts of one tier
 * @size: capacity of the tier's buffers and raw memory, in bytes
 * @get: gets served: @hit + @miss
 * @put: puts and last releases
 * @in_use: buffers and pieces of raw memory in use now
 * @idle: buffers and pieces of raw memory that the pool keeps idle
 * @hit: gets served from idle memory
 * @miss: gets served by the kernel's allocator, or by the reserve
 * @fail: gets that failed
 * @requested: the lengths asked for, summed over the gets served
 * @reserve: buffers of the reserve that are there now; they are not idle
 * @reserve_want: how many there are to be
 * @reserve_get: gets served by the reserve
 */
struct bytepool_tier_stats {
	size_t size;
	__u64 get;
	__u64 put;
	__u64 in_use;
	__u64 idle;
	__u64 hit;
	__u64 miss;
	__u64 fail;
	__u64 requested;
	__u64 reserve;
	__u64 reserve_want;
	__u64 reserve_get;
};

/*
 * The macros pass the caller's idea of the struct's size, so that a module
 * built against an older header goes on working when a struct has grown.
 */

/**
 * bytepool_create() - make a pool
 *
 * Takes a pointer to a struct bytepool_config. The macro is variadic because a
 * compound literal may have commas. See __bytepool_create().
 */
#define bytepool_create(...)                                             \
	__bytepool_create((__VA_ARGS__), sizeof(struct bytepool_config), \
			  THIS_MODULE)

/**
 * bytepool_get_stats() - read a pool's counts
 * @pool: the pool
 * @stats: filled in
 *
 * See __bytepool_get_stats().
 */
#define bytepool_get_stats(pool, stats) \
	__bytepool_get_stats((pool), (stats), sizeof(struct bytepool_stats))

/**
 * bytepool_get_tier_stats() - read a tier's counts
 * @pool: the pool
 * @tier: which tier, from 0
 * @stats: filled in
 *
 * See __bytepool_get_tier_stats().
 */
#define bytepool_get_tier_stats(pool, tier, stats)         \
	__bytepool_get_tier_stats((pool), (tier), (stats), \
				  sizeof(struct bytepool_tier_stats))

struct bytepool *__must_check
__bytepool_create(const struct bytepool_config *config, size_t config_size,
		  struct module *owner);
void bytepool_destroy(struct bytepool *pool);

void *__must_check bytepool_get(struct bytepool *pool, size_t len, gfp_t gfp);
void bytepool_put(struct bytepool *pool, void *mem);
size_t bytepool_size_roundup(struct bytepool *pool, size_t len);

struct bytepool_buf *__must_check bytepool_get_buf(struct bytepool *pool,
						   size_t len, gfp_t gfp);
struct bytepool_buf *bytepool_buf_retain(struct bytepool_buf *buf);
bool __must_check bytepool_buf_tryretain(struct bytepool_buf *buf);
void bytepool_buf_release(struct bytepool_buf *buf);
unsigned int bytepool_buf_refcount(const struct bytepool_buf *buf);
void *bytepool_buf_data(const struct bytepool_buf *buf);
void *bytepool_buf_priv(const struct bytepool_buf *buf);
struct bytepool_buf *bytepool_buf_from_priv(const void *priv);
size_t bytepool_buf_len(const struct bytepool_buf *buf);
size_t bytepool_buf_capacity(const struct bytepool_buf *buf);
int bytepool_buf_set_len(struct bytepool_buf *buf, size_t len);
bool bytepool_buf_is_contig(const struct bytepool_buf *buf);

struct bytepool_view __must_check bytepool_buf_bytes(struct bytepool_buf *buf);
struct bytepool_view __must_check bytepool_buf_slice(struct bytepool_buf *buf,
						     size_t off, size_t len);
struct bytepool_view __must_check
bytepool_view_slice(const struct bytepool_view *view, size_t off, size_t len);
void bytepool_view_release(struct bytepool_view *view);

struct bytepool_buf *__must_check
bytepool_wrap(struct bytepool *pool, void *mem, size_t len,
	      void (*free_fn)(void *mem, size_t len, void *arg), void *arg,
	      gfp_t gfp);

int bytepool_reserve(struct bytepool *pool, size_t len, unsigned int nr);
bool __must_check bytepool_wait_async(struct bytepool *pool, size_t len,
				      struct bytepool_waiter *waiter);
bool bytepool_wait_cancel(struct bytepool *pool,
			  struct bytepool_waiter *waiter);

int __must_check bytepool_get_bufs(struct bytepool *pool, size_t len,
				   unsigned int nr, struct bytepool_buf **bufs,
				   gfp_t gfp);
void bytepool_release_bufs(unsigned int nr, struct bytepool_buf **bufs);
unsigned int bytepool_prefill(struct bytepool *pool, size_t len,
			      unsigned int nr, gfp_t gfp);
size_t bytepool_shrink(struct bytepool *pool);

void __bytepool_get_stats(struct bytepool *pool, struct bytepool_stats *stats,
			  size_t stats_size);
int __bytepool_get_tier_stats(struct bytepool *pool, unsigned int tier,
			      struct bytepool_tier_stats *stats,
			      size_t stats_size);
__u64 bytepool_discarded(struct bytepool *pool);
unsigned int bytepool_sizes(struct bytepool *pool, size_t *sizes,
			    unsigned int nr);
unsigned int bytepool_recent_lengths(struct bytepool *pool, size_t *lens,
				     unsigned int nr);

/*
 * DEFINE_BYTEPOOL_OBJECTS() builds on the rest of this file. The typed pool
 * keeps the typed function pointers, and calls each through a function of its
 * own type. So no function pointer is ever cast: kCFI would trap the call. What
 * the macro defines is C++, too, which has no designated initialisers before
 * C++20, and kernels may allow no others.
 */
struct bytepool_object_type {
	size_t size;
	size_t align;
	size_t functions_size;
	int (*init)(const void *functions, void *obj, gfp_t gfp);
	void (*fini)(const void *functions, void *obj);
};

/* clang-format off */
void *__must_check
__bytepool_objects_create(const char *name,
			  const struct bytepool_object_type *type,
			  const void *functions, struct module *owner);
/* clang-format on */
void *__must_check __bytepool_objects_get(void *pool, gfp_t gfp);
void __bytepool_objects_put(void *pool, void *obj);
void __bytepool_objects_destroy(void *pool);

/**
 * DEFINE_BYTEPOOL_OBJECTS - define a typed object pool
 * @name: prefix of the names that are defined
 * @type: any complete type
 *
 * Defines struct ``name_pool`` and over it ``name_pool_create()``,
 * ``name_pool_get()``, ``name_pool_put()`` and ``name_pool_destroy()``, all
 * checked by the compiler for @type. An object keeps its content from a put to
 * the next get: init runs once when an object is constructed, fini once before
 * its memory goes back.
 *
 * ``name_pool_create(name, init, fini)``: may sleep. init and fini may be NULL;
 * init runs in the getter's context and must respect its gfp, fini runs in
 * process context only. Return: the pool, or ERR_PTR(-EINVAL, -EEXIST,
 * -ENOMEM).
 *
 * ``name_pool_get(pool, gfp)``, ``name_pool_put(pool, obj)``: any context but
 * NMI.
 *
 * ``name_pool_destroy(pool)``: may sleep; neither init nor fini runs after it
 * has returned. NULL and ERR_PTR are accepted.
 */
/* clang-format off */
#define DEFINE_BYTEPOOL_OBJECTS(name, type)				\
struct name##_pool {							\
	int (*init)(type *obj, gfp_t gfp);				\
	void (*fini)(type *obj);					\
};									\
									\
static inline int name##_pool_call_init(const void *functions,		\
					void *obj, gfp_t gfp)		\
{									\
	const struct name##_pool *pool =				\
		(const struct name##_pool *)functions;			\
									\
	return pool->init((type *)obj, gfp);				\
}									\
									\
static inline void name##_pool_call_fini(const void *functions,		\
					 void *obj)			\
{									\
	const struct name##_pool *pool =				\
		(const struct name##_pool *)functions;			\
									\
	pool->fini((type *)obj);					\
}									\
									\
static inline __must_check __maybe_unused struct name##_pool *		\
name##_pool_create(const char *pool_name,				\
		   int (*init)(type *obj, gfp_t gfp),			\
		   void (*fini)(type *obj))				\
{									\
	struct name##_pool functions;					\
	struct bytepool_object_type object_type;			\
									\
	functions.init = init;						\
	functions.fini = fini;						\
	object_type.size = sizeof(type);				\
	object_type.align = __alignof__(type);				\
	object_type.functions_size = sizeof(functions);			\
	object_type.init = init ? name##_pool_call_init : NULL;		\
	object_type.fini = fini ? name##_pool_call_fini : NULL;		\
	return (struct name##_pool *)__bytepool_objects_create(		\
		pool_name, &object_type, &functions, THIS_MODULE);	\
}									\
									\
static inline __must_check __maybe_unused type *			\
name##_pool_get(struct name##_pool *pool, gfp_t gfp)			\
{									\
	return (type *)__bytepool_objects_get(pool, gfp);		\
}									\
									\
static inline __maybe_unused void					\
name##_pool_put(struct name##_pool *pool, type *obj)			\
{									\
	__bytepool_objects_put(pool, obj);				\
}									\
									\
static inline __maybe_unused void					\
name##_pool_destroy(struct name##_pool *pool)				\
{									\
	__bytepool_objects_destroy(pool);				\
}									\
									\
struct name##_pool
/* clang-format on */

/* === For kernels alone === */

/**
 * devm_bytepool_create() - make a pool that ends with a device's driver
 * @dev: the device
 *
 * Takes a pointer to a struct bytepool_config as its last argument, as
 * bytepool_create() does. See __devm_bytepool_create().
 */
#define devm_bytepool_create(dev, ...)               \
	__devm_bytepool_create((dev), (__VA_ARGS__), \
			       sizeof(struct bytepool_config), THIS_MODULE)

struct bytepool_buf *__must_check bytepool_get_buf_wait(struct bytepool *pool,
							size_t len, gfp_t gfp,
							unsigned int state,
							long timeout);

struct bytepool *__must_check
__devm_bytepool_create(struct device *dev, const struct bytepool_config *config,
		       size_t config_size, struct module *owner);

/*
 * Where the compiler ends what leaves its scope. A buffer:
 *
 *	struct bytepool_buf *buf __free(bytepool_buf) = bytepool_get_buf(...);
 *
 * and a view of one: CLASS(bytepool_view, view)(buf, off, len);
 */
#ifdef DEFINE_FREE
DEFINE_CLASS(bytepool_view, struct bytepool_view, bytepool_view_release(&_T),
	     bytepool_buf_slice(buf, off, len), struct bytepool_buf *buf,
	     size_t off, size_t len)

/* clang-format off */
DEFINE_FREE(bytepool_buf, struct bytepool_buf *, if (!IS_ERR_OR_NULL(_T)) bytepool_buf_release(_T))
/* clang-format on */
#endif

/* === End of what is for kernels alone === */

#ifdef __cplusplus
}
#endif

#endif /* _BYTEPOOL_H */
