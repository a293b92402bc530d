/* SPDX-License-Identifier: GPL-2.0 */
/* Instrumented: see <linux/thread_info.h> for what a CPU is. */
#ifndef _LINUX_SMP_H
#define _LINUX_SMP_H

#include <linux/cpumask.h>
#include <linux/preempt.h>

#define raw_smp_processor_id() (shim_thread.cpu)

#ifdef SHIM_STRICT
unsigned int smp_processor_id(void);
#else
#define smp_processor_id() raw_smp_processor_id()
#endif

#endif /* _LINUX_SMP_H */
