/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - the types and functions that the files of a pool share
 *
 * The floors of the module, highest first. A file calls functions of its own
 * floor and of the floors below it:
 *
 *	bytepool.c	making and destroying pools of both kinds; parameters,
 *			trim, shrinker, module
 *	pool/
 *	  buf.c		buffers and views
 *	  raw.c		raw memory
 *	  reserve.c	the reserve, and gets that take from it or sleep
 *	  wait.c	who waits for buffers
 *	  wrap.c	buffers whose memory is not the pool's
 *	  objects.c	typed objects
 *	  caches.c	slab caches that pools share; memory beyond the tiers
 *	  check.c	red zones and poison of checked pools
 *	  report.c	misuse that is refused, gets that fail
 *	  track.c	memory that is tracked by its address
 *	  outstanding.c	memory in use, by call site
 *	  sites.c	names of call sites whose code goes
 *	  stats.c	counts, summed up over the CPUs
 *	  oom.c		what pools have, when memory is out
 *	  debugfs.c	counts and memory in use, for people and scripts
 *	objcache/	the recycler: see objcache/objcache.h. It calls the floors
 *			above through objcache_ops alone
 *
 * Lock order: pools_mutex or the CPU hotplug lock; then objcache.drain_lock;
 * then one of the raw spinlocks depot.lock, bytepool.handles_lock and
 * track_locks, which never nest. caches_mutex and track_mutex are taken with
 * none of them held.
 */
#ifndef _BYTEPOOL_POOL_H
#define _BYTEPOOL_POOL_H

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/irq_work.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/refcount.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/swait.h>
#include <linux/workqueue.h>

#include "../bytepool.h"
#include "../objcache/objcache.h"

/* From this size on a tier may fall back to vmalloc(). */
#define VMALLOC_FROM (64UL << 10)

/* Tier sizes, capacities and addresses are multiples of this. */
#define BYTEPOOL_GRAIN 64

/*
 * Flags that recycled memory can honour. Its zone, node and memory cgroup are
 * those of its first user, and a pool cannot promise __GFP_NOFAIL. The fast
 * path does not zero.
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
 * @kind: kind of its objects
 * @size: of an object, in bytes
 * @align: of an object, in bytes
 * @users: pools that use it; leaves 0 under caches_mutex. At 0 a work item
 *	destroys it
 * @poisoned: slab poisons what is freed
 * @freed: objects were freed to @slab since it was last made to give unused
 *	slabs back
 * @shrunk: when that was, in jiffies; protected by caches_mutex
 * @list: in the list of all
 */
struct shared_cache {
	struct kmem_cache *slab;
	enum cache_kind kind;
	size_t size;
	size_t align;
	atomic_t users;
	bool poisoned;
	bool freed;
	unsigned long shrunk;
	struct list_head list;
};

void cache_freed_slow(struct shared_cache *cache);

/* Note that objects were freed: slab is to give their pages back soon. */
static inline void cache_freed(struct shared_cache *cache)
{
	if (unlikely(!READ_ONCE(cache->freed)))
		cache_freed_slow(cache);
}

/* Free an object of a shared cache. */
static inline void cache_free(struct shared_cache *cache, void *obj)
{
	kmem_cache_free(cache->slab, obj);
	cache_freed(cache);
}

struct shared_cache *cache_get(enum cache_kind kind, size_t size, size_t align);
void cache_put(struct shared_cache *cache);
size_t payload_align(size_t size);
void *big_alloc(size_t size, gfp_t gfp, bool contig);
void *big_vmalloc(size_t size, gfp_t gfp);
void big_free(void *mem);
void payload_module_exit(void);

/* === Locks === */

/*
 * Lock a mutex that the end of a pool takes, too. A driver may end its pool in a
 * worker that reclaim waits for: nothing that the holder allocates may wait for
 * that driver's I/O.
 */
static inline unsigned int mutex_lock_noio(struct mutex *lock)
{
	unsigned int noio = memalloc_noio_save();

	mutex_lock(lock);
	return noio;
}

