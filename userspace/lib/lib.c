// SPDX-License-Identifier: GPL-2.0
/*
 * The library: the module is loaded before any of the program's own
 * initialisation can use it, goes along through fork(), and is never unloaded:
 * when a program exits, threads may still be inside.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <shim.h>
#include <pthread.h>
#include <stdlib.h>

static void fork_prepare(void)
{
	shim_lock_fork_prepare();
}

static void fork_parent(void)
{
	shim_lock_fork_done(false);
}

static void fork_child(void)
{
	shim_work_fork_child();
	shim_cpu_fork_child();
	shim_lock_fork_done(true);
}

/* After those of the shim's own files, before the program's. */
static __attribute__((__constructor__(102))) void lib_init(void)
{
	int ret;

	/* What a kernel would only log at warnings and worse is worth a line. */
	shim_console_loglevel = 5;
	/* A parameter that is refused has been reported; its default stays. */
	shim_set_parameters();
	/* No thread is made before the program's first call needs one. */
	shim_thread.bringing_up = true;
	ret = init_module();
	shim_thread.bringing_up = false;
	if (!ret)
		ret = -pthread_atfork(fork_prepare, fork_parent, fork_child);
	if (ret) {
		pr_err("bytepool: cannot be initialised: %d\n", ret);
		abort();
	}
}

ssize_t bytepool_debugfs_read(const char *path, void *buf, size_t size)
{
	char name[128];

	if (snprintf(name, sizeof(name), "bytepool/%s", path) >=
	    (int)sizeof(name))
		return -ENOENT;
	return shim_debugfs_read(name, buf, size);
}
