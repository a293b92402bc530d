/* SPDX-License-Identifier: GPL-2.0 */
/* Faithful: a list that anyone may push to, interrupts included. */
#ifndef _LINUX_LLIST_H
#define _LINUX_LLIST_H

#include <linux/atomic.h>
#include <linux/stddef.h>

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

#define LLIST_HEAD_INIT(name) \
	{                     \
		NULL          \
	}
#define LLIST_HEAD(name) struct llist_head name = LLIST_HEAD_INIT(name)

static inline void init_llist_head(struct llist_head *head)
{
	head->first = NULL;
}

static inline bool llist_empty(const struct llist_head *head)
{
	return !READ_ONCE(head->first);
}

/* Returns true if the list was empty. */
static inline bool llist_add_batch(struct llist_node *first,
				   struct llist_node *last,
				   struct llist_head *head)
{
	struct llist_node *old = READ_ONCE(head->first);

	do {
		last->next = old;
	} while (!try_cmpxchg(&head->first, &old, first));
	return !old;
}

static inline bool llist_add(struct llist_node *node, struct llist_head *head)
{
	return llist_add_batch(node, node, head);
}

static inline struct llist_node *llist_del_all(struct llist_head *head)
{
	return xchg(&head->first, NULL);
}

static inline struct llist_node *llist_reverse_order(struct llist_node *node)
{
	struct llist_node *reversed = NULL, *next;

	for (; node; node = next) {
		next = node->next;
		node->next = reversed;
		reversed = node;
	}
	return reversed;
}

/*
 * The end of a list has an entry too, whose node is the null pointer: computed
 * as a number, since an offset from a null pointer is undefined.
 */
#define llist_entry(ptr, type, member)                                        \
	({                                                                    \
		const struct llist_node *entry_node = (ptr);                  \
		(type *)((unsigned long)entry_node - offsetof(type, member)); \
	})

#define SHIM_LLIST_NONE(pos, member) \
	((unsigned long)(pos) + offsetof(__typeof__(*(pos)), member) == 0)

#define llist_for_each_safe(pos, n, node) \
	for ((pos) = (node); (pos) && ((n) = (pos)->next, true); (pos) = (n))

#define llist_for_each_entry_safe(pos, n, node, member)                        \
	for (pos = llist_entry((node), __typeof__(*(pos)), member);            \
	     !SHIM_LLIST_NONE(pos, member) &&                                  \
	     (n = llist_entry((pos)->member.next, __typeof__(*n), member), 1); \
	     pos = n)

#endif /* _LINUX_LLIST_H */
