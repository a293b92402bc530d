// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the library, as a program uses it: the installed headers, nothing of
 * the shim's, and what only a process can do: exit of threads, more of them
 * than there are CPU numbers, fork(), signal handlers of its own.
 */
#include "lib_test.h"

/* These have to go with it. */
#include <linux/fs.h>
#include <linux/if_packet.h>
#include <linux/videodev2.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <urcu-bp.h>

/* Many times the CPUs that become possible at once. */
#define MANY_THREADS 300

bool failed;

/* A thread of a test that hangs does not hang all of them. */
#define HANGS_AFTER_SECONDS 180

struct bytepool *create(const char *name, unsigned int flags)
{
	struct bytepool_config config = {
		.name = name,
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
		.flags = flags,
	};
	struct bytepool *pool = bytepool_create(&config);

	if (IS_ERR(pool)) {
		printf("Bail out! no pool: %ld\n", PTR_ERR(pool));
		exit(EXIT_FAILURE);
	}
	return pool;
}

void check_quiet(struct bytepool *pool)
{
	struct bytepool_stats stats;

	bytepool_get_stats(pool, &stats);
	CHECK(stats.total_get == stats.total_put);
	CHECK(stats.misuse == 0);
	CHECK(stats.oversize_in_use == 0);
}

static __u64 idle_of(struct bytepool *pool)
{
	struct bytepool_tier_stats tier;
	unsigned int i;
	__u64 idle = 0;

	for (i = 0; !bytepool_get_tier_stats(pool, i, &tier); i++)
		idle += tier.idle;
	return idle;
}

/* Touches all of a few buffers of different sizes. */
void use(struct bytepool *pool)
{
	struct bytepool_buf *bufs[8];
	unsigned int i;
	void *mem;

	for (i = 0; i < 8; i++) {
		bufs[i] = bytepool_get_buf(pool, 64U << i, GFP_KERNEL);
		CHECK(bufs[i]);
		if (bufs[i])
			memset(bytepool_buf_data(bufs[i]), i, 64U << i);
	}
	mem = bytepool_get(pool, 100000, GFP_KERNEL);
	CHECK(mem);
	bytepool_put(pool, mem);
	for (i = 0; i < 8; i++)
		bytepool_buf_release(bufs[i]);
}

/* === Basics === */

static void basics(void)
{
	struct bytepool *pool = create("basics", 0);
	static char text[65536];
	struct bytepool_view view;
	struct bytepool_buf *buf;
	ssize_t len;
	char *mem;

	use(pool);
	check_quiet(pool);
	CHECK(idle_of(pool) == 9);

	buf = bytepool_get_buf(pool, 1000, GFP_KERNEL);
	memcpy(bytepool_buf_data(buf), "0123456789", 10);
	view = bytepool_buf_slice(buf, 3, 4);
	bytepool_buf_release(buf);
	CHECK(view.len == 4 && !memcmp(view.data, "3456", 4));
	len = bytepool_debugfs_read("basics/stats.json", text, sizeof(text));
	CHECK(len > 0 && text[0] == '{' && text[len - 1] == '\n');
	CHECK(memmem(text, len, "\"in_use\":1", 10));
	bytepool_view_release(&view);

	/* Beyond the tiers, and beyond what slab has. */
	mem = bytepool_get(pool, 20UL << 20, GFP_KERNEL | __GFP_ZERO);
	CHECK(mem && !mem[0] && !mem[(20UL << 20) - 1]);
	bytepool_put(pool, mem);
	CHECK(!bytepool_get(pool, (size_t)-1, GFP_KERNEL));
	CHECK(bytepool_debugfs_read("none/stats", text, 1) == -ENOENT);
	CHECK(bytepool_debugfs_read("basics", text, 1) == -EISDIR);
	check_quiet(pool);
	bytepool_destroy(pool);
	CHECK(bytepool_debugfs_read("basics/stats", text, 1) == -ENOENT);
}

struct conn {
	int fd;
	char inbox[100];
};

DEFINE_BYTEPOOL_OBJECTS(conn, struct conn);

static int conn_init(struct conn *conn, gfp_t gfp)
{
	(void)gfp;
	conn->fd = 42;
	return 0;
}

