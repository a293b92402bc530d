// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - reference-counted byte buffers in size tiers
 *
 * A pool has up to 32 tiers. A tier serves raw memory (pool/raw.c) and buffers
 * (pool/buf.c). A buffer is a small handle with a reference count, and a
 * payload of exactly the tier's size, apart from the handle. An objcache
 * (objcache/) recycles both. It keeps a buffer with its payload attached, so
 * that a get is one pop.
 *
 * A destroyed pool lives until all of its memory is back: pool_kill() counts
 * the memory that is out, and the last put queues the work that frees the pool.
 */

#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/ctype.h>
#include <linux/instruction_pointer.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/shrinker.h>
#include <linux/string.h>

#include "pool/pool.h"

/* The default idle budget: a share of the machine's memory, and no more. */
#define DEFAULT_IDLE_SHARE 32
#define DEFAULT_IDLE_MAX   (256UL << 20)

const size_t bytepool_sizes_pow2[BYTEPOOL_NR_POW2] = {
	128,   256,   512,	 1024,	    2048,      4096,	8192,	 16384,
	32768, 65536, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20,
};
EXPORT_SYMBOL_GPL(bytepool_sizes_pow2);

const size_t bytepool_sizes_stream[BYTEPOOL_NR_STREAM] = {
	1 << 10, 4 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10,
};
EXPORT_SYMBOL_GPL(bytepool_sizes_stream);

static struct idle_budget default_budget;

/* List of all pools. */
static LIST_HEAD(pools);
/* Pools on their way out of debugfs, which still have their names. */
static LIST_HEAD(leaving_pools);
/* Protects both lists, and makes names unique. */
static DEFINE_MUTEX(pools_mutex);

static bool check_all;
module_param_named(check, check_all, bool, 0444);
MODULE_PARM_DESC(check, "Every check there is, for all pools (default: off)");

enum magazines {
	MAGAZINES_AUTO,
	MAGAZINES_ON,
	MAGAZINES_OFF,
};

static const char *const magazines_names[] = {
	[MAGAZINES_AUTO] = "auto",
	[MAGAZINES_ON] = "on",
	[MAGAZINES_OFF] = "off",
};

static int magazines;

static int magazines_set(const char *val, const struct kernel_param *kp)
{
	int i = sysfs_match_string(magazines_names, val);

	if (i < 0)
		return i;
	magazines = i;
	return 0;
}

static int magazines_get(char *buffer, const struct kernel_param *kp)
{
	return sprintf(buffer, "%s\n", magazines_names[magazines]);
}

static const struct kernel_param_ops magazines_ops = {
	.set = magazines_set,
	.get = magazines_get,
};
module_param_cb(magazines, &magazines_ops, NULL, 0444);
/* clang-format off */
MODULE_PARM_DESC(magazines,
		 "Recycle through per-CPU magazines: on, off, or auto (default): off where KASAN is to see every allocation, or slab poisons (slub_debug=P)");
/* clang-format on */

static unsigned int idle_trim = 6;

/* There may be pools to trim; protected by the lock of the parameters. */
static bool trims;

static void trim_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(trim_work, trim_work_fn);

static int idle_trim_set(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_uint(val, kp);

	if (!ret && trims)
		mod_delayed_work(bytepool_idle_wq, &trim_work, 0);
	return ret;
}

static const struct kernel_param_ops idle_trim_ops = {
	.set = idle_trim_set,
	.get = param_get_uint,
};
module_param_cb(idle_trim, &idle_trim_ops, &idle_trim, 0644);
/* clang-format off */
MODULE_PARM_DESC(idle_trim,
		 "Seconds after which memory of a tier that is not used goes back; 0: never (default: 6)");
/* clang-format on */

static struct shrinker *shrinker;

/* === Tiers === */

static void set_tier_table(struct bytepool *pool)
{
	unsigned int bucket, i = 0;

	for (bucket = 0; bucket < ARRAY_SIZE(pool->tier_of); bucket++) {
		/* Start from the shortest length of the bucket. */
		size_t len = (1UL << bucket) + 1;

		if (len < BYTEPOOL_GRAIN)
			len = 1;
		while (i < pool->nr_tiers - 1 && pool->tier[i].size < len)
			i++;
		pool->tier_of[bucket] = i;
		pool->ofs_of[bucket].buf = class_to_ofs(class_buf(i));
		pool->ofs_of[bucket].raw = class_to_ofs(class_raw(i));
	}
}

