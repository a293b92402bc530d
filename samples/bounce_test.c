// SPDX-License-Identifier: GPL-2.0
/*
 * bounce_test - needs more memory than there is, and looks that none is lost
 *
 *   bounce_test PROCESSES MIB
 *
 * So many processes have as many MiB each. They fill them, and once all have done
 * so, each finds in its own what it has written. Most of it has been swapped out
 * by then.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A number that depends on the process, and on the place in its memory. */
static unsigned long long word(unsigned long long process, size_t place)
{
	return ((process << 48) + place + 1) * 0x9e3779b97f4a7c15ull;
}

static bool verify(const unsigned long long *mem, size_t nr_words,
		   unsigned int process)
{
	size_t i;

	for (i = 0; i < nr_words; i++) {
		if (mem[i] != word(process, i)) {
			printf("process %u: wrong at byte %zu of %zu\n",
			       process, i * sizeof(*mem),
			       nr_words * sizeof(*mem));
			return false;
		}
	}
	return true;
}

/* A pipe that all processes hold: it ends when each has filled its memory. */
static bool fill_and_verify(unsigned int process, size_t size,
			    const int *filled)
{
	size_t nr_words = size / sizeof(unsigned long long);
	unsigned long long *mem;
	size_t i;
	char c;

	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return false;
	for (i = 0; i < nr_words; i++)
		mem[i] = word(process, i);
	close(filled[1]);
	return read(filled[0], &c, 1) == 0 && verify(mem, nr_words, process);
}

/* Returns how many of its children did not end well. */
static unsigned int join_all(void)
{
	unsigned int nr_failed = 0;
	int status;

	while (wait(&status) > 0) {
		if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
			nr_failed++;
	}
	return nr_failed;
}

int main(int argc, char **argv)
{
	unsigned int nr = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	size_t size = argc == 3 ? strtoul(argv[2], NULL, 10) << 20 : 0;
	unsigned int nr_failed, i;
	int filled[2];

	if (!nr || !size || pipe(filled))
		return 2;
	for (i = 0; i < nr; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return EXIT_FAILURE;
		if (!pid)
			return fill_and_verify(i, size, filled) ? EXIT_SUCCESS :
								  EXIT_FAILURE;
	}
	close(filled[1]);
	nr_failed = join_all();
	printf("%u processes of %zu MiB: %u failed\n", nr, size >> 20,
	       nr_failed);
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
