/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful for one call: the second returns the first one's number. */
#ifndef _LINUX_RANDOM_H
#define _LINUX_RANDOM_H

#include <linux/types.h>

u64 get_random_u64(void);

#endif /* _LINUX_RANDOM_H */
