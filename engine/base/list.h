/* SPDX-License-Identifier: MIT */
/*
 * list.h - the one intrusive, doubly linked list.
 *
 * A list is a ring through a head; an element that is in no list points to itself. For run-time
 * objects (connections, waiters), never for state: state has references, not pointers.
 */
#ifndef CHEK_BASE_LIST_H
#define CHEK_BASE_LIST_H

#include "engine/base/attribute.h"

struct chek_list {
    struct chek_list *next, *previous;
};

static inline void
chek_list_init(struct chek_list *list)
{
    list->next = list->previous = list;
}

static inline bool
chek_list_is_empty(const struct chek_list *list)
{
    return list->next == list;
}

/* Put `element`, which is in no list, before `at`: at the end when `at` is a head. */
static inline void
chek_list_add(struct chek_list *at, struct chek_list *element)
{
    element->previous = at->previous;
    element->next = at;
    at->previous->next = element;
    at->previous = element;
}

/* Take an element out of its list; harmless when it is in none. */
static inline void
chek_list_remove(struct chek_list *element)
{
    element->previous->next = element->next;
    element->next->previous = element->previous;
    chek_list_init(element);
}

#endif
