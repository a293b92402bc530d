// SPDX-License-Identifier: GPL-2.0
/*
 * bytecast_test - tests of the bytecast driver, and a transfer to look at
 *
 *   bytecast_test all
 *	Tests what bytecast.c promises. Prints KTAP.
 *   bytecast_test transfer FILE ROUNDS [--pause-cmd CMD]
 *	Sends FILE so many times from one process to four, with messages for
 *	every tier of the pool and for none of them. CMD runs while messages are
 *	queued. Each reader compares what it gets with the file.
 *
 * Both need root, bytecast.ko, and debugfs at /sys/kernel/debug. Every test
 * has a process group of its own, which is gone before its verdict: what is in
 * use then has leaked. Nothing waits for time to pass: who has to wait for
 * another process to block asks /proc whether it has.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define DEVICE "/dev/bytecast"
#define STATS  "/sys/kernel/debug/bytepool/bytecast/stats.json"

/* What the driver promises. */
#define MAX_MESSAGE    (16u << 20)
#define QUEUE_MESSAGES 64
#define QUEUE_BYTES    (8u << 20)

/* The tiers of its pool. */
#define NR_TIERS	15
#define TIER_SIZE(tier) ((size_t)128 << (tier))

/* Emulation is slow, and a machine that runs tests is busy. */
#define TIMEOUT_SECONDS 240

static unsigned char outbox[MAX_MESSAGE + 1];
static unsigned char inbox[MAX_MESSAGE + 1];

static const size_t some_lens[] = {
	1,     128,	129,	  4096,		  5000,
	65536, 1000000, 2u << 20, (2u << 20) + 1, MAX_MESSAGE,
};

/* === Checks === */

static void check(bool ok, const char *what, int line)
{
	if (ok)
		return;
	printf("# line %d: %s (errno %d, %s)\n", line, what, errno,
	       strerror(errno));
	exit(EXIT_FAILURE);
}

/* A test, or a child of one, ends with the first check that fails. */
#define CHECK(condition) check(condition, #condition, __LINE__)

static bool failed_with(ssize_t ret, int error)
{
	return ret == -1 && errno == error;
}

/* === Statistics of the pool === */

static const char *read_stats(void)
{
	static char text[1 << 16];
	size_t len = 0;
	ssize_t ret;
	int fd;

	fd = open(STATS, O_RDONLY);
	CHECK(fd >= 0);
	do {
		ret = read(fd, text + len, sizeof(text) - 1 - len);
		CHECK(ret >= 0);
		len += ret;
	} while (ret);
	CHECK(len < sizeof(text) - 1);
	close(fd);
	text[len] = '\0';
	return text;
}

/* The number after the first @key from @text on; @key ends in a colon. */
static unsigned long long number_after(const char *text, const char *key)
{
	const char *pos = strstr(text, key);

	CHECK(pos);
	return strtoull(pos + strlen(key), NULL, 10);
}

static unsigned long long buffers_in_use(void)
{
	static const char key[] = "\"in_use\":";
	const char *stats = read_stats();
	const char *pos = stats;
	unsigned long long sum;

	sum = number_after(stats, "\"oversize_in_use\":");
	while ((pos = strstr(pos, key))) {
		sum += number_after(pos, key);
		pos += strlen(key);
	}
	return sum;
}

static unsigned long long total_gets(void)
{
	const char *stats = read_stats();

	return number_after(stats, "\"total_get\":") +
	       number_after(stats, "\"discarded\":");
}

static void check_pool_is_quiet(void)
{
	const char *stats = read_stats();

	CHECK(number_after(stats, "\"total_get\":") ==
	      number_after(stats, "\"total_put\":"));
	CHECK(number_after(stats, "\"misuse\":") == 0);
	CHECK(buffers_in_use() == 0);
}

/* === Messages === */

/* Bytes that depend on the seed and on their place. */
static unsigned char next_byte(unsigned int *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 24;
}

static void fill(unsigned char *data, size_t len, unsigned int seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = next_byte(&seed);
}

static bool is_filled(const unsigned char *data, size_t len, unsigned int seed)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (data[i] != next_byte(&seed))
			return false;
	}
	return true;
}

static int open_device(int flags)
{
	int fd = open(DEVICE, flags);

	CHECK(fd >= 0);
	return fd;
}

static void send_message(int fd, size_t len, unsigned int seed)
{
	fill(outbox, len, seed);
	CHECK(write(fd, outbox, len) == (ssize_t)len);
}

/* Offers to read more than there is: the message has to end where it ends. */
static void receive_message(int fd, size_t len, unsigned int seed)
{
	CHECK(read(fd, inbox, sizeof(inbox)) == (ssize_t)len);
	CHECK(is_filled(inbox, len, seed));
}

static bool is_empty(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) == 0;
}

/* Returns how many messages the queues took; @fd is O_NONBLOCK. */
static unsigned int fill_queues(int fd, size_t len)
{
	unsigned int nr = 0;

	while (write(fd, outbox, len) == (ssize_t)len)
		nr++;
	CHECK(errno == EAGAIN);
	return nr;
}

/* === Processes === */

static pid_t fork_child(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	return pid;
}

static void join(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}

static void kill_and_join(pid_t pid)
{
	int status;

	CHECK(!kill(pid, SIGKILL));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Returns when @pid sleeps in system call @nr, as the kernel itself sees it. */
static void await_blocked(pid_t pid, long nr)
{
	siginfo_t info = {};
	char text[128];
	char path[64];
	ssize_t ret;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	do {
		/* It could be gone, with a check that failed. */
		CHECK(!waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT));
		CHECK(!info.si_pid);
		fd = open(path, O_RDONLY);
		CHECK(fd >= 0);
		ret = read(fd, text, sizeof(text) - 1);
		CHECK(ret > 0);
		close(fd);
		text[ret] = '\0';
		sched_yield();
	} while (!strncmp(text, "running", 7) || atol(text) != nr);
}

/* Tells those who wait for it with await_tokens() to go on. */
static void send_tokens(int fd, unsigned int nr)
{
	while (nr--)
		CHECK(write(fd, "", 1) == 1);
}

static void await_tokens(int fd, unsigned int nr)
{
	char token;

	while (nr--)
		CHECK(read(fd, &token, 1) == 1);
}

static int signal_pipe[2];

static void on_signal(int signal)
{
	(void)signal;
	send_tokens(signal_pipe[1], 1);
}

