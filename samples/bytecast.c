// SPDX-License-Identifier: GPL-2.0
/*
 * bytecast - what one process writes reaches every process that reads
 *
 * A sample driver on bytepool, made to be copied. A message is copied from
 * user memory once, into a pooled buffer, and the queue of every reader holds
 * that buffer by reference, through a view. Readers are fast or slow, take a
 * message in parts, close or get killed with messages queued: none of them
 * knows whether it is the last to let go, and none has to.
 *
 * A write(2) of 1 byte to 16 MiB is one message; more is -EMSGSIZE. It reaches all
 * files that are open for reading at that moment, the writer's own too, or
 * none of them. With no reader it is dropped, and the write succeeds. All
 * readers see the messages in one order.
 *
 * A read(2) returns bytes of one message; what it leaves is for the next one.
 * Without a message it waits for one: there is no end of file.
 *
 * Slow readers lose nothing, writers wait for them: a queue with 64 messages
 * or 8 MiB takes no more until something was read, and meanwhile writes block,
 * or are -EAGAIN with O_NONBLOCK. The length of the write does not matter to
 * that, so POLLOUT is true for any message, and a queue stays below 24 MiB.
 * A reader that closes or dies holds nobody up.
 *
 * All messages that are held, by queues and by writers that wait, have 32 MiB at
 * most: the limit of the pool. A write past it waits for what readers let go of,
 * first come first served, or is -EAGAIN with O_NONBLOCK. POLLOUT does not know
 * of that, since it depends on the length.
 *
 * Locking:
 *
 * read_lock of a reader is held while a message is copied out, so that threads
 * sharing a file do not interleave, but never while waiting for a message.
 * bytecast_lock guards the list of readers and all their queues. It nests
 * inside read_lock. No interrupt takes it here; a driver that delivers from its
 * interrupt handler needs the irqsave form, and GFP_ATOMIC for its buffers.
 */
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "../bytepool.h"

/* Past the largest tier, a buffer is made for the message and not pooled. */
#define BYTECAST_MAX_MESSAGE SZ_16M

/* A queue that has this much of either takes no more. */
#define BYTECAST_QUEUE_MESSAGES 64
#define BYTECAST_QUEUE_BYTES	SZ_8M

/* What all messages have at most; room for two of the largest. */
#define BYTECAST_LIMIT SZ_32M

/* One file that is open for reading. */
struct bytecast_reader {
	/* Held while a message is copied out. */
	struct mutex read_lock;
	/* A ring: who has read_lock owns its head, who delivers its tail. */
	struct bytepool_view queue[BYTECAST_QUEUE_MESSAGES];
	/* Protected by bytecast_lock; head moves only with read_lock as well. */
	struct list_head node;
	unsigned int head;
	unsigned int tail;
	size_t bytes;
};

static struct bytepool *bytecast_pool;
static LIST_HEAD(bytecast_readers);
static DEFINE_SPINLOCK(bytecast_lock);
static DECLARE_WAIT_QUEUE_HEAD(bytecast_readable);
static DECLARE_WAIT_QUEUE_HEAD(bytecast_writable);

/* === Queues === */

static bool reader_has_message(struct bytecast_reader *reader)
{
	bool ret;

	spin_lock(&bytecast_lock);
	ret = reader->head != reader->tail;
	spin_unlock(&bytecast_lock);
	return ret;
}

static struct bytepool_view *reader_slot(struct bytecast_reader *reader,
					 unsigned int pos)
{
	return &reader->queue[pos % BYTECAST_QUEUE_MESSAGES];
}

static void reader_push(struct bytecast_reader *reader,
			struct bytepool_buf *buf)
{
	lockdep_assert_held(&bytecast_lock);

	*reader_slot(reader, reader->tail++) = bytepool_buf_bytes(buf);
	reader->bytes += bytepool_buf_len(buf);
}

