// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded where instructions are counted: the clock stands still, so that
 * nothing depends on how long the count takes. It stands an hour ahead, or a
 * thread that waits until a time of its own would not wait at all.
 */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define AHEAD 3600

int clock_gettime(clockid_t clock, struct timespec *time)
{
	static time_t stands;

	if (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)
		return syscall(SYS_clock_gettime, clock, time);
	/* The first to ask is the only thread. */
	if (!stands) {
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, time);
		stands = time->tv_sec + AHEAD;
	}
	time->tv_sec = stands;
	time->tv_nsec = 0;
	return 0;
}