static void typed_objects(void)
{
	struct conn_pool *pool = conn_pool_create("conns", conn_init, NULL);
	struct conn *conn;

	CHECK(!IS_ERR(pool));
	conn = conn_pool_get(pool, GFP_KERNEL);
	CHECK(conn && conn->fd == 42);
	conn->fd = 43;
	conn_pool_put(pool, conn);
	CHECK(conn_pool_get(pool, GFP_KERNEL) == conn && conn->fd == 43);
	conn_pool_put(pool, conn);
	conn_pool_destroy(pool);
}

/* What is refused is refused here too, and goes to standard error. */
static void misuse(void)
{
	struct bytepool *pool = create("misuse", BYTEPOOL_CHECK);
	struct bytepool_stats stats;
	static int no_memory;
	void *mem;

	mem = malloc(64);
	bytepool_put(pool, mem);
	free(mem);
	bytepool_put(pool, &no_memory);
	bytepool_put(pool, &stats);
	mem = bytepool_get(pool, 100, GFP_KERNEL);
	bytepool_put(pool, (char *)mem + 8);
	bytepool_put(pool, mem);
	bytepool_get_stats(pool, &stats);
	CHECK(stats.misuse == 4);
	CHECK(stats.total_get == stats.total_put);
	bytepool_destroy(pool);
}

/* === What is outstanding === */

#define X4(x)  x x x x
#define X64(x) X4(X4(X4(x)))

/* Leaks a buffer of each tier at each of 64 call sites. */
static unsigned int leak_everywhere(struct bytepool *pool,
				    struct bytepool_buf **bufs)
{
	unsigned int nr = 0, tier;
	size_t len;

	for (tier = 0; tier < 9; tier++) {
		len = bytepool_sizes_pow2[tier];
		X64(bufs[nr++] = bytepool_get_buf(pool, len, GFP_KERNEL);)
	}
	return nr;
}

/*
 * The site that has most is shown first, whatever else is out: a table of 512
 * rows once had no place for it.
 */
static void outstanding_shows_the_largest_first(void)
{
	struct bytepool *pool = create("largest", 0);
	static struct bytepool_buf *bufs[9 * 64 + 500];
	unsigned int nr = 0, rows = 0, i;
	static char text[256 << 10];
	char *line;
	ssize_t len;

	for (i = 0; i < 500; i++)
		bufs[nr++] = bytepool_get_buf(pool, 65536, GFP_KERNEL);
	nr += leak_everywhere(pool, bufs + nr);
	len = bytepool_debugfs_read("largest/outstanding", text,
				    sizeof(text) - 1);
	CHECK(len > 0);
	text[len > 0 ? len : 0] = '\0';
	line = strchr(text, '\n');
	CHECK(line && strstr(line, " 65536        500 ") &&
	      strstr(line, " 65536        500 ") - line < 40);
	for (; line; line = strchr(line + 1, '\n'))
		rows++;
	/* The heading's newline, and one for each row. */
	CHECK(rows == 1 + 1 + 9 * 64);
	bytepool_release_bufs(nr, bufs);
	check_quiet(pool);
	bytepool_destroy(pool);
}

/* Entries that are known by address come and go with the table's levels. */
static void oversize_in_great_number(void)
{
	struct bytepool_config config = {
		.name = "oversize",
		.sizes = (const size_t[]){ 64 },
		.nr_sizes = 1,
	};
	struct bytepool *pool = bytepool_create(&config);
	unsigned int nr = 200000, i, round;
	struct bytepool_stats stats;
	void **mem;

	mem = calloc(nr, sizeof(*mem));
	for (round = 0; round < 2; round++) {
		for (i = 0; i < nr; i++)
			mem[i] = bytepool_get(pool, 100, GFP_KERNEL);
		/* Not in the order of the gets. */
		for (i = 0; i < nr; i++)
			bytepool_put(pool, mem[i * 7919ULL % nr]);
		check_quiet(pool);
	}
	bytepool_put(pool, mem[0]);
	bytepool_get_stats(pool, &stats);
	CHECK(stats.misuse == 1);
	CHECK(stats.oversize_in_use == 0);
	free(mem);
	bytepool_destroy(pool);
}

