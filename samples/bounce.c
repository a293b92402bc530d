// SPDX-License-Identifier: GPL-2.0
/*
 * bounce - a disk in memory that needs a buffer for every request
 *
 * A sample block driver on bytepool, made to be copied. As a device that reaches
 * contiguous memory alone, it copies the data of each request to or from a
 * buffer of one piece, and it takes its time: many requests are in flight. It can
 * be the swap of the machine that it runs in. Then requests come when there is no
 * memory left, and there will be none before they are done.
 *
 * The pool has a reserve. What is in flight comes back, refills it, and wakes who
 * waits. All that the driver does for this is in bounce_get():
 *
 * blocking=0	queue_rq() does not sleep. A request that gets no buffer stays in the
 *		driver's hands, with a waiter of its own. wake() has it queued anew.
 * blocking=1	queue_rq() may sleep (BLK_MQ_F_BLOCKING), so a get with GFP_NOIO is
 *		served, sooner or later.
 *
 * Why the request stays here instead of going back with BLK_STS_DEV_RESOURCE: the
 * block layer calls queue_rq() on several CPUs at once, and again for a request
 * that has just been refused, so a waiter that requests share would be armed
 * twice. And it puts a refused request on its list after queue_rq() has returned:
 * a wake() in between would run a queue without it, and nothing runs it later if
 * no request is in flight.
 *
 * mempool=1 takes the memory from a mempool of the largest size instead, to compare
 * with. Without a way to wait, a request that gets none goes back with
 * BLK_STS_RESOURCE, and the block layer tries again every 3 ms.
 *
 * The log has the figures when the module is unloaded.
 */
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/ktime.h>
#include <linux/mempool.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "../bytepool.h"

#define BOUNCE_MAX   SZ_128K
#define BOUNCE_DEPTH 64

/* How long the device takes for a request, in jiffies. */
#define BOUNCE_LATENCY 1

static unsigned int size_mb = 64;
module_param(size_mb, uint, 0444);
MODULE_PARM_DESC(size_mb, "size of the disk in MiB");

static unsigned int reserve = 4;
module_param(reserve, uint, 0444);
MODULE_PARM_DESC(reserve, "buffers of each size in reserve");

static bool blocking;
module_param(blocking, bool, 0444);
MODULE_PARM_DESC(blocking, "sleep for a buffer in queue_rq()");

static bool mempool;
module_param(mempool, bool, 0444);
MODULE_PARM_DESC(mempool, "use a mempool instead of bytepool");

/* What the driver has with each request; zeroed as the disk is made. */
struct bounce_cmd {
	struct bytepool_waiter waiter;
	struct delayed_work work;
	struct bytepool_buf *buf;
	void *mem;
	/* When a buffer was asked for at first; 0: not yet. */
	ktime_t since;
};

static const size_t bounce_sizes[] = { SZ_4K,  SZ_8K,  SZ_16K,
				       SZ_32K, SZ_64K, BOUNCE_MAX };

static struct bytepool *bounce_pool;
static mempool_t *bounce_mempool;
static struct workqueue_struct *bounce_wq;
static struct blk_mq_tag_set bounce_tag_set;
static struct gendisk *bounce_disk;
static void *bounce_store;

static atomic_long_t nr_requests;
static atomic_long_t nr_requeues;
static atomic_long_t nr_alloc_failed;
static atomic64_t slowest_ns;

/* === Memory === */

static void bounce_wake(struct bytepool_waiter *waiter)
{
	struct bounce_cmd *cmd =
		container_of(waiter, struct bounce_cmd, waiter);

	/* Runs the queue, too. */
	blk_mq_requeue_request(blk_mq_rq_from_pdu(cmd), true);
}

/*
 * Get the memory of a request. BLK_STS_AGAIN: it waits, and is not the caller's
 * any more.
 */