static inline void mutex_unlock_noio(struct mutex *lock, unsigned int noio)
{
	mutex_unlock(lock);
	memalloc_noio_restore(noio);
}

/* === Pools === */

/**
 * struct tier - buffers and raw memory of one size
 * @size: capacity in bytes, a multiple of %BYTEPOOL_GRAIN
 * @align_mask: bits that are clear in the address of every payload
 * @gfp: flags that are passed to the allocator in any case
 * @slab: slab cache of the payloads; a put finds the tier of raw memory by it
 * @payload: the shared cache that @slab belongs to
 */
struct tier {
	size_t size;
	u32 align_mask;
	gfp_t gfp;
	struct kmem_cache *slab;
	struct shared_cache *payload;
};

/*
 * Marks an unused slot. Not NULL, because slab_cache_of() returns NULL for
 * memory that is not a slab object.
 */
#define NO_SLAB ((struct kmem_cache *)1)

/* Number of slots: a power of two, about twice the usual number of tiers. */
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

/* Byte offsets, in struct cpu_cache, of the two classes of a tier. */
struct class_ofs {
	u16 buf;
	u16 raw;
};

/**
 * struct tier_queue - the reserve of a tier, and who sleeps for its buffers
 * @reserve: idle buffers of the reserve
 * @nr: number of them that are promised to nobody
 * @want: how many there are to be
 * @served: number of buffers that the reserve has served
 * @sleepers: sleepers, first come first; who is promised buffers has left
 *
 * Protected by bytepool.handles_lock; reserve_is_short() reads @nr and @want
 * without it.
 */
struct tier_queue {
	struct list_head reserve;
	unsigned int nr;
	unsigned int want;
	atomic_long_t served;
	struct list_head sleepers;
};

/**
 * struct pool_wait - who waits for a pool: see wait.c
 * @nr: number of sleepers and of armed waiters; read without the lock
 * @nr_sleepers: number of sleepers
 * @ending: the pool ends: who sleeps is told, and nobody is woken any more
 * @closed: nobody may begin to wait any more
 * @reserved: how many bytes all reserves are to have
 * @limited: sleepers that wait for the limit, first come first
 * @armed: waiters, first come first
 * @due: waiters that are about to be woken
 * @waking: the waiter whose wake() runs
 * @starved: when a get last failed for want of memory, in jiffies
 * @slept: gets that have slept
 * @gone: the end of the pool sleeps here until the sleepers have left
 * @work: wakes waiters
 * @irq: does for an NMI what it may not do itself
 * @reserve_lock: serializes changes of the reserve's size
 *
 * All but the last three and @starved is protected by bytepool.handles_lock.
 */
struct pool_wait {
	unsigned int nr;
	unsigned int nr_sleepers;
	bool ending;
	bool closed;
	size_t reserved;
	struct list_head limited;
	struct list_head armed;
	struct list_head due;
	struct bytepool_waiter *waking;
	unsigned long starved;
	unsigned long slept;
	struct swait_queue_head gone;
	struct delayed_work work;
	struct irq_work irq;
	struct mutex reserve_lock; /* serializes bytepool_reserve() */
};