/* === Threads === */

static void *use_in_thread(void *arg)
{
	use(arg);
	return NULL;
}

/* What an exiting thread has idle goes back: its CPU is offline. */
static void threads_give_back_what_they_have_idle(void)
{
	struct bytepool *pool = create("exits", 0);
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		CHECK(!pthread_create(&thread, NULL, use_in_thread, pool));
		pthread_join(thread, NULL);
		CHECK(idle_of(pool) == 0);
	}
	check_quiet(pool);
	bytepool_destroy(pool);
}

static pthread_barrier_t barrier;

static void *use_in_crowd(void *arg)
{
	unsigned int i;

	use(arg);
	/* All of them at once, with a CPU or without. */
	pthread_barrier_wait(&barrier);
	for (i = 0; i < 20; i++)
		use(arg);
	return NULL;
}

static void hundreds_of_threads(void)
{
	struct bytepool *pool = create("crowd", 0);
	static pthread_t threads[MANY_THREADS];
	unsigned int i;

	pthread_barrier_init(&barrier, NULL, MANY_THREADS);
	for (i = 0; i < MANY_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, use_in_crowd, pool));
	for (i = 0; i < MANY_THREADS; i++)
		pthread_join(threads[i], NULL);
	check_quiet(pool);
	bytepool_destroy(pool);
	pthread_barrier_destroy(&barrier);
}

static pthread_key_t key;

static void use_while_exiting(void *arg)
{
	use(arg);
}

static void *exit_with_key(void *arg)
{
	use(arg);
	pthread_setspecific(key, arg);
	return NULL;
}

static void threads_in_exit_may_use_it(void)
{
	struct bytepool *pool = create("key", 0);
	pthread_t thread;

	CHECK(!pthread_key_create(&key, use_while_exiting));
	CHECK(!pthread_create(&thread, NULL, exit_with_key, pool));
	pthread_join(thread, NULL);
	pthread_key_delete(key);
	check_quiet(pool);
	bytepool_destroy(pool);
}

static void shrink_while_exiting(void *arg)
{
	bytepool_shrink(arg);
}

static void *exit_with_key_alone(void *arg)
{
	pthread_setspecific(key, arg);
	return NULL;
}

/*
 * The first that a thread does is in its exit, where it is too late to
 * register for that. Its stack is one that the C library does not keep.
 */
static void first_use_in_exit(void)
{
	struct bytepool *pool = create("exit", 0);
	pthread_attr_t attr;
	pthread_t thread;

	use(pool);
	CHECK(!pthread_key_create(&key, shrink_while_exiting));
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128UL << 20);
	CHECK(!pthread_create(&thread, &attr, exit_with_key_alone, pool));
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attr);
	pthread_key_delete(key);
	/* Looks at the threads that there are. */
	bytepool_shrink(pool);
	check_quiet(pool);
	bytepool_destroy(pool);
}

struct handover {
	struct bytepool *pool;
	struct bytepool_buf *slot;
	bool done;
};

static void *consumer(void *arg)
{
	struct handover *h = arg;

	while (!__atomic_load_n(&h->done, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&h->slot, __ATOMIC_RELAXED)) {
		bytepool_buf_release(
			__atomic_exchange_n(&h->slot, NULL, __ATOMIC_ACQ_REL));
		sched_yield();
	}
	return NULL;
}

static void *release_all(void *arg)
{
	bytepool_release_bufs(8, arg);
	return NULL;
}

/*
 * It never does what may sleep, and is a CPU all the same: what it releases is
 * in magazines of its own, and goes when it goes.
 */
static void a_thread_that_only_releases_is_a_cpu(void)
{
	struct bytepool *pool = create("releases", 0);
	struct bytepool_buf *bufs[8];
	pthread_t thread;

	CHECK(!bytepool_get_bufs(pool, 100, 8, bufs, GFP_KERNEL));
	CHECK(!pthread_create(&thread, NULL, release_all, bufs));
	pthread_join(thread, NULL);
	CHECK(idle_of(pool) == 0);
	check_quiet(pool);
	bytepool_destroy(pool);
}

