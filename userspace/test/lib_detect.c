// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what detectors see of a program that uses the library: this program is
 * compiled with AddressSanitizer, with ThreadSanitizer, or runs under memcheck.
 * Each case is a process of its own, this program anew with the case's name.
 * DETECT_RUN in the environment is what to run it under, DETECT_WORDS what the
 * report of memory that is touched while it is idle says.
 */
#include "lib_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#if defined(__SANITIZE_THREAD__)
#define RACES true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RACES true
#endif
#endif
#ifndef RACES
#define RACES false
#endif

bool failed;

static struct bytepool *pool;

/* Compilers do not see where it is from. */
static void touch(void *mem, size_t offset)
{
	((volatile char *)mem)[offset]++;
}

/* === Memory that is idle === */

static void write_after_release(void)
{
	struct bytepool_buf *buf = bytepool_get_buf(pool, 1000, GFP_KERNEL);
	char *data = bytepool_buf_data(buf);

	touch(data, 0);
	bytepool_buf_release(buf);
	touch(data, 0);
}

static void write_after_put(void)
{
	char *mem = bytepool_get(pool, 1000, GFP_KERNEL);

	bytepool_put(pool, mem);
	touch(mem, 100);
}

static void write_after_shrink(void)
{
	char *mem = bytepool_get(pool, 1000, GFP_KERNEL);
	char *other = bytepool_get(pool, 1000, GFP_KERNEL);

	bytepool_put(pool, mem);
	bytepool_shrink(pool);
	touch(other, 0);
	touch(mem, 0);
}

static void write_behind_the_capacity(void)
{
	char *mem = bytepool_get(pool, 1000, GFP_KERNEL);

	touch(mem, bytepool_size_roundup(pool, 1000));
}

struct thing {
	char bytes[100];
};

DEFINE_BYTEPOOL_OBJECTS(thing, struct thing);

static int thing_init(struct thing *thing, gfp_t gfp)
{
	(void)gfp;
	memset(thing, 'i', sizeof(*thing));
	return 0;
}

static void thing_fini(struct thing *thing)
{
	CHECK(thing->bytes[0] == 'i');
	memset(thing, 'f', sizeof(*thing));
}

static void write_object_after_put(void)
{
	struct thing_pool *things =
		thing_pool_create("things", thing_init, thing_fini);
	struct thing *thing = thing_pool_get(things, GFP_KERNEL);

	thing_pool_put(things, thing);
	touch(thing, 10);
}

/* === What is no fault === */

#define NR_THREADS 4
#define NR_SLOTS   64
#define NR_STEPS   5000

/* Protects the slots. */
static pthread_mutex_t slots_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct bytepool_buf *slots[NR_SLOTS];

/* Puts a buffer of the thread's own into a slot, for others to read. */
static void share(struct bytepool_buf *buf, unsigned int slot)
{
	struct bytepool_buf *before;

	bytepool_buf_retain(buf);
	pthread_mutex_lock(&slots_mutex);
	before = slots[slot];
	slots[slot] = buf;
	pthread_mutex_unlock(&slots_mutex);
	bytepool_buf_release(before);
}

static void read_shared(unsigned int slot)
{
	struct bytepool_view view;

	pthread_mutex_lock(&slots_mutex);
	view = bytepool_buf_bytes(slots[slot]);
	pthread_mutex_unlock(&slots_mutex);
	if (view.buf)
		(void)*(volatile char *)view.data;
	bytepool_view_release(&view);
}

static void *work(void *arg)
{
	unsigned int seed = (unsigned int)(size_t)arg, i;
	struct bytepool_buf *buf;
	char *mem;
	size_t len;

	for (i = 0; i < NR_STEPS; i++) {
		len = 1 + rand_r(&seed) % 10000;
		buf = bytepool_get_buf(pool, len, GFP_KERNEL);
		memset(bytepool_buf_data(buf), i, len);
		if (i % 3)
			read_shared(rand_r(&seed) % NR_SLOTS);
		else
			share(buf, rand_r(&seed) % NR_SLOTS);
		(void)*(volatile char *)bytepool_buf_data(buf);
		bytepool_buf_release(buf);
		mem = bytepool_get(pool, len, GFP_KERNEL | __GFP_ZERO);
		touch(mem, len - 1);
		bytepool_put(pool, mem);
		if (!(i % 1000))
			bytepool_shrink(pool);
	}
	return NULL;
}