/**
 * struct bytepool - a pool
 * @objects: the objcache
 * @flags: BYTEPOOL_* flags
 * @nr_tiers: number of tiers
 * @priv_size: size of the user's own bytes with each buffer
 * @largest: size of the largest tier
 * @tier_of: by tier_bucket(): the smallest tier that a length may fit
 * @ofs_of: by tier_bucket(): the classes of that tier
 * @fast_max: largest length that the fast path of a get serves; 0 if every get
 *	of the pool needs the slow path
 * @slab_factor: factor of slab_slot()
 * @slab: slab cache by slot, for the fast path of a put; %NO_SLAB in an unused
 *	slot. If two tiers share a slot, it holds the smaller one. All slots are
 *	unused before the first get, and if every put of the pool needs the slow
 *	path. The fields of a slot are in arrays of their own, because a
 *	processor can scale an index by the size of a word, but not by that of a
 *	struct
 * @slab_align_mask: tier.align_mask by slot
 * @slab_ofs: class_to_ofs() of the tier's raw memory by slot
 * @limit: largest number of bytes of capacity in use; 0: no limit
 * @used: bytes of capacity in use, if there is a limit
 * @handles: slab cache of handles
 * @handle_flags: bytepool_buf.flags of an idle handle
 * @last_ref_state: bytepool_buf.state of a buffer with one reference
 * @spare_ofs: class_to_ofs() of spare handles
 * @handles_lock: protects @live_list, @retired, @nr_retired,
 *	@quarantine_list, @resting, @resting_bytes, @resting_new, @queues and
 *	@wait
 * @live_list: all handles: alive, idle with their payload, and spare; but those
 *	of the reserve
 * @retired: dead handles of a pool that bypasses magazines, oldest first
 * @nr_retired: number of handles in @retired
 * @quarantine_list: handles withheld after misuse
 * @resting: memory of a checked pool that is poisoned, oldest first
 * @resting_bytes: size of all of it, charged to the idle budget
 * @resting_new: of that, what has come since the last look of the trim
 * @queues: by tier: reserve and sleepers; the last is for memory larger than the
 *	largest tier
 * @wait: who waits for buffers
 * @reports: limits the rate of reports
 * @discarded: gets larger than the largest tier that were served
 * @oversize: number of pieces in use that are larger than the largest tier
 * @oversize_bytes: capacity of those pieces
 * @wrapped: number of buffers of bytepool_wrap() that are out
 * @unwrapped: number of them whose memory was ended
 * @unwrapping: memory of such buffers that is to be ended
 * @unwrap_work: ends it
 * @fail: gets that failed and belong to no tier
 * @misuse: operations refused
 * @own_budget: budget of idle memory, unless the pool uses the default one
 * @type: type of the objects of a typed pool
 * @functions: holds the user's struct foo_pool; NULL: the pool is not typed
 * @owner: name of the module that made the pool; it may be unloaded since
 * @dir: the pool's directory in debugfs
 * @list: in the list of all pools
 * @name: name of @dir
 * @tier: the tiers, in ascending order of size
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
	struct list_head retired;
	unsigned int nr_retired;
	struct list_head quarantine_list;
	struct list_head resting;
	size_t resting_bytes;
	size_t resting_new;
	struct tier_queue *queues;
	struct pool_wait wait;
	struct ratelimit_state reports;
	atomic64_t discarded;
	atomic64_t oversize;
	atomic64_t oversize_bytes;
	atomic_long_t wrapped;
	atomic_long_t unwrapped;
	struct llist_head unwrapping;
	struct work_struct unwrap_work;
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
 * Flags of a handle, in bytepool_buf.flags. A live buffer of the plain kind has
 * no flags: the fast path of a release tests for that.
 */
#define BUF_IDLE     BIT(0) /* not issued */
#define BUF_ATOMIC   BIT(1) /* released by compare-and-exchange only */
#define BUF_LIMIT    BIT(2) /* charged to the pool's limit */
#define BUF_VMALLOC  BIT(3) /* not physically contiguous */
#define BUF_OVERSIZE BIT(4) /* larger than the largest tier */
#define BUF_CLEAR    BIT(5) /* cleared as it comes back: see pool_clears() */
#define BUF_CHECK    BIT(6) /* of a checked pool: has a red zone */
#define BUF_RESTING  BIT(7) /* its payload rests, and is the handle's no more */
#define BUF_WRAPPED  BIT(8) /* its payload is not the pool's */
#define BUF_WATCHED  BIT(9) /* detectors are told when it is idle */
#define BUF_RESERVE  BIT(10) /* of a pool with a reserve, which it may refill */

