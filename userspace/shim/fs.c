// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs and seq_file. Files are opened, read and released as by a process
 * that reads one in a kernel, through the module's own file_operations.
 */
#include <linux/debugfs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <shim.h>
#include <sched.h>
#include <stdlib.h>

/**
 * struct dentry - a directory or file
 * @list: in the list of all; first, for who looks for leaks by pointers to it
 * @name: its name
 * @parent: the directory it is in; NULL in the root
 * @fops: of a file; NULL: it is a directory
 * @inode: with the data of a file
 * @removed: no operation begins any more
 * @active: operations that run
 * @users: who holds it: the tree, and open files
 */
struct dentry {
	struct list_head list;
	char name[64];
	struct dentry *parent;
	const struct file_operations *fops;
	struct inode inode;
	bool removed;
	unsigned int active;
	unsigned int users;
};

/* Protects the tree, and the counts in its entries. */
static DEFINE_MUTEX(debugfs_mutex);
static LIST_HEAD(dentries);

/* === Tree === */

static struct dentry *find(struct dentry *parent, const char *name, size_t len)
{
	struct dentry *dentry;

	lockdep_assert_held(&debugfs_mutex);
	list_for_each_entry(dentry, &dentries, list)
		if (dentry->parent == parent && strlen(dentry->name) == len &&
		    !memcmp(dentry->name, name, len))
			return dentry;
	return NULL;
}

static struct dentry *create(const char *name, struct dentry *parent,
			     void *data, const struct file_operations *fops)
{
	struct dentry *dentry;

	might_sleep();
	if (IS_ERR(parent))
		return parent;
	if (shim_should_fail(GFP_KERNEL))
		return ERR_PTR(-ENOMEM);
	shim_shield();
	dentry = calloc(1, sizeof(*dentry));
	shim_unshield();
	if (!dentry)
		return ERR_PTR(-ENOMEM);
	WARN(strscpy(dentry->name, name, sizeof(dentry->name)) < 0,
	     "name too long for the shim\n");
	dentry->parent = parent;
	dentry->fops = fops;
	dentry->inode.i_private = data;
	dentry->users = 1;

	mutex_lock(&debugfs_mutex);
	if (!find(parent, name, strlen(name))) {
		list_add(&dentry->list, &dentries);
		mutex_unlock(&debugfs_mutex);
		return dentry;
	}
	mutex_unlock(&debugfs_mutex);
	printk(KERN_ERR "debugfs: '%s' already exists\n", name);
	free(dentry);
	return ERR_PTR(-EEXIST);
}

struct dentry *debugfs_create_dir(const char *name, struct dentry *parent)
{
	return create(name, parent, NULL, NULL);
}

struct dentry *debugfs_create_file(const char *name, umode_t mode,
				   struct dentry *parent, void *data,
				   const struct file_operations *fops)
{
	return create(name, parent, data, fops);
}

static void dentry_put(struct dentry *dentry)
{
	lockdep_assert_held(&debugfs_mutex);
	if (--dentry->users)
		return;
	shim_shield();
	free(dentry);
	shim_unshield();
}

static bool is_below(const struct dentry *dentry, const struct dentry *top)
{
	for (; dentry; dentry = dentry->parent)
		if (dentry == top)
			return true;
	return false;
}

static struct dentry *first_below(struct dentry *top)
{
	struct dentry *dentry;

	/* Directories are older than what is in them: those come first. */
	list_for_each_entry(dentry, &dentries, list)
		if (is_below(dentry, top))
			return dentry;
	return NULL;
}

void debugfs_remove(struct dentry *top)
{
	struct dentry *dentry;

	might_sleep();
	if (IS_ERR_OR_NULL(top))
		return;
	mutex_lock(&debugfs_mutex);
	while ((dentry = first_below(top))) {
		list_del(&dentry->list);
		dentry->removed = true;
		while (dentry->active) {
			mutex_unlock(&debugfs_mutex);
			sched_yield();
			mutex_lock(&debugfs_mutex);
		}
		dentry_put(dentry);
	}
	mutex_unlock(&debugfs_mutex);
}

unsigned int shim_nr_dentries(void)
{
	struct dentry *dentry;
	unsigned int nr = 0;

	mutex_lock(&debugfs_mutex);
	list_for_each_entry(dentry, &dentries, list)
		nr++;
	mutex_unlock(&debugfs_mutex);
	return nr;
}

/* === Operations === */

static struct dentry *lookup(const char *path)
{
	struct dentry *dentry = NULL;

	lockdep_assert_held(&debugfs_mutex);
	for (;;) {
		size_t len = strcspn(path, "/");

		if (len) {
			dentry = find(dentry, path, len);
			if (!dentry)
				return NULL;
		}
		path += len;
		if (!*path++)
			return dentry;
	}
}

/* Begins an operation, unless the file has been removed. */
static bool op_begin(struct dentry *dentry)
{
	bool ok;

	mutex_lock(&debugfs_mutex);
	ok = !dentry->removed;
	dentry->active += ok;
	mutex_unlock(&debugfs_mutex);
	return ok;
}

static void op_end(struct dentry *dentry)
{
	mutex_lock(&debugfs_mutex);
	dentry->active--;
	mutex_unlock(&debugfs_mutex);
}

