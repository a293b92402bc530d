/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instrumented. A signal of the test programs is an interrupt; while they are
 * off it waits, and runs as they come on again: no system call. The checking
 * builds report an enable that does not match. An application's own signal
 * handler is none of ours and is not kept out: it is an NMI to who holds a lock.
 */
#ifndef _LINUX_IRQFLAGS_H
#define _LINUX_IRQFLAGS_H

#include <linux/compiler.h>
#include <linux/thread_info.h>

unsigned long shim_irq_save(void);
void shim_irq_restore(unsigned long flags);

#define local_irq_save(flags)	 ((flags) = shim_irq_save())
#define local_irq_restore(flags) shim_irq_restore(flags)
#define irqs_disabled()		 (shim_thread.irqs_off)

#endif /* _LINUX_IRQFLAGS_H */
