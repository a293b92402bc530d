// SPDX-License-Identifier: GPL-2.0
/*
 * patterns_wake - queues that stop without memory, and go on by wake()
 *
 * Documentation/patterns.rst shows the parts of this file that stand between
 * "[name]" and "[end]". Loading the module makes a network device that can send
 * two packets at a time, and gives it more. The kernel log has the verdict. It does
 * not load if that is bad. The block driver's part is compiled alone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blk-mq.h>
#include <linux/completion.h>
#include <linux/etherdevice.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/printk.h>
#include <linux/rtnetlink.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/string.h>

#include "../bytepool.h"

/* Frames that the device can have at once, and that it is given. */
#define NR_AT_ONCE  2
#define NR_FRAMES   6
#define FRAME_LEN   1000
#define FRAME_PROTO ETH_P_802_EX1

/* === The devices === */

/* Frames on the wire, in order, and how many there have been. */
static struct bytepool_buf *sent[NR_FRAMES];
static unsigned int nr_sent;
static DECLARE_COMPLETION(one_sent);

/* Called with the lock of the queue held. Who looks releases the buffer. */
static void frob_send(struct bytepool_buf *buf)
{
	const struct ethhdr *eth = bytepool_buf_data(buf);

	/* The kernel may send something by itself. */
	if (eth->h_proto != htons(FRAME_PROTO) || nr_sent == NR_FRAMES) {
		bytepool_buf_release(buf);
		return;
	}
	sent[nr_sent++] = buf;
	complete(&one_sent);
}

/* A disk that reads and writes nothing. */
static void frob_blk_start(struct request *rq, struct bytepool_buf *buf)
{
	bytepool_buf_release(buf);
	blk_mq_end_request(rq, BLK_STS_OK);
}

/* === What the page shows === */

/* [net] */
struct frob_net {
	struct net_device *dev;
	struct bytepool *pool;
	struct bytepool_waiter waiter; /* .wake is frob_net_wake() */
};

static void frob_net_wake(struct bytepool_waiter *waiter)
{
	struct frob_net *net = container_of(waiter, struct frob_net, waiter);

	netif_wake_queue(net->dev);
}

/* Returns NULL, and the queue is stopped until wake(), or an ERR_PTR. */
static struct bytepool_buf *frob_net_get(struct frob_net *net, size_t len)
{
	struct bytepool_buf *buf;

	buf = bytepool_get_buf(net->pool, len, GFP_ATOMIC | __GFP_NOWARN);
	if (buf)
		return buf;
	/* First, because wake() may come at once. */
	netif_stop_queue(net->dev);
	if (bytepool_wait_async(net->pool, len, &net->waiter))
		return NULL;
	/* Something came back since the get. */
	netif_start_queue(net->dev);
	buf = bytepool_get_buf(net->pool, len, GFP_ATOMIC | __GFP_NOWARN);
	return buf ?: ERR_PTR(-ENOMEM);
}

static netdev_tx_t frob_net_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct bytepool_buf *buf = frob_net_get(netdev_priv(dev), skb->len);

	/* The stack keeps the packet, and sends it again when the queue wakes. */
	if (!buf)
		return NETDEV_TX_BUSY;
	if (IS_ERR(buf)) {
		dev->stats.tx_dropped++;
	} else {
		skb_copy_bits(skb, 0, bytepool_buf_data(buf), skb->len);
		frob_send(buf);
	}
	dev_consume_skb_any(skb);
	return NETDEV_TX_OK;
}

/* ndo_stop: nobody is in frob_net_xmit() any more. */
static int frob_net_stop(struct net_device *dev)
{
	struct frob_net *net = netdev_priv(dev);

	netif_stop_queue(dev);
	bytepool_wait_cancel(net->pool, &net->waiter);
	return 0;
}
/* [end] */

/* [blk] */
struct frob_blk {
	struct request_queue *queue;
	struct bytepool *pool;
	struct bytepool_waiter waiter; /* .wake is frob_blk_wake() */
	unsigned long flags;
};

/* In frob_blk.flags: the waiter is armed, or is just being so. */
#define FROB_WAITS 0

static void frob_blk_wake(struct bytepool_waiter *waiter)
{
	struct frob_blk *blk = container_of(waiter, struct frob_blk, waiter);

	/* First: a request that fails in the run arms the waiter again. */
	clear_bit(FROB_WAITS, &blk->flags);
	blk_mq_run_hw_queues(blk->queue, true);
}

/* Many requests may fail at once: one of them arms the waiter for all. */
static struct bytepool_buf *frob_blk_get(struct frob_blk *blk, size_t len)
{
	const gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN;
	struct bytepool_buf *buf;

	buf = bytepool_get_buf(blk->pool, len, gfp);
	if (buf || test_and_set_bit(FROB_WAITS, &blk->flags))
		return buf;
	if (bytepool_wait_async(blk->pool, len, &blk->waiter))
		return NULL;
	/* Something came back since the get. */
	clear_bit(FROB_WAITS, &blk->flags);
	return bytepool_get_buf(blk->pool, len, gfp);
}

