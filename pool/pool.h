/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - what the module's files share
 *
 *	bytepool.c	pools and their tiers, from creation to the last release
 *	buf.c		buffers and views
 *	raw.c		raw memory, and what is larger than the largest tier
 *	objcache.c	the object pool: per-CPU magazines over a depot over slab
 *	depot.c		what CPUs share of it
 *	counts.c	its counters
 *	reclaim.c	how idle memory goes back: drains, trim, shrinker
 *	objects.c	typed object pools, the third user of the object pool
 *	payload.c	slab caches shared by the pools, memory beyond the tiers
 *	report.c	refusals, memory known by its address, what is outstanding
 *	stats.c		counters summed up, the lengths served last
 *	debugfs.c	the same for people and scripts
 *
 * Lock order: pools_mutex, or the CPU hotplug lock; then objcache.drain_lock;
 * then one of the raw spinlocks (depot.lock, bytepool.handles_lock, those of
 * the records), which never nest. caches_mutex is taken with none of them.
 */
#ifndef _BYTEPOOL_INTERNAL_H
#define _BYTEPOOL_INTERNAL_H

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "../bytepool.h"
#include "../objcache/objcache.h"

/* From this size on a tier may fall back to vmalloc(). */
#define VMALLOC_FROM (64UL << 10)

/* Stands for a put that the worker is to do again: see raw_put_tracked(). */
#define CLASS_PUT UINT_MAX

/* Tier sizes, capacities and addresses are multiples of this. */
#define BYTEPOOL_GRAIN 64

/*
 * What recycled memory can honour. Zones, nodes and memory cgroups are those
 * of whoever had the memory first, and __GFP_NOFAIL is no pool's to promise.
 * The fast path cannot zero, either.
 */
#define BYTEPOOL_GFP_SLOW (~BYTEPOOL_GFP_MASK | __GFP_ZERO)
#define BYTEPOOL_GFP_MASK                                                      \
	(GFP_KERNEL | GFP_ATOMIC | __GFP_ZERO | __GFP_NOWARN | __GFP_NORETRY | \
	 __GFP_RETRY_MAYFAIL | __GFP_HIGH | __GFP_MEMALLOC | __GFP_NOMEMALLOC)

/* === Slab caches and memory beyond the tiers (caches.c) === */

enum cache_kind {
	CACHE_PAYLOAD,
	CACHE_HANDLE,
	CACHE_HANDLE_RCU,
	CACHE_OBJECT,
};

/**
 * struct shared_cache - a slab cache that pools share
 * @slab: the cache
 * @kind: what is in it
 * @size: of an object, in bytes
 * @align: of an object, in bytes
 * @users: pools that use it; protected by caches_mutex. At 0 a work item
 *	destroys it
 * @list: in the list of all
 */
struct shared_cache {
	struct kmem_cache *slab;
	enum cache_kind kind;
	size_t size;
	size_t align;
	unsigned int users;
	struct list_head list;
};

struct shared_cache *cache_get(enum cache_kind kind, size_t size, size_t align);
void cache_put(struct shared_cache *cache);
size_t payload_align(size_t size);
void *big_alloc(size_t size, gfp_t gfp, bool contig);
void *big_vmalloc(size_t size, gfp_t gfp);
void big_free(void *mem);
void payload_module_exit(void);

/* === Pools === */

/**
 * struct tier - buffers and raw memory of one size
 * @size: capacity of what the tier serves, in bytes: a multiple of
 *	%BYTEPOOL_GRAIN
 * @align_mask: bits that are clear in the address of every payload
 * @gfp: what is asked of the allocator in any case
 * @slab: where payloads come from, and by which raw memory is recognised
 * @payload: the same, to be shared
 */
struct tier {
	size_t size;
	u32 align_mask;
	gfp_t gfp;
	struct kmem_cache *slab;
	struct shared_cache *payload;
};

/* In an empty slot; what is no slab object has NULL, and is not found either. */
#define NO_SLAB ((struct kmem_cache *)1)

/* How many slots: a power of two, about twice as many as tiers in use. */
#define NR_SLAB_SLOTS 32

