/* SPDX-License-Identifier: GPL-2.0 */
/* Reduced: see <linux/topology.h>. */
#ifndef _LINUX_NODEMASK_H
#define _LINUX_NODEMASK_H

#define nr_node_ids 1U

#define for_each_node(node) \
	for ((node) = 0; (node) < (int)nr_node_ids; (node)++)
#define for_each_online_node(node) for_each_node(node)

#endif /* _LINUX_NODEMASK_H */