static void catch_signal(int flags)
{
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = flags };

	CHECK(!pipe(signal_pipe));
	CHECK(!sigaction(SIGUSR1, &action, NULL));
}

/* === Tests: messages === */

static void broadcast_reaches_every_reader(void)
{
	int writer = open_device(O_WRONLY);
	int readers[4];
	size_t i;
	size_t j;

	for (j = 0; j < ARRAY_SIZE(readers); j++)
		readers[j] = open_device(O_RDONLY);

	for (i = 0; i < ARRAY_SIZE(some_lens); i++) {
		unsigned long long gets = total_gets();

		send_message(writer, some_lens[i], i);
		CHECK(total_gets() == gets + 1);
		for (j = 0; j < ARRAY_SIZE(readers); j++) {
			/* One buffer for all of them, until the last. */
			CHECK(buffers_in_use() == 1);
			receive_message(readers[j], some_lens[i], i);
		}
		CHECK(buffers_in_use() == 0);
	}
}

static void sixty_four_readers(void)
{
	int writer = open_device(O_WRONLY);
	int readers[64];
	size_t tier;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(readers); i++)
		readers[i] = open_device(O_RDONLY);
	for (tier = 0; tier < NR_TIERS; tier++)
		send_message(writer, TIER_SIZE(tier), tier);
	CHECK(buffers_in_use() == NR_TIERS);

	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		for (tier = 0; tier < NR_TIERS; tier++)
			receive_message(readers[i], TIER_SIZE(tier), tier);
		CHECK(is_empty(readers[i]));
	}
	CHECK(buffers_in_use() == 0);
}

static void messages_keep_their_order(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);
	unsigned int i;

	for (i = 0; i < QUEUE_MESSAGES; i++)
		send_message(writer, 1 + 997 * i, i);
	for (i = 0; i < QUEUE_MESSAGES; i++)
		receive_message(reader, 1 + 997 * i, i);
}

static void short_reads_leave_the_rest(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);
	int other = open_device(O_RDONLY);

	send_message(writer, 1000, 1);
	send_message(writer, 10, 2);
	CHECK(read(reader, inbox, 1) == 1);
	CHECK(read(reader, inbox + 1, 333) == 333);
	/* Not 676: a read takes bytes of one message only. */
	CHECK(read(reader, inbox + 334, 2000) == 666);
	CHECK(is_filled(inbox, 1000, 1));
	receive_message(reader, 10, 2);

	receive_message(other, 1000, 1);
	receive_message(other, 10, 2);
}

static void vectors_are_one_message(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);
	struct iovec parts[] = {
		{ .iov_base = outbox, .iov_len = 100 },
		{ .iov_base = outbox + 100, .iov_len = 5000 },
	};

	fill(outbox, 5100, 3);
	CHECK(writev(writer, parts, 2) == 5100);
	receive_message(reader, 5100, 3);

	send_message(writer, 5100, 4);
	parts[0].iov_base = inbox;
	parts[1].iov_base = inbox + 100;
	CHECK(readv(reader, parts, 2) == 5100);
	CHECK(is_filled(inbox, 5100, 4));
}

static void nothing_is_no_message(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);

	CHECK(write(writer, outbox, 0) == 0);
	CHECK(is_empty(reader));
	/* Would wait for ever if it asked for a message. */
	CHECK(read(reader, inbox, 0) == 0);

	send_message(writer, 10, 1);
	CHECK(read(reader, inbox, 0) == 0);
	receive_message(reader, 10, 1);
}

static void too_long_is_refused(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);

	CHECK(failed_with(write(writer, outbox, MAX_MESSAGE + 1), EMSGSIZE));
	CHECK(is_empty(reader));
	send_message(writer, MAX_MESSAGE, 1);
	receive_message(reader, MAX_MESSAGE, 1);
}

static void without_reader_messages_are_dropped(void)
{
	int writer = open_device(O_WRONLY);
	unsigned int i;

	for (i = 0; i < 2 * QUEUE_MESSAGES; i++)
		send_message(writer, 1000, i);
	CHECK(buffers_in_use() == 0);
	CHECK(is_empty(open_device(O_RDONLY)));
}

static void late_reader_sees_later_messages(void)
{
	int writer = open_device(O_WRONLY);
	int early = open_device(O_RDONLY);
	int late;

	send_message(writer, 100, 1);
	late = open_device(O_RDONLY);
	send_message(writer, 200, 2);

	receive_message(late, 200, 2);
	CHECK(is_empty(late));
	receive_message(early, 100, 1);
	receive_message(early, 200, 2);
}

static void writer_that_reads_hears_itself(void)
{
	int both = open_device(O_RDWR);
	int reader = open_device(O_RDONLY);

	send_message(both, 300, 1);
	receive_message(both, 300, 1);
	receive_message(reader, 300, 1);
}

static void files_go_one_way_and_have_no_position(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);

	CHECK(failed_with(read(writer, inbox, 1), EBADF));
	CHECK(failed_with(write(reader, outbox, 1), EBADF));
	CHECK(failed_with(lseek(reader, 0, SEEK_SET), ESPIPE));
	CHECK(failed_with(pread(reader, inbox, 1, 0), ESPIPE));
	CHECK(failed_with(pwrite(writer, outbox, 1, 0), ESPIPE));
}

/* === Tests: slow readers === */

static void empty_queue_is_eagain(void)
{
	int reader = open_device(O_RDONLY | O_NONBLOCK);
	int writer = open_device(O_WRONLY);

	CHECK(failed_with(read(reader, inbox, 1), EAGAIN));
	send_message(writer, 100, 1);
	receive_message(reader, 100, 1);
	CHECK(failed_with(read(reader, inbox, 1), EAGAIN));
}

static void queue_is_bounded_in_messages(void)
{
	int writer = open_device(O_WRONLY | O_NONBLOCK);
	int slow = open_device(O_RDONLY);
	int fast = open_device(O_RDONLY);
	unsigned int i;

	fill(outbox, 100, 1);
	CHECK(fill_queues(writer, 100) == QUEUE_MESSAGES);
	CHECK(buffers_in_use() == QUEUE_MESSAGES);
	for (i = 0; i < QUEUE_MESSAGES; i++)
		receive_message(fast, 100, 1);

	/* All or none: while the slow one is full the fast one gets nothing. */
	CHECK(failed_with(write(writer, outbox, 100), EAGAIN));
	CHECK(is_empty(fast));

	/* A part read makes no room, a whole message does. */
	CHECK(read(slow, inbox, 99) == 99);
	CHECK(failed_with(write(writer, outbox, 100), EAGAIN));
	CHECK(read(slow, inbox, 99) == 1);
	CHECK(fill_queues(writer, 100) == 1);
}

