/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful. */
#ifndef _LINUX_POISON_H
#define _LINUX_POISON_H

#define SLUB_RED_ACTIVE 0xcc
#define POISON_FREE	0x6b

#endif /* _LINUX_POISON_H */
