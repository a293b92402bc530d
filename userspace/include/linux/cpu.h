/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reduced: a CPU comes with a thread, and goes with it. No CPU does either
 * while a reader is inside.
 */
#ifndef _LINUX_CPU_H
#define _LINUX_CPU_H

#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/errno.h>

void cpus_read_lock(void);
bool cpus_read_trylock(void);
void cpus_read_unlock(void);

/* For tests that have seen the thread end: it is offline since. */
static inline int remove_cpu(unsigned int cpu)
{
	return cpu == shim_thread.cpu ? -EBUSY : 0;
}

static inline int add_cpu(unsigned int cpu)
{
	return 0;
}

#endif /* _LINUX_CPU_H */
