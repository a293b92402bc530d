/* SPDX-License-Identifier: GPL-2.0 */
/* Reduced: a machine with one node, which Linux supports as any other. */
#ifndef _LINUX_NUMA_H
#define _LINUX_NUMA_H

#define NUMA_NO_NODE (-1)

#endif /* _LINUX_NUMA_H */
