// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - memory of checked pools: red zones, and poison while it rests
 *
 * In a pool with BYTEPOOL_CHECK the capacity is the length asked for. What lies
 * between it and the end of the memory is red zone: up to 4 KiB of it are filled
 * by the get, and looked at by the last release or the put.
 *
 * Then the memory is poisoned and rests, oldest first, before slab has it back:
 * it is looked at again as it leaves, so that a write after release is found.
 * Resting memory is charged to the idle budget. Where a detector sees the write
 * itself, as KASAN does, nothing rests.
 */
#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/poison.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "pool.h"

/* Most bytes of a pool that rest. */
#define MAX_RESTING (4UL << 20)

/* Most bytes of a red zone that are filled. */
#define MAX_RED_ZONE (4UL << 10)

/* Pieces of memory that end their rest to make room for one. */
#define MAX_ENDED 64

/* Bytes that a report shows. */
#define REPORT_BYTES 8

/**
 * struct resting - memory that rests
 * @list: in bytepool.resting
 * @payload: its slab cache
 * @mem: the memory
 * @size: its size, in bytes
 * @got_by: call site of the last get
 * @put_by: call site of the last release or put
 */
struct resting {
	struct list_head list;
	struct shared_cache *payload;
	void *mem;
	size_t size;
	unsigned long got_by;
	unsigned long put_by;
};

static void report_written(struct bytepool *pool, const char *what,
			   const void *mem, const void *first, const void *end,
			   unsigned long got_by, unsigned long put_by)
{
	size_t nr = min_t(size_t, end - first, REPORT_BYTES), i;
	char got[SITE_NAME_LEN], put[SITE_NAME_LEN];
	char bytes[3 * REPORT_BYTES + 1] = "";

	for (i = 0; i < nr; i++)
		snprintf(bytes + 3 * i, sizeof(bytes) - 3 * i, " %02x",
			 ((const u8 *)first)[i]);
	report_checked(pool,
		       "%s: %p at offset %zu:%s, got by %s, released by %s\n",
		       what, mem, (size_t)(first - mem), bytes,
		       site_text(got_by, got), site_text(put_by, put));
}

/**
 * red_zone_set() - fill the red zone of memory that is served
 * @mem: the memory
 * @len: length asked for, in bytes
 * @size: size of the memory, in bytes
 */
void red_zone_set(void *mem, size_t len, size_t size)
{
	memset(mem + len, SLUB_RED_ACTIVE, min(size - len, MAX_RED_ZONE));
	memory_idle(mem + len, size - len);
}

/**
 * red_zone_check() - report a write behind the length asked for
 * @pool: the pool
 * @mem: the memory, which comes back
 * @len: length asked for, in bytes
 * @size: size of the memory, in bytes
 * @got_by: call site of the get
 * @put_by: call site of the last release or put
 */
void red_zone_check(struct bytepool *pool, const void *mem, size_t len,
		    size_t size, unsigned long got_by, unsigned long put_by)
{
	const void *end = mem + len + min(size - len, MAX_RED_ZONE), *first;

	memory_in_use(mem, size);
	first = memchr_inv(mem + len, SLUB_RED_ACTIVE, end - mem - len);
	if (unlikely(first))
		report_written(pool, "written behind the length asked for", mem,
			       first, end, got_by, put_by);
}

static void poison_check(struct bytepool *pool, const struct resting *rest)
{
	const void *first;

	first = memchr_inv(rest->mem, POISON_FREE, rest->size);
	if (unlikely(first))
		report_written(pool, "written after the last release",
			       rest->mem, first, rest->mem + rest->size,
			       rest->got_by, rest->put_by);
}

/* Look at memory that has rested, and free it. */
static void rest_end(struct bytepool *pool, struct resting *rest)
{
	poison_check(pool, rest);
	cache_free(rest->payload, rest->mem);
	budget_uncharge(pool->objects.budget, rest->size);
	kfree(rest);
}

