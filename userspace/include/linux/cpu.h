/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: no CPU comes or goes while a reader is inside. */
#ifndef _LINUX_CPU_H
#define _LINUX_CPU_H

#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>

void cpus_read_lock(void);
void cpus_read_unlock(void);

#endif /* _LINUX_CPU_H */
