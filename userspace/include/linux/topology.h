/* SPDX-License-Identifier: GPL-2.0 */
/* Reduced: a machine with one node, which Linux supports as any other. */
#ifndef _LINUX_TOPOLOGY_H
#define _LINUX_TOPOLOGY_H

#define numa_mem_id() 0

#endif /* _LINUX_TOPOLOGY_H */
