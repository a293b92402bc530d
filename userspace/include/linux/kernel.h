/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful: the kernel's formats go to the kernel's printing functions. Takes
 * the place of the UAPI header of this name, of which only <sys/sysinfo.h>
 * makes use; that header is not used here.
 */
#ifndef _LINUX_KERNEL_H
#define _LINUX_KERNEL_H

#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/instruction_pointer.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/sprintf.h>
#include <linux/stddef.h>
#include <linux/thread_info.h>
#include <linux/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]) + SHIM_MUST_BE_ARRAY(a))
#define SHIM_MUST_BE_ARRAY(a)                                            \
	(0 * sizeof(struct {                                             \
		 _Static_assert(!__same_type((a), &(a)[0]), "no array"); \
		 char unused;                                            \
	 }))

/* Where a thread may sleep it becomes a CPU, if it is none yet. */
void shim_might_sleep(const char *file, int line);
void shim_process_context(void);

#ifdef SHIM_STRICT
#define might_sleep() shim_might_sleep(__FILE__, __LINE__)
#else
#define might_sleep()                                         \
	do {                                                  \
		if (unlikely(shim_thread.cpu == SHIM_NO_CPU)) \
			shim_process_context();               \
	} while (0)
#endif

#endif /* _LINUX_KERNEL_H */
