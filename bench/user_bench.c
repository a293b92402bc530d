// SPDX-License-Identifier: GPL-2.0
/*
 * The userspace benchmark: what times the patterns, or counts their
 * instructions. A process has one family of candidates, so that no allocator
 * stands in another's way; userspace.sh runs several of them in turn:
 *
 *	user_bench		for each line "CANDIDATE SIZE PATTERN THREADS
 *				MILLISECONDS" on standard input answers with
 *				nanoseconds a pair, "completed", "-" if the
 *				candidate has no such cell, or "lost"
 *	user_bench count	under callgrind: for each such line, of one
 *				thread, dumps three counts: one to ignore, of
 *				TIMES pairs, and of twice as many; the
 *				difference of the last two is exact
 *
 * Patterns: "hot", "16" and "128" (held at a time), "random", "handover".
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#include "user_bench.h"

/* Pairs between two looks at the clock, so that these do not count. */
#define CHUNK 1024
/* Held by one at most; the rest is what completion is about. */
#define MAX_TIMED_THREADS 2
#define MAX_THREADS	  64
/* Pairs that are counted, a multiple of every number held and of the trace. */
#define TIMES 4096
/* Runs before a count. */
#define WARM_UPS 3
/* Batches under way from one thread to the other. */
#define RING 8

struct bench_step bench_trace[BENCH_TRACE];

struct cell {
	const struct bench_candidate *candidate;
	size_t size;
	/* Held at a time, or 0: the trace. */
	unsigned int held;
	bool is_handover;
	unsigned int threads;
	uint64_t duration;
	pthread_barrier_t barrier;
};

struct worker {
	pthread_t thread;
	struct cell *cell;
	unsigned int cpu;
	double ns;
};

/* One writer, one reader. The indices have lines of their own. */
static struct {
	_Alignas(64) atomic_ulong head;
	_Alignas(64) atomic_ulong tail;
	_Alignas(64) atomic_bool is_over;
	_Alignas(64) void *batches[RING][BENCH_BATCH];
} ring;

