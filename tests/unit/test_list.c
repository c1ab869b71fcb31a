/* SPDX-License-Identifier: MIT */
/*
 * test_list.c - a ring through a head keeps order and lets go of any element.
 */
#include "engine/base/list.h"

#include "tests/unit/table.h"

struct waiter {
    int id;
    struct chek_list link;
};

/* The ids of a list forwards as a decimal number; backwards must say the same. */
static int
list_ids(const struct chek_list *head)
{
    int forwards = 0;
    int backwards = 0;
    int power = 1;
    for (struct chek_list *at = head->next; at != head; at = at->next) {
        forwards = forwards * 10 + CHEK_CONTAINER_OF(at, struct waiter, link)->id;
    }
    for (struct chek_list *at = head->previous; at != head; at = at->previous) {
        backwards += power * CHEK_CONTAINER_OF(at, struct waiter, link)->id;
        power *= 10;
    }
    assert_int_equal(forwards, backwards);
    return forwards;
}

static void
test_list_keeps_order(void **state)
{
    (void)state;
    struct chek_list head;
    struct waiter waiters[] = {{.id = 1}, {.id = 2}, {.id = 3}, {.id = 4}};
    chek_list_init(&head);
    assert_true(chek_list_is_empty(&head));
    for (size_t i = 0; i < 3; i++) {
        chek_list_add(&head, &waiters[i].link);
    }
    assert_false(chek_list_is_empty(&head));
    assert_int_equal(list_ids(&head), 123);
    chek_list_add(&waiters[1].link, &waiters[3].link); /* before the second */
    assert_int_equal(list_ids(&head), 1423);
}

static void
test_list_remove_takes_out_any_element(void **state)
{
    (void)state;
    struct chek_list head;
    struct waiter waiters[] = {{.id = 1}, {.id = 2}, {.id = 3}};
    chek_list_init(&head);
    for (size_t i = 0; i < 3; i++) {
        chek_list_add(&head, &waiters[i].link);
    }
    chek_list_remove(&waiters[1].link);
    assert_int_equal(list_ids(&head), 13);
    assert_true(chek_list_is_empty(&waiters[1].link));
    chek_list_remove(&waiters[1].link); /* harmless */
    assert_int_equal(list_ids(&head), 13);
    chek_list_remove(&waiters[0].link);
    chek_list_remove(&waiters[2].link);
    assert_true(chek_list_is_empty(&head));
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_TEST(&table, test_list_keeps_order);
    TABLE_TEST(&table, test_list_remove_takes_out_any_element);
    return table_run(&table, "list");
}