/* Count the slots that the caches of all tiers use with a factor. */
static unsigned int count_slots(struct bytepool *pool, u32 factor)
{
	u32 seen = 0;
	unsigned int i;

	BUILD_BUG_ON(NR_SLAB_SLOTS > 32);
	for (i = 0; i < pool->nr_tiers; i++)
		seen |= BIT(slab_slot(factor, pool->tier[i].slab));
	return hweight32(seen);
}

/*
 * Upper bound of the search for a factor without collisions. With one fixed
 * factor, 1 to 3 of 15 tiers share a slot in most pools, by where slab happens
 * to place its caches, and a get and put of such a tier take 267 instructions,
 * not 93. The search found a factor within 243 tries for 48,000 placements.
 */
#define SLOT_TRIES 1024

static u32 find_factor(struct bytepool *pool)
{
	u32 factor = 0x9e3779b1, best = factor;
	unsigned int i, nr, most = 0;

	for (i = 0; i < SLOT_TRIES && most < pool->nr_tiers; i++) {
		nr = count_slots(pool, factor);
		if (nr > most) {
			most = nr;
			best = factor;
		}
		factor = factor * 1664525 + 1013904222;
		factor |= 1;
	}
	return best;
}

/*
 * Fill the table that maps a slab cache to the class of raw memory. If the
 * caches of two tiers share a slot, puts of the second take the slow path.
 * pool_start() fills in the caches: a pool that has served nothing owns no
 * memory, so the fast path of a put must not find any.
 */
static void set_slab_slots(struct bytepool *pool)
{
	unsigned int i, slot;

	for (i = 0; i < NR_SLAB_SLOTS; i++)
		pool->slab[i] = NO_SLAB;
	pool->slab_factor = find_factor(pool);
	/* The smaller of two tiers comes last, and stays. */
	for (i = pool->nr_tiers; i--;) {
		slot = slab_slot(pool->slab_factor, pool->tier[i].slab);
		pool->slab_align_mask[slot] = pool->tier[i].align_mask;
		pool->slab_ofs[slot] = class_to_ofs(class_raw(i));
	}
}

static u32 idle_handle_flags(const struct bytepool *pool)
{
	u32 flags = BUF_IDLE;

	if (pool->flags & (BYTEPOOL_RCU | BYTEPOOL_CHECK))
		flags |= BUF_ATOMIC;
	if (pool->limit)
		flags |= BUF_LIMIT;
	if (pool_clears(pool))
		flags |= BUF_CLEAR;
	if (memory_is_watched())
		flags |= BUF_WATCHED;
	if (pool->flags & BYTEPOOL_CHECK)
		flags |= BUF_CHECK;
	return flags;
}

/* Set the largest length for which a fast path can skip all other tests. */
static void set_fast_path(struct bytepool *pool)
{
	if (pool->limit || pool->priv_size || raw_is_tracked(pool) ||
	    memory_is_watched() || pool->flags & BYTEPOOL_ZERO)
		pool->fast_max = 0;
	else
		pool->fast_max = pool->largest;
}

/* === Idle trim === */

/* The longest that the product below takes on 32-bit machines. */
#define MAX_TRIM 86400U

/* Look twice in the time: the first look notes what is used. */
static void trim_later(void)
{
	unsigned long seconds = min(READ_ONCE(idle_trim), MAX_TRIM);

	if (seconds)
		queue_delayed_work(bytepool_idle_wq, &trim_work,
				   seconds * HZ / 2);
}

/* Parameters can be written until all of the module is gone. */
static void set_trims(bool value)
{
	kernel_param_lock(THIS_MODULE);
	trims = value;
	kernel_param_unlock(THIS_MODULE);
}

static void trim_work_fn(struct work_struct *work)
{
	struct bytepool *pool;

	mutex_lock(&pools_mutex);
	if (READ_ONCE(idle_trim))
		list_for_each_entry(pool, &pools, list)
			objcache_trim(&pool->objects);
	if (!list_empty(&pools))
		trim_later();
	mutex_unlock(&pools_mutex);
}

/* === Pools === */

/**
 * pool_check_name() - check that a name can be a directory in debugfs
 * @name: the name
 *
 * Return: 0 or -EINVAL.
 */
static int pool_check_name(const char *name)
{
	size_t i, len;

	if (!name)
		return -EINVAL;
	len = strnlen(name, sizeof_field(struct bytepool, name));
	if (!len || len == sizeof_field(struct bytepool, name))
		return -EINVAL;
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) ||
		    (!isalnum(name[i]) && !strchr("_.:@+-", name[i])))
			return -EINVAL;
	return 0;
}