static void queue_is_bounded_in_bytes(void)
{
	int writer = open_device(O_WRONLY | O_NONBLOCK);
	int reader = open_device(O_RDONLY);
	size_t len = QUEUE_BYTES / 2 - 1;

	/* The third is taken as two bytes are missing, and fills the queue. */
	fill(outbox, len, 1);
	CHECK(fill_queues(writer, len) == 3);
	CHECK(failed_with(write(writer, outbox, 1), EAGAIN));
	receive_message(reader, len, 1);
	CHECK(fill_queues(writer, MAX_MESSAGE) == 1);
}

static void closed_reader_holds_nobody_up(void)
{
	int slow = open_device(O_RDONLY);
	int writer = open_device(O_WRONLY | O_NONBLOCK);
	pid_t pid;

	fill_queues(writer, 100);
	pid = fork_child();
	if (!pid) {
		close(slow);
		send_message(open_device(O_WRONLY), 1000, 1);
		exit(EXIT_SUCCESS);
	}
	await_blocked(pid, SYS_write);
	close(slow);
	join(pid);
}

/* === Tests: waiting === */

static void blocked_read_wakes_up(void)
{
	int reader = open_device(O_RDONLY);
	pid_t pid = fork_child();

	if (!pid) {
		receive_message(reader, 70000, 1);
		exit(EXIT_SUCCESS);
	}
	await_blocked(pid, SYS_read);
	send_message(open_device(O_WRONLY), 70000, 1);
	join(pid);
}

static void blocked_write_wakes_up(void)
{
	int reader = open_device(O_RDONLY);
	int writer = open_device(O_WRONLY | O_NONBLOCK);
	unsigned int i;
	pid_t pid;

	fill_queues(writer, 100);
	pid = fork_child();
	if (!pid) {
		send_message(open_device(O_WRONLY), 1000, 1);
		exit(EXIT_SUCCESS);
	}
	await_blocked(pid, SYS_write);
	CHECK(read(reader, inbox, sizeof(inbox)) == 100);
	join(pid);
	for (i = 1; i < QUEUE_MESSAGES; i++)
		CHECK(read(reader, inbox, sizeof(inbox)) == 100);
	receive_message(reader, 1000, 1);
}

static short ready_events(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK(poll(&pollfd, 1, 0) >= 0);
	return pollfd.revents;
}

static void poll_tells_readers(void)
{
	int reader = open_device(O_RDONLY);
	int writer = open_device(O_WRONLY);

	CHECK(ready_events(reader) == 0);
	send_message(writer, 100, 1);
	CHECK(ready_events(reader) == POLLIN);
	CHECK(read(reader, inbox, 99) == 99);
	CHECK(ready_events(reader) == POLLIN);
	CHECK(read(reader, inbox, 99) == 1);
	CHECK(ready_events(reader) == 0);
}

static void poll_tells_writers(void)
{
	int writer = open_device(O_WRONLY | O_NONBLOCK);
	int both = open_device(O_RDWR);

	CHECK(ready_events(writer) == POLLOUT);
	CHECK(ready_events(both) == POLLOUT);
	send_message(writer, 100, 1);
	CHECK(ready_events(both) == (POLLIN | POLLOUT));
	fill_queues(writer, 100);
	CHECK(ready_events(writer) == 0);
	CHECK(ready_events(both) == POLLIN);
	receive_message(both, 100, 1);
	CHECK(ready_events(writer) == POLLOUT);
	CHECK(write(writer, outbox, MAX_MESSAGE) == MAX_MESSAGE);
}

static pid_t fork_poller(int fd, short events, int other_fd)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	pid_t pid = fork_child();

	if (!pid) {
		close(other_fd);
		CHECK(ppoll(&pollfd, 1, NULL, NULL) == 1);
		CHECK(pollfd.revents == events);
		exit(EXIT_SUCCESS);
	}
	await_blocked(pid, SYS_ppoll);
	return pid;
}

static void poll_wakes_up(void)
{
	int reader = open_device(O_RDONLY);
	int writer = open_device(O_WRONLY | O_NONBLOCK);
	pid_t pid;

	pid = fork_poller(reader, POLLIN, writer);
	send_message(writer, 100, 1);
	join(pid);

	fill_queues(writer, 100);
	pid = fork_poller(writer, POLLOUT, reader);
	CHECK(read(reader, inbox, sizeof(inbox)) == 100);
	join(pid);

	fill_queues(writer, 100);
	pid = fork_poller(writer, POLLOUT, reader);
	close(reader);
	join(pid);
}

/* === Tests: the limit of the pool === */

/* Returns when as many writers wait for the limit. */
static void await_waiting(unsigned long long nr)
{
	while (number_after(read_stats(), "\"waiting\":") != nr)
		sched_yield();
}

/* Sends a message that does not fit the limit now. */
static pid_t fork_waiting_writer(unsigned int seed)
{
	pid_t pid = fork_child();

	if (!pid) {
		send_message(open_device(O_WRONLY), 100, seed);
		exit(EXIT_SUCCESS);
	}
	await_waiting(1);
	return pid;
}

/*
 * Fills the pool: the queue has one of two messages, and the writer of the other
 * waits for the queue. Returns that writer.
 */
static pid_t fill_pool(int fd)
{
	pid_t pid;

	send_message(fd, MAX_MESSAGE, 1);
	pid = fork_child();
	if (!pid) {
		send_message(open_device(O_WRONLY), MAX_MESSAGE, 2);
		exit(EXIT_SUCCESS);
	}
	while (buffers_in_use() != 2)
		sched_yield();
	return pid;
}

