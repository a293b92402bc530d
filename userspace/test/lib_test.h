/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the library's test share. */
#ifndef _LIB_TEST_H
#define _LIB_TEST_H

#include <bytepool.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

extern bool failed;

#define CHECK(cond)                                                         \
	do {                                                                \
		if (!(cond)) {                                              \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
			failed = true;                                      \
		}                                                           \
	} while (0)

struct lib_test {
	const char *name;
	void (*run)(void);
};

/* lib_limits.c: at the limits of a process, each in a process of its own. */
extern const struct lib_test limit_tests[];
extern const size_t nr_limit_tests;
int run_child(const char *name);

struct bytepool *create(const char *name, unsigned int flags);
void use(struct bytepool *pool);
void check_quiet(struct bytepool *pool);
double now(void);

#endif /* _LIB_TEST_H */
