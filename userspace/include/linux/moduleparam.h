/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful: parameters are set by text before the module is initialised, here
 * from the environment: BYTEPOOL_CHECK for check.
 */
#ifndef _LINUX_MODULEPARAM_H
#define _LINUX_MODULEPARAM_H

#include <linux/compiler.h>
#include <linux/types.h>

struct kernel_param;

struct kernel_param_ops {
	unsigned int flags;
	int (*set)(const char *val, const struct kernel_param *kp);
	int (*get)(char *buffer, const struct kernel_param *kp);
	void (*free)(void *arg);
};

struct kernel_param {
	const char *name;
	const struct kernel_param_ops *ops;
	u16 perm;
	void *arg;
	struct kernel_param *next;
};

int param_set_uint(const char *val, const struct kernel_param *kp);
int param_get_uint(char *buffer, const struct kernel_param *kp);

extern const struct kernel_param_ops param_ops_bool;
extern const struct kernel_param_ops param_ops_uint;
extern const struct kernel_param_ops param_ops_charp;

struct module;

/* Nobody writes parameters later. */
static inline void kernel_param_lock(struct module *mod)
{
}

static inline void kernel_param_unlock(struct module *mod)
{
}

/* Whoever loads the module finds them in a list. */
void shim_add_param(struct kernel_param *kp);

#define module_param_cb(pname, pops, parg, pperm)                        \
	static struct kernel_param shim_param_##pname = {                \
		.name = #pname,                                          \
		.ops = pops,                                             \
		.perm = pperm,                                           \
		.arg = parg,                                             \
	};                                                               \
	static __attribute__((                                           \
		__constructor__(101))) void shim_add_param_##pname(void) \
	{                                                                \
		shim_add_param(&shim_param_##pname);                     \
	}                                                                \
	extern void shim_add_param(struct kernel_param *kp)
#define module_param_named(pname, value, type, pperm) \
	module_param_cb(pname, &param_ops_##type, &(value), pperm)
#define module_param(value, type, pperm) \
	module_param_named(value, value, type, pperm)
#define MODULE_PARM_DESC(pname, text) \
	_Static_assert(sizeof(#pname) > 1 && sizeof(text) > 1, "no text")

#endif /* _LINUX_MODULEPARAM_H */