/* Compute bytepool_buf.state from .ref and .flags. */
static __always_inline u64 state_of(u32 refs, u32 flags)
{
	if (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		return (u64)refs << 32 | flags;
	return (u64)flags << 32 | refs;
}

/* State of a live buffer with one reference: the plain or atomic kind. */
#define STATE_LAST_REF	      state_of(1, 0)
#define STATE_LAST_REF_ATOMIC state_of(1, BUF_ATOMIC)
/* State of an idle buffer, of the plain or the atomic kind. */
#define STATE_IDLE	  state_of(0, BUF_IDLE)
#define STATE_IDLE_ATOMIC state_of(0, BUF_ATOMIC | BUF_IDLE)

static __always_inline int state_refs(u64 state)
{
	return IS_ENABLED(CONFIG_CPU_BIG_ENDIAN) ? state >> 32 : state;
}

/* Class of a handle whose payload is larger than the largest tier. */
#define CLASS_OVERSIZE U16_MAX
/* Class of a handle whose payload is not the pool's. */
#define CLASS_WRAPPED (U16_MAX - 1)

/**
 * struct bytepool_buf - the handle of a buffer
 * @cpu: objcache.cpu of its pool
 * @ref: number of references; 0 while idle. This count alone tells whether
 *	the handle is alive. Only the get that issues the handle again writes
 *	to a count of 0
 * @flags: BUF_* flags
 * @state: @ref and @flags in one word: see "Mixed sizes" in buf.c
 * @rcu: the buffer may be looked up under RCU. Constant as long as the memory
 *	is a handle, because late readers read it
 * @len: length in bytes, as asked for or as set
 * @link: in bytepool.live_list, .retired or .quarantine_list
 * @data: the payload
 * @site: call site of the get while alive, then of the last release
 * @class: class of the buffer
 * @cpu_ofs: class_to_ofs() of @class
 * @capacity: size of the payload, in bytes; in a checked pool the length that
 *	was asked for
 * @parked: list entry of a spare handle that the worker frees
 *
 * A handle is one cache line, followed by the user's own bytes. Only the holder
 * of the only reference and the owner of an idle handle write to fields other
 * than @ref and @link. A holder must not release its reference twice: a second
 * release is refused while the handle is dead, but once the handle is issued
 * again it drops the new owner's reference, and nothing can tell.
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

/* Offset of the user's own bytes, which are aligned as payloads are. */
#define HANDLE_SIZE ALIGN(sizeof(struct bytepool_buf), BYTEPOOL_GRAIN)

static __always_inline void *handle_priv(const struct bytepool_buf *buf)
{
	return (void *)buf + HANDLE_SIZE;
}

/* caches.c */
void *oversize_alloc(struct bytepool *pool, size_t len, gfp_t gfp);
bool oversize_charge(struct bytepool *pool, size_t len);
void oversize_count(struct bytepool *pool, size_t len);
bool oversize_uncharge(struct bytepool *pool, int tier, size_t size);

/* buf.c */
struct bytepool_buf *buf_construct(struct bytepool *pool, unsigned int tier_nr,
				   gfp_t gfp, void *data);
struct bytepool_buf *buf_get_tier(struct bytepool *pool, unsigned int tier,
				  size_t len, gfp_t gfp, unsigned long site);
struct bytepool_buf *buf_get_charged_oversize(struct bytepool *pool, size_t len,
					      gfp_t gfp, unsigned long site);
bool buf_issue_idle(struct bytepool *pool, struct bytepool_buf *buf,
		    unsigned int tier, size_t len, gfp_t gfp,
		    unsigned long site);
void buf_free_idle(struct bytepool *pool, struct bytepool_buf *buf);
void buf_destruct(struct bytepool *pool, struct bytepool_buf *buf, bool late);
void handle_destroy(struct bytepool *pool, struct bytepool_buf *buf);
void handle_free(struct bytepool *pool, struct bytepool_buf *buf);
struct bytepool_buf *buf_of_memory(struct bytepool *pool, void *mem, size_t len,
				   gfp_t gfp);
void buf_issue_memory(struct bytepool_buf *buf, size_t len, unsigned long site);

/**
 * struct buf_request - buffers that a get wants
 * @tier: their tier; bytepool.nr_tiers: larger than the largest
 * @len: length of each, in bytes
 * @gfp: as the caller asks
 * @site: the call site
 * @nr: how many
 * @got: how many there are already
 * @bufs: where they go
 */
struct buf_request {
	unsigned int tier;
	size_t len;
	gfp_t gfp;
	unsigned long site;
	unsigned int nr;
	unsigned int got;
	struct bytepool_buf **bufs;
};

/* reserve.c */
int reserve_set(struct bytepool *pool, unsigned int tier, unsigned int nr);
int get_reserved(struct bytepool *pool, struct buf_request *rq);
bool reserve_refill_slow(struct bytepool *pool, struct bytepool_buf *buf);
bool reserve_keep(struct bytepool *pool, struct bytepool_buf *buf);
void reserve_free(struct bytepool *pool);

static inline struct tier_queue *queue_of(struct bytepool *pool,
					  const struct bytepool_buf *buf)
{
	return &pool->queues[buf->class / 2];
}

static inline bool tier_has_reserve(const struct bytepool *pool,
				    unsigned int tier)
{
	return READ_ONCE(pool->queues[tier].want);
}

/* Tell whether a buffer that comes back is to refill the reserve of its tier. */
static inline bool reserve_is_short(struct bytepool *pool,
				    const struct bytepool_buf *buf)
{
	const struct tier_queue *queue = queue_of(pool, buf);

	/* Pairs with smp_wmb() in reserve_claim(): see the head of reserve.c. */
	smp_rmb();
	return READ_ONCE(queue->nr) < READ_ONCE(queue->want);
}

/* Let a dead buffer of a pool with a reserve refill it, if that is short. */
static inline bool reserve_refill(struct bytepool *pool,
				  struct bytepool_buf *buf)
{
	return unlikely(reserve_is_short(pool, buf)) &&
	       reserve_refill_slow(pool, buf);
}

/* wait.c */

/**
 * struct sleeper - a thread that sleeps in a get
 * @queue: queue of the tier that it wants
 * @queued: in @queue, until it is promised buffers or gives up
 * @limited: in pool_wait.limited, until it is charged or gives up
 * @nr: how many buffers it wants
 * @bytes: their capacity
 * @charged: @bytes are charged to the limit for it
 * @promised: so many buffers of the reserve are its own
 * @retry: it may find memory now
 * @hopeless: it wants more than the limit has beside the reserve
 * @timeout: how long it may wait, in jiffies
 * @deadline: until when, in jiffies
 * @late: it has had its last try
 * @wake: it sleeps here
 *
 * On the thread's stack. Protected by bytepool.handles_lock.
 */
struct sleeper {
	struct tier_queue *queue;
	struct list_head queued;
	struct list_head limited;
	unsigned int nr;
	size_t bytes;
	bool charged;
	unsigned int promised;
	bool retry;
	bool hopeless;
	long timeout;
	unsigned long deadline;
	bool late;
	struct swait_queue_head wake;
};

void wait_pool_init(struct bytepool *pool);
void wait_pool_end(struct bytepool *pool);
void wait_pool_exit(struct bytepool *pool);
void wait_came_back(struct bytepool *pool);
void wait_serve_queue(struct bytepool *pool, struct tier_queue *queue);
void wait_kick(struct bytepool *pool);
int sleeper_enter(struct bytepool *pool, struct sleeper *s,
		  struct tier_queue *queue, unsigned int nr, size_t size,
		  long timeout);
bool sleeper_may_try(struct bytepool *pool, struct sleeper *s);
int sleeper_sleep(struct bytepool *pool, struct sleeper *s, unsigned int state,
		  long interval);
void sleeper_withdraw(struct bytepool *pool, struct sleeper *s);
void sleeper_leave(struct bytepool *pool, struct sleeper *s, unsigned int used);
size_t wait_capacity(struct bytepool *pool, size_t len, unsigned int *tier);

/* wrap.c */
void wrap_pool_init(struct bytepool *pool);
void wrap_pool_flush(struct bytepool *pool);
void wrap_pool_kill(struct bytepool *pool);
void wrap_end(struct bytepool *pool, struct bytepool_buf *buf, bool late);
void wrap_release(struct bytepool *pool, struct bytepool_buf *buf);

/* raw.c */
extern u64 raw_mark_key;

/* Make memory, or an object, of a tier. Returns NULL without memory. */
typedef void *(*construct_fn)(struct bytepool *pool, unsigned int tier,
			      gfp_t gfp);

void *payload_construct(struct bytepool *pool, unsigned int tier, gfp_t gfp);
void *raw_get(struct bytepool *pool, unsigned int tier, size_t len, gfp_t gfp,
	      unsigned long site, construct_fn construct);
void raw_put(struct bytepool *pool, void *mem, unsigned long site);
void raw_module_init(void);
void raw_module_exit(void);

/**
 * struct typed_pool - a typed pool, as its user knows it
 * @pool: the pool
 * @functions: copy of the user's struct foo_pool; its address stands for the
 *	pool
 */
struct typed_pool {
	struct bytepool *pool;
	unsigned long functions[];
};

static inline const void *typed_functions(const struct bytepool *pool)
{
	return pool->functions->functions;
}

/* A typed pool has one tier, and its objects are of the tier's raw class. */
static inline bool pool_is_typed(const struct bytepool *pool)
{
	return pool->functions;
}

/* All raw memory of the pool is tracked by its address. */
static inline bool raw_is_tracked(const struct bytepool *pool)
{
	return pool->flags & BYTEPOOL_CHECK || !slab_cache_known();
}

/* Memory of checked pools has red zones, but objects are as long as their type. */
static inline bool has_red_zones(const struct bytepool *pool)
{
	return pool->flags & BYTEPOOL_CHECK && !pool_is_typed(pool);
}

/* objects.c */
void typed_destruct(struct objcache *oc, unsigned int class, void *obj,
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
	/* Any CPU will do: ->oc points to one objcache on all of them. */
	return pool_of(raw_cpu_ptr(buf->cpu)->oc);
}

static inline unsigned int class_spare(const struct bytepool *pool)
{
	return 2 * pool->nr_tiers;
}

/* Lengths with the same highest bit share a bucket. */
static __always_inline unsigned long tier_bucket(size_t len)
{
	return __fls((len - 1) | (BYTEPOOL_GRAIN - 1));
}

/*
 * Look up the classes of the smallest tier that a length may fit. Use pointer
 * arithmetic: UBSAN checks an index by a call, and a fast path with a call
 * saves registers. A length has fewer than 32 bits, so the bucket is in the
 * array.
 */
static __always_inline const struct class_ofs *
ofs_of_len(const struct bytepool *pool, size_t len)
{
	return pool->ofs_of + tier_bucket(len);
}

/* Hash the address of a slab cache to a slot, by multiplication. */
static __always_inline unsigned int slab_slot(u32 factor,
					      const struct kmem_cache *slab)
{
	return ((u32)(unsigned long)slab * factor) >>
	       (32 - ilog2(NR_SLAB_SLOTS));
}

/*
 * Look up the class of @mem by its slab cache. Returns false if the slow path
 * has to decide.
 */
static __always_inline bool raw_class_of(const struct bytepool *pool,
					 const void *mem, unsigned long *ofs)
{
	struct kmem_cache *slab = slab_cache_of_linear(mem);
	unsigned long slot = slab_slot(pool->slab_factor, slab);

	/* Written once, by pool_start(), to a slot that had no cache. */
	if (unlikely(data_race(*(pool->slab + slot)) != slab) ||
	    unlikely((unsigned long)mem & *(pool->slab_align_mask + slot)))
		return false;
	*ofs = *(pool->slab_ofs + slot);
	return true;
}

/*
 * The first word of idle raw memory is a mark, made of its address and a random
 * key, so that a second put is recognised. A get clears the mark. Two puts of
 * the same memory that race are told apart in checked pools only.
 */
static __always_inline u64 raw_mark_of(const void *mem)
{
	return raw_mark_key ^ (unsigned long)mem;
}

static __always_inline bool raw_is_marked(const void *mem)
{
	return *(const u64 *)mem == raw_mark_of(mem);
}

static __always_inline void raw_mark(void *mem)
{
	*(u64 *)mem = raw_mark_of(mem);
}

static __always_inline void raw_unmark(void *mem)
{
	*(u64 *)mem = 0;
}

/*
 * Find the smallest tier that fits a length of 1 to pool->largest. The loop is
 * entered only where tiers lie closer than powers of two.
 */
static __always_inline unsigned int tier_index(const struct bytepool *pool,
					       size_t len)
{
	unsigned int i = pool->tier_of[tier_bucket(len)];

	while (unlikely(len > pool->tier[i].size))
		i++;
	return i;
}

/* Compute the capacity of an oversize length. Returns 0 to refuse it. */
static inline size_t oversize_capacity(size_t len)
{
	return len && len <= INT_MAX ? ALIGN(len, BYTEPOOL_GRAIN) : 0;
}

/* Charge bytes to the limit. Returns false, and charges none, past it. */
static __always_inline bool limit_charge(struct bytepool *pool, size_t bytes)
{
	long used;

	if (likely(!pool->limit))
		return true;
	used = atomic_long_read(&pool->used);
	do {
		if (bytes > pool->limit || used > (long)(pool->limit - bytes))
			return false;
	} while (!atomic_long_try_cmpxchg(&pool->used, &used, used + bytes));
	return true;
}

/*
 * The inverse. Returns false, and uncharges none, if fewer bytes are charged:
 * then what comes back was not out.
 */
static __always_inline bool limit_uncharge(struct bytepool *pool, size_t bytes)
{
	long used;

	if (likely(!pool->limit))
		return true;
	used = atomic_long_read(&pool->used);
	do {
		if (used < (long)bytes)
			return false;
	} while (!atomic_long_try_cmpxchg(&pool->used, &used, used - bytes));
	/* The exchange pairs with smp_mb() in wait.c: see its head. */
	if (unlikely(READ_ONCE(pool->wait.nr)))
		wait_came_back(pool);
	return true;
}

/* Note that a get fails for want of memory, not of room in the limit. */
static inline void note_starved(struct bytepool *pool)
{
	WRITE_ONCE(pool->wait.starved, jiffies);
}

/* Uncharge what a get that found no memory has charged. */
static inline void limit_uncharge_unserved(struct bytepool *pool, size_t bytes)
{
	note_starved(pool);
	limit_uncharge(pool, bytes);
}

/*
 * Warn, in debug kernels, about a get whose context does not allow what its gfp
 * flags say: on each get, not just where the allocator is asked.
 */
static __always_inline void get_might_alloc(gfp_t gfp)
{
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP) || IS_ENABLED(CONFIG_LOCKDEP))
		might_alloc(gfp);
}

