/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: the layout of preempt_count, and what it tells of the context. */
#ifndef _ASM_PREEMPT_H
#define _ASM_PREEMPT_H

#include <linux/thread_info.h>

#define PREEMPT_MASK   0x000000ffU
#define SOFTIRQ_OFFSET 0x00000100U
#define SOFTIRQ_MASK   0x0000ff00U
#define HARDIRQ_OFFSET 0x00010000U
#define HARDIRQ_MASK   0x000f0000U
#define NMI_OFFSET     0x00100000U
#define NMI_MASK       0x00f00000U

#define preempt_count()	     (shim_thread.preempt_count)
#define in_nmi()	     (preempt_count() & NMI_MASK)
#define in_hardirq()	     (preempt_count() & HARDIRQ_MASK)
#define in_serving_softirq() (preempt_count() & SOFTIRQ_OFFSET)
#define in_interrupt() \
	(preempt_count() & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_MASK))
#define in_task() \
	(!(preempt_count() & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET)))

#endif /* _ASM_PREEMPT_H */
