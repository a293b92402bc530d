/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instrumented: a program's unreclaimable slab memory is what is resident of it.
 * In the checking builds malloc() has what is freed, and the sanitizers keep it
 * back: 0 there.
 */
#ifndef _LINUX_VMSTAT_H
#define _LINUX_VMSTAT_H

enum node_stat_item {
	NR_SLAB_UNRECLAIMABLE_B,
};

unsigned long global_node_page_state_pages(enum node_stat_item item);

#endif /* _LINUX_VMSTAT_H */