static inline gfp_t get_gfp(const struct bytepool *pool, gfp_t gfp)
{
	return pool->flags & BYTEPOOL_ZERO ? gfp | __GFP_ZERO : gfp;
}

/* Allocate a payload from the slab cache of a tier. */
static __always_inline void *payload_alloc(const struct tier *tier, gfp_t gfp)
{
	return kmem_cache_alloc(tier->slab, gfp | tier->gfp);
}

/* Map the offset of a class to the tier that the class belongs to. */
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

/* Tell whether memory is cleared as it comes back. */
static inline bool pool_clears(const struct bytepool *pool)
{
	return pool->flags & BYTEPOOL_WIPE || want_init_on_free();
}

static inline void payload_clear(const struct bytepool *pool, void *data,
				 size_t size)
{
	if (pool_clears(pool))
		memzero_explicit(data, size);
}

/* Free memory that has been idle, parked perhaps. */
static inline void payload_free_idle(struct shared_cache *payload, void *mem)
{
	memory_idle(mem, payload->size);
	cache_free(payload, mem);
}

/* === Checks (check.c) === */

void red_zone_set(void *mem, size_t len, size_t size);
void red_zone_check(struct bytepool *pool, const void *mem, size_t len,
		    size_t size, unsigned long got_by, unsigned long put_by);