/**
 * pool_bypasses() - tell whether a pool bypasses magazines
 * @pool: the pool, its caches found
 *
 * Return: true if the kernel's detectors, or the pool's own checks, are to see
 * every allocation. Such a pool frees memory as it comes back.
 */
static bool pool_bypasses(const struct bytepool *pool)
{
	unsigned int i;

	if (pool->flags & BYTEPOOL_CHECK || magazines == MAGAZINES_OFF)
		return true;
	if (magazines == MAGAZINES_ON)
		return false;
	for (i = 0; i < pool->nr_tiers; i++)
		if (pool->tier[i].payload->poisoned)
			return true;
	return IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_SLUB_DEBUG_ON);
}

/**
 * pool_alloc() - allocate a pool
 * @name: its name, checked
 * @nr_tiers: how many tiers it is to have
 * @owner: module that makes it
 *
 * Return: the pool, for pool_free(); or NULL.
 */
static struct bytepool *pool_alloc(const char *name, unsigned int nr_tiers,
				   struct module *owner)
{
	struct bytepool *pool;

	pool = kzalloc(struct_size(pool, tier, nr_tiers), GFP_KERNEL);
	if (!pool)
		return NULL;
	pool->queues = kcalloc(nr_tiers + 1, sizeof(*pool->queues), GFP_KERNEL);
	if (!pool->queues) {
		kfree(pool);
		return NULL;
	}
	pool->nr_tiers = nr_tiers;
	strscpy(pool->owner, module_name(owner), sizeof(pool->owner));
	strscpy(pool->name, name, sizeof(pool->name));
	raw_spin_lock_init(&pool->handles_lock);
	INIT_LIST_HEAD(&pool->live_list);
	INIT_LIST_HEAD(&pool->retired);
	INIT_LIST_HEAD(&pool->quarantine_list);
	INIT_LIST_HEAD(&pool->resting);
	wrap_pool_init(pool);
	wait_pool_init(pool);
	ratelimit_state_init(&pool->reports, REPORT_INTERVAL, REPORT_BURST);
	INIT_LIST_HEAD(&pool->list);
	/* Put by pool_free(): buffers may outlive the module of the pool. */
	__module_get(THIS_MODULE);
	return pool;
}

/**
 * pool_objects_init() - set a pool's objcache up
 * @pool: the pool, its tiers' sizes set
 * @ops: functions of its objcache
 * @max_idle: bytes that may be idle; 0: share the default budget
 *
 * Return: 0 or a negative errno; pool_free() after either.
 */
static int pool_objects_init(struct bytepool *pool,
			     const struct objcache_ops *ops, size_t max_idle)
{
	struct idle_budget *budget = &default_budget;
	unsigned int i;
	int ret;

	if (max_idle) {
		budget = &pool->own_budget;
		budget_init(budget, max_idle);
	}
	ret = objcache_init(&pool->objects, 2 * pool->nr_tiers + 1, ops, budget,
			    pool_bypasses(pool));
	if (ret)
		return ret;
	for (i = 0; i < pool->nr_tiers; i++) {
		objcache_set_class(&pool->objects, class_buf(i),
				   pool->tier[i].size);
		objcache_set_class(&pool->objects, class_raw(i),
				   pool->tier[i].size);
	}
	objcache_set_class_uncharged(&pool->objects, class_spare(pool));
	pool->largest = pool->tier[pool->nr_tiers - 1].size;
	pool->handle_flags = idle_handle_flags(pool);
	pool->last_ref_state = state_of(1, pool->handle_flags & ~BUF_IDLE);
	pool->spare_ofs = class_to_ofs(class_spare(pool));
	set_tier_table(pool);
	set_fast_path(pool);
	set_slab_slots(pool);
	return 0;
}

static bool name_in(const struct list_head *list, const char *name)
{
	struct bytepool *pool;

	lockdep_assert_held(&pools_mutex);
	list_for_each_entry(pool, list, list)
		if (!strcmp(pool->name, name))
			return true;
	return false;
}

/**
 * pool_publish() - enter a pool in the list and in debugfs
 * @pool: the pool
 *
 * Return: 0 or -EEXIST.
 */
static int pool_publish(struct bytepool *pool)
{
	unsigned int noio = mutex_lock_noio(&pools_mutex);
	int ret = -EEXIST;

	if (!name_in(&pools, pool->name) &&
	    !name_in(&leaving_pools, pool->name)) {
		list_add_tail(&pool->list, &pools);
		pool_debugfs_add(pool);
		trim_later();
		ret = 0;
	}
	mutex_unlock_noio(&pools_mutex, noio);
	return ret;
}