struct shim_file *shim_debugfs_open(const char *path)
{
	struct shim_file *file;
	struct dentry *dentry;
	int ret = -ENOENT;

	mutex_lock(&debugfs_mutex);
	dentry = lookup(path);
	if (dentry)
		dentry->users++;
	mutex_unlock(&debugfs_mutex);
	if (!dentry)
		return ERR_PTR(-ENOENT);

	shim_shield();
	file = calloc(1, sizeof(*file));
	shim_unshield();
	if (!file) {
		ret = -ENOMEM;
		goto err_put;
	}
	file->dentry = dentry;
	if (!dentry->fops) {
		ret = -EISDIR;
		goto err_free;
	}
	if (!op_begin(dentry))
		goto err_free;
	ret = -ENXIO;
	if (try_module_get(dentry->fops->owner)) {
		ret = dentry->fops->open(&dentry->inode, &file->file);
		if (ret)
			module_put(dentry->fops->owner);
	}
	op_end(dentry);
	if (!ret)
		return file;
err_free:
	shim_shield();
	free(file);
	shim_unshield();
err_put:
	mutex_lock(&debugfs_mutex);
	dentry_put(dentry);
	mutex_unlock(&debugfs_mutex);
	return ERR_PTR(ret);
}

ssize_t shim_debugfs_read_file(struct shim_file *file, void *buf, size_t size)
{
	ssize_t ret;

	if (!op_begin(file->dentry))
		return -EIO;
	ret = file->dentry->fops->read(&file->file, buf, size, &file->pos);
	op_end(file->dentry);
	return ret;
}

void shim_debugfs_close(struct shim_file *file)
{
	struct dentry *dentry = file->dentry;

	/* Allowed on a file that has been removed, and called in any case. */
	dentry->fops->release(&dentry->inode, &file->file);
	module_put(dentry->fops->owner);
	shim_shield();
	free(file);
	shim_unshield();
	mutex_lock(&debugfs_mutex);
	dentry_put(dentry);
	mutex_unlock(&debugfs_mutex);
}

ssize_t shim_debugfs_read(const char *path, void *buf, size_t size)
{
	struct shim_file *file = shim_debugfs_open(path);
	ssize_t ret = 0;
	size_t done = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	while (done < size) {
		ret = shim_debugfs_read_file(file, buf + done, size - done);
		if (ret <= 0)
			break;
		done += ret;
	}
	shim_debugfs_close(file);
	/* A file that goes away meanwhile has been shown whole by then. */
	return ret < 0 && !done ? ret : (ssize_t)done;
}

/* === seq_file === */

void seq_putc(struct seq_file *m, char c)
{
	if (m->count < m->size)
		m->buf[m->count++] = c;
}

int seq_write(struct seq_file *m, const void *data, size_t len)
{
	if (len > m->size - m->count) {
		m->count = m->size;
		return -1;
	}
	memcpy(m->buf + m->count, data, len);
	m->count += len;
	return 0;
}

void seq_puts(struct seq_file *m, const char *s)
{
	seq_write(m, s, strlen(s));
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	size_t room = m->size - m->count;
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = vsnprintf(m->buf + m->count, room, fmt, args);
	va_end(args);
	/* A full buffer is one that was too small, to the byte or not. */
	m->count += min(len, room);
}

bool seq_has_overflowed(struct seq_file *m)
{
	return m->count == m->size;
}

int single_open(struct file *file, int (*show)(struct seq_file *m, void *v),
		void *data)
{
	struct seq_file *m;

	if (shim_should_fail(GFP_KERNEL))
		return -ENOMEM;
	shim_shield();
	m = calloc(1, sizeof(*m));
	shim_unshield();
	if (!m)
		return -ENOMEM;
	m->show = show;
	m->private = data;
	file->private_data = m;
	return 0;
}

int single_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	shim_shield();
	free(m->buf);
	free(m);
	shim_unshield();
	return 0;
}

static bool seq_buffer(struct seq_file *m, size_t size)
{
	if (shim_should_fail(GFP_KERNEL))
		return false;
	shim_shield();
	free(m->buf);
	m->buf = malloc(size);
	shim_unshield();
	m->size = size;
	m->count = 0;
	m->from = 0;
	return m->buf;
}

/* Shows the whole file, in a buffer that is doubled until it is not full. */
static int seq_fill(struct seq_file *m)
{
	size_t size = PAGE_SIZE;
	int ret;

	for (;; size *= 2) {
		if (!seq_buffer(m, size))
			return -ENOMEM;
		ret = m->show(m, NULL);
		WARN(!shim_may_sleep(), "left preemption or interrupts off\n");
		if (ret || !seq_has_overflowed(m))
			return ret;
	}
}

ssize_t seq_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	struct seq_file *m = file->private_data;
	int ret;

	if (!*pos) {
		ret = seq_fill(m);
		if (ret)
			return ret;
	}
	size = min(size, m->count - m->from);
	memcpy(buf, m->buf + m->from, size);
	m->from += size;
	*pos += size;
	return size;
}

loff_t seq_lseek(struct file *file, loff_t offset, int whence)
{
	return -ESPIPE;
}
