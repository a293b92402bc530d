/* SPDX-License-Identifier: GPL-2.0 */
/* For programs that use the library: it is initialised as it is loaded. */
#ifndef _LINUX_INIT_H
#define _LINUX_INIT_H

#endif /* _LINUX_INIT_H */
