/* SPDX-License-Identifier: GPL-2.0 */
/* Reduced: see <linux/numa.h>. */
#ifndef _LINUX_NODEMASK_H
#define _LINUX_NODEMASK_H

#include <linux/numa.h>

#define nr_node_ids	   1U
#define first_online_node  0
#define num_online_nodes() 1

#define for_each_node(node) \
	for ((node) = 0; (node) < (int)nr_node_ids; (node)++)
#define for_each_online_node(node) for_each_node(node)

#endif /* _LINUX_NODEMASK_H */
