/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful. */
#ifndef _LINUX_DELAY_H
#define _LINUX_DELAY_H

void msleep(unsigned int ms);
void usleep_range(unsigned long min, unsigned long max);
void udelay(unsigned long us);

#endif /* _LINUX_DELAY_H */
