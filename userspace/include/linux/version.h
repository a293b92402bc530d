/* SPDX-License-Identifier: GPL-2.0 */
/* Reduced: the shim has the newest kernel's interfaces, whatever its number. */
#ifndef _LINUX_VERSION_H
#define _LINUX_VERSION_H

#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
#define LINUX_VERSION_CODE	KERNEL_VERSION(255, 255, 255)

#endif /* _LINUX_VERSION_H */