static void free_handles(struct bytepool *pool, struct list_head *list,
			 bool payload)
{
	struct bytepool_buf *buf, *next;

	list_for_each_entry_safe(buf, next, list, link) {
		list_del(&buf->link);
		if (payload && buf->flags & BUF_VMALLOC)
			big_free(buf->data);
		else if (payload)
			kmem_cache_free(pool->tier[buf->class / 2].slab,
					buf->data);
		kmem_cache_free(pool->handles->slab, buf);
	}
}

/**
 * pool_free() - free a pool whose memory is all back
 * @pool: the pool: killed, or never published
 *
 * Context: may sleep.
 */
static void pool_free(struct bytepool *pool)
{
	unsigned int i;

	rest_drain(pool);
	wait_pool_exit(pool);
	if (pool->handles) {
		reserve_free(pool);
		free_handles(pool, &pool->retired, false);
		/* No holder of a quarantined handle is left. */
		free_handles(pool, &pool->quarantine_list, true);
	}
	objcache_exit(&pool->objects);
	for (i = 0; i < pool->nr_tiers; i++)
		cache_put(pool->tier[i].payload);
	cache_put(pool->handles);
	kfree(pool->functions);
	kfree(pool->queues);
	kfree(pool);
	module_put(THIS_MODULE);
}

/* === Functions of the objcache === */

/* Open the fast path of a put: the pool serves its first get. */
static void pool_start(struct objcache *oc)
{
	struct bytepool *pool = pool_of(oc);
	unsigned int i, slot;

	/* Every put of such a pool needs the slow path. */
	if (!pool->fast_max || pool_clears(pool))
		return;
	for (i = 0; i < pool->nr_tiers; i++) {
		slot = slab_slot(pool->slab_factor, pool->tier[i].slab);
		/* Pairs with the read in raw_class_of(). */
		if (pool->slab[slot] == NO_SLAB)
			WRITE_ONCE(pool->slab[slot], pool->tier[i].slab);
	}
}

static void pool_destruct(struct objcache *oc, unsigned int class, void *obj,
			  unsigned int how)
{
	struct bytepool *pool = pool_of(oc);
	bool late = how & DESTRUCT_LATE;

	if (class == class_spare(pool))
		handle_destroy(pool, obj);
	else if (class == class_raw(class / 2))
		payload_free_idle(pool->tier[class / 2].payload, obj);
	else
		buf_destruct(pool, obj, late);
}

/* Parked memory is dead, so that it can hold the list entry itself. */
static struct parked *pool_park(struct objcache *oc, unsigned int class,
				void *obj)
{
	struct bytepool *pool = pool_of(oc);
	struct bytepool_buf *buf = obj;

	/* Behind the mark, by which a second put is recognised. */
	if (class != class_spare(pool) && class == class_raw(class / 2)) {
		memory_in_use(obj + sizeof(u64), sizeof(struct parked));
		return obj + sizeof(u64);
	}
	/* The payload is the pool's, but for a wrapped one. */
	if (class != class_spare(pool) &&
	    !(READ_ONCE(buf->flags) & BUF_WRAPPED)) {
		memory_in_use(buf->data, sizeof(struct parked));
		return buf->data;
	}
	/*
	 * The entry overlays fields, but not the count, which is 0 before. Pairs
	 * with smp_rmb() in count_buf().
	 */
	smp_wmb();
	return &buf->parked;
}

static void pool_dropped(struct objcache *oc, unsigned int class)
{
	struct bytepool *pool = pool_of(oc);

	if (class != class_spare(pool))
		cache_freed(pool->tier[class / 2].payload);
}

static void pool_trim(struct objcache *oc)
{
	rest_trim(pool_of(oc));
}

static void pool_came_back(struct objcache *oc)
{
	wait_came_back(pool_of(oc));
}

static void pool_free_op(struct objcache *oc)
{
	pool_free(pool_of(oc));
}

static const struct objcache_ops typed_ops = {
	.start = pool_start,
	.destruct = typed_destruct,
	.dropped = pool_dropped,
	.came_back = pool_came_back,
	.park = typed_park,
	.free = pool_free_op,
};

static const struct objcache_ops pool_ops = {
	.start = pool_start,
	.destruct = pool_destruct,
	.dropped = pool_dropped,
	.trim = pool_trim,
	.came_back = pool_came_back,
	.park = pool_park,
	.free = pool_free_op,
};

/* === Creation and end === */

/*
 * Take a pool off the list and out of debugfs. Removing the directory waits for
 * readers of its files, who may wait for anything themselves, so that it is done
 * without pools_mutex.
 */