static void write_past_the_limit_waits_for_a_reader(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);
	pid_t large = fill_pool(writer);
	pid_t small = fork_waiting_writer(3);
	size_t received = 0;
	ssize_t ret;

	await_blocked(small, SYS_write);
	/* Part of a message makes no room, all of it does. */
	CHECK(read(reader, inbox, MAX_MESSAGE - 1) == MAX_MESSAGE - 1);
	CHECK(is_filled(inbox, MAX_MESSAGE - 1, 1));
	await_waiting(1);
	CHECK(read(reader, inbox, 1) == 1);
	await_waiting(0);

	/* Which of the two finds room in the queue first is open. */
	while (received < MAX_MESSAGE + 100) {
		ret = read(reader, inbox, sizeof(inbox));
		CHECK(ret == 100 || ret == MAX_MESSAGE);
		CHECK(is_filled(inbox, ret, ret == 100 ? 3 : 2));
		received += ret;
	}
	join(large);
	join(small);
	CHECK(is_empty(reader));
}

static void write_past_the_limit_is_eagain(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);
	pid_t large = fill_pool(writer);

	CHECK(fcntl(writer, F_SETFL, O_NONBLOCK) == 0);
	CHECK(failed_with(write(writer, outbox, 1), EAGAIN));
	receive_message(reader, MAX_MESSAGE, 1);
	join(large);
	receive_message(reader, MAX_MESSAGE, 2);
	CHECK(is_empty(reader));
}

static void signal_interrupts_write_past_the_limit(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);
	pid_t large = fill_pool(writer);
	pid_t pid;

	catch_signal(0);
	pid = fork_child();
	if (!pid) {
		CHECK(failed_with(write(writer, outbox, 100), EINTR));
		exit(EXIT_SUCCESS);
	}
	await_waiting(1);
	await_blocked(pid, SYS_write);
	CHECK(!kill(pid, SIGUSR1));
	join(pid);
	await_waiting(0);
	CHECK(buffers_in_use() == 2);

	receive_message(reader, MAX_MESSAGE, 1);
	join(large);
	receive_message(reader, MAX_MESSAGE, 2);
	CHECK(is_empty(reader));
}

/* === Tests: signals === */

static void signal_interrupts_read(void)
{
	int reader = open_device(O_RDONLY);
	pid_t pid;

	catch_signal(0);
	pid = fork_child();
	if (!pid) {
		CHECK(failed_with(read(reader, inbox, 1), EINTR));
		exit(EXIT_SUCCESS);
	}
	await_blocked(pid, SYS_read);
	CHECK(!kill(pid, SIGUSR1));
	join(pid);
}

static void signal_restarts_read(void)
{
	int reader = open_device(O_RDONLY);
	pid_t pid;

	catch_signal(SA_RESTART);
	pid = fork_child();
	if (!pid) {
		receive_message(reader, 100, 1);
		exit(EXIT_SUCCESS);
	}
	await_blocked(pid, SYS_read);
	CHECK(!kill(pid, SIGUSR1));
	await_tokens(signal_pipe[0], 1);
	await_blocked(pid, SYS_read);
	send_message(open_device(O_WRONLY), 100, 1);
	join(pid);
}

static void signal_interrupts_write(void)
{
	int writer = open_device(O_WRONLY | O_NONBLOCK);
	int reader = open_device(O_RDONLY);
	unsigned int i;
	pid_t pid;

	catch_signal(0);
	fill(outbox, 100, 1);
	fill_queues(writer, 100);
	pid = fork_child();
	if (!pid) {
		int fd = open_device(O_WRONLY);

		CHECK(failed_with(write(fd, outbox, 3u << 20), EINTR));
		exit(EXIT_SUCCESS);
	}
	await_blocked(pid, SYS_write);
	CHECK(buffers_in_use() == QUEUE_MESSAGES + 1);
	CHECK(!kill(pid, SIGUSR1));
	join(pid);

	CHECK(buffers_in_use() == QUEUE_MESSAGES);
	for (i = 0; i < QUEUE_MESSAGES; i++)
		receive_message(reader, 100, 1);
	CHECK(is_empty(reader));
}

static void signal_restarts_write(void)
{
	int writer = open_device(O_WRONLY | O_NONBLOCK);
	int reader = open_device(O_RDONLY);
	unsigned int i;
	pid_t pid;

	catch_signal(SA_RESTART);
	fill_queues(writer, 100);
	pid = fork_child();
	if (!pid) {
		send_message(open_device(O_WRONLY), 70000, 1);
		exit(EXIT_SUCCESS);
	}
	await_blocked(pid, SYS_write);
	CHECK(!kill(pid, SIGUSR1));
	await_tokens(signal_pipe[0], 1);
	await_blocked(pid, SYS_write);

	/* Once, although the write was begun twice. */
	for (i = 0; i < QUEUE_MESSAGES; i++)
		CHECK(read(reader, inbox, sizeof(inbox)) == 100);
	join(pid);
	receive_message(reader, 70000, 1);
	CHECK(is_empty(reader));
}

static void killed_while_blocked(void)
{
	int writer = open_device(O_WRONLY | O_NONBLOCK);
	int reader = open_device(O_RDONLY);
	pid_t pid;

	pid = fork_child();
	if (!pid) {
		close(reader);
		CHECK(read(open_device(O_RDONLY), inbox, 1) == 0);
		exit(EXIT_FAILURE);
	}
	await_blocked(pid, SYS_read);
	kill_and_join(pid);

	fill_queues(writer, 100);
	pid = fork_child();
	if (!pid) {
		send_message(open_device(O_WRONLY), 70000, 1);
		exit(EXIT_FAILURE);
	}
	await_blocked(pid, SYS_write);
	CHECK(buffers_in_use() == QUEUE_MESSAGES + 1);
	kill_and_join(pid);
	CHECK(buffers_in_use() == QUEUE_MESSAGES);
}

static void killed_reader_holds_nobody_up(void)
{
	int writer = open_device(O_WRONLY | O_NONBLOCK);
	int ready[2];
	pid_t slow;
	pid_t pid;

	CHECK(!pipe(ready));
	slow = fork_child();
	if (!slow) {
		open_device(O_RDONLY);
		send_tokens(ready[1], 1);
		pause();
		exit(EXIT_FAILURE);
	}
	await_tokens(ready[0], 1);
	CHECK(fill_queues(writer, 100) == QUEUE_MESSAGES);

	pid = fork_child();
	if (!pid) {
		send_message(open_device(O_WRONLY), 70000, 1);
		exit(EXIT_SUCCESS);
	}
	await_blocked(pid, SYS_write);
	kill_and_join(slow);
	join(pid);
	CHECK(buffers_in_use() == 0);
}

