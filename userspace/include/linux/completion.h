/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: completing is legal anywhere, signal handlers included. */
#ifndef _LINUX_COMPLETION_H
#define _LINUX_COMPLETION_H

#include <linux/types.h>
#include <semaphore.h>

/**
 * struct completion - something that threads wait for
 * @done: how many of them may go on
 * @all: all of them may
 */
struct completion {
	sem_t done;
	bool all;
};

void init_completion(struct completion *x);
void reinit_completion(struct completion *x);
void complete(struct completion *x);
void complete_all(struct completion *x);
void wait_for_completion(struct completion *x);
unsigned long wait_for_completion_timeout(struct completion *x,
					  unsigned long timeout);
bool completion_done(struct completion *x);

#endif /* _LINUX_COMPLETION_H */