static void pool_unpublish(struct bytepool *pool)
{
	mutex_lock(&pools_mutex);
	list_move(&pool->list, &leaving_pools);
	mutex_unlock(&pools_mutex);
	pool_debugfs_remove(pool);
	mutex_lock(&pools_mutex);
	list_del_init(&pool->list);
	mutex_unlock(&pools_mutex);
}

/**
 * pool_kill() - end a pool's service, and free it once all memory is back
 * @pool: the pool, which may be gone after this
 *
 * Context: may sleep.
 */
static void pool_kill(struct bytepool *pool)
{
	/* The caller may be who reclaim waits for. */
	unsigned int noio = memalloc_noio_save();
	long out;

	pool_unpublish(pool);
	wait_pool_end(pool);
	wrap_pool_flush(pool);
	objcache_kill(&pool->objects);
	wrap_pool_kill(pool);
	rest_drain(pool);
	reserve_free(pool);
	/* The counters stand still: memory that comes back now unpins. */
	out = pool_outstanding(pool);
	if (out)
		report_outstanding(pool);
	/* Memory that came back in between has taken pinned below 0. */
	if (!atomic_long_add_return(out, &pool->objects.pinned))
		objcache_reap(&pool->objects);
	memalloc_noio_restore(noio);
}

/* Say which field of a config is refused, and return -EINVAL. */
static int config_refused(const char *field)
{
	pr_err_ratelimited("config refused: %s\n", field);
	return -EINVAL;
}

static gfp_t tier_gfp(const struct bytepool *pool, size_t size)
{
	/* High-order allocations may fail: do not warn or retry. */
	if (size < VMALLOC_FROM)
		return 0;
	return pool->flags & BYTEPOOL_VMALLOC ? __GFP_NOWARN | __GFP_NORETRY :
						__GFP_NOWARN;
}

static int set_tiers(struct bytepool *pool, const size_t *sizes)
{
	struct tier *tier = pool->tier;
	size_t size, last = 0;
	unsigned int i;

	for (i = 0; i < pool->nr_tiers; i++, tier++, last = size) {
		if (!sizes[i] || sizes[i] > BYTEPOOL_MAX_SIZE)
			return config_refused("sizes has 0, or one too large");
		size = ALIGN(sizes[i], BYTEPOOL_GRAIN);
		if (size <= last)
			return config_refused("sizes do not ascend by 64");
		tier->size = size;
		tier->align_mask = payload_align(size) - 1;
		tier->gfp = tier_gfp(pool, size);
	}
	return 0;
}

static int get_caches(struct bytepool *pool)
{
	struct tier *tier = pool->tier;
	enum cache_kind kind;
	unsigned int i;
	size_t size;

	for (i = 0; i < pool->nr_tiers; i++, tier++) {
		tier->payload = cache_get(CACHE_PAYLOAD, tier->size,
					  payload_align(tier->size));
		if (!tier->payload)
			return -ENOMEM;
		tier->slab = tier->payload->slab;
	}
	kind = pool->flags & BYTEPOOL_RCU ? CACHE_HANDLE_RCU : CACHE_HANDLE;
	size = HANDLE_SIZE + ALIGN(pool->priv_size, BYTEPOOL_GRAIN);
	pool->handles = cache_get(kind, size, BYTEPOOL_GRAIN);
	return pool->handles ? 0 : -ENOMEM;
}

static int check_config(const struct bytepool_config *config)
{
	const unsigned int known = BYTEPOOL_ZERO | BYTEPOOL_CONTIG |
				   BYTEPOOL_VMALLOC | BYTEPOOL_RCU |
				   BYTEPOOL_CHECK | BYTEPOOL_WIPE;
	const unsigned int conflict = BYTEPOOL_CONTIG | BYTEPOOL_VMALLOC;

	if (!config->sizes)
		return config_refused("sizes is NULL");
	if (!config->nr_sizes || config->nr_sizes > BYTEPOOL_MAX_TIERS)
		return config_refused("nr_sizes is not 1 to 32");
	if (config->flags & ~known)
		return config_refused("flags has an unknown flag");
	if ((config->flags & conflict) == conflict)
		return config_refused("flags has CONTIG and VMALLOC");
	if (config->priv_size > BYTEPOOL_MAX_PRIV)
		return config_refused("priv_size is more than 128");
	if (pool_check_name(config->name))
		return config_refused("name is not of [A-Za-z0-9_.:@+-]");
	return 0;
}

