// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the library at the limits that a process can have, or set itself:
 * addresses, mappings, memory. Each is in a process of its own, this program
 * anew with the name of a child as its argument: nothing has been used there.
 */
#include "lib_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1UL << 20)

/* The addresses that a small program with a pool may have. */
#define MOST (512 * MIB)

/* Ends a child that hangs. */
#define CHILD_SECONDS 30

/* Starts this program anew; what it says on standard error goes to @err. */
static pid_t start(const char *path, const char *child, int err)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		if (err >= 0)
			dup2(err, STDERR_FILENO);
		execl(path, "lib_test", child, NULL);
		_exit(127);
	}
	return pid;
}

static int status_of_child(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	printf("# ended by signal %d\n", WTERMSIG(status));
	return -1;
}

/* The file of this program. Where valgrind runs it, only readlink(2) tells. */
static const char *own_path(void)
{
	static char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	CHECK(len > 0);
	path[len < 0 ? 0 : len] = '\0';
	return path;
}

static void in_child(const char *name)
{
	CHECK(!status_of_child(start(own_path(), name, -1)));
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

static sem_t memory_is_gone;

static void *first_use(void *pool)
{
	sem_wait(&memory_is_gone);
	bytepool_put(pool, bytepool_get(pool, 100, GFP_KERNEL));
	return NULL;
}

/* The C library once ended the program, whose thread could not be registered. */
static void first_use_without_memory(void)
{
	/* The compiler knows malloc(), and would drop what is not used. */
	void *(*volatile take)(size_t size) = malloc;
	struct bytepool *pool = create("first", 0);
	pthread_t thread;
	size_t size;

	sem_init(&memory_is_gone, 0, 0);
	CHECK(!pthread_create(&thread, NULL, first_use, pool));
	limit_addresses(0);
	for (size = MIB; size >= 16; size /= 2)
		while (take(size))
			;
	sem_post(&memory_is_gone);
	pthread_join(thread, NULL);
}

static void threads_end_at_limits(void)
{
	in_child("threads_end_without_addresses");
	in_child("threads_end_without_mappings");
	in_child("first_use_without_memory");
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

/* === Reports === */

static void report_misuse(void)
{
	struct bytepool *pool = create("misuse", 0);
	static char no_memory[64];

	errno = 4711;
	bytepool_put(pool, no_memory);
	CHECK(errno == 4711);
	CHECK(!bytepool_get(pool, (size_t)-1, GFP_KERNEL));
	CHECK(errno == 4711);
	bytepool_destroy(pool);
	CHECK(errno == 4711);
}

static void stderr_closed(void)
{
	close(STDERR_FILENO);
	report_misuse();
}

static void stderr_without_reader(void)
{
	int fds[2];

	CHECK(!pipe(fds));
	dup2(fds[1], STDERR_FILENO);
	close(fds[0]);
	report_misuse();
}

static void stderr_full(void)
{
	static const char page[4096];
	int fds[2];

	CHECK(!pipe(fds));
	CHECK(!fcntl(fds[1], F_SETFL, O_NONBLOCK));
	while (write(fds[1], page, sizeof(page)) > 0)
		;
	CHECK(!fcntl(fds[1], F_SETFL, 0));
	dup2(fds[1], STDERR_FILENO);
	report_misuse();
}

static off_t size_of_report(int flags)
{
	char path[] = "/tmp/lib_test.XXXXXX";
	struct stat st;
	int fd;

	close(mkstemp(path));
	close(STDERR_FILENO);
	fd = open(path, O_RDWR | flags);
	CHECK(fd == STDERR_FILENO);
	unlink(path);
	report_misuse();
	CHECK(!fstat(fd, &st));
	return st.st_size;
}

/* The next file that is opened gets the number; a log is opened to append. */
static void stderr_is_a_file(void)
{
	CHECK(size_of_report(0) == 0);
	CHECK(size_of_report(O_APPEND) > 0);
}

static void reports_do_no_harm(void)
{
	in_child("stderr_closed");
	in_child("stderr_without_reader");
	in_child("stderr_full");
	in_child("stderr_is_a_file");
}

static bool has_address(const char *text)
{
	const char *digits = "0123456789abcdef";

	for (; *text; text++)
		if (strspn(text, digits) >= 8)
			return true;
	return false;
}

static void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = creat(to, 0700);
	char buf[4096];
	ssize_t len;

	CHECK(in >= 0 && out >= 0);
	while ((len = read(in, buf, sizeof(buf))) > 0)
		CHECK(write(out, buf, len) == len);
	close(in);
	close(out);
}

/* Another user's program, with his rights: what its caller says is nothing. */
static void a_setuid_program_is_discreet(void)
{
	char path[4200], text[8192];
	const uid_t nobody = 65534;
	int fds[2], status;
	pid_t pid;

	if (geteuid()) {
		printf("# not root: no other user's program\n");
		return;
	}
	snprintf(path, sizeof(path), "%s.setuid", own_path());
	copy_file(own_path(), path);
	CHECK(!chown(path, nobody, nobody) && !chmod(path, 04755));
	CHECK(!pipe(fds));
	setenv("BYTEPOOL_CHECK", "what", true);
	pid = start(path, "report_misuse", fds[1]);
	status = status_of_child(pid);
	unsetenv("BYTEPOOL_CHECK");
	unlink(path);
	close(fds[1]);
	text[read(fds[0], text, sizeof(text) - 1)] = '\0';
	close(fds[0]);
	if (status == 127) {
		printf("# the library cannot be read by others\n");
		return;
	}
	CHECK(!status);
	CHECK(strstr(text, "misuse") && !strstr(text, "refused"));
	CHECK(!has_address(text));
}

/* === Cancelled threads === */

struct thing {
	char bytes[100];
};

DEFINE_BYTEPOOL_OBJECTS(thing, struct thing);

static void thing_fini(struct thing *thing)
{
	/* A cancellation point of the program's own. */
	usleep(1);
	(void)thing;
}

/* Only here it may end: else nothing has been made, or all has gone. */
static void *make_pools(void *arg)
{
	struct thing_pool *pool;
	int state;

	(void)arg;
	do {
		pool = thing_pool_create("things", NULL, thing_fini);
		CHECK(!IS_ERR(pool));
		thing_pool_put(pool, thing_pool_get(pool, GFP_KERNEL));
		thing_pool_destroy(pool);
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
		CHECK(state == PTHREAD_CANCEL_ENABLE);
		pthread_testcancel();
	} while (state == PTHREAD_CANCEL_ENABLE);
	return NULL;
}

static void cancel_makers(void)
{
	struct bytepool *pool = create("other", 0);
	struct thing_pool *things;
	pthread_t thread;
	unsigned int i;
	void *result;
	pid_t pid;

	for (i = 0; i < 20; i++) {
		CHECK(!pthread_create(&thread, NULL, make_pools, NULL));
		usleep(1000 + 100 * i);
		pthread_cancel(thread);
		pthread_join(thread, &result);
		CHECK(result == PTHREAD_CANCELED);
		/* The name is free: the pool has gone. */
		things = thing_pool_create("things", NULL, NULL);
		CHECK(!IS_ERR(things));
		thing_pool_destroy(things);
		use(pool);
		pid = fork();
		if (!pid) {
			use(pool);
			_exit(0);
		}
		CHECK(!status_of_child(pid));
	}
	bytepool_destroy(pool);
}

static void threads_are_not_cancelled_inside(void)
{
	in_child("cancel_makers");
	setenv("BYTEPOOL_CHECK", "1", true);
	in_child("cancel_makers");
	unsetenv("BYTEPOOL_CHECK");
}

/* === Many threads === */

/* The table of CPU numbers had room for 256 once. */
#define NR_CROWD  600
#define NR_ROUNDS 10
#define NR_PAIRS  5000

static struct bytepool *crowd_pool;
static sem_t crowd_ready;
static pthread_barrier_t crowd_end;

/**
 * struct runner - a thread whose pairs of get and release are timed
 * @thread: the thread
 * @go: it may begin
 * @done: it has ended
 * @best: seconds that NR_PAIRS took, at the least
 */
struct runner {
	pthread_t thread;
	sem_t go;
	sem_t done;
	double best;
};

static void *stand_by(void *arg)
{
	if (arg)
		bytepool_buf_release(arg);
	else
		use(crowd_pool);
	sem_post(&crowd_ready);
	pthread_barrier_wait(&crowd_end);
	return NULL;
}

static void run_pairs(struct runner *runner)
{
	double begin = now(), elapsed;
	unsigned int i;

	for (i = 0; i < NR_PAIRS; i++)
		bytepool_buf_release(
			bytepool_get_buf(crowd_pool, 4096, GFP_KERNEL));
	elapsed = now() - begin;
	if (elapsed < runner->best)
		runner->best = elapsed;
}

static void *run(void *arg)
{
	struct runner *runner = arg;
	unsigned int i;

	use(crowd_pool);
	sem_post(&runner->done);
	for (i = 0; i < NR_ROUNDS; i++) {
		sem_wait(&runner->go);
		run_pairs(runner);
		sem_post(&runner->done);
	}
	/* Nobody gets the number of a thread that has not ended. */
	pthread_barrier_wait(&crowd_end);
	return NULL;
}

static void runner_start(struct runner *runner)
{
	runner->best = 1e9;
	sem_init(&runner->go, 0, 0);
	sem_init(&runner->done, 0, 0);
	CHECK(!pthread_create(&runner->thread, NULL, run, runner));
	sem_wait(&runner->done);
}

static void runner_go(struct runner *runner)
{
	sem_post(&runner->go);
	sem_wait(&runner->done);
}

/* Every second one begins with a release, which is no place to wait. */
static void crowd_start(pthread_t *threads)
{
	pthread_attr_t attr;
	unsigned int i;
	void *buf;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	for (i = 0; i < NR_CROWD; i++) {
		buf = i % 2 ? bytepool_get_buf(crowd_pool, 100, GFP_KERNEL) :
			      NULL;
		CHECK(!pthread_create(&threads[i], &attr, stand_by, buf));
	}
	for (i = 0; i < NR_CROWD; i++)
		sem_wait(&crowd_ready);
}

/* The last threads are as fast as the first, and a child goes on without them. */
static void use_many_threads(void)
{
	/* Room for the magazines of all: it is the table that is tried here. */
	const struct bytepool_config config = {
		.name = "crowd",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
		.max_idle = 1UL << 40,
	};
	static struct runner first, last;
	pthread_t threads[NR_CROWD];
	unsigned int i;
	pid_t pid;

	crowd_pool = bytepool_create(&config);
	CHECK(!IS_ERR(crowd_pool));
	sem_init(&crowd_ready, 0, 0);
	pthread_barrier_init(&crowd_end, NULL, NR_CROWD + 3);
	runner_start(&first);
	crowd_start(threads);
	runner_start(&last);
	for (i = 0; i < NR_ROUNDS; i++) {
		runner_go(&first);
		runner_go(&last);
	}
	CHECK(last.best < 3 * first.best);
	pid = fork();
	if (!pid) {
		use(crowd_pool);
		check_quiet(crowd_pool);
		_exit(failed);
	}
	CHECK(!status_of_child(pid));
	pthread_barrier_wait(&crowd_end);
	for (i = 0; i < NR_CROWD; i++)
		pthread_join(threads[i], NULL);
	pthread_join(first.thread, NULL);
	pthread_join(last.thread, NULL);
	check_quiet(crowd_pool);
	bytepool_destroy(crowd_pool);
}

static void many_threads_are_as_fast_as_few(void)
{
	in_child("use_many_threads");
}

/* === fork() while others are busy === */

static struct bytepool *busy_pool;
static bool stop;

static void *use_and_shrink(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		bytepool_buf_release(
			bytepool_get_buf(busy_pool, 100, GFP_KERNEL));
		bytepool_shrink(busy_pool);
	}
	return NULL;
}