static void a_thread_that_only_releases(void)
{
	struct handover h = { .pool = create("handover", 0) };
	struct bytepool_buf *buf;
	pthread_t thread;
	unsigned int i;

	CHECK(!pthread_create(&thread, NULL, consumer, &h));
	for (i = 0; i < 20000; i++) {
		buf = bytepool_get_buf(h.pool, 100, GFP_KERNEL);
		buf = __atomic_exchange_n(&h.slot, buf, __ATOMIC_ACQ_REL);
		bytepool_buf_release(buf);
	}
	__atomic_store_n(&h.done, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	check_quiet(h.pool);
	bytepool_destroy(h.pool);
}

/* === RCU === */

struct rcu_shelf {
	struct bytepool *pool;
	struct bytepool_buf *buf;
	bool done;
	unsigned long nr_found;
};

static void *look_up(void *arg)
{
	struct rcu_shelf *shelf = arg;

	while (!__atomic_load_n(&shelf->done, __ATOMIC_ACQUIRE)) {
		struct bytepool_buf *buf;
		bool found;

		urcu_bp_read_lock();
		buf = __atomic_load_n(&shelf->buf, __ATOMIC_CONSUME);
		found = bytepool_buf_tryretain(buf);
		urcu_bp_read_unlock();
		if (!found)
			continue;
		if (__atomic_load_n(&shelf->buf, __ATOMIC_ACQUIRE) == buf) {
			const char *data = bytepool_buf_data(buf);

			CHECK(data[0] == data[99]);
			__atomic_fetch_add(&shelf->nr_found, 1,
					   __ATOMIC_RELAXED);
		}
		bytepool_buf_release(buf);
	}
	return NULL;
}

static struct bytepool_buf *new_version(struct bytepool *pool, int version)
{
	struct bytepool_buf *buf = bytepool_get_buf(pool, 100, GFP_KERNEL);

	memset(bytepool_buf_data(buf), version, 100);
	return buf;
}

static void lookups_under_liburcu(void)
{
	struct rcu_shelf shelf = { .pool = create("rcu", BYTEPOOL_RCU) };
	struct bytepool_buf *old;
	pthread_t thread;
	int i;

	shelf.buf = new_version(shelf.pool, 0);
	CHECK(!pthread_create(&thread, NULL, look_up, &shelf));
	for (i = 0; i < 20000 ||
		    __atomic_load_n(&shelf.nr_found, __ATOMIC_RELAXED) < 100;
	     i++) {
		old = __atomic_exchange_n(&shelf.buf,
					  new_version(shelf.pool, i),
					  __ATOMIC_ACQ_REL);
		bytepool_buf_release(old);
	}
	__atomic_store_n(&shelf.done, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	bytepool_buf_release(shelf.buf);
	check_quiet(shelf.pool);
	bytepool_destroy(shelf.pool);
}

/* === Signal handlers === */

static struct bytepool *signal_pool;
static struct bytepool_buf *signal_slot[16];
static unsigned long nr_signals, nr_served;

static void swap_slot(unsigned int i, size_t len, gfp_t gfp)
{
	struct bytepool_buf *buf = bytepool_get_buf(signal_pool, len, gfp);

	if (buf)
		memset(bytepool_buf_data(buf), 1, len);
	buf = __atomic_exchange_n(&signal_slot[i], buf, __ATOMIC_ACQ_REL);
	bytepool_buf_release(buf);
}

static void on_alarm(int sig)
{
	void *mem;

	(void)sig;
	nr_signals++;
	/* Releases what the interrupted thread has got, and vice versa. */
	swap_slot(nr_signals % 16, 100 << nr_signals % 8, GFP_ATOMIC);
	mem = bytepool_get(signal_pool, 5000, GFP_ATOMIC);
	nr_served += !!mem;
	bytepool_put(signal_pool, mem);
}

static void start_signals(unsigned int us)
{
	const struct itimerval often = {
		.it_interval = { .tv_usec = us },
		.it_value = { .tv_usec = us },
	};
	struct sigaction action = {
		.sa_handler = on_alarm,
		.sa_flags = SA_RESTART,
	};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void stop_signals(void)
{
	const struct itimerval never = {};

	setitimer(ITIMER_REAL, &never, NULL);
	/* One may still be on its way. */
	signal(SIGALRM, SIG_IGN);
}

static void clear_slots(void)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		bytepool_buf_release(signal_slot[i]);
		signal_slot[i] = NULL;
	}
}

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void use_under_signals(unsigned int flags)
{
	double until = now() + 0.5;
	unsigned int i = 0;

	signal_pool = create("signals", flags);
	nr_signals = 0;
	nr_served = 0;
	start_signals(50);
	while (now() < until) {
		swap_slot(i % 16, 100 << i % 8, GFP_KERNEL);
		use(signal_pool);
		if (i++ % 64 == 0)
			bytepool_shrink(signal_pool);
		/* The C library's own locks are held now and then, too. */
		free(malloc(1000));
	}
	stop_signals();
	CHECK(nr_signals > 50);
	CHECK(nr_served > 0);
	clear_slots();
	check_quiet(signal_pool);
	bytepool_destroy(signal_pool);
}

static void signal_handlers_may_use_it(void)
{
	use_under_signals(0);
	use_under_signals(BYTEPOOL_RCU);
	use_under_signals(BYTEPOOL_CHECK);
}

static void *wait_for_signal(void *arg)
{
	(void)arg;
	raise(SIGUSR1);
	return NULL;
}

#ifdef __x86_64__
#define TRAP_FLAG 0x100UL

#define TOO_LARGE ((2 << 20) + 1)

/* The handler comes after each instruction whose number is at modulo every. */
static unsigned long nr_traps, trap_at, trap_every;
static size_t trap_len;
static void *trap_mem[2];

static void put_and_get(unsigned int i, size_t len)
{
	bytepool_put(signal_pool, trap_mem[i]);
	trap_mem[i] = bytepool_get(signal_pool, len, GFP_ATOMIC);
}

static void on_trap(int sig)
{
	(void)sig;
	if (nr_traps++ % trap_every != trap_at)
		return;
	swap_slot(nr_traps % 16, trap_len, GFP_ATOMIC);
	put_and_get(0, trap_len);
	put_and_get(1, TOO_LARGE);
}

/* Loads magazines, flushes them, and takes from and gives to slab. */
static void take_every_lock(void)
{
	struct bytepool_buf *bufs[12];
	void *mem[2];
	unsigned int i;

	for (i = 0; i < 12; i++)
		bufs[i] = bytepool_get_buf(signal_pool, trap_len, GFP_ATOMIC);
	mem[0] = bytepool_get(signal_pool, trap_len, GFP_ATOMIC);
	mem[1] = bytepool_get(signal_pool, TOO_LARGE, GFP_ATOMIC);
	for (i = 0; i < 12; i++)
		bytepool_buf_release(bufs[i]);
	for (i = 0; i < 2; i++)
		bytepool_put(signal_pool, mem[i]);
}

/* What a handler puts inside of a lock may be left to a worker. */
static void wait_until_quiet(struct bytepool *pool)
{
	struct bytepool_stats stats;

	do {
		bytepool_get_stats(pool, &stats);
	} while (stats.total_get != stats.total_put || stats.oversize_in_use);
}

static void step_under_signals(unsigned int flags, size_t len)
{
	unsigned int i;

	signal_pool = create("stepped", flags);
	signal(SIGTRAP, on_trap);
	trap_every = 16;
	trap_len = len;
	for (trap_at = 0; trap_at < trap_every; trap_at++) {
		nr_traps = 0;
		__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() |
					       TRAP_FLAG);
		take_every_lock();
		__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() &
					       ~TRAP_FLAG);
	}
	signal(SIGTRAP, SIG_DFL);
	if (nr_traps)
		CHECK(nr_traps > 1000);
	else
		puts("# the processor's trap flag does not trap");
	clear_slots();
	for (i = 0; i < 2; i++) {
		bytepool_put(signal_pool, trap_mem[i]);
		trap_mem[i] = NULL;
	}
	wait_until_quiet(signal_pool);
	check_quiet(signal_pool);
	bytepool_destroy(signal_pool);
}