/* === Tests: bad memory === */

/* Memory of @len bytes that cannot be touched past its end. */
static unsigned char *map_before_hole(size_t len)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t size = (len + page - 1) / page * page;
	unsigned char *mem;

	mem = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(mem != MAP_FAILED);
	CHECK(!mprotect(mem + size, page, PROT_NONE));
	return mem + size - len;
}

static void write_from_bad_memory(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);
	unsigned char *mem;
	size_t i;

	CHECK(failed_with(write(writer, map_before_hole(0), 100), EFAULT));
	for (i = 0; i < ARRAY_SIZE(some_lens); i++) {
		/* All but the last byte can be read. */
		mem = map_before_hole(some_lens[i] - 1);
		CHECK(failed_with(write(writer, mem, some_lens[i]), EFAULT));
	}
	CHECK(is_empty(reader));
	CHECK(buffers_in_use() == 0);
}

static void read_into_bad_memory(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);
	unsigned char *mem = map_before_hole(1000);
	ssize_t ret;

	send_message(writer, 70000, 1);
	CHECK(failed_with(read(reader, map_before_hole(0), 70000), EFAULT));

	/* What fits is read, and the rest is still there. */
	ret = read(reader, mem, 70000);
	CHECK(ret > 0 && ret <= 1000);
	memcpy(inbox, mem, ret);
	CHECK(read(reader, inbox + ret, 70000) == 70000 - ret);
	CHECK(is_filled(inbox, 70000, 1));
	CHECK(is_empty(reader));
}

/* === Tests: stuck in the middle of a copy === */

#define TRAP_SIZE ((size_t)1 << 20)

/* Memory that stops whoever touches it, until somebody opens it. */
struct trap {
	unsigned char *mem;
	int report[2];
	int fd;
};

static void trap_init(struct trap *trap)
{
	trap->mem = mmap(NULL, TRAP_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(trap->mem != MAP_FAILED);
	CHECK(!pipe(trap->report));
}

/* Called by the process to be stopped: traps are not inherited. */
static void trap_set(struct trap *trap)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range.start = (unsigned long)trap->mem,
		.range.len = TRAP_SIZE,
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd;

	fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(!ioctl(fd, UFFDIO_API, &api));
	CHECK(!ioctl(fd, UFFDIO_REGISTER, &range));
	CHECK(write(trap->report[1], &fd, sizeof(fd)) == sizeof(fd));
}

/* Returns when the process @pid has been stopped in system call @nr. */
static void trap_await(struct trap *trap, pid_t pid, long nr)
{
	struct uffd_msg msg;
	int pidfd;
	int fd;

	CHECK(read(trap->report[0], &fd, sizeof(fd)) == sizeof(fd));
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(pidfd >= 0);
	trap->fd = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	CHECK(trap->fd >= 0);
	close(pidfd);
	CHECK(read(trap->fd, &msg, sizeof(msg)) == sizeof(msg));
	CHECK(msg.event == UFFD_EVENT_PAGEFAULT);
	await_blocked(pid, nr);
}

/* The memory is zero then. */
static void trap_open(struct trap *trap)
{
	struct uffdio_zeropage zeropage = {
		.range.start = (unsigned long)trap->mem,
		.range.len = TRAP_SIZE,
	};

	CHECK(!ioctl(trap->fd, UFFDIO_ZEROPAGE, &zeropage));
	close(trap->fd);
}

static void stuck_read_keeps_its_message(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);
	int other = open_device(O_RDONLY);
	struct trap trap;
	pid_t stuck;
	pid_t pid;

	trap_init(&trap);
	send_message(writer, 70000, 1);
	send_message(writer, 5000, 2);
	stuck = fork_child();
	if (!stuck) {
		trap_set(&trap);
		CHECK(read(reader, trap.mem, TRAP_SIZE) == 70000);
		CHECK(is_filled(trap.mem, 70000, 1));
		exit(EXIT_SUCCESS);
	}
	trap_await(&trap, stuck, SYS_read);

	/* Who shares the file waits for its turn, and need not go on waiting. */
	catch_signal(0);
	pid = fork_child();
	if (!pid) {
		CHECK(failed_with(read(reader, inbox, 1), EINTR));
		exit(EXIT_SUCCESS);
	}
	await_blocked(pid, SYS_read);
	CHECK(!kill(pid, SIGUSR1));
	join(pid);

	/* Nobody else notices. */
	send_message(writer, 100, 3);
	receive_message(other, 70000, 1);
	receive_message(other, 5000, 2);
	receive_message(other, 100, 3);

	trap_open(&trap);
	join(stuck);
	receive_message(reader, 5000, 2);
	receive_message(reader, 100, 3);
}

static void stuck_write_holds_nobody_up(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);
	struct trap trap;
	pid_t pid;

	trap_init(&trap);
	pid = fork_child();
	if (!pid) {
		trap_set(&trap);
		CHECK(write(writer, trap.mem, 70000) == 70000);
		exit(EXIT_SUCCESS);
	}
	trap_await(&trap, pid, SYS_write);
	CHECK(buffers_in_use() == 1);
	send_message(writer, 100, 1);
	receive_message(reader, 100, 1);
	CHECK(is_empty(reader));

	trap_open(&trap);
	join(pid);
	CHECK(read(reader, inbox, sizeof(inbox)) == 70000);
}

static void killed_while_copying(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);
	struct trap trap;
	pid_t pid;

	trap_init(&trap);
	pid = fork_child();
	if (!pid) {
		trap_set(&trap);
		CHECK(write(writer, trap.mem, 3u << 20) == 0);
		exit(EXIT_FAILURE);
	}
	trap_await(&trap, pid, SYS_write);
	CHECK(buffers_in_use() == 1);
	kill_and_join(pid);
	CHECK(buffers_in_use() == 0);
	CHECK(is_empty(reader));

	send_message(writer, 70000, 1);
	pid = fork_child();
	if (!pid) {
		trap_set(&trap);
		CHECK(read(reader, trap.mem, TRAP_SIZE) == 0);
		exit(EXIT_FAILURE);
	}
	trap_await(&trap, pid, SYS_read);
	kill_and_join(pid);
	receive_message(reader, 70000, 1);
}

/* === Tests: close and rmmod === */

