// SPDX-License-Identifier: GPL-2.0
/*
 * The test cases as a module for kernels without KUnit: they run as it is
 * loaded, and how many did not pass is in the parameter "failed" then.
 *
 * It can be loaded if some fail, too: an insmod may take an error for that of an
 * old kernel, and load the module once more in another way.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>

#include <kunit/test.h>

module_param_named(filter, kunit_filter, charp, 0444);
MODULE_PARM_DESC(filter, "Glob for the cases to run, as in \"suite.case\"");

static int failed;
module_param(failed, int, 0444);
MODULE_PARM_DESC(failed, "How many cases did not pass; -12: no memory");

static int __init selftest_init(void)
{
	failed = kunit_run_all();
	return 0;
}

static void __exit selftest_exit(void)
{
}

module_init(selftest_init);
module_exit(selftest_exit);