static void signal_handlers_at_every_instruction(void)
{
	/* A magazine of this tier holds four. */
	step_under_signals(0, 64 << 10);
	step_under_signals(BYTEPOOL_RCU, 64 << 10);
	/* What is checked is looked at byte by byte. */
	step_under_signals(BYTEPOOL_CHECK, 100);
}
#endif

/* The first thing that a thread does with the library is in a handler. */
static void first_use_in_a_signal_handler(void)
{
	pthread_t thread;

	signal_pool = create("first", 0);
	use(signal_pool);
	signal(SIGUSR1, on_alarm);
	nr_signals = 0;
	CHECK(!pthread_create(&thread, NULL, wait_for_signal, NULL));
	pthread_join(thread, NULL);
	CHECK(nr_signals == 1);
	clear_slots();
	check_quiet(signal_pool);
	bytepool_destroy(signal_pool);
}

/* === fork === */

static struct bytepool *forked_pool;
static bool forking;

static void *use_until_forked(void *name)
{
	unsigned int i = 0;

	while (__atomic_load_n(&forking, __ATOMIC_ACQUIRE)) {
		use(forked_pool);
		if (i++ % 16 == 0)
			bytepool_shrink(forked_pool);
		if (i % 64 == 0)
			bytepool_destroy(create(name, 0));
	}
	return NULL;
}