static void close_with_messages_queued(void)
{
	int writer = open_device(O_WRONLY);
	int whole = open_device(O_RDONLY);
	int part = open_device(O_RDONLY);
	size_t tier;

	for (tier = 0; tier < NR_TIERS; tier++)
		send_message(writer, TIER_SIZE(tier), tier);
	send_message(writer, MAX_MESSAGE, NR_TIERS);
	CHECK(buffers_in_use() == NR_TIERS + 1);

	CHECK(read(part, inbox, 100) == 100);
	close(part);
	CHECK(buffers_in_use() == NR_TIERS + 1);
	receive_message(whole, TIER_SIZE(0), 0);
	CHECK(buffers_in_use() == NR_TIERS);
	CHECK(read(whole, inbox, 100) == 100);
	close(whole);
	CHECK(buffers_in_use() == 0);
}

static void check_rmmod_is_refused(const char *module)
{
	CHECK(failed_with(syscall(SYS_delete_module, module, O_NONBLOCK),
			  EWOULDBLOCK));
}

static void rmmod_is_refused_while_open(void)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		fd = open_device(modes[i]);
		check_rmmod_is_refused("bytecast");
		close(fd);
	}
	/* Its symbols are used as long as bytecast is there. */
	check_rmmod_is_refused("bytepool");
}

/* === Tests: many at once === */

#define NR_WRITERS 4
#define NR_EACH	   150

/* Starts each message; the rest of it is filled with the seed. */
struct header {
	unsigned int writer;
	unsigned int seq;
	unsigned int seed;
	unsigned int len;
};

static void send_numbered(int fd, unsigned int writer, unsigned int seq)
{
	struct header header = {
		.writer = writer,
		.seq = seq,
		.seed = writer * 1000 + seq,
		/* Small and large in turn, up to 190 KiB or so. */
		.len = sizeof(header) + seq % 5 * seq % 193 * 1009,
	};

	memcpy(outbox, &header, sizeof(header));
	fill(outbox + sizeof(header), header.len - sizeof(header), header.seed);
	CHECK(write(fd, outbox, header.len) == (ssize_t)header.len);
}

static struct header receive_numbered(int fd)
{
	ssize_t ret = read(fd, inbox, sizeof(inbox));
	struct header header;

	CHECK(ret >= (ssize_t)sizeof(header));
	memcpy(&header, inbox, sizeof(header));
	CHECK(ret == (ssize_t)header.len);
	CHECK(is_filled(inbox + sizeof(header), header.len - sizeof(header),
			header.seed));
	return header;
}

static pid_t fork_writer(unsigned int writer)
{
	pid_t pid = fork_child();
	unsigned int seq;
	int fd;

	if (pid)
		return pid;

	fd = open_device(O_WRONLY);
	for (seq = 0; seq < NR_EACH; seq++)
		send_numbered(fd, writer, seq);
	exit(EXIT_SUCCESS);
}

static void read_in_order(int ready, int result)
{
	unsigned int next[NR_WRITERS] = {};
	int fd = open_device(O_RDONLY);
	struct header header;
	unsigned long long order = 0;
	unsigned int i;

	send_tokens(ready, 1);
	for (i = 0; i < NR_WRITERS * NR_EACH; i++) {
		header = receive_numbered(fd);
		CHECK(header.writer < NR_WRITERS);
		CHECK(header.seq == next[header.writer]++);
		order = order * 31 + header.writer;
	}
	CHECK(is_empty(fd));
	CHECK(write(result, &order, sizeof(order)) == sizeof(order));
}

static void writers_do_not_mix(void)
{
	unsigned long long first_order = 0;
	unsigned long long order;
	pid_t readers[4];
	pid_t writers[NR_WRITERS];
	int ready[2];
	int result[2];
	size_t i;

	CHECK(!pipe(ready));
	CHECK(!pipe(result));
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		readers[i] = fork_child();
		if (!readers[i]) {
			read_in_order(ready[1], result[1]);
			exit(EXIT_SUCCESS);
		}
	}
	await_tokens(ready[0], ARRAY_SIZE(readers));
	for (i = 0; i < NR_WRITERS; i++)
		writers[i] = fork_writer(i);

	for (i = 0; i < NR_WRITERS; i++)
		join(writers[i]);
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		join(readers[i]);
		CHECK(read(result[0], &order, sizeof(order)) == sizeof(order));
		if (!i)
			first_order = order;
		CHECK(order == first_order);
	}
}

/* Tells how many messages came, and the sum of their numbers. */
struct tally {
	unsigned int nr;
	unsigned int sum;
};

static void read_shared_file(int fd, int result)
{
	struct tally tally = {};
	struct header header;

	for (;;) {
		header = receive_numbered(fd);
		if (header.writer)
			break;
		tally.nr++;
		tally.sum += header.seq;
	}
	CHECK(write(result, &tally, sizeof(tally)) == sizeof(tally));
}

static void shared_file_gives_each_message_once(void)
{
	int writer = open_device(O_WRONLY);
	int reader = open_device(O_RDONLY);
	struct tally total = {};
	struct tally tally;
	int result[2];
	pid_t pids[3];
	unsigned int seq;
	size_t i;

	CHECK(!pipe(result));
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork_child();
		if (!pids[i]) {
			read_shared_file(reader, result[1]);
			exit(EXIT_SUCCESS);
		}
	}
	for (seq = 0; seq < NR_EACH; seq++)
		send_numbered(writer, 0, seq);
	/* Each takes one of these, and ends. */
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		send_numbered(writer, 1, 0);

	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		join(pids[i]);
		CHECK(read(result[0], &tally, sizeof(tally)) == sizeof(tally));
		total.nr += tally.nr;
		total.sum += tally.sum;
	}
	CHECK(total.nr == NR_EACH);
	CHECK(total.sum == NR_EACH * (NR_EACH - 1) / 2);
	CHECK(is_empty(reader));
}

/* Leaves with messages queued, some of them read in part, again and again. */
static void come_and_go(int stop)
{
	struct pollfd pollfd = { .fd = stop, .events = POLLIN };
	struct header header;
	unsigned int i;
	ssize_t ret;
	int fd;

	while (poll(&pollfd, 1, 0) == 0) {
		fd = open_device(O_RDONLY);
		for (i = 0; i < 5 && !is_empty(fd); i++)
			receive_numbered(fd);
		CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
		ret = read(fd, &header, sizeof(header));
		CHECK(ret == sizeof(header) || failed_with(ret, EAGAIN));
		close(fd);
	}
}

