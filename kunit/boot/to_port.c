// SPDX-License-Identifier: GPL-2.0
/*
 * to_port.c - Sends what it reads to the debug console of an emulator, one byte
 * a write: /dev/port would give the second one to the next port.
 */

#include <fcntl.h>
#include <unistd.h>

#define DEBUG_CONSOLE 0xe9

int main(void)
{
	int port = open("/dev/port", O_WRONLY);
	char bytes[4096];
	ssize_t nr, i;

	while ((nr = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		for (i = 0; i < nr; i++)
			if (pwrite(port, &bytes[i], 1, DEBUG_CONSOLE) != 1)
				return 1;
	return nr < 0;
}