void bench_die(const char *what)
{
	fprintf(stderr, "user_bench: %s\n", what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/*
 * A driver's lengths: mostly messages, a good part of packets, some pages, few
 * that are large. The same in every run: a generator with a fixed seed.
 */
static void make_trace(void)
{
	uint64_t state = 20261124;

	for (unsigned int i = 0; i < BENCH_TRACE; i++) {
		unsigned int kind, spread;
		size_t len;

		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		kind = (state >> 33) % 100;
		spread = (state >> 40) % 1000;
		if (kind < 55)
			len = 32 + spread / 4;
		else if (kind < 85)
			len = 1000 + spread / 2;
		else if (kind < 95)
			len = 2048 + spread * 2;
		else
			len = 16384 + spread * 49;
		bench_trace[i].len = len;
		bench_trace[i].slot = (state >> 52) % BENCH_SLOTS;
	}
}

/* === Patterns === */

/* Does at least so many pairs, and says how many. */
static unsigned long run_pairs(const struct cell *cell, unsigned long pairs)
{
	unsigned long times;

	if (!cell->held) {
		times = (pairs + BENCH_TRACE - 1) / BENCH_TRACE;
		cell->candidate->trace(times);
		return times * BENCH_TRACE;
	}
	times = (pairs + cell->held - 1) / cell->held;
	cell->candidate->hold(cell->size, cell->held, times);
	return times * cell->held;
}

static double time_pairs(const struct cell *cell)
{
	uint64_t start = now(), end;
	unsigned long pairs = 0;

	do {
		pairs += run_pairs(cell, CHUNK);
		end = now();
	} while (end - start < cell->duration);
	return (double)(end - start) / pairs;
}

/* The other side may need this very CPU to go on. */
static void wait_a_little(unsigned int *turns)
{
	if (++*turns % 1024)
		__builtin_ia32_pause();
	else
		sched_yield();
}

static double produce(const struct cell *cell)
{
	unsigned long head = atomic_load(&ring.head), begin = head;
	uint64_t start = now(), end = start;
	unsigned int turns = 0;

	while (end - start < cell->duration) {
		while (head - atomic_load_explicit(&ring.tail,
						   memory_order_acquire) ==
		       RING)
			wait_a_little(&turns);
		cell->candidate->get(cell->size, ring.batches[head % RING]);
		atomic_store_explicit(&ring.head, ++head, memory_order_release);
		if (head % 8 == 0)
			end = now();
	}
	while (atomic_load(&ring.tail) != head)
		wait_a_little(&turns);
	atomic_store(&ring.is_over, true);
	return (double)(now() - start) / ((head - begin) * BENCH_BATCH);
}

static void consume(const struct cell *cell)
{
	unsigned long tail = atomic_load(&ring.tail);
	unsigned int turns = 0;

	while (!atomic_load_explicit(&ring.is_over, memory_order_acquire)) {
		if (atomic_load_explicit(&ring.head, memory_order_acquire) ==
		    tail) {
			wait_a_little(&turns);
			continue;
		}
		cell->candidate->put(ring.batches[tail % RING]);
		atomic_store_explicit(&ring.tail, ++tail, memory_order_release);
	}
}

/* === Cells === */

static void enter(const struct cell *cell, unsigned int cpu)
{
	pin(cpu);
	if (cell->candidate->enter)
		cell->candidate->enter();
}

static void leave(const struct cell *cell)
{
	if (cell->candidate->leave)
		cell->candidate->leave();
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct cell *cell = worker->cell;

	enter(cell, worker->cpu);
	if (cell->is_handover) {
		pthread_barrier_wait(&cell->barrier);
		if (worker->cpu == 0)
			worker->ns = produce(cell);
		else
			consume(cell);
	} else {
		run_pairs(cell, CHUNK);
		pthread_barrier_wait(&cell->barrier);
		worker->ns = time_pairs(cell);
	}
	/* Nobody goes while another is timed. */
	pthread_barrier_wait(&cell->barrier);
	leave(cell);
	return NULL;
}

static double run_threads(struct cell *cell)
{
	struct worker workers[MAX_THREADS] = { 0 };
	double sum = 0;

	atomic_store(&ring.is_over, false);
	pthread_barrier_init(&cell->barrier, NULL, cell->threads);
	for (unsigned int i = 0; i < cell->threads; i++) {
		workers[i].cell = cell;
		workers[i].cpu = i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			bench_die("no thread");
	}
	for (unsigned int i = 0; i < cell->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		sum += workers[i].ns;
	}
	pthread_barrier_destroy(&cell->barrier);
	return cell->is_handover ? workers[0].ns : sum / cell->threads;
}

/* In the main thread, so that a C library may know that there is no other. */
static double run_alone(struct cell *cell)
{
	double ns;

	enter(cell, 0);
	run_pairs(cell, CHUNK);
	ns = time_pairs(cell);
	leave(cell);
	return ns;
}

/*
 * TIMES pairs and twice as many: the difference has nothing of the dump. What
 * a first dump brings with it is in the first, which nobody counts.
 */
static double count_pairs(struct cell *cell)
{
	enter(cell, 0);
	for (unsigned int i = 0; i < WARM_UPS; i++) {
		run_pairs(cell, TIMES);
		usleep(cell->candidate->settle * 1000);
	}
	for (unsigned int i = 0; i <= 2; i++) {
		unsigned long pairs = i < 2 ? TIMES : 2 * TIMES;

		CALLGRIND_ZERO_STATS;
		run_pairs(cell, pairs);
		CALLGRIND_DUMP_STATS;
	}
	leave(cell);
	return 0;
}

static bool set_up(const struct cell *cell)
{
	const struct bench_candidate *candidate = cell->candidate;

	if (!candidate || cell->size > candidate->max_size || !cell->threads ||
	    cell->threads > MAX_THREADS)
		return false;
	return !candidate->setup || candidate->setup(cell->size, cell->threads);
}

static void run_cell(struct cell *cell, bool is_count)
{
	const struct bench_candidate *candidate = cell->candidate;
	double ns;

	if (!set_up(cell)) {
		puts("-");
		return;
	}
	if (is_count)
		ns = count_pairs(cell);
	else if (cell->threads == 1)
		ns = run_alone(cell);
	else
		ns = run_threads(cell);

	if (candidate->teardown && !candidate->teardown())
		puts("lost");
	else if (is_count)
		puts("counted");
	else if (cell->threads > MAX_TIMED_THREADS)
		puts("completed");
	else
		printf("%.2f\n", ns);
}

static bool parse(char *line, struct cell *cell)
{
	char name[32], pattern[32];
	unsigned int milliseconds;

	memset(cell, 0, sizeof(*cell));
	if (sscanf(line, "%31s %zu %31s %u %u", name, &cell->size, pattern,
		   &cell->threads, &milliseconds) != 5)
		return false;
	cell->duration = milliseconds * 1000000ULL;
	for (unsigned int i = 0; i < bench_nr_candidates; i++)
		if (!strcmp(name, bench_candidates[i].name))
			cell->candidate = &bench_candidates[i];
	if (!strcmp(pattern, "hot"))
		cell->held = 1;
	else if (!strcmp(pattern, "handover"))
		cell->is_handover = true;
	else if (strcmp(pattern, "random"))
		cell->held = strtoul(pattern, NULL, 10);
	return cell->held <= BENCH_MAX_HELD &&
	       (!cell->is_handover || cell->threads == 2);
}

int main(int argc, char **argv)
{
	bool is_count = argc == 2 && !strcmp(argv[1], "count");
	struct cell cell;
	char line[128];

	setvbuf(stdout, NULL, _IOLBF, 0);
	make_trace();
	while (fgets(line, sizeof(line), stdin)) {
		if (!parse(line, &cell))
			bench_die("cannot read the line");
		run_cell(&cell, is_count);
	}
	return 0;
}
