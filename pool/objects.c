// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - typed object pools
 *
 * A typed pool has one tier. Its objects are constructed once, and keep their
 * content from a put to the next get. DEFINE_BYTEPOOL_OBJECTS() makes the
 * type-checked functions over it.
 */

#include <linux/instruction_pointer.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "pool.h"

/**
 * typed_pool_of() - the pool that typed functions stand for
 * @functions: typed_pool.functions, as the user passed it
 * @site: the call site, for the report of a pointer that is no pool
 *
 * Return: the pool, or NULL.
 */
struct bytepool *typed_pool_of(void *functions, unsigned long site)
{
	if (!IS_ERR_OR_NULL(functions))
		return container_of(functions, struct typed_pool, functions)
			->pool;
	report_misuse(NULL, MISUSE_POOL, functions, site, 0);
	return NULL;
}

/* Make an object of a typed pool. Returns NULL if memory or init fails. */
static void *typed_construct(struct bytepool *pool, unsigned int tier,
			     gfp_t gfp)
{
	struct kmem_cache *slab = pool->tier[tier].slab;
	void *obj;

	/* objcache_count_miss() will refuse: do not call init. */
	if (READ_ONCE(pool->objects.dead) || !objcache_started(&pool->objects))
		return NULL;
	/* No zeroing: recycled objects keep their content, too. */
	obj = kmem_cache_alloc(slab, gfp & ~__GFP_ZERO);
	if (!obj)
		return NULL;
	memory_in_use(obj, pool->type.size);
	if (!pool->type.init ||
	    !pool->type.init(typed_functions(pool), obj, gfp))
		return obj;
	memory_idle(obj, pool->type.size);
	kmem_cache_free(slab, obj);
	return NULL;
}

/**
 * typed_destruct() - objcache_ops.destruct of a typed pool
 * @oc: the objcache
 * @class: the object's class
 * @obj: the object
 * @how: DESTRUCT_*
 */
void typed_destruct(struct objcache *oc, unsigned int class, void *obj,
		    unsigned int how)
{
	struct bytepool *pool = pool_of(oc);

	if (pool->type.fini && !(how & DESTRUCT_LATE)) {
		memory_in_use(obj, pool->type.size);
		pool->type.fini(typed_functions(pool), obj);
	}
	payload_free_idle(pool->tier[class / 2].payload, obj);
}

/**
 * typed_park() - objcache_ops.park of a typed pool
 * @oc: the objcache
 * @class: the object's class
 * @obj: the object; fini needs its content, so the entry goes behind it
 *
 * Return: memory for a struct parked.
 */
struct parked *typed_park(struct objcache *oc, unsigned int class, void *obj)
{
	obj += ALIGN(pool_of(oc)->type.size, sizeof(void *));
	memory_in_use(obj, sizeof(struct parked));
	return obj;
}

/**
 * __bytepool_objects_get() - get an object
 * @pool: the typed pool
 * @gfp: as for bytepool_get(), except that objects are never zeroed
 *
 * Users call it as foo_pool_get(): see DEFINE_BYTEPOOL_OBJECTS().
 *
 * Context: any but NMI; sleeps only if @gfp allows it.
 * Return: the object, as the last put left it or as init has made it; NULL
 * without memory, or if init failed.
 */
void *__bytepool_objects_get(void *pool, gfp_t gfp)
{
	struct bytepool *of = typed_pool_of(pool, _RET_IP_);
	void *obj;

	get_might_alloc(gfp);
	if (!of)
		return NULL;
	if (likely(of->fast_max) && likely(!(gfp & ~BYTEPOOL_GFP_MASK)) &&
	    likely(objcache_pop(&of->objects, class_to_ofs(class_raw(0)),
				of->type.size, &obj) == POP_DONE))
		return obj;
	if (gfp & ~BYTEPOOL_GFP_MASK) {
		report_gfp(of, gfp, _RET_IP_);
		return NULL;
	}
	return raw_get(of, 0, of->type.size, gfp & ~__GFP_ZERO, _RET_IP_,
		       typed_construct);
}
EXPORT_SYMBOL_GPL(__bytepool_objects_get);

/**
 * __bytepool_objects_put() - give an object back
 * @pool: the typed pool
 * @obj: the object; NULL is accepted
 *
 * Users call it as foo_pool_put(): see DEFINE_BYTEPOOL_OBJECTS().
 *
 * Context: any but NMI.
 */
void __bytepool_objects_put(void *pool, void *obj)
{
	struct bytepool *of;
	unsigned long ofs;

	if (!obj)
		return;
	of = typed_pool_of(pool, _RET_IP_);
	if (!of)
		return;
	if (unlikely(!raw_class_of(of, obj, &ofs)) ||
	    unlikely(!objcache_push(&of->objects, ofs, obj)))
		raw_put(of, obj, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__bytepool_objects_put);
