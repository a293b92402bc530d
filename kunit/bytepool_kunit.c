// SPDX-License-Identifier: GPL-2.0
/*
 * bytepool test cases: the contract that bytepool's users rely on, said in
 * code. The suites, in the order in which they run:
 *
 *	create.c	what a pool can be made from, and what is refused
 *	raw.c		raw memory; what gfp flags may ask for
 *	buf.c		buffers: lengths, references, content; views of them
 *	idle.c		many at once; idle memory and its bound; the limit
 *	stats.c		statistics
 *	misuse.c	what is refused always, and with every check there is
 *	context.c	interrupts off, and interrupts that use the same pool
 *	cpus.c		several CPUs that use the same pool
 *	load.c		pools under load: drains, CPUs that go offline, long runs
 *	rcu.c		buffers found under RCU
 *	destroy.c	the end of a pool, with memory out
 *	objects.c	typed object pools
 *	wrap.c		buffers whose memory is not the pool's
 *	reserve.c	buffers that a get can always have
 *	wait.c		who waits for buffers
 *
 * They are one module: bytepool_kunit.ko on kernels with KUnit; elsewhere,
 * with the small KUnit in standalone/, bytepool_selftest.ko. Userspace runs
 * them too.
 */
#include <linux/module.h>

#include "cases.h"

kunit_test_suites(&bpt_create_suite, &bpt_raw_suite, &bpt_gfp_suite,
		  &bpt_buf_suite, &bpt_view_suite, &bpt_bulk_suite,
		  &bpt_idle_suite, &bpt_limit_suite, &bpt_stats_suite,
		  &bpt_misuse_suite, &bpt_check_suite, &bpt_context_suite,
		  &bpt_cpus_suite, &bpt_load_suite, &bpt_rcu_suite,
		  &bpt_destroy_suite, &bpt_objects_suite, &bpt_wrap_suite,
		  &bpt_reserve_suite, &bpt_wait_suite);

MODULE_DESCRIPTION("Test cases of bytepool");
MODULE_LICENSE("GPL");
