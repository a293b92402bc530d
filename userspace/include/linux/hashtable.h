/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful. */
#ifndef _LINUX_HASHTABLE_H
#define _LINUX_HASHTABLE_H

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/log2.h>

#define DEFINE_HASHTABLE(name, bits) \
	struct hlist_head name[1 << (bits)] = { HLIST_HEAD_INIT }
#define HASH_BITS(name) ilog2(ARRAY_SIZE(name))

#define hash_add(table, node, key) \
	hlist_add_head(node, &(table)[hash_64(key, HASH_BITS(table))])
#define hash_del(node) hlist_del_init(node)
#define hash_for_each_possible(table, obj, member, key)                     \
	hlist_for_each_entry(obj, &(table)[hash_64(key, HASH_BITS(table))], \
			     member)

#endif /* _LINUX_HASHTABLE_H */
