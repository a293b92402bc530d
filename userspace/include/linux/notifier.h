/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful. */
#ifndef _LINUX_NOTIFIER_H
#define _LINUX_NOTIFIER_H

#define NOTIFY_DONE 0
#define NOTIFY_OK   1

struct notifier_block {
	int (*notifier_call)(struct notifier_block *nb, unsigned long event,
			     void *data);
	struct notifier_block *next;
	int priority;
};

#endif /* _LINUX_NOTIFIER_H */
