// SPDX-License-Identifier: GPL-2.0
/*
 * Runs test cases in userspace, as a kernel would: the module is loaded
 * before, and unloaded after, and has to leave nothing behind. KTAP goes to
 * standard output, what the kernel would log to standard error.
 *
 * A case fails, whatever it says itself, if it causes a warning that it has
 * not announced. The argument chooses cases: a glob for "suite.case". Who ends
 * a program that hangs with SIGTERM is told which case it was at.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <shim.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <kunit/test.h>

#define MAX_SUITES 32

/* What a suite has itself, where the functions here have been put. */
static struct original {
	struct kunit_suite *suite;
	int (*suite_init)(struct kunit_suite *suite);
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
} originals[MAX_SUITES], *current_suite;

/* The case that runs, or the last one. */
/* What on_term() says, made ahead: it may call next to nothing. */
static char current_case[256];
static int current_len;

static unsigned int warnings_before, warnings_expected;

void shim_expect_warnings(unsigned int nr)
{
	warnings_expected += nr;
}

static int watch_suite(struct kunit_suite *suite)
{
	current_suite = originals;
	while (current_suite->suite != suite)
		current_suite++;
	return current_suite->suite_init ? current_suite->suite_init(suite) : 0;
}

static int watch_init(struct kunit *test)
{
	int len;

	len = scnprintf(current_case, sizeof(current_case),
			"# ended at %s.%s\n", current_suite->suite->name,
			test->name);
	WRITE_ONCE(current_len, len);
	warnings_before = READ_ONCE(shim_warnings);
	warnings_expected = 0;
	shim_forget_once();
	return current_suite->init ? current_suite->init(test) : 0;
}

static void watch_exit(struct kunit *test)
{
	if (current_suite->exit)
		current_suite->exit(test);
	KUNIT_EXPECT_EQ_MSG(test, READ_ONCE(shim_warnings) - warnings_before,
			    warnings_expected, "warnings");
}

static void watch_suites(void)
{
	unsigned int i;

	for (i = 0; kunit_suites[i]; i++) {
		struct kunit_suite *suite = kunit_suites[i];

		BUG_ON(i == MAX_SUITES);
		originals[i] = (struct original){
			.suite = suite,
			.suite_init = suite->suite_init,
			.init = suite->init,
			.exit = suite->exit,
		};
		suite->suite_init = watch_suite;
		suite->init = watch_init;
		suite->exit = watch_exit;
	}
}

/* === After the last case === */

static unsigned int nr_left;

static void expect_none(unsigned int nr, const char *what)
{
	if (!nr)
		return;
	nr_left += nr;
	printf("# left behind: %u %s\n", nr, what);
}

/* Threads end, and the last work items run, a little after the last case. */
static bool becomes_zero(unsigned int (*count)(void))
{
	unsigned int ms;

	for (ms = 0; ms < 10000 && count(); ms++)
		msleep(1);
	return !count();
}

static unsigned int module_users(void)
{
	return module_refcount(&shim_module);
}

static void unload(void)
{
	int ret;

	if (!becomes_zero(shim_nr_kthreads))
		expect_none(shim_nr_kthreads(), "threads");
	if (!becomes_zero(module_users))
		expect_none(module_users(), "users of the module");
	ret = shim_unload_module();
	if (ret) {
		printf("# the module cannot be unloaded: %d\n", ret);
		nr_left++;
		return;
	}
	expect_none(shim_nr_workqueues(), "work queues");
	expect_none(shim_nr_dentries(), "debugfs files");
	expect_none(shim_nr_shrinkers(), "shrinkers");
	expect_none(shim_nr_percpu(), "pieces of per-CPU memory");
	expect_none(shim_report_leaks(), "pieces of memory");
}

/* The main thread waits for the case, and comes here without any lock. */
static void on_term(int sig)
{
	ssize_t len = READ_ONCE(current_len);
	ssize_t written = data_race(write(STDOUT_FILENO, current_case, len));

	_exit(written == len ? 128 + sig : 1);
}

int main(int argc, char **argv)
{
	unsigned int warnings;
	int ret;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_term);
	kunit_filter = argc > 1 ? argv[1] : NULL;
	ret = shim_load_module();
	if (ret) {
		printf("Bail out! the module cannot be loaded: %d\n", ret);
		return EXIT_FAILURE;
	}
	watch_suites();
	ret = kunit_run_all();
	warnings = READ_ONCE(shim_warnings);
	unload();
	expect_none(READ_ONCE(shim_warnings) - warnings,
		    "warnings since the last case");
	if (nr_left)
		printf("Bail out! something is left behind\n");
	return ret || nr_left ? EXIT_FAILURE : EXIT_SUCCESS;
}
