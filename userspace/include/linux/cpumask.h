/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful; see <linux/thread_info.h> for what a CPU is. All numbers of the
 * table are possible CPUs, and so is the one that threads without a number
 * share.
 */
#ifndef _LINUX_CPUMASK_H
#define _LINUX_CPUMASK_H

#include <linux/thread_info.h>

#define nr_cpu_ids (CONFIG_NR_CPUS + 1U)

/*
 * What the module divides by: in the fast build as many threads as can run at
 * once, for there are mostly few, and a table for many.
 */
#ifdef SHIM_STRICT
#define num_possible_cpus() nr_cpu_ids
#else
extern unsigned int shim_nr_processors;
#define num_possible_cpus() shim_nr_processors
#endif

bool cpu_online(unsigned int cpu);
unsigned int num_online_cpus(void);

#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < nr_cpu_ids; (cpu)++)
#define for_each_online_cpu(cpu)   \
	for_each_possible_cpu(cpu) \
		if (cpu_online(cpu))

/* Nothing looks into one: no thread can be moved. */
struct cpumask;

static inline const struct cpumask *cpumask_of(unsigned int cpu)
{
	return (const struct cpumask *)(unsigned long)(cpu + 1);
}

#endif /* _LINUX_CPUMASK_H */
