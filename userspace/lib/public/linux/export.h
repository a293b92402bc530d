/* SPDX-License-Identifier: GPL-2.0 */
/* For programs that use the library: they are no modules. */
#ifndef _LINUX_EXPORT_H
#define _LINUX_EXPORT_H

#include <bytepool_debugfs.h>

#ifndef THIS_MODULE
#define THIS_MODULE ((struct module *)0)
#endif

#endif /* _LINUX_EXPORT_H */