/* Lets go of the oldest message: perhaps as the last, perhaps not. */
static void reader_pop(struct bytecast_reader *reader)
{
	struct bytepool_view *msg = reader_slot(reader, reader->head);
	size_t len = bytepool_buf_len(msg->buf);

	lockdep_assert_held(&reader->read_lock);

	bytepool_view_release(msg);
	spin_lock(&bytecast_lock);
	reader->head++;
	reader->bytes -= len;
	spin_unlock(&bytecast_lock);
	wake_up_interruptible_poll(&bytecast_writable, EPOLLOUT | EPOLLWRNORM);
}

static bool readers_have_room(void)
{
	struct bytecast_reader *reader;

	lockdep_assert_held(&bytecast_lock);

	list_for_each_entry(reader, &bytecast_readers, node) {
		if (reader->tail - reader->head >= BYTECAST_QUEUE_MESSAGES ||
		    reader->bytes >= BYTECAST_QUEUE_BYTES)
			return false;
	}
	return true;
}

static bool bytecast_is_writable(void)
{
	bool ret;

	spin_lock(&bytecast_lock);
	ret = readers_have_room();
	spin_unlock(&bytecast_lock);
	return ret;
}

/* To all readers or to none: a write that is tried again repeats nothing. */
static bool bytecast_deliver(struct bytepool_buf *buf)
{
	struct bytecast_reader *reader;
	bool ret;

	spin_lock(&bytecast_lock);
	ret = readers_have_room();
	if (ret) {
		list_for_each_entry(reader, &bytecast_readers, node)
			reader_push(reader, buf);
	}
	spin_unlock(&bytecast_lock);

	if (ret)
		wake_up_interruptible_poll(&bytecast_readable,
					   EPOLLIN | EPOLLRDNORM);
	return ret;
}

/* === File operations === */

static int bytecast_open(struct inode *inode, struct file *file)
{
	struct bytecast_reader *reader = NULL;

	if (file->f_mode & FMODE_READ) {
		reader = kzalloc(sizeof(*reader), GFP_KERNEL);
		if (!reader)
			return -ENOMEM;
		mutex_init(&reader->read_lock);
		spin_lock(&bytecast_lock);
		list_add_tail(&reader->node, &bytecast_readers);
		spin_unlock(&bytecast_lock);
	}
	file->private_data = reader;
	return stream_open(inode, file);
}

static int bytecast_release(struct inode *inode, struct file *file)
{
	struct bytecast_reader *reader = file->private_data;

	if (!reader)
		return 0;

	spin_lock(&bytecast_lock);
	list_del(&reader->node);
	spin_unlock(&bytecast_lock);
	/* Writers may have been waiting for this reader alone. */
	wake_up_interruptible_poll(&bytecast_writable, EPOLLOUT | EPOLLWRNORM);

	while (reader->head != reader->tail)
		bytepool_view_release(reader_slot(reader, reader->head++));
	mutex_destroy(&reader->read_lock);
	kfree(reader);
	return 0;
}

/* On success the caller has read_lock, and there is a message. */
static int reader_lock_message(struct bytecast_reader *reader, bool nonblock)
{
	int ret;

	for (;;) {
		if (mutex_lock_interruptible(&reader->read_lock))
			return -ERESTARTSYS;
		if (reader_has_message(reader))
			return 0;
		mutex_unlock(&reader->read_lock);

		if (nonblock)
			return -EAGAIN;
		ret = wait_event_interruptible(bytecast_readable,
					       reader_has_message(reader));
		if (ret)
			return ret;
	}
}

static ssize_t bytecast_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	struct bytecast_reader *reader = file->private_data;
	struct bytepool_view *msg;
	struct bytepool_view rest;
	size_t copied;
	int ret;

	if (!iov_iter_count(to))
		return 0;

	ret = reader_lock_message(reader, file->f_flags & O_NONBLOCK);
	if (ret)
		return ret;

	msg = reader_slot(reader, reader->head);
	copied = copy_to_iter(msg->data, min(msg->len, iov_iter_count(to)), to);
	if (copied == msg->len) {
		reader_pop(reader);
	} else if (copied) {
		rest = bytepool_view_slice(msg, copied, msg->len - copied);
		bytepool_view_release(msg);
		*msg = rest;
	}
	mutex_unlock(&reader->read_lock);

	if (!copied)
		return -EFAULT;
	return copied;
}

