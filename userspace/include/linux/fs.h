/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reduced: of files and inodes only what debugfs files need. Takes the place
 * of a UAPI header that neither glibc nor liburcu includes.
 */
#ifndef _LINUX_FS_H
#define _LINUX_FS_H

#include <linux/types.h>

struct inode {
	void *i_private;
};

struct file {
	void *private_data;
};

struct file_operations {
	struct module *owner;
	loff_t (*llseek)(struct file *file, loff_t offset, int whence);
	ssize_t (*read)(struct file *file, char __user *buf, size_t size,
			loff_t *pos);
	ssize_t (*write)(struct file *file, const char __user *buf, size_t size,
			 loff_t *pos);
	int (*open)(struct inode *inode, struct file *file);
	int (*release)(struct inode *inode, struct file *file);
};

#endif /* _LINUX_FS_H */