static void *use_in_child(void *arg)
{
	use(arg);
	return NULL;
}

static int child(struct bytepool *pool, struct bytepool_buf *held)
{
	struct bytepool *other;
	pthread_t thread;
	unsigned int i;

	failed = false;
	/* A hang ends the child, and fails the test. */
	signal(SIGALRM, SIG_DFL);
	alarm(20);
	for (i = 0; i < 10; i++)
		use(pool);
	CHECK(!memcmp(bytepool_buf_data(held), "held", 5));
	bytepool_buf_release(held);
	other = create("child", 0);
	use(other);
	CHECK(!pthread_create(&thread, NULL, use_in_child, other));
	pthread_join(thread, NULL);
	bytepool_shrink(pool);
	check_quiet(other);
	bytepool_destroy(other);
	/* With what other threads had in use as the parent forked. */
	bytepool_destroy(pool);
	return failed;
}

static void forked_child_goes_on(void)
{
	static char names[2][2] = { "a", "b" };
	struct bytepool *pool = create("forked", 0);
	struct bytepool_buf *held;
	pthread_t threads[2];
	unsigned int i;
	int status;
	pid_t pid;

	held = bytepool_get_buf(pool, 100, GFP_KERNEL);
	strcpy(bytepool_buf_data(held), "held");
	forked_pool = pool;
	forking = true;
	for (i = 0; i < 2; i++)
		CHECK(!pthread_create(&threads[i], NULL, use_until_forked,
				      names[i]));
	for (i = 0; i < 40 && !failed; i++) {
		use(pool);
		fflush(stdout);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid)
			_exit(child(pool, held));
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	}
	__atomic_store_n(&forking, false, __ATOMIC_RELEASE);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	bytepool_buf_release(held);
	check_quiet(pool);
	bytepool_destroy(pool);
}

#ifdef __x86_64__
/* A thread that stands still after each instruction until it is told to go. */
static struct stepped {
	struct bytepool_buf *bufs[2];
	unsigned int at;
	unsigned int go;
} stepped;

static void stand_still(int sig)
{
	unsigned int at = __atomic_add_fetch(&stepped.at, 1, __ATOMIC_SEQ_CST);

	(void)sig;
	while (__atomic_load_n(&stepped.go, __ATOMIC_SEQ_CST) < at)
		sched_yield();
}

static void *release_step_by_step(void *arg)
{
	(void)arg;
	bytepool_release_bufs(2, stepped.bufs);
	stepped.bufs[1] = bytepool_get_buf(forked_pool, 100, GFP_KERNEL);
	stepped.bufs[0] = bytepool_get_buf(forked_pool, 100, GFP_KERNEL);
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() |
				       TRAP_FLAG);
	bytepool_buf_release(stepped.bufs[1]);
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() &
				       ~TRAP_FLAG);
	__atomic_store_n(&stepped.at, -1U, __ATOMIC_SEQ_CST);
	return NULL;
}

