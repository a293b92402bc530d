/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful, for the two dynamic states: those before a CPU is online, and
 * after it is dead, are called by another thread than the CPU's in the kernel,
 * and here by one that is not that CPU at the moment; those of an online CPU
 * by the CPU itself. A dying CPU's callbacks may sleep.
 */
#ifndef _LINUX_CPUHOTPLUG_H
#define _LINUX_CPUHOTPLUG_H

#include <linux/types.h>

enum cpuhp_state {
	CPUHP_BP_PREPARE_DYN = 1,
	CPUHP_BP_PREPARE_DYN_END = 20,
	CPUHP_AP_ONLINE_DYN,
	CPUHP_AP_ONLINE_DYN_END = 40,
};

int cpuhp_setup_state_multi(enum cpuhp_state state, const char *name,
			    int (*startup)(unsigned int cpu,
					   struct hlist_node *node),
			    int (*teardown)(unsigned int cpu,
					    struct hlist_node *node));
void cpuhp_remove_multi_state(enum cpuhp_state state);
int cpuhp_state_add_instance_nocalls(enum cpuhp_state state,
				     struct hlist_node *node);
int cpuhp_state_remove_instance_nocalls(enum cpuhp_state state,
					struct hlist_node *node);

#endif /* _LINUX_CPUHOTPLUG_H */