static blk_status_t bounce_get(struct bounce_cmd *cmd, size_t len)
{
	gfp_t gfp = blocking ? GFP_NOIO : GFP_NOWAIT | __GFP_NOWARN;

	if (mempool) {
		cmd->mem = mempool_alloc(bounce_mempool, gfp);
		return cmd->mem ? BLK_STS_OK : BLK_STS_RESOURCE;
	}
	for (;;) {
		cmd->buf = bytepool_get_buf(bounce_pool, len, gfp);
		if (cmd->buf)
			break;
		cmd->waiter.wake = bounce_wake;
		if (bytepool_wait_async(bounce_pool, len, &cmd->waiter))
			return BLK_STS_AGAIN;
	}
	cmd->mem = bytepool_buf_data(cmd->buf);
	return BLK_STS_OK;
}

static void bounce_put(struct bounce_cmd *cmd)
{
	if (mempool)
		mempool_free(cmd->mem, bounce_mempool);
	else
		bytepool_buf_release(cmd->buf);
}

/* Counts for the comparison how often the allocator has nothing. */
static void *bounce_mempool_alloc(gfp_t gfp, void *size)
{
	void *mem = mempool_kmalloc(gfp, size);

	if (!mem)
		atomic_long_inc(&nr_alloc_failed);
	return mem;
}

/* === Requests === */

static void count_request(struct bounce_cmd *cmd)
{
	s64 ns = ktime_to_ns(ktime_sub(ktime_get(), cmd->since));
	s64 slowest = atomic64_read(&slowest_ns);

	cmd->since = 0;
	atomic_long_inc(&nr_requests);
	while (ns > slowest && !atomic64_try_cmpxchg(&slowest_ns, &slowest, ns))
		;
}

static void bounce_copy(struct request *rq, char *mem)
{
	struct req_iterator iter;
	struct bio_vec bvec;

	rq_for_each_segment(bvec, rq, iter) {
		if (rq_data_dir(rq) == WRITE)
			memcpy_from_bvec(mem, &bvec);
		else
			memcpy_to_bvec(&bvec, mem);
		mem += bvec.bv_len;
	}
}

/* The device is done with a request. */
static void bounce_work_fn(struct work_struct *work)
{
	struct bounce_cmd *cmd =
		container_of(to_delayed_work(work), struct bounce_cmd, work);
	struct request *rq = blk_mq_rq_from_pdu(cmd);
	void *store = bounce_store + (blk_rq_pos(rq) << SECTOR_SHIFT);

	if (rq_data_dir(rq) == WRITE) {
		memcpy(store, cmd->mem, blk_rq_bytes(rq));
	} else {
		memcpy(cmd->mem, store, blk_rq_bytes(rq));
		bounce_copy(rq, cmd->mem);
	}
	bounce_put(cmd);
	blk_mq_end_request(rq, BLK_STS_OK);
}

static blk_status_t bounce_queue_rq(struct blk_mq_hw_ctx *hctx,
				    const struct blk_mq_queue_data *bd)
{
	struct request *rq = bd->rq;
	struct bounce_cmd *cmd = blk_mq_rq_to_pdu(rq);
	blk_status_t ret;

	if (req_op(rq) != REQ_OP_READ && req_op(rq) != REQ_OP_WRITE)
		return BLK_STS_NOTSUPP;
	if (!cmd->since)
		cmd->since = ktime_get();
	/* Before it may wait: whoever wakes it requeues what was started. */
	blk_mq_start_request(rq);
	ret = bounce_get(cmd, blk_rq_bytes(rq));
	if (ret) {
		atomic_long_inc(&nr_requeues);
		return ret == BLK_STS_AGAIN ? BLK_STS_OK : ret;
	}
	count_request(cmd);
	if (rq_data_dir(rq) == WRITE)
		bounce_copy(rq, cmd->mem);
	INIT_DELAYED_WORK(&cmd->work, bounce_work_fn);
	queue_delayed_work(bounce_wq, &cmd->work, BOUNCE_LATENCY);
	return BLK_STS_OK;
}

static const struct blk_mq_ops bounce_mq_ops = {
	.queue_rq = bounce_queue_rq,
};

static const struct block_device_operations bounce_fops = {
	.owner = THIS_MODULE,
};

/* === Module === */

