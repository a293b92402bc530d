/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bytepool - maps the block layer of older kernels up to the newest interfaces
 *
 * As compat.h, for samples/bounce.c, which alone has a disk. Kbuild includes
 * this before it.
 */
#ifndef _BYTEPOOL_COMPAT_BLK_H
#define _BYTEPOOL_COMPAT_BLK_H

#include <linux/version.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>

/* 6.9: a disk gets its limits as it is made. These are the ones in use here. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
static inline struct gendisk *
blk_mq_alloc_disk_limited(struct blk_mq_tag_set *set,
			  const struct queue_limits *lim, void *queuedata,
			  struct lock_class_key *key)
{
	struct gendisk *disk = __blk_mq_alloc_disk(set, queuedata, key);

	if (IS_ERR(disk))
		return disk;
	blk_queue_logical_block_size(disk->queue, lim->logical_block_size);
	blk_queue_max_hw_sectors(disk->queue, lim->max_hw_sectors);
	return disk;
}

#undef blk_mq_alloc_disk
#define blk_mq_alloc_disk(set, lim, queuedata)                          \
	({                                                              \
		static struct lock_class_key __key;                     \
		blk_mq_alloc_disk_limited(set, lim, queuedata, &__key); \
	})
#endif

/* 6.14: requests are merged without a flag that asks for it. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
static inline int blk_mq_alloc_merging_tag_set(struct blk_mq_tag_set *set)
{
	set->flags |= BLK_MQ_F_SHOULD_MERGE;
	return blk_mq_alloc_tag_set(set);
}

#define blk_mq_alloc_tag_set(set) blk_mq_alloc_merging_tag_set(set)
#endif

#endif /* _BYTEPOOL_COMPAT_BLK_H */