static int set_reserves(struct bytepool *pool, unsigned int nr)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; nr && !ret && i < pool->nr_tiers; i++)
		ret = reserve_set(pool, i, nr);
	return ret == -EINVAL ? config_refused("reserve is more than limit") :
				ret;
}

/* Copy the fields that this version knows; newer fields must be 0. */
static int copy_config(struct bytepool_config *to, const void *from,
		       size_t size)
{
	memset(to, 0, sizeof(*to));
	if (!from || !size)
		return config_refused("there is none");
	memcpy(to, from, min(size, sizeof(*to)));
	if (size > sizeof(*to) &&
	    memchr_inv(from + sizeof(*to), 0, size - sizeof(*to)))
		return config_refused("a field of a newer version is not 0");
	return check_config(to);
}

/**
 * __bytepool_create() - make a pool; call it as bytepool_create(config)
 * @config: configuration of the pool
 * @config_size: size of the caller's struct bytepool_config, in bytes
 * @owner: the caller's module
 *
 * bytepool_create() is a macro that supplies the last two.
 *
 * Context: process; may sleep; not a CPU hotplug callback.
 * Return: the pool; ERR_PTR(-EINVAL) for a config that cannot be, a reserve of more
 * than the limit included; ERR_PTR(-EEXIST) for a name in use; ERR_PTR(-ENOMEM).
 */
struct bytepool *__bytepool_create(const struct bytepool_config *config,
				   size_t config_size, struct module *owner)
{
	struct bytepool_config copy;
	struct bytepool *pool;
	int ret;

	might_sleep();
	ret = copy_config(&copy, config, config_size);
	if (ret)
		return ERR_PTR(ret);
	pool = pool_alloc(copy.name, copy.nr_sizes, owner);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	pool->flags = copy.flags | (check_all ? BYTEPOOL_CHECK : 0);
	pool->priv_size = copy.priv_size;
	pool->limit = min_t(size_t, copy.limit, LONG_MAX);
	ret = set_tiers(pool, copy.sizes);
	if (!ret)
		ret = get_caches(pool);
	if (!ret)
		ret = pool_objects_init(pool, &pool_ops, copy.max_idle);
	if (!ret)
		ret = set_reserves(pool, copy.reserve);
	if (!ret)
		ret = pool_publish(pool);
	if (ret) {
		pool_free(pool);
		return ERR_PTR(ret);
	}
	return pool;
}
EXPORT_SYMBOL_GPL(__bytepool_create);

/**
 * bytepool_destroy() - end a pool's service
 * @pool: the pool; NULL and ERR_PTR are accepted
 *
 * The caller makes sure that all gets have ended. The pool leaves debugfs, and
 * its name is free, at once. Memory that is still out is reported by tier and
 * call site, and stays valid: it can be used, put and released as before. The
 * last put or release frees the pool; bytepool.ko cannot be unloaded before
 * that. Waits for who reads the pool's files in debugfs just then, and for who
 * sleeps in bytepool_get_buf_wait(), which returns. Waiters that are armed are
 * taken off, and reported.
 *
 * Context: process; may sleep; a WQ_MEM_RECLAIM worker too; not a CPU hotplug
 * callback, since it takes the CPU hotplug lock.
 */
void bytepool_destroy(struct bytepool *pool)
{
	might_sleep();
	if (IS_ERR_OR_NULL(pool) || !pool_usable(pool, _RET_IP_))
		return;
	pool_kill(pool);
}
EXPORT_SYMBOL_GPL(bytepool_destroy);

/**
 * bytepool_size_roundup() - tell the capacity that a get gives
 * @pool: the pool
 * @len: length in bytes
 *
 * Context: any.
 * Return: bytes, all of which may be used; in a checked pool @len; 0 if a get
 * would fail.
 */
size_t bytepool_size_roundup(struct bytepool *pool, size_t len)
{
	if (!pool_usable(pool, _RET_IP_) || !len)
		return 0;
	if (len > pool->largest && !oversize_capacity(len))
		return 0;
	if (pool->flags & BYTEPOOL_CHECK)
		return len;
	if (len > pool->largest)
		return oversize_capacity(len);
	return pool->tier[tier_index(pool, len)].size;
}
EXPORT_SYMBOL_GPL(bytepool_size_roundup);

/* === Typed pools === */

static bool type_valid(const struct bytepool_object_type *type)
{
	return type->size && type->size <= BYTEPOOL_MAX_SIZE &&
	       is_power_of_2(type->align) && type->align <= PAGE_SIZE;
}

