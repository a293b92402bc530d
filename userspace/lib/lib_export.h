/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before every file of the library: what its users see is what their
 * two headers declare, and no more, whatever else these include here.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/slab.h>
#include <linux/types.h>

#pragma GCC visibility push(default)
#include "../../bytepool.h"
#include "public/bytepool_debugfs.h"
#pragma GCC visibility pop
