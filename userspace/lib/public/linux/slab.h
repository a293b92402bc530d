/* SPDX-License-Identifier: GPL-2.0 */
/* For programs that use the library: the limit of a tier's size. */
#ifndef _LINUX_SLAB_H
#define _LINUX_SLAB_H

#define KMALLOC_MAX_SIZE (4UL << 20)

#endif /* _LINUX_SLAB_H */
