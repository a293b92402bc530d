/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: hash lists that readers walk while one who writes changes them. */
#ifndef _LINUX_RCULIST_H
#define _LINUX_RCULIST_H

#include <linux/list.h>
#include <linux/rcupdate.h>

static inline void hlist_add_head_rcu(struct hlist_node *node,
				      struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	node->next = first;
	node->pprev = &head->first;
	rcu_assign_pointer(head->first, node);
	if (first)
		first->pprev = &node->next;
}

/* The node still points to the next one, for readers that are at it. */
static inline void hlist_del_rcu(struct hlist_node *node)
{
	__hlist_del(node);
	node->pprev = LIST_POISON2;
}

#define hlist_for_each_entry_rcu(pos, head, member)                           \
	for (pos = hlist_entry_safe(rcu_dereference((head)->first),           \
				    __typeof__(*(pos)), member);              \
	     pos; pos = hlist_entry_safe(rcu_dereference((pos)->member.next), \
					 __typeof__(*(pos)), member))

#endif /* _LINUX_RCULIST_H */
