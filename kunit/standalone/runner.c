// SPDX-License-Identifier: GPL-2.0
/*
 * Runs KUnit suites where there is no KUnit, and says in KTAP how they went,
 * in the words of the kernel's own, so that one judge reads them all.
 *
 * A case runs in a thread of its own, and so does what cleans up after it: a
 * failed assertion ends the thread it is in.
 */
#include <linux/kthread.h>
#include <linux/sched.h>

#include <kunit/test.h>

#define CASE_INDENT  "    "
#define PARAM_INDENT "        "

char *kunit_filter;

/**
 * struct kunit_count - how many cases went how
 * @passed: cases that did
 * @failed: cases that did
 * @skipped: cases that were
 */
struct kunit_count {
	unsigned int passed;
	unsigned int failed;
	unsigned int skipped;
};

/**
 * struct kunit_memory - memory that a case was given
 * @node: in kunit.memory
 * @data: the memory
 */
struct kunit_memory {
	struct list_head node;
	char data[] __aligned(ARCH_KMALLOC_MINALIGN);
};

/**
 * struct kunit_phase - what one thread does for a case
 * @test: the case
 * @init: comes first, and has to return 0; or NULL
 * @run: follows; or NULL
 */
struct kunit_phase {
	struct kunit *test;
	int (*init)(struct kunit *test);
	void (*run)(struct kunit *test);
};

/* === What cases call === */

static void kunit_end_thread(struct kunit *test)
{
	kthread_complete_and_exit(&test->done, 0);
}

static void kunit_fail_at(struct kunit *test, const struct kunit_place *place,
			  const char *fmt, va_list *args)
{
	struct va_format message = { .fmt = fmt, .va = args };

	if (fmt)
		pr_err(PARAM_INDENT "%pV\n", &message);
	WRITE_ONCE(test->status, KUNIT_FAILURE);
	if (place->abort)
		kunit_end_thread(test);
}

static void kunit_say_where(struct kunit *test, const struct kunit_place *place)
{
	kunit_err(test, "%s FAILED at %s:%d",
		  place->abort ? "ASSERTION" : "EXPECTATION", place->file,
		  place->line);
}

void kunit_failed(struct kunit *test, const struct kunit_place *place,
		  const char *text, const char *fmt, ...)
{
	va_list args;

	kunit_say_where(test, place);
	if (text)
		pr_err(PARAM_INDENT "%s\n", text);
	va_start(args, fmt);
	kunit_fail_at(test, place, fmt, &args);
	va_end(args);
}

static void kunit_show(const char *text, enum kunit_show show, long long value)
{
	switch (show) {
	case KUNIT_SHOW_NUMBER:
		pr_err(PARAM_INDENT "%s is %lld (0x%llx)\n", text, value,
		       value);
		break;
	case KUNIT_SHOW_POINTER:
		pr_err(PARAM_INDENT "%s is 0x%llx\n", text, value);
		break;
	case KUNIT_SHOW_STRING:
		pr_err(PARAM_INDENT "%s is \"%s\"\n", text,
		       (const char *)(unsigned long)value);
		break;
	}
}

void kunit_differs(struct kunit *test, const struct kunit_place *place,
		   const struct kunit_comparison *comparison, const char *fmt,
		   ...)
{
	va_list args;

	kunit_say_where(test, place);
	pr_err(PARAM_INDENT "Expected %s %s %s, but\n", comparison->left_text,
	       comparison->op, comparison->right_text);
	kunit_show(comparison->left_text, comparison->show, comparison->left);
	kunit_show(comparison->right_text, comparison->show, comparison->right);
	va_start(args, fmt);
	kunit_fail_at(test, place, fmt, &args);
	va_end(args);
}

void kunit_skip_case(struct kunit *test, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(test->status_comment, sizeof(test->status_comment), fmt,
		  args);
	va_end(args);
	WRITE_ONCE(test->status, KUNIT_SKIPPED);
	kunit_end_thread(test);
}

void *kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp)
{
	struct kunit_memory *memory;

	memory = kzalloc(sizeof(*memory) + size, gfp);
	if (!memory)
		return NULL;
	spin_lock(&test->lock);
	list_add(&memory->node, &test->memory);
	spin_unlock(&test->lock);
	return memory->data;
}

/* === Running === */

