/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful: module_init() and module_exit() define the functions that
 * whoever loads the module calls, and the count of those who need the module
 * is real: it has to be 0 before it can go.
 */
#ifndef _LINUX_MODULE_H
#define _LINUX_MODULE_H

#include <linux/export.h>
#include <linux/init.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/types.h>

#define MODULE_NAME_LEN (64 - sizeof(unsigned long))

struct module {
	const char *name;
	int refcnt;
};

bool __must_check try_module_get(struct module *module);
void __module_get(struct module *module);
void module_put(struct module *module);
static inline const char *module_name(struct module *module)
{
	return module ? module->name : "kernel";
}

int module_refcount(struct module *module);

enum module_state {
	MODULE_STATE_LIVE,
	MODULE_STATE_COMING,
	MODULE_STATE_GOING,
};

/* Reduced: the code of a program does not come and go. */
static inline int register_module_notifier(struct notifier_block *nb)
{
	return 0;
}

static inline int unregister_module_notifier(struct notifier_block *nb)
{
	return 0;
}

static inline bool within_module_init(unsigned long addr,
				      const struct module *module)
{
	return false;
}

static inline bool within_module_core(unsigned long addr,
				      const struct module *module)
{
	return false;
}

int init_module(void);
void cleanup_module(void);

#define module_init(fn)       \
	int init_module(void) \
	{                     \
		return fn();  \
	}                     \
	extern int init_module(void)
#define module_exit(fn)           \
	void cleanup_module(void) \
	{                         \
		fn();             \
	}                         \
	extern void cleanup_module(void)

#define MODULE_INFO(tag, text)	 _Static_assert(sizeof(text) > 1, #tag)
#define MODULE_DESCRIPTION(text) MODULE_INFO(description, text)
#define MODULE_LICENSE(text)	 MODULE_INFO(license, text)
#define MODULE_VERSION(text)	 MODULE_INFO(version, text)

#endif /* _LINUX_MODULE_H */
