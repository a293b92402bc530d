/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small KUnit, for where there is none: kernels built without it, and
 * userspace. Of Linux 6.1's <kunit/test.h> this has what test cases use, under
 * the same names and with the same meaning, and with the same guard, so that
 * it takes that header's place where it is included first.
 *
 * Every case runs in a thread of its own, which a failed assertion ends. So
 * assertions are for that thread alone; expectations may be checked anywhere
 * that may print.
 */
#ifndef _KUNIT_TEST_H
#define _KUNIT_TEST_H

#include <linux/compiler.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>

#define KUNIT_PARAM_DESC_SIZE	  128
#define KUNIT_STATUS_COMMENT_SIZE 256

enum kunit_status {
	KUNIT_SUCCESS,
	KUNIT_FAILURE,
	KUNIT_SKIPPED,
};

/**
 * struct kunit - a running case
 * @priv: for the case and its suite
 * @name: of the case
 * @param_value: the parameter of a case that has some
 * @status: how it went so far
 * @status_comment: why it was skipped
 * @memory: what kunit_kzalloc() gave; protected by @lock
 * @lock: protects @memory
 * @done: completed by the case's thread as it ends
 */
struct kunit {
	void *priv;
	const char *name;
	const void *param_value;

	/* private: */
	enum kunit_status status;
	char status_comment[KUNIT_STATUS_COMMENT_SIZE];
	struct list_head memory;
	spinlock_t lock; /* protects memory */
	struct completion done;
};

/**
 * struct kunit_case - a case of a suite
 * @run_case: the case
 * @name: its name
 * @generate_params: returns the parameter after prev, or NULL after the last,
 *	and describes it; NULL for a case without parameters
 */
struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(const void *prev, char *desc);
};

/**
 * struct kunit_suite - cases that belong together
 * @name: of the suite
 * @suite_init: called before the first case
 * @suite_exit: called after the last case
 * @init: called before each case, in its thread
 * @exit: called after each case, whether @init or the case failed or not
 * @test_cases: ends with an empty one
 */
struct kunit_suite {
	const char name[256];
	int (*suite_init)(struct kunit_suite *suite);
	void (*suite_exit)(struct kunit_suite *suite);
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

extern struct kunit_suite *const kunit_suites[];

/* What of all to run: a glob for "suite.case", or NULL. */
extern char *kunit_filter;

int kunit_run_all(void);

void *__must_check kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp);
__printf(2, 3) void kunit_skip_case(struct kunit *test, const char *fmt, ...);

/**
 * struct kunit_place - a check in the source
 * @file: where it is
 * @line: where it is
 * @abort: it is an assertion: its failure ends the case
 */
struct kunit_place {
	const char *file;
	int line;
	bool abort;
};

/* How the two sides of a comparison that failed are shown. */
enum kunit_show {
	KUNIT_SHOW_NUMBER,
	KUNIT_SHOW_POINTER,
	KUNIT_SHOW_STRING,
};

/**
 * struct kunit_comparison - a comparison that failed
 * @show: how to show the values
 * @left_text: the left side in the source
 * @op: how it should have compared
 * @right_text: the right side in the source
 * @left: value of the left side
 * @right: value of the right side
 */
struct kunit_comparison {
	enum kunit_show show;
	const char *left_text;
	const char *op;
	const char *right_text;
	long long left;
	long long right;
};

__printf(4, 5) void kunit_failed(struct kunit *test,
				 const struct kunit_place *place,
				 const char *text, const char *fmt, ...);
__printf(4, 5) void kunit_differs(struct kunit *test,
				  const struct kunit_place *place,
				  const struct kunit_comparison *comparison,
				  const char *fmt, ...);

/* clang-format off */