static int typed_init(struct bytepool *pool, const void *functions)
{
	const struct bytepool_object_type *type = &pool->type;
	struct tier *tier = &pool->tier[0];
	size_t align = max(type->align, sizeof(void *));
	size_t size;
	int ret;

	size = struct_size(pool->functions, functions,
			   DIV_ROUND_UP(type->functions_size, sizeof(long)));
	pool->functions = kzalloc(size, GFP_KERNEL);
	if (!pool->functions)
		return -ENOMEM;
	pool->functions->pool = pool;
	memcpy(pool->functions->functions, functions, type->functions_size);

	/* fini needs the content, so the worker's list entry goes behind it. */
	size = ALIGN(type->size, sizeof(void *)) + sizeof(struct parked);
	size = ALIGN(size, align);
	tier->payload = cache_get(CACHE_OBJECT, size, align);
	if (!tier->payload)
		return -ENOMEM;
	tier->slab = tier->payload->slab;
	tier->size = size;
	tier->align_mask = align - 1;
	ret = pool_objects_init(pool, &typed_ops, 0);
	/* fini runs in process context only. */
	if (!ret && type->fini)
		pool->objects.class[class_raw(0)].destruct_sleeps = true;
	return ret;
}

/**
 * __bytepool_objects_create() - make a typed pool
 * @name: name of the pool: see struct bytepool_config
 * @type: type of the objects
 * @functions: the typed functions, which are copied
 * @owner: the caller's module
 *
 * Users call it as foo_pool_create(): see DEFINE_BYTEPOOL_OBJECTS().
 *
 * Context: process; may sleep.
 * Return: the copy of @functions, which stands for the pool;
 * ERR_PTR(-EINVAL), ERR_PTR(-EEXIST) for a name in use, ERR_PTR(-ENOMEM).
 */
void *__bytepool_objects_create(const char *name,
				const struct bytepool_object_type *type,
				const void *functions, struct module *owner)
{
	struct bytepool *pool;
	int ret;

	might_sleep();
	if (pool_check_name(name))
		return ERR_PTR(config_refused("name of a typed pool"));
	if (!type_valid(type))
		return ERR_PTR(config_refused("size or alignment of a type"));
	pool = pool_alloc(name, 1, owner);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	pool->type = *type;
	pool->flags = check_all ? BYTEPOOL_CHECK : 0;
	ret = typed_init(pool, functions);
	if (!ret)
		ret = pool_publish(pool);
	if (ret) {
		pool_free(pool);
		return ERR_PTR(ret);
	}
	return pool->functions->functions;
}
EXPORT_SYMBOL_GPL(__bytepool_objects_create);

/**
 * __bytepool_objects_destroy() - end a typed pool's service
 * @pool: the typed pool; NULL and ERR_PTR are accepted
 *
 * Users call it as foo_pool_destroy(): see DEFINE_BYTEPOOL_OBJECTS(). Does what
 * bytepool_destroy() does. Neither init nor fini runs after this has returned,
 * so the memory of an object that is still out goes back without fini. fini may
 * destroy another pool. It may run in a worker with a rescuer, and so must not
 * wait for work of a queue without one.
 *
 * Context: process; may sleep; a WQ_MEM_RECLAIM worker too; not a CPU hotplug
 * callback.
 */
void __bytepool_objects_destroy(void *pool)
{
	might_sleep();
	if (!IS_ERR_OR_NULL(pool))
		pool_kill(typed_pool_of(pool, _RET_IP_));
}
EXPORT_SYMBOL_GPL(__bytepool_objects_destroy);

/* === Memory pressure === */

/*
 * What a pass of the shrinker may do: with 256 pools and memory in all of them, a
 * pass is to take less than a millisecond.
 */
#define COUNT_LOOKS  4096 /* classes of CPUs */
#define SCAN_OBJECTS 512

static unsigned long shrink_count(struct shrinker *s, struct shrink_control *sc)
{
	struct bytepool *pool, *first = NULL;
	unsigned int looks = COUNT_LOOKS;
	size_t bytes = 0;

	/* Never wait for a pool being made or destroyed: reclaim asks again. */
	if (!mutex_trylock(&pools_mutex))
		return 0;
	list_for_each_entry(pool, &pools, list) {
		if (!looks && !first)
			first = pool;
		bytes += objcache_count(&pool->objects, &looks) +
			 READ_ONCE(pool->resting_bytes);
	}
	/* The next count begins with those that this one did not look at. */
	if (first)
		list_rotate_to_front(&first->list, &pools);
	mutex_unlock(&pools_mutex);
	return bytes ? DIV_ROUND_UP(bytes, PAGE_SIZE) : SHRINK_EMPTY;
}