static void buffers_go_round(void)
{
	pthread_t threads[NR_THREADS];
	size_t i;

	for (i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, work, (void *)i));
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	bytepool_release_bufs(NR_SLOTS, slots);
}

static void objects_come_and_go(void)
{
	struct thing_pool *things =
		thing_pool_create("things", thing_init, thing_fini);
	struct thing *thing;
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		thing = thing_pool_get(things, GFP_KERNEL);
		CHECK(thing->bytes[99] == 'i');
		thing_pool_put(things, thing);
	}
	thing_pool_destroy(things);
}

/* === A race === */

static void *touch_it(void *arg)
{
	touch(arg, 0);
	return NULL;
}

static void two_threads_write(void)
{
	struct bytepool_buf *buf = bytepool_get_buf(pool, 100, GFP_KERNEL);
	pthread_t thread;

	pthread_create(&thread, NULL, touch_it, bytepool_buf_data(buf));
	touch(bytepool_buf_data(buf), 0);
	pthread_join(thread, NULL);
	bytepool_buf_release(buf);
}

/* === Cases === */

enum fault {
	NO_FAULT,
	IDLE_TOUCHED,
	RACE,
};

static const struct detect_case {
	const char *name;
	void (*run)(void);
	enum fault fault;
} cases[] = {
	{ "buffers_go_round", buffers_go_round, NO_FAULT },
	{ "objects_come_and_go", objects_come_and_go, NO_FAULT },
	{ "write_after_release", write_after_release, IDLE_TOUCHED },
	{ "write_after_put", write_after_put, IDLE_TOUCHED },
	{ "write_after_shrink", write_after_shrink, IDLE_TOUCHED },
	{ "write_behind_the_capacity", write_behind_the_capacity,
	  IDLE_TOUCHED },
	{ "write_object_after_put", write_object_after_put, IDLE_TOUCHED },
	{ "two_threads_write", two_threads_write, RACE },
};

#define NR_CASES (sizeof(cases) / sizeof(cases[0]))

static int run_case(const char *name)
{
	const struct bytepool_config config = {
		.name = "detect",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
	};
	size_t i;

	pool = bytepool_create(&config);
	CHECK(!IS_ERR(pool));
	for (i = 0; i < NR_CASES; i++)
		if (!strcmp(cases[i].name, name))
			cases[i].run();
	bytepool_destroy(pool);
	return failed;
}

/* The report that a case causes, or NULL. */
static const char *words_of(const struct detect_case *what)
{
	if (what->fault == RACE)
		return RACES ? "data race" : NULL;
	return what->fault == IDLE_TOUCHED ? getenv("DETECT_WORDS") : NULL;
}

/* Runs it, and looks for words in what it says. */
static bool is_as_expected(const char *self, const struct detect_case *what)
{
	const char *under = getenv("DETECT_RUN"), *words = words_of(what);
	char command[8192], line[1024];
	bool found = false;
	FILE *out;

	snprintf(command, sizeof(command), "%s '%s' %s 2>&1",
		 under ? under : "", self, what->name);
	out = popen(command, "r");
	if (!out)
		return false;
	while (fgets(line, sizeof(line), out)) {
		found |= words && strstr(line, words);
		if (!words)
			printf("# %s", line);
	}
	return pclose(out) ? found : !words;
}

int main(int argc, char **argv)
{
	bool any = false, ok;
	size_t i;

	if (argc > 1)
		return run_case(argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..%zu\n", NR_CASES);
	for (i = 0; i < NR_CASES; i++) {
		ok = is_as_expected(argv[0], &cases[i]);
		printf("%sok %zu %s\n", ok ? "" : "not ", i + 1, cases[i].name);
		any |= !ok;
	}
	return any;
}
