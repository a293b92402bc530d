/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faithful, for files that are shown in one piece: the function is called with
 * a buffer of a page, and again with twice as much for as long as its output
 * does not fit, so that it must be able to start over.
 */
#ifndef _LINUX_SEQ_FILE_H
#define _LINUX_SEQ_FILE_H

#include <linux/export.h>
#include <linux/fs.h>
#include <linux/types.h>

struct seq_file {
	char *buf;
	size_t size;
	size_t count;
	size_t from;
	int (*show)(struct seq_file *m, void *v);
	void *private;
};

void seq_putc(struct seq_file *m, char c);
void seq_puts(struct seq_file *m, const char *s);
int seq_write(struct seq_file *m, const void *data, size_t len);
__printf(2, 3) void seq_printf(struct seq_file *m, const char *fmt, ...);
bool seq_has_overflowed(struct seq_file *m);

int single_open(struct file *file, int (*show)(struct seq_file *m, void *v),
		void *data);
int single_release(struct inode *inode, struct file *file);
ssize_t seq_read(struct file *file, char __user *buf, size_t size, loff_t *pos);
loff_t seq_lseek(struct file *file, loff_t offset, int whence);

#define DEFINE_SHOW_ATTRIBUTE(name)                                      \
	static int name##_open(struct inode *inode, struct file *file)   \
	{                                                                \
		return single_open(file, name##_show, inode->i_private); \
	}                                                                \
	static const struct file_operations name##_fops = {              \
		.owner = THIS_MODULE,                                    \
		.open = name##_open,                                     \
		.read = seq_read,                                        \
		.llseek = seq_lseek,                                     \
		.release = single_release,                               \
	}

#endif /* _LINUX_SEQ_FILE_H */