static blk_status_t frob_blk_queue_rq(struct blk_mq_hw_ctx *hctx,
				      const struct blk_mq_queue_data *bd)
{
	struct frob_blk *blk = hctx->queue->queuedata;
	struct bytepool_buf *buf = frob_blk_get(blk, blk_rq_bytes(bd->rq));

	/* Not DEV_RESOURCE: wake() may run before the request is in a list. */
	if (!buf)
		return BLK_STS_RESOURCE;
	blk_mq_start_request(bd->rq);
	frob_blk_start(bd->rq, buf);
	return BLK_STS_OK;
}
/* [end] */

/* What a driver does as it makes its disk. */
static void __maybe_unused frob_blk_init(struct frob_blk *blk,
					 struct blk_mq_tag_set *set)
{
	static const struct blk_mq_ops ops = { .queue_rq = frob_blk_queue_rq };

	blk->waiter.wake = frob_blk_wake;
	set->ops = &ops;
}

/* === Verdict === */

static struct bytepool *pool;
static struct net_device *frob;

static int frob_net_open(struct net_device *dev)
{
	netif_start_queue(dev);
	return 0;
}

static const struct net_device_ops frob_net_ops = {
	.ndo_open = frob_net_open,
	.ndo_stop = frob_net_stop,
	.ndo_start_xmit = frob_net_xmit,
};

/* Frame @nr has its number in every byte behind the header. */
static int give_frame(unsigned int nr)
{
	struct sk_buff *skb = alloc_skb(FRAME_LEN, GFP_KERNEL);
	struct ethhdr *eth;

	if (!skb)
		return -ENOMEM;
	skb_reset_mac_header(skb);
	eth = skb_put(skb, FRAME_LEN);
	memset(eth, nr, FRAME_LEN);
	eth->h_proto = htons(FRAME_PROTO);
	skb->protocol = eth->h_proto;
	skb->dev = frob;
	dev_queue_xmit(skb);
	return 0;
}

static bool is_frame(struct bytepool_buf *buf, unsigned int nr)
{
	return bytepool_buf_len(buf) == FRAME_LEN &&
	       !memchr_inv(bytepool_buf_data(buf) + ETH_HLEN, nr,
			   FRAME_LEN - ETH_HLEN);
}

/*
 * The pool has room for two frames. Each that is released lets the queue go on
 * with the next.
 */
static bool try_net(void)
{
	struct bytepool_stats stats;
	bool good = true;
	unsigned int i;

	for (i = 0; i < NR_FRAMES; i++)
		if (give_frame(i))
			return false;
	for (i = 0; i < NR_FRAMES && good; i++) {
		good = wait_for_completion_timeout(&one_sent, 10 * HZ) &&
		       is_frame(sent[i], i);
		if (i < NR_AT_ONCE - 1)
			continue;
		bytepool_buf_release(sent[i - (NR_AT_ONCE - 1)]);
		sent[i - (NR_AT_ONCE - 1)] = NULL;
	}
	bytepool_get_stats(pool, &stats);
	return good && stats.fail && !stats.misuse;
}

static int make_device(void)
{
	struct frob_net *net;
	int ret;

	frob = alloc_etherdev(sizeof(*net));
	if (!frob)
		return -ENOMEM;
	net = netdev_priv(frob);
	net->dev = frob;
	net->pool = pool;
	net->waiter.wake = frob_net_wake;
	strscpy(frob->name, "frob%d", sizeof(frob->name));
	frob->netdev_ops = &frob_net_ops;
	eth_hw_addr_random(frob);
	ret = register_netdev(frob);
	if (ret)
		goto err_free;
	rtnl_lock();
	ret = dev_open(frob, NULL);
	rtnl_unlock();
	if (!ret)
		return 0;
	unregister_netdev(frob);

err_free:
	free_netdev(frob);
	return ret;
}

static void end_device(void)
{
	unsigned int i;

	unregister_netdev(frob);
	free_netdev(frob);
	for (i = 0; i < NR_FRAMES; i++)
		bytepool_buf_release(sent[i]);
}

static int __init patterns_wake_init(void)
{
	const struct bytepool_config config = {
		.name = "patterns_wake",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
		.limit = NR_AT_ONCE * SZ_1K,
	};
	bool good;
	int ret;

	pool = bytepool_create(&config);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	ret = make_device();
	if (ret)
		goto err_destroy;
	good = try_net();
	pr_info("net %s\n", good ? "good" : "BAD");
	if (good)
		return 0;
	ret = -EIO;
	end_device();

err_destroy:
	bytepool_destroy(pool);
	return ret;
}

static void __exit patterns_wake_exit(void)
{
	end_device();
	bytepool_destroy(pool);
}

module_init(patterns_wake_init);
module_exit(patterns_wake_exit);

MODULE_DESCRIPTION("Patterns of waiting, of bytepool's documentation");
MODULE_LICENSE("GPL");