/* Idle memory that is there for the taking, and then that of CPUs that rest. */
static void scan_pools(struct scan *scan)
{
	struct bytepool *pool;

	lockdep_assert_held(&pools_mutex);
	list_for_each_entry(pool, &pools, list) {
		if (!scan_goes_on(scan)) {
			/* The next scan begins with those not reached. */
			list_rotate_to_front(&pool->list, &pools);
			return;
		}
		objcache_scan(&pool->objects, scan);
		rest_scan(pool, scan);
	}
	list_for_each_entry(pool, &pools, list)
		objcache_scan_cpus(&pool->objects, scan);
}

static unsigned long shrink_scan(struct shrinker *s, struct shrink_control *sc)
{
	struct scan scan = {
		.want = sc->nr_to_scan * PAGE_SIZE,
		.nr = SCAN_OBJECTS,
	};

	/* Never wait: the holder may be in reclaim itself. */
	if (!mutex_trylock(&pools_mutex))
		return SHRINK_STOP;
	scan_pools(&scan);
	mutex_unlock(&pools_mutex);
	if (!scan.given)
		return SHRINK_STOP;
	/* What many small objects did not make up for, reclaim asks for again. */
	sc->nr_scanned = DIV_ROUND_UP(scan.given, PAGE_SIZE);
	return sc->nr_scanned;
}

/* How often the report that memory is out has our lines. */
#define OOM_INTERVAL (10 * HZ)

/* Called where no memory is left: it neither allocates nor waits. */
static int oom_event(struct notifier_block *nb, unsigned long event,
		     void *freed)
{
	static DEFINE_RATELIMIT_STATE(reports, OOM_INTERVAL, 1);
	struct bytepool *pool;

	/* The holder may be who waits for memory. */
	if (!mutex_trylock(&pools_mutex))
		return NOTIFY_DONE;
	if (__ratelimit(&reports)) {
		oom_begin();
		list_for_each_entry(pool, &pools, list)
			oom_add(pool);
		oom_print();
	}
	mutex_unlock(&pools_mutex);
	return NOTIFY_OK;
}

static struct notifier_block oom_nb = { .notifier_call = oom_event };

/* === Modules that come and go === */

/* Before a module's init functions go, or all of it: see pool/sites.c. */
static int module_event(struct notifier_block *nb, unsigned long event,
			void *module)
{
	struct bytepool *pool;
	unsigned int noio;

	if (event != MODULE_STATE_LIVE && event != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	noio = mutex_lock_noio(&pools_mutex);
	list_for_each_entry(pool, &pools, list)
		sites_keep(pool, module, event == MODULE_STATE_GOING);
	mutex_unlock_noio(&pools_mutex, noio);
	return NOTIFY_OK;
}

static struct notifier_block module_nb = { .notifier_call = module_event };

/* === Module === */

static int __init bytepool_init(void)
{
	u64 ram = (u64)totalram_pages() << PAGE_SHIFT;
	int ret;

	BUILD_BUG_ON(HANDLE_SIZE != BYTEPOOL_GRAIN);
	budget_init(&default_budget,
		    min_t(u64, ram / DEFAULT_IDLE_SHARE, DEFAULT_IDLE_MAX));
	ret = slab_cache_of_init();
	if (!ret)
		ret = objcache_module_init();
	if (ret)
		return ret;
	shrinker = shrinker_alloc(0, "bytepool");
	if (!shrinker) {
		objcache_module_exit();
		return -ENOMEM;
	}
	shrinker->count_objects = shrink_count;
	shrinker->scan_objects = shrink_scan;
	shrinker_register(shrinker);
	track_module_init();
	raw_module_init();
	/* Without it, sites of code that is gone are wrong names. */
	register_module_notifier(&module_nb);
	/* Without it, the pools are not in the report, no more. */
	register_oom_notifier(&oom_nb);
	debugfs_module_init();
	set_trims(true);
	return 0;
}

static void __exit bytepool_exit(void)
{
	/* No pool is left: each pool holds a reference to the module. */
	unregister_oom_notifier(&oom_nb);
	unregister_module_notifier(&module_nb);
	set_trims(false);
	cancel_delayed_work_sync(&trim_work);
	debugfs_module_exit();
	shrinker_free(shrinker);
	raw_module_exit();
	track_module_exit();
	payload_module_exit();
	sites_module_exit();
	objcache_module_exit();
}

module_init(bytepool_init);
module_exit(bytepool_exit);

MODULE_DESCRIPTION("Reference-counted byte buffers in size tiers");
MODULE_VERSION("0.1.0");
MODULE_LICENSE("GPL");
