// SPDX-License-Identifier: GPL-2.0
/*
 * patterns - what drivers do with buffers by the kernel's own means
 *
 * Documentation/patterns.rst shows the parts of this file that stand between
 * "[name]" and "[end]". Loading the module tries each, and the kernel log has the
 * verdicts. It does not load if one is bad.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bvec.h>
#include <linux/kfifo.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/scatterlist.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "../bytepool.h"

#define NR_CONSUMERS 3
#define MESSAGE_LEN  5000
#define HEAD_LEN     64

static struct bytepool *pool;

/* === What the page shows === */

/* [fifo] */
struct consumer {
	DECLARE_KFIFO(views, struct bytepool_view, 16);
	unsigned int dropped;
};

/* Takes over the caller's reference. */
static void broadcast(struct consumer *consumers, unsigned int nr,
		      struct bytepool_buf *buf)
{
	struct bytepool_view view;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		view = bytepool_buf_bytes(buf);
		if (kfifo_put(&consumers[i].views, view))
			continue;
		/* Its queue is full: this consumer alone misses the message. */
		consumers[i].dropped++;
		bytepool_view_release(&view);
	}
	bytepool_buf_release(buf);
}

/* Returns false if there is none; else the caller releases the view. */
static bool next_message(struct consumer *consumer, struct bytepool_view *view)
{
	return kfifo_get(&consumer->views, view);
}

/* Once nobody broadcasts to it any more. */
static void consumer_leave(struct consumer *consumer)
{
	struct bytepool_view view;

	while (next_message(consumer, &view))
		bytepool_view_release(&view);
}
/* [end] */

/* [sg] */
/* The views stay until after dma_unmap_sg(). */
static int parts_to_sg(struct scatterlist sg[2],
		       const struct bytepool_view *head,
		       const struct bytepool_view *body)
{
	if (!bytepool_buf_is_contig(head->buf) ||
	    !bytepool_buf_is_contig(body->buf))
		return -EINVAL;
	sg_init_table(sg, 2);
	sg_set_buf(&sg[0], head->data, head->len);
	sg_set_buf(&sg[1], body->data, body->len);
	return 0;
}
/* [end] */

/* [bvec] */
/* From Linux 6.3 on: bvec_set_virt(bvec, view->data, view->len) */
static int view_to_bvec(struct bio_vec *bvec, const struct bytepool_view *view)
{
	if (!bytepool_buf_is_contig(view->buf))
		return -EINVAL;
	bvec->bv_page = virt_to_page(view->data);
	bvec->bv_offset = offset_in_page(view->data);
	bvec->bv_len = view->len;
	return 0;
}
/* [end] */

/* [iter] */
/* For write_iter(): a buffer with all that is to be written, or an ERR_PTR. */
static struct bytepool_buf *buf_from_iter(struct iov_iter *from)
{
	size_t len = iov_iter_count(from);
	struct bytepool_buf *buf;

	if (!len)
		return ERR_PTR(-EINVAL);
	buf = bytepool_get_buf(pool, len, GFP_KERNEL);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	if (!copy_from_iter_full(bytepool_buf_data(buf), len, from)) {
		bytepool_buf_release(buf);
		return ERR_PTR(-EFAULT);
	}
	return buf;
}
/* [end] */

/* === Verdicts === */

static u8 message[MESSAGE_LEN], copy[MESSAGE_LEN];

static struct bytepool_buf *message_buf(void)
{
	struct kvec vec = { .iov_base = message, .iov_len = MESSAGE_LEN };
	struct iov_iter from;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, MESSAGE_LEN);
	return buf_from_iter(&from);
}

static bool is_message(const void *mem)
{
	return !memcmp(mem, message, MESSAGE_LEN);
}

static bool nothing_in_use(void)
{
	struct bytepool_stats stats;

	bytepool_get_stats(pool, &stats);
	return stats.total_get == stats.total_put && !stats.oversize_in_use &&
	       !stats.misuse;
}