static void readers_come_and_go(void)
{
	pid_t writers[NR_WRITERS];
	pid_t readers[4];
	int stop[2];
	size_t i;

	CHECK(!pipe(stop));
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		readers[i] = fork_child();
		if (!readers[i]) {
			come_and_go(stop[0]);
			exit(EXIT_SUCCESS);
		}
	}
	for (i = 0; i < NR_WRITERS; i++)
		writers[i] = fork_writer(i);

	for (i = 0; i < NR_WRITERS; i++)
		join(writers[i]);
	send_tokens(stop[1], 1);
	for (i = 0; i < ARRAY_SIZE(readers); i++)
		join(readers[i]);
	CHECK(buffers_in_use() == 0);
}

/* === Transfer === */

static const char *transfer_path;
static unsigned int transfer_rounds;
static const char *transfer_pause_cmd;

/* A file that is sent several times, as one stream. */
struct stream {
	const unsigned char *file;
	size_t file_size;
	unsigned long long size;
};

/* What one process has sent or received of it. */
struct progress {
	unsigned long long bytes;
	unsigned long long calls;
};

/* What lies at @pos, and how much of it in one piece: up to the file's end. */
static const unsigned char *stream_piece(const struct stream *stream,
					 unsigned long long pos, size_t *len)
{
	size_t left = stream->file_size - pos % stream->file_size;

	if (*len > left)
		*len = left;
	return stream->file + pos % stream->file_size;
}

static bool stream_matches(const struct stream *stream, unsigned long long pos,
			   const unsigned char *data, size_t len)
{
	const unsigned char *piece;
	size_t part;

	while (len) {
		part = len;
		piece = stream_piece(stream, pos, &part);
		if (memcmp(data, piece, part))
			return false;
		pos += part;
		data += part;
		len -= part;
	}
	return true;
}

static void *map_file(const char *path, size_t *size)
{
	struct stat stat;
	void *mem;
	int fd;

	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	CHECK(!fstat(fd, &stat));
	*size = stat.st_size;
	mem = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(mem != MAP_FAILED);
	close(fd);
	return mem;
}

/* These are sent first: one message for each tier, and two for none. */
#define NR_FIRST (NR_TIERS + 2)

/*
 * First each is just too long for the tier below. Then tiers are filled, a pair
 * of tiers a third as often as the pair below it: small messages are many, and
 * large ones have most of the bytes.
 */
static size_t transfer_len(unsigned int nr)
{
	unsigned int tier = 0;

	if (nr < NR_TIERS)
		return TIER_SIZE(nr) / 2 + 1;
	if (nr < NR_FIRST)
		return TIER_SIZE(NR_TIERS - 1) + 1 + (nr - NR_TIERS) * 64;
	for (nr -= NR_FIRST - 1; nr % 3 == 0; nr /= 3)
		tier += 2;
	tier += nr % 3 - 1;
	return TIER_SIZE(tier < NR_TIERS ? tier : NR_TIERS - 1);
}

/* Gets by tier, and in the last place those that no tier served. */
static void read_gets(unsigned long long *gets)
{
	const char *stats = read_stats();
	const char *pos;
	char key[32];
	size_t tier;

	for (tier = 0; tier < NR_TIERS; tier++) {
		snprintf(key, sizeof(key), "\"%zu\":", TIER_SIZE(tier));
		pos = strstr(stats, key);
		CHECK(pos);
		gets[tier] = number_after(pos, "\"get\":");
	}
	gets[NR_TIERS] = number_after(stats, "\"discarded\":");
}

static void check_every_tier_served(const unsigned long long *before)
{
	unsigned long long after[NR_TIERS + 1];
	size_t tier;

	read_gets(after);
	for (tier = 0; tier < NR_TIERS; tier++)
		CHECK(after[tier] > before[tier]);
	CHECK(after[NR_TIERS] >= before[NR_TIERS] + 2);
}

static void receive_stream(const struct stream *stream,
			   struct progress *received, size_t read_size,
			   int ready, int go)
{
	int fd = open_device(O_RDONLY);
	ssize_t ret;

	send_tokens(ready, 1);
	await_tokens(go, 1);
	while (received->bytes < stream->size) {
		ret = read(fd, inbox, read_size);
		CHECK(ret > 0);
		CHECK(stream_matches(stream, received->bytes, inbox, ret));
		received->bytes += ret;
		received->calls++;
	}
	CHECK(is_empty(fd));
}

/* Sends until @nr messages are out, or all of the stream. */
static void send_stream(int fd, const struct stream *stream,
			struct progress *sent, unsigned int nr)
{
	const unsigned char *piece;
	size_t len;

	while (sent->calls < nr && sent->bytes < stream->size) {
		len = transfer_len(sent->calls);
		piece = stream_piece(stream, sent->bytes, &len);
		CHECK(write(fd, piece, len) == (ssize_t)len);
		sent->bytes += len;
		sent->calls++;
	}
}

/* Each reader asks for another size; the last one sees messages as sent. */
static const size_t read_sizes[] = { 4099, 65536, 1u << 20, MAX_MESSAGE };

#define NR_READERS ARRAY_SIZE(read_sizes)

static void fork_readers(const struct stream *stream, pid_t *pids,
			 struct progress *received, int ready, int go)
{
	size_t i;

	for (i = 0; i < NR_READERS; i++) {
		pids[i] = fork_child();
		if (!pids[i]) {
			receive_stream(stream, &received[i], read_sizes[i],
				       ready, go);
			exit(EXIT_SUCCESS);
		}
	}
}

/* The pool has counted the buffers: one for each message, not for each reader. */
static void print_transfer(const struct progress *sent,
			   const struct progress *received,
			   unsigned long long nr_bufs)
{
	size_t i;

	printf("writer    %10llu bytes in %6llu messages\n", sent->bytes,
	       sent->calls);
	for (i = 0; i < NR_READERS; i++) {
		CHECK(received[i].bytes == sent->bytes);
		printf("reader %zu  %10llu bytes in %6llu reads, all as sent\n",
		       i + 1, received[i].bytes, received[i].calls);
	}
	CHECK(received[NR_READERS - 1].calls == sent->calls);
	CHECK(nr_bufs == sent->calls);
	printf("%llu buffers for %llu deliveries: a copy for each reader would\n"
	       "take %llu buffers more, and copy %llu MB more\n",
	       nr_bufs, sent->calls * NR_READERS,
	       sent->calls * NR_READERS - nr_bufs,
	       sent->bytes * (NR_READERS - 1) / 1000000);
}

