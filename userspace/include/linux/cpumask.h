/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful, but that in the fast build a CPU becomes possible only when a thread
 * needs its number; see <linux/thread_info.h> for what a CPU is. The number that
 * threads without one share is a possible CPU, too.
 */
#ifndef _LINUX_CPUMASK_H
#define _LINUX_CPUMASK_H

#include <asm/barrier.h>
#include <linux/thread_info.h>

#define nr_cpu_ids (CONFIG_NR_CPUS + 0U)

/*
 * What the module divides by: in the fast build as many threads as can run at
 * once, for there are mostly few, and a table for many.
 */
#ifdef SHIM_STRICT
#define num_possible_cpus() nr_cpu_ids

static inline bool cpu_possible(unsigned int cpu)
{
	return cpu < nr_cpu_ids;
}
#else
extern unsigned int shim_nr_processors;
extern unsigned int shim_nr_possible;
#define num_possible_cpus() shim_nr_processors

static inline bool cpu_possible(unsigned int cpu)
{
	if (likely(cpu < READ_ONCE(shim_nr_possible)))
		return true;
	/*
	 * Pairs with the one in make_possible(): it sees what a loop that ends
	 * here has written to the copies, or the loop sees the new CPUs.
	 */
	smp_mb();
	return cpu < READ_ONCE(shim_nr_possible);
}
#endif

bool cpu_online(unsigned int cpu);
unsigned int num_online_cpus(void);

#define for_each_possible_cpu(cpu) for ((cpu) = 0; cpu_possible(cpu); (cpu)++)
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
