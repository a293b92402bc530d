// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the library at the limits that a process can have, or set itself:
 * addresses, mappings, memory. Each is in a process of its own, this program
 * anew with the name of a child as its argument: nothing has been used there.
 */
#include "lib_test.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1UL << 20)

/* The addresses that a small program with a pool may have. */
#define MOST (512 * MIB)

/* Ends a child that hangs. */
#define CHILD_SECONDS 30

static void in_child(const char *name)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		execl("/proc/self/exe", "lib_test", name, NULL);
		_exit(127);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (!WIFEXITED(status))
		printf("# %s: signal %d\n", name, WTERMSIG(status));
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
}

/* A line of /proc/self/status that is in KiB; in bytes. */
static size_t status_of(const char *field)
{
	FILE *file = fopen("/proc/self/status", "r");
	size_t len = strlen(field), kib = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, len) && line[len] == ':')
			kib = strtoul(line + len + 1, NULL, 10);
	if (file)
		fclose(file);
	return kib << 10;
}

/* A limit as programs set it, which know nothing of the library's addresses. */
static void limit_addresses(size_t more)
{
	size_t size = status_of("VmSize");
	const size_t limit = (size < MOST ? size : MOST) + more;
	const struct rlimit as = { .rlim_cur = limit, .rlim_max = limit };

	CHECK(!setrlimit(RLIMIT_AS, &as));
}

/* Takes all mappings that the process may have. */
static void take_all_mappings(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	size_t page = sysconf(_SC_PAGESIZE), size = 1UL << 30, i;
	char *mem = mmap(NULL, size, PROT_NONE, flags, -1, 0);

	CHECK(mem != MAP_FAILED);
	for (i = 0; i < size; i += 2 * page)
		if (mprotect(mem + i, page, PROT_READ))
			return;
	CHECK(!"that many are no limit");
}

static bool is_zero(const char *mem, size_t size)
{
	return !mem[0] && !memcmp(mem, mem + 1, size - 1);
}

/* === Addresses === */

/* What one pool had is nothing that another one gets as zeros. */
static void check_zeroed(void (*limit)(void), bool may_fail)
{
	struct bytepool *a = create("a", 0), *b = create("b", 0);
	const size_t size = 5 * MIB;
	unsigned int i;
	char *mem;

	for (i = 0; i < 3; i++) {
		mem = bytepool_get(a, size, GFP_KERNEL);
		CHECK(mem || may_fail);
		if (mem)
			memset(mem, 'S', size);
		if (!i)
			limit();
		bytepool_put(a, mem);
		/* Memory of this size is freed by a work item. */
		bytepool_destroy(create("waits", 0));
		mem = bytepool_get(b, size, GFP_KERNEL | __GFP_ZERO);
		CHECK(mem || may_fail);
		CHECK(!mem || is_zero(mem, size));
		bytepool_put(b, mem);
	}
	bytepool_destroy(a);
	bytepool_destroy(b);
}

static void leave_64_mib(void)
{
	limit_addresses(64 * MIB);
}

static void zeroed_under_rlimit_as(void)
{
	check_zeroed(leave_64_mib, false);
}

static void zeroed_without_mappings(void)
{
	check_zeroed(take_all_mappings, true);
}

static void zeroed_memory_is_zero(void)
{
	in_child("zeroed_under_rlimit_as");
	in_child("zeroed_without_mappings");
}

/* What the library has at rest, with a pool, is little. */
static void addresses_of_one_pool(void)
{
	struct bytepool *pool = create("one", 0);
	void *mem;

	use(pool);
	CHECK(status_of("VmSize") < MOST);
	limit_addresses(64 * MIB);
	mem = malloc(MIB);
	CHECK(mem);
	free(mem);
	bytepool_destroy(pool);
}

static void *use_and_wait(void *arg)
{
	pthread_barrier_t *barrier = arg;
	struct bytepool *pool = create("thread", 0);

	use(pool);
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	bytepool_destroy(pool);
	return NULL;
}

static void *only_wait(void *arg)
{
	pthread_barrier_wait(arg);
	pthread_barrier_wait(arg);
	return NULL;
}

/* Threads end when nothing can be mapped, and so does the process. */
static void threads_end(void (*limit)(void))
{
	struct bytepool *pool = create("ends", 0);
	pthread_barrier_t barrier;
	pthread_t threads[2];

	use(pool);
	pthread_barrier_init(&barrier, NULL, 3);
	CHECK(!pthread_create(&threads[0], NULL, use_and_wait, &barrier));
	CHECK(!pthread_create(&threads[1], NULL, only_wait, &barrier));
	pthread_barrier_wait(&barrier);
	limit();
	pthread_barrier_wait(&barrier);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
}

static void leave_nothing(void)
{
	limit_addresses(0);
}