static void send_to_readers(const struct stream *stream,
			    struct progress *received)
{
	int writer = open_device(O_WRONLY);
	unsigned long long gets = total_gets();
	struct progress sent = {};
	pid_t pids[NR_READERS];
	int ready[2];
	int go[2];
	size_t i;

	CHECK(!pipe(ready));
	CHECK(!pipe(go));
	fork_readers(stream, pids, received, ready[1], go[0]);
	await_tokens(ready[0], NR_READERS);

	send_stream(writer, stream, &sent, NR_FIRST);
	CHECK(sent.calls == NR_FIRST && sent.bytes < stream->size);
	CHECK(buffers_in_use() == NR_FIRST);
	if (transfer_pause_cmd)
		CHECK(system(transfer_pause_cmd) == 0);
	send_tokens(go[1], NR_READERS);
	send_stream(writer, stream, &sent, UINT_MAX);

	for (i = 0; i < NR_READERS; i++)
		join(pids[i]);
	print_transfer(&sent, received, total_gets() - gets);
}

static void transfer(void)
{
	unsigned long long gets[NR_TIERS + 1];
	struct progress *received;
	struct stream stream;

	stream.file = map_file(transfer_path, &stream.file_size);
	stream.size = (unsigned long long)stream.file_size * transfer_rounds;
	received = mmap(NULL, NR_READERS * sizeof(*received),
			PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			0);
	CHECK(received != MAP_FAILED);
	read_gets(gets);
	send_to_readers(&stream, received);
	check_every_tier_served(gets);
}

/* === Runner === */

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(function)                             \
	{                                          \
		.name = #function, .run = function \
	}

static const struct test tests[] = {
	TEST(broadcast_reaches_every_reader),
	TEST(sixty_four_readers),
	TEST(messages_keep_their_order),
	TEST(short_reads_leave_the_rest),
	TEST(vectors_are_one_message),
	TEST(nothing_is_no_message),
	TEST(too_long_is_refused),
	TEST(without_reader_messages_are_dropped),
	TEST(late_reader_sees_later_messages),
	TEST(writer_that_reads_hears_itself),
	TEST(files_go_one_way_and_have_no_position),
	TEST(empty_queue_is_eagain),
	TEST(queue_is_bounded_in_messages),
	TEST(queue_is_bounded_in_bytes),
	TEST(closed_reader_holds_nobody_up),
	TEST(blocked_read_wakes_up),
	TEST(blocked_write_wakes_up),
	TEST(poll_tells_readers),
	TEST(poll_tells_writers),
	TEST(poll_wakes_up),
	TEST(write_past_the_limit_waits_for_a_reader),
	TEST(write_past_the_limit_is_eagain),
	TEST(signal_interrupts_write_past_the_limit),
	TEST(signal_interrupts_read),
	TEST(signal_restarts_read),
	TEST(signal_interrupts_write),
	TEST(signal_restarts_write),
	TEST(killed_while_blocked),
	TEST(killed_reader_holds_nobody_up),
	TEST(write_from_bad_memory),
	TEST(read_into_bad_memory),
	TEST(stuck_read_keeps_its_message),
	TEST(stuck_write_holds_nobody_up),
	TEST(killed_while_copying),
	TEST(close_with_messages_queued),
	TEST(rmmod_is_refused_while_open),
	TEST(writers_do_not_mix),
	TEST(shared_file_gives_each_message_once),
	TEST(readers_come_and_go),
};

/* Leaves the child as a zombie, so that its process group keeps its number. */
static bool await_exit(pid_t pid)
{
	const struct timespec timeout = { .tv_sec = TIMEOUT_SECONDS };
	siginfo_t info = {};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		CHECK(!waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT));
		if (info.si_pid)
			return true;
		if (sigtimedwait(&set, NULL, &timeout) < 0 && errno == EAGAIN)
			return false;
	}
}

static pid_t fork_test(void (*run)(void))
{
	pid_t pid = fork_child();
	sigset_t none;

	if (pid)
		return pid;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	run();
	exit(EXIT_SUCCESS);
}

/* Runs in a process of its own; when this returns no descendant is left. */
static bool run_apart(void (*run)(void))
{
	pid_t pid = fork_test(run);
	int status;

	if (!await_exit(pid))
		printf("# no end after %d seconds\n", TIMEOUT_SECONDS);
	/* What cannot even be killed ends this program. */
	alarm(TIMEOUT_SECONDS);
	kill(-pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid);
	while (waitpid(-1, NULL, 0) > 0)
		;
	alarm(0);
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

static bool run_test(void (*run)(void))
{
	/* A test that failed must not leak either. */
	bool passed = run_apart(run);
	bool quiet = run_apart(check_pool_is_quiet);

	return passed && quiet;
}

static int run_all(void)
{
	unsigned int nr_failed = 0;
	size_t i;

	printf("KTAP version 1\n1..%zu\n", ARRAY_SIZE(tests));
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		bool ok = run_test(tests[i].run);

		printf("%sok %zu %s\n", ok ? "" : "not ", i + 1, tests[i].name);
		nr_failed += !ok;
	}
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void prepare(void)
{
	sigset_t set;

	/* Blocked, SIGCHLD can be waited for with a timeout. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Orphans of a test come here, so that none outlives its verdict. */
	CHECK(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK(!sigprocmask(SIG_BLOCK, &set, NULL));
}

int main(int argc, char **argv)
{
	bool is_transfer = argc >= 4 && !strcmp(argv[1], "transfer");

	if (argc == 2 && !strcmp(argv[1], "all")) {
		prepare();
		return run_all();
	}
	if (is_transfer && argc == 6 && !strcmp(argv[4], "--pause-cmd"))
		transfer_pause_cmd = argv[5];
	else if (!is_transfer || argc != 4)
		goto usage;

	transfer_path = argv[2];
	transfer_rounds = strtoul(argv[3], NULL, 10);
	prepare();
	return run_test(transfer) ? EXIT_SUCCESS : EXIT_FAILURE;

usage:
	fprintf(stderr,
		"usage: bytecast_test all\n"
		"       bytecast_test transfer FILE ROUNDS [--pause-cmd CMD]\n");
	return 2;
}
