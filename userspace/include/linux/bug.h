/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instrumented: a warning is counted, and fails the test that runs unless it
 * has said that it expects one. BUG() aborts.
 */
#ifndef _LINUX_BUG_H
#define _LINUX_BUG_H

#include <linux/build_bug.h>
#include <linux/printk.h>
#include <linux/types.h>

__printf(3, 4) void shim_warn(const char *file, int line, const char *fmt, ...);
__attribute__((__noreturn__)) void shim_bug(const char *file, int line);

#define WARN(cond, ...)                                             \
	({                                                          \
		bool warn_cond = !!(cond);                          \
		if (unlikely(warn_cond))                            \
			shim_warn(__FILE__, __LINE__, __VA_ARGS__); \
		unlikely(warn_cond);                                \
	})

#define WARN_ON(cond) WARN(cond, "%s\n", #cond)

/**
 * struct shim_once - whether something has been said
 * @next: in the list of what has, so that it can be forgotten
 * @said: it has
 */
struct shim_once {
	struct shim_once *next;
	bool said;
};

bool shim_first_time(struct shim_once *once);

#define SHIM_ONCE(cond, ...)                                        \
	({                                                          \
		static struct shim_once once;                       \
		bool once_cond = !!(cond);                          \
		if (unlikely(once_cond) && shim_first_time(&once))  \
			shim_warn(__FILE__, __LINE__, __VA_ARGS__); \
		unlikely(once_cond);                                \
	})

#define WARN_ON_ONCE(cond) SHIM_ONCE(cond, "%s\n", #cond)

#define BUG() shim_bug(__FILE__, __LINE__)
#define BUG_ON(cond)                \
	do {                        \
		if (unlikely(cond)) \
			BUG();      \
	} while (0)

#endif /* _LINUX_BUG_H */
