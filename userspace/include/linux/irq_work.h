/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stricter: the interrupt comes at once, even in an NMI. The function may do no
 * more than queue a work item, which takes no lock here.
 */
#ifndef _LINUX_IRQ_WORK_H
#define _LINUX_IRQ_WORK_H

#include <linux/types.h>

/**
 * struct irq_work - a function that an interrupt calls
 * @func: the function
 */
struct irq_work {
	void (*func)(struct irq_work *work);
};

#define DEFINE_IRQ_WORK(name, f) struct irq_work name = { .func = (f) }

static inline void init_irq_work(struct irq_work *work,
				 void (*func)(struct irq_work *work))
{
	work->func = func;
}

bool irq_work_queue(struct irq_work *work);

/* Whoever has queued it has run it. */
static inline void irq_work_sync(struct irq_work *work)
{
}

#endif /* _LINUX_IRQ_WORK_H */