#define NR_SHRINKERS 4
#define NR_FORKS     10

/* Each waits for readers most of the time, under a lock that all want. */
static void fork_while_shrinking(void)
{
	pthread_t threads[NR_SHRINKERS];
	double begin, elapsed = 0;
	unsigned int i;
	pid_t pid;

	busy_pool = create("busy", 0);
	for (i = 0; i < NR_SHRINKERS; i++)
		CHECK(!pthread_create(&threads[i], NULL, use_and_shrink, NULL));
	for (i = 0; i < NR_FORKS; i++) {
		begin = now();
		pid = fork();
		if (!pid) {
			use(busy_pool);
			bytepool_shrink(busy_pool);
			_exit(0);
		}
		elapsed += now() - begin;
		CHECK(!status_of_child(pid));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < NR_SHRINKERS; i++)
		pthread_join(threads[i], NULL);
	/* Some 10 ms each, if there are processors for all. */
	CHECK(elapsed / NR_FORKS < 0.25);
	bytepool_destroy(busy_pool);
}

static void fork_is_quick(void)
{
	in_child("fork_while_shrinking");
}

/* === Sandboxes === */

static void *use_and_shrink_once(void *arg)
{
	use(arg);
	bytepool_shrink(arg);
	return NULL;
}

/* Refuses a system call from now on. */
static void refuse(unsigned int nr)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void without_membarrier(void)
{
	struct bytepool *pool = create("sandbox", 0);
	pthread_t thread;
	pid_t pid;

	use(pool);
	refuse(__NR_membarrier);
	errno = 4711;
	use_and_shrink_once(pool);
	CHECK(errno == 4711);
	CHECK(!pthread_create(&thread, NULL, use_and_shrink_once, pool));
	pthread_join(thread, NULL);
	pid = fork();
	if (!pid) {
		use_and_shrink_once(pool);
		_exit(0);
	}
	CHECK(!status_of_child(pid));
	check_quiet(pool);
	bytepool_destroy(pool);
}

