// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool - pools that end with a device's driver
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>

#include "../bytepool.h"

static void end_pool(void *pool)
{
	bytepool_destroy(pool);
}

/**
 * __devm_bytepool_create() - make a pool that ends with a device's driver
 * @dev: the device
 * @config: configuration of the pool
 * @config_size: size of the caller's struct bytepool_config, in bytes
 * @owner: the caller's module
 *
 * devm_bytepool_create() is a macro that supplies the last two. The pool is
 * destroyed after the driver's remove(), or when its probe() fails, in the
 * reverse order of what the device was given. So an interrupt whose handler uses
 * the pool is to be requested after it, by devm, too; or freed in remove().
 *
 * Context: process; may sleep; not a CPU hotplug callback.
 * Return: the pool, or ERR_PTR as __bytepool_create() returns it.
 */
struct bytepool *__devm_bytepool_create(struct device *dev,
					const struct bytepool_config *config,
					size_t config_size,
					struct module *owner)
{
	struct bytepool *pool;
	int ret;

	pool = __bytepool_create(config, config_size, owner);
	if (IS_ERR(pool))
		return pool;
	ret = devm_add_action_or_reset(dev, end_pool, pool);
	return ret ? ERR_PTR(ret) : pool;
}
EXPORT_SYMBOL_GPL(__devm_bytepool_create);