bool rest_begin(struct bytepool *pool, struct shared_cache *payload, void *mem,
		unsigned long got_by, unsigned long put_by);
void rest_trim(struct bytepool *pool);
size_t rest_drain(struct bytepool *pool);
void rest_scan(struct bytepool *pool, struct scan *scan);

/* === Reports (report.c) === */

/**
 * struct track - an entry for memory that is tracked by its address
 * @node: in the table
 * @mem: the memory
 * @pool: pool of the memory
 * @size: size in bytes
 * @len: length asked for, in bytes
 * @tier: tier of the memory; -1: larger than the largest
 * @level: level of the table that the entry is in
 * @slab: the memory is an object of the tier's slab cache, and is recycled
 * @site: call site of the get
 * @put_by: call site of the put; 0 while the memory is out
 * @parked: in the list of puts that came in an NMI
 * @rcu: frees the entry
 */
struct track {
	struct hlist_node node;
	void *mem;
	struct bytepool *pool;
	size_t size;
	size_t len;
	int tier;
	u8 level;
	bool slab;
	unsigned long site;
	unsigned long put_by;
	union {
		struct llist_node parked;
		struct rcu_head rcu;
	};
};

/* So many reports of a pool in so many jiffies. */
#define REPORT_INTERVAL (5 * HZ)
#define REPORT_BURST	10