#define KUNIT_CASE(test_name)						\
	{ .run_case = test_name, .name = #test_name }
#define KUNIT_CASE_PARAM(test_name, gen_params)				\
	{ .run_case = test_name, .name = #test_name,			\
	  .generate_params = gen_params }

#define KUNIT_ARRAY_PARAM(name, array, get_desc)			\
static const void *name##_gen_params(const void *prev, char *desc)	\
{									\
	const typeof((array)[0]) * const first = array;			\
	const typeof(*first) *next = prev;				\
	void (*describe)(typeof(next), char *) = get_desc;		\
									\
	next = next ? next + 1 : first;					\
	if (next == first + sizeof(array) / sizeof(*first))		\
		return NULL;						\
	if (describe)							\
		describe(next, desc);					\
	return next;							\
}

/* Once in a program or module. */
#define kunit_test_suites(...)						\
	struct kunit_suite *const kunit_suites[] = { __VA_ARGS__, NULL }

#define kunit_info(test, fmt, ...)					\
	pr_info("    # %s: " fmt "\n", (test)->name, ##__VA_ARGS__)
#define kunit_err(test, fmt, ...)					\
	pr_err("    # %s: " fmt "\n", (test)->name, ##__VA_ARGS__)
#define kunit_skip(test, fmt, ...)					\
	kunit_skip_case(test, fmt, ##__VA_ARGS__)

#define KUNIT_HERE(is_abort)						\
	(&(const struct kunit_place){ __FILE__, __LINE__, is_abort })

#define KUNIT_CHECK(test, is_abort, condition, text, fmt, ...) do {	\
	if (!(condition))						\
		kunit_failed(test, KUNIT_HERE(is_abort), text, fmt,	\
			     ##__VA_ARGS__);				\
} while (0)

#define KUNIT_COMPARISON(show, l_text, op_text, r_text, l, r)		\
	(&(const struct kunit_comparison){				\
		show, l_text, op_text, r_text,				\
		(long long)(l), (long long)(r) })

#define KUNIT_COMPARE(test, is_abort, l, op, r, fmt, ...) do {		\
	const typeof(l) left_ = (l);					\
	const typeof(r) right_ = (r);					\
									\
	if (!(left_ op right_))						\
		kunit_differs(test, KUNIT_HERE(is_abort),		\
			      KUNIT_COMPARISON(KUNIT_SHOW_NUMBER,	\
					       #l, #op, #r,		\
					       left_, right_),		\
			      fmt, ##__VA_ARGS__);			\
} while (0)

#define KUNIT_COMPARE_PTR(test, is_abort, l, op, r, fmt, ...) do {	\
	const void *left_ = (l);					\
	const void *right_ = (r);					\
									\
	if (!(left_ op right_))						\
		kunit_differs(test, KUNIT_HERE(is_abort),		\
			      KUNIT_COMPARISON(KUNIT_SHOW_POINTER,	\
					       #l, #op, #r,		\
					       (unsigned long)left_,	\
					       (unsigned long)right_),	\
			      fmt, ##__VA_ARGS__);			\
} while (0)

#define KUNIT_COMPARE_STR(test, is_abort, l, op, r, fmt, ...) do {	\
	const char *left_ = (l);					\
	const char *right_ = (r);					\
									\
	if (!(strcmp(left_, right_) op 0))				\
		kunit_differs(test, KUNIT_HERE(is_abort),		\
			      KUNIT_COMPARISON(KUNIT_SHOW_STRING,	\
					       #l, #op, #r,		\
					       (unsigned long)left_,	\
					       (unsigned long)right_),	\
			      fmt, ##__VA_ARGS__);			\
} while (0)

#define KUNIT_CHECK_NOT_ERR(test, is_abort, ptr, fmt, ...)		\
	KUNIT_CHECK(test, is_abort, !IS_ERR_OR_NULL(ptr),		\
		    #ptr " is an error or NULL", fmt, ##__VA_ARGS__)

#define KUNIT_FAIL(test, fmt, ...)					\
	kunit_failed(test, KUNIT_HERE(false), NULL, fmt, ##__VA_ARGS__)

#define KUNIT_EXPECT_TRUE_MSG(test, condition, fmt, ...)		\
	KUNIT_CHECK(test, false, condition, #condition " is false",	\
		    fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_FALSE_MSG(test, condition, fmt, ...)		\
	KUNIT_CHECK(test, false, !(condition),				\
		    #condition " is true", fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_EQ_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE(test, false, left, ==, right, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_NE_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE(test, false, left, !=, right, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_LT_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE(test, false, left, <, right, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_LE_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE(test, false, left, <=, right, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_GT_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE(test, false, left, >, right, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_GE_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE(test, false, left, >=, right, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_PTR_EQ_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE_PTR(test, false, left, ==, right, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_PTR_NE_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE_PTR(test, false, left, !=, right, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_NULL_MSG(test, ptr, fmt, ...)			\
	KUNIT_COMPARE_PTR(test, false, ptr, ==, NULL, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_NOT_NULL_MSG(test, ptr, fmt, ...)			\
	KUNIT_COMPARE_PTR(test, false, ptr, !=, NULL, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_NOT_ERR_OR_NULL_MSG(test, ptr, fmt, ...)		\
	KUNIT_CHECK_NOT_ERR(test, false, ptr, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_STREQ_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE_STR(test, false, left, ==, right, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_STRNEQ_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE_STR(test, false, left, !=, right, fmt, ##__VA_ARGS__)

#define KUNIT_EXPECT_TRUE(test, condition)				\
	KUNIT_EXPECT_TRUE_MSG(test, condition, NULL)
#define KUNIT_EXPECT_FALSE(test, condition)				\
	KUNIT_EXPECT_FALSE_MSG(test, condition, NULL)
#define KUNIT_EXPECT_EQ(test, left, right)				\
	KUNIT_EXPECT_EQ_MSG(test, left, right, NULL)
#define KUNIT_EXPECT_NE(test, left, right)				\
	KUNIT_EXPECT_NE_MSG(test, left, right, NULL)
#define KUNIT_EXPECT_LT(test, left, right)				\
	KUNIT_EXPECT_LT_MSG(test, left, right, NULL)
#define KUNIT_EXPECT_LE(test, left, right)				\
	KUNIT_EXPECT_LE_MSG(test, left, right, NULL)
#define KUNIT_EXPECT_GT(test, left, right)				\
	KUNIT_EXPECT_GT_MSG(test, left, right, NULL)
#define KUNIT_EXPECT_GE(test, left, right)				\
	KUNIT_EXPECT_GE_MSG(test, left, right, NULL)
#define KUNIT_EXPECT_PTR_EQ(test, left, right)				\
	KUNIT_EXPECT_PTR_EQ_MSG(test, left, right, NULL)
#define KUNIT_EXPECT_PTR_NE(test, left, right)				\
	KUNIT_EXPECT_PTR_NE_MSG(test, left, right, NULL)
#define KUNIT_EXPECT_NULL(test, ptr)					\
	KUNIT_EXPECT_NULL_MSG(test, ptr, NULL)
#define KUNIT_EXPECT_NOT_NULL(test, ptr)				\
	KUNIT_EXPECT_NOT_NULL_MSG(test, ptr, NULL)
#define KUNIT_EXPECT_NOT_ERR_OR_NULL(test, ptr)				\
	KUNIT_EXPECT_NOT_ERR_OR_NULL_MSG(test, ptr, NULL)
#define KUNIT_EXPECT_STREQ(test, left, right)				\
	KUNIT_EXPECT_STREQ_MSG(test, left, right, NULL)
#define KUNIT_EXPECT_STRNEQ(test, left, right)				\
	KUNIT_EXPECT_STRNEQ_MSG(test, left, right, NULL)

#define KUNIT_ASSERT_TRUE_MSG(test, condition, fmt, ...)		\
	KUNIT_CHECK(test, true, condition, #condition " is false",	\
		    fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_FALSE_MSG(test, condition, fmt, ...)		\
	KUNIT_CHECK(test, true, !(condition),				\
		    #condition " is true", fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_EQ_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE(test, true, left, ==, right, fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_NE_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE(test, true, left, !=, right, fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_LT_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE(test, true, left, <, right, fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_LE_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE(test, true, left, <=, right, fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_GT_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE(test, true, left, >, right, fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_GE_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE(test, true, left, >=, right, fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_PTR_EQ_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE_PTR(test, true, left, ==, right, fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_PTR_NE_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE_PTR(test, true, left, !=, right, fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_NULL_MSG(test, ptr, fmt, ...)			\
	KUNIT_COMPARE_PTR(test, true, ptr, ==, NULL, fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_NOT_NULL_MSG(test, ptr, fmt, ...)			\
	KUNIT_COMPARE_PTR(test, true, ptr, !=, NULL, fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_NOT_ERR_OR_NULL_MSG(test, ptr, fmt, ...)		\
	KUNIT_CHECK_NOT_ERR(test, true, ptr, fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_STREQ_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE_STR(test, true, left, ==, right, fmt, ##__VA_ARGS__)
#define KUNIT_ASSERT_STRNEQ_MSG(test, left, right, fmt, ...)		\
	KUNIT_COMPARE_STR(test, true, left, !=, right, fmt, ##__VA_ARGS__)

#define KUNIT_ASSERT_TRUE(test, condition)				\
	KUNIT_ASSERT_TRUE_MSG(test, condition, NULL)
#define KUNIT_ASSERT_FALSE(test, condition)				\
	KUNIT_ASSERT_FALSE_MSG(test, condition, NULL)
#define KUNIT_ASSERT_EQ(test, left, right)				\
	KUNIT_ASSERT_EQ_MSG(test, left, right, NULL)
#define KUNIT_ASSERT_NE(test, left, right)				\
	KUNIT_ASSERT_NE_MSG(test, left, right, NULL)
#define KUNIT_ASSERT_LT(test, left, right)				\
	KUNIT_ASSERT_LT_MSG(test, left, right, NULL)
#define KUNIT_ASSERT_LE(test, left, right)				\
	KUNIT_ASSERT_LE_MSG(test, left, right, NULL)
#define KUNIT_ASSERT_GT(test, left, right)				\
	KUNIT_ASSERT_GT_MSG(test, left, right, NULL)
#define KUNIT_ASSERT_GE(test, left, right)				\
	KUNIT_ASSERT_GE_MSG(test, left, right, NULL)
#define KUNIT_ASSERT_PTR_EQ(test, left, right)				\
	KUNIT_ASSERT_PTR_EQ_MSG(test, left, right, NULL)
#define KUNIT_ASSERT_PTR_NE(test, left, right)				\
	KUNIT_ASSERT_PTR_NE_MSG(test, left, right, NULL)
#define KUNIT_ASSERT_NULL(test, ptr)					\
	KUNIT_ASSERT_NULL_MSG(test, ptr, NULL)
#define KUNIT_ASSERT_NOT_NULL(test, ptr)				\
	KUNIT_ASSERT_NOT_NULL_MSG(test, ptr, NULL)
#define KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ptr)				\
	KUNIT_ASSERT_NOT_ERR_OR_NULL_MSG(test, ptr, NULL)
#define KUNIT_ASSERT_STREQ(test, left, right)				\
	KUNIT_ASSERT_STREQ_MSG(test, left, right, NULL)
#define KUNIT_ASSERT_STRNEQ(test, left, right)				\
	KUNIT_ASSERT_STRNEQ_MSG(test, left, right, NULL)

/* clang-format on */

#endif /* _KUNIT_TEST_H */