static int kunit_phase_thread(void *data)
{
	struct kunit_phase *phase = data;
	struct kunit *test = phase->test;
	int ret = 0;

	if (phase->init)
		ret = phase->init(test);
	if (ret)
		KUNIT_FAIL(test, "init failed: %d", ret);
	else if (phase->run)
		phase->run(test);
	kunit_end_thread(test);
	return 0;
}

static void kunit_run_phase(struct kunit *test, int (*init)(struct kunit *test),
			    void (*run)(struct kunit *test))
{
	struct kunit_phase phase = {
		.test = test,
		.init = init,
		.run = run,
	};
	struct task_struct *task;

	init_completion(&test->done);
	task = kthread_run(kunit_phase_thread, &phase, "kunit_case");
	if (IS_ERR(task))
		KUNIT_FAIL(test, "no thread: %ld", PTR_ERR(task));
	else
		wait_for_completion(&test->done);
}

static void kunit_free_memory(struct kunit *test)
{
	struct kunit_memory *memory, *next;

	list_for_each_entry_safe(memory, next, &test->memory, node)
		kfree(memory);
}

/* Runs a case, once, and leaves in @test how it went. */
static void kunit_run_case(struct kunit_suite *suite,
			   struct kunit_case *test_case, const void *param,
			   struct kunit *test)
{
	memset(test, 0, sizeof(*test));
	test->name = test_case->name;
	test->param_value = param;
	spin_lock_init(&test->lock);
	INIT_LIST_HEAD(&test->memory);
	kunit_run_phase(test, suite->init, test_case->run_case);
	kunit_run_phase(test, NULL, suite->exit);
	kunit_free_memory(test);
}

static void kunit_add(struct kunit_count *count, enum kunit_status status)
{
	count->passed += status == KUNIT_SUCCESS;
	count->failed += status == KUNIT_FAILURE;
	count->skipped += status == KUNIT_SKIPPED;
}

static unsigned int kunit_total(const struct kunit_count *count)
{
	return count->passed + count->failed + count->skipped;
}

static enum kunit_status kunit_status_of(const struct kunit_count *count)
{
	if (count->failed)
		return KUNIT_FAILURE;
	return count->skipped && !count->passed ? KUNIT_SKIPPED : KUNIT_SUCCESS;
}

static void kunit_print_result(const char *indent, enum kunit_status status,
			       unsigned int nr, const char *name,
			       const char *comment)
{
	bool skipped = status == KUNIT_SKIPPED;

	pr_info("%s%s %u %s%s%s\n", indent,
		status == KUNIT_FAILURE ? "not ok" : "ok", nr, name,
		skipped ? " # SKIP " : "", skipped ? comment : "");
}

static void kunit_print_count(const char *indent, const char *name,
			      const struct kunit_count *count)
{
	if (name)
		pr_info("%s# %s: pass:%u fail:%u skip:%u total:%u\n", indent,
			name, count->passed, count->failed, count->skipped,
			kunit_total(count));
	else
		pr_info("%s# Totals: pass:%u fail:%u skip:%u total:%u\n",
			indent, count->passed, count->failed, count->skipped,
			kunit_total(count));
}

static unsigned int kunit_nr_params(struct kunit_case *test_case)
{
	char desc[KUNIT_PARAM_DESC_SIZE];
	const void *param = NULL;
	unsigned int nr = 0;

	while ((param = test_case->generate_params(param, desc)))
		nr++;
	return nr;
}

/* Runs a case with each of its parameters. */
static void kunit_run_params(struct kunit_suite *suite,
			     struct kunit_case *test_case, struct kunit *test,
			     struct kunit_count *count)
{
	char desc[KUNIT_PARAM_DESC_SIZE] = "";
	const void *param = NULL;

	pr_info(PARAM_INDENT "KTAP version 1\n");
	pr_info(PARAM_INDENT "# Subtest: %s\n", test_case->name);
	pr_info(PARAM_INDENT "1..%u\n", kunit_nr_params(test_case));
	while ((param = test_case->generate_params(param, desc))) {
		kunit_run_case(suite, test_case, param, test);
		kunit_add(count, test->status);
		if (!desc[0])
			snprintf(desc, sizeof(desc), "param-%u",
				 kunit_total(count) - 1);
		kunit_print_result(PARAM_INDENT, test->status,
				   kunit_total(count), desc,
				   test->status_comment);
		desc[0] = '\0';
	}
	kunit_print_count(CASE_INDENT, test_case->name, count);
}