static void membarrier_is_refused_later(void)
{
#ifdef __x86_64__
	in_child("without_membarrier");
#endif
}

/* === Priorities === */

static void *use_large(void *arg)
{
	struct bytepool_buf *bufs[64];

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		if (!bytepool_get_bufs(arg, 65536, 64, bufs, GFP_KERNEL))
			bytepool_release_bufs(64, bufs);
	return NULL;
}

/* It preempts who holds the locks that it wants, on the same processor. */
static void *use_large_first(void *arg)
{
	const struct sched_param param = { .sched_priority = 10 };
	struct bytepool_buf *bufs[64];
	double begin, worst = 0;
	unsigned int i;

	if (sched_setscheduler(0, SCHED_FIFO, &param)) {
		printf("# no priority is to be had\n");
		return NULL;
	}
	for (i = 0; i < 300; i++) {
		usleep(1000);
		begin = now();
		if (!bytepool_get_bufs(arg, 65536, 64, bufs, GFP_KERNEL))
			bytepool_release_bufs(64, bufs);
		if (now() - begin > worst)
			worst = now() - begin;
	}
	/* The system takes the processor away after 950 ms. */
	CHECK(worst < 0.5);
	return NULL;
}

static void preempt_holders(void)
{
	const struct bytepool_config config = {
		.name = "priority",
		.sizes = bytepool_sizes_pow2,
		.nr_sizes = BYTEPOOL_NR_POW2,
		.max_idle = MIB,
	};
	struct bytepool *pool = bytepool_create(&config);
	pthread_t threads[3], first;
	unsigned int i;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	CHECK(!sched_setaffinity(0, sizeof(one), &one));
	for (i = 0; i < 3; i++)
		CHECK(!pthread_create(&threads[i], NULL, use_large, pool));
	CHECK(!pthread_create(&first, NULL, use_large_first, pool));
	pthread_join(first, NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	bytepool_destroy(pool);
}

static void a_high_priority_does_not_spin(void)
{
	in_child("preempt_holders");
}

/* === No threads === */

static unsigned int nr_finis;

static void count_fini(struct thing *thing)
{
	(void)thing;
	nr_finis++;
}

/* Nobody but the callers can do what waits for a context that may sleep. */
static void use_without_threads(void)
{
	struct bytepool *pool = create("alone", 0);
	struct thing_pool *things;
	size_t before = status_of("VmRSS");
	unsigned int i;
	void *mem;

	errno = 4711;
	for (i = 0; i < 100; i++) {
		mem = bytepool_get(pool, 5 * MIB, GFP_KERNEL);
		CHECK(mem);
		memset(mem, 1, 5 * MIB);
		bytepool_put(pool, mem);
	}
	CHECK(errno == 4711);
	CHECK(status_of("VmRSS") < before + 16 * MIB);
	things = thing_pool_create("things", NULL, count_fini);
	CHECK(!IS_ERR(things));
	for (i = 0; i < 100; i++)
		thing_pool_put(things, thing_pool_get(things, GFP_KERNEL));
	thing_pool_destroy(things);
	CHECK(nr_finis);
	check_quiet(pool);
	bytepool_shrink(pool);
	bytepool_destroy(pool);
}

static void without_clone(void)
{
	refuse(__NR_clone3);
	refuse(__NR_clone);
	use_without_threads();
}

static void without_processes(void)
{
	const struct rlimit none = {};

	CHECK(!setrlimit(RLIMIT_NPROC, &none));
	CHECK(geteuid() || !setuid(65534));
	use_without_threads();
}

static void no_thread_is_to_be_had(void)
{
	in_child("without_clone");
	in_child("without_processes");
	setenv("BYTEPOOL_CHECK", "1", true);
	in_child("without_processes");
	unsetenv("BYTEPOOL_CHECK");
}

static const struct lib_test children[] = {
	{ "zeroed_under_rlimit_as", zeroed_under_rlimit_as },
	{ "zeroed_without_mappings", zeroed_without_mappings },
	{ "threads_end_without_addresses", threads_end_without_addresses },
	{ "threads_end_without_mappings", threads_end_without_mappings },
	{ "addresses_of_one_pool", addresses_of_one_pool },
	{ "first_use_without_memory", first_use_without_memory },
	{ "gets_to_the_end", gets_to_the_end },
	{ "rss_after_release", rss_after_release },
	{ "rss_after_shrink", rss_after_shrink },
	{ "stderr_closed", stderr_closed },
	{ "stderr_without_reader", stderr_without_reader },
	{ "stderr_full", stderr_full },
	{ "stderr_is_a_file", stderr_is_a_file },
	{ "cancel_makers", cancel_makers },
	{ "use_many_threads", use_many_threads },
	{ "fork_while_shrinking", fork_while_shrinking },
	{ "without_membarrier", without_membarrier },
	{ "preempt_holders", preempt_holders },
	{ "without_clone", without_clone },
	{ "without_processes", without_processes },
	{ "report_misuse", report_misuse },
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
		if (!strcmp(children[i].name, name)) {
			children[i].run();
			return failed;
		}
	return EXIT_FAILURE;
}

const struct lib_test limit_tests[] = {
	{ "zeroed_memory_is_zero", zeroed_memory_is_zero },
	{ "few_addresses_are_taken", few_addresses_are_taken },
	{ "threads_end_at_limits", threads_end_at_limits },
	{ "out_of_addresses", out_of_addresses },
	{ "a_burst_goes_back_to_the_system", a_burst_goes_back_to_the_system },
	{ "reports_do_no_harm", reports_do_no_harm },
	{ "a_setuid_program_is_discreet", a_setuid_program_is_discreet },
	{ "threads_are_not_cancelled_inside",
	  threads_are_not_cancelled_inside },
	{ "many_threads_are_as_fast_as_few", many_threads_are_as_fast_as_few },
	{ "fork_is_quick", fork_is_quick },
	{ "membarrier_is_refused_later", membarrier_is_refused_later },
	{ "a_high_priority_does_not_spin", a_high_priority_does_not_spin },
	{ "no_thread_is_to_be_had", no_thread_is_to_be_had },
};

const size_t nr_limit_tests = sizeof(limit_tests) / sizeof(limit_tests[0]);