static void threads_end_without_addresses(void)
{
	threads_end(leave_nothing);
}

static void threads_end_without_mappings(void)
{
	threads_end(take_all_mappings);
}

static void threads_end_at_limits(void)
{
	in_child("threads_end_without_addresses");
	in_child("threads_end_without_mappings");
}

static void few_addresses_are_taken(void)
{
	in_child("addresses_of_one_pool");
}

/* A get that finds no memory says so, and what is released is there again. */
static void gets_to_the_end(void)
{
	struct bytepool *pool = create("end", 0);
	struct bytepool_buf *bufs[512];
	unsigned int i, nr;

	/* A thread of the library's makes the C library take 128 of them. */
	limit_addresses(256 * MIB);
	for (nr = 0; nr < 512; nr++) {
		bufs[nr] = bytepool_get_buf(pool, MIB, GFP_KERNEL);
		if (!bufs[nr])
			break;
		memset(bytepool_buf_data(bufs[nr]), 1, MIB);
	}
	CHECK(nr > 64 && nr <= 256);
	for (i = 0; i < nr; i++)
		bytepool_buf_release(bufs[i]);
	CHECK(!bytepool_get_bufs(pool, MIB, nr, bufs, GFP_KERNEL));
	bytepool_release_bufs(nr, bufs);
	check_quiet(pool);
	bytepool_destroy(pool);
}

static void out_of_addresses(void)
{
	in_child("gets_to_the_end");
}

/* === Memory goes back === */

#define BURST_BUF  65536UL
#define BURST_BUFS 4000U
#define MAX_IDLE   MIB

static struct bytepool *burst(void)
{
	const struct bytepool_config config = {
		.name = "burst",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
		.max_idle = MAX_IDLE,
	};
	static struct bytepool_buf *bufs[BURST_BUFS];
	struct bytepool *pool = bytepool_create(&config);
	unsigned int i;

	CHECK(!IS_ERR(pool));
	for (i = 0; i < BURST_BUFS; i++) {
		bufs[i] = bytepool_get_buf(pool, BURST_BUF, GFP_KERNEL);
		CHECK(bufs[i]);
		memset(bytepool_buf_data(bufs[i]), 1, BURST_BUF);
	}
	bytepool_release_bufs(BURST_BUFS, bufs);
	return pool;
}

static void wait_for_rss(size_t most)
{
	double until = now() + 10;

	while (status_of("VmRSS") > most && now() < until)
		usleep(50000);
	CHECK(status_of("VmRSS") <= most);
}

static void rss_after_release(void)
{
	struct bytepool *pool = create("first", 0);
	size_t before;

	use(pool);
	before = status_of("VmRSS");
	bytepool_destroy(pool);
	pool = burst();
	wait_for_rss(before + MAX_IDLE + 4 * MIB);
	bytepool_destroy(pool);
	wait_for_rss(before + 4 * MIB);
}

static void rss_after_shrink(void)
{
	struct bytepool *pool = create("first", 0);
	size_t before;

	use(pool);
	before = status_of("VmRSS");
	bytepool_destroy(pool);
	pool = burst();
	bytepool_shrink(pool);
	CHECK(status_of("VmRSS") <= before + 4 * MIB);
	bytepool_destroy(pool);
}

static void a_burst_goes_back_to_the_system(void)
{
	in_child("rss_after_release");
	in_child("rss_after_shrink");
}

static const struct lib_test children[] = {
	{ "zeroed_under_rlimit_as", zeroed_under_rlimit_as },
	{ "zeroed_without_mappings", zeroed_without_mappings },
	{ "threads_end_without_addresses", threads_end_without_addresses },
	{ "threads_end_without_mappings", threads_end_without_mappings },
	{ "addresses_of_one_pool", addresses_of_one_pool },
	{ "gets_to_the_end", gets_to_the_end },
	{ "rss_after_release", rss_after_release },
	{ "rss_after_shrink", rss_after_shrink },
};

/**
 * run_child() - be one of the children
 * @name: which
 *
 * Return: the exit status.
 */
int run_child(const char *name)
{
	size_t i;

	alarm(CHILD_SECONDS);
	for (i = 0; i < sizeof(children) / sizeof(children[0]); i++)
		if (!strcmp(children[i].name, name))
			children[i].run();
	return failed;
}

const struct lib_test limit_tests[] = {
	{ "zeroed_memory_is_zero", zeroed_memory_is_zero },
	{ "few_addresses_are_taken", few_addresses_are_taken },
	{ "threads_end_at_limits", threads_end_at_limits },
	{ "out_of_addresses", out_of_addresses },
	{ "a_burst_goes_back_to_the_system", a_burst_goes_back_to_the_system },
};

const size_t nr_limit_tests = sizeof(limit_tests) / sizeof(limit_tests[0]);