/* Classes of a pool's objects: two a tier, then the spare handles. */
static_assert(2 * BYTEPOOL_MAX_TIERS + 1 <= OBJCACHE_MAX_CLASSES);

static inline unsigned int class_buf(unsigned int tier)
{
	return 2 * tier;
}

static inline unsigned int class_raw(unsigned int tier)
{
	return 2 * tier + 1;
}

/* class_to_ofs() of a tier's buffers, and of its raw memory. */
struct class_ofs {
	u16 buf;
	u16 raw;
};

/**
 * struct bytepool - a pool
 * @objects: its object pool
 * @flags: %BYTEPOOL_ZERO and its kin
 * @nr_tiers: how many tiers
 * @priv_size: bytes of the user's own with each buffer
 * @largest: size of the largest tier
 * @tier_of: by tier_bucket(): the smallest tier that any such length fits
 * @ofs_of: likewise: class_to_ofs() of that tier's buffers, and of its raw
 *	memory
 * @fast_max: largest length that the fast path of a get serves; 0 where it
 *	has to look at more than that
 * @slab_factor: of slab_slot()
 * @slab: slab caches by slot, for the fast path of a put: only of tiers that
 *	share their slot with no other, else, and where a put has to look at
 *	more, %NO_SLAB. An array for each field, because the processor scales
 *	an index by the size of a word
 * @slab_align_mask: of the tiers: bits that are clear in the address of every
 *	payload
 * @slab_ofs: class_to_ofs() of the tiers' raw memory
 * @limit: bytes of capacity in use at most; 0: none
 * @used: those bytes, where there is a limit
 * @handles: where handles come from
 * @handle_flags: %BUF_IDLE and its kin: of an idle handle
 * @last_ref_state: bytepool_buf.state of a buffer that somebody has got
 * @spare_ofs: class_to_ofs() of spare handles
 * @handles_lock: protects @live_list, @resting, @nr_retired and
 *	@quarantine_list
 * @live_list: every handle, in use, idle with its payload, or spare
 * @resting: dead handles, oldest first, where magazines are bypassed
 * @nr_retired: how many
 * @quarantine_list: handles withheld
 * @discarded: gets larger than the largest tier that were served
 * @oversize: of those, how many are in use
 * @oversize_bytes: and the bytes they take
 * @fail: gets that failed and belong to no tier
 * @misuse: operations refused
 * @own_budget: budget of idle memory, unless the default one is used
 * @type: of a typed pool
 * @functions: of a typed pool: what its user calls the pool
 * @owner: name of the module that made it, which may be gone
 * @dir: in debugfs
 * @list: in the list of all pools
 * @name: as in debugfs
 * @tier: by tier
 */
struct bytepool {
	struct objcache objects;
	unsigned int flags;
	unsigned int nr_tiers;
	unsigned int priv_size;
	size_t largest;
	size_t fast_max;
	struct class_ofs ofs_of[32];
	u8 tier_of[32];
	u32 slab_factor;
	struct kmem_cache *slab[NR_SLAB_SLOTS];
	u32 slab_align_mask[NR_SLAB_SLOTS];
	u16 slab_ofs[NR_SLAB_SLOTS];
	size_t limit;
	atomic_long_t used;
	struct shared_cache *handles;
	u64 last_ref_state;
	u32 handle_flags;
	u32 spare_ofs;
	raw_spinlock_t handles_lock;
	struct list_head live_list;
	struct list_head resting;
	unsigned int nr_retired;
	struct list_head quarantine_list;
	atomic64_t discarded;
	atomic64_t oversize;
	atomic64_t oversize_bytes;
	atomic64_t fail;
	atomic64_t misuse;
	struct idle_budget own_budget;
	struct bytepool_object_type type;
	struct typed_pool *functions;
	char owner[MODULE_NAME_LEN];
	struct dentry *dir;
	struct list_head list;
	char name[32];
	struct tier tier[];
};

/*
 * What a handle remembers in bytepool_buf.flags. 0 is a live buffer of the
 * plain kind, which the fast path of a release looks for.
 */
