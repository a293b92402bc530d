/* SPDX-License-Identifier: GPL-2.0 */
/* No-op: sections that a kernel frees after start-up stay in a process. */
#ifndef _LINUX_INIT_H
#define _LINUX_INIT_H

#define __init
#define __exit

#endif /* _LINUX_INIT_H */