/* What the thread had is idle or lost; what the other one has is sound. */
static int child_of_stepped(struct bytepool *pool)
{
	struct bytepool_stats stats;

	signal(SIGALRM, SIG_DFL);
	alarm(20);
	bytepool_shrink(pool);
	bytepool_get_stats(pool, &stats);
	return stats.misuse || bytepool_buf_refcount(stepped.bufs[0]) != 1;
}

static void forked_in_the_middle_of_a_release(void)
{
	struct bytepool *pool = create("stepped", 0);
	unsigned int at = 0;
	pthread_t thread;
	int status;
	pid_t pid;

	CHECK(!bytepool_get_bufs(pool, 100, 2, stepped.bufs, GFP_KERNEL));
	forked_pool = pool;
	signal(SIGTRAP, stand_still);
	CHECK(!pthread_create(&thread, NULL, release_step_by_step, NULL));
	for (;;) {
		while (__atomic_load_n(&stepped.at, __ATOMIC_SEQ_CST) == at)
			sched_yield();
		at = __atomic_load_n(&stepped.at, __ATOMIC_SEQ_CST);
		if (at == -1U)
			break;
		fflush(stdout);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid)
			_exit(child_of_stepped(pool));
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
		__atomic_store_n(&stepped.go, at, __ATOMIC_SEQ_CST);
	}
	pthread_join(thread, NULL);
	signal(SIGTRAP, SIG_DFL);
	if (stepped.go)
		CHECK(stepped.go > 10);
	else
		puts("# the processor's trap flag does not trap");
	bytepool_buf_release(stepped.bufs[0]);
	check_quiet(pool);
	bytepool_destroy(pool);
}
#endif

/* === Running === */

static const struct lib_test tests[] = {
	{ "basics", basics },
	{ "typed_objects", typed_objects },
	{ "misuse", misuse },
	{ "outstanding_shows_the_largest_first",
	  outstanding_shows_the_largest_first },
	{ "oversize_in_great_number", oversize_in_great_number },
	{ "threads_give_back_what_they_have_idle",
	  threads_give_back_what_they_have_idle },
	{ "hundreds_of_threads", hundreds_of_threads },
	{ "first_use_in_exit", first_use_in_exit },
	{ "threads_in_exit_may_use_it", threads_in_exit_may_use_it },
	{ "a_thread_that_only_releases_is_a_cpu",
	  a_thread_that_only_releases_is_a_cpu },
	{ "a_thread_that_only_releases", a_thread_that_only_releases },
	{ "lookups_under_liburcu", lookups_under_liburcu },
	{ "signal_handlers_may_use_it", signal_handlers_may_use_it },
#ifdef __x86_64__
	{ "signal_handlers_at_every_instruction",
	  signal_handlers_at_every_instruction },
#endif
	{ "first_use_in_a_signal_handler", first_use_in_a_signal_handler },
	{ "forked_child_goes_on", forked_child_goes_on },
#ifdef __x86_64__
	{ "forked_in_the_middle_of_a_release",
	  forked_in_the_middle_of_a_release },
#endif
};

#define NR_TESTS (sizeof(tests) / sizeof(tests[0]))

static void *watchdog(void *arg)
{
	const struct timespec limit = { .tv_sec = HANGS_AFTER_SECONDS };

	(void)arg;
	nanosleep(&limit, NULL);
	printf("Bail out! a test hangs\n");
	_exit(EXIT_FAILURE);
}

/* Returns whether one has failed. */
static bool run_tests(const struct lib_test *test, size_t nr,
		      unsigned int first)
{
	bool any = false;
	size_t i;

	for (i = 0; i < nr; i++) {
		failed = false;
		test[i].run();
		printf("%s %zu %s\n", failed ? "not ok" : "ok", first + i,
		       test[i].name);
		any |= failed;
	}
	return any;
}

int main(int argc, char **argv)
{
	sigset_t all, before;
	pthread_t thread;
	bool any;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		return run_child(argv[1]);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_create(&thread, NULL, watchdog, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	printf("KTAP version 1\n1..%zu\n", NR_TESTS + nr_limit_tests);
	any = run_tests(tests, NR_TESTS, 1);
	any |= run_tests(limit_tests, nr_limit_tests, NR_TESTS + 1);
	return any;
}
