/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - the module's debugfs files, for programs that use the library
 *
 * Included by <bytepool.h> there.
 */
#ifndef _BYTEPOOL_DEBUGFS_H
#define _BYTEPOOL_DEBUGFS_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * bytepool_debugfs_read() - read a file that the module has in debugfs
 * @path: below the module's directory, as in "rx/stats.json"
 * @buf: where its content goes
 * @size: how much fits there
 *
 * Not in signal handlers.
 *
 * Return: how many bytes were read; -ENOENT, -EISDIR, -ENOMEM.
 */
ssize_t bytepool_debugfs_read(const char *path, void *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* _BYTEPOOL_DEBUGFS_H */
