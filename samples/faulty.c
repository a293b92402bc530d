// SPDX-License-Identifier: GPL-2.0
/*
 * faulty - a driver with two faults, to see how bytepool tells of them
 *
 * A frame has one reference and two parties that think it is theirs: who
 * transmits it, and a timeout. Both release it, so one release is too many. An
 * event has no party at all: it is got and forgotten.
 *
 * Loading the module makes both faults. The kernel log names who released a
 * frame once too often, and outstanding in debugfs who got the events. Unloading
 * it destroys the pool with the events out, which the log tells, too. At last the
 * events are given back, so that bytepool itself can be unloaded: with a real
 * leak it cannot.
 *
 * The compiler may turn a call at the end of a function into a jump. Then the
 * report names that function's caller. The barriers prevent this.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "../bytepool.h"

#define FAULTY_FRAME  1500
#define FAULTY_EVENT  600
#define FAULTY_EVENTS 3

static struct bytepool *faulty_pool;
static struct bytepool_buf *forgotten[FAULTY_EVENTS];
static unsigned int nr_transmitted;
static unsigned int nr_timeouts;

static noinline void faulty_transmit_done(struct bytepool_buf *frame)
{
	bytepool_buf_release(frame);
	barrier();
	nr_transmitted++;
}

/* The fault: it has no reference of its own. */
static noinline void faulty_timeout(struct bytepool_buf *frame)
{
	bytepool_buf_release(frame);
	barrier();
	nr_timeouts++;
}

static int faulty_frame(void)
{
	struct bytepool_buf *frame;

	frame = bytepool_get_buf(faulty_pool, FAULTY_FRAME, GFP_KERNEL);
	if (!frame)
		return -ENOMEM;
	memset(bytepool_buf_data(frame), 0, FAULTY_FRAME);
	faulty_transmit_done(frame);
	faulty_timeout(frame);
	return 0;
}

/* The fault: nobody releases what it gets, but for the module's end. */
static noinline int faulty_event(unsigned int nr)
{
	struct bytepool_buf *event;

	event = bytepool_get_buf(faulty_pool, FAULTY_EVENT, GFP_KERNEL);
	if (!event)
		return -ENOMEM;
	memset(bytepool_buf_data(event), nr, FAULTY_EVENT);
	forgotten[nr] = event;
	return 0;
}

static void faulty_end(void)
{
	unsigned int i;

	bytepool_destroy(faulty_pool);
	for (i = 0; i < FAULTY_EVENTS; i++)
		bytepool_buf_release(forgotten[i]);
	pr_info("%u frames transmitted, %u timeouts\n", nr_transmitted,
		nr_timeouts);
}

static int __init faulty_init(void)
{
	const struct bytepool_config config = {
		.name = "faulty",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
	};
	unsigned int i;
	int ret;

	faulty_pool = bytepool_create(&config);
	if (IS_ERR(faulty_pool))
		return PTR_ERR(faulty_pool);

	ret = faulty_frame();
	for (i = 0; !ret && i < FAULTY_EVENTS; i++)
		ret = faulty_event(i);
	if (ret)
		faulty_end();
	return ret;
}

static void __exit faulty_exit(void)
{
	faulty_end();
}

module_init(faulty_init);
module_exit(faulty_exit);

MODULE_DESCRIPTION("Driver with planted faults, a sample for bytepool");
MODULE_LICENSE("GPL");