/* Operations refused, in the order of their texts. */
enum misuse {
	MISUSE_POOL,
	MISUSE_DEAD_POOL,
	MISUSE_RELEASE,
	MISUSE_RETAIN,
	MISUSE_TRYRETAIN,
	MISUSE_SATURATED,
	MISUSE_CORRUPT,
	MISUSE_WRAP,
	MISUSE_WAITER,
	MISUSE_WAITER_LEFT,
	MISUSE_PUT_FOREIGN,
	MISUSE_PUT_UNKNOWN,
	MISUSE_PUT_OTHER_POOL,
	MISUSE_PUT_TWICE,
	MISUSE_DEAD_BUFFER,
	NR_MISUSE,
};

void report_misuse(struct bytepool *pool, enum misuse what, const void *mem,
		   unsigned long site, unsigned long other_site);
void report_checked(struct bytepool *pool, const char *fmt, ...) __printf(2, 3);
bool pool_usable(struct bytepool *pool, unsigned long site);
void *get_failed(struct bytepool *pool, unsigned int class, unsigned long site);
void *get_failed_oversize(struct bytepool *pool, unsigned long site);
bool get_allowed_slow(struct bytepool *pool, gfp_t gfp, unsigned long site);
void report_gfp(struct bytepool *pool, gfp_t gfp, unsigned long site);
struct track *track_alloc(gfp_t gfp);
void track_add(struct track *track);
struct track *track_find(const void *mem);
void track_remove(struct track *track);
long pool_outstanding(struct bytepool *pool);
void report_outstanding(struct bytepool *pool);
int outstanding_show(struct bytepool *pool, struct seq_file *m);