/* Whether a glob of * and ? matches a whole string. */
static bool kunit_glob(const char *glob, const char *s)
{
	const char *retry_glob = NULL, *retry_s = s;

	while (*s) {
		if (*glob == '*') {
			retry_glob = ++glob;
			retry_s = s;
		} else if (*glob == '?' || *glob == *s) {
			glob++;
			s++;
		} else if (retry_glob) {
			/* Let the last * take one character more. */
			glob = retry_glob;
			s = ++retry_s;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

static bool kunit_chosen(struct kunit_suite *suite,
			 struct kunit_case *test_case)
{
	char name[sizeof(suite->name) + 128];

	if (!kunit_filter)
		return true;
	snprintf(name, sizeof(name), "%s.%s", suite->name, test_case->name);
	return kunit_glob(kunit_filter, name);
}

static unsigned int kunit_nr_chosen(struct kunit_suite *suite)
{
	struct kunit_case *test_case;
	unsigned int nr = 0;

	for (test_case = suite->test_cases; test_case->run_case; test_case++)
		nr += kunit_chosen(suite, test_case);
	return nr;
}

static void kunit_run_chosen(struct kunit_suite *suite, struct kunit *test,
			     struct kunit_count *count,
			     struct kunit_count *total)
{
	struct kunit_case *test_case;

	for (test_case = suite->test_cases; test_case->run_case; test_case++) {
		struct kunit_count params = {};
		enum kunit_status status;

		if (!kunit_chosen(suite, test_case))
			continue;
		if (test_case->generate_params) {
			kunit_run_params(suite, test_case, test, &params);
			status = kunit_status_of(&params);
		} else {
			kunit_run_case(suite, test_case, NULL, test);
			status = test->status;
			kunit_add(&params, status);
		}
		total->passed += params.passed;
		total->failed += params.failed;
		total->skipped += params.skipped;
		kunit_add(count, status);
		kunit_print_result(CASE_INDENT, status, kunit_total(count),
				   test_case->name, test->status_comment);
	}
}

/* Runs a suite. Adds to @total how its cases went. */
static void kunit_run_suite(struct kunit_suite *suite, unsigned int nr,
			    struct kunit *test, struct kunit_count *total)
{
	struct kunit_count count = {}, cases = {};
	int ret = 0;

	pr_info(CASE_INDENT "KTAP version 1\n");
	pr_info(CASE_INDENT "# Subtest: %s\n", suite->name);
	pr_info(CASE_INDENT "1..%u\n", kunit_nr_chosen(suite));
	if (suite->suite_init)
		ret = suite->suite_init(suite);
	if (ret) {
		pr_err(CASE_INDENT "# %s: suite_init failed: %d\n", suite->name,
		       ret);
		count.failed = 1;
		cases.failed = kunit_nr_chosen(suite);
	} else {
		kunit_run_chosen(suite, test, &count, &cases);
	}
	if (suite->suite_exit)
		suite->suite_exit(suite);
	kunit_print_count("", suite->name, &count);
	kunit_print_count("", NULL, &cases);
	kunit_print_result("", kunit_status_of(&count), nr, suite->name, "");
	total->passed += cases.passed;
	total->failed += cases.failed;
	total->skipped += cases.skipped;
}

static unsigned int kunit_nr_suites(void)
{
	struct kunit_suite *const *suite;
	unsigned int nr = 0;

	for (suite = kunit_suites; *suite; suite++)
		nr += !!kunit_nr_chosen(*suite);
	return nr;
}

/**
 * kunit_run_all() - run all suites, or what kunit_filter chooses of them
 *
 * Context: may sleep.
 * Return: how many cases did not pass, those that were skipped included; 1 if
 * there was nothing to run, or -ENOMEM.
 */
int kunit_run_all(void)
{
	struct kunit_suite *const *suite;
	struct kunit_count total = {};
	unsigned int nr = 0;
	struct kunit *test;

	test = kzalloc(sizeof(*test), GFP_KERNEL);
	if (!test)
		return -ENOMEM;
	pr_info("KTAP version 1\n");
	pr_info("1..%u\n", kunit_nr_suites());
	for (suite = kunit_suites; *suite; suite++)
		if (kunit_nr_chosen(*suite))
			kunit_run_suite(*suite, ++nr, test, &total);
	kfree(test);
	return nr ? total.failed + total.skipped : 1;
}
