/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reduced: nothing in a process runs out of memory in the kernel's way; the tests
 * do, with shim_out_of_memory().
 */
#ifndef _LINUX_OOM_H
#define _LINUX_OOM_H

#include <linux/notifier.h>

int register_oom_notifier(struct notifier_block *nb);
int unregister_oom_notifier(struct notifier_block *nb);

#endif /* _LINUX_OOM_H */
