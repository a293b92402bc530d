/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: what a device was given is taken back in reverse order. */
#ifndef _LINUX_DEVICE_H
#define _LINUX_DEVICE_H

#include <linux/err.h>
#include <linux/slab.h>

struct devres {
	struct devres *next;
	void (*action)(void *data);
	void *data;
};

struct device {
	struct devres *devres;
};

static inline struct device *root_device_register(const char *name)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	return dev ?: ERR_PTR(-ENOMEM);
}

static inline void root_device_unregister(struct device *dev)
{
	struct devres *devres;

	while ((devres = dev->devres)) {
		dev->devres = devres->next;
		devres->action(devres->data);
		kfree(devres);
	}
	kfree(dev);
}

static inline int devm_add_action_or_reset(struct device *dev,
					   void (*action)(void *data),
					   void *data)
{
	struct devres *devres = kzalloc(sizeof(*devres), GFP_KERNEL);

	if (!devres) {
		action(data);
		return -ENOMEM;
	}
	devres->action = action;
	devres->data = data;
	devres->next = dev->devres;
	dev->devres = devres;
	return 0;
}

#endif /* _LINUX_DEVICE_H */
