/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful: names are unique, errors come back as ERR_PTR and are accepted as
 * parents, removal takes what is below along, waits for operations that run,
 * and lets no more begin on files that are still open.
 */
#ifndef _LINUX_DEBUGFS_H
#define _LINUX_DEBUGFS_H

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/seq_file.h>

struct dentry;

struct dentry *debugfs_create_dir(const char *name, struct dentry *parent);
struct dentry *debugfs_create_file(const char *name, umode_t mode,
				   struct dentry *parent, void *data,
				   const struct file_operations *fops);
void debugfs_remove(struct dentry *dentry);

#endif /* _LINUX_DEBUGFS_H */