/* Handles looked at with handles_lock held at a time. */
#define WALK_BATCH 64U

void track_for_each(struct bytepool *pool,
		    void (*look)(struct track *track, void *arg),
		    bool (*next)(void *arg), void *arg);
int handles_for_each(struct bytepool *pool,
		     void (*look)(struct bytepool_buf *buf, void *arg),
		     bool (*next)(void *arg), void *arg);
void track_module_init(void);
void track_module_exit(void);

/* Tell whether a get can be served, and report one that cannot. */
static __always_inline bool get_allowed(struct bytepool *pool, gfp_t gfp,
					unsigned long site)
{
	if (likely(ptr_valid(pool)) && likely(!(gfp & ~BYTEPOOL_GFP_MASK)))
		return true;
	return get_allowed_slow(pool, gfp, site);
}

/* === Call sites (sites.c) === */

/* Longest name of a call site, with its end. */
#define SITE_NAME_LEN 120

const char *site_text(unsigned long site, char text[SITE_NAME_LEN]);
void sites_keep(struct bytepool *pool, struct module *module, bool all);
void sites_module_exit(void);

/* === Statistics (stats.c, oom.c, debugfs.c) === */

void oom_begin(void);
void oom_add(struct bytepool *pool);
void oom_print(void);

void pool_debugfs_add(struct bytepool *pool);
void pool_debugfs_remove(struct bytepool *pool);
void debugfs_module_init(void);
void debugfs_module_exit(void);

#endif /* _BYTEPOOL_POOL_H */
