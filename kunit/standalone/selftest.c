// SPDX-License-Identifier: GPL-2.0
/*
 * The test cases as a module for kernels without KUnit: they run as it is
 * loaded, and it can be loaded only if all of them pass.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>

#include <kunit/test.h>

module_param_named(filter, kunit_filter, charp, 0444);
MODULE_PARM_DESC(filter, "Glob for the cases to run, as in \"suite.case\"");

static int __init selftest_init(void)
{
	return kunit_run_all() ? -ENOTRECOVERABLE : 0;
}

static void __exit selftest_exit(void)
{
}

module_init(selftest_init);
module_exit(selftest_exit);