#define BUF_IDLE     BIT(0) /* not issued */
#define BUF_ATOMIC   BIT(1) /* released by compare-and-exchange only */
#define BUF_LIMIT    BIT(2) /* charged to the pool's limit */
#define BUF_VMALLOC  BIT(3) /* not physically contiguous */
#define BUF_OVERSIZE BIT(4) /* larger than the largest tier */
#define BUF_CLEAR    BIT(5) /* cleared as it comes back: init_on_free */

/* bytepool_buf.state, as .ref and .flags together make it. */
static __always_inline u64 state_of(u32 refs, u32 flags)
{
	if (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		return (u64)refs << 32 | flags;
	return (u64)flags << 32 | refs;
}

/* A live buffer with one holder: of the plain kind, or of the atomic one. */
#define STATE_LAST_REF	      state_of(1, 0)
#define STATE_LAST_REF_ATOMIC state_of(1, BUF_ATOMIC)
/* An idle buffer, likewise: the count is 0. */
#define STATE_IDLE	  state_of(0, BUF_IDLE)
#define STATE_IDLE_ATOMIC state_of(0, BUF_ATOMIC | BUF_IDLE)

static __always_inline int state_refs(u64 state)
{
	return IS_ENABLED(CONFIG_CPU_BIG_ENDIAN) ? state >> 32 : state;
}

/* Class of a handle that is of no tier: larger than the largest. */
#define CLASS_OVERSIZE U16_MAX

/**
 * struct bytepool_buf - the handle of a buffer
 * @cpu: of the object pool of where it belongs, for the last release
 * @ref: how many references there are; 0 while idle. The arbiter: whether a
 *	handle is alive is decided by this count alone, and a dead count is
 *	never written to but by the get that issues the handle again
 * @flags: BUF_*: its state
 * @state: both in one piece, for a single look
 * @rcu: may be looked up under RCU. The same as long as the memory is a
 *	handle, for late readers look at it
 * @len: length in bytes, as asked or as set
 * @link: in bytepool.live_list, .resting or .quarantine_list
 * @data: the payload
 * @site: while alive, who got it; after that, who released it last
 * @class: of its tier
 * @cpu_ofs: class_to_ofs() of that
 * @capacity: of the payload, in bytes
 * @parked: of a spare handle that the worker is to free
 *
 * One cache line, followed by the user's own bytes. Only the owner of the
 * count's last reference, or of an idle handle, writes to it.
 */
struct bytepool_buf {
	struct objcache_cpu __percpu *cpu;
	union {
		struct {
			refcount_t ref;
			u32 flags;
		};
		u64 state;
	};
	u32 rcu;
	u32 len;
	struct list_head link;
	union {
		struct {
			void *data;
			unsigned long site;
			u16 class;
			u16 cpu_ofs;
			u32 capacity;
		};
		struct parked parked;
	};
};

/* The user's own bytes come after the handle, aligned as memory is. */
#define HANDLE_SIZE ALIGN(sizeof(struct bytepool_buf), BYTEPOOL_GRAIN)

static __always_inline void *handle_priv(const struct bytepool_buf *buf)
{
	return (void *)buf + HANDLE_SIZE;
}

/* caches.c */
void *oversize_alloc(struct bytepool *pool, size_t len, gfp_t gfp);
void oversize_count(struct bytepool *pool, size_t len);
bool oversize_uncharge(struct bytepool *pool, int tier, size_t size);

/* buf.c */
bool buf_destruct(struct bytepool *pool, struct bytepool_buf *buf, bool late);
bool handle_destroy(struct bytepool *pool, struct bytepool_buf *buf);

/* raw.c */

/* Makes memory, or an object, of a tier; NULL without memory. */
typedef void *(*construct_fn)(struct bytepool *pool, unsigned int tier,
			      gfp_t gfp);

void *payload_construct(struct bytepool *pool, unsigned int tier, gfp_t gfp);
void *raw_get(struct bytepool *pool, unsigned int tier, size_t len, gfp_t gfp,
	      unsigned long site, construct_fn construct);
void raw_put(struct bytepool *pool, void *mem, unsigned long site);

/**
 * struct typed_pool - what the user of a typed pool has
 * @pool: the pool
 * @functions: his struct foo_pool, which is what he has the address of
 */
struct typed_pool {
	struct bytepool *pool;
	unsigned long functions[];
};

static inline const void *typed_functions(const struct bytepool *pool)
{
	return pool->functions->functions;
}

/* Whether it is a pool of typed objects: one tier, its raw class holds them. */
static inline bool pool_is_typed(const struct bytepool *pool)
{
	return pool->functions;
}

/* objects.c */
bool typed_destruct(struct objcache *oc, unsigned int class, void *obj,
		    unsigned int how);
struct parked *typed_park(struct objcache *oc, unsigned int class, void *obj);
struct bytepool *typed_pool_of(void *functions, unsigned long site);

static inline struct bytepool *pool_of(struct objcache *oc)
{
	return container_of(oc, struct bytepool, objects);
}

/* The pool of a handle, dead or alive. */
static inline struct bytepool *buf_pool(const struct bytepool_buf *buf)
{
	/* Whatever CPU this is: they say the same. */
	return pool_of(raw_cpu_ptr(buf->cpu)->oc);
}

static inline unsigned int class_spare(const struct bytepool *pool)
{
	return 2 * pool->nr_tiers;
}

/* Lengths that differ in less than their highest bit share a bucket. */
static __always_inline unsigned long tier_bucket(size_t len)
{
	return __fls((len - 1) | (BYTEPOOL_GRAIN - 1));
}

/*
 * The classes of the smallest tier that a length may fit. By pointer, because
 * UBSAN's check of an index calls a function, and with a call in it a fast path
 * saves registers; a length has fewer than 32 bits.
 */
static __always_inline const struct class_ofs *
ofs_of_len(const struct bytepool *pool, size_t len)
{
	return pool->ofs_of + tier_bucket(len);
}

/* The slot of a slab cache: a multiplicative hash of its address. */
static __always_inline unsigned int slab_slot(u32 factor,
					      const struct kmem_cache *slab)
{
	return ((u32)(unsigned long)slab * factor) >>
	       (32 - ilog2(NR_SLAB_SLOTS));
}

/*
 * The class of what can be put without a closer look, as class_to_ofs() has
 * it; false: it takes one. What is no slab object has no cache, which is in no
 * slot.
 */
static __always_inline bool raw_class_of(const struct bytepool *pool,
					 const void *mem, unsigned long *ofs)
{
	struct kmem_cache *slab = slab_cache_of_linear(mem);
	unsigned long slot = slab_slot(pool->slab_factor, slab);

	if (unlikely(*(pool->slab + slot) != slab) ||
	    unlikely((unsigned long)mem & *(pool->slab_align_mask + slot)))
		return false;
	*ofs = *(pool->slab_ofs + slot);
	return true;
}

/*
 * The smallest tier that fits a length of 1 to pool->largest. The table
 * leaves nothing to search unless tiers lie closer than powers of two.
 */
static __always_inline unsigned int tier_index(const struct bytepool *pool,
					       size_t len)
{
	unsigned int i = pool->tier_of[tier_bucket(len)];

	while (unlikely(len > pool->tier[i].size))
		i++;
	return i;
}

/* The capacity of a length larger than the largest tier; 0: refused. */
static inline size_t oversize_capacity(size_t len)
{
	return len && len <= INT_MAX ? ALIGN(len, BYTEPOOL_GRAIN) : 0;
}

/* Charges bytes to the limit, exactly; false past it. */
static __always_inline bool limit_charge(struct bytepool *pool, size_t bytes)
{
	long used;

	if (likely(!pool->limit))
		return true;
	used = atomic_long_read(&pool->used);
	do {
		if (bytes > pool->limit || used > pool->limit - bytes)
			return false;
	} while (!atomic_long_try_cmpxchg(&pool->used, &used, used + bytes));
	return true;
}

static __always_inline void limit_uncharge(struct bytepool *pool, size_t bytes)
{
	if (unlikely(pool->limit))
		atomic_long_sub(bytes, &pool->used);
}

static inline gfp_t get_gfp(const struct bytepool *pool, gfp_t gfp)
{
	return pool->flags & BYTEPOOL_ZERO ? gfp | __GFP_ZERO : gfp;
}

/* A tier's payload from its slab cache, or NULL. */
static __always_inline void *payload_alloc(const struct tier *tier, gfp_t gfp)
{
	return kmem_cache_alloc(tier->slab, gfp | tier->gfp);
}

/* The tier of class_to_ofs() of its buffers, or of its raw memory. */
static __always_inline const struct tier *tier_at(const struct bytepool *pool,
						  unsigned long ofs)
{
	return pool->tier + ofs_to_class(ofs) / 2;
}

static inline bool may_fall_back(struct bytepool *pool, const struct tier *tier,
				 gfp_t gfp)
{
	return pool->flags & BYTEPOOL_VMALLOC && tier->size >= VMALLOC_FROM &&
	       gfpflags_allow_blocking(gfp);
}

/* Memory is cleared as it comes back, where the kernel wants that. */
static __always_inline void payload_clear(void *data, size_t size)
{
	if (want_init_on_free())
		memset(data, 0, size);
}

/* === Reports (report.c) === */

/**
 * struct track - memory that is known by its address
 * @node: in the table
 * @mem: the memory
 * @pool: where it belongs
 * @size: its capacity in bytes
 * @tier: its tier, or -1: larger than the largest
 * @slab: of the tier's slab cache, and to be recycled
 * @site: who got it
 */
struct track {
	struct hlist_node node;
	void *mem;
	struct bytepool *pool;
	size_t size;
	int tier;
	bool slab;
	unsigned long site;
};

/* What a look at the table tells of memory. */
enum track_found {
	TRACK_FOUND,
	TRACK_NONE,
	TRACK_OTHER_POOL,
	TRACK_BUSY, /* cannot be looked up from here */
};

/* Operations refused, in the order of their texts. */
enum misuse {
	MISUSE_POOL,
	MISUSE_DEAD_POOL,
	MISUSE_GFP,
	MISUSE_RELEASE,
	MISUSE_RETAIN,
	MISUSE_TRYRETAIN,
	MISUSE_SATURATED,
	MISUSE_CORRUPT,
	MISUSE_PUT_FOREIGN,
	MISUSE_PUT_UNKNOWN,
	MISUSE_PUT_OTHER_POOL,
	MISUSE_DEAD_BUFFER,
	NR_MISUSE,
};

void report_misuse(struct bytepool *pool, enum misuse what, const void *mem,
		   unsigned long site, unsigned long other_site);
bool pool_usable(struct bytepool *pool, unsigned long site);
void *get_failed(struct bytepool *pool, unsigned int class, unsigned long site);
void *get_failed_oversize(struct bytepool *pool, unsigned long site);
void get_refused(struct bytepool *pool, unsigned long site);
struct track *track_alloc(gfp_t gfp);
bool track_add(struct track *track);
enum track_found track_remove(struct bytepool *pool, const void *mem,
			      struct track *copy);
long pool_outstanding(struct bytepool *pool);
void report_outstanding(struct bytepool *pool);
int outstanding_show(struct bytepool *pool, struct seq_file *m);
void track_for_each(struct bytepool *pool,
		    void (*look)(const struct track *track, void *arg),
		    void *arg);
void track_module_init(void);

/* Tell whether a get can be served, and report one that cannot. */
static __always_inline bool get_allowed(struct bytepool *pool, gfp_t gfp,
					unsigned long site)
{
	if (likely(ptr_valid(pool)) && likely(!(gfp & ~BYTEPOOL_GFP_MASK)))
		return true;
	get_refused(pool, site);
	return false;
}

/* === Statistics (stats.c, debugfs.c) === */

void pool_debugfs_add(struct bytepool *pool);
void pool_debugfs_remove(struct bytepool *pool);
void debugfs_module_init(void);
void debugfs_module_exit(void);

#endif /* _BYTEPOOL_INTERNAL_H */