/* Take out the memory that rests longest, if more than @max bytes rest. */
static struct resting *rest_oldest(struct bytepool *pool, size_t max)
{
	struct resting *rest = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	if (pool->resting_bytes > max) {
		rest = list_first_entry(&pool->resting, struct resting, list);
		list_del(&rest->list);
		WRITE_ONCE(pool->resting_bytes,
			   pool->resting_bytes - rest->size);
		pool->resting_new = min(pool->resting_new, pool->resting_bytes);
	}
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	return rest;
}

/**
 * rest_drain() - look at all memory that rests, and free it
 * @pool: the pool
 *
 * Context: may sleep.
 * Return: number of bytes freed.
 */
size_t rest_drain(struct bytepool *pool)
{
	struct resting *rest;
	size_t bytes = 0;

	while ((rest = rest_oldest(pool, 0))) {
		bytes += rest->size;
		rest_end(pool, rest);
		cond_resched();
	}
	return bytes;
}

/**
 * rest_scan() - free some memory that rests, oldest first
 * @pool: the pool
 * @scan: what is wanted
 *
 * Context: any in which a shrinker runs.
 */
void rest_scan(struct bytepool *pool, struct scan *scan)
{
	struct resting *rest;

	while (scan_goes_on(scan) && (rest = rest_oldest(pool, 0))) {
		scan->given += rest->size;
		scan->nr--;
		rest_end(pool, rest);
		cond_resched();
	}
}

/**
 * rest_trim() - free memory that has rested since the last call
 * @pool: the pool
 *
 * Context: may sleep.
 */
void rest_trim(struct bytepool *pool)
{
	struct scan scan = { .nr = UINT_MAX };
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	scan.want = pool->resting_bytes - pool->resting_new;
	pool->resting_new = 0;
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	rest_scan(pool, &scan);
}

/*
 * Charge for memory that is to rest. If there is no room, what rests longest
 * gives way. Returns false if that is not enough.
 */
static bool rest_charge(struct bytepool *pool, size_t size)
{
	struct resting *rest;
	unsigned int i;

	for (i = 0; i < MAX_ENDED; i++) {
		rest = rest_oldest(pool, MAX_RESTING - size);
		if (!rest) {
			if (budget_charge(pool->objects.budget, size, size))
				return true;
			rest = rest_oldest(pool, 0);
		}
		if (!rest)
			return false;
		rest_end(pool, rest);
	}
	return false;
}

/**
 * rest_begin() - poison memory, and let it rest
 * @pool: the pool
 * @payload: slab cache of the memory
 * @mem: the memory
 * @got_by: call site of the get
 * @put_by: call site of the last release or put
 *
 * Return: false, and nothing is done, where memory does not rest.
 */
bool rest_begin(struct bytepool *pool, struct shared_cache *payload, void *mem,
		unsigned long got_by, unsigned long put_by)
{
	size_t size = payload->size;
	struct resting *rest;
	unsigned long flags;

	if (IS_ENABLED(CONFIG_KASAN) || memory_is_watched() ||
	    size > MAX_RESTING || !slab_allowed())
		return false;
	rest = kmalloc(sizeof(*rest), GFP_NOWAIT | __GFP_NOWARN);
	if (!rest)
		return false;
	if (!rest_charge(pool, size)) {
		kfree(rest);
		return false;
	}
	rest->payload = payload;
	rest->mem = mem;
	rest->size = size;
	rest->got_by = got_by;
	rest->put_by = put_by;
	memset(mem, POISON_FREE, size);
	raw_spin_lock_irqsave(&pool->handles_lock, flags);
	list_add_tail(&rest->list, &pool->resting);
	/* It is in the list: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	WRITE_ONCE(pool->resting_bytes, pool->resting_bytes + size);
	pool->resting_new += size;
	raw_spin_unlock_irqrestore(&pool->handles_lock, flags);
	return true;
}
