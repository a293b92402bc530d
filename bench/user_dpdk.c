// SPDX-License-Identifier: GPL-2.0
/*
 * DPDK's pools with their per-thread caches at the largest size that they
 * allow, in ordinary memory: no huge pages, no devices, nothing left behind.
 */
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "user_bench.h"

/* Enough for 128 held by each thread, and what its cache may keep beside. */
#define CACHE	   RTE_MEMPOOL_CACHE_MAX_SIZE
#define PER_THREAD (CACHE * 3 / 2 + BENCH_MAX_HELD + 512)

static struct rte_mempool *pool;

static void start_eal(void)
{
	char *args[] = { "bench",    "--no-huge",      "--no-shconf",
			 "--no-pci", "--no-telemetry", "--log-level=4",
			 "-m",	     "1024",	       "-l",
			 "0" };
	static bool is_started;

	if (!is_started &&
	    rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		bench_die("DPDK does not start");
	is_started = true;
}

/* How many of a size fit into the memory that DPDK was given. */
static unsigned int pool_count(size_t size, unsigned int threads)
{
	unsigned int nr = PER_THREAD * threads;
	unsigned int fit = (512UL << 20) / (size + 256);

	return nr < fit ? nr : fit;
}

static bool mempool_setup(size_t size, unsigned int threads)
{
	unsigned int nr = pool_count(size, threads);

	start_eal();
	pool = rte_mempool_create("bench", nr, size, CACHE, 0, NULL, NULL, NULL,
				  NULL, SOCKET_ID_ANY, 0);
	return pool;
}

static bool mbuf_setup(size_t size, unsigned int threads)
{
	start_eal();
	pool = rte_pktmbuf_pool_create("bench", pool_count(size, threads),
				       CACHE, 0, size + RTE_PKTMBUF_HEADROOM,
				       SOCKET_ID_ANY);
	return pool;
}

static bool pool_teardown(void)
{
	bool is_whole = rte_mempool_full(pool);

	rte_mempool_free(pool);
	return is_whole;
}

/* Without a number of its own a thread would have no cache. */
static void thread_enter(void)
{
	if (rte_lcore_id() == LCORE_ID_ANY && rte_thread_register())
		bench_die("DPDK does not take the thread");
}

/* The main thread is not registered, and stays. */
static void thread_leave(void)
{
	if (rte_lcore_id() != rte_get_main_lcore())
		rte_thread_unregister();
}

static void *mempool_get(size_t len)
{
	void *mem;

	(void)len;
	return rte_mempool_get(pool, &mem) ? NULL : mem;
}

static void mempool_put(void *mem)
{
	rte_mempool_put(pool, mem);
}

static void *mbuf_get(size_t len)
{
	(void)len;
	return rte_pktmbuf_alloc(pool);
}

static void mbuf_put(void *mem)
{
	rte_pktmbuf_free(mem);
}

BENCH_PATTERNS(mempool)
BENCH_PATTERNS(mbuf)

/* A packet's data room is a 16-bit number. */
const struct bench_candidate bench_candidates[] = {
	{ .name = "mempool",
	  .max_size = 65536,
	  .setup = mempool_setup,
	  .teardown = pool_teardown,
	  .enter = thread_enter,
	  .leave = thread_leave,
	  BENCH_OPS(mempool) },
	{ .name = "mbuf",
	  .max_size = 32768,
	  .setup = mbuf_setup,
	  .teardown = pool_teardown,
	  .enter = thread_enter,
	  .leave = thread_leave,
	  BENCH_OPS(mbuf) },
};

const unsigned int bench_nr_candidates =
	sizeof(bench_candidates) / sizeof(bench_candidates[0]);