/* The buffer is the writer's own until it is delivered: no lock is needed. */
static struct bytepool_buf *message_from_user(struct iov_iter *from,
					      bool nonblock)
{
	long timeout = nonblock ? 0 : MAX_SCHEDULE_TIMEOUT;
	size_t len = iov_iter_count(from);
	struct bytepool_buf *buf;

	buf = bytepool_get_buf_wait(bytecast_pool, len, GFP_KERNEL,
				    TASK_INTERRUPTIBLE, timeout);
	if (buf == ERR_PTR(-ETIMEDOUT))
		return ERR_PTR(-EAGAIN);
	if (IS_ERR(buf))
		return buf;

	if (!copy_from_iter_full(bytepool_buf_data(buf), len, from)) {
		bytepool_buf_release(buf);
		return ERR_PTR(-EFAULT);
	}
	return buf;
}

static ssize_t bytecast_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	bool nonblock = iocb->ki_filp->f_flags & O_NONBLOCK;
	size_t len = iov_iter_count(from);
	struct bytepool_buf *buf;
	int ret = 0;

	if (!len)
		return 0;
	if (len > BYTECAST_MAX_MESSAGE)
		return -EMSGSIZE;

	buf = message_from_user(from, nonblock);
	if (IS_ERR(buf))
		return PTR_ERR(buf);

	while (!ret && !bytecast_deliver(buf)) {
		if (nonblock)
			ret = -EAGAIN;
		else
			ret = wait_event_interruptible(bytecast_writable,
						       bytecast_is_writable());
	}
	/* Delivered or not, the writer's own reference goes. */
	bytepool_buf_release(buf);
	if (ret)
		return ret;
	return len;
}

static __poll_t bytecast_poll(struct file *file, poll_table *wait)
{
	struct bytecast_reader *reader = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &bytecast_readable, wait);
	poll_wait(file, &bytecast_writable, wait);
	if (reader && reader_has_message(reader))
		events |= EPOLLIN | EPOLLRDNORM;
	if ((file->f_mode & FMODE_WRITE) && bytecast_is_writable())
		events |= EPOLLOUT | EPOLLWRNORM;
	return events;
}

/* With the owner set, rmmod is refused as long as a file is open. */
static const struct file_operations bytecast_fops = {
	.owner = THIS_MODULE,
	.open = bytecast_open,
	.release = bytecast_release,
	.read_iter = bytecast_read_iter,
	.write_iter = bytecast_write_iter,
	.poll = bytecast_poll,
};

static struct miscdevice bytecast_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bytecast",
	.fops = &bytecast_fops,
};

/* === Module === */

static int __init bytecast_init(void)
{
	const struct bytepool_config config = {
		.name = "bytecast",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
		/* Only the CPU touches messages: contiguity is not needed. */
		.flags = BYTEPOOL_VMALLOC,
		.limit = BYTECAST_LIMIT,
	};
	int ret;

	bytecast_pool = bytepool_create(&config);
	if (IS_ERR(bytecast_pool))
		return PTR_ERR(bytecast_pool);

	ret = misc_register(&bytecast_device);
	if (ret)
		goto err_destroy_pool;
	return 0;

err_destroy_pool:
	bytepool_destroy(bytecast_pool);
	return ret;
}

static void __exit bytecast_exit(void)
{
	misc_deregister(&bytecast_device);
	bytepool_destroy(bytecast_pool);
}

module_init(bytecast_init);
module_exit(bytecast_exit);

MODULE_DESCRIPTION("Broadcast device, a sample driver for bytepool");
MODULE_LICENSE("GPL");