static bool try_iter(void)
{
	struct bytepool_buf *buf = message_buf();
	bool good;

	if (IS_ERR(buf))
		return false;
	good = bytepool_buf_len(buf) == MESSAGE_LEN &&
	       is_message(bytepool_buf_data(buf));
	bytepool_buf_release(buf);
	return good;
}

/* The first consumer reads, the others do not, and miss what has no room. */
static bool try_fifo(void)
{
	static struct consumer consumers[NR_CONSUMERS];
	struct bytepool_view view;
	struct bytepool_buf *buf;
	bool good = true;
	unsigned int i;

	for (i = 0; i < NR_CONSUMERS; i++)
		INIT_KFIFO(consumers[i].views);
	for (i = 0; i < 20 && good; i++) {
		buf = message_buf();
		if (IS_ERR(buf))
			return false;
		broadcast(consumers, NR_CONSUMERS, buf);
		good = next_message(&consumers[0], &view) &&
		       view.len == MESSAGE_LEN && is_message(view.data);
		bytepool_view_release(&view);
	}
	for (i = 0; i < NR_CONSUMERS; i++)
		consumer_leave(&consumers[i]);
	return good && !consumers[0].dropped && consumers[1].dropped == 4 &&
	       consumers[2].dropped == 4;
}

static bool try_sg(void)
{
	struct bytepool_buf *buf = message_buf();
	struct bytepool_view head, body;
	struct scatterlist sg[2];
	bool good;

	if (IS_ERR(buf))
		return false;
	head = bytepool_buf_slice(buf, 0, HEAD_LEN);
	body = bytepool_buf_slice(buf, HEAD_LEN, MESSAGE_LEN - HEAD_LEN);
	bytepool_buf_release(buf);
	memset(copy, 0, sizeof(copy));
	good = !parts_to_sg(sg, &head, &body) &&
	       sg_copy_to_buffer(sg, 2, copy, sizeof(copy)) == sizeof(copy) &&
	       is_message(copy);
	bytepool_view_release(&head);
	bytepool_view_release(&body);
	return good;
}

static bool try_bvec(void)
{
	struct bytepool_buf *buf = message_buf();
	struct bytepool_view view;
	struct iov_iter from;
	struct bio_vec bvec;
	bool good;

	if (IS_ERR(buf))
		return false;
	view = bytepool_buf_bytes(buf);
	bytepool_buf_release(buf);
	memset(copy, 0, sizeof(copy));
	good = !view_to_bvec(&bvec, &view);
	if (good) {
		iov_iter_bvec(&from, ITER_SOURCE, &bvec, 1, view.len);
		good = copy_from_iter_full(copy, view.len, &from) &&
		       is_message(copy);
	}
	bytepool_view_release(&view);
	return good;
}

static const struct {
	const char *name;
	bool (*try)(void);
} patterns[] = {
	{ "iter", try_iter },
	{ "fifo", try_fifo },
	{ "sg", try_sg },
	{ "bvec", try_bvec },
};

static int try_all(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < MESSAGE_LEN; i++)
		message[i] = i * 7 + i / 256;
	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		bool good = patterns[i].try() && nothing_in_use();

		pr_info("%s %s\n", patterns[i].name, good ? "good" : "BAD");
		if (!good)
			ret = -EIO;
	}
	return ret;
}

static int __init patterns_init(void)
{
	const struct bytepool_config config = {
		.name = "patterns",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
		.flags = BYTEPOOL_CONTIG,
	};
	int ret;

	pool = bytepool_create(&config);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	ret = try_all();
	if (ret)
		bytepool_destroy(pool);
	return ret;
}

static void __exit patterns_exit(void)
{
	bytepool_destroy(pool);
}

module_init(patterns_init);
module_exit(patterns_exit);

MODULE_DESCRIPTION("Patterns of bytepool's documentation");
MODULE_LICENSE("GPL");
