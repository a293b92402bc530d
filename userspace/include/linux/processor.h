/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful; but who spins here may wait for a thread that needs this very
 * processor, so that now and then it is offered.
 */
#ifndef _LINUX_PROCESSOR_H
#define _LINUX_PROCESSOR_H

void cpu_relax(void);

#endif /* _LINUX_PROCESSOR_H */
