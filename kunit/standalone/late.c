// SPDX-License-Identifier: GPL-2.0
/*
 * late.c - releases a buffer in its init function, and once more as it goes
 *
 * The report of the second release has to name the first one, whose code is gone
 * by then. In a checked pool the dead handle is retired.
 */
#include <linux/err.h>
#include <linux/module.h>

#include "../../bytepool.h"

static struct bytepool *pool;
static struct bytepool_buf *buf;

static int __init late_init(void)
{
	const struct bytepool_config config = {
		.name = "late",
		.sizes = bytepool_sizes_stream,
		.nr_sizes = BYTEPOOL_NR_STREAM,
		.flags = BYTEPOOL_CHECK,
	};

	pool = bytepool_create(&config);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	buf = bytepool_get_buf(pool, 100, GFP_KERNEL);
	if (!buf) {
		bytepool_destroy(pool);
		return -ENOMEM;
	}
	bytepool_buf_release(buf);
	return 0;
}

static void __exit late_exit(void)
{
	bytepool_buf_release(buf);
	bytepool_destroy(pool);
}

module_init(late_init);
module_exit(late_exit);

MODULE_DESCRIPTION("A release whose code is gone");
MODULE_LICENSE("GPL");