static int bounce_create_pool(void)
{
	const struct bytepool_config config = {
		.name = "bounce",
		.sizes = bounce_sizes,
		.nr_sizes = ARRAY_SIZE(bounce_sizes),
		.reserve = reserve,
	};

	if (mempool) {
		bounce_mempool = mempool_create(reserve, bounce_mempool_alloc,
						mempool_kfree,
						(void *)(size_t)BOUNCE_MAX);
		return bounce_mempool ? 0 : -ENOMEM;
	}
	bounce_pool = bytepool_create(&config);
	return PTR_ERR_OR_ZERO(bounce_pool);
}

static void bounce_destroy_pool(void)
{
	if (mempool)
		mempool_destroy(bounce_mempool);
	else
		bytepool_destroy(bounce_pool);
}

static int bounce_add_disk(void)
{
	struct queue_limits lim = {
		.logical_block_size = SECTOR_SIZE,
		.max_hw_sectors = BOUNCE_MAX >> SECTOR_SHIFT,
	};
	int ret;

	bounce_disk = blk_mq_alloc_disk(&bounce_tag_set, &lim, NULL);
	if (IS_ERR(bounce_disk))
		return PTR_ERR(bounce_disk);
	bounce_disk->fops = &bounce_fops;
	strscpy(bounce_disk->disk_name, "bounce", DISK_NAME_LEN);
	set_capacity(bounce_disk, (sector_t)size_mb * SZ_1M >> SECTOR_SHIFT);
	ret = add_disk(bounce_disk);
	if (ret)
		put_disk(bounce_disk);
	return ret;
}

static int bounce_create_disk(void)
{
	int ret;

	bounce_tag_set.ops = &bounce_mq_ops;
	bounce_tag_set.nr_hw_queues = 1;
	bounce_tag_set.queue_depth = BOUNCE_DEPTH;
	bounce_tag_set.numa_node = NUMA_NO_NODE;
	bounce_tag_set.cmd_size = sizeof(struct bounce_cmd);
	bounce_tag_set.flags = blocking ? BLK_MQ_F_BLOCKING : 0;
	ret = blk_mq_alloc_tag_set(&bounce_tag_set);
	if (ret)
		return ret;
	ret = bounce_add_disk();
	if (ret)
		blk_mq_free_tag_set(&bounce_tag_set);
	return ret;
}

static int __init bounce_init(void)
{
	int ret;

	bounce_store = vzalloc((size_t)size_mb * SZ_1M);
	if (!bounce_store)
		return -ENOMEM;
	ret = bounce_create_pool();
	if (ret)
		goto err_free_store;
	/* With a rescuer: it has to work when there is no memory for a thread. */
	bounce_wq = alloc_workqueue("bounce", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!bounce_wq) {
		ret = -ENOMEM;
		goto err_destroy_pool;
	}
	ret = bounce_create_disk();
	if (ret)
		goto err_destroy_wq;
	return 0;

err_destroy_wq:
	destroy_workqueue(bounce_wq);
err_destroy_pool:
	bounce_destroy_pool();
err_free_store:
	vfree(bounce_store);
	return ret;
}

static void __exit bounce_exit(void)
{
	/* Waits for all requests, those that wait for a buffer included. */
	del_gendisk(bounce_disk);
	destroy_workqueue(bounce_wq);
	/* Before the queue goes, since a wake() may be about to return. */
	bounce_destroy_pool();
	put_disk(bounce_disk);
	blk_mq_free_tag_set(&bounce_tag_set);
	vfree(bounce_store);
	pr_info("bounce: %ld requests, %ld queued anew, slowest get %lld us, %ld tries of mempool failed\n",
		atomic_long_read(&nr_requests), atomic_long_read(&nr_requeues),
		div_s64(atomic64_read(&slowest_ns), NSEC_PER_USEC),
		atomic_long_read(&nr_alloc_failed));
}

module_init(bounce_init);
module_exit(bounce_exit);

MODULE_DESCRIPTION("Disk with bounce buffers, a sample driver for bytepool");
MODULE_LICENSE("GPL");
