// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - typed object pools
 *
 * The third user of the object pool: a pool of one tier, whose raw memory is
 * constructed once and keeps its content from a put to the next get. The
 * type-checked functions over it are made by DEFINE_BYTEPOOL_OBJECTS().
 */

#include <linux/instruction_pointer.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "internal.h"

static struct bytepool *typed_pool_of(void *functions, unsigned long site)
{
	if (!IS_ERR_OR_NULL(functions))
		return container_of(functions, struct typed_pool, functions)
			->pool;
	report_misuse(NULL, MISUSE_POOL, functions, site, 0);
	return NULL;
}

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

	/* Room behind for the worker's list: the content is fini's. */
	size = ALIGN(type->size, sizeof(void *)) + sizeof(struct parked);
	size = ALIGN(size, align);
	tier->payload = cache_get(CACHE_OBJECT, size, align);
	if (!tier->payload)
		return -ENOMEM;
	tier->slab = tier->payload->slab;
	tier->size = size;
	tier->align_mask = align - 1;
	ret = pool_objects_init(pool, 0);
	/* fini runs in process context only, and may wait for anything. */
	if (!ret && type->fini) {
		pool->objects.class[class_raw(0)].defer = true;
		pool->objects.wq = bytepool_idle_wq;
	}
	return ret;
}

/**
 * __bytepool_objects_create() - make a typed pool
 * @name: as struct bytepool_config has it
 * @type: of the objects
 * @functions: the typed functions, copied
 * @owner: the caller's module
 *
 * Called as foo_pool_create(): see DEFINE_BYTEPOOL_OBJECTS().
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
	if (pool_check_name(name) || !type_valid(type))
		return ERR_PTR(-EINVAL);
	pool = pool_alloc(name, 1, owner);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	pool->type = *type;
	pool->flags = POOL_TYPED | (check_all ? BYTEPOOL_CHECK : 0);
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
 * __bytepool_objects_get() - take an object
 * @pool: the typed pool
 * @gfp: as for bytepool_get(), but that objects are never zeroed
 *
 * Called as foo_pool_get(): see DEFINE_BYTEPOOL_OBJECTS().
 *
 * Context: any but NMI; sleeps only if @gfp allows it.
 * Return: the object, as the last put left it or as init has made it; NULL
 * without memory, or if init failed.
 */
void *__bytepool_objects_get(void *pool, gfp_t gfp)
{
	struct bytepool *of = typed_pool_of(pool, _RET_IP_);
	void *obj;

	if (!of)
		return NULL;
	if (likely(of->fast_max) && likely(!(gfp & ~BYTEPOOL_GFP_MASK)) &&
	    likely(objpool_pop(&of->objects, class_offset(class_raw(0)),
			       of->type.size, &obj) == POP_DONE))
		return obj;
	if (gfp & ~BYTEPOOL_GFP_MASK) {
		report_misuse(of, MISUSE_GFP, NULL, _RET_IP_, 0);
		return NULL;
	}
	return raw_get(of, 0, of->type.size, gfp & ~__GFP_ZERO, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__bytepool_objects_get);

/**
 * __bytepool_objects_put() - give an object back
 * @pool: the typed pool
 * @obj: the object; NULL is accepted
 *
 * Called as foo_pool_put(): see DEFINE_BYTEPOOL_OBJECTS().
 *
 * Context: any but NMI.
 */
void __bytepool_objects_put(void *pool, void *obj)
{
	struct bytepool *of;
	unsigned long offset;

	if (!obj)
		return;
	of = typed_pool_of(pool, _RET_IP_);
	if (!of)
		return;
	if (unlikely(!raw_find(of, obj, &offset)) ||
	    unlikely(!objpool_push(&of->objects, offset, obj)))
		raw_put(of, obj, _RET_IP_);
}
EXPORT_SYMBOL_GPL(__bytepool_objects_put);

/**
 * __bytepool_objects_destroy() - end a typed pool's service
 * @pool: the typed pool; NULL and ERR_PTR are accepted
 *
 * Called as foo_pool_destroy(): see DEFINE_BYTEPOOL_OBJECTS(). As
 * bytepool_destroy(); neither init nor fini runs after this has returned, so
 * the memory of an object that is still out goes back without it.
 *
 * Context: process; may sleep.
 */
void __bytepool_objects_destroy(void *pool)
{
	might_sleep();
	if (!IS_ERR_OR_NULL(pool))
		pool_kill(typed_pool_of(pool, _RET_IP_));
}
EXPORT_SYMBOL_GPL(__bytepool_objects_destroy);
